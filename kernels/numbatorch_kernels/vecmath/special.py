"""erf, erfc, erfcx and the normal distribution function."""

from __future__ import annotations

import math

from numbatorch_kernels.vecmath.exponential import EXP2, LOG2_E, exp_reduced, expm1_reduced, scaled
from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    clamp,
    copysign,
    fma,
    nearest,
    polynomial,
    polynomial_by_pairs,
    two_to_the,
    vectorised,
    where,
)

# erf(x) = x + x (c0 + c1 z + ...), z = x^2 <= 1, relative error 2^-29 and 2^-56.
_ERF: PerFormat = {
    F32: (0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806903e-05),
    F64: (
        0.12837916709551256, -0.37612638903183343, 0.11283791670936949, -0.02686617064195855,
        0.005223977596726436, -0.0008548325484219458, 0.00012055280459397965, -1.4924464562276663e-05,
        1.6444131395117193e-06, -1.6183787311943685e-07, 1.361551547146373e-08, -7.604932440467058e-10,
    ),
}  # fmt: skip

# erfc(x) = exp(-(c0 + c1 x + ...)) from 1 to where erf(x) is 1 to the last digit; absolute error 2^-29 and
# 2^-57. (The form is that of N. Juffa's erff.)
_TAIL: PerFormat = {
    F32: (0.00035160128, 1.1270484, 0.63821226, 0.103048645, -0.021810533, 0.002940863, -0.00018569664),
    F64: (
        5.09864422914777e-07, 1.128374023078998, 0.636643919784236, 0.10270264976679937,
        -0.018988703288917577, -0.00041264657966459044, 0.0019180369826622143, -0.0007723243982489887,
        0.00013610841535119676, 1.9741860879171795e-05, -2.2617364897150497e-05, 8.604334542498744e-06,
        -2.1207839639965152e-06, 3.7062777126355e-07, -4.6071279093493156e-08, 3.9023924376413105e-09,
        -2.0271800017538838e-10, 4.882617089409215e-12,
    ),
}  # fmt: skip
_ERF_IS_ONE = {F32: 3.95, F64: 6.0}

# x exp(x^2) erfc(x) = c0 + low + c1 u + c2 u^2 + ..., u = (x - 3/2) / (x + 3/2), x >= 3/4; relative error
# 2^-30 and 2^-57. (The variable u is that of M. Shepherd and J. Laframboise, 1981.)
_ERFCX_LOW = {F32: -5.3431026e-10, F64: 2.5048509986389288e-17}
_ERFCX: PerFormat = {
    F32: (
        0.48237813, 0.22845311, -0.2161141, 0.061695144, 0.01982447, -0.008788603, -0.005142554, 0.0004540308,
        0.0014104659, 0.00047141893, -0.00045140585,
    ),
    F64: (
        0.48237812468147623, 0.2284531195664323, -0.216114101977663, 0.061695087943812885,
        0.01982428586394126, -0.008790586326539866, -0.005135845844336504, 0.00048077964240919206,
        0.0013280264180190325, 0.00041895162851127653, -0.00015156178420192086, -0.00019162612935902395,
        -6.258667617984638e-05, 1.9797457263238223e-05, 3.0408749127265467e-05, 1.6262206482620957e-05,
        3.930469106590838e-06, -1.846710761155316e-05, 3.7995451439325555e-06, 2.2821341529913753e-05,
        -5.354510775563344e-05, 5.0891169511219424e-05, -2.2006915178294878e-05, 3.6247331370089235e-06,
    ),
}  # fmt: skip
_ERFC_IS_ZERO = {F32: 10.1, F64: 27.3}

# 1 - normal_cdf(a) = 2^-(c0 + c1 a + ...), a >= 0: what is added to the larger half has an absolute error of
# 2^-28; relative errors are below 3e-5 up to a = 6 and grow from there on.
_UPPER_TAIL = (
    1.0,
    1.1511043,
    0.4592201,
    0.052439023,
    -0.0069352547,
    -1.749332e-05,
    0.0002923031,
    -8.1373895e-05,
    1.201585e-05,
    -9.739332e-07,
    3.390957e-08,
)

