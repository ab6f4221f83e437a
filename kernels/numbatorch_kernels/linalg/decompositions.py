"""Orthogonal factors, singular values, eigenvalues and least squares of stacks of matrices, (..., m, n) NumPy arrays
of float32, float64, complex64 or complex128: LAPACK's, by `fortran.call`, or of small matrices by kernels.

An operand is copied once, column by column, as LAPACK wants it, which overwrites the copy. Results stay as it writes
them: matrices whose columns are contiguous. `info` is LAPACK's, one for each matrix, 0 where all went well.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np

from numbatorch_kernels import cpu, memory, parallel
from numbatorch_kernels.codes import INFINITE, NAN
from numbatorch_kernels.linalg import bidiagonal, fortran, reflections, tridiagonal
from numbatorch_kernels.linalg.fortran import Work
from numbatorch_kernels.linalg.halves import GRAIN, LEAF
from numbatorch_kernels.linalg.lapack import stack
from numbatorch_kernels.linalg.rotations import LARGEST

Array = np.ndarray


# --- matrices as LAPACK has them: stacks (count, n, m) of columns


def _columns(a: Array, length: int = 0) -> Array:
    """The columns of matrices, copied; longer ones, which end with zeros, if `length` says so."""
    *some, m, n = a.shape
    if length <= m:
        lines = memory.empty((*some, n, m), a.dtype)
        lines[...] = a.swapaxes(-2, -1)
    else:
        lines = memory.empty((*some, n, length), a.dtype)
        lines[..., :m], lines[..., m:] = a.swapaxes(-2, -1), 0
    return stack(lines)


def _empty(a: Array, m: int, n: int) -> Array:
    """The columns of m x n matrices, not yet computed, as many as `a` has."""
    return memory.empty((prod(a.shape[:-2]), n, m), a.dtype)


def _numbers(a: Array, n: int) -> Array:
    """n real numbers for each matrix, not yet computed."""
    return memory.empty((prod(a.shape[:-2]), n), _real(a.dtype))


def _matrices(lines: Array, a: Array) -> Array:
    """The matrices with these columns, in the arrangement of the stack `a`."""
    return (lines[0] if a.ndim == 2 else lines.reshape(*a.shape[:-2], *lines.shape[-2:])).swapaxes(-2, -1)


def _vectors(x: Array, a: Array) -> Array:
    """Vectors, or numbers, in that arrangement."""
    return x.reshape(a.shape[:-2] + x.shape[1:])


@cache
def _real(dtype: np.dtype) -> np.dtype:
    return np.dtype(dtype.char.lower())


def _steps(a: Array) -> tuple[int, ...]:
    """From matrix to matrix, from row to row and from column to column of a stack, or of one matrix, in elements."""
    row, column = a.strides[-2:]
    return a.strides[0] // a.itemsize if a.ndim > 2 else 0, row // a.itemsize, column // a.itemsize


@cache
def _precision(dtype: np.dtype) -> float:
    """The largest error of a rounded number, relative to it."""
    return float(np.finfo(dtype).eps) / 2


def _is_complex(a: Array) -> bool:
    return a.dtype.kind == "c"


# --- singular values


def svd(a: Array, full: bool = False, vectors: bool = True) -> tuple[Array, ...]:
    """U, S and Vᴴ, all vectors if `full`, and info; only S and info if not `vectors`. Of matrices with such numbers info is INFINITE
    or NAN, and S is NaN."""
    m, n = a.shape[-2:]
    # Of taller ones LAPACK makes a Q R first, of wider ones the transposed steps; so vectors have the signs that it gives them.
    if a.size and n <= m <= LARGEST and m < n * 11 // 6 and not _is_complex(a):
        return _small_svd(a, full, vectors)
    finite = np.isfinite(a)
    if finite.all():
        return _large_svd(a, full, vectors)
    *parts, info = _large_svd(np.where(finite, a, 0), full, vectors)
    ill = ~finite.all((-2, -1))
    parts[1 if vectors else 0][ill] = np.nan
    return *parts, np.where(ill, np.where(np.isnan(a).any((-2, -1)), NAN, INFINITE), info)


def _large_svd(a: Array, full: bool, vectors: bool) -> tuple[Array, ...]:
    m, n = a.shape[-2:]
    k = min(m, n)
    lines, values = _columns(a), _numbers(a, k)
    left = right = lines
    if vectors:
        left, right = _empty(a, m, m if full else k), _empty(a, n if full else k, n)
    if k:
        scratch = [Work(8 * k, fortran.integer())]
        if _is_complex(a):
            scratch.insert(0, Work((2 * max(m, n) + 5 * k + 7) * k, values.dtype))
        job = "N" if not vectors else "A" if full else "S"
        info = fortran.call("gesdd", a.dtype, job, m, n, lines, m, values, left, m,
                            right, right.shape[-1], a.dtype, -1, *scratch)  # fmt: skip
    else:
        info = np.zeros(len(lines), np.int32)
        left[...], right[...] = np.eye(*left.shape[1:]), np.eye(*right.shape[1:])
    if not vectors:
        return _vectors(values, a), _vectors(info, a)
    return _matrices(left, a), _vectors(values, a), _matrices(right, a), _vectors(info, a)


@cache
def _small_singular(dtype: np.dtype):
    return cpu.compiled(bidiagonal.svd, dtype, dtype, dtype, "i4", dtype, *[int] * 6, float, *[int] * 3)


def _small_svd(a: Array, full: bool, vectors: bool) -> tuple[Array, ...]:
    *some, m, n = a.shape
    flat, whole = a if a.ndim == 2 else stack(a), m if full else n
    left = right = values = np.empty((*some, n), a.dtype)
    if vectors:
        left, right = memory.empty((*some, whole, m), a.dtype), memory.empty((*some, n, n), a.dtype)
    info = np.empty(some, np.int32)
    grain = GRAIN // (32 * m * n * n) + 1
    parallel.run(_small_singular(a.dtype), info.size, grain, left, right, values, info, flat, *_steps(flat), m, n,
                 whole, _precision(a.dtype), int(vectors))  # fmt: skip
    if not vectors:
        return values, info
    return left.swapaxes(-2, -1), values, right.swapaxes(-2, -1), info


# --- eigenvalues


def eigh(a: Array, triangle: str, vectors: bool = True) -> tuple[Array, ...]:
    """The eigenvalues and vectors of Hermitian matrices, of which one triangle is read, and info; no vectors if not
    `vectors`."""
    n = a.shape[-1]
    if a.size and n <= LARGEST and not _is_complex(a):
        *parts, info = _small_eigh(a, triangle, vectors)
        if not np.count_nonzero(info):
            return *parts, info
    lines, values = _columns(a), _numbers(a, n)
    name, reals = ("heevd", [values.dtype, -1]) if _is_complex(a) else ("syevd", [])
    info = fortran.call(name, a.dtype, "V" if vectors else "N", triangle, n, lines, max(n, 1), values,
                        a.dtype, -1, *reals, fortran.integer(), -1)  # fmt: skip
    if not vectors:
        return _vectors(values, a), _vectors(info, a)
    return _vectors(values, a), _matrices(lines, a), _vectors(info, a)


@cache
def _small_eigen(dtype: np.dtype):
    return cpu.compiled(tridiagonal.eigh, dtype, dtype, "i4", dtype, *[int] * 5, float, *[int] * 3)


def _small_eigh(a: Array, triangle: str, vectors: bool) -> tuple[Array, ...]:
    """As `eigh`; info is not 0, too, where a matrix has infinite numbers, of which LAPACK knows what to make."""
    n, flat = a.shape[-1], a if a.ndim == 2 else stack(a)
    values, info = np.empty(a.shape[:-1], a.dtype), np.empty(a.shape[:-2], np.int32)
    lines = memory.empty(a.shape, a.dtype) if vectors else values
    parallel.run(_small_eigen(a.dtype), info.size, GRAIN // (32 * n * n * n) + 1, values, lines, info, flat,
                 *_steps(flat), n, int(triangle == "U"), _precision(a.dtype), int(vectors))  # fmt: skip
    return (values, lines.swapaxes(-2, -1), info) if vectors else (values, info)


def eig(a: Array, vectors: bool = True) -> tuple[Array, ...]:
    """The eigenvalues and vectors of square matrices, complex, and info; no vectors if not `vectors`."""
    n, pairs = a.shape[-1], vectors and not _is_complex(a)
    rows = max(n, 1)
    values = memory.empty((prod(a.shape[:-2]), n), np.result_type(a.dtype, np.complex64))
    if pairs:  # the memory of complex vectors is that of the matrix and of what LAPACK makes of them
        made = memory.empty((len(values), n, n), values.dtype)
        halves = made.view(a.dtype).reshape(len(values), 2, n, n)
        lines, right = halves[:, 0], halves[:, 1]
        lines[...] = stack(a).swapaxes(-2, -1)
    else:
        lines, right = _columns(a), _empty(a, n, n if vectors else 0)
    parts = [values] if _is_complex(a) else [_numbers(a, n), _numbers(a, n)]
    scratch = [Work(2 * n, _real(a.dtype))] if _is_complex(a) else []
    info = fortran.call("geev", a.dtype, "N", "V" if vectors else "N", n, lines, rows, *parts,
                        lines, rows, right, rows, a.dtype, -1, *scratch)  # fmt: skip
    if not _is_complex(a):
        values.real, values.imag = parts
    if not vectors:
        return _vectors(values, a), _vectors(info, a)
    if pairs:
        entry = cpu.compiled(_pair, made.dtype, a.dtype, made.dtype, *[int] * 3)
        parallel.run(entry, len(made), GRAIN // (n * n + 1) + 1, made, made.view(a.dtype), values, n)
        right = made
    return _vectors(values, a), _matrices(right, a), _vectors(info, a)


def _pair(out, vectors, values, n, start, stop):
    """Complex eigenvectors of matrices start..stop from LAPACK's real ones, which lie in the second half of the same
    memory: of two values that are conjugates, the first has the positive imaginary part, and in place of their vectors
    there are the real and the imaginary part of the first's."""
    line = np.empty(n, np.complex128)
    for matrix in range(start, stop):
        to, j = matrix * n * n, 0
        source = 2 * to + n * n
        while j < n:
            both = values[matrix * n + j].imag != 0 and j + 1 < n
            for i in range(n):
                imaginary = vectors[source + (j + 1) * n + i] if both else 0.0
                line[i] = complex(vectors[source + j * n + i], imaginary)
            for i in range(n):
                out[to + j * n + i] = line[i]
                if both:
                    out[to + (j + 1) * n + i] = line[i].conjugate()
            j += 2 if both else 1


