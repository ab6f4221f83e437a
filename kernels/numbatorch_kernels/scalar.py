"""The scalar bodies of the library's pointwise ops: what happens to one element. Kernels and gradients are
derived from them.

A function that is a primitive already (exp, tanh, ...) is not repeated here. `derived_by` gives a body a
derivative of its own, where the derived one is numerically poor, or where PyTorch takes it from the result,
which must then survive a change in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from numbatorch_kernels.expr import Scalar, constant, gradients
from numbatorch_kernels.primitives import (
    abs,
    complex_of,
    copysign,
    cos,
    exp,
    expm1,
    floor,
    fmod,
    imag,
    int_pow,
    isnan,
    log,
    log1p,
    maximum,
    minimum,
    normal_cdf,
    pow,
    real,
    rint,
    rsqrt,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
    trunc,
    where,
)


def derived_by(vjp: Callable) -> Callable[[Callable], Scalar]:
    """Decorator: a body whose gradient is `vjp(g, y, *args)`, where y is the result."""
    return lambda body: Scalar(body.__name__, body, vjp, body=body)


def by_slope(body: Callable) -> Scalar:
    """Decorator: a body of one operand whose gradient is g times the whole slope. Were g multiplied with its terms one by
    one, as the derived gradient does, infinities of unlike sign would meet where g is infinite."""

    def vjp(g, y, x):
        (slope,) = gradients([body(x)], [constant(1)], [x])
        return (g * slope,)

    return derived_by(vjp)(body)


# --- arithmetic


def add_scaled(a, b, alpha):
    """a + alpha b"""
    return a + alpha * b


def sub_scaled(a, b, alpha):
    """a - alpha b"""
    return a - alpha * b


def square(x):
    """x²"""
    return x * x


def cube(x):
    """x³"""
    return x * x * x


@derived_by(lambda g, y, x: (-g * (y * y),))
def reciprocal(x):
    """1 / x"""
    return 1 / x


@derived_by(lambda g, y, a, b: (g, -g * floor(a / b)))
def remainder(a, b):
    """a - b floor(a / b): the remainder with the sign of b, as Python's %."""
    r = fmod(a, b)
    return where((r != 0) & ((r < 0) != (b < 0)), r + b, r)


def shift_left(a, b):
    """The bits of a moved up by b places: all of them out where b is negative, or more places than there are."""
    beyond = (b < 0) | (b > 63)
    return where(beyond, 0, a << where(beyond, 0, b))


def shift_right(a, b):
    """The bits of a moved down by b places, with its sign for what comes in; by all places where b is negative."""
    return a >> where((b < 0) | (b > 63), 63, b)


def floor_divide(a, b):
    """The largest whole number not above a / b, exact where a / b would round up to the next one."""
    q = (a - fmod(a, b)) / b
    exact = where((fmod(a, b) != 0) & ((b < 0) != (fmod(a, b) < 0)), q - 1, q)
    whole = floor(exact)
    whole = where(exact - whole > 0.5, whole + 1, whole)
    return where(b == 0, a / b, where(exact == 0, copysign(0.0, a / b), whole))


def trunc_divide(a, b):
    """a / b without its fraction"""
    return trunc(a / b)


def trunc_divide_int(a, b):
    """a / b of integers, rounded towards zero"""
    q = a // b  # the least integer has no absolute value
    return where((q * b != a) & ((a < 0) != (b < 0)), q + 1, q)


def fmod_int(a, b):
    """The remainder of integers with the sign of a"""
    r = a % b
    return where((r != 0) & ((a < 0) != (b < 0)), r - b, r)


def _number_power_vjp(g, y, x, p):
    return where(p == 0, 0, g * (p * number_power(x, p - 1))), None


@derived_by(_number_power_vjp)
def number_power(x, p):
    """xᵖ for a number p, with 1 for p = 0 whatever x, where the power of complex tensors has NaN"""
    return where(p == 0, 1, pow(x, p))


@derived_by(lambda g, y, x: (g * (-0.5 * number_power(x, -1.5)),))
def reciprocal_root(x):
    """1 / √x; its slope, unlike that of rsqrt, is that of the power: -∞ at -0, where the root is -∞ too."""
    return rsqrt(x)


