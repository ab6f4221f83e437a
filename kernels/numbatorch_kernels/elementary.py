"""Scalar bodies beside the basic ones of `scalar`: angles, signs, steps, logarithms that have an edge, and what
pooling makes of means."""

from __future__ import annotations

import math

from numbatorch_kernels.primitives import (
    abs,
    copysign,
    cos,
    erf,
    erfc,
    erfcx,
    exp,
    exp2,
    inf,
    isnan,
    log,
    log1p,
    maximum,
    nan,
    pi,
    pow,
    sin,
    sqrt,
    where,
)
from numbatorch_kernels.scalar import derived_by

# --- angles


def deg2rad(x):
    """Degrees in radians"""
    return x * (pi / 180)


def rad2deg(x):
    """Radians in degrees"""
    return x * (180 / pi)


def _sinc_vjp(g, y, x):
    away = where(x == 0, 1, x)
    return (where(x == 0, 0, g * ((pi * away * cos(pi * away) - sin(pi * away)) / (pi * away * away))),)


@derived_by(_sinc_vjp)
def sinc(x):
    """sin(πx) / (πx), and 1 at 0"""
    return where(x == 0, 1, sin(pi * x) / (pi * x))


# --- signs and steps


def signbit(x):
    """Whether the sign of a float is minus; that of -0 is."""
    return copysign(1, x) < 0


def negative(x):
    """x < 0"""
    return x < 0


def isposinf(x):
    """x = +inf"""
    return x == inf


def isneginf(x):
    """x = -inf"""
    return x == -inf


# That there is no derivative is the op's to say, once a gradient comes through here.
@derived_by(lambda g, y, x, at_zero: (g, g))
def heaviside(x, at_zero):
    """0 below zero, 1 above, `at_zero` at zero"""
    return where(x == 0, at_zero, where(x > 0, 1, 0))


# --- logarithms


@derived_by(lambda g, y, a, b: (g * exp2(a - y), g * exp2(b - y)))
def logaddexp2(a, b):
    """log2(2ᵃ + 2ᵇ) without overflow; infinities of the same sign give themselves."""
    top = maximum(a, b)
    return where((abs(a) == inf) & (a == b), a, top + log1p(exp2(-abs(a - b))) * (1 / math.log(2)))


@derived_by(lambda g, y, x: (where((x < 0) | (x > 1), nan, g / (x * (1 - x))),))
def logit(x):
    """log(x / (1 - x))"""
    return log(x / (1 - x))


def _logit_between_vjp(g, y, x, low, high):
    return where((x < low) | (x > high), 0, g / (x * (1 - x))), None, None


@derived_by(_logit_between_vjp)
def logit_between(x, low, high):
    """log(z / (1 - z)) of z = x, but at least `low` and at most `high`"""
    z = where(x < low, low, where(x > high, high, x))
    return log(z / (1 - z))


@derived_by(lambda g, y, x: (g * (-1 - log(x)),))
def entr(x):
    """-x log(x), 0 at 0, -inf below"""
    return where(isnan(x), x, where(x > 0, -x * log(x), where(x == 0, 0, -inf)))


def _xlog1py_vjp(g, y, x, a):
    return where((x == 0) & (a <= -1), 0, xlog1py(g, a)), g * x / (a + 1)


@derived_by(_xlog1py_vjp)
def xlog1py(x, a):
    """x log(1 + a), and 0 where x is 0 whatever a is"""
    return where(isnan(a), a, where(x == 0, 0, x * log1p(a)))


# --- the normal distribution and the inverse of the error function


@derived_by(lambda g, y, x: (g * (math.sqrt(0.5 / pi) * exp(-0.5 * (x * x))),))
def ndtr(x):
    """Φ(x), the probability that a normal number lies below x"""
    return 0.5 * erfc(x * -math.sqrt(0.5))


@derived_by(lambda g, y, x: (g * math.sqrt(2 / pi) / erfcx(x * -math.sqrt(0.5)),))
def log_ndtr(x):
    """log Φ(x)"""
    t = x * -math.sqrt(0.5)
    return where(x < -1, log(0.5 * erfcx(t)) - t * t, log1p(-0.5 * erfc(-t)))


@derived_by(lambda g, y, x: (g * (0.5 * math.sqrt(pi) * exp(y * y)),))
def erfinv(x):
    """The y with erf(y) = x; infinite at -1 and 1, NaN beyond.

    A rational first guess (G. Pavlis, 1996) and two steps of Newton's, in the tails of Halley's: there they
    solve erfc(|y|) = 1 - |x|, because erf(y) has lost the digits that matter.
    """
    size = abs(x)
    z = x * x
    y = x * (((-0.140543331 * z + 0.914624893) * z - 1.645349621) * z + 0.886226899)
    y = y / ((((0.012229801 * z - 0.329097515) * z + 1.442710462) * z - 2.118377725) * z + 1)
    for _ in range(2):
        y = y - (erf(y) - x) * (0.5 * math.sqrt(pi)) * exp(y * y)
    z = sqrt(-log((1 - size) * 0.5))
    tail = ((1.641345311 * z + 3.429567803) * z - 1.624906493) * z - 1.970840454
    tail = tail / ((1.637067800 * z + 3.543889200) * z + 1)
    for _ in range(2):
        step = (erfcx(tail) - (1 - size) * exp(tail * tail)) * (0.5 * math.sqrt(pi))
        tail = tail + step / (1 - tail * step)
    inside = where(size < 0.7, y, copysign(tail, x))
    return where(size == 1, copysign(inf, x), inside)


# --- of windows


def response(x, m, alpha, beta, k):
    """x, less where the mean square m about it is large"""
    return x / pow(k + alpha * m, beta)


@derived_by(
    lambda g, y, m, taps, root: (
        where(m == 0, 0, g * (root * taps * pow(m * taps, root - 1))),
        None,
        None,
    )
)
def root_of_sum(m, taps, root):
    """A root of the sum of so many elements, from their mean; its gradient at 0 is 0"""
    return pow(m * taps, root)
