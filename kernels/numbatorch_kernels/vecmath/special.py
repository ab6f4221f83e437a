"""erf and erfc."""

from __future__ import annotations

from numbatorch_kernels.vecmath.exponential import LOG2_E, exp_reduced, expm1_reduced, scaled
from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    clamp,
    copysign,
    fma,
    polynomial,
    two_to_the,
    vectorised,
    where,
)

# erf(x) = x + x (c0 + c1 z + ...), z = x^2 <= 1, relative error 2^-29 and 2^-56.
_ERF: PerFormat = {
    F32: (0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806903e-05),
    F64: (
        0.12837916709551256, -0.37612638903183343, 0.11283791670936949, -0.02686617064195855, 0.005223977596726436,
        -0.0008548325484219458, 0.00012055280459397965, -1.4924464562276663e-05, 1.6444131395117193e-06,
        -1.6183787311943685e-07, 1.361551547146373e-08, -7.604932440467058e-10,
    ),
}  # fmt: skip

# erfc(x) = exp(-(c0 + c1 x + ...)) from 1 to where erf(x) is 1 to the last digit; absolute error 2^-29 and 2^-57.
_TAIL: PerFormat = {
    F32: (0.00035160128, 1.1270484, 0.63821226, 0.103048645, -0.021810533, 0.002940863, -0.00018569664),
    F64: (
        5.09864422914777e-07, 1.128374023078998, 0.636643919784236, 0.10270264976679937, -0.018988703288917577,
        -0.00041264657966459044, 0.0019180369826622143, -0.0007723243982489887, 0.00013610841535119676,
        1.9741860879171795e-05, -2.2617364897150497e-05, 8.604334542498744e-06, -2.1207839639965152e-06,
        3.7062777126355e-07, -4.6071279093493156e-08, 3.9023924376413105e-09, -2.0271800017538838e-10,
        4.882617089409215e-12,
    ),
}  # fmt: skip
_ERF_IS_ONE: PerFormat = {F32: (3.95,), F64: (6.0,)}

# x exp(x^2) erfc(x) = c0 + low + c1 t + c2 t^2 + ..., t = (x - 4) / (x + 4), x >= 3/4, relative error 2^-29 and 2^-56.
_ERFCX_LOW: PerFormat = {F32: (-2.0718445e-09,), F64: (2.6532976834129138e-17,)}
_ERFCX: PerFormat = {
    F32: (
        0.54799783, 0.059723474, -0.10166995, 0.11617688, -0.10500334, 0.078429334, -0.048784837, 0.024956878,
        -0.010300557, 0.0029704084,
    ),
    F64: (
        0.5479978305002455, 0.05972346595980468, -0.10167001340782145, 0.1161774354759845, -0.10500112171768544,
        0.07842032531974184, -0.04881471116324516, 0.02500573077063476, -0.0101289988711609, 0.0029155485465727758,
        -0.0003680055467069533, -0.0001391209359844322, 8.658773988017385e-05, -1.124382991761049e-05,
        -7.0800965150803355e-06, 3.048099409501019e-06, 2.836391169254866e-07, -4.42297315666847e-07,
        2.9051461232918233e-08, 4.489962588736707e-08, -8.53871112950177e-09,
    ),
}  # fmt: skip
_ERFC_IS_ZERO: PerFormat = {F32: (10.1,), F64: (27.3,)}


def erf(x: Value) -> Value:
    """The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    format = x.format
    size = clamp(abs(x), high=_ERF_IS_ONE[format][0])
    near = fma(x, polynomial(x * x, _ERF[format]), x)
    p, t = exp_reduced(-polynomial(size, _TAIL[format]))
    return where(size < 1, near, copysign(fma(-p, two_to_the(t), 1), x))


def erfc(x: Value) -> Value:
    """1 - erf(x), with all digits also where that is small."""
    format = x.format
    near = 0.5 + fma(-x, polynomial(x * x, _ERF[format]), 0.5 - x)
    size = clamp(abs(x), high=_ERFC_IS_ZERO[format][0])
    square = size * size
    p, t = expm1_reduced(-square, format.bias, -fma(size, size, -square))
    u = (size - 4) / (size + 4)
    first, *higher = _ERFCX[format]
    slope = polynomial(u, higher)
    g = fma(u, slope, first)
    g_low = fma(u, slope, first - g) + _ERFCX_LOW[format][0]
    far = scaled((g + fma(g, p, fma(g_low, p, g_low))) / size, -square, t, LOG2_E)
    return where(abs(x) < 0.75, near, where(x < 0, 2 - far, far))


erf_f32, erf_f64 = vectorised(erf)
erfc_f32, erfc_f64 = vectorised(erfc)
