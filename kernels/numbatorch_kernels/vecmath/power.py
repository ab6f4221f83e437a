"""pow, sqrt and rsqrt."""

from __future__ import annotations

import math

from numbatorch_kernels.vecmath import values
from numbatorch_kernels.vecmath.exponential import EXP2, scaled
from numbatorch_kernels.vecmath.logarithm import split_any
from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    clamp,
    fma,
    nearest,
    polynomial,
    rint,
    vectorised,
    where,
)

# log2(m) = 2 atanh(s) / log(2) = s (a + z (b + z (c0 + c1 z + ...))), z = s^2, with a and b in two parts;
# relative error 2^-37 and 2^-66.
_A: PerFormat = {F32: (2.88539, 3.851926e-08), F64: (2.8853900817779268, 4.0710547481862066e-17)}
_B: PerFormat = {F32: (0.9617967, -7.028462e-09), F64: (0.9617966939259756, 5.0577616648125907e-17)}
_C: PerFormat = {
    F32: (0.5770802, 0.4118499, 0.33782202),
    F64: (
        0.577078016355618, 0.4121985830919389, 0.32059890227395105, 0.2623077010754904, 0.22198400067885193,
        0.19125508185209825, 0.19038623689856535,
    ),
}  # fmt: skip


def _log2(x: Value) -> tuple[Value, Value]:
    """log2 of x > 0 in two parts, some 12 bits more than a number holds. (After SLEEF's pow, N. Shibata.)"""
    (a, a_low), (b, b_low) = _A[x.format], _B[x.format]
    m, k = split_any(x)
    f, d = m - 1, m + 1
    inverse = 1 / d
    s = f * inverse
    s_low = fma(-s, m - (d - 1), fma(-s, d, f)) * inverse
    z = s * s
    z_low = fma(2 * s, s_low, fma(s, s, -z))
    q = z * polynomial(z, _C[x.format])
    u = b + q
    u_low = ((b - u) + q) + b_low
    v = z * u
    v_low = fma(z, u, -v) + fma(z, u_low, z_low * u)
    w = a + v
    w_low = ((a - w) + v) + (v_low + a_low)
    log = s * w
    log_low = fma(s, w, -log) + fma(s, w_low, s_low * w)
    total = k + log
    return total, ((k - total) + log) + log_low


def pow(x: Value, y: Value) -> Value:
    """x**y, as in C99: x**0 = 1**y = 1 even for NaN; NaN for x < 0 unless y is an integer; and so on."""
    magnitude = abs(x)
    log, log_low = _log2(magnitude)
    log = where(magnitude.equals(0), -math.inf, where(magnitude.equals(math.inf), magnitude, log))
    limit = 200 if x.format is F32 else 1100  # beyond, the result is 0 or infinite
    product = y * log
    power = clamp(product, -limit, limit)
    rest = where(abs(product) < limit, fma(y, log, -product) + y * log_low, 0)
    n, t = nearest(power, 1, x.format.bias)
    result = scaled(polynomial((power - n) + rest, (1, *EXP2[x.format])), power, t, 1)

    half = 0.5 * y
    whole = rint(y).equals(y)
    odd = whole & ~rint(half).equals(half)
    result = where(magnitude.equals(1), 1, result)
    result = where(odd & (bits(x) < 0), -result, result)
    result = where((x < 0) & (x > -math.inf) & ~whole, math.nan, result)
    result = where(x.is_nan() | y.is_nan(), x + y, result)
    return where(x.equals(1) | y.equals(0), 1, result)


def sqrt(x: Value) -> Value:
    """The square root: the processor's own."""
    return values.sqrt(x)


def rsqrt(x: Value) -> Value:
    """1 / sqrt(x)."""
    return 1 / values.sqrt(x)


pow_f32, pow_f64 = vectorised(pow)
sqrt_f32, sqrt_f64 = vectorised(sqrt)
rsqrt_f32, rsqrt_f64 = vectorised(rsqrt)