@derived_by(lambda g, y, x: (g * (-2 * number_power(x, -3)),))
def reciprocal_square(x):
    """1 / x²; its slope, unlike the derived one, is infinite at 0."""
    return 1 / (x * x)


def pow_int(a, n):
    """aⁿ of integers: for a negative n only 1 and -1 give anything but 0."""
    power = int_pow(a, maximum(n, 0))
    return where(n < 0, where(a == 1, 1, where(a == -1, where(n % 2 == 0, 1, -1), 0)), power)


@derived_by(
    lambda g, y, a, b: (
        where(a == b, 0.5 * g, where(a < b, 0, g)),
        where(a == b, 0.5 * g, where(b < a, 0, g)),
    )
)
def maximum_(a, b):
    """The larger of two, NaN if either is; equal operands share the gradient."""
    return maximum(a, b)


@derived_by(
    lambda g, y, a, b: (
        where(a == b, 0.5 * g, where(a > b, 0, g)),
        where(a == b, 0.5 * g, where(b > a, 0, g)),
    )
)
def minimum_(a, b):
    """The smaller of two, NaN if either is; equal operands share the gradient."""
    return minimum(a, b)


def fmax(a, b):
    """The larger of two, and the other one if one is NaN."""
    return where(isnan(b) | (a >= b), a, b)


def fmin(a, b):
    """The smaller of two, and the other one if one is NaN."""
    return where(isnan(b) | (a <= b), a, b)


@derived_by(
    lambda g, y, x, low, high: (
        where((x >= low) & (x <= high), g, 0),
        where((x < low) & (low < high), g, 0),
        where((x > high) | (low > high), g, 0),
    )
)
def clamp(x, low, high):
    """x, but at least `low` and at most `high`."""
    return minimum(maximum(x, low), high)


@derived_by(lambda g, y, x, low: (where(x >= low, g, 0), where(x < low, g, 0)))
def clamp_min(x, low):
    """x, but at least `low`."""
    return maximum(x, low)


@derived_by(lambda g, y, x, high: (where(x <= high, g, 0), where(x > high, g, 0)))
def clamp_max(x, high):
    """x, but at most `high`."""
    return minimum(x, high)


@derived_by(lambda g, y, a, b, weight: (g * (1 - weight), g * weight, g * (b - a)))
def lerp(a, b, weight):
    """a + weight (b - a), written so that weight 1 gives b exactly."""
    return where(abs(weight) < 0.5, a + weight * (b - a), b - (b - a) * (1 - weight))


def addcmul(x, a, b, value):
    """x + value a b"""
    return x + value * a * b


def addr(x, a, b, beta, alpha):
    """beta x + alpha a b"""
    return beta * x + alpha * a * b


def distance_from_products(product, x, y):
    """√(x + y - 2 product): the distance of two vectors from their product and their squares"""
    square = x + y - 2 * product
    return sqrt(where(square < 0, 0, square))


def per_distance(x, distance):
    """x / distance; 0 where the distance is 0"""
    return where(distance == 0, 0, x / distance)


# As PyTorch's formula, which shows where complex numbers are divided by 0.
@derived_by(lambda g, y, x, a, b, value: (g, g * (value / b), -g * (value * a / (b * b)), g * (a / b)))
def addcdiv(x, a, b, value):
    """x + value a / b"""
    return x + value * a / b


def standardize(x, mean, rstd):
    """(x - mean) rstd"""
    return (x - mean) * rstd


def standardize_scaled(x, mean, rstd, weight):
    """(x - mean) rstd weight"""
    return (x - mean) * rstd * weight


def standardize_affine(x, mean, rstd, weight, bias):
    """(x - mean) rstd weight + bias"""
    return (x - mean) * rstd * weight + bias


def scale_by(x, rstd, weight):
    """x rstd weight"""
    return x * rstd * weight


def round_to(x, scale):
    """x rounded to a multiple of 1 / scale, halves to even."""
    return rint(x * scale) / scale


def round_to_multiple(x, unit):
    """x rounded to a multiple of a unit, halves to even."""
    return rint(x / unit) * unit


def sign(x):
    """-1, 0 or 1"""
    return where(0 < x, 1, where(x < 0, -1, 0))


