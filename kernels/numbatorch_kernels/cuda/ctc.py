"""The kernels of ../ctc.py on CUDA: a block for each sample, its threads share the states of a step."""

from __future__ import annotations

import math
from functools import cache

from numpy import inf

from numbatorch_kernels.ctc import label_of, skips
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.faults import mark
from numbatorch_kernels.cuda.launch import BLOCK, Kernel, compiled


def joined(a, b, c):
    """log(e^a + e^b + e^c)"""
    largest = max(a, max(b, c))
    if largest == -inf:
        return largest
    return largest + math.log(math.exp(a - largest) + math.exp(b - largest) + math.exp(c - largest))


def label_within(targets, start, blank, classes, s):
    """`label_of`, or the nearest label that there is."""
    return max(0, min(label_of(targets, start, blank, s), classes - 1))


_label, _skips, _joined = device_function(label_within), device_function(skips), device_function(joined)


def ctc_block(loss, alpha, lp, targets, starts, lengths, missed, kept, batch, classes, states, blank):
    b, lane = cuda.blockIdx.x, cuda.threadIdx.x
    length, labels, start = lengths[2 * b], lengths[2 * b + 1], starts[b]
    count, here, now = 2 * labels + 1, b * kept * states, 0
    for k in range(start + lane, start + labels, cuda.blockDim.x):
        if targets[k] < 0 or targets[k] >= classes:
            missed[0] = 1
    for t in range(length):
        row, before, now = (t * batch + b) * classes, now, here + t % kept * states
        for s in range(lane, count, cuda.blockDim.x):
            way = 0.0
            if t > 0:
                one = alpha[before + s - 1] if s > 0 else -inf
                two = alpha[before + s - 2] if _skips(targets, start, s) else -inf
                way = _joined(alpha[before + s], one, two)
            alpha[now + s] = (
                way + lp[row + _label(targets, start, blank, classes, s)] if t > 0 or s < 2 else -inf
            )
        cuda.syncthreads()
    if lane == 0:
        if length == 0:
            loss[b] = 0.0 if labels == 0 else inf
        else:
            last = now + 2 * labels
            loss[b] = -_joined(alpha[last], alpha[last - 1] if labels > 0 else -inf, -inf)


def ctc_backward_block(
    dx, beta, grad, loss, alpha, lp, targets, starts, lengths, steps, batch, classes, states, blank,
    zero_infinity,
):  # fmt: skip
    """First beta, its states shared out; then the gradient, what all classes have, and what the labels of each step add."""
    b, lane = cuda.blockIdx.x, cuda.threadIdx.x
    length, labels, start, nll, g = lengths[2 * b], lengths[2 * b + 1], starts[b], loss[b], grad[b]
    count, here = 2 * labels + 1, b * steps * states
    for back in range(length):
        t = length - 1 - back
        row, now, after = (t * batch + b) * classes, here + t * states, here + (t + 1) * states
        for s in range(lane, count, cuda.blockDim.x):
            if back == 0:
                way = -inf if s < count - 2 else 0.0
            else:
                one = beta[after + s + 1] if s + 1 < count else -inf
                two = beta[after + s + 2] if s + 2 < count and _skips(targets, start, s + 2) else -inf
                way = _joined(beta[after + s], one, two)
            beta[now + s] = way + lp[row + _label(targets, start, blank, classes, s)]
        cuda.syncthreads()
    nothing = zero_infinity and nll == inf
    for item in range(lane, steps * classes, cuda.blockDim.x):
        t, c = split(item, classes)
        place = (t * batch + b) * classes + c
        dx[place] = 0 if nothing or t >= length else math.exp(lp[place]) * g
    cuda.syncthreads()
    for t in range(lane, 0 if nothing else length, cuda.blockDim.x):
        row, now = (t * batch + b) * classes, here + t * states
        for s in range(count):
            place = row + _label(targets, start, blank, classes, s)
            dx[place] -= math.exp(alpha[now + s] + beta[now + s] + nll - lp[place]) * g


@cache
def _forward(element: str) -> Kernel:
    return compiled(ctc_block, element, element, element, *["i8"] * 4, *[int] * 5)


@cache
def _backward(element: str) -> Kernel:
    return compiled(ctc_backward_block, *[element] * 6, "i8", "i8", "i8", *[int] * 6)


def ctc(loss, alpha, lp, targets, starts, lengths, blank):
    """See `numbatorch_kernels.ctc`."""
    _, kept, states = alpha.shape
    arrays = (loss, alpha, lp, targets, starts, lengths, mark("ctc_loss", lp.device))
    _forward(lp.dtype.str[1:])(lp.shape[1], BLOCK, *arrays, kept, *lp.shape[1:], states, blank)


def ctc_backward(dx, beta, grad, loss, alpha, lp, targets, starts, lengths, blank, zero_infinity):
    """See `numbatorch_kernels.ctc`."""
    arrays = (dx, beta, grad, loss, alpha, lp, targets, starts, lengths)
    sizes = (*lp.shape, alpha.shape[2], blank, zero_infinity)
    _backward(lp.dtype.str[1:])(lp.shape[1], BLOCK, *arrays, *sizes)
