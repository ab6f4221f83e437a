"""The cross entropy of scores and classes on the CPU, in one pass: -weight[c] log_softmax(x)[.., c, ..] for the class c
of each element, summed; and the logarithms, which the gradient is made of. For rows of few classes these alone,
and softmax, too.

`x` and `logs` are contiguous, (batch, classes, inner), float16 and bfloat16 among them; `target` is int64, (batch,
inner). Elements of class `ignore` count for nothing. On CUDA the same is made of log_softmax and `loss.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled, shared
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local_like
from numbatorch_kernels.loss import GRAIN, sum_of_losses, total_of, weight_or_one
from numbatorch_kernels.norm import FLAGS, wide_of
from numbatorch_kernels.real import exponential, largest, logarithm

LANES = 64  # elements that are worked on side by side
FEW = 64  # classes: rows of no more are turned, so that vectors run across the rows
ROOM = FEW * LANES
BLOCK = 1024  # classes that are summed in the type of the scores


@shared
def _tops(top, x, at, classes, step, width, bfloat):
    """The largest of each of `width` columns."""
    for t in range(width):
        top[t] = load(x, at + t, bfloat)
    for c in range(1, classes):
        for t in range(width):
            top[t] = largest(top[t], load(x, at + c * step + t, bfloat))


@shared
def _sums(top, sums, x, at, classes, step, width, bfloat, zero):
    """The largest of each of `width` columns, and the logarithm of the sum of e^(x - that)."""
    _tops(top, x, at, classes, step, width, bfloat)
    for t in range(width):
        sums[t] = zero
    for c in range(classes):
        for t in range(width):
            sums[t] += exponential(load(x, at + c * step + t, bfloat) - top[t])
    for t in range(width):
        sums[t] = logarithm(sums[t])


@shared
def _columns(logs, top, sums, x, at, classes, inner, width, bfloat, zero):
    """log_softmax of columns that lie side by side."""
    _sums(top, sums, x, at, classes, inner, width, bfloat, zero)
    for c in range(classes):
        for t in range(width):
            j = at + c * inner + t
            store(logs, j, load(x, j, bfloat) - top[t] - sums[t], bfloat)


@shared
def _turn(turned, x, at, classes, width, bfloat):
    """Rows of few classes as columns."""
    for t in range(width):
        for c in range(classes):
            turned[c * LANES + t] = load(x, at + t * classes + c, bfloat)


@shared
def _short_rows(logs, top, sums, turned, x, at, classes, width, bfloat, zero):
    """log_softmax of rows of few classes."""
    _turn(turned, x, at, classes, width, bfloat)
    _sums(top, sums, turned, 0, classes, LANES, width, 0, zero)
    for t in range(width):
        for j in range(at + t * classes, at + (t + 1) * classes):
            store(logs, j, load(x, j, bfloat) - top[t] - sums[t], bfloat)


# ---- forward: `parts` has the sums of each `share` elements, see `loss.sum_of_losses`. A program needs one of these kernels, and so
# does not wait until all of them are compiled. ----


def columns_kernel(
    parts, logs, x, target, weight, weighted, classes, inner, ignore, bfloat, zero, count, share, start, stop
):
    """Where the classes of an element do not lie side by side."""
    top, sums = local_like(x, LANES), local_like(x, LANES)
    for s in range(start, stop):
        k, last = s * share, min((s + 1) * share, count)
        while k < last:
            width = min(LANES, last - k, inner - k % inner)
            at = k // inner * classes * inner + k % inner
            _columns(logs, top, sums, x, at, classes, inner, width, bfloat, zero)
            k += width
        sum_of_losses(
            parts, s, logs, target, weight, weighted, classes, inner, ignore, bfloat, s * share, last
        )


def short_rows_kernel(
    parts, logs, x, target, weight, weighted, classes, inner, ignore, bfloat, zero, count, share, start, stop
):
    """Where they do, and are few."""
    top, sums, turned = local_like(x, LANES), local_like(x, LANES), local_like(x, ROOM)
    for s in range(start, stop):
        first, last = s * share, min((s + 1) * share, count)
        for k in range(first, last, LANES):
            width = min(LANES, last - k)
            _short_rows(logs, top, sums, turned, x, k * classes, classes, width, bfloat, zero)
        sum_of_losses(parts, s, logs, target, weight, weighted, classes, inner, ignore, bfloat, first, last)


def long_rows_kernel(
    parts, logs, x, target, weight, weighted, classes, inner, ignore, bfloat, zero, count, share, start, stop
):
    """Where they do, and are many."""
    sums = local_like(x, 1)
    for s in range(start, stop):
        first, last = s * share, min((s + 1) * share, count)
        for at in range(first * classes, last * classes, classes):
            highest = load(x, at, bfloat)
            for j in range(at + 1, at + classes):
                highest = largest(highest, load(x, j, bfloat))
            total = 0.0
            for begin in range(at, at + classes, BLOCK):
                part = zero
                for j in range(begin, min(begin + BLOCK, at + classes)):
                    part += exponential(load(x, j, bfloat) - highest)
                total += part
            sums[0] = total
            shift = logarithm(sums[0])
            for j in range(at, at + classes):
                store(logs, j, load(x, j, bfloat) - highest - shift, bfloat)
        sum_of_losses(parts, s, logs, target, weight, weighted, classes, inner, ignore, bfloat, first, last)


def log_rows_kernel(logs, x, classes, bfloat, zero, count, start, stop):
    """log_softmax of rows of few classes, `count` in all: of groups start:stop of them."""
    top, sums, turned = local_like(x, LANES), local_like(x, LANES), local_like(x, ROOM)
    for first in range(start * LANES, min(stop * LANES, count), LANES):
        width = min(LANES, count - first)
        _short_rows(logs, top, sums, turned, x, first * classes, classes, width, bfloat, zero)


def rows_kernel(out, x, classes, bfloat, zero, count, start, stop):
    """softmax of the same."""
    top, sums, turned = local_like(x, LANES), local_like(x, LANES), local_like(x, ROOM)
    for first in range(start * LANES, min(stop * LANES, count), LANES):
        width, at = min(LANES, count - first), first * classes
        _turn(turned, x, at, classes, width, bfloat)
        _tops(top, turned, 0, classes, LANES, width, 0)
        for t in range(width):
            sums[t] = zero
        for c in range(classes):
            for t in range(width):
                power = exponential(turned[c * LANES + t] - top[t])
                turned[c * LANES + t] = power
                sums[t] += power
        for c in range(classes):
            for t in range(width):
                turned[c * LANES + t] /= sums[t]
        for t in range(width):
            for c in range(classes):
                store(out, at + t * classes + c, turned[c * LANES + t], bfloat)


def backward_kernel(
    dx,
    logs,
    target,
    weight,
    weighted,
    classes,
    inner,
    ignore,
    bfloat,
    one,
    scale,
    count,
    share,
    start,
    stop,
):
    """`scale`, times the weight of the element's class, times softmax(x), less 1 for that class."""
    factors, powers = local_like(dx, LANES), local_like(dx, ROOM)
    for s in range(start, stop):
        k, last = s * share, min((s + 1) * share, count)
        while k < last:
            width, at = min(LANES, last - k), k * classes
            if inner > 1:
                width = min(width, inner - k % inner)
                at = k // inner * classes * inner + k % inner
            for t in range(width):
                c = target[k + t]
                factors[t] = scale * weight[c * weighted] if c != ignore else 0
            if inner > 1:
                for c in range(classes):
                    for t in range(width):
                        j = at + c * inner + t
                        store(dx, j, exponential(load(logs, j, bfloat)) * factors[t], bfloat)
            elif classes <= FEW:
                for j in range(width * classes):
                    powers[j] = exponential(load(logs, at + j, bfloat))
                for t in range(width):
                    for c in range(classes):
                        store(dx, at + t * classes + c, powers[t * classes + c] * factors[t], bfloat)
            else:
                for t in range(width):
                    for j in range(at + t * classes, at + (t + 1) * classes):
                        store(dx, j, exponential(load(logs, j, bfloat)) * factors[t], bfloat)
            for t in range(width):
                c = target[k + t]
                if c != ignore:
                    j = ((k + t) // inner * classes + c) * inner + (k + t) % inner
                    store(dx, j, (exponential(load(logs, j, bfloat)) - one) * factors[t], bfloat)
            k += width


@cache
def _forward(function: Callable, dtype: np.dtype) -> Callable:
    wide = wide_of(dtype)
    return compiled(
        function, "f8", dtype, dtype, "i8", wide, *[int] * 5, from_dtype(wide), *[int] * 4, fastmath=FLAGS
    )


@cache
def _backward(dtype: np.dtype) -> Callable:
    wide = wide_of(dtype)
    numbers = [from_dtype(wide)] * 2
    return compiled(
        backward_kernel, dtype, dtype, "i8", wide, *[int] * 5, *numbers, *[int] * 4, fastmath=FLAGS
    )


def short_rows(logs: bool, dtype: np.dtype, count: int, classes: int, bfloat: bool) -> Callable | None:
    """run((out,), [x]): softmax, or its logarithm, of `count` rows of `classes` elements; None for what the kernel of `reduce` does as
    fast, which looks at one row after another."""
    if not 1 < classes <= FEW // 2:
        return None
    kernel = log_rows_kernel if logs else rows_kernel
    entry = compiled(kernel, dtype, dtype, int, int, from_dtype(wide_of(dtype)), int, int, int)
    groups, grain, last = (
        -(-count // LANES),
        max(1, GRAIN // (LANES * classes)),
        (classes, int(bfloat), 0.0, count),
    )
    return lambda outs, ins: parallel.run(entry, groups, grain, *outs, *ins, *last)


@cache
def _shares(count: int, classes: int) -> tuple[int, int]:
    """How many elements a share has, and how many shares there are."""
    share = max(1, GRAIN // classes)
    return share, -(-count // share)


def forward(logs, x, classes, inner, target, weight, ignore, bfloat) -> tuple[float, float]:
    """The sum of the losses and that of the weights. Raises IndexError for a target that is no class."""
    share, shares = _shares(target.size, classes)
    parts = np.empty(3 * shares)
    rows = short_rows_kernel if classes <= FEW else long_rows_kernel
    parallel.run(
        _forward(columns_kernel if inner > 1 else rows, x.dtype), shares, 1, parts, logs, x, target, *weight_or_one(weight, x.dtype), classes,
        inner, ignore, bfloat, 0.0, target.size, share,
    )  # fmt: skip
    return total_of(parts, ignore)


def backward(dx, logs, classes, inner, target, weight, ignore, bfloat, scale) -> None:
    """The gradient for the scores; `scale` is that for the sum of the losses."""
    share, shares = _shares(target.size, classes)
    parallel.run(
        _backward(dx.dtype), shares, 1, dx, logs, target, *weight_or_one(weight, dx.dtype), classes,
        inner, ignore, bfloat, 1.0, scale, target.size, share,
    )  # fmt: skip
