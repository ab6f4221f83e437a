"""Eigenvalues and vectors of small symmetric matrices: reflections make a matrix tridiagonal, rotations make that diagonal.

The steps are those of LAPACK's sytd2, steqr and laev2, from which vectors have their signs; what is computed is float64, exact
to the precision `eps` of the matrix. Golub and Van Loan, Matrix Computations, 8.3.
"""

from __future__ import annotations

import math

from numba import types

from numbatorch_kernels.cpu import shared
from numbatorch_kernels.linalg.reflections import annihilate, reflect
from numbatorch_kernels.linalg.rotations import LARGEST, ROOM, rotate, unit_scale
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset

STEPS = 30  # for an eigenvalue, at most


@shared
def _reduce(lines, d, e, factors, n):
    """A symmetric matrix, whose lower triangle is read, becomes tridiagonal: d, and e beside it. In `lines` are the reflections,
    below the first diagonal, and their factors."""
    product = local(types.float64, LARGEST)
    for j in range(n):
        d[j] = lines[j * n + j]
        if j == n - 1:
            break
        v, length = offset(lines, j * n + j + 1), n - 1 - j
        factor = factors[j] = annihilate(v, length)
        e[j], v[0] = v[0], 1.0
        if factor == 0:
            continue
        for i in range(length):
            product[i] = 0.0
        for c in range(length):  # the rest of the matrix times v, of which only the lower triangle is there
            column = offset(lines, (j + 1 + c) * n + j + 1)
            total = column[c] * v[c]
            for i in range(c + 1, length):
                product[i] += column[i] * v[c]
                total += column[i] * v[i]
            product[c] += total
        share = 0.0
        for i in range(length):
            product[i] *= factor
            share += product[i] * v[i]
        for i in range(length):
            product[i] -= 0.5 * factor * share * v[i]
        for c in range(length):
            column = offset(lines, (j + 1 + c) * n + j + 1)
            for i in range(c, length):
                column[i] -= v[i] * product[c] + product[i] * v[c]


@shared
def _rotation(f, g):
    """c, s and r of [c s; -s c] [f; g] = [r; 0], with the signs that lartg gave them before LAPACK 3.10, as PyTorch's library does: c is
    negative where f is, unless f is larger than g."""
    if g == 0:
        return 1.0, 0.0, f
    if f == 0:
        return 0.0, 1.0, g
    r = math.sqrt(f * f + g * g)
    if abs(f) > abs(g) and f < 0:
        r = -r
    return f / r, g / r, r


@shared
def _two(a, b, c):
    """The eigenvalues of [a b; b c], the larger in size first, and the cosine and sine of its vector."""
    total, between, double = a + c, a - c, b + b
    root = math.sqrt(between * between + double * double)
    larger, smaller = (a, c) if abs(a) > abs(c) else (c, a)
    if total == 0:
        first, second = 0.5 * root, -0.5 * root
    else:
        first = 0.5 * (total + math.copysign(root, total))
        second = larger / first * smaller - b / first * b
    cosine = between + math.copysign(root, between) if between != 0 else root
    if abs(cosine) > abs(double):
        cot = -double / cosine
        s = 1 / math.sqrt(1 + cot * cot)
        c = cot * s
    elif double == 0:
        c, s = 1.0, 0.0
    else:
        tangent = -cosine / double
        c = 1 / math.sqrt(1 + tangent * tangent)
        s = tangent * c
    if (total >= 0) == (between >= 0):
        c, s = -s, c
    return first, second, c, s


