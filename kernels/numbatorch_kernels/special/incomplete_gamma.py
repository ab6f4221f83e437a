"""The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P(a, x).

After Cephes (S. Moshier) and SciPy's changes to it, with the Lanczos sum of Boost: a power series where x is
small, a continued fraction where it is large, and where a is large and x near it N. Temme's expansion (DLMF
8.12), of which there is here as much as double precision needs (the lengths are Boost's).
"""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.callee import callee
from numbatorch_kernels.special.gamma import lgamma
from numbatorch_kernels.special.series import horner

_EPSILON = 2.0**-53
_STEPS = 2000

# Γ(a) = sqrt(2π) ... by C. Lanczos: P / Q, the highest power first, and the g that belongs to it.
_G = 6.024680040776729583740234375
_P = np.array((
    0.006061842346248907, 0.5098416655656676, 19.519927882476175, 449.9445569063168, 6955.999602515376,
    75999.29304014542, 601859.6171681099, 3481712.154980646, 14605578.087685067, 43338889.32467614,
    86363131.2881386, 103794043.11634454, 56906521.913471565,
))  # fmt: skip
_Q = np.array((
    1.0, 66.0, 1925.0, 32670.0, 357423.0, 2637558.0, 13339535.0, 45995730.0, 105258076.0, 150917976.0,
    120543840.0, 39916800.0, 0.0,
))  # fmt: skip

# The coefficients of ηⁿ, the highest first, in what belongs to a^0, a^-1 ...
_ROWS = (
    (
        9.14769958223679e-10, -4.382036018453353e-09, 1.0261809784240309e-08, 6.707853543401498e-09,
        -1.7665952736826078e-07, 8.296711340953087e-07, -1.85406221071516e-06, -2.1854485106799924e-06,
        3.919263178522438e-05, -0.0001787551440329218, 0.0003527336860670194, 0.0011574074074074073,
        -0.014814814814814815, 0.08333333333333333, -0.3333333333333333,
    ),
    (
        1.1951628599778148e-08, -5.752545603517705e-08, 1.378633446915721e-07, 4.647127802807434e-09,
        -1.6120900894563446e-06, 7.64916091608111e-06, -1.8098550334489977e-05, -4.018775720164609e-07,
        0.00020576131687242798, -0.0009902263374485596, 0.0026455026455026454, -0.003472222222222222,
        -0.001851851851851852,
    ),
    (
        1.4280614206064242e-07, -6.298992138380055e-07, 1.3721957309062932e-06, 3.423578734096138e-08,
        -1.2760635188618728e-05, 5.2923448829120125e-05, -0.00010736653226365161, 2.0093878600823047e-06,
        0.0007716049382716049, -0.0026813271604938273, 0.004133597883597883,
    ),
    (
        1.4230900732435883e-06, -5.6749528269915965e-06, 1.1082654115347302e-05, -2.396505113867297e-07,
        -7.561801671883977e-05, 0.00026772063206283885, -0.0004691894943952557, 0.00022947209362139917,
        0.0006494341563786008,
    ),
    (
        1.1375726970678419e-05, -3.968365047179435e-05, 6.641498215465122e-05, -1.4638452578843418e-06,
        -0.0002990724803031902, 0.0007840392217200666, -0.0008618882909167117,
    ),
    (
        -2.291481176508095e-06, 8.018470256334202e-06, -1.3594048189768693e-05, 1.419062920643967e-07,
        6.797780477937208e-05, -0.00019932570516188847, 0.0002772753244959392, -6.972813758365858e-05,
        -0.00033679855336635813,
    ),
    (
        -1.8329116582843375e-05, 5.61168275310625e-05, -8.153969367561969e-05, 7.902353232660328e-07,
        0.0002708782096718045, -0.0005921664373536939, 0.0005313079364639922,
    ),
    (
        -0.00010976582244684731, 0.0002812695154763237, -0.00033493161081142234, 5.171790908260592e-05,
        0.00034436760689237765,
    ),
    (
        -0.000438297098541721, 0.0008394987206720873, -0.0006526239185953094,
    ),
    (
        -0.0005967612901927463,
    ),
)  # fmt: skip
_TEMME = np.array([(0.0,) * (15 - len(row)) + row for row in _ROWS])


@callee
def _log1p_without_first(x):
    """log(1 + x) - x"""
    if abs(x) > 0.5:
        return math.log1p(x) - x
    power, total = x, 0.0
    for n in range(2, 100):
        power *= -x
        term = power / n
        total += term
        if abs(term) < _EPSILON * abs(total):
            break
    return total


@callee
def _lanczos(a):
    """The sum of Lanczos, scaled by exp(g)."""
    if a <= 1:
        return horner(a, _P) / horner(a, _Q)
    return _backwards(1 / a, _P) / _backwards(1 / a, _Q)


