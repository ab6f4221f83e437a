"""Connectionist temporal classification: how likely a sequence of labels is, whatever its alignment with the
steps of the input. A. Graves et al., ICML 2006.

Of a sample with S labels there are 2 S + 1 states: the labels with a blank before, between and after them.
With lp[t, b, c] the log probability of label c at step t, and l(s) the label of state s,

    alpha[t, s] = lp[t, l(s)] + log(e^alpha[t-1, s] + e^alpha[t-1, s-1] + e^alpha[t-1, s-2])

is the log probability of the beginnings that end in state s; the last term only where s is a label other than
that of s - 2. beta[t, s] is the same of the ends, from the last step backwards. All numbers are logarithms.

lp is contiguous, (steps, batch, classes), float32 or float64. Integers are int64: `targets` holds the labels of
sample b from starts[b] on, `lengths` its number of steps and of labels, for each sample. A sample is a unit of
work on the CPU, a block on CUDA.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.numpy_support import from_dtype
from numpy import inf

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import SHARED
from numbatorch_kernels.cpu import compiled, shared
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.vecmath import exp_f32, exp_f64, log_f32, log_f64

ctc = Kernel("ctc")  # (loss, alpha, lp, targets, starts, lengths, blank): alpha is (batch, steps, states)
ctc_backward = Kernel("ctc_backward")
# (dx, beta, grad, loss, alpha, lp, targets, starts, lengths, blank, zero_infinity): the gradient for what lp is the
# log softmax of, e^lp - e^(posterior), times grad[b]; `beta` is scratch like alpha


def exponential(x):
    """e^x"""
    return math.exp(x)


def logarithm(x):
    """log x"""
    return math.log(x) if x > 0 else -inf


@overload(exponential, jit_options=SHARED)
def _exponential(x):
    return (lambda x: exp_f32(x)) if x == types.float32 else (lambda x: exp_f64(x))


@overload(logarithm, jit_options=SHARED)
def _logarithm(x):
    return (lambda x: log_f32(x)) if x == types.float32 else (lambda x: log_f64(x))


@shared
def label_of(targets, start, blank, state):
    """The label of a state: blanks are even."""
    return targets[start + state // 2] if state % 2 else blank


@shared
def skips(targets, start, state):
    """Whether a state can follow the one two before it: a label that differs from the one before."""
    return state % 2 == 1 and state > 2 and targets[start + state // 2] != targets[start + state // 2 - 1]


def joined(a, b, c):
    """log(e^a + e^b + e^c)"""
    largest = max(a, max(b, c))
    if largest == -inf:
        return largest
    return largest + logarithm(exponential(a - largest) + exponential(b - largest) + exponential(c - largest))


_joined = shared(joined)


def ctc_kernel(
    loss, alpha, lp, targets, starts, lengths, steps, batch, classes, states, blank, zero, low, begin, end
):
    for b in range(begin, end):
        length, labels, start = lengths[2 * b], lengths[2 * b + 1], starts[b]
        if length == 0:
            loss[b] = zero if labels == 0 else -low
            continue
        count, here = 2 * labels + 1, b * steps * states
        for s in range(count):
            alpha[here + s] = lp[b * classes + label_of(targets, start, blank, s)] if s < 2 else low
        for t in range(1, length):
            row, before, now = (t * batch + b) * classes, here + (t - 1) * states, here + t * states
            for s in range(count):
                one = alpha[before + s - 1] if s > 0 else low
                two = alpha[before + s - 2] if skips(targets, start, s) else low
                way = _joined(alpha[before + s], one, two)
                alpha[now + s] = way + lp[row + label_of(targets, start, blank, s)]
        last = here + (length - 1) * states + 2 * labels
        loss[b] = -_joined(alpha[last], alpha[last - 1] if labels > 0 else low, low)


def ctc_backward_kernel(
    dx, beta, grad, loss, alpha, lp, targets, starts, lengths, steps, batch, classes, states, blank,
    zero_infinity, zero, low, begin, end,
):  # fmt: skip
    for b in range(begin, end):
        length, labels, start, nll, g = lengths[2 * b], lengths[2 * b + 1], starts[b], loss[b], grad[b]
        for t in range(steps):
            row = (t * batch + b) * classes
            for c in range(classes):
                dx[row + c] = 0
        if zero_infinity and nll == inf:
            continue
        count, here = 2 * labels + 1, b * steps * states
        for t in range(length - 1, -1, -1):
            row, now, after = (t * batch + b) * classes, here + t * states, here + (t + 1) * states
            for s in range(count):
                if t == length - 1:
                    way = low if s < count - 2 else zero
                else:
                    one = beta[after + s + 1] if s + 1 < count else low
                    two = low
                    if s + 2 < count and skips(targets, start, s + 2):
                        two = beta[after + s + 2]
                    way = _joined(beta[after + s], one, two)
                beta[now + s] = way + lp[row + label_of(targets, start, blank, s)]
            for c in range(classes):
                dx[row + c] = exponential(lp[row + c]) * g
            for s in range(count):
                place = row + label_of(targets, start, blank, s)
                dx[place] -= exponential(alpha[now + s] + beta[now + s] + nll - lp[place]) * g


@cache
def _entry(function: Callable, element: str) -> Callable:
    kinds = {
        ctc_kernel: [element, element, element, "i8", "i8", "i8", *[int] * 5],
        ctc_backward_kernel: [*[element] * 6, "i8", "i8", "i8", *[int] * 6],
    }[function]
    number = from_dtype(np.dtype(element))
    return compiled(function, *kinds, number, number, int, int)


@ctc.on("cpu")
def _ctc(loss, alpha, lp, targets, starts, lengths, blank):
    entry, sizes = _entry(ctc_kernel, lp.dtype.str[1:]), (*lp.shape, alpha.shape[2], blank)
    parallel.run(entry, lp.shape[1], 1, loss, alpha, lp, targets, starts, lengths, *sizes, 0.0, -inf)


@ctc_backward.on("cpu")
def _ctc_backward(dx, beta, grad, loss, alpha, lp, targets, starts, lengths, blank, zero_infinity):
    entry, sizes = _entry(ctc_backward_kernel, lp.dtype.str[1:]), (*lp.shape, alpha.shape[2], blank)
    arrays = (dx, beta, grad, loss, alpha, lp, targets, starts, lengths)
    parallel.run(entry, lp.shape[1], 1, *arrays, *sizes, zero_infinity, 0.0, -inf)


@ctc.on("cuda")
def _ctc_on_cuda(*args):
    from numbatorch_kernels.cuda import ctc as cuda

    cuda.ctc(*args)


@ctc_backward.on("cuda")
def _ctc_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import ctc as cuda

    cuda.ctc_backward(*args)