@shared
def _block(d, e, z, near, far, n, eps, steps, wanted):
    """The tridiagonal block between `near` and `far` becomes diagonal, from `near` on, where its numbers are smaller (QL, or QR if
    that is the lower end); how many steps are left of `steps`."""
    way = 1 if far > near else -1
    below = 0 if way > 0 else -1  # of element i, e[i + below] is beside it on the way
    while (far - near) * way >= 0:
        last = near
        while last != far:
            beside = abs(e[last + below])
            if beside * beside <= eps * eps * abs(d[last]) * abs(d[last + way]):
                break
            last += way
        if last != far:
            e[last + below] = 0.0
        if last == near:
            near += way
            continue
        if last == near + way:
            low = min(near, last)
            d[low], d[low + 1], c, s = _two(d[low], e[low], d[low + 1])
            if wanted:
                rotate(z, low, low + 1, c, s, n)
            e[low] = 0.0
            near += 2 * way
            continue
        if steps == 0:
            return 0
        steps -= 1
        shift = d[near]
        g = (d[near + way] - shift) / (2 * e[near + below])
        g = d[last] - shift + e[near + below] / (g + math.copysign(math.sqrt(g * g + 1), g))
        c, s, shift, at = 1.0, 1.0, 0.0, last
        while at != near:
            at -= way
            f, b = s * e[at + below], c * e[at + below]
            c, s, r = _rotation(g, f)
            if at + way != last:
                e[at + way + below] = r
            g = d[at + way] - shift
            r = (d[at] - g) * s + 2 * c * b
            shift = s * r
            d[at + way] = g + shift
            g = c * r - b
            if wanted:
                rotate(z, at + way, at, c, s, n)
        d[near] -= shift
        e[near + below] = g
    return steps


@shared
def _diagonal(d, e, z, n, eps, wanted):
    """A tridiagonal matrix becomes diagonal, and if it is `wanted` the lines of z are rotated; 0, or 1 without an end."""
    steps, first = STEPS * n, 0
    while first < n:
        last = first
        while last < n - 1 and abs(e[last]) > math.sqrt(abs(d[last])) * math.sqrt(abs(d[last + 1])) * eps:
            last += 1
        if last < n - 1:
            e[last] = 0.0
        near, far = (last, first) if abs(d[last]) < abs(d[first]) else (first, last)
        steps = _block(d, e, z, near, far, n, eps, steps, wanted)
        if steps == 0:
            return 1
        first = last + 1
    return 0


def eigh(values, vectors, info, a, step, row, column, n, upper, eps, wanted, start, stop):
    """Ascending eigenvalues of matrices start..stop, and their vectors, line by line, if they are `wanted`. Steps of A are in
    elements, from matrix to matrix, row to row and column to column; one triangle is read. info is
    0, 1 where there was no end, or -1 where a matrix has infinite numbers."""
    lines, z = local(types.float64, ROOM), local(types.float64, ROOM)
    d, e, factors = (
        local(types.float64, LARGEST),
        local(types.float64, LARGEST),
        local(types.float64, LARGEST),
    )
    for matrix in range(start, stop):
        largest, ill = 0.0, 0.0
        for j in range(n):
            for i in range(j, n):  # the upper triangle from its end on is as a lower one
                place = (n - 1 - i) * row + (n - 1 - j) * column if upper else i * row + j * column
                value = a[matrix * step + place] * 1.0
                lines[j * n + i] = value
                largest = max(largest, abs(value))
                ill += value * 0
        if ill != 0:
            info[matrix] = -1
            continue
        scale = unit_scale(largest)
        if scale != 1:
            for k in range(n):
                for i in range(k, n):
                    lines[k * n + i] *= scale
        _reduce(lines, d, e, factors, n)
        if wanted:
            for line in range(n):
                for i in range(n):
                    z[line * n + i] = i == line
        if upper:
            for k in range(n // 2):
                d[k], d[n - 1 - k] = d[n - 1 - k], d[k]
            for k in range((n - 1) // 2):
                e[k], e[n - 2 - k] = e[n - 2 - k], e[k]
        info[matrix] = _diagonal(d, e, z, n, eps, wanted)
        for line in range(n):
            place = 0
            for other in range(n):
                place += d[other] < d[line] or (other < line and d[other] == d[line])
            values[matrix * n + place] = d[line] / scale
            if not wanted:
                continue
            own, out = offset(z, line * n), offset(vectors, (matrix * n + place) * n)
            if upper:
                for i in range(n // 2):
                    own[i], own[n - 1 - i] = own[n - 1 - i], own[i]
            for j in range(n - 2, -1, -1):
                reflect(offset(own, j + 1), offset(lines, j * n + j + 1), factors[j], n - 1 - j)
            for i in range(n):
                out[i] = own[n - 1 - i if upper else i]
