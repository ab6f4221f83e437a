"""Gaussian elimination, Cholesky's square root, and substitution, which solves triangular systems.

Kernels do a share of a stack of matrices: some columns of each, with all rows that go with them. `halves.py`
does the rest of a large matrix by matrix products (Golub and Van Loan, Matrix Computations, 3.2 and 4.2).
"""

from __future__ import annotations

import math
from math import inf

from numbatorch_kernels.cpu import shared


@shared
def _size(x):
    """|re| + |im|, by which LAPACK chooses pivots."""
    return abs(x.real) + abs(x.imag)


@shared
def eliminate(a, pivots, info, rows, columns, first, last, start, stop):
    """Factor columns first..last of matrices start..stop: below the diagonal L, from there on U.

    The rows that a pivot (counted from 1, as in LAPACK) exchanges are exchanged whole. `info` is the first
    column without a pivot, counted from 1, or 0.
    """
    count = min(rows, columns)
    for matrix in range(start, stop):
        base = matrix * rows * columns
        for j in range(first, last):
            best, row = _size(a[base + j * columns + j]), j  # NaN stays where it is the first, as in LAPACK
            for i in range(j + 1, rows):
                size = _size(a[base + i * columns + j])
                if size > best:
                    best, row = size, i
            pivots[matrix * count + j] = row + 1
            if best == 0:
                if info[matrix] == 0:
                    info[matrix] = j + 1
                continue
            top, other = base + j * columns, base + row * columns
            if row != j:
                for c in range(columns):
                    a[top + c], a[other + c] = a[other + c], a[top + c]
            for i in range(j + 1, rows):
                line = base + i * columns
                factor = a[line + j] / a[top + j]
                a[line + j] = factor
                for c in range(j + 1, last):
                    a[line + c] -= factor * a[top + c]


def square_root(a, info, step, row, first, last, start, stop):
    """Rows and columns first..last of matrices start..stop become L of A = L Lᴴ, and 0 above it, column by
    column, up to the first minor that is not positive: its order is put in `info`. Steps are from matrix to
    matrix and from row to row."""
    for matrix in range(start, stop):
        base = matrix * step + first
        for j in range(first, last):
            for k in range(j + 1 - first, last - first):
                a[base + j * row + k] = 0
        if info[matrix] != 0:
            continue
        for j in range(first, last):
            line = base + j * row
            size = j - first
            pivot = a[line + size].real
            for k in range(size):
                pivot -= a[line + k].real * a[line + k].real + a[line + k].imag * a[line + k].imag
            if not pivot > 0:
                a[line + size] = pivot
                info[matrix] = j + 1
                break
            pivot = pivot**0.5
            a[line + size] = pivot
            for i in range(j + 1, last):
                other = base + i * row
                value = a[other + size]
                for k in range(size):
                    value -= a[other + k] * a[line + k].conjugate()
                a[other + size] = value / pivot


@shared
def substitute(x, a, n, columns, panels, x_step, x_row, a_step, a_row, a_column, upper, unit, start, stop):
    """Solve A X = X in place, for panels start..stop of `WIDTH` columns of X, `panels` a matrix: A is n x n and
    triangular; `unit`: with ones on the diagonal. Steps are in elements, from matrix to matrix, from row to row
    and, of A, from column to column."""
    for panel in range(start, stop):
        left = panel % panels * WIDTH
        width = min(WIDTH, columns - left)
        coefficients = panel // panels * a_step
        block = panel // panels * x_step + left
        for k in range(n):
            i = n - 1 - k if upper else k
            line, target = coefficients + i * a_row, block + i * x_row
            low, high = (i + 1, n) if upper else (0, i)
            for j in range(low, high):
                factor, source = a[line + j * a_column], block + j * x_row
                for c in range(width):
                    x[target + c] -= factor * x[source + c]
            if not unit:
                pivot = a[line + i * a_column]
                for c in range(width):  # Numba's division of a complex number by zero would be an error
                    x[target + c] = x[target + c] * inf if pivot == 0 else x[target + c] / pivot


def solve(x, a, pivots, info, n, columns, start, stop):
    """Solve A X = X in place for matrices start..stop, which become their LU factors; X has at most `WIDTH`
    columns."""
    for matrix in range(start, stop):
        eliminate(a, pivots, info, n, n, 0, n, matrix, matrix + 1)
        block, turn = matrix * n * columns, matrix * n
        for i in range(n):
            one, other = block + i * columns, block + (pivots[turn + i] - 1) * columns
            if one != other:
                for c in range(columns):
                    x[one + c], x[other + c] = x[other + c], x[one + c]
        for upper in range(2):
            substitute(x, a, n, columns, 1, n * columns, columns, n * n, n, 1,
                       upper, 1 - upper, matrix, matrix + 1)  # fmt: skip


def sign_and_log(sign, size, factors, pivots, n, start, stop):
    """The determinants of matrices start..stop from their LU factors: the sign, or what stands for it among complex
    numbers, and the logarithm of the size."""
    for matrix in range(start, stop):
        total = 0.0
        sign[matrix] = 1
        for j in range(n):
            pivot = factors[(matrix * n + j) * n + j]
            length = abs(pivot)
            if length > 0:
                sign[matrix] *= pivot / length
            else:
                sign[matrix] = 0
            if pivots[matrix * n + j] != j + 1:
                sign[matrix] = -sign[matrix]
            total += math.log(length)
        size[matrix] = total


def product(out, factors, pivots, n, start, stop):
    """The determinants of matrices start..stop from their LU factors."""
    for matrix in range(start, stop):
        out[matrix] = 1
        for j in range(n):
            pivot = factors[(matrix * n + j) * n + j]
            out[matrix] *= pivot if pivots[matrix * n + j] == j + 1 else -pivot


def permutation(order, pivots, rows, count, start, stop):
    """What the exchanges of rows come to: row i of the factors was row order[i] of the matrix. With what is no row, none is
    exchanged."""
    for matrix in range(start, stop):
        base = matrix * rows
        for i in range(rows):
            order[base + i] = i
        for i in range(count):
            j = pivots[matrix * count + i] - 1
            if j >= 0 and j < rows:
                order[base + i], order[base + j] = order[base + j], order[base + i]


WIDTH = 64  # columns that one call of substitution keeps in the first cache
