"""Singular values and vectors of small matrices: reflections make a matrix bidiagonal, rotations make that diagonal.

The steps are those of LAPACK's gebd2, bdsqr, las2 and lasv2, from which vectors have their signs; what is computed is float64,
exact to the precision `eps` of the matrix. Golub and Van Loan, Matrix Computations, 8.6; Demmel and Kahan, Accurate singular
values of bidiagonal matrices, 1990.
"""

from __future__ import annotations

import math
from math import inf, nan

from numba import types

from numbatorch_kernels.codes import INFINITE, NAN
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.linalg.reflections import annihilate, reflect
from numbatorch_kernels.linalg.rotations import LARGEST, ROOM, rotate, unit_scale
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset

STEPS = 6  # for a singular value, n times as many at most
TINY = 2.0**-1022


@shared
def _reduce(lines, rows, d, e, left, right, m, n):
    """Columns of length m, n <= m of them, become bidiagonal: d, and e to the right of it. In `lines` and `rows` are the reflections
    from the left and from the right, and in `left` and `right` their factors."""
    for j in range(n):
        v = offset(lines, j * m + j)
        left[j] = annihilate(v, m - j)
        d[j] = v[0]
        for c in range(j + 1, n):
            reflect(offset(lines, c * m + j), v, left[j], m - j)
        if j == n - 1:
            break
        row, length = offset(rows, j * n + j + 1), n - 1 - j
        for c in range(length):
            row[c] = lines[(j + 1 + c) * m + j]
        right[j] = annihilate(row, length)
        e[j], row[0] = row[0], 1.0
        for i in range(j + 1, m):
            share = 0.0
            for c in range(length):
                share += lines[(j + 1 + c) * m + i] * row[c]
            share *= right[j]
            for c in range(length):
                lines[(j + 1 + c) * m + i] -= share * row[c]


@shared
def _rotation(f, g):
    """c, s and r of [c s; -s c] [f; g] = [r; 0], c not negative."""
    if g == 0:
        return 1.0, 0.0, f
    if f == 0:
        return 0.0, math.copysign(1.0, g), abs(g)
    r = math.copysign(math.sqrt(f * f + g * g), f)
    return abs(f) / abs(r), g / r, r


@shared
def _smaller(f, g, h):
    """The smaller singular value of [f g; 0 h]."""
    f, g, h = abs(f), abs(g), abs(h)
    small, large = min(f, h), max(f, h)
    if small == 0:
        return 0.0
    plus, minus = 1 + small / large, (large - small) / large
    if g < large:
        ratio = (g / large) ** 2
        return small * (2 / (math.sqrt(plus * plus + ratio) + math.sqrt(minus * minus + ratio)))
    ratio = large / g
    if ratio == 0:
        return small * large / g
    plus, minus = plus * ratio, minus * ratio
    return 2 * (small * (1 / (math.sqrt(1 + plus * plus) + math.sqrt(1 + minus * minus))) * ratio)


@shared
def _two(f, g, h, eps):
    """The singular values of [f g; 0 h], the smaller one first, and the cosines and sines of its right and its left vectors."""
    one, two, three = f, g, h
    exchanged = abs(h) > abs(f)
    if exchanged:
        f, h = h, f
    large, small, between = abs(f), abs(h), abs(g)
    if between == 0:
        smallest, largest, cl, cr, sl, sr = small, large, 1.0, 1.0, 0.0, 0.0
    elif between > large and large / between < eps:
        largest = between
        smallest = large / (between / small) if small > 1 else large / between * small
        cl, sl, cr, sr = 1.0, h / g, f / g, 1.0
    else:
        difference = large - small
        part, m = difference / large, g / f
        t = 2 - part
        mm = m * m
        s, r = math.sqrt(t * t + mm), math.sqrt(part * part + mm)
        a = 0.5 * (s + r)
        smallest, largest = small / a, large * a
        if mm != 0:
            t = (m / (s + t) + m / (r + part)) * (1 + a)
        elif part == 0:
            t = math.copysign(2.0, f) * math.copysign(1.0, g)
        else:
            t = g / math.copysign(difference, f) + m / t
        length = math.sqrt(t * t + 4)
        cr, sr = 2 / length, t / length
        cl, sl = (cr + sr * m) / a, h / f * sr / a
    if exchanged:
        cl, sl, cr, sr = sr, cr, sl, cl
    if between > large:
        sign = math.copysign(1.0, sr) * math.copysign(1.0, cl) * math.copysign(1.0, two)
    elif exchanged:
        sign = math.copysign(1.0, sr) * math.copysign(1.0, sl) * math.copysign(1.0, three)
    else:
        sign = math.copysign(1.0, cr) * math.copysign(1.0, cl) * math.copysign(1.0, one)
    smallest *= sign * math.copysign(1.0, one) * math.copysign(1.0, three)
    return smallest, largest * sign, cr, sr, cl, sl


