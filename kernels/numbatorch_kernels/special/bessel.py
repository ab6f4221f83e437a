"""The Bessel functions J0, J1, Y0, Y1 and the spherical j0: those of Cephes (S. Moshier), rational functions
of x² up to 5, and beyond them the amplitude and phase of Hankel's expansion."""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.callee import callee
from numbatorch_kernels.special.series import horner

# J0 and J1 up to 5 with their zeros as factors, Y0 and Y1 up to 5.
_J0_P = np.array((
    -4794432209.782018, 1956174919465.5657, -249248344360967.72, 9708622510473064.0,
))  # fmt: skip
_J0_Q = np.array((
    1.0, 499.563147152651, 173785.4016763747, 48440965.83399621, 11185553704.535683, 2112775201154.892,
    310518229857422.56, 3.1812195594320496e+16, 1.7108629408104315e+18,
))  # fmt: skip
_J1_P = np.array((
    -899971225.7055594, 452228297998.19403, -72749424522181.83, 3682957328638529.0,
))  # fmt: skip
_J1_Q = np.array((
    1.0, 620.8364781180543, 256987.25675774884, 83514679.14319493, 22151159547.97925, 4749141220799.914,
    784369607876235.9, 8.952223361846274e+16, 5.322786203326801e+18,
))  # fmt: skip
_Y0_P = np.array((
    15592.436785523574, -14663929.59039716, 5435264770.518765, -982136065717.9115, 87590639439536.7,
    -3466283033847297.0, 4.4273326857256984e+16, -1.8495080043698668e+16,
))  # fmt: skip
_Y0_Q = np.array((
    1.0, 1041.2835366425984, 626107.330137135, 268919633.39381415, 86400248710.3935, 20297961275010.555,
    3171577528429750.5, 2.5059625617265306e+17,
))  # fmt: skip
_Y1_P = np.array((
    1263204747.9017804, -647355876379.1603, 114509511541823.73, -8127702555013251.0,
    2.024394757135949e+17, -7.788771962659501e+17,
))  # fmt: skip
_Y1_Q = np.array((
    1.0, 594.3015923461282, 235564.09294306856, 73481194.44597217, 18760131610.870617, 3882312774962.3857,
    620557727146953.8, 6.871410873553005e+16, 3.9727060811656064e+18,
))  # fmt: skip

# From 5 on: P = A/B and Q = C/D of 25/x²; order 0, and order 1.
_A0 = np.array((
    0.0007969367292973471, 0.08283523921074408, 1.239533716464143, 5.447250030587687, 8.74716500199817,
    5.303240382353949, 1.0,
))  # fmt: skip
_B0 = np.array((
    0.0009244088105588637, 0.08562884743544745, 1.2535274390105895, 5.470977403304171, 8.761908832370695,
    5.306052882353947, 1.0,
))  # fmt: skip
_C0 = np.array((
    -0.011366383889846916, -1.2825271867050931, -19.553954425773597, -93.20601521237683,
    -177.68116798048806, -147.07750515495118, -51.41053267665993, -6.050143506007285,
))  # fmt: skip
_D0 = np.array((
    1.0, 64.3178256118178, 856.4300259769806, 3882.4018360540163, 7240.467741956525, 5930.727011873169,
    2062.0933166032783, 242.0057402402914,
))  # fmt: skip
_A1 = np.array((
    0.0007621256162081731, 0.07313970569409176, 1.1271960812968493, 5.112079511468076, 8.424045901417724,
    5.214515986823615, 1.0,
))  # fmt: skip
_B1 = np.array((
    0.0005713231280725487, 0.06884559087544954, 1.105142326340617, 5.073863861286015, 8.399855543276042,
    5.209828486823619, 1.0,
))  # fmt: skip
_C1 = np.array((
    0.05108625947501766, 4.982138729512334, 75.82382841325453, 366.7796093601508, 710.8563049989261,
    597.4896124006136, 211.68875710057213, 25.207020585802372,
))  # fmt: skip
_D1 = np.array((
    1.0, 74.23732770356752, 1056.4488603826283, 4986.410583376536, 9562.318924047562, 7997.041604473507,
    2826.1927851763908, 336.0936078106983,
))  # fmt: skip

_J0_ZEROS = (5.78318596294678452118e00, 3.04712623436620863991e01)  # squared
_J1_ZEROS = (1.46819706421238932572e01, 4.92184563216946036703e01)
_TWO_OVER_PI = 2 / math.pi


@callee
def _far(x, order, a, b, c, d, shift):
    """sqrt(2 / πx) (P cos θ - 5/x Q sin θ), θ = x - (2 order + 1) π/4 - shift: J, or Y where the shift is
    π/2."""
    z = 25 / (x * x)
    p, q = horner(z, a) / horner(z, b), horner(z, c) / horner(z, d)
    angle = x - (2 * order + 1) * (math.pi / 4)
    sine, cosine = math.sin(angle), math.cos(angle)
    if shift:
        sine, cosine = -cosine, sine
    return (p * cosine - 5 / x * q * sine) * math.sqrt(_TWO_OVER_PI) / math.sqrt(x)


@callee
def bessel_j0(x):
    """J0(x)"""
    x = abs(x)
    if x > 5:
        return _far(x, 0, _A0, _B0, _C0, _D0, False)
    z = x * x
    if x < 1e-5:
        return 1 - z / 4
    return (z - _J0_ZEROS[0]) * (z - _J0_ZEROS[1]) * horner(z, _J0_P) / horner(z, _J0_Q)


@callee
def bessel_j1(x):
    """J1(x)"""
    if abs(x) > 5:
        y = _far(abs(x), 1, _A1, _B1, _C1, _D1, False)
        return -y if x < 0 else y
    z = x * x
    return horner(z, _J1_P) / horner(z, _J1_Q) * x * (z - _J1_ZEROS[0]) * (z - _J1_ZEROS[1])


@callee
def bessel_y0(x):
    """Y0(x); -inf at 0, NaN below"""
    if x > 5:
        return _far(x, 0, _A0, _B0, _C0, _D0, True)
    if not x > 0:
        return -math.inf if x == 0 else math.nan
    z = x * x
    return horner(z, _Y0_P) / horner(z, _Y0_Q) + _TWO_OVER_PI * math.log(x) * bessel_j0(x)


@callee
def bessel_y1(x):
    """Y1(x); -inf at 0, NaN below"""
    if x > 5:
        return _far(x, 1, _A1, _B1, _C1, _D1, True)
    if not x > 0:
        return -math.inf if x == 0 else math.nan
    z = x * x
    return x * (horner(z, _Y1_P) / horner(z, _Y1_Q)) + _TWO_OVER_PI * (bessel_j1(x) * math.log(x) - 1 / x)


@callee
def spherical_bessel_j0(x):
    """sin(x) / x, and 1 at 0"""
    if abs(x) == math.inf:
        return 0.0
    return math.sin(x) / x if x != 0 else 1.0