# --- reflections


def geqrf(a: Array) -> tuple[Array, Array]:
    """R in the upper triangle, and below it the vectors of the reflections whose product is Q; their factors."""
    lines, factors = _reflections(a)
    return _matrices(lines, a), _vectors(factors, a)


def _reflections(a: Array) -> tuple[Array, Array]:
    m, n = a.shape[-2:]
    lines = _columns(a)
    factors = memory.empty((len(lines), min(m, n)), a.dtype)
    fortran.call("geqrf", a.dtype, m, n, lines, max(m, 1), factors, a.dtype, -1)
    return lines, factors


def qr(a: Array, mode: str) -> tuple[Array, Array]:
    """Q and R; with mode "r" an empty Q."""
    m, n = a.shape[-2:]
    whole = m if mode == "complete" else min(m, n)  # how many columns Q has, and rows R
    if a.size and max(m, n) <= LEAF:
        return _small_qr(a, whole, mode != "r")
    lines, factors = _reflections(a)
    upper = lines if whole == m else lines[..., :whole].copy()
    orthogonal = lines
    if mode == "r":
        orthogonal = np.empty(0, a.dtype)
    elif upper is lines:
        orthogonal = _empty(a, m, whole)
        orthogonal[:, :n] = lines[:, :whole]
    for j in range(min(n, whole)):
        upper[:, j, j + 1 :] = 0
    if mode == "r":
        return orthogonal, _matrices(upper, a)
    _multiply(orthogonal, factors)
    return _matrices(orthogonal, a), _matrices(upper, a)