@callee
def _backwards(x, coefficients):
    """c0 + c1 x + ... + cn xⁿ"""
    total, power = 0.0, 1.0
    for k in range(len(coefficients)):
        total += coefficients[k] * power
        power *= x
    return total


@callee
def _factor(a, x):
    """xᵃ e⁻ˣ / Γ(a)"""
    if abs(a - x) > 0.4 * abs(a):
        return math.exp(a * math.log(x) - x - lgamma(a))
    shifted = a + _G - 0.5
    result = math.sqrt(shifted / math.e) / _lanczos(a)
    if a < 200 and x < 200:
        return result * math.exp(a - x) * math.pow(x / shifted, a)
    ratio = (x - a - _G + 0.5) / shifted
    return result * math.exp(a * _log1p_without_first(ratio) + x * (0.5 - _G) / shifted)


@callee
def _lower_series(a, x):
    """P by DLMF 8.11.4."""
    factor = _factor(a, x)
    if factor == 0:
        return 0.0
    r, term, total = a, 1.0, 1.0
    for _ in range(_STEPS):
        r += 1
        term *= x / r
        total += term
        if term <= _EPSILON * total:
            break
    return total * factor / a


@callee
def _upper_series(a, x):
    """Q by DLMF 8.7.3, which is precise for small x."""
    power, total = 1.0, 0.0
    for n in range(1, _STEPS):
        power *= -x / n
        term = power / (a + n)
        total += term
        if abs(term) <= _EPSILON * abs(total):
            break
    log = math.log(x)
    return -math.expm1(a * log - lgamma(1 + a)) - math.exp(a * log - lgamma(a)) * total


@callee
def _upper_fraction(a, x):
    """Q by the continued fraction DLMF 8.9.2."""
    factor = _factor(a, x)
    if factor == 0:
        return 0.0
    y, z = 1 - a, x - a + 2
    p2, q2, p1, q1 = 1.0, x, x + 1, z * x
    result = p1 / q1
    for n in range(1, _STEPS):
        y += 1
        z += 2
        p, q = p1 * z - p2 * (y * n), q1 * z - q2 * (y * n)
        change = 1.0
        if q != 0:
            change = abs((result - p / q) / (p / q))
            result = p / q
        p2, q2, p1, q1 = p1, q1, p, q
        if abs(p) > 2.0**52:
            p2, q2, p1, q1 = p2 * 2.0**-52, q2 * 2.0**-52, p1 * 2.0**-52, q1 * 2.0**-52
        if change <= _EPSILON:
            break
    return result * factor


@callee
def _temme(a, x, sign):
    """Q (sign 1) or P (sign -1) for large a and x near it."""
    half_square = -_log1p_without_first((x - a) / a)
    eta = math.copysign(math.sqrt(2 * half_square), x - a)
    total = 0.0
    for k in range(9, -1, -1):
        total = total / a + horner(eta, _TEMME[k])
    rest = math.exp(-a * half_square) * total / math.sqrt(2 * math.pi * a)
    return 0.5 * math.erfc(sign * eta * math.sqrt(a / 2)) + sign * rest


@callee
def _near(a, x):
    """Whether Temme's expansion holds."""
    distance = abs(x - a) / a
    return distance < 0.3 if 20 < a < 200 else a > 200 and distance < 4.5 / math.sqrt(a)


@callee
def igamma(a, x):
    """P(a, x): 1/Γ(a) times the integral of tᵃ⁻¹ e⁻ᵗ from 0 to x."""
    if not (x >= 0 and a >= 0) or (a == 0 and x == 0) or (a == math.inf and x == math.inf):
        return math.nan
    if a == 0 or x == math.inf:
        return 1.0
    if x == 0 or a == math.inf:
        return 0.0
    if _near(a, x):
        return _temme(a, x, -1.0)
    return 1 - igammac(a, x) if x > 1 and x > a else _lower_series(a, x)


@callee
def igammac(a, x):
    """Q(a, x): 1/Γ(a) times the integral of tᵃ⁻¹ e⁻ᵗ from x on."""
    if not (x >= 0 and a >= 0) or (a == 0 and x == 0) or (a == math.inf and x == math.inf):
        return math.nan
    if a == 0 or x == math.inf:
        return 0.0
    if x == 0 or a == math.inf:
        return 1.0
    if _near(a, x):
        return _temme(a, x, 1.0)
    if x > 1.1 and x >= a:
        return _upper_fraction(a, x)
    if x > 1.1 or (x <= 0.5 and -0.4 / math.log(x) < a) or (x > 0.5 and x * 1.1 < a):
        return 1 - _lower_series(a, x)
    return _upper_series(a, x)
