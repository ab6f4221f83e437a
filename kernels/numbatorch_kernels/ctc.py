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

from collections.abc import Callable
from functools import cache

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy import inf

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled, shared
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.real import exponential, logarithm
from numbatorch_kernels.registry import Kernel

ctc = Kernel("ctc")
# (loss, alpha, lp, targets, starts, lengths, blank): alpha is (batch, steps, room(labels)), or of 2 steps, which take turns
ctc_backward = Kernel("ctc_backward")
# (dx, beta, grad, loss, alpha, lp, targets, starts, lengths, blank, zero_infinity): the gradient for what lp is the
# log softmax of, e^lp - e^(posterior), times grad[b]; `beta` is scratch like alpha

LANES = 16  # states that a loop of vector instructions takes at a time


@shared
def _whole(count):
    """So many states, in whole vector registers."""
    return (count + LANES - 1) // LANES * LANES


def room(labels: int) -> int:
    """How many elements a step of alpha has, where samples have at most so many labels."""
    return _whole(2 * labels + 1) + 2


@shared
def label_of(targets, start, blank, state):
    """The label of a state: blanks are even."""
    return targets[start + state // 2] if state % 2 else blank


@shared
def skips(targets, start, state):
    """Whether a state can follow the one two before it: a label that differs from the one before."""
    return state % 2 == 1 and state > 2 and targets[start + state // 2] != targets[start + state // 2 - 1]


@callee(forceinline=True)
def joined(a, b, c, zero, low):
    """log(e^a + e^b + e^c), without a branch"""
    largest = a if a > b else b
    largest = largest if largest > c else c
    base = largest if largest > low else zero
    return base + logarithm(exponential(a - base) + exponential(b - base) + exponential(c - base))


@callee
def _states(label, jump, targets, start, blank, count, wide, zero, low):
    """The label of each state, and what is added to the probability to come to it from the one two before."""
    for s in range(wide):
        label[s] = label_of(targets, start, blank, s) if s < count else blank
        jump[s] = zero if s < count and skips(targets, start, s) else low


@callee
def _emissions(to, row, label, count, wide, beyond):
    """The log probability of the label of each state in a step."""
    for s in range(count):
        to[s] = row[label[s]]
    for s in range(count, wide):
        to[s] = beyond


@callee
def _advance(to, here, one, two, jump, wide, zero, low):
    """From a step to its neighbour: `to` has the emissions, the other three the states that lead there."""
    for s in range(wide):
        to[s] += joined(here[s], one[s], two[s] + jump[s], zero, low)


def ctc_kernel(
    loss, alpha, label, jump, lp, targets, starts, lengths, kept, batch, classes, states, blank, zero, low, begin, end
):  # fmt: skip
    """A step of alpha, of which so many are kept, begins with two states that nobody is in."""
    for b in range(begin, end):
        length, labels, start = lengths[2 * b], lengths[2 * b + 1], starts[b]
        if length == 0:
            loss[b] = zero if labels == 0 else -low
            continue
        count, wide = 2 * labels + 1, _whole(2 * labels + 1)
        own, jumps = offset(label, b * states), offset(jump, b * states)
        mine = offset(alpha, b * kept * states + 2)
        to = mine
        _states(own, jumps, targets, start, blank, count, wide, zero, low)
        for t in range(length):
            before, to = to, offset(mine, t % kept * states)
            to[-2] = to[-1] = low
            _emissions(to, offset(lp, (t * batch + b) * classes), own, count, wide, low)
            if t == 0:
                for s in range(2, wide):
                    to[s] = low
            else:
                _advance(to, before, offset(before, -1), offset(before, -2), jumps, wide, zero, low)
        last = offset(to, 2 * labels)
        loss[b] = -joined(last[0], last[-1], low, zero, low)


def ctc_backward_kernel(
    dx, beta, label, jump, share, grad, loss, alpha, lp, targets, starts, lengths, steps, batch, classes, states,
    blank, zero_infinity, zero, low, begin, end,
):  # fmt: skip
    """A step of beta ends with two states that nobody is in."""
    for b in range(begin, end):
        length, labels, start, nll, g = lengths[2 * b], lengths[2 * b + 1], starts[b], loss[b], grad[b]
        for t in range(steps):
            row = (t * batch + b) * classes
            for c in range(classes):
                dx[row + c] = 0
        if zero_infinity and nll == inf:
            continue
        count, wide, own = 2 * labels + 1, _whole(2 * labels + 1), offset(label, b * states)
        jumps, shares = offset(jump, b * states), offset(share, b * states)
        _states(own, jumps, targets, start, blank, count, wide + 2, zero, low)
        for t in range(length - 1, -1, -1):
            row, d = offset(lp, (t * batch + b) * classes), offset(dx, (t * batch + b) * classes)
            here = (b * steps + t) * states
            to, ways = offset(beta, here), offset(alpha, here + 2)
            _emissions(to, row, own, count, wide + 2, low)
            if t == length - 1:
                for s in range(count - 2):
                    to[s] = low
            else:
                after = offset(to, states)
                _advance(to, after, offset(after, 1), offset(after, 2), offset(jumps, 2), wide, zero, low)
            _emissions(shares, row, own, count, wide, zero)
            for s in range(wide):
                shares[s] = exponential(ways[s] + to[s] + nll - shares[s]) * g
            for c in range(classes):
                d[c] = exponential(row[c]) * g
            for s in range(count):
                d[own[s]] -= shares[s]


@cache
def _entry(function: Callable, element: str) -> Callable:
    kinds = {
        ctc_kernel: [element, element, "i8", element, element, "i8", "i8", "i8", *[int] * 5],
        ctc_backward_kernel: [element, element, "i8", *[element] * 5, element, "i8", "i8", "i8", *[int] * 6],
    }[function]
    number = from_dtype(np.dtype(element))
    return compiled(function, *kinds, number, number, int, int)


def _scratch(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Room for labels and jumps of the states of each sample."""
    shape = alpha.shape[0], alpha.shape[2]
    return np.empty(shape, np.int64), np.empty(shape, alpha.dtype)


@ctc.on("cpu")
def _ctc(loss, alpha, lp, targets, starts, lengths, blank):
    entry, (_, kept, states) = _entry(ctc_kernel, lp.dtype.str[1:]), alpha.shape
    arrays = (loss, alpha, *_scratch(alpha), lp, targets, starts, lengths)
    parallel.run(entry, lp.shape[1], 1, *arrays, kept, *lp.shape[1:], states, blank, 0.0, -inf)


@ctc_backward.on("cpu")
def _ctc_backward(dx, beta, grad, loss, alpha, lp, targets, starts, lengths, blank, zero_infinity):
    entry, sizes = _entry(ctc_backward_kernel, lp.dtype.str[1:]), (*lp.shape, alpha.shape[2], blank)
    label, jump = _scratch(alpha)
    arrays = (dx, beta, label, jump, np.empty_like(jump), grad, loss, alpha, lp, targets, starts, lengths)
    parallel.run(entry, lp.shape[1], 1, *arrays, *sizes, zero_infinity, 0.0, -inf)


@ctc.on("cuda")
def _ctc_on_cuda(*args):
    from numbatorch_kernels.cuda import ctc as cuda

    cuda.ctc(*args)


@ctc_backward.on("cuda")
def _ctc_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import ctc as cuda

    cuda.ctc_backward(*args)
