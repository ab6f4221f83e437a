"""Poisson, binomial and gamma numbers, which are drawn by rejection: how many uniform numbers one takes is not
known beforehand. On the CPU they are PyTorch's, draw for draw.

W. Hoermann, "The transformed rejection method for generating Poisson random variables", Insurance: Mathematics
and Economics 12 (1993), and "The generation of binomial random variates", Journal of Statistical Computation and
Simulation 46 (1993); G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26
(2000); for small means L. Devroye, "Non-Uniform Random Variate Generation" (1986), X.3 and X.4.

The samplers are the same on both devices: `samplers` makes them for what `uniform(source)`, in [0, 1), and
`normal(source)` are there. They compute in float64; where PyTorch does in the type of the parameters,
`kept(x, single)` rounds to float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy import float32, float64, int64, uint64

from numbatorch_kernels import cpu
from numbatorch_kernels.callee import callee
from numbatorch_kernels.mersenne import MersenneTwister, next_word
from numbatorch_kernels.registry import Kernel

poisson = Kernel("poisson")
binomial = Kernel("binomial")
gamma = Kernel("gamma")

# Constants of the papers, and two of them as PyTorch has them: of float32.
_THIRD, _SQUEEZE = float(float32(1) / float32(3)), float(float32(0.0331))
# log k! less Stirling's formula for it, k = 0 .. 9
_TAILS = tuple(
    math.lgamma(k + 1.0) - ((k + 0.5) * math.log(k + 1.0) - (k + 1.0) + 0.5 * math.log(2.0 * math.pi))
    for k in range(10)
)


def samplers(jit: Callable, uniform: Callable, normal: Callable) -> tuple[Callable, Callable, Callable]:
    """poisson(rate, source), binomial(count, p, single, source), gamma(shape, single, source)."""

    @jit
    def kept(x, single):
        """x as it is in memory."""
        return float64(float32(x)) if single else x

    @jit
    def poisson_of(rate, source):
        if not rate < 10.0:
            return poisson_large(rate, source)
        count, product, least = 0.0, 1.0, math.exp(-rate)
        if rate == 0.0:
            return 0.0
        while True:  # arrivals of rate 1 up to time `rate`
            product *= uniform(source)
            if not product > least:
                return count
            count += 1.0

    @jit
    def poisson_large(rate, source):
        root, log_rate = math.sqrt(rate), math.log(rate)
        b = 0.931 + 2.53 * root
        a = -0.059 + 0.02483 * b
        log_scale, tight = math.log(1.1239 + 1.1328 / (b - 3.4)), 0.9277 - 3.6224 / (b - 2.0)
        while True:
            u = uniform(source) - 0.5
            v = uniform(source)
            edge = 0.5 - abs(u)
            if edge == 0.0:
                continue
            k = math.floor((2.0 * a / edge + b) * u + rate + 0.43)
            if edge >= 0.07 and v <= tight:
                return float64(k)
            if k < 0 or (edge < 0.013 and v > edge):
                continue
            if math.log(v) + log_scale - math.log(a / (edge * edge) + b) <= (
                k * log_rate - rate - math.lgamma(k + 1.0)
            ):
                return float64(k)

    @jit
    def binomial_of(count, p, single, source):
        if not (count > 0.0 and p > 0.0):
            return math.nan if math.isnan(count) or math.isnan(p) else 0.0
        if p >= 1.0:
            return count
        rare = p if p <= 0.5 else kept(1.0 - p, single)
        if kept(count * rare, single) >= 10.0:
            drawn = binomial_large(count, rare, single, source)
        else:
            drawn = binomial_small(count, rare, single, source)
        return drawn if p <= 0.5 else count - drawn

    @jit
    def binomial_small(count, p, single, source):
        """How many successes: the trials up to each are geometric numbers."""
        scale, trials, successes = kept(math.log1p(-p), single), 0.0, 0.0
        while True:
            u = uniform(source)
            if u == 0.0:
                return successes
            trials += math.ceil(math.log(u) / scale)
            if trials > count:
                return successes
            successes += 1.0

    @jit
    def tail(k):
        """log k! less Stirling's formula for it."""
        if k <= 9.0:
            return _TAILS[int(k)]
        square = (k + 1.0) * (k + 1.0)
        return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1.0)

    @jit
    def binomial_large(count, p, single, source):
        mean, fail = kept(count * p, single), kept(1.0 - p, single)
        deviation = kept(math.sqrt(kept(mean * fail, single)), single)
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        center, tight, odds = mean + 0.5, 0.92 - 4.2 / b, kept(p / fail, single)
        alpha, mode = (2.83 + 5.1 / b) * deviation, math.floor(kept((count + 1.0) * p, single))
        while True:
            u = uniform(source) - 0.5
            v = uniform(source)
            edge = 0.5 - abs(u)
            if edge == 0.0:
                continue
            k = kept(float64(math.floor((2.0 * a / edge + b) * u + center)), single)
            if k < 0.0 or k > count:
                continue
            if edge >= 0.07 and v <= tight:
                return k
            bound = (
                (mode + 0.5) * math.log((mode + 1.0) / (odds * (count - mode + 1.0)))
                + (count + 1.0) * math.log((count - mode + 1.0) / (count - k + 1.0))
                + (k + 0.5) * math.log(odds * (count - k + 1.0) / (k + 1.0))
                + (tail(mode) + tail(count - mode) - tail(k) - tail(count - k))
            )
            if math.log(v * alpha / (a / (edge * edge) + b)) <= bound:
                return k

    @jit
    def gamma_of(shape, single, source):
        scale = 1.0
        if shape < 1.0:  # of a number of shape + 1, and a power of a uniform one
            if shape == 0.0:
                return 0.0
            scale = (1.0 - uniform(source)) ** kept(1.0 / shape, single)
            shape = kept(shape + 1.0, single)
        d = kept(shape - _THIRD, single)
        c = 1.0 / math.sqrt(9.0 * d)
        while True:
            x = normal(source)
            root = 1.0 + c * x
            if not root > 0.0:
                if math.isnan(root):
                    return math.nan
                continue
            v, u, square = root * root * root, 1.0 - uniform(source), x * x
            if u < 1.0 - _SQUEEZE * square * square:
                return scale * d * v
            if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
                return scale * d * v

    return poisson_of, binomial_of, gamma_of


