"""log, log2, log10 and log1p.

All follow one plan: x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), and log(1 + f) = 2 atanh(s) with
s = f / (2 + f), a short series in s^2. (The arrangement is that of fdlibm, Sun Microsystems 1993; the
coefficients are minimax fits of our own.)
"""

from __future__ import annotations

import math

from numbatorch_kernels.vecmath.exponential import LN2
from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    counted,
    fma,
    number,
    polynomial,
    vectorised,
    where,
)

# atanh(s) = s + s z (c0 + c1 z + ...) / 2, z = s^2, relative error 2^-30 and 2^-59.
_ATANH: PerFormat = {
    F32: (0.66666776, 0.3997758, 0.29870927),
    F64: (
        0.6666666666666734, 0.3999999999941653, 0.28571428742069443, 0.22222198599502996, 0.18183563197038416,
        0.15314074716324802, 0.14795746156876016,
    ),
}  # fmt: skip

# log2(e), log10(e) and log10(2) in two parts, the first of log10(2) so short that its product with any
# exponent is exact.
_LOG2_E: PerFormat = {F32: (1.442695, 1.925963e-08), F64: (1.4426950408889634, 2.0355273740931033e-17)}
_LOG10_E: PerFormat = {F32: (0.4342945, -1.010305e-08), F64: (0.4342944819032518, 1.098319650216765e-17)}
_LOG10_2: PerFormat = {F32: (0.30103302, -3.0243555e-06), F64: (0.30102999566395283, 2.8363394551044964e-14)}

_SQRT_HALF = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}  # the bits of sqrt(1/2)


def split(x: Value) -> tuple[Value, Value]:
    """(m, e): x = 2^k m, sqrt(1/2) <= m < sqrt(2), e the integer k + bias; for x > 0, not subnormal."""
    format, root = x.format, _SQRT_HALF[x.format]
    shifted = bits(x) + ((format.bias << format.mantissa) - root)
    return number((shifted & ((1 << format.mantissa) - 1)) + root), shifted >> format.mantissa


def split_any(x: Value) -> tuple[Value, Value]:
    """(m, k): x = 2^k m, sqrt(1/2) <= m < sqrt(2), k a number; for x > 0, also subnormal."""
    format = x.format
    small = x < format.tiny
    m, e = split(where(small, x * 2.0**format.mantissa, x))
    return m, counted(e, format.bias) - where(small, x.like(format.mantissa), 0)


def atanh_rest(s: Value) -> Value:
    """atanh(s) - s, for |s| < 0.172."""
    z = s * s
    return 0.5 * s * z * polynomial(z, _ATANH[s.format])


def log1p_parts(f: Value) -> tuple[Value, Value]:
    """(h, c) with log(1 + f) = f - (h - c), for sqrt(1/2) <= 1 + f < sqrt(2); h is f^2 / 2."""
    s = f / (2 + f)
    z = s * s
    h = 0.5 * f * f
    return h, s * fma(z, polynomial(z, _ATANH[f.format]), h)


def log_from(f: Value, k: Value) -> Value:
    """log(2^k (1 + f))."""
    high, low = LN2[f.format]
    h, c = log1p_parts(f)
    return fma(k, high, f - (h - fma(k, low, c)))


def with_edges(y: Value, x: Value) -> Value:
    """y, a logarithm of x, made right for zero, infinity, NaN and x below zero."""
    y = where(x.equals(math.inf), x, y)
    y = where(x.equals(0), -math.inf, y)
    return where(x >= 0, y, math.nan)


def log(x: Value) -> Value:
    """The natural logarithm."""
    m, k = split_any(x)
    return with_edges(log_from(m - 1, k), x)


def _log_of_base(x: Value, per_e: tuple[float, ...], per_2: tuple[float, ...]) -> Value:
    """log(x) in a base of which `per_e` and `per_2` are the logarithms of e and 2, each in two parts."""
    m, k = split_any(x)
    f = m - 1
    h, c = log1p_parts(f)
    high = f - h  # high + low = log(m) to more digits than one number holds
    low = (f - high) - h + c
    product = high * per_e[0]
    rest = fma(high, per_e[0], -product) + fma(high, per_e[1], low * per_e[0])
    power = k * per_2[0]
    total = power + product
    return with_edges(total + (fma(k, per_2[1], (power - total) + product) + rest), x)


def log2(x: Value) -> Value:
    """The logarithm of base 2."""
    return _log_of_base(x, _LOG2_E[x.format], (1, 0))


def log10(x: Value) -> Value:
    """The logarithm of base 10."""
    return _log_of_base(x, _LOG10_E[x.format], _LOG10_2[x.format])


def log1p(x: Value) -> Value:
    """log(1 + x), with all digits also where x is small."""
    format = x.format
    u = 1 + x
    _, e = split(u)
    # f = 2^-k (1 + x) - 1, from x itself since u has lost digits of it; by 2^(2-k), as 2^-k may be subnormal.
    scale = number(((2 * format.bias + 2) << format.mantissa) - (e << format.mantissa))
    f = fma(0.25 * x, scale, 0.25 * scale - 1)
    y = with_edges(log_from(f, counted(e, format.bias)), u)
    return where(abs(x) < format.epsilon / 4, x, y)


log_f32, log_f64 = vectorised(log)
log2_f32, log2_f64 = vectorised(log2)
log10_f32, log10_f64 = vectorised(log10)
log1p_f32, log1p_f64 = vectorised(log1p)
