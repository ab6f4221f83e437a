"""Orthogonal polynomials, number n = 0, 1 ... of each family at x; zero for a negative n.

By their recurrences; those of Chebyshev, for larger n and |x| < 1, by the cosines that they are.
"""

from __future__ import annotations

import math

from numbatorch_kernels.callee import callee

_LARGE = 8  # from here on a cosine is quicker than the recurrence
_HERMITE_LIMIT = 512  # beyond, a double has overflowed


@callee
def _chebyshev(x, n, first):
    """p0 = 1, p1 = `first`, pk = 2 x pk-1 - pk-2"""
    if n < 1:
        return 1.0 if n == 0 else 0.0
    p, q = 1.0, first
    for _ in range(1, n):
        p, q = q, 2 * x * q - p
    return q


@callee
def _whole(n):
    """n without its fraction; -1 for what is no number."""
    return int(n) if abs(n) < 2.0**62 else -1


@callee
def chebyshev_t(x, n):
    """cos(n acos x)"""
    n = _whole(n)
    if abs(x) == 1 and n >= 0:
        return -1.0 if x < 0 and n % 2 else 1.0
    if n > _LARGE and abs(x) < 1:
        return math.cos(n * math.acos(x))
    return _chebyshev(x, n, x)


@callee
def chebyshev_u(x, n):
    """sin((n + 1) t) / sin(t), t = acos x"""
    n = _whole(n)
    if abs(x) == 1 and n >= 0:
        return -(n + 1.0) if x < 0 and n % 2 else n + 1.0
    if n > _LARGE and abs(x) < 1:
        t = math.acos(x)
        return math.sin((n + 1) * t) / math.sin(t)
    return _chebyshev(x, n, 2 * x)


@callee
def chebyshev_v(x, n):
    """cos((n + 1/2) t) / cos(t / 2), t = acos x"""
    n = _whole(n)
    if abs(x) == 1 and n >= 0:
        return 1.0 if x > 0 else -(2 * n + 1.0) if n % 2 else 2 * n + 1.0
    if n > _LARGE and abs(x) < 1:
        t = math.acos(x)
        return math.cos((n + 0.5) * t) / math.cos(t / 2)
    return _chebyshev(x, n, 2 * x - 1)


@callee
def chebyshev_w(x, n):
    """sin((n + 1/2) t) / sin(t / 2), t = acos x"""
    n = _whole(n)
    if abs(x) == 1 and n >= 0:
        return 2 * n + 1.0 if x > 0 else -1.0 if n % 2 else 1.0
    if n > _LARGE and abs(x) < 1:
        t = math.acos(x)
        return math.sin((n + 0.5) * t) / math.sin(t / 2)
    return _chebyshev(x, n, 2 * x + 1)


@callee
def hermite_h(x, n):
    """Of the physicists: pk+1 = 2 x pk - 2 k pk-1"""
    n = _whole(n)
    if n < 1:
        return 1.0 if n == 0 else 0.0
    if n > _HERMITE_LIMIT:
        return math.nan
    p, q = 1.0, 2 * x
    for k in range(1, n):
        p, q = q, 2 * x * q - 2 * k * p
    return q


@callee
def hermite_he(x, n):
    """Of probability theory: pk+1 = x pk - k pk-1"""
    n = _whole(n)
    if n < 1:
        return 1.0 if n == 0 else 0.0
    if n > _HERMITE_LIMIT:
        return math.nan
    p, q = 1.0, x
    for k in range(1, n):
        p, q = q, x * q - k * p
    return q


@callee
def laguerre_l(x, n):
    """(k + 1) pk+1 = (2 k + 1 - x) pk - k pk-1"""
    n = _whole(n)
    if n < 1:
        return 1.0 if n == 0 else 0.0
    if x == 0:
        return 1.0
    p, q = 1.0, 1 - x
    for k in range(1, n):
        p, q = q, ((2 * k + (1 - x)) * q - k * p) / (k + 1)
    return q


@callee
def legendre_p(x, n):
    """(k + 1) pk+1 = (2 k + 1) x pk - k pk-1"""
    n = _whole(n)
    if n < 1:
        return 1.0 if n == 0 else 0.0
    if abs(x) == 1:
        return -1.0 if x < 0 and n % 2 else 1.0
    p, q = 1.0, x
    for k in range(1, n):
        p, q = q, ((2 * k + 1) * x * q - k * p) / (k + 1)
    return q
