"""asin, acos, atan and atan2.

asin(x) is a series up to 1/2 and pi/2 - 2 asin(sqrt((1 - x) / 2)) beyond; atan(x) is a series up to 1 and
pi/2 - atan(1 / x) beyond. (The arrangement is that of fdlibm and Cephes; the coefficients are minimax fits
of our own.)
"""

from __future__ import annotations

from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    copysign,
    fma,
    polynomial,
    sqrt,
    vectorised,
    where,
)

# asin(s) = s + s z (c0 + c1 z + ...), z = s^2 <= 1/4, relative error 2^-28 and 2^-56.
_ASIN: PerFormat = {
    F32: (0.16666752, 0.074953094, 0.045469154, 0.024184741, 0.042158395),
    F64: (
        0.16666666666665408, 0.0750000000033715, 0.04464285682821032, 0.030381959142027168,
        0.02237175792719545, 0.017359706609750038, 0.013885217686818056, 0.012169323661367464,
        0.006527516302568733, 0.019529442419706774, -0.01622596823125966, 0.03191335269847919,
    ),
}  # fmt: skip

# atan(t) = t + t z (c0 + c1 z + ...), z = t^2 <= 1, relative error 2^-28 and 2^-57.
_ATAN: PerFormat = {
    F32: (
        -0.333333, 0.1999853, -0.1426404, 0.10951152, -0.08400518, 0.057908844, -0.031130545, 0.010889799,
        -0.0017881902,
    ),
    F64: (
        -0.3333333333333307, 0.1999999999995175, -0.14285714282588194, 0.11111111007345317,
        -0.09090907007855477, 0.07692279889538715, -0.06666404428154891, 0.05880529835730442,
        -0.052535269042241, 0.04722348795052693, -0.04219244785877712, 0.03664318653787777,
        -0.029905792835323224, 0.021987137183539406, -0.013902635585271954, 0.007197925781375592,
        -0.002885629307425326, 0.0008315660714312622, -0.00015221241856747987, 1.3230113957525608e-05,
    ),
}  # fmt: skip

# pi / 2 in two parts.
_HALF_PI: PerFormat = {F32: (1.5707964, -4.371139e-08), F64: (1.5707963267948966, 6.123233995736766e-17)}


def _asin(x: Value) -> tuple[Value, Value, Value]:
    """(beyond, s, c): beyond is |x| > 1/2, and s + c = 2 asin(sqrt((1 - |x|) / 2)) if so, else asin(|x|)."""
    size = abs(x)
    beyond = size > 0.5
    z = where(beyond, 0.5 * (1 - size), x * x)
    s = where(beyond, 2 * sqrt(z), size)
    return beyond, s, s * z * polynomial(z, _ASIN[x.format])


def asin(x: Value) -> Value:
    """The angle from -pi/2 to pi/2 whose sine is x; NaN for |x| > 1."""
    high, low = _HALF_PI[x.format]
    beyond, s, c = _asin(x)
    rest = high - s
    return copysign(where(beyond, rest + (((high - rest) - s) - (c - low)), s + c), x)


def acos(x: Value) -> Value:
    """The angle from 0 to pi whose cosine is x; NaN for |x| > 1."""
    beyond, s, c = _asin(x)
    sign = where(beyond, -x, x)
    high, low = (where(beyond, where(x < 0, x.like(2 * part), 0), part) for part in _HALF_PI[x.format])
    return (high - copysign(s, sign)) - (copysign(c, sign) - low)


def _atan(t: Value) -> Value:
    """atan(t) for 0 <= t <= 1."""
    z = t * t
    return fma(t * z, polynomial(z, _ATAN[t.format]), t)


def atan(x: Value) -> Value:
    """The angle from -pi/2 to pi/2 whose tangent is x."""
    high, low = _HALF_PI[x.format]
    size = abs(x)
    beyond = size > 1
    a = _atan(where(beyond, 1, size) / where(beyond, size, 1))
    return copysign(where(beyond, high - (a - low), a), x)


def atan2(y: Value, x: Value) -> Value:
    """The angle from -pi to pi of the point (x, y); on the axes and at infinity as in C99."""
    height, width = abs(y), abs(x)
    steep, left = height > width, bits(x) < 0
    smaller, larger = where(steep, width, height), where(steep, height, width)
    quotient = where(larger.equals(0), smaller, where(smaller.equals(larger), 1, smaller / larger))
    a = _atan(quotient)
    a = where(steep ^ left, -a, a)
    high, low = (where(steep, part, where(left, y.like(2 * part), 0)) for part in _HALF_PI[y.format])
    angle = copysign(high + (a + low), y)
    return where(x.is_nan() | y.is_nan(), x + y, angle)


asin_f32, asin_f64 = vectorised(asin)
acos_f32, acos_f64 = vectorised(acos)
atan_f32, atan_f64 = vectorised(atan)
atan2_f32, atan2_f64 = vectorised(atan2)
