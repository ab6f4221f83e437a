"""The Airy function Ai: that of Cephes (S. Moshier)."""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.callee import callee
from numbatorch_kernels.special.series import horner

# From 2.09 on, of 1/ζ, ζ = 2/3 x^(3/2).
_AN = np.array((
    0.346538101525629, 12.007595273964581, 76.27960536152345, 168.08922493463058, 159.75639135016442,
    70.53609068404442, 14.026469116338967, 1.0,
))  # fmt: skip
_AD = np.array((
    0.5675945326387702, 14.75625625848472, 84.51389701414746, 177.31808814540045, 164.2346928715297,
    71.47784008255756, 14.095913560783403, 1.0,
))  # fmt: skip

# Below -2.09, of 1/ζ²: the factors of the sine and of the cosine.
_AFN = np.array((
    -0.1316963234183318, -0.6264565444319123, -0.6931580360369335, -0.2797799815451191,
    -0.04919001326095003, -0.004062659235948854, -0.0001592764962392621, -2.776491081552329e-06,
    -1.6778769848911465e-08,
))  # fmt: skip
_AFD = np.array((
    1.0, 13.356042070655324, 32.682503279522464, 26.736704094149957, 9.187074029072596,
    1.4752914677166642, 0.11568717379518804, 0.004402916416152112, 7.547203482874142e-05,
    4.5185009297058035e-07,
))  # fmt: skip
_AGN = np.array((
    0.01973399320916857, 0.39110302961568827, 1.0657989759959559, 0.9391692298166502, 0.35146565610554764,
    0.06338889196289255, 0.005858041130483885, 0.000282851600836737, 6.98793669997261e-06,
    8.117892395543892e-08, 3.415517847659236e-10,
))  # fmt: skip
_AGD = np.array((
    1.0, 9.30892908077442, 19.835292871831214, 15.564662893286462, 5.476860694229755, 0.9542936116189619,
    0.08645808263523921, 0.004126565238242226, 0.00010125908511650914, 1.1716673321441352e-06,
    4.9183457006293e-09,
))  # fmt: skip

_AI0, _MINUS_SLOPE = 0.355028053887817239260, 0.258819403792806798405  # Ai(0), -Ai'(0)


@callee
def airy_ai(x):
    """Ai(x), the solution of y'' = x y that vanishes for large x; NaN for infinities, as in PyTorch."""
    if x - x != 0:
        return math.nan
    root = math.sqrt(abs(x))
    zeta = 2 * abs(x) * root / 3
    if x < -2.09:
        z = 1 / zeta
        sine = 1 + z * z * (horner(z * z, _AFN) / horner(z * z, _AFD))
        cosine = z * (horner(z * z, _AGN) / horner(z * z, _AGD))
        angle = zeta + 0.25 * math.pi
        return (sine * math.sin(angle) - cosine * math.cos(angle)) / math.sqrt(math.pi * root)
    if x >= 2.09:
        return (
            horner(1 / zeta, _AN) / horner(1 / zeta, _AD) / (2 * math.sqrt(math.pi * root) * math.exp(zeta))
        )
    return _taylor(x)


@callee
def _taylor(x):
    """Ai(0) f(x) + Ai'(0) g(x), where f = 1 + x³/3! + 1 4 x⁶/6! + ..., g = x + 2 x⁴/4! + 2 5 x⁷/7! + ..."""
    f, g, a, b, k = 1.0, x, 1.0, x, 0.0
    cube = x * x * x
    while abs(a) > 2.0**-54 * abs(f) or abs(b) > 2.0**-54 * abs(g):
        k += 3
        a *= cube / ((k - 1) * k)
        b *= cube / (k * (k + 1))
        f += a
        g += b
    return _AI0 * f - _MINUS_SLOPE * g
