"""Matrix products, and stacks of them, for every dtype and any strides of the operands.

    out = alpha * a @ b + beta * bias          out (m, n), a (m, k), b (k, n), or a batch of each

Where to look:

    tile.py       the innermost tile: what happens in the vector registers
    pack.py       operands copied into the order in which a tile reads them
    blocked.py    around it, blocks for the caches: float32 and float64
    halves.py     float16 and bfloat16, computed in float32
    vector.py     a matrix and a vector: as fast as the matrix comes from memory
    plain.py      integers and complex numbers
    matrix.py     how a kernel gets sizes and strides
    cuda.py       all of it on a GPU
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numba import types

from numbatorch_kernels import cpu, memory, parallel
from numbatorch_kernels.gemm.blocked import SCRATCH_BYTES, blocked_product
from numbatorch_kernels.gemm.halves import narrow
from numbatorch_kernels.gemm.matrix import matrix
from numbatorch_kernels.gemm.plain import plain_product
from numbatorch_kernels.gemm.tile import registers
from numbatorch_kernels.gemm.vector import vector_product
from numbatorch_kernels.registry import Kernel

matmul = Kernel("matmul")

SHARE = 1 << 20  # multiplications worth a thread: some 20 us
SHARE_OF_MEMORY = 1 << 17  # where each reads an element of its own
HALF, BFLOAT = "e", "H"  # the codes of NumPy's float16 and uint16; bfloat16 is stored as the latter


@matmul.on("cpu")
def gemm(out, a, b, bias=None, alpha=1, beta=1) -> None:
    """out = alpha * a @ b + beta * bias: arrays of one dtype, (m, n) or (batch, m, n).

    a and b may have any strides, also 0; a matrix among batches is used for each of them. `bias` is (n,), (m, n),
    (batch, m, n) or `out` itself; without one nothing is added. The columns of out and bias are neighbours. Halves
    are added up in float32 and rounded once. The result is the same for any number of threads.
    """
    if bias is None:
        bias, beta = out, 0
    code, shape = out.dtype.char, out.shape
    if not out.size:
        return
    if code == "f" or code == "d":
        if shape[-1] == 1 or shape[-2] == 1:
            _vector(out, a, b, bias, alpha, beta)
        else:
            _blocked(out, a, b, bias, alpha, beta)
    elif code == HALF or code == BFLOAT:
        product = memory.empty(shape, np.dtype(np.float32))
        _blocked(product, a, b, product, alpha, 0)
        grain = SHARE_OF_MEMORY // shape[-1] + 1
        parallel.run(_narrow_entry(code), out.size // shape[-1], grain, out, product, bias, beta, code == BFLOAT)
    else:
        grain = SHARE // (shape[-1] * a.shape[-1] + 1) + 1
        parallel.run(_plain_entry(code), out.size // shape[-1], grain, out, a, b, bias, alpha, beta)


def _vector(out, a, b, bias, alpha, beta) -> None:
    """One of out's sizes is 1."""
    grain = SHARE_OF_MEMORY // (a.shape[-1] + 1) + 1
    parallel.run(_vector_entry(out.dtype.char), out.size, grain, out, a, b, bias, alpha, beta)


def _blocked(out, a, b, bias, alpha, beta) -> None:
    """out is float32 or float64."""
    shape, k = out.shape, a.shape[-1]
    if not k:
        out[...] = beta * bias if beta else 0
        return
    entry = _blocked_entry(out.dtype.char, a.dtype.char)
    threads = parallel.get_num_threads()
    scratch = _spare.pop() if _spare else _scratch(threads)
    shares = min(threads, out.size * k // SHARE)
    if shares < 2:
        entry(out, a, b, bias, alpha, beta, shape[-2], shape[-1], scratch, 1, 0, 1)
    else:
        if scratch.nbytes < shares * SCRATCH_BYTES:
            scratch = _scratch(shares)
        rows, columns = _pieces(shape, shares, out.itemsize)
        parallel.run(entry, shares, 1, out, a, b, bias, alpha, beta, rows, columns, scratch, shares)
    _spare.append(scratch)


_spare: list[np.ndarray] = []  # packed blocks go here; a call takes one out, so that calls from several threads are safe


def _scratch(shares: int) -> np.ndarray:
    return memory.empty((shares * SCRATCH_BYTES,), np.dtype(np.uint8))


@lru_cache(maxsize=1024)
def _pieces(shape: tuple[int, ...], shares: int, itemsize: int) -> tuple[int, int]:
    """Rows and columns of the pieces in which `shares` threads compute the matrices of a batch.

    A matrix is cut down and across so that computing and packing the largest piece take least. To pack an element
    takes as long as some ten multiplications.
    """
    *batch, m, n = shape
    if batch and (batch[0] % shares == 0 or batch[0] >= 8 * shares):
        return m, n
    tile = registers()
    height, width = tile.rows, tile.vectors * tile.bytes // itemsize
    cuts = [(down, shares // down) for down in range(1, shares + 1)]
    pieces = [(-(-m // (down * height)) * height, -(-n // (across * width)) * width) for down, across in cuts]
    return min(pieces, key=lambda piece: piece[0] * piece[1] + 10 * (piece[0] + piece[1]))


# ---- entry points, by the codes of dtypes ----


@cache
def _blocked_entry(out: str, operands: str):
    to, of = matrix(np.dtype(out)), matrix(np.dtype(operands))
    return cpu.compiled(blocked_product, to, of, of, to, float, float, int, int, out, int, int, int)


@cache
def _vector_entry(code: str):
    of = matrix(np.dtype(code))
    return cpu.compiled(vector_product, of, of, of, of, float, float, int, int, fastmath={"reassoc", "contract"})


@cache
def _plain_entry(code: str):
    of = matrix(np.dtype(code))
    number = types.complex128 if code in "FD" else int
    return cpu.compiled(plain_product, of, of, of, of, number, number, int, int)


@cache
def _narrow_entry(code: str):
    words, product = matrix(np.dtype(np.uint16)), matrix(np.dtype(np.float32))
    return cpu.compiled(narrow, words, product, words, float, int, int, int)