def frac(x):
    """The fraction of x, with its sign."""
    return x - trunc(x)


def nan_to_num(x, nan, high, low):
    """x with NaN, +inf and -inf replaced by three numbers."""
    return where(isnan(x), nan, where(x == float("inf"), high, where(x == float("-inf"), low, x)))


@derived_by(lambda g, y, a, b: (g / (1 + exp(b - a)), g / (1 + exp(a - b))))
def logaddexp(a, b):
    """log(eᵃ + eᵇ) without overflow; infinities of the same sign give themselves."""
    first = (a >= b) | (a != a)
    top, low = where(first, a, b), where(first, b, a)
    sum_ = top + log1p(exp(low - top))
    return where((abs(a) == float("inf")) & (a == b), a, sum_)


def _xlogy_vjp(g, y, x, a):
    return where((x == 0) & (a <= 0), 0, xlogy(g, a)), g * x / a


@derived_by(_xlogy_vjp)
def xlogy(x, a):
    """x log(a), and 0 where x is 0 whatever a is."""
    return where(isnan(a), a, where(x == 0, 0, x * log(a)))


@derived_by(lambda g, y, a, b: (g * (a / y), g * (b / y)))
def hypot(a, b):
    """√(a² + b²), scaled by the larger of the two so that nothing overflows."""
    longer, shorter = maximum(abs(a), abs(b)), minimum(abs(a), abs(b))
    ratio = where(longer == 0, 0, shorter / longer)
    infinite = (abs(a) == float("inf")) | (abs(b) == float("inf"))
    return where(infinite, float("inf"), longer * sqrt(1 + ratio * ratio))


def isinf(x):
    """Whether x, or either part of it, is infinite."""
    return (abs(real(x)) == float("inf")) | (abs(imag(x)) == float("inf"))


def isfinite(x):
    """Whether x is neither infinite nor NaN."""
    return x - x == 0


def isclose(a, b, rtol, atol):
    """Whether |a - b| <= atol + rtol |b|, or a = b."""
    return (a == b) | ((abs(a - b) <= atol + abs(rtol * b)) & (abs(b) < float("inf")))


# --- activations


@derived_by(lambda g, y, x: (where(y <= 0, 0, g),))
def relu(x):
    """max(x, 0)"""
    return where(x <= 0, 0, x)


@derived_by(lambda g, y, x, slope: (where(x > 0, g, g * slope), where(x > 0, 0, g * x)))
def leaky_relu(x, slope):
    """x where positive, else slope x"""
    return where(x > 0, x, x * slope)


@by_slope
def gelu(x):
    """x times the probability that a standard normal number is below x"""
    return x * normal_cdf(x)


@by_slope
def gelu_tanh(x):
    """The approximation of x Φ(x) by tanh: arXiv 1606.08415"""
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def glu(a, b):
    """a sigmoid(b)"""
    return a * sigmoid(b)


@by_slope
def silu(x):
    """x sigmoid(x)"""
    return x * sigmoid(x)


@by_slope
def mish(x):
    """x tanh(softplus(x))"""
    return x * tanh(softplus(x))


def _elu_vjp(g, y, x, alpha, scale, input_scale):
    slope = where(x <= 0, exp(minimum(x, 0) * input_scale) * (alpha * scale * input_scale), scale)
    return g * slope, None, None, None


@derived_by(_elu_vjp)
def elu(x, alpha, scale, input_scale):
    """scale x where positive, else scale alpha (e^(input_scale x) - 1)"""
    return where(x <= 0, expm1(minimum(x, 0) * input_scale) * (alpha * scale), x * scale)