# x exp(x^2) erfc(x) = (1 - z + 3 z^2 - 15 z^3 + ...) / sqrt(pi), z = 1 / 2 x^2, for x beyond that; the first
# in two parts.
_ONE_OVER_SQRT_PI: PerFormat = {
    F32: (0.5641896, -2.9317691711098796e-08),
    F64: (0.5641895835477563, 7.66772980658294e-18),
}
_ERFCX_FAR = [c / math.sqrt(math.pi) for c in (-1, 3, -15, 105, -945, 10395)]


def erf(x: Value) -> Value:
    """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    format = x.format
    size = clamp(abs(x), high=_ERF_IS_ONE[format])
    near = fma(x, polynomial(x * x, _ERF[format]), x)
    p, t = exp_reduced(-polynomial(size, _TAIL[format]))
    return where(size < 1, near, copysign(fma(-p, two_to_the(t), 1), x))


def _x_erfcx(x: Value) -> tuple[Value, Value]:
    """x exp(x^2) erfc(x) in two parts, for x from 3/4 to where erfc is zero."""
    u = (x - 1.5) / (x + 1.5)
    first, *higher = _ERFCX[x.format]
    slope = polynomial(u, higher)
    g = fma(u, slope, first)
    return g, fma(u, slope, first - g) + _ERFCX_LOW[x.format]


def erfc(x: Value) -> Value:
    """1 - erf(x), with all digits also where that is small."""
    format = x.format
    near = 0.5 + fma(-x, polynomial(x * x, _ERF[format]), 0.5 - x)
    size = clamp(abs(x), high=_ERFC_IS_ZERO[format])
    square = size * size
    p, t = expm1_reduced(-square, format.bias, -fma(size, size, -square))
    g, g_low = _x_erfcx(size)
    far = scaled((g + fma(g, p, fma(g_low, p, g_low))) / size, -square, t, LOG2_E)
    return where(abs(x) < 0.75, near, where(x < 0, 2 - far, far))


def normal_cdf(x: Value) -> Value:
    """The probability that a standard normal number is below x: (1 + erf(x / sqrt(2))) / 2.

    float32 is made for speed: as exact as a sum of 1 and erf can be, where that is small.
    """
    if x.format is F64:
        return 0.5 * erfc(x * -0.7071067811865476)
    power = -clamp(polynomial_by_pairs(abs(x), _UPPER_TAIL), high=126)
    n, t = nearest(power, 1, x.format.bias)
    tail = polynomial_by_pairs(power - n, (1, *EXP2[F32])) * two_to_the(t)
    tail = where(abs(x) >= 12, 0, tail)
    return where(x < 0, tail, 1 - tail)


def erfcx(x: Value) -> Value:
    """exp(x^2) erfc(x), which neither overflows nor vanishes for large x."""
    format = x.format
    limit = _ERFC_IS_ZERO[format]
    size = clamp(abs(x), high=limit)
    square = size * size
    p, t = expm1_reduced(square, format.bias, fma(size, size, -square))
    power = scaled(1 + p, square, t, LOG2_E)
    near = 0.5 + fma(-x, polynomial(x * x, _ERF[format]), 0.5 - x)
    near = scaled(fma(near, p, near), square, t, LOG2_E)
    g, g_low = _x_erfcx(size)
    inverse = 1 / abs(x)
    z = 0.5 * inverse * inverse
    first, low = _ONE_OVER_SQRT_PI[format]
    far = where(abs(x) < limit, g + g_low, first + fma(z, polynomial(z, _ERFCX_FAR), low)) / abs(x)
    return where(abs(x) < 0.75, near, where(x < 0, 2 * power - far, far))


erf_f32, erf_f64 = vectorised(erf)
erfc_f32, erfc_f64 = vectorised(erfc)
normal_cdf_f32, normal_cdf_f64 = vectorised(normal_cdf)
erfcx_f32, erfcx_f64 = vectorised(erfcx)
