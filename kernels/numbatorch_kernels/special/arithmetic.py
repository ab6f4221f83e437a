"""Divisors of integers, and what floats are made of."""

from __future__ import annotations

import math

from numbatorch_kernels.callee import callee


@callee
def gcd(a, b):
    """The greatest common divisor, by Euclid's algorithm."""
    a, b = abs(a), abs(b)
    while b != 0:
        a, b = b, a % b
    return a


@callee
def lcm(a, b):
    """The least common multiple; 0 where one of the two is 0."""
    divisor = gcd(a, b)
    return 0 if divisor == 0 else abs(a // divisor * b)


@callee
def mantissa(x):
    """m of x = m 2ⁿ, 1/2 <= |m| < 1; 0, infinities and NaN are their own."""
    return math.frexp(x)[0]


@callee
def exponent(x):
    """n of x = m 2ⁿ, 1/2 <= |m| < 1; 0 for 0, infinities and NaN."""
    return math.frexp(x)[1] if x - x == 0 else 0


@callee
def ldexp(x, n):
    """x 2ⁿ for an integer n."""
    return math.ldexp(x, int(max(-5000.0, min(5000.0, n))))


@callee
def neighbour(x, y, digits, smallest, largest):
    """The number next to x on the way to y, in the format with so many binary digits and these positive
    numbers."""
    if x != x or y != y:
        return x + y
    if x == y:
        return y
    if x == 0:
        return math.copysign(smallest, y)
    if x - x != 0:
        return math.copysign(largest, x)
    m, n = math.frexp(abs(x))
    outwards = (y > x) == (x > 0)
    gap = math.ldexp(1.0, n - digits - (m == 0.5 and not outwards))
    gap = max(gap, smallest)
    return x + gap if y > x else x - gap
