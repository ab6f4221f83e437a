"""The quantiles of the normal distribution."""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.callee import callee
from numbatorch_kernels.special.series import horner

# Near 1/2, of (p - 1/2)²; with z = 1 / sqrt(-2 log p) for p from e^-2 to e^-32, and below.
_P0 = np.array((
    -59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125,
))  # fmt: skip
_Q0 = np.array((
    1.0, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937,
    200.26021238006066, -82.03722561683334, 15.90562251262117, -1.1833162112133,
))  # fmt: skip
_P1 = np.array((
    4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803,
    2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854,
))  # fmt: skip
_Q1 = np.array((
    1.0, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075, 2.504649462083094,
    -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574,
))  # fmt: skip
_P2 = np.array((
    3.2377489177694603, 6.915228890689842, 3.9388102529247444, 1.3330346081580755, 0.20148538954917908,
    0.012371663481782003, 0.00030158155350823543, 2.6580697468673755e-06, 6.239745391849833e-09,
))  # fmt: skip
_Q2 = np.array((
    1.0, 6.02427039364742, 3.6798356385616087, 1.3770209948908132, 0.21623699359449663,
    0.013420400608854318, 0.00032801446468212774, 2.8924786474538068e-06, 6.790194080099813e-09,
))  # fmt: skip

_TAIL = math.exp(-2)


@callee
def ndtri(p):
    """The x below which a normal number lies with probability p. (That of Cephes, S. Moshier.)"""
    if not 0 < p < 1:
        return -math.inf if p == 0 else math.inf if p == 1 else math.nan
    if _TAIL < p <= 1 - _TAIL:
        y = p - 0.5
        z = y * y
        return math.sqrt(2 * math.pi) * (y + y * (z * horner(z, _P0) / horner(z, _Q0)))
    upper = p > 0.5
    x = math.sqrt(-2 * math.log(1 - p if upper else p))
    z = 1 / x
    correction = horner(z, _P1) / horner(z, _Q1) if x < 8 else horner(z, _P2) / horner(z, _Q2)
    x = x - math.log(x) / x - z * correction
    return x if upper else -x