def softplus_beta(x, beta, threshold):
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold"""
    return where(x * beta > threshold, x, softplus(x * beta) / beta)


def softsign(x):
    """x / (1 + |x|)"""
    return x / (1 + abs(x))


@derived_by(lambda g, y, x, low, high: (where((x <= low) | (x >= high), 0, g), None, None))
def hardtanh(x, low, high):
    """x between `low` and `high`"""
    return minimum(maximum(x, low), high)


@derived_by(lambda g, y, x: (where((x > -3) & (x < 3), g / 6, 0),))
def hardsigmoid(x):
    """(x + 3) / 6 between 0 and 1"""
    return minimum(maximum(x + 3, 0), 6) / 6


@derived_by(lambda g, y, x: (where(x <= -3, 0, where(x < 3, g * (x / 3 + 0.5), g)),))
def hardswish(x):
    """x hardsigmoid(x)"""
    return x * minimum(maximum(x + 3, 0), 6) / 6


@derived_by(lambda g, y, x: (g * sigmoid(-x),))
def logsigmoid(x):
    """log(sigmoid(x)) = -softplus(-x)"""
    return minimum(x, 0) - log1p(exp(-abs(x)))


def hardshrink(x, limit):
    """x, and 0 between -limit and limit"""
    return where((x >= -limit) & (x <= limit), 0, x)


@derived_by(lambda g, y, x, limit: (where((x >= -limit) & (x <= limit), 0, g), None))
def softshrink(x, limit):
    """x moved towards 0 by `limit`"""
    return where(x > limit, x - limit, where(x < -limit, x + limit, x * 0))


def threshold(x, limit, value):
    """x above `limit`, else `value`"""
    return where(x <= limit, value, x)


# --- losses, of one element


def squared_error(a, b):
    """(a - b)²"""
    return (a - b) * (a - b)


def absolute_error(a, b):
    """|a - b|"""
    return abs(a - b)


@derived_by(lambda g, y, x, t: (g * (x - t) / maximum((1 - x) * x, 1e-12), g * (log1p(-x) - log(x))))
def binary_cross_entropy(x, target):
    """-(t log x + (1 - t) log(1 - x)), each logarithm at least -100"""
    return (target - 1) * maximum(log1p(-x), -100) - target * maximum(log(x), -100)


@derived_by(lambda g, y, x, t: (g * (sigmoid(x) - t), -g * x))
def binary_cross_entropy_with_logits(x, target):
    """-(t log σ(x) + (1 - t) log(1 - σ(x)))"""
    return (1 - target) * x - logsigmoid(x)


def _weighted_logits_vjp(g, y, x, t, w):
    log_p = logsigmoid(x)
    return g * ((1 + (w - 1) * t) * sigmoid(x) - w * t), g * (logsigmoid(-x) - w * log_p), -g * t * log_p


@derived_by(_weighted_logits_vjp)
def weighted_binary_cross_entropy_with_logits(x, target, weight):
    """-(w t log σ(x) + (1 - t) log(1 - σ(x)))"""
    return (1 - target) * x - (1 + (weight - 1) * target) * logsigmoid(x)


def smooth_l1(a, b, beta):
    """½ d² / beta where |d| < beta, else |d| - ½ beta; d = a - b"""
    d = abs(a - b)
    return where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def huber(a, b, delta):
    """½ d² where |d| < delta, else delta (|d| - ½ delta); d = a - b"""
    d = abs(a - b)
    return where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def soft_margin(x, target):
    """log(1 + e^(-t x))"""
    return log(1 + exp(-target * x))


def hinge_embedding(x, target, margin):
    """x where t = 1, max(0, margin - x) where t = -1, and both together elsewhere"""
    return where(target == -1, 0, x) + where(target == 1, 0, clamp_min(margin - x, 0))


def margin_ranking(a, b, target, margin):
    """max(0, margin - t (a - b))"""
    return clamp_min(margin - target * (a - b), 0)


def kl_div(x, target):
    """t log t - t x, and 0 where t is 0"""
    return xlogy(target, target) - target * x


def stirling(x):
    """About log x!, for x above 1: x log x - x + log(2 pi x) / 2; else 0."""
    return where(x <= 1, 0, x * log(x) - x + 0.5 * log(2 * math.pi * x))


# --- complex numbers, and conversion


def polar(size, angle):
    """size (cos angle + i sin angle)"""
    return complex_of(size * cos(angle), size * sin(angle))


def imaginary(x):
    """x i"""
    return complex_of(0, x)


def identity(x):
    """x; what changes is the type or the layout."""
    return x


# --- comparison and choice


def greater(a, b):
    """a > b"""
    return a > b


def greater_equal(a, b):
    """a >= b"""
    return a >= b


def masked_fill(x, mask, value):
    """`value` where the mask holds, else x."""
    return where(mask, value, x)