# ------------------------------------------------------------------------------------------------------------
# the CPU: one thread, because each draw follows the one before

_LOW_53, _32 = uint64(2**53 - 1), uint64(32)


@callee
def _uniform(source):
    """A float64 in [0, 1), of two draws."""
    words = source[0]
    high = uint64(next_word(words))
    return float64(int64(((high << _32) | uint64(next_word(words))) & _LOW_53)) * 2.0**-53


@callee
def _normal(source):
    """Two are made at a time: `spare` keeps one for the next call, or NaN."""
    spare = source[1]
    kept = spare[0]
    if not math.isnan(kept):
        spare[0] = math.nan
        return kept
    angle = 2.0 * math.pi * _uniform(source)
    radius = math.sqrt(-2.0 * math.log1p(-_uniform(source)))
    spare[0] = radius * math.sin(angle)
    return radius * math.cos(angle)


_poisson, _binomial, _gamma = samplers(callee, _uniform, _normal)


def poisson_kernel(out, rate, words, spare, start, stop):
    for i in range(start, stop):
        out[i] = _poisson(float64(rate[i]), (words, spare))


def binomial_kernel(out, count, p, single, words, spare, start, stop):
    for i in range(start, stop):
        out[i] = _binomial(float64(count[i]), float64(p[i]), single, (words, spare))


def gamma_kernel(out, shape, least, single, words, spare, start, stop):
    for i in range(start, stop):
        x = _gamma(float64(shape[i]), single, (words, spare))
        out[i] = x if x > least else least


# The arguments of the kernels, on both devices: `out` and the parameters are contiguous and of one type, float32
# or float64. What follows the arrays is that, and for gamma the least number that is given.


def _run(kernel: Callable, out: np.ndarray, state: MersenneTwister, arrays: tuple, *numbers) -> None:
    kinds = [out.dtype, *[a.dtype for a in arrays], *map(type, numbers), "u4", "f8", int, int]
    entry = cpu.compiled(kernel, *kinds)
    entry(out, *arrays, *numbers, state.words, state.spare, 0, out.size)


@poisson.on("cpu")
def _(out, state, rate):
    _run(poisson_kernel, out, state, (rate,))


@binomial.on("cpu")
def _(out, state, count, p):
    _run(binomial_kernel, out, state, (count, p), int(out.dtype == float32))


@gamma.on("cpu")
def _(out, state, shape):
    least = float(np.finfo(out.dtype).tiny)
    _run(gamma_kernel, out, state, (shape,), least, int(out.dtype == float32))


# ------------------------------------------------------------------------------------------------------------
# CUDA: see cuda/rejection.py, imported late


@poisson.on("cuda")
def _(out, state, rate):
    from numbatorch_kernels.cuda import rejection

    rejection.poisson(out, state, rate)


@binomial.on("cuda")
def _(out, state, count, p):
    from numbatorch_kernels.cuda import rejection

    rejection.binomial(out, state, count, p)


@gamma.on("cuda")
def _(out, state, shape):
    from numbatorch_kernels.cuda import rejection

    rejection.gamma(out, state, shape)
