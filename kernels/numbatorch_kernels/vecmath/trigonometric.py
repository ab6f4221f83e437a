"""sin, cos and tan, of any argument.

First x / pi = n + f with n an integer and |f| <= 1/2. That takes as many digits of 1 / pi as x has before its point, and more. But with
x = 2^s y and y a whole number, a multiple of 2 may be taken off 2^s / pi, since that changes n by an even number only: what is left
has no digits before the point, and two numbers (float32) or four (float64) hold enough of those behind it. They are chosen by the size
of x: the plan of M. Payne and R. Hanek (1983). Then sin(pi f) is a polynomial, with the sign of (-1)^n.
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
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129"
    "a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf"
    "27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc20",
    16,
)
_DIGITS = 1248

# sin(r) = r + r z (c0 + c1 z + ...), z = r^2, |r| <= pi / 2 (float32: 1.77), relative error 2^-30 and 2^-61.
_SIN: PerFormat = {
    F32: (-0.16666667, 0.008333345, -0.00019841989, 2.7560768e-06, -2.4260515e-08),
    F64: (
        -0.16666666666666666, 0.008333333333333207, -0.0001984126984121248, 2.7557319211569376e-06,
        -2.5052106904383625e-08, 1.605894099782345e-10, -7.643019166614477e-13, 2.7214162611908816e-15,
    ),
}  # fmt: skip

# tan(r) = r + r z (c0 + c1 z + ...), z = r^2, |r| <= pi / 4 (float32: 0.88), relative error 2^-29 and 2^-56.
_TAN: PerFormat = {
    F32: (
        0.3333332, 0.1333391, 0.05388758, 0.022406993, 0.00691694, 0.0075867493, -0.0030560517, 0.0029852313,
    ),
    F64: (
        0.3333333333333278, 0.13333333333414166, 0.05396825392685901, 0.021869489604838057, 0.008863219218756472,
        0.003592288615551336, 0.0014547606418181143, 0.0005950539720638702, 0.00022241043941067598,
        0.00013646423348674184, -2.6301698896768666e-05, 8.937613330852183e-05, -4.4836051002619814e-05,
        2.085364309117742e-05,
    ),
}  # fmt: skip

_PI = (3.141592653589793, 1.2246467991473532e-16)


def _digits(shift: int, count: int) -> tuple[float, ...]:
    """2^shift / pi less a multiple of 2, as the sum of `count` float64 numbers."""
    rest = Fraction(_TWO_OVER_PI << shift, 1 << (_DIGITS + 1)) % 2
    rest -= 2 * (rest > 1)
    parts = []
    for _ in range(count):
        parts.append(float(rest))
        rest -= Fraction(parts[-1])
    return tuple(parts)


def _remainder_f32(x: Value, multiple: int, half: float) -> tuple[Value, Value]:
    """(n, r) with multiple * x + half * pi = n pi + r: n an integer of which the lowest bit counts, r a float64."""
    # Below 2^50 in absolute value the product with 1 / pi has all the digits that matter; beyond, in steps of 26 binary digits.
    size = abs(x)
    high, low = (widen(x).like(part) for part in _digits(0, 2))
    scale = x.like(1)
    for shift in (26, 52, 78):
        beyond = size >= 2.0 ** (24 + shift)
        next_high, next_low = _digits(shift, 2)
        scale = where(beyond, 2.0**-shift, scale)
        high, low = where(beyond, next_high, high), where(beyond, next_low, low)
    y = widen(x * (scale * multiple))
    magic = y.format.magic
    t = fma(y, high, half) + magic if half else fma(y, high, magic)
    f = fma(y, low, fma(y, high, half - (t - magic)))
    return narrow(bits(t)), f * _PI[0]


def _remainder_f64(x: Value, multiple: int, half: float) -> tuple[Value, Value, Value]:
    """(n, r, tail) with multiple * x + half * pi = n pi + r + tail: n an integer of which the lowest bit counts."""
    step = 8  # a row of the table for every 8 exponents; below 2^61 in absolute value it is row 0
    last = (1023 - 53) // step
    rows = [part for row in range(last + 1) for part in _digits(step * row, 4)]
    above = ((bits(x) >> 52) & 0x7FF) - (1023 + 53)
    row = where(above > 0, above, 0) >> 3
    digits = table(rows, row << 2)
    y = x * number(((1023 + multiple.bit_length() - 1) << 52) - (row << (52 + 3)))

    # y (d0 + d1 + d2 + d3), less even numbers: first the parts that may have digits before the point, without any error
    p0 = y * digits(0)
    e0 = fma(y, digits(0), -p0)
    p1 = y * digits(1)
    e1 = fma(y, digits(1), -p1)
    middle, lowest = two_sum(e0, p1)
    high, low = two_sum(_less_even(p0), _less_even(middle))
    n = rint(high + half)
    rest = low + (lowest + (e1 + fma(y, digits(3), y * digits(2))))
    f, f_low = two_sum(high - (n - half), rest)
    r = f * _PI[0]
    return bits(n + n.format.magic), r, fma(f, _PI[0], -r) + fma(f, _PI[1], f_low * _PI[0])


def _less_even(p: Value) -> Value:
    """p less the nearest even number, exactly."""
    return fma(rint(0.5 * p), -2, p)


def _sine(x: Value, half: float) -> Value:
    """sin(x + half * pi)."""
    if x.format is F32:
        n, wide = _remainder_f32(x, 1, half)
        r = narrow(wide)
    else:
        n, high, low = _remainder_f64(x, 1, half)
        r = high + low
    z = r * r
    y = fma(r, z * polynomial(z, _SIN[x.format]), r)
    return number(bits(y) ^ (n << (x.format.integer.width - 1)))


def sin(x: Value) -> Value:
    """The sine of x radians; right for every x, however large."""
    return where(abs(x) < x.format.epsilon, x, _sine(x, 0))


def cos(x: Value) -> Value:
    """The cosine of x radians; right for every x, however large."""
    return _sine(x, 0.5)


def tan(x: Value) -> Value:
    """The tangent of x radians; right for every x, however large."""
    if x.format is F32:
        n, wide = _remainder_f32(x, 2, 0)
        r = narrow(0.5 * wide)
        tail = narrow(0.5 * wide - widen(r))
    else:
        n, r, tail = _remainder_f64(x, 2, 0)
        r, tail = 0.5 * r, 0.5 * tail
    z = r * r
    rest = fma(r * z, polynomial(z, _TAN[x.format]), tail)
    t = r + rest
    # An odd number of right angles off: -1 / tan(r), corrected by what t and the quotient have lost.
    inverse = -1 / t
    error = fma(inverse, t, 1) + inverse * ((r - t) + rest)
    odd = (n & 1).equals(1)
    return where(abs(x) < x.format.epsilon, x, where(odd, fma(inverse, error, inverse), t))


sin_f32, sin_f64 = vectorised(sin)
cos_f32, cos_f64 = vectorised(cos)
tan_f32, tan_f64 = vectorised(tan)
