"""CRC-32 by carry-less multiplication: the checksum of zip files, at four times zlib's speed.

A message is a polynomial over GF(2), its checksum the rest of a division by CRC-32's own. Eight registers of 128 bits hold what the
message so far is congruent to; a step moves them by 1024 bits, which is a multiplication of each half by a constant, and
adds the next 128 bytes. At the end zlib takes the rest of the eight registers.

V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009.
"""

from __future__ import annotations

import functools
import platform
import zlib

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from numbatorch_kernels.cpu import compiled

_LANES = 8
BLOCK = 16 * _LANES  # bytes that one step takes
_POLYNOMIAL = 0x104C11DB7
_HALVES = ir.VectorType(ir.IntType(64), 2)


def _constant(power: int) -> int:
    """x^power modulo the polynomial, as the multiplication takes it: bits in reverse, moved by one."""
    rest = 1
    for _ in range(power):
        rest <<= 1
        rest ^= _POLYNOMIAL * (rest >> 32)
    return int(f"{rest:032b}"[::-1], 2) << 1


@intrinsic
def _fold(typingctx, state, data, blocks):
    """Take `blocks` blocks of `data` into the registers at `state`."""

    def codegen(context, builder, signature, args):
        state, data, blocks = args
        constants = ir.Constant(_HALVES, [_constant(8 * BLOCK + 32), _constant(8 * BLOCK - 32)])
        which = ir.IntType(8)
        kind = ir.FunctionType(_HALVES, [_HALVES, _HALVES, which])
        multiply = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq")

        def read(start, lane):
            place = builder.bitcast(builder.gep(start, [ir.IntType(64)(16 * lane)]), _HALVES.as_pointer())
            return builder.load(place, align=1)

        lanes = [cgutils.alloca_once_value(builder, read(state, lane)) for lane in range(_LANES)]
        with cgutils.for_range(builder, blocks) as loop:
            block = builder.gep(data, [builder.mul(loop.index, ir.IntType(64)(BLOCK))])
            for lane, register in enumerate(lanes):
                held = builder.load(register)
                low, high = (builder.call(multiply, [held, constants, which(half)]) for half in (0x00, 0x11))
                builder.store(builder.xor(builder.xor(low, high), read(block, lane)), register)
        for lane, register in enumerate(lanes):
            place = builder.bitcast(builder.gep(state, [ir.IntType(64)(16 * lane)]), _HALVES.as_pointer())
            builder.store(builder.load(register), place, align=1)
        return context.get_dummy_value()

    return types.void(state, data, types.int64), codegen


def fold_kernel(state, data, blocks):
    """`_fold`"""
    _fold(state, data, blocks)


@functools.cache
def available() -> bool:
    """Whether this machine multiplies so."""
    return platform.machine() in ("x86_64", "AMD64") and bool(binding.get_host_cpu_features().get("pclmul"))


def crc32(data: np.ndarray, crc: int = 0) -> int:
    """zlib.crc32 of contiguous bytes; other threads may run meanwhile."""
    blocks = len(data) // BLOCK
    if blocks < 2:
        return zlib.crc32(data.data, crc)
    state = data[:BLOCK].copy()
    state[:4] ^= np.frombuffer((~crc & 0xFFFFFFFF).to_bytes(4, "little"), np.uint8)
    compiled(fold_kernel, "u1", "u1", int)(state, data[BLOCK:], blocks - 1)
    return zlib.crc32(data[blocks * BLOCK :].data, zlib.crc32(state.data, 0xFFFFFFFF))