@shared
def _shift(d, e, first, last, way, low, smallest, largest, n, eps, tolerance):
    """What a step shifts by, 0 where it would cost precision."""
    if n * tolerance * (smallest / largest) <= max(eps, 0.01 * tolerance):
        return 0.0
    corner = min(last, last - way)
    shift, start = _smaller(d[corner], e[corner], d[corner + 1]), abs(d[first])
    return 0.0 if start > 0 and (shift / start) ** 2 < eps else shift


@shared
def _step(d, e, near, far, first, last, way, shift, m, n, wanted):
    """A step of QR from `first` to `last`; lines of `near` are turned as the rows beyond, those of `far` as the rows on this side."""
    below = 0 if way > 0 else -1  # of element i, e[i + below] is beside it on the way
    at = first
    if shift == 0:
        c, s, own_c, own_s = 1.0, 0.0, 1.0, 0.0
        while at != last:
            c, s, r = _rotation(d[at] * c, e[at + below])
            if at != first:
                e[at - way + below] = own_s * r
            own_c, own_s, d[at] = _rotation(own_c * r, d[at + way] * s)
            if wanted:
                rotate(near, at, at + way, c, s, n)
                rotate(far, at, at + way, own_c, own_s, m)
            at += way
        rest = d[last] * c
        d[last], e[last - way + below] = rest * own_c, rest * own_s
        return
    f, g = (abs(d[first]) - shift) * (math.copysign(1.0, d[first]) + shift / d[first]), e[first + below]
    while at != last:
        c, s, r = _rotation(f, g)
        if at != first:
            e[at - way + below] = r
        f, e[at + below] = c * d[at] + s * e[at + below], c * e[at + below] - s * d[at]
        g, d[at + way] = s * d[at + way], c * d[at + way]
        if wanted:
            rotate(near, at, at + way, c, s, n)
        c, s, d[at] = _rotation(f, g)
        f, d[at + way] = c * e[at + below] + s * d[at + way], c * d[at + way] - s * e[at + below]
        if at + way != last:
            g, e[at + way + below] = s * e[at + way + below], c * e[at + way + below]
        if wanted:
            rotate(far, at, at + way, c, s, m)
        at += way
    e[last - way + below] = f


@shared
def _smallest(d, e, first, last, way, tolerance):
    """A bound of the smallest singular value of a block; -1 where an element of e was small enough to become 0."""
    below = 0 if way > 0 else -1
    if abs(e[last - way + below]) <= tolerance * abs(d[last]):
        e[last - way + below] = 0.0
        return -1.0
    at, bound = first, abs(d[first])
    smallest = bound
    while at != last:
        beside = abs(e[at + below])
        if beside <= tolerance * bound:
            e[at + below] = 0.0
            return -1.0
        bound = abs(d[at + way]) * (bound / (bound + beside))
        smallest = min(smallest, bound)
        at += way
    return smallest


