"""A = L D Lᴴ of Hermitian or L D Lᵀ of symmetric matrices that need not be definite, D of blocks of order 1 and 2:
LAPACK's sytf2, hetf2, sytrs and hetrs for lower triangles.

Bunch and Kaufman, Some stable methods for calculating inertia and solving symmetric linear systems, 1977.

A pivot, counted from 1, says with which row and column this one was exchanged; those of a block of order 2 are
negative, and equal: its second row was exchanged. Columns of L that were there already stay as they are.
"""

from __future__ import annotations

from math import inf, prod

import numba
import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.linalg.halves import GRAIN
from numbatorch_kernels.linalg.lapack import Array, copied

ALPHA = (1 + 17**0.5) / 8  # a pivot must have this size, next to the largest in its column


@numba.njit(error_model="numpy", fastmath=False)
def _size(x):
    return abs(x.real) + abs(x.imag)


@numba.njit(error_model="numpy", fastmath=False)
def _turned(x, hermitian):
    return x.conjugate() if hermitian else x


@numba.njit(error_model="numpy", fastmath=False)
def _choose(a, base, n, k):
    """The row of the pivot for column k, the order of its block, and whether there is none."""
    own, largest, row = _size(a[base + k * n + k]), 0.0, k
    for i in range(k + 1, n):
        size = _size(a[base + i * n + k])
        if size > largest:
            largest, row = size, i
    if not max(own, largest) > 0:
        return k, 1, True
    if own >= ALPHA * largest:
        return k, 1, False
    beside = 0.0
    for j in range(k, row):
        beside = max(beside, _size(a[base + row * n + j]))
    for i in range(row + 1, n):
        beside = max(beside, _size(a[base + i * n + row]))
    if own >= ALPHA * largest * (largest / beside):
        return k, 1, False
    return row, 1 if _size(a[base + row * n + row]) >= ALPHA * beside else 2, False


@numba.njit(error_model="numpy", fastmath=False)
def _exchange(a, base, n, k, one, other, hermitian):
    """Rows and columns `one` and `other` of what is left from column k on."""
    for i in range(other + 1, n):
        line = base + i * n
        a[line + one], a[line + other] = a[line + other], a[line + one]
    row = base + other * n
    for j in range(one + 1, other):
        below = a[base + j * n + one]
        a[base + j * n + one] = _turned(a[row + j], hermitian)
        a[row + j] = _turned(below, hermitian)
    a[row + one] = _turned(a[row + one], hermitian)
    corner = a[base + one * n + one]
    a[base + one * n + one], a[row + other] = a[row + other], corner
    if one > k:
        a[base + one * n + k], a[row + k] = a[row + k], a[base + one * n + k]


def factor(a, pivots, info, n, hermitian, start, stop):
    """The lower triangles of matrices start..stop become L and D, the rest 0. `info`: the first block of D
    that is zero, counted from 1, or 0."""
    for matrix in range(start, stop):
        base = matrix * n * n
        for i in range(n):
            for j in range(i + 1, n):
                a[base + i * n + j] = 0
            if hermitian:
                a[base + i * n + i] = a[base + i * n + i].real
        k = 0
        while k < n:
            row, order, none = _choose(a, base, n, k)
            last = k + order - 1
            if row != last:
                _exchange(a, base, n, k, last, row, hermitian)
            corner = a[base + k * n + k]
            if none:
                if info[matrix] == 0:
                    info[matrix] = k + 1
            elif order == 1:
                for j in range(k + 1, n):
                    share = _turned(a[base + j * n + k], hermitian) / corner
                    for i in range(j, n):
                        a[base + i * n + j] -= a[base + i * n + k] * share
                for i in range(k + 1, n):
                    a[base + i * n + k] /= corner
            else:
                below, second = a[base + (k + 1) * n + k], a[base + (k + 1) * n + k + 1]
                first, then = corner / _turned(below, hermitian), second / below
                scale = first * then - 1
                for j in range(k + 2, n):
                    line = base + j * n
                    one, two = a[line + k], a[line + k + 1]
                    left = (then * one - two) / _turned(below, hermitian) / scale
                    right = (first * two - one) / below / scale
                    turned_left, turned_right = _turned(left, hermitian), _turned(right, hermitian)
                    for i in range(j, n):
                        other = base + i * n
                        a[other + j] -= a[other + k] * turned_left + a[other + k + 1] * turned_right
                    a[line + k], a[line + k + 1] = left, right
            for j in range(k, k + order):
                pivots[matrix * n + j] = row + 1 if order == 1 else -(row + 1)
            k += order


