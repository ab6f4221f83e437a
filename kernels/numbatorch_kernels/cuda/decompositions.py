"""The functions of ../linalg/decompositions.py on CUDA, of contiguous arrays. Results are as there: matrices whose columns are
contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.jacobi import made_diagonal, made_orthogonal, scaled
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.linalg import like, stack, substitute
from numbatorch_kernels.cuda.reflections import multiply, reflected, upper
from numbatorch_kernels.cuda.schur import eigenvalues

# ---- kernels ----


def columns_grid(out, a, m, n, length, count):
    """The columns of row-major matrices, one after the other; longer ones, which end with zeros, if `length` says so."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        column, i = split(k, length)
        matrix, c = split(column, n)
        out[k] = a[(matrix * m + i) * n + c] if i < m else 0


def conjugate_grid(out, x, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[k] = x[k].conjugate()


def widened_grid(out, a, m, whole, rows, columns, count):
    """The lines of m x `whole` matrices: those of `a`, rows x columns, and from there on those of the identity."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        line, i = split(k, m)
        matrix, c = split(line, whole)
        if i < rows and c < columns:
            out[k] = a[(matrix * columns + c) * rows + i]
        else:
            out[k] = i == c


def sign_grid(q, r, n, count):
    """Columns of Q, n x n, change sign where R has a negative number on its diagonal."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        line = k // n
        if r[line * n + line % n].real < 0:
            q[k] = -q[k]


# ---- arrays ----


def _columns(a: DeviceArray, length: int = 0, dtype: Any = None) -> DeviceArray:
    """The columns of matrices, copied; longer ones, which end with zeros, if `length` says so; of another dtype, if given."""
    m, n = a.shape[-2:]
    length = max(length, m)
    lines = like(a, (len(stack(a)), n, length), dtype)
    launcher(columns_grid, lines.dtype, a.dtype, *[int] * 4)(lines, a, m, n, length, lines.size)
    return lines


def _conjugate(out: DeviceArray, x: DeviceArray) -> None:
    launcher(conjugate_grid, out.dtype, x.dtype, int)(out, x, x.size)


def _matrices(lines: DeviceArray, a: DeviceArray) -> DeviceArray:
    """The matrices with these columns, in the arrangement of the stack `a`."""
    return lines.reshape((*a.shape[:-2], *lines.shape[1:])).swapaxes(-2, -1)


def _widened(lines: DeviceArray, m: int, whole: int) -> DeviceArray:
    """The lines of larger matrices, which go on as the identity does."""
    count, columns, rows = lines.shape
    out = like(lines, (count, whole, m))
    launch = launcher(widened_grid, out.dtype, out.dtype, *[int] * 5)
    launch(out, lines, m, whole, rows, columns, out.size)
    return out


# ---- reflections ----


def geqrf(a: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    """R in the upper triangle, and below it the vectors of the reflections whose product is Q; their factors."""
    lines = _columns(a)
    factors = reflected(lines)
    return _matrices(lines, a), factors.reshape((*a.shape[:-2], factors.shape[-1]))


def qr(a: DeviceArray, mode: str) -> tuple[DeviceArray, DeviceArray]:
    """Q and R; with mode "r" an empty Q."""
    m, n = a.shape[-2:]
    whole = m if mode == "complete" else min(m, n)
    lines = _columns(a)
    factors = reflected(lines)
    r = _matrices(upper(lines, whole), a)
    if mode == "r":
        return like(a, (0,)), r
    return _matrices(_orthogonal(lines, factors, whole), a), r


def _orthogonal(lines: DeviceArray, factors: DeviceArray, whole: int) -> DeviceArray:
    """The lines of the first `whole` columns of Q."""
    q = _widened(lines[:, :0], lines.shape[-1], whole)
    multiply(q.swapaxes(1, 2), lines, factors)
    return q


def householder_product(a: DeviceArray, factors: DeviceArray) -> DeviceArray:
    """The first n columns of the product of the reflections that `geqrf` gives."""
    lines = _columns(a)
    return _matrices(_orthogonal(lines, factors.reshape((len(lines), factors.shape[-1])), a.shape[-1]), a)


def ormqr(a: DeviceArray, factors: DeviceArray, x: DeviceArray, left: bool, adjoined: bool) -> DeviceArray:
    """Q X, or X Q if not `left`, with Qᴴ for Q if `adjoined`, of the reflections that `geqrf` gives."""
    lines, columns = _columns(a), _columns(x)
    flat = factors.reshape((len(lines), factors.shape[-1]))
    multiply(columns.swapaxes(1, 2), lines, flat, left, adjoined)
    return _matrices(columns, x)


# ---- least squares ----


def gels(a: DeviceArray, b: DeviceArray) -> DeviceArray:
    """X of least ‖A X - B‖, that of least norm where there are many, for A of full rank; where A has more rows than columns,
    more rows are behind it: their squares add up to ‖A X - B‖²."""
    m, n = a.shape[-2:]
    lines = _columns(b, max(m, n))
    x = lines.swapaxes(1, 2)
    if m >= n:
        columns = _columns(a)
        multiply(x, columns, reflected(columns), adjoined=True)
        substitute(columns[:, :, :n].swapaxes(1, 2), x[:, :n], upper=True, unit=False)
    else:  # Aᴴ = Q R
        rows = like(a, (len(lines), m, n))
        _conjugate(rows, a)
        factors = reflected(rows)
        _conjugate(lines, lines)
        substitute(rows[:, :, :m], x[:, :m], upper=False, unit=False)
        _conjugate(lines, lines)
        multiply(x, rows, factors)
    return _matrices(lines, b)


# ---- singular values and eigenvalues ----


def svd(a: DeviceArray, full: bool = False, vectors: bool = True) -> tuple[DeviceArray, ...]:
    """U, S and Vᴴ, all vectors if `full`, and info; only S and info if not `vectors`. S of infinite numbers is NaN.

    The R of a tall matrix has the same singular values. Where one of them is 0, A V = U S says nothing of U: it is the Q of
    A V, whose R is S but for signs.
    """
    m, n = a.shape[-2:]
    long, k = max(m, n), min(m, n)
    if m >= n:
        lines = _columns(a)
    else:  # of Aᴴ
        lines = like(a, (len(stack(a)), m, n))
        _conjugate(lines, a)
    scales, info = scaled(lines)
    x, factors = lines, None
    if long > k:
        factors = reflected(lines)
        x = upper(lines, k)
    values, *made = made_orthogonal(x, scales, info, vectors)
    values, info = values.reshape((*a.shape[:-2], k)), info.reshape(a.shape[:-2])
    if not vectors:
        return values, info
    x, right = made
    turns = reflected(x)
    left = _orthogonal(x, turns, k)
    launcher(sign_grid, left.dtype, x.dtype, int, int)(left, x, k, left.size)
    if factors is not None:
        left = _widened(left, long, long if full else k)
        multiply(left.swapaxes(1, 2), lines, factors)
    if m < n:
        left, right = right, left
    _conjugate(right, right)
    return _matrices(left, a), values, right.reshape((*a.shape[:-2], *right.shape[1:])), info


def eigh(a: DeviceArray, triangle: str, vectors: bool = True) -> tuple[DeviceArray, ...]:
    """The eigenvalues and vectors of Hermitian matrices, of which one triangle is read, and info; no vectors if not
    `vectors`."""
    values, *lines, info = made_diagonal(stack(a), triangle, vectors)
    made = [_matrices(x, a) for x in lines]
    return values.reshape(a.shape[:-1]), *made, info.reshape(a.shape[:-2])


def eig(a: DeviceArray, vectors: bool = True) -> tuple[DeviceArray, ...]:
    """The eigenvalues and vectors of square matrices, complex, and info; no vectors if not `vectors`."""
    lines = _columns(a, dtype=np.result_type(a.dtype, np.complex64))
    scales, info = scaled(lines)
    values, *made = eigenvalues(lines, scales, info, vectors)
    return values.reshape(a.shape[:-1]), *[_matrices(x, a) for x in made], info.reshape(a.shape[:-2])
