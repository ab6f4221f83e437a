"""Gaussian elimination and Cholesky's square root, for what NumPy's LAPACK keeps to itself: the LU factors, and
the row at which a factorisation failed. And substitution, which solves triangular systems.

Kernels do a share of a stack of contiguous matrices: elimination of some columns of each, with all rows that
go with them. `lapack.py` does the rest of a large matrix by matrix products (right-looking blocks, as LAPACK's
getrf; Golub and Van Loan, Matrix Computations, 3.2.11).
"""

from __future__ import annotations

import numba


@numba.njit(error_model="numpy", fastmath=False)
def _size(x):
    """|re| + |im|, by which LAPACK chooses pivots."""
    return abs(x.real) + abs(x.imag)


def eliminate(a, pivots, info, rows, columns, first, last, start, stop):
    """Factor columns first..last of matrices start..stop: below the diagonal L, from there on U.

    The rows that a pivot (counted from 1, as in LAPACK) exchanges are exchanged whole, and the first rows of
    the columns behind `last` become those of U. `info` is the first column without a pivot, counted from 1,
    or 0.
    """
    count = min(rows, columns)
    for matrix in range(start, stop):
        base = matrix * rows * columns
        for j in range(first, last):
            best, row = -1.0, j
            for i in range(j, rows):
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
        for i in range(first + 1, last):  # once it is known which rows these are
            line = base + i * columns
            for j in range(first, i):
                factor, top = a[line + j], base + j * columns
                for c in range(last, columns):
                    a[line + c] -= factor * a[top + c]


def square_root(a, info, n, start, stop):
    """The lower triangles of matrices start..stop become L of A = L Lᴴ, column by column, up to the first
    minor that is not positive: its order is put in `info`."""
    for matrix in range(start, stop):
        base = matrix * n * n
        for j in range(n):
            line = base + j * n
            pivot = a[line + j].real
            for k in range(j):
                pivot -= a[line + k].real * a[line + k].real + a[line + k].imag * a[line + k].imag
            if not pivot > 0:
                a[line + j] = pivot
                info[matrix] = j + 1
                break
            pivot = pivot**0.5
            a[line + j] = pivot
            for i in range(j + 1, n):
                other = base + i * n
                value = a[other + j]
                for k in range(j):
                    value -= a[other + k] * a[line + k].conjugate()
                a[other + j] = value / pivot


def substitute(x, a, n, columns, panels, x_step, x_row, a_step, a_row, upper, unit, start, stop):
    """Solve A X = X in place, for panels start..stop of `WIDTH` columns of X, `panels` a matrix: A is n x n and
    triangular; `unit`: with ones on the diagonal. Steps are in elements, from matrix to matrix and from row to
    row."""
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
                factor, source = a[line + j], block + j * x_row
                for c in range(width):
                    x[target + c] -= factor * x[source + c]
            if not unit:
                pivot = a[line + i]
                for c in range(width):
                    x[target + c] /= pivot


def permutation(order, pivots, rows, count, start, stop):
    """What the exchanges of rows come to: row i of the factors was row order[i] of the matrix."""
    for matrix in range(start, stop):
        base = matrix * rows
        for i in range(rows):
            order[base + i] = i
        for i in range(count):
            j = pivots[matrix * count + i] - 1
            order[base + i], order[base + j] = order[base + j], order[base + i]


WIDTH = 64  # columns that one call of substitution keeps in the first cache
