"""sin, cos and tan, of any argument.

First x = n pi / 2 + r with n an integer and |r| <= pi / 4. That takes as many digits of 2 / pi as x has
before its point, and more. But with x = 2^s y and y an integer, a multiple of 4 may be taken off 2^s 2 / pi:
it changes n by whole turns. What is left has hardly a digit before the point, and two numbers (float32) or
three (float64) hold enough of those behind it. They are chosen by the size of x: the plan of M. Payne and R.
Hanek (1983), with floating point in place of long integers. Then a short series gives sin, cos or tan of r.

Every x, however large, takes this path: there is no branch to a slow one. In float64 the absolute error of r
stays below 2^-95, so only results below about 1e-13, of an x beyond 2^53, can be off by more than the 2
units in the last place that hold elsewhere.
"""

from __future__ import annotations

from fractions import Fraction

from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    fma,
    narrow,
    number,
    polynomial,
    rint,
    table,
    two_sum,
    vectorised,
    where,
    widen,
)

# The first 1248 binary digits of 2 / pi.
_TWO_OVER_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1c"
    "b129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f"
    "6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc20",
    16,
)
_DIGITS = 1248
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)

# The fits hold for |r| <= pi / 4, in float32 for |r| <= 0.926; z = r^2.

# sin(r) = r + r z (c0 + c1 z + ...), relative error 2^-32 and 2^-58.
_SIN: PerFormat = {
    F32: (-0.16666667, 0.008333363, -0.00019845326, 2.7500914e-06),
    F64: (
        -0.16666666666666627, 0.008333333333321128, -0.00019841269828771766, 2.7557313330010636e-06,
        -2.5050701049983538e-08, 1.5893464656918618e-10,
    ),
}  # fmt: skip

# cos(r) = 1 + z (-1/2 + c0 z + c1 z^2 + ...), relative error 2^-30 and 2^-64.
_COS: PerFormat = {
    F32: (0.04166661, -0.0013885789, 2.4285288e-05),
    F64: (
        0.04166666666666659, -0.0013888888888872167, 2.48015872882748e-05, -2.755731400738229e-07,
        2.087567684397906e-09, -1.135726463442377e-11,
    ),
}  # fmt: skip

# tan(r) = r + r z (c0 + c1 z + ...), relative error 2^-28 and 2^-56.
_TAN: PerFormat = {
    F32: (
        0.33333296, 0.13334733, 0.053792376, 0.022925498, 0.0054165963, 0.009959113, -0.0049907193,
        0.0036215954,
    ),
    F64: (
        0.3333333333333278, 0.13333333333414166, 0.05396825392685901, 0.021869489604838057,
        0.008863219218756472, 0.003592288615551336, 0.0014547606418181143, 0.0005950539720638702,
        0.00022241043941067598, 0.00013646423348674184, -2.6301698896768666e-05, 8.937613330852183e-05,
        -4.4836051002619814e-05, 2.085364309117742e-05,
    ),
}  # fmt: skip


def _digits(shift: int, count: int) -> tuple[float, ...]:
    """2^shift * 2 / pi less a multiple of 4, as the sum of `count` float64 numbers."""
    rest = Fraction(_TWO_OVER_PI << shift, 1 << _DIGITS) % 4
    rest -= 4 * (rest > 2)
    parts = []
    for _ in range(count):
        parts.append(float(rest))
        rest -= Fraction(parts[-1])
    return tuple(parts)


def _remainder(x: Value) -> tuple[Value, Value, Value]:
    """(n, r, tail): x = n pi / 2 + r + tail; of the integer n two bits count; tail is what r lacks."""
    return _remainder_f32(x) if x.format is F32 else _remainder_f64(x)


# The steps of float32: from this size on, this shift. Of all that would do, those with the smallest second
# parts: these are not looked at when n is chosen, so that |r| exceeds pi / 4, up to 0.926.
_STEPS = ((2.0**51, 27), (2.0**78, 54), (2.0**103, 79))


def _remainder_f32(x: Value) -> tuple[Value, Value, Value]:
    wide = widen(x)
    high, low = (wide.like(part) for part in _digits(0, 2))
    for start, shift in _STEPS:
        beyond = abs(wide) >= start
        next_high, next_low = (part * 2.0**-shift for part in _digits(shift, 2))
        high, low = where(beyond, next_high, high), where(beyond, next_low, low)
    magic = wide.format.magic
    t = fma(wide, high, magic)
    r = fma(wide, low, fma(wide, high, magic - t)) * _HALF_PI[0]
    rounded = narrow(r)
    return narrow(bits(t)), rounded, narrow(r - widen(rounded))


def _remainder_f64(x: Value) -> tuple[Value, Value, Value]:
    step = 8  # a row of the table for every 8 exponents; below 2^61 in absolute value it is row 0
    rows = [part for shift in range(0, 1023 - 52, step) for part in _digits(shift, 3)]
    above = ((bits(x) >> 52) & 0x7FF) - (1023 + 53)
    row = where(above > 0, above, 0) >> 3
    digits = table(rows, row * 3)
    y = x * number((1023 << 52) - (row << (52 + 3)))

    # y (d0 + d1 + d2) less multiples of 4; without any error where digits before the point may be
    d0, d1, d2 = (digits(k) for k in range(3))
    p0, p1 = y * d0, y * d1
    e0, e1 = fma(y, d0, -p0), fma(y, d1, -p1)
    middle, lowest = two_sum(e0, p1)
    high, low = two_sum(_less_fours(p0), _less_fours(middle))
    n = rint(high)
    f, f_low = two_sum(high - n, low + (lowest + fma(y, d2, e1)))
    product = f * _HALF_PI[0]
    rest = fma(f, _HALF_PI[0], -product) + fma(f, _HALF_PI[1], f_low * _HALF_PI[0])
    r = product + rest
    return bits(n + n.format.magic), r, (product - r) + rest


def _less_fours(p: Value) -> Value:
    """p less the nearest multiple of 4, exactly."""
    return fma(rint(0.25 * p), -4, p)


def _sine(n: Value, r: Value) -> Value:
    """sin(n pi / 2 + r)."""
    z = r * r
    sin = fma(r, z * polynomial(z, _SIN[r.format]), r)
    cos = fma(z, polynomial(z, (-0.5, *_COS[r.format])), 1)
    y = where((n & 1).equals(0), sin, cos)
    return number(bits(y) ^ ((n & 2) << (r.format.integer.width - 2)))


def sin(x: Value) -> Value:
    """The sine of x radians, however large x is."""
    n, r, _ = _remainder(x)
    return where(abs(x) < x.format.epsilon, x, _sine(n, r))


def cos(x: Value) -> Value:
    """The cosine of x radians, however large x is."""
    n, r, _ = _remainder(x)
    return _sine(n + 1, r)


def tan(x: Value) -> Value:
    """The tangent of x radians, however large x is."""
    n, r, tail = _remainder(x)
    z = r * r
    rest = fma(r * z, polynomial(z, _TAN[x.format]), tail)
    t = r + rest
    # An odd number of right angles off: -1 / tan(r), corrected by what t and the quotient have lost.
    inverse = -1 / t
    error = fma(inverse, t, 1) + inverse * ((r - t) + rest)
    y = where((n & 1).equals(0), t, fma(inverse, error, inverse))
    return where(abs(x) < x.format.epsilon, x, y)


sin_f32, sin_f64 = vectorised(sin)
cos_f32, cos_f64 = vectorised(cos)
tan_f32, tan_f64 = vectorised(tan)
