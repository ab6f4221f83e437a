"""LAPACK for stacks of matrices, (..., m, n) NumPy arrays of float32, float64, complex64 or complex128.

For large matrices, most of it is NumPy's own, which loops over the stack in C. NumPy raises for a whole stack
where one matrix cannot be factored, and gives no LU factors; both come from the kernels in `elimination.py`, and
so does all that is made of LU factors of small matrices, several times as fast (`python -m benchmarks linalg`). Where a function
returns `info`, it is LAPACK's: int32, one for each matrix, 0 where all went well.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from math import prod

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.linalg import elimination

BLOCK = 64  # columns that are eliminated, or rows that are substituted, between two matrix products
GRAIN = 1 << 15  # multiplications worth a thread

Array = np.ndarray


# --- what NumPy has, but for small matrices, and where one of many may fail


def inv(a: Array) -> tuple[Array, Array]:
    """The inverses, and info. Of a singular matrix it is what division by zero makes of it."""
    if not _small(a):
        with suppress(np.linalg.LinAlgError):
            return np.linalg.inv(a), _well(a)
    identity = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    return _solve_by_factors(a, identity)


def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """X of A X = B for stacks of one shape, and info."""
    if not _small(a):
        with suppress(np.linalg.LinAlgError):
            return np.linalg.solve(a, b), _well(a)
    return _solve_by_factors(a, b)


def slogdet(a: Array) -> tuple[Array, Array]:
    """The sign of the determinants, and the logarithm of their size."""
    if not _small(a):
        return np.linalg.slogdet(a)
    diagonal, odd = _diagonal(a)
    size = np.abs(diagonal)
    sign = np.where(size > 0, diagonal / size, 0).prod(-1) * np.where(odd, -1, 1)
    return sign.astype(a.dtype), np.log(size).sum(-1)


def det(a: Array) -> Array:
    """The determinants."""
    if not _small(a):
        return np.linalg.det(a)
    diagonal, odd = _diagonal(a)
    return diagonal.prod(-1) * np.where(odd, -1, 1).astype(a.dtype)


def _diagonal(a: Array) -> tuple[Array, Array]:
    """The diagonal of U, and whether an odd number of rows was exchanged."""
    factors, pivots, _ = lu_factor(a)
    exchanges = (pivots != np.arange(1, a.shape[-1] + 1)).sum(-1)
    return np.diagonal(factors, 0, -2, -1), exchanges % 2 == 1


def _small(a: Array) -> bool:
    """Whether our own elimination is the faster one: a whole matrix is one block, and the stack is shared among
    the threads."""
    return a.shape[-1] <= BLOCK


def cholesky(a: Array) -> tuple[Array, Array]:
    """L of A = L Lᴴ, from the lower triangle of A, and info."""
    try:
        return np.linalg.cholesky(a), _well(a)
    except np.linalg.LinAlgError:
        n = a.shape[-1]
        lower, info = np.tril(a), _well(a)
        entry = cpu.compiled(elimination.square_root, lower.dtype, "i4", *[int] * 3)
        parallel.run(entry, info.size, GRAIN // (n**3 + 1) + 1, lower, info, n)
        return lower, info


def _well(a: Array) -> Array:
    return np.zeros(a.shape[:-2], np.int32)


def _solve_by_factors(a: Array, b: Array) -> tuple[Array, Array]:
    factors, pivots, info = lu_factor(a)
    n, columns = b.shape[-2:]
    order = permutation(pivots, n).reshape(info.size, n)
    matrices = np.arange(info.size)[:, None]
    x = b.reshape(info.size, n, columns)[matrices, order].reshape(b.shape)  # whole rows are copied
    x = triangular_solve(factors, x, upper=False, unit=True)
    return triangular_solve(factors, x, upper=True, unit=False), info


# --- what NumPy lacks


def lu_factor(a: Array) -> tuple[Array, Array, Array]:
    """The LU factors in one matrix (L without its unit diagonal), the pivots (int32, from 1) and info."""
    *stack, m, n = a.shape
    factors, count = np.array(a, order="C"), min(m, n)
    pivots, info = np.empty((*stack, count), np.int32), np.zeros(stack, np.int32)
    if not a.size:
        return factors, pivots, info
    entry = cpu.compiled(elimination.eliminate, a.dtype, "i4", "i4", *[int] * 6)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        grain = GRAIN // (m * n * (last - first)) + 1
        parallel.run(entry, info.size, grain, factors, pivots, info, m, n, first, last)
        if last < n:
            factors[..., last:, last:] -= factors[..., last:, first:last] @ factors[..., first:last, last:]
    return factors, pivots, info


def permutation(pivots: Array, rows: int) -> Array:
    """The order of rows that pivots stand for, (..., rows) of int64: A[order] = L U."""
    *stack, count = pivots.shape
    order = np.empty((*stack, rows), np.int64)
    entry = cpu.compiled(elimination.permutation, "i8", "i4", *[int] * 4)
    parallel.run(
        entry, prod(stack), GRAIN // (rows + 1) + 1, order, np.ascontiguousarray(pivots), rows, count
    )
    return order


def triangular_solve(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """X of A X = B for triangular A, of which only that triangle is read, for stacks of one shape. Division by
    a zero on the diagonal gives what it gives."""
    *stack, n, columns = b.shape
    x = np.array(b, order="C").reshape(prod(stack), n, columns)
    if x.size:
        matrices = np.ascontiguousarray(a).reshape(prod(stack), n, n)
        starts = range(0, n, BLOCK)
        for first in reversed(starts) if upper else starts:
            last = min(first + BLOCK, n)
            solved = slice(last, n) if upper else slice(0, first)
            if solved.start < solved.stop:
                x[:, first:last] -= matrices[:, first:last, solved] @ x[:, solved]
            _substitute(x[:, first:last], matrices[:, first:last, first:last], upper, unit)
    return x.reshape(b.shape)


@cache
def _substitution(dtype: np.dtype):
    return cpu.compiled(elimination.substitute, dtype, dtype, *[int] * 11)


def _substitute(x: Array, a: Array, upper: bool, unit: bool) -> None:
    """One block of rows: x becomes a⁻¹ x."""
    matrices, n, columns = x.shape
    panels = -(-columns // elimination.WIDTH)
    steps = [step // x.itemsize for step in (*x.strides[:2], *a.strides[:2])]
    grain = GRAIN // (n * n * min(columns, elimination.WIDTH)) + 1
    parallel.run(_substitution(x.dtype), matrices * panels, grain,
                 x, a, n, columns, panels, *steps, int(upper), int(unit))  # fmt: skip