@shared
def _diagonal(d, e, u, v, m, n, eps, wanted):
    """A bidiagonal matrix becomes diagonal, and if it is `wanted` lines of u, m long, and of v, n long, are rotated; 0, or 1 without
    an end."""
    tolerance = eps * max(10.0, min(100.0, eps**-0.125))
    bound = least = abs(d[0])
    for i in range(1, n):
        if least != 0:
            bound = abs(d[i]) * (bound / (bound + abs(e[i - 1])))
            least = min(least, bound)
    threshold = max(tolerance * least / math.sqrt(n), STEPS * n * n * TINY)
    top, before_low, before_top, way, steps = n - 1, -1, -1, 1, STEPS * n * n
    while top > 0:
        low, largest, small = top - 1, abs(d[top]), False
        while low >= 0:
            small = abs(e[low]) <= threshold
            if small:
                e[low] = 0.0
                break
            largest = max(largest, abs(d[low]), abs(e[low]))
            low -= 1
        low += 1
        if low == top:
            top -= 1
            continue
        if low == top - 1:
            d[top], d[low], cr, sr, cl, sl = _two(d[low], e[low], d[top], eps)
            e[low] = 0.0
            if wanted:
                rotate(v, low, top, cr, sr, n)
                rotate(u, low, top, cl, sl, m)
            top -= 2
            continue
        if low > before_top or top < before_low:
            way = 1 if abs(d[low]) >= abs(d[top]) else -1
        first, last = (low, top) if way > 0 else (top, low)
        smallest = _smallest(d, e, first, last, way, tolerance)
        if smallest < 0:
            continue
        before_low, before_top = low, top
        if steps <= 0:
            return 1
        steps -= top - low
        shift = _shift(d, e, first, last, way, low, smallest, largest, n, eps, tolerance)
        if way > 0:
            _step(d, e, v, u, first, last, way, shift, m, n, wanted)
        else:
            _step(d, e, u, v, first, last, way, shift, n, m, wanted)
        end = top - 1 if way > 0 else low
        if abs(e[end]) <= threshold:
            e[end] = 0.0
    return 0


def svd(left, right, values, info, a, step, row, column, m, n, whole, eps, wanted, start, stop):
    """Descending singular values of matrices start..stop, m x n, n <= m, and if they are `wanted` their vectors, `whole` on the
    left, column by column. Steps of A are in elements, from matrix to matrix, row to row and column to column. info is 0, 1
    where there was no end, or INFINITE or NAN, and the values are NaN, where a matrix has such numbers."""
    lines, rows = local(types.float64, ROOM), local(types.float64, ROOM)
    u, v = local(types.float64, ROOM), local(types.float64, ROOM)
    d, e = local(types.float64, LARGEST), local(types.float64, LARGEST)
    to_left, to_right = local(types.float64, LARGEST), local(types.float64, LARGEST)
    for matrix in range(start, stop):
        largest, ill = 0.0, 0
        for j in range(n):
            for i in range(m):
                value = abs(a[matrix * step + i * row + j * column])
                lines[j * m + i] = a[matrix * step + i * row + j * column]
                largest = max(largest, value)
                if not value < inf:
                    ill = min(ill, INFINITE if value == inf else NAN)
        if ill != 0:
            info[matrix] = ill
            for i in range(n):
                values[matrix * n + i] = nan
            continue
        scale = unit_scale(largest)
        if scale != 1:
            for k in range(m * n):
                lines[k] *= scale
        _reduce(lines, rows, d, e, to_left, to_right, m, n)
        if wanted:
            for line in range(whole):
                for i in range(m):
                    u[line * m + i] = i == line
            for line in range(n):
                for i in range(n):
                    v[line * n + i] = i == line
        info[matrix] = _diagonal(d, e, u, v, m, n, eps, wanted)
        for line in range(whole):
            place, sign = line, 1.0
            if line < n:
                place, value = 0, abs(d[line])
                sign = math.copysign(1.0, d[line]) if d[line] != 0 else 1.0
                for other in range(n):
                    place += abs(d[other]) > value or (other < line and abs(d[other]) == value)
                values[matrix * n + place] = value / scale
            if not wanted:
                continue
            own = offset(u, line * m)
            for j in range(n - 1, -1, -1):
                reflect(offset(own, j), offset(lines, j * m + j), to_left[j], m - j)
            out = offset(left, (matrix * whole + place) * m)
            for i in range(m):
                out[i] = own[i]
            if line >= n:
                continue
            own = offset(v, line * n)
            for j in range(n - 2, -1, -1):
                reflect(offset(own, j + 1), offset(rows, j * n + j + 1), to_right[j], n - 1 - j)
            out = offset(right, matrix * n * n + place)
            for i in range(n):
                out[i * n] = own[i] * sign