@cache
def _small_reflections(dtype: np.dtype):
    return cpu.compiled(reflections.qr, *[dtype] * 4, *[int] * 6)


def _small_qr(a: Array, whole: int, wanted: bool) -> tuple[Array, Array]:
    *some, m, n = a.shape
    lines, upper = memory.empty((*some, n, m), a.dtype), memory.empty((*some, n, whole), a.dtype)
    lines[...] = a.swapaxes(-2, -1)
    factors = np.empty((*some, min(m, n)), a.dtype)
    orthogonal = memory.empty((*some, whole, m), a.dtype) if wanted else factors
    grain = GRAIN // (m * n * (n + whole)) + 1
    parallel.run(_small_reflections(a.dtype), prod(some), grain, orthogonal, upper, lines, factors, m, n, whole,
                 int(wanted))  # fmt: skip
    return orthogonal.swapaxes(-2, -1) if wanted else np.empty(0, a.dtype), upper.swapaxes(-2, -1)


def _multiply(lines: Array, factors: Array) -> None:
    """The first columns of the product of reflections, in place."""
    _, n, m = lines.shape
    name = "ungqr" if _is_complex(lines) else "orgqr"
    fortran.call(name, lines.dtype, m, n, factors.shape[-1], lines, max(m, 1), factors, lines.dtype, -1)


