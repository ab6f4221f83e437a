"""What LAPACK does, for stacks of matrices, (..., m, n) NumPy arrays of float32, float64, complex64 or complex128.

All that is made of LU and Cholesky factors is our own (`halves.py`): it works in place on one copy of the
operand, on all threads, and says of a stack which matrix failed (`python -m benchmarks linalg`). Orthogonal
factors, singular values and eigenvalues are LAPACK's own (`decompositions.py`). Where a function returns `info`, it
is LAPACK's: int32, one for each matrix, 0 where all went well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np

from numbatorch_kernels import cpu, memory, parallel
from numbatorch_kernels.linalg import elimination, halves
from numbatorch_kernels.linalg.halves import GRAIN, LEAF

Array = np.ndarray


def inv(a: Array) -> tuple[Array, Array]:
    """The inverses, and info. Of a singular matrix it is what division by zero makes of it."""
    x, n = memory.empty(a.shape, a.dtype), a.shape[-1]
    x[...] = 0
    if _are_small(x):
        x.reshape(-1, n * n)[:, :: n + 1] = 1
        return _by_kernel(a, x)
    factors, pivots, info = lu_factor(a)
    np.put_along_axis(x, permutation(pivots, n)[..., None], 1, -1)
    return _by_factors(factors, x), info


def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """X of A X = B for stacks of one shape, and info."""
    if _are_small(b):
        return _by_kernel(a, copied(b))
    factors, pivots, info = lu_factor(a)
    return lu_solve(factors, pivots, b), info


def lu_solve(factors: Array, pivots: Array, b: Array, adjoined: bool = False) -> Array:
    """X of A X = B from what `lu_factor(A)` gives, with Aᴴ for A if `adjoined`, for stacks of one shape."""
    order = permutation(pivots, b.shape[-2])
    if not adjoined:
        return _by_factors(factors, _rows(b, order))
    x = copied(b)
    turned, lines = halves.adjoint(stack(factors)), stack(x)
    halves.solve(turned, lines, upper=False, unit=False)
    halves.solve(turned, lines, upper=True, unit=True)
    return _rows(x, np.argsort(order, -1))


def _rows(b: Array, order: Array) -> Array:
    """The rows in another order, which may be one for each matrix."""
    if b.ndim > 2:
        return np.take_along_axis(b, order[..., None], -2)
    return np.take(b, order, 0, memory.empty(b.shape, b.dtype), "clip")  # "raise" would copy


def _are_small(x: Array) -> bool:
    """Whether one kernel solves the systems with these right sides; there are some."""
    return x.size > 0 and x.shape[-2] <= LEAF and x.shape[-1] <= elimination.WIDTH


@cache
def _system(dtype: np.dtype):
    return cpu.compiled(elimination.solve, dtype, dtype, "i4", "i4", *[int] * 4)


def _by_kernel(a: Array, x: Array) -> tuple[Array, Array]:
    """X of A X = X, in place, and info."""
    n, columns = x.shape[-2:]
    pivots, info = np.empty(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    grain = GRAIN // (n * n * (n + columns)) + 1
    parallel.run(_system(x.dtype), info.size, grain, x, copied(a), pivots, info, n, columns)
    return x, info


def _by_factors(factors: Array, x: Array) -> Array:
    """X of L U X = X, in place."""
    a, lines = stack(factors), stack(x)
    halves.solve(a, lines, upper=False, unit=True)
    halves.solve(a, lines, upper=True, unit=False)
    return x


def slogdet(a: Array) -> tuple[Array, Array]:
    """The sign of the determinants, and the logarithm of their size."""
    factors, pivots, _ = lu_factor(a)
    sign, size = np.empty(a.shape[:-2], a.dtype), np.empty(a.shape[:-2], a.dtype.char.lower())
    entry = cpu.compiled(elimination.sign_and_log, a.dtype, size.dtype, a.dtype, "i4", *[int] * 3)
    _per_matrix(entry, sign, size, factors, pivots)
    return sign, size


def det(a: Array) -> Array:
    """The determinants."""
    factors, pivots, _ = lu_factor(a)
    result = np.empty(a.shape[:-2], a.dtype)
    entry = cpu.compiled(elimination.product, a.dtype, a.dtype, "i4", *[int] * 3)
    _per_matrix(entry, result, factors, pivots)
    return result


def _per_matrix(entry: Callable, result: Array, *more: Array) -> None:
    """Call a kernel for the diagonals of matrices: the last arrays are LU factors and pivots."""
    n = more[-1].shape[-1]
    parallel.run(entry, result.size, GRAIN // (n + 1) + 1, result, *more, n)


def cholesky(a: Array) -> tuple[Array, Array]:
    """L of A = L Lᴴ, from the lower triangle of A, and info."""
    lower, info = copied(a), np.zeros(a.shape[:-2], np.int32)
    halves.root(stack(lower), info.reshape(-1), 0, a.shape[-1])
    return lower, info


def lu_factor(a: Array) -> tuple[Array, Array, Array]:
    """The LU factors in one matrix (L without its unit diagonal), the pivots (int32, from 1) and info."""
    *some, m, n = a.shape
    factors = copied(a)
    pivots, info = np.empty((*some, min(m, n)), np.int32), np.zeros(some, np.int32)
    if a.size:
        halves.lu(stack(factors), pivots, info.reshape(-1))
    return factors, pivots, info


def copied(a: Array) -> Array:
    """A contiguous copy."""
    copy = memory.empty(a.shape, a.dtype)
    copy[...] = a
    return copy


def stack(a: Array) -> Array:
    """The matrices in one row, of which nothing is copied if `a` is contiguous."""
    if a.ndim == 2:
        return a[None]
    return a.reshape(prod(a.shape[:-2]), *a.shape[-2:])


def permutation(pivots: Array, rows: int) -> Array:
    """The order of rows that pivots stand for, (..., rows) of int64: A[order] = L U."""
    *stack, count = pivots.shape
    order = np.empty((*stack, rows), np.int64)
    entry = cpu.compiled(elimination.permutation, "i8", "i4", *[int] * 4)
    parallel.run(
        entry, prod(stack), GRAIN // (rows + 1) + 1, order, np.ascontiguousarray(pivots), rows, count
    )
    return order


def exchanges(pivots: Array, rows: int, dtype: np.dtype) -> Array:
    """P of A = P L U."""
    made = memory.empty((*pivots.shape[:-1], rows, rows), dtype)
    made[...] = 0
    np.put_along_axis(made, permutation(pivots, rows)[..., None, :], 1, -2)
    return made


def cholesky_solve(factor: Array, b: Array, upper: bool) -> Array:
    """X of A X = B from the factor of A = L Lᴴ, or of A = Lᴴ L if `upper`, for stacks of one shape."""
    return _by_root(factor, copied(b), upper)


def cholesky_inverse(factor: Array, upper: bool) -> Array:
    """The inverse of that A."""
    x = memory.empty(factor.shape, factor.dtype)
    x[...] = 0
    np.einsum("...ii->...i", x)[...] = 1
    return _by_root(factor, x, upper)


def _by_root(factor: Array, x: Array, upper: bool) -> Array:
    """X of A X = X, in place."""
    own, lines = stack(factor), stack(x)
    turned = halves.adjoint(own)
    first, second = (turned, own) if upper else (own, turned)
    halves.solve(first, lines, upper=False, unit=False)
    halves.solve(second, lines, upper=True, unit=False)
    return x


def triangular_solve(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """X of A X = B for triangular A, of which only that triangle is read, for stacks of one shape. Division by
    a zero on the diagonal gives what it gives."""
    x = copied(b)
    if x.size:
        halves.solve(stack(a), stack(x), upper, unit)
    return x
