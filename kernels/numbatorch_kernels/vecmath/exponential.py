"""exp, exp2, expm1, sigmoid and softplus.

All follow one plan: x = n log 2 + r with n an integer and |r| <= log(2) / 2, exp(x) = 2^n exp(r), and exp(r)
is a polynomial. (The reduction is that of Cephes, S. Moshier; the coefficients are minimax fits of our own.)
"""

from __future__ import annotations

from numbatorch_kernels.vecmath.values import (
    F32,
    F64,
    PerFormat,
    Value,
    bits,
    clamp,
    fma,
    nearest,
    number,
    polynomial,
    two_to_the,
    vectorised,
    where,
)

LOG2_E = 1.4426950408889634
# log 2 in two parts, the first so short that its product with any exponent is exact.
LN2: PerFormat = {F32: (0.69314575, 1.4286068e-06), F64: (0.6931471805598903, 5.497923018708371e-14)}

# exp and exp2 are 0 below the first and infinite from the second on.
_RANGE: PerFormat = {F32: (-104.0, 89.0), F64: (-746.0, 710.0)}
_LEAST: PerFormat = {F32: (-87.3,), F64: (-708.3,)}  # from which on e**x is a normal number
_RANGE2: PerFormat = {F32: (-151.0, 128.0), F64: (-1076.0, 1024.0)}

# exp(r) = 1 + r + r^2 (c0 + c1 r + ...), relative error 2^-28 and 2^-58.
_EXP: PerFormat = {
    F32: (0.49999994, 0.16666517, 0.041668102, 0.0083691925, 0.0013838904),
    F64: (
        0.5000000000000011, 0.16666666666666438, 0.0416666666665258, 0.008333333333473776,
        0.0013888888944856685, 0.00019841269560195358, 2.4801491754422554e-05, 2.7557530864246437e-06,
        2.763075169555748e-07, 2.501997960654376e-08,
    ),
}  # fmt: skip

# 2^r = 1 + c0 r + c1 r^2 + ..., relative error 2^-27 and 2^-60.
EXP2: PerFormat = {
    F32: (0.69314724, 0.24022655, 0.055502728, 0.009617065, 0.0013417744, 0.00015823959),
    F64: (
        0.6931471805599453, 0.2402265069591007, 0.05550410866482338, 0.009618129107630238,
        0.0013333558146032933, 0.00015403530388866983, 1.525273416756081e-05, 1.321549135160316e-06,
        1.0177931983341622e-07, 7.052941427807387e-09, 4.473362268281659e-10, 2.87398448718636e-11,
    ),
}  # fmt: skip

# expm1(r) = r + r^2 (c0 + c1 r + ...), error relative to expm1(r) 2^-28 and 2^-61.
_EXPM1: PerFormat = {
    F32: (0.5, 0.16666636, 0.04166651, 0.008341601, 0.0013930812, 0.00014986053),
    F64: (
        0.5, 0.16666666666666677, 0.04166666666666669, 0.008333333333321738, 0.0013888888888884624,
        0.00019841269885443325, 2.4801587301008077e-05, 2.7557245122334475e-06, 2.7557310024150476e-07,
        2.510867415136868e-08, 2.089978452816533e-09,
    ),
}  # fmt: skip

# log(1 + e) = e - (h - s (h + z (c0 + c1 z + ...))), h = e^2 / 2, s = e / (2 + e), z = s^2 <= 1/9; relative
# error 2^-28 and 2^-59.
_LOG1P: PerFormat = {
    F32: (0.6666641, 0.4002175, 0.2799832, 0.28028297),
    F64: (
        0.6666666666666631, 0.4000000000015622, 0.2857142854795611, 0.22222223964411064, 0.18181744087423715,
        0.1538655685030009, 0.1330101000929789, 0.12105822789434295, 0.08341164651136694, 0.1701674104010337,
    ),
}  # fmt: skip


def scaled(p: Value, x: Value, t: Value, factor: float) -> Value:
    """p * 2^n, t being from nearest(x, factor, bias); in two steps: no power of two is out of range."""
    bias, mantissa = p.format.bias, p.format.mantissa
    _, half = nearest(x, factor / 2, bias)
    rest = number((bits(t) - bits(half) + bias) << mantissa)
    return p * two_to_the(half) * rest


def exp_reduced(x: Value) -> tuple[Value, Value]:
    """(p, t) with exp(x) = 2^n p, the lowest bits of t holding n + bias."""
    high, low = LN2[x.format]
    n, t = nearest(x, LOG2_E, x.format.bias)
    r = fma(n, -low, fma(n, -high, x))
    return polynomial(r, (1, 1, *_EXP[x.format])), t


def _exp(x: Value) -> Value:
    """exp(x) inside _RANGE."""
    p, t = exp_reduced(x)
    return scaled(p, x, t, LOG2_E)


def exp(x: Value) -> Value:
    """e**x."""
    return _exp(clamp(x, *_RANGE[x.format]))


def exp_normal(x: Value) -> Value:
    """e**x for x at most 1, and 0 where that is less than the smallest normal number: in two thirds of the time."""
    p, t = exp_reduced(x)
    return where(x < _LEAST[x.format][0], 0, p * two_to_the(t))


def exp2(x: Value) -> Value:
    """2**x."""
    x = clamp(x, *_RANGE2[x.format])
    n, t = nearest(x, 1, x.format.bias)
    return scaled(polynomial(x - n, (1, *EXP2[x.format])), x, t, 1)


def expm1_reduced(x: Value, offset: float, tail: Value | float = 0) -> tuple[Value, Value]:
    """(p, t) with exp(x + tail) = 2^n (1 + p), the lowest bits of t holding n + offset; tail is small."""
    high, low = LN2[x.format]
    n, t = nearest(x, LOG2_E, offset)
    first, second = fma(n, -high, x), fma(n, -low, tail)
    r = first + second
    rest = (first - r) + second
    return r + fma(r * r, polynomial(r, _EXPM1[x.format]), rest), t


def expm1(x: Value) -> Value:
    """e**x - 1, with all digits also where x is small."""
    p, t = expm1_reduced(clamp(x, -40, _RANGE[x.format][1]), x.format.bias - 1)
    half = two_to_the(t)  # 2^(n-1): 2^n overflows for the largest results
    return where(abs(x) < x.format.epsilon / 4, x, 2 * fma(half, p, half - 0.5))


def sigmoid(x: Value) -> Value:
    """1 / (1 + e**-x), without overflow for any x."""
    # The denominator is 2^n + (1 + 2^n p), times 2^-shift so that it is finite where the result is not zero.
    shift = x.format.mantissa + 2
    p, t = expm1_reduced(-clamp(x, _RANGE[x.format][0], 40), x.format.bias - shift)
    power = two_to_the(t)
    one = 2.0**-shift
    return one / (power + fma(power, p, one))


def softplus(x: Value) -> Value:
    """log(1 + e**x), without overflow for any x."""
    e = _exp(clamp(-abs(x), _RANGE[x.format][0]))
    s = e / (2 + e)
    z = s * s
    half_square = 0.5 * e * e
    log1p = e - (half_square - s * fma(z, polynomial(z, _LOG1P[x.format]), half_square))
    return where(x > 0, x, 0) + log1p


exp_f32, exp_f64 = vectorised(exp)
exp_normal_f32, exp_normal_f64 = vectorised(exp_normal)
exp2_f32, exp2_f64 = vectorised(exp2)
expm1_f32, expm1_f64 = vectorised(expm1)
sigmoid_f32, sigmoid_f64 = vectorised(sigmoid)
softplus_f32, softplus_f64 = vectorised(softplus)