def householder_product(a: Array, factors: Array) -> Array:
    """The first n columns of the product of the reflections that `geqrf` gives."""
    lines = _columns(a)
    _multiply(lines, _flat(factors))
    return _matrices(lines, a)


def _flat(factors: Array) -> Array:
    return factors.reshape(prod(factors.shape[:-1]), factors.shape[-1]).copy()


def ormqr(a: Array, factors: Array, x: Array, left: bool, adjoined: bool) -> Array:
    """Q X, or X Q if not `left`, with Qᴴ for Q if `adjoined`, of the reflections that `geqrf` gives."""
    m, n = x.shape[-2:]
    vectors, lines = _columns(a), _columns(x)
    name, turned = ("unmqr", "C") if _is_complex(a) else ("ormqr", "T")
    fortran.call(name, a.dtype, "L" if left else "R", turned if adjoined else "N", m, n, factors.shape[-1],
                 vectors, max(a.shape[-2], 1), _flat(factors), lines, max(m, 1), a.dtype, -1)  # fmt: skip
    return _matrices(lines, x)


# --- least squares


def lstsq(a: Array, b: Array, rcond: float, driver: str) -> tuple[Array, ...]:
    """X (..., n, k) of least ‖A X - B‖, that of least norm where there are many; the squares of the residuals, which
    mean something where the rank is full and there are more rows than columns; the ranks, but for "gels"; the
    singular values, for "gelsd" and "gelss"; info."""
    m, n = a.shape[-2:]
    k = min(m, n)
    lines, x = _columns(a), _columns(b, n)
    rank = np.zeros((len(lines), 1), fortran.integer())
    values, limit = _numbers(a, k), np.array([rcond], _real(a.dtype))
    given = (m, n, b.shape[-1], lines, max(m, 1), x, max(m, n, 1))
    reals, integers = values.dtype, rank.dtype
    if driver == "gels":
        info = fortran.call("gels", a.dtype, "N", *given, a.dtype, -1)
    elif driver == "gelsy":
        free = np.zeros((len(lines), n), integers)
        scratch = [Work(2 * n, reals)] if _is_complex(a) else []
        info = fortran.call("gelsy", a.dtype, *given, free, limit, rank, a.dtype, -1, *scratch)
    elif driver == "gelss":
        scratch = [Work(5 * k, reals)] if _is_complex(a) else []
        info = fortran.call("gelss", a.dtype, *given, values, limit, rank, a.dtype, -1, *scratch)
    else:
        work = [reals, integers] if _is_complex(a) else [integers]
        info = fortran.call("gelsd", a.dtype, *given, values, limit, rank, a.dtype, -1, *work)
    residuals = np.square(np.abs(x[..., n:])).sum(-1) if m > n else _numbers(b, b.shape[-1])
    return (_matrices(x, a)[..., :n, :], *[_vectors(y, a) for y in (residuals, rank[:, 0], values, info)])
