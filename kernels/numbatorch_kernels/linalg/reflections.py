"""A = Q R of small matrices by Householder's reflections, with the signs of LAPACK's geqr2 and larfg.

Golub and Van Loan, Matrix Computations, 5.2. Matrices are here column after column, as LAPACK has them.
"""

from __future__ import annotations

from numbatorch_kernels.cpu import shared
from numbatorch_kernels.pointer import offset


@shared
def annihilate(x, length):
    """A column from the diagonal on becomes the element of R, and below it v without its first element, 1; the
    factor of the reflection."""
    corner, largest, below = x[0], abs(x[0]), False
    for i in range(1, length):
        below = below or x[i] != 0
        if not abs(x[i]) <= largest:
            largest = abs(x[i])
    if not below and corner.imag == 0:
        return corner * 0
    total = 0.0
    for i in range(length):
        total += (abs(x[i]) / largest) ** 2
    norm = largest * total**0.5
    x[0] = pivot = norm if corner.real < 0 else -norm
    for i in range(1, length):
        x[i] /= corner - pivot
    return (pivot - corner) / pivot


@shared
def reflect(x, v, factor, length):
    """A column becomes (1 - factor v vᴴ) times itself."""
    share = x[0]
    for i in range(1, length):
        share += v[i].conjugate() * x[i]
    share *= factor
    x[0] -= share
    for i in range(1, length):
        x[i] -= share * v[i]


def qr(q, r, a, factors, m, n, whole, wanted, start, stop):
    """R of matrices start..stop, of which `whole` rows are kept, and if it is `wanted` Q, of which as many columns.
    A is overwritten."""
    steps = min(m, n)
    for matrix in range(start, stop):
        columns, turns = offset(a, matrix * m * n), offset(factors, matrix * steps)
        for j in range(steps):
            v = offset(columns, j * m + j)
            turns[j] = annihilate(v, m - j)
            for c in range(j + 1, n):
                reflect(offset(columns, c * m + j), v, turns[j].conjugate(), m - j)
        upper = offset(r, matrix * whole * n)
        for j in range(n):
            for i in range(whole):
                upper[j * whole + i] = columns[j * m + i] if i <= j else 0
        if not wanted:
            continue
        own = offset(q, matrix * m * whole)
        for c in range(whole):
            for i in range(m):
                own[c * m + i] = i == c
        for j in range(steps - 1, -1, -1):
            for c in range(j, whole):
                reflect(offset(own, c * m + j), offset(columns, j * m + j), turns[j], m - j)
