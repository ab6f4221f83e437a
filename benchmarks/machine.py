"""What this machine can do at most in a second, on all cores: bytes copied, bytes read from caches, multiply-adds."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
COPIED = 1 << 26  # bytes that each thread copies: more than the caches hold
# Bytes that all threads read again and again: as many as 4M numbers of float32, and mostly in caches.
READ = 1 << 24
CHAINS = 12  # multiply-adds that do not wait for each other: latency times throughput of today's cores
STEPS = 1 << 22


def copy_bandwidth() -> float:
    """Bytes read and written in a second by `memcpy` on all cores."""
    sources, targets = [[np.ones(COPIED, np.uint8) for _ in range(THREADS)] for _ in range(2)]
    with ThreadPoolExecutor(THREADS) as pool:
        seconds = min(_wall(lambda: list(pool.map(np.copyto, targets, sources))) for _ in range(10))
    return 2 * THREADS * COPIED / seconds


def cache_bandwidth() -> float:
    """Bytes read in a second from an array that the caches hold, on all cores."""
    from numbatorch_kernels.cpu import compiled

    def kernel(out, words, start, stop):
        total = 0
        for k in range(start, stop):
            total |= words[k]
        out[0] = total

    entry, words = compiled(kernel, "i8", "i8", int, int), READ // 8 // THREADS
    parts = [np.ones(words, np.int64) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:

        def read():
            list(
                pool.map(lambda part: [entry(np.zeros(1, np.int64), part, 0, words) for _ in range(8)], parts)
            )

        seconds = min(_wall(read) for _ in range(20))
    return 8 * READ / seconds


def cache_size() -> float:
    """Bytes in the largest cache; 0 where the system does not tell."""
    name = "SC_LEVEL3_CACHE_SIZE"
    return max(0, os.sysconf(name)) if name in getattr(os, "sysconf_names", ()) else 0


def peak_flops(element: str) -> float:
    """Additions and multiplications in a second, of float32 ("f4") or float64 ("f8"), on all cores."""
    entry, lanes = _chains(element)
    entry(np.zeros(1), 0, 1)
    with ThreadPoolExecutor(THREADS) as pool:
        seconds = min(
            _wall(lambda: list(pool.map(lambda _: entry(np.zeros(1), 0, STEPS), range(THREADS))))
            for _ in range(20)
        )
    return 2 * CHAINS * lanes * STEPS * THREADS / seconds


def limits() -> dict[str, float]:
    """All of them, by name."""
    return {
        "copy_bytes_per_second": copy_bandwidth(),
        "cache_bytes_per_second": cache_bandwidth(),
        "float32_flops_per_second": peak_flops("f4"),
        "float64_flops_per_second": peak_flops("f8"),
    }


def _wall(function) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _chains(element: str):
    """A kernel of `CHAINS` vector multiply-adds a step, on registers alone, and the numbers in a vector."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    from numbatorch_kernels.cpu import compiled
    from numbatorch_kernels.gemm.tile import registers

    scalar = {"f4": ir.FloatType(), "f8": ir.DoubleType()}[element]
    lanes = registers().bytes // int(element[1])
    vector = ir.VectorType(scalar, lanes)

    @intrinsic
    def chains(typingctx, count):
        def codegen(context, builder, signature, args):
            start, loop, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(loop)
            builder.position_at_end(loop)
            step = builder.phi(args[0].type)
            sums = [builder.phi(vector) for _ in range(CHAINS)]
            factor = ir.Constant(vector, [0.5] * lanes)
            name = f"llvm.fma.v{lanes}f{8 * int(element[1])}"
            fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
            after = [builder.call(fma, (total, factor, factor)) for total in sums]
            following = builder.add(step, ir.Constant(step.type, 1))
            builder.cbranch(builder.icmp_signed("<", following, args[0]), loop, end)
            step.add_incoming(ir.Constant(step.type, 0), start)
            step.add_incoming(following, loop)
            for k, (total, result) in enumerate(zip(sums, after, strict=True)):
                total.add_incoming(ir.Constant(vector, [float(k)] * lanes), start)
                total.add_incoming(result, loop)
            builder.position_at_end(end)
            total = after[0]
            for result in after[1:]:
                total = builder.fadd(total, result)
            number = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
            return number if element == "f8" else builder.fpext(number, ir.DoubleType())

        return types.float64(count), codegen

    def kernel(out, start, stop):
        out[0] = chains(stop - start)

    return compiled(kernel, "f8", int, int), lanes
