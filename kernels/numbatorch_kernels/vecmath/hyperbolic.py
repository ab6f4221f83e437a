"""sinh, cosh, tanh and their inverses.

With |x| = n log 2 + r, as for exp, sinh(x) = sinh(n log 2) cosh(r) + cosh(n log 2) sinh(r), and likewise
cosh(x): the factors with n are sums of two powers of two, those with r short series. tanh comes from expm1,
the inverses from the logarithm of a sum that is kept in two parts. (The coefficients are minimax fits of our
own.)
"""

from __future__ import annotations

import math

from numbatorch_kernels.vecmath.exponential import LN2, LOG2_E, expm1_reduced
from numbatorch_kernels.vecmath.logarithm import atanh_rest, log_from, split
from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    clamp,
    copysign,
    counted,
    fma,
    nearest,
    number,
    polynomial,
    sqrt,
    two_sum,
    two_to_the,
    vectorised,
    where,
)

# sinh(r) = r + r z (c0 + c1 z + ...), z = r^2, |r| <= log(2) / 2, relative error 2^-34 and 2^-61.
_SINH: PerFormat = {
    F32: (0.16666667, 0.008333175, 0.00019974119),
    F64: (
        0.16666666666666677, 0.008333333333321386, 0.00019841269886814778, 2.755724345482857e-06,
        2.510931897560237e-08,
    ),
}  # fmt: skip

# cosh(r) = 1 + z (c0 + c1 z + ...), relative error 2^-33 and 2^-58.
_COSH: PerFormat = {
    F32: (0.5, 0.04166646, 0.0013935426),
    F64: (
        0.5000000000000013, 0.04166666666651047, 0.0013888888948355748, 2.4801488506023968e-05,
        2.7631810300372597e-07,
    ),
}  # fmt: skip

# tanh(x) = x + x z (c0 + c1 z + ...), z = x^2, |x| <= 0.3, relative error 2^-26 and 2^-60.
_TANH: PerFormat = {
    F32: (-0.3333306, 0.13314803, -0.05036354),
    F64: (
        -0.3333333333333326, 0.13333333333306657, -0.05396825393538042, 0.02186948657454846,
        -0.00886317064194026, 0.0035908727948827084, -0.00144165243233009, 0.0005024619532903298,
    ),
}  # fmt: skip


def _sum_and_difference(x: Value) -> tuple[Value, Value, Value, Value, Value]:
    """(a, b, r, s, c): sinh|x| = 4 (a (1 + c) + b (r + s)) and cosh|x| = 4 (b (1 + c) + a (r + s))."""
    format = x.format
    high, low = LN2[format]
    size = clamp(abs(x), high=90 if format is F32 else 711)
    n, t = nearest(size, LOG2_E, format.bias - 3)
    first = fma(n, -high, size)
    r = fma(n, -low, first)
    tail = fma(n, -low, first - r)
    z = r * r
    s = fma(r * z, polynomial(z, _SINH[format]), tail)
    c = z * polynomial(z, _COSH[format])
    up = two_to_the(t)  # 2^(n-3), a fourth of what the formula says: 2^n overflows for the largest results
    down = where(n > 64, 0, number((2 * (format.bias - 3) << format.mantissa) - bits(up)))
    return up - down, up + down, r, s, c


def sinh(x: Value) -> Value:
    """(e**x - e**-x) / 2."""
    a, b, r, s, c = _sum_and_difference(x)
    y = 4 * (a + fma(b, r, fma(a, c, b * s)))
    return where(abs(x) < x.format.epsilon, x, copysign(y, x))


def cosh(x: Value) -> Value:
    """(e**x + e**-x) / 2."""
    a, b, r, s, c = _sum_and_difference(x)
    return 4 * (b + fma(a, r, fma(b, c, a * s)))


def tanh(x: Value) -> Value:
    """(e**x - e**-x) / (e**x + e**-x)."""
    size = abs(x)
    p, t = expm1_reduced(2 * clamp(size, high=10 if x.format is F32 else 20), x.format.bias)
    power = two_to_the(t)
    e = fma(power, p, power - 1)  # exp(2 |x|) - 1
    z = size * size
    near = fma(size, z * polynomial(z, _TANH[x.format]), size)
    return copysign(where(size < 0.3, near, e / (e + 2)), x)


def _log_of_sum(high: Value, low: Value, doublings: Value) -> Value:
    """log(high + low) + doublings * log(2), for high >= 1 and low below its last digit."""
    format = high.format
    m, e = split(high)
    shrink = number((2 * format.bias << format.mantissa) - (e << format.mantissa))
    return log_from(fma(low, shrink, m - 1), counted(e, format.bias) + doublings)


def asinh(x: Value) -> Value:
    """The inverse of sinh: log(|x| + sqrt(x^2 + 1)) with the sign of x."""
    size = abs(x)
    large = size > 2.0**30  # the 1 no longer counts
    b = where(large, 0, size)
    square = b * b
    v, v_low = two_sum(square, x.like(1))
    v_low = v_low + fma(b, b, -square)
    root = sqrt(v)
    total = root + b
    low = ((root - total) + b) + (fma(-root, root, v) + v_low) * (0.5 / root)
    y = _log_of_sum(where(large, 0.5 * size, total), where(large, 0, low), where(large, x.like(2), 0))
    y = where(size < math.inf, y, size)
    return where(size < x.format.epsilon, x, copysign(y, x))


def acosh(x: Value) -> Value:
    """The inverse of cosh: log(x + sqrt(x^2 - 1)); NaN for x < 1."""
    large = x > 2.0**30
    b = where(large, 2, x)
    square = b * b
    v = square - 1
    v_low = ((square - v) - 1) + fma(b, b, -square)
    root = sqrt(v)
    total = b + root
    low = ((b - total) + root) + (fma(-root, root, v) + v_low) * where(v > 0, 0.5 / root, 0)
    y = _log_of_sum(where(large, 0.5 * x, total), where(large, 0, low), where(large, x.like(2), 0))
    return where(x >= 1, where(x < math.inf, y, x), math.nan)


def atanh(x: Value) -> Value:
    """The inverse of tanh: log((1 + x) / (1 - x)) / 2; NaN for |x| > 1."""
    format = x.format
    high, low = LN2[format]
    size = abs(x)
    # (1 + x) / (1 - x) = 2^k m, k such that m is near 1, and log(m) = 2 atanh(s) with s = (m - 1) / (m + 1)
    plus, minus = 1 + size, 1 - size
    plus_low, minus_low = size - (plus - 1), (1 - minus) - size
    _, e = split(plus / minus)
    power, k = number(e << format.mantissa), counted(e, format.bias)
    difference = fma(-power, minus, plus) + fma(-power, minus_low, plus_low)
    total = fma(power, minus, plus) + fma(power, minus_low, plus_low)
    inverse = 1 / total
    s = difference * inverse
    s_low = fma(-s, total, difference) * inverse
    y = fma(0.5 * k, high, s + (fma(0.5 * k, low, atanh_rest(s)) + s_low))
    y = where(size < 1, y, where(size.equals(1), math.inf, x.like(math.nan)))
    return copysign(y, x)


sinh_f32, sinh_f64 = vectorised(sinh)
cosh_f32, cosh_f64 = vectorised(cosh)
tanh_f32, tanh_f64 = vectorised(tanh)
asinh_f32, asinh_f64 = vectorised(asinh)
acosh_f32, acosh_f64 = vectorised(acosh)
atanh_f32, atanh_f64 = vectorised(atanh)