@numba.njit(error_model="numpy", fastmath=False)
def _swap(x, base, columns, one, other):
    if one != other:
        for c in range(columns):
            here, there = base + one * columns + c, base + other * columns + c
            x[here], x[there] = x[there], x[here]


@numba.njit(error_model="numpy", fastmath=False)
def _subtract(x, base, columns, to, factor, source):
    for c in range(columns):
        x[base + to * columns + c] -= factor * x[base + source * columns + c]


@shared
def order_of(pivot, left):
    """Of a block of D, where so many rows are `left`."""
    return 1 if pivot > 0 or left == 1 else 2


def solve(x, a, pivots, n, columns, hermitian, start, stop):
    """X of A X = X in place, from what `factor` gives."""
    for matrix in range(start, stop):
        base, lower, turn = matrix * n * columns, matrix * n * n, matrix * n
        k = 0
        while k < n:
            pivot = pivots[turn + k]
            order = order_of(pivot, n - k)
            _swap(x, base, columns, k + order - 1, abs(pivot) - 1)
            for i in range(k + order, n):
                for j in range(k, k + order):
                    _subtract(x, base, columns, i, a[lower + i * n + j], j)
            corner = a[lower + k * n + k]
            if order == 1:
                for c in range(columns):  # Numba's division of a complex number by zero would be an error
                    at = base + k * columns + c
                    x[at] = x[at] * inf if corner == 0 else x[at] / corner
            else:
                below, second = a[lower + (k + 1) * n + k], a[lower + (k + 1) * n + k + 1]
                first, last = corner / _turned(below, hermitian), second / below
                scale = first * last - 1
                for c in range(columns):
                    one = x[base + k * columns + c] / _turned(below, hermitian)
                    two = x[base + (k + 1) * columns + c] / below
                    x[base + k * columns + c] = (last * one - two) / scale
                    x[base + (k + 1) * columns + c] = (first * two - one) / scale
            k += order
        k = n - 1
        while k >= 0:
            pivot = pivots[turn + k]
            order = order_of(pivot, k + 1)
            for j in range(k - order + 1, k + 1):
                for i in range(k + 1, n):
                    _subtract(x, base, columns, j, _turned(a[lower + i * n + j], hermitian), i)
            _swap(x, base, columns, k, abs(pivot) - 1)
            k -= order


# --- what ops call


def ldl_factor(a: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """L and D of A = L D Lᵀ, or L D Lᴴ, from the lower triangle of A, in one matrix; pivots and info."""
    n, both = a.shape[-1], copied(a)
    pivots, info = np.empty(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    entry = cpu.compiled(factor, a.dtype, "i4", "i4", *[int] * 4)
    parallel.run(entry, info.size, GRAIN // (n**3 + 1) + 1, both, pivots, info, n, int(hermitian))
    return both, pivots, info


def ldl_solve(a: Array, pivots: Array, b: Array, hermitian: bool) -> Array:
    """X of A X = B from what `ldl_factor` gives, for stacks of one shape."""
    *some, n, columns = b.shape
    x, factors, pivots = copied(b), np.ascontiguousarray(a), np.ascontiguousarray(pivots)
    entry = cpu.compiled(solve, b.dtype, b.dtype, "i4", *[int] * 5)
    grain = GRAIN // (n * n * columns + 1) + 1
    parallel.run(entry, prod(some), grain, x, factors, pivots, n, columns, int(hermitian))
    return x
