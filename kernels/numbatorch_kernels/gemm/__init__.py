"""Matrix products, and stacks of them, for every dtype and any strides of the operands.

    out = max(alpha * a @ b + beta * bias, floor)          out (m, n), a (m, k), b (k, n), or batches

Where to look:

    tile.py       the innermost tile: what happens in the vector registers
    slim.py       the same for few columns: one vector wide, operands read where they are
    lanes.py      what vector loops are written with
    pack.py       operands copied into the order in which a tile reads them
    blocked.py    around it, blocks for the caches: float32 and float64
    halves.py     float16 and bfloat16, computed in float32
    vector.py     a matrix and a vector: as fast as the matrix comes from memory
    small.py      small matrices: one native call from Python does it all
    plain.py      integers, and small complex matrices: large ones are multiplied in parts
    matrix.py     how a kernel gets sizes and strides
    cuda.py       all of it on a GPU
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from math import inf, prod
from typing import Any

import numpy as np
from numba import types

from numbatorch_kernels import cpu, memory, parallel
from numbatorch_kernels.gemm.blocked import SCRATCH_BYTES, blocked_product
from numbatorch_kernels.gemm.halves import narrow
from numbatorch_kernels.gemm.matrix import matrix as operand  # the name of a module belongs to it
from numbatorch_kernels.gemm.plain import plain_product
from numbatorch_kernels.gemm.small import layer, product
from numbatorch_kernels.gemm.tile import registers
from numbatorch_kernels.gemm.vector import PIECE, inner_product, vector_product
from numbatorch_kernels.making import making
from numbatorch_kernels.registry import Kernel

matmul = Kernel("matmul")

SHARE = 1 << 18  # multiplications worth a thread: some 5 us
IN_PARTS = 1 << 15  # multiplications from which complex matrices are multiplied in parts
OF_A_MATRIX = 1 << 10  # multiplications in the time that a matrix of a stack takes, beside its own
SHARE_OF_MEMORY = 1 << 17  # where each reads an element of its own
HALF, BFLOAT = "e", "H"  # the codes of NumPy's float16 and uint16; bfloat16 is stored as the latter
PIECES = (
    12  # of two vectors, worth a thread: few threads, so that each finds in its cache what it has read before
)
PIECE_IN_PARTS = 1 << 18  # numbers that a product computes in beside its result
WHOLE = 1 << 28  # rows and columns of a piece that is the whole matrix

_matrix_kernels: dict[str, Callable] = {}  # blocked_product for float32 and float64, by code, once compiled
_vector_kernels: dict[str, Callable] = {}  # vector_product
_spare: list[np.ndarray] = []  # scratch; a call takes one, so that calls from several threads are safe


@matmul.on("cpu")
def gemm(out, a, b, bias=None, alpha=1, beta=1, floor=-inf) -> None:
    """out = alpha * a @ b + beta * bias: arrays of one dtype, (m, n), (batch, m, n) or (batch, batch, m, n). Of floats what is
    not above `floor` becomes it.

    a and b may have any strides, also 0, and the axes of their batches broadcast. `bias` is (n,), (m, n), with a
    batch in front, or `out` itself; without one nothing is added. The columns of out and bias are neighbours.
    Halves are added up in float32 and rounded once. The result is the same for any number of
    threads.
    """
    if bias is None:
        bias, beta = out, 0
    shape, work = out.shape, _work(out, a)
    if 0 < work < 2 * SHARE:  # a short way for small matrices and vectors, once there are kernels
        if 1 not in shape:
            if entry := _matrix_kernels.get(out.dtype.char):
                scratch = _spare.pop() if _spare else _scratch(1)
                entry(out, a, b, bias, alpha, beta, floor, WHOLE, WHOLE, scratch, 1, 0, 1)
                _spare.append(scratch)
                return
        elif work < 2 * SHARE_OF_MEMORY and (shape[-1] == 1 or shape[-2] == 1):
            if entry := _vector_kernels.get(out.dtype.char):
                entry(out, a, b, bias, alpha, beta, floor, 0, WHOLE)
                return
    if out.size:
        _any(out, a, b, bias, alpha, beta, floor)


def _work(out, a) -> int:
    """How many multiplications a product is, or takes as long as."""
    work = out.size * a.shape[-1]
    return work + prod(out.shape[:-2]) * OF_A_MATRIX if work and out.ndim > 2 else work


def _any(out, a, b, bias, alpha, beta, floor) -> None:
    """Any product that has elements."""
    code, columns, k = out.dtype.char, out.shape[-1], a.shape[-1]
    rows = out.size // columns
    if code == "f" or code == "d":
        if columns == 1 or out.shape[-2] == 1:
            lines = max(columns, out.shape[-2])
            fours = out.size // lines * ((lines + 3) // 4)
            grain = SHARE_OF_MEMORY // (4 * k + 1) + 1
            parallel.run(_vector_entry(code), fours, grain, out, a, b, bias, alpha, beta, floor)
        else:
            _blocked(out, a, b, bias, alpha, beta, floor)
    elif code == HALF or code == BFLOAT:
        scratch = memory.empty((min(out.size, PIECE_IN_PARTS),), np.dtype(np.float32))
        _by_pieces(_rounded, scratch, out, a, b, bias, alpha, beta, floor)
    elif code in "FD" and out.size * k > IN_PARTS:
        scratch = memory.empty((2 * min(out.size, PIECE_IN_PARTS // 2),), out.real.dtype)
        _by_pieces(_in_parts, scratch, out, a, b, bias, alpha, beta)
    else:
        grain = SHARE // (columns * k + 1) + 1
        parallel.run(_plain_entry(code), rows, grain, out, a, b, bias, alpha, beta)


@cache
def inner_product_of(code: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of two vectors of float32 or float64, of one length: the sum of the products of their elements, in a new
    array of no dimension. Threads share the pieces of long ones."""
    of, dtype = operand(np.dtype(code)), np.dtype(code)
    entry = cpu.compiled(inner_product, code, of, of, int, int, fastmath={"reassoc", "contract"})
    short = making(entry, dtype, ())

    def inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if a.size <= PIECE:
            return short(a, b)
        parts = np.empty(-(-a.size // PIECE), dtype)
        parallel.run(entry, parts.size, PIECES, parts, a, b)
        return np.array(sum(parts.tolist()), dtype)

    return inner


def _by_pieces(product: Callable, scratch, out, a, b, bias, *factors) -> None:
    """A `product` that computes in memory of its own, `scratch`: of one half of the longest axis after the other, until
    that has room for it."""
    if out.size * (2 if out.dtype.kind == "c" else 1) <= scratch.size:
        product(scratch, out, a, b, bias, *factors)
        return
    axis = max(range(-out.ndim, 0), key=lambda axis: out.shape[axis])
    middle = (out.shape[axis] + 1) // 2
    if middle > 64:  # whole tiles
        middle = middle // 64 * 64
    for some in (slice(0, middle), slice(middle, None)):
        rows = a if axis == -1 else _part(a, axis, some)
        columns = b if axis == -2 else _part(b, axis, some)
        ends = _part(out, axis, some), rows, columns, _part(bias, axis, some)
        _by_pieces(product, scratch, *ends, *factors)


def _part(x: Any, axis: int, some: slice) -> Any:
    """`some` of an axis, counted from the end; all of one that broadcasts."""
    if x.ndim < -axis or x.shape[axis] == 1:
        return x
    return x[(..., some, *[slice(None)] * (-axis - 1))]


def _rounded(scratch, out, a, b, bias, alpha, beta, floor) -> None:
    """A product of halves, computed in float32."""
    code, columns = out.dtype.char, out.shape[-1]
    product = scratch[: out.size].reshape(out.shape)
    _blocked(product, a, b, product, alpha, 0, -inf)
    grain = SHARE_OF_MEMORY // columns + 1
    narrowing, rows = _narrow_entry(code), out.size // columns
    parallel.run(narrowing, rows, grain, out, product, bias, beta, floor, code == BFLOAT)


def _in_parts(scratch, out, a, b, bias, alpha, beta) -> None:
    """A product of complex matrices as four of real ones, which have a kernel for the vector registers."""
    real, imag = scratch[: 2 * out.size].reshape((2, *out.shape))
    gemm(real, a.real, b.real)
    gemm(real, a.imag, b.imag, real, -1, 1)
    gemm(imag, a.real, b.imag)
    gemm(imag, a.imag, b.real, imag, 1, 1)
    if alpha == 1 and not beta:
        out.real[...], out.imag[...] = real, imag
        return
    product = alpha * (real + 1j * imag)
    out[...] = product + beta * bias if beta else product


def _blocked(out, a, b, bias, alpha, beta, floor) -> None:
    """out is float32 or float64."""
    if not a.shape[-1]:
        out[...] = beta * bias if beta else 0
        out[out <= floor] = floor
        return
    entry = _blocked_entry(out.dtype.char, a.dtype.char)
    shares = max(1, min(parallel.get_num_threads(), _work(out, a) // SHARE))
    scratch = _spare.pop() if _spare else _scratch(shares)
    if scratch.nbytes < shares * SCRATCH_BYTES:
        scratch = _scratch(shares)
    rows, columns = _piece(out.shape, shares, out.itemsize)
    parallel.run(entry, shares, 1, out, a, b, bias, alpha, beta, floor, rows, columns, scratch, shares)
    _spare.append(scratch)


def _scratch(shares: int) -> np.ndarray:
    return memory.empty((shares * SCRATCH_BYTES,), np.dtype(np.uint8))


@lru_cache(maxsize=1024)
def _piece(shape: tuple[int, ...], shares: int, itemsize: int) -> tuple[int, int]:
    """Rows and columns of the pieces in which `shares` threads compute the matrices of a batch.

    A matrix is cut down and across so that computing and packing the largest piece take least. To pack an
    element takes as long as some ten multiplications.
    """
    *batch, m, n = shape
    count = prod(batch)
    if batch and (count % shares == 0 or count >= 8 * shares):
        return WHOLE, WHOLE
    tile = registers()
    height, width = tile.rows, tile.vectors * tile.bytes // itemsize
    cuts = [(down, shares // down) for down in range(1, shares + 1)]
    pieces = [(-(-m // (down * height)) * height, -(-n // (across * width)) * width) for down, across in cuts]
    return min(pieces, key=lambda piece: piece[0] * piece[1] + 10 * (piece[0] + piece[1]))


# ---- entry points, by the codes of dtypes ----


@cache
def _blocked_entry(code: str, operands: str) -> Callable:
    to, of = operand(np.dtype(code)), operand(np.dtype(operands))
    entry = cpu.compiled(blocked_product, to, of, of, to, float, float, float, int, int, code, int, int, int)
    if code == operands:
        _matrix_kernels[code] = entry
    return entry


@cache
def small_product(code: str) -> Callable:
    """`small.product` for float32 or float64."""
    return product(_blocked_entry(code, code), np.dtype(code))


@cache
def small_layer(code: str) -> Callable:
    """`small.layer` for float32 or float64."""
    return layer(_blocked_entry(code, code), np.dtype(code))


@cache
def _vector_entry(code: str) -> Callable:
    of = operand(np.dtype(code))
    kinds = of, of, of, of, float, float, float, int, int
    entry = _vector_kernels[code] = cpu.compiled(vector_product, *kinds, fastmath={"reassoc", "contract"})
    return entry


@cache
def _plain_entry(code: str) -> Callable:
    of = operand(np.dtype(code))
    number = types.complex128 if code in "FD" else int
    return cpu.compiled(plain_product, of, of, of, of, number, number, int, int)


@cache
def _narrow_entry(code: str) -> Callable:
    words, product = operand(np.dtype(np.uint16)), operand(np.dtype(np.float32))
    return cpu.compiled(narrow, words, product, words, float, float, int, int, int)


# ---- CUDA: see cuda.py, imported late: a program that stays on the CPU never loads a CUDA compiler ----


@matmul.on("cuda")
def _(*args) -> None:
    from numbatorch_kernels.gemm import cuda

    cuda.gemm(*args)
