"""The gamma function: its logarithm, the derivatives of that, and the zeta function that they are made of."""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.callee import callee
from numbatorch_kernels.special.series import horner

# log Γ(2 + s) = (1 - γ) s + (ζ(2) - 1) s² / 2 - (ζ(3) - 1) s³ / 3 + ... (DLMF 5.7.3)
_LOG_GAMMA = np.array((
    -4.6640760264283744e-14, 9.573630387838556e-14, -1.9664756310966165e-13, 4.04220052528944e-13,
    -8.315385841420285e-13, 1.711991790559618e-12, -3.527742476575915e-12, 7.275974480239079e-12,
    -1.5021384080754142e-11, 3.1044247747322276e-11, -6.4229645638381e-11, 1.330476437424449e-10,
    -2.7595228851242334e-10, 5.731367241678862e-10, -1.1921401405860912e-09, 2.4836745438024785e-09,
    -5.183475041970047e-09, 1.0838659214896955e-08, -2.2711094608943164e-08, 4.7698101693639804e-08,
    -1.0043224823968099e-07, 2.1207184805554665e-07, -4.492469198764566e-07, 9.55141213040742e-07,
    -2.039215753801366e-06, 4.374866789907488e-06, -9.439488275268397e-06, 2.050721277567069e-05,
    -4.492623673813314e-05, 9.945751278180853e-05, -0.00022315475845357939, 0.0005096695247430425,
    -0.001192753911703261, 0.0028905103307415234, -0.007385551028673986, 0.020580808427784546,
    -0.0673523010531981, 0.3224670334241132, 0.42278433509846713, 0.0,
))  # fmt: skip

# ψ(x) = (x - root) (1 + c + P / Q), of x - 1, between 1 and 2. (Boost's, by J. Maddock.)
_ROOT = (1569415565 / 2**30, 381566830 / 2**60, 9.016312093258696e-20)  # in three parts
_SLOPE = 0.9955816268920898
_P = np.array((
    -0.002071332116774595, -0.04525132144873906, -0.28919126444774784, -0.6503185377089651,
    -0.3255503118680449, 0.25479851061131553,
))  # fmt: skip
_Q = np.array((
    -5.578984132167551e-07, 0.0021284987017821146, 0.054151797245674226, 0.43593529692665967,
    1.4606242909763516, 2.076711702373047, 1.0,
))  # fmt: skip

# ψ(x) = log x - 1 / 2x - z (c0 z⁶ + ...), z = 1 / x², from 10 on: Bernoulli numbers.
_PSI = np.array((
    0.08333333333333333, -0.021092796092796094, 0.007575757575757576, -0.004166666666666667,
    0.003968253968253968, -0.008333333333333333, 0.08333333333333333,
))  # fmt: skip

# (2k)! / B2k, k = 1, 2 ...
_BERNOULLI = np.array((
    12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1892437580.3183792, 74724249600.0, -2950130727918.164,
    116467828143500.67, -4597978722407473.0, 1.8152105401943546e+17, -7.166165256175667e+18,
))  # fmt: skip

_EPSILON = 2.0**-53


@callee
def lgamma(x):
    """log |Γ(x)|; infinite at 0, -1, -2 ...

    The C library's is not precise near its zeros, 1 and 2, and there it is summed as a Taylor series.
    """
    if 1.3 < x < 2.5:
        return horner(x - 2, _LOG_GAMMA)
    if 0.5 < x <= 1.3:
        return horner(x - 1, _LOG_GAMMA) - math.log1p(x - 1)
    return math.lgamma(x)


@callee
def digamma(x):
    """ψ(x), the derivative of log Γ(x). (After the psi of Cephes, S. Moshier.)"""
    if x == 0:
        return math.copysign(math.inf, -x)
    result = 0.0
    if x < 0:
        if x == math.floor(x):
            return math.nan
        result = -math.pi / math.tan(math.pi * (x - math.trunc(x)))
        x = 1 - x
    if x >= 10:
        y = 0.0
        if x < 1e17:
            z = 1 / (x * x)
            y = z * horner(z, _PSI)
        return result + (math.log(x) - 0.5 / x - y)
    if x != x:
        return x
    shift = 0.0
    while x > 2:
        x -= 1
        shift += 1 / x
    while x < 1:
        shift -= 1 / x
        x += 1
    g = x - _ROOT[0] - _ROOT[1] - _ROOT[2]
    return result + shift + (g * _SLOPE + g * (horner(x - 1, _P) / horner(x - 1, _Q)))


@callee
def zeta(s, q):
    """Σ (q + k)^-s over k = 0, 1 ..., the zeta function of Hurwitz, for s > 1, by the sum formula of Euler and
    Maclaurin. (After the zeta of Cephes, S. Moshier.)"""
    if s == 1:
        return math.inf
    if not s > 1 or q != q:
        return math.nan
    if q <= 0:
        if q == math.floor(q):
            return math.inf
        if s != math.floor(s):
            return math.nan
    total, term, k = math.pow(q, -s), 0.0, 0
    while k < 9 or q <= 9:
        k += 1
        q += 1.0
        term = math.pow(q, -s)
        total += term
        if abs(term) < _EPSILON * abs(total):
            return total
    total += term * q / (s - 1) - 0.5 * term
    factor = 1.0
    for k in range(len(_BERNOULLI)):
        factor *= s + 2 * k
        term /= q
        part = factor * term / _BERNOULLI[k]
        total += part
        if abs(part) < _EPSILON * abs(total):
            break
        factor *= s + 2 * k + 1
        term /= q
    return total


@callee
def polygamma(x, n):
    """The derivative number n of ψ(x): (-1)ⁿ⁺¹ n! ζ(n + 1, x)."""
    if n == 0:
        return digamma(x)
    if n == 1 and math.isinf(x):
        return 0.0 if x > 0 else math.nan
    if n == 1 and x < 0 and x != math.floor(x):
        y = math.sin(math.pi * (x - math.floor(x + 0.5)))
        return (math.pi / y) * (math.pi / y) - zeta(2.0, 1 - x)
    factorial = 1.0
    for k in range(2, int(min(n, 171.0)) + 1):
        factorial *= k
    return (factorial if n % 2 else -factorial) * zeta(n + 1, x)
