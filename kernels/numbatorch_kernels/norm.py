"""Normalisation, forward and backward, while what is normalised is in the cache.

Two layouts. Of rows: x is (rows, length), each row normalised by itself; for layer and root-mean-square norms a row is
a sample's last dimensions, for group norms a group of `per` channels of `inner` elements each, and weight and bias
have a number for each channel of each of the `groups`. Of channels: x is (batch, channels, inner), each channel
normalised over the batch.

Arrays are contiguous. x may be float16 or bfloat16; weight, bias and statistics are then float32, and so is what is
computed. `on` finds these functions for a device.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy import float64

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local, local_like

GRAIN = 1 << 14  # elements worth a thread
SHARES = 16  # parts that the gradient of weights over many rows is summed in
COLUMNS = 64  # that are worked on together
FLAGS = {"reassoc", "contract", "nsz"}


def rows_kernel(
    out, mean, rstd, x, weight, bias, length, inner, groups, per, centred, bfloat, zero, one, inverse, eps,
    start, stop,
):  # fmt: skip
    """Each row minus its mean (if `centred`), over the root of its mean square, times weight, plus bias."""
    for r in range(start, stop):
        base = r * length
        middle = zero
        if centred:
            for j in range(length):
                middle += load(x, base + j, bfloat)
            middle *= inverse
        spread = zero
        for j in range(length):
            d = load(x, base + j, bfloat) - middle
            spread += d * d
        scale = one / math.sqrt(spread * inverse + eps)
        mean[r] = middle
        rstd[r] = scale
        if inner == 1:
            for j in range(length):
                y = (load(x, base + j, bfloat) - middle) * scale * weight[j] + bias[j]
                store(out, base + j, y, bfloat)
        else:
            for c in range(per):
                factor, shift = scale * weight[r % groups * per + c], bias[r % groups * per + c]
                for j in range(base + c * inner, base + (c + 1) * inner):
                    store(out, j, (load(x, j, bfloat) - middle) * factor + shift, bfloat)


def rows_backward_kernel(
    dx, dweight, dbias, grad, x, mean, rstd, weight, rows, share, length, centred, bfloat, zero, inverse,
    start, stop,
):  # fmt: skip
    """Of rows with a weight for each element (inner = 1): dweight and dbias for each `share` rows."""
    for s in range(start, stop):
        own = s * length
        for j in range(length):
            dweight[own + j] = zero
            dbias[own + j] = zero
        for r in range(s * share, min(rows, (s + 1) * share)):
            base, middle, scale = r * length, mean[r], rstd[r]
            first, second = zero, zero
            for j in range(length):
                g = load(grad, base + j, bfloat) * weight[j]
                first += g
                second += g * ((load(x, base + j, bfloat) - middle) * scale)
            first = first * inverse if centred else zero
            second *= inverse
            for j in range(length):
                xhat = (load(x, base + j, bfloat) - middle) * scale
                g = load(grad, base + j, bfloat) * weight[j]
                store(dx, base + j, scale * (g - first - xhat * second), bfloat)
            for j in range(length):
                g = load(grad, base + j, bfloat)
                dweight[own + j] += g * ((load(x, base + j, bfloat) - middle) * scale)
                dbias[own + j] += g


def groups_backward_kernel(
    dx, dweight, dbias, grad, x, mean, rstd, weight, inner, groups, per, bfloat, zero, inverse, start, stop,
):  # fmt: skip
    """Of groups of channels: dweight and dbias for each row and channel."""
    for r in range(start, stop):
        base, middle, scale = r * per * inner, mean[r], rstd[r]
        first, second = zero, zero
        for c in range(per):
            of_bias, of_weight = zero, zero
            for j in range(base + c * inner, base + (c + 1) * inner):
                g = load(grad, j, bfloat)
                of_bias += g
                of_weight += g * ((load(x, j, bfloat) - middle) * scale)
            dweight[r * per + c] = of_weight
            dbias[r * per + c] = of_bias
            first += weight[r % groups * per + c] * of_bias
            second += weight[r % groups * per + c] * of_weight
        first *= inverse
        second *= inverse
        for c in range(per):
            w = weight[r % groups * per + c]
            for j in range(base + c * inner, base + (c + 1) * inner):
                xhat = (load(x, j, bfloat) - middle) * scale
                store(dx, j, scale * (load(grad, j, bfloat) * w - first - xhat * second), bfloat)


def channels_kernel(
    out,
    mean,
    variance,
    rstd,
    x,
    weight,
    bias,
    batch,
    channels,
    inner,
    bfloat,
    given,
    zero,
    one,
    eps,
    start,
    stop,
):
    """Each channel minus its mean, over its standard deviation, times weight, plus bias. Both are found here
    unless they are `given`."""
    count = batch * inner
    for c in range(start, stop):
        if not given:
            total = 0.0
            for n in range(batch):
                part, base = zero, (n * channels + c) * inner
                for j in range(base, base + inner):
                    part += load(x, j, bfloat)
                total += part
            mean[c] = total / count
            middle, total = mean[c], 0.0
            for n in range(batch):
                part, base = zero, (n * channels + c) * inner
                for j in range(base, base + inner):
                    d = load(x, j, bfloat) - middle
                    part += d * d
                total += part
            variance[c] = total / count
        rstd[c] = one / math.sqrt(variance[c] + eps)
        middle, factor, shift = mean[c], rstd[c] * weight[c], bias[c]
        for n in range(batch):
            base = (n * channels + c) * inner
            for j in range(base, base + inner):
                store(out, j, (load(x, j, bfloat) - middle) * factor + shift, bfloat)


def channels_backward_kernel(
    dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, inner, bfloat, zero, inverse, start, stop
):  # fmt: skip
    for c in range(start, stop):
        middle, scale = mean[c], rstd[c]
        of_bias, of_weight = 0.0, 0.0
        for n in range(batch):
            first, second, base = zero, zero, (n * channels + c) * inner
            for j in range(base, base + inner):
                g = load(grad, j, bfloat)
                first += g
                second += g * (load(x, j, bfloat) - middle)
            of_bias += first
            of_weight += second
        dbias[c] = of_bias
        dweight[c] = of_weight * scale
        shift, slope = dbias[c] * inverse, dweight[c] * inverse * scale
        factor = scale * weight[c]
        for n in range(batch):
            base = (n * channels + c) * inner
            for j in range(base, base + inner):
                d = load(x, j, bfloat) - middle
                store(dx, j, factor * (load(grad, j, bfloat) - shift - d * slope), bfloat)


def columns_kernel(
    out, mean, variance, rstd, x, weight, bias, batch, channels, bfloat, given, one, eps, start, stop
):
    """The channels of a matrix (batch, channels), COLUMNS at a time."""
    sums = local(float64, COLUMNS)
    middle, factor, shift = local_like(mean, COLUMNS), local_like(mean, COLUMNS), local_like(mean, COLUMNS)
    for first in range(start, stop, COLUMNS):
        width = min(COLUMNS, stop - first)
        if not given:
            for c in range(width):
                sums[c] = 0
            for n in range(batch):
                for c in range(width):
                    sums[c] += load(x, n * channels + first + c, bfloat)
            for c in range(width):
                mean[first + c] = middle[c] = sums[c] / batch
                sums[c] = 0
            for n in range(batch):
                for c in range(width):
                    d = load(x, n * channels + first + c, bfloat) - middle[c]
                    sums[c] += d * d
            for c in range(width):
                variance[first + c] = sums[c] / batch
        for c in range(width):
            rstd[first + c] = one / math.sqrt(variance[first + c] + eps)
            middle[c], shift[c] = mean[first + c], bias[first + c]
            factor[c] = rstd[first + c] * weight[first + c]
        for n in range(batch):
            for c in range(width):
                y = (load(x, n * channels + first + c, bfloat) - middle[c]) * factor[c] + shift[c]
                store(out, n * channels + first + c, y, bfloat)


def columns_backward_kernel(
    dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, bfloat, inverse, start, stop
):
    of_weight, of_bias = local(float64, COLUMNS), local(float64, COLUMNS)
    middle, factor = local_like(mean, COLUMNS), local_like(mean, COLUMNS)
    slope, shift = local_like(mean, COLUMNS), local_like(mean, COLUMNS)
    for first in range(start, stop, COLUMNS):
        width = min(COLUMNS, stop - first)
        for c in range(width):
            of_weight[c] = of_bias[c] = 0
            middle[c] = mean[first + c]
        for n in range(batch):
            for c in range(width):
                g = load(grad, n * channels + first + c, bfloat)
                of_bias[c] += g
                of_weight[c] += g * (load(x, n * channels + first + c, bfloat) - middle[c])
        for c in range(width):
            scale = rstd[first + c]
            dbias[first + c], dweight[first + c] = of_bias[c], of_weight[c] * scale
            shift[c], slope[c] = dbias[first + c] * inverse, dweight[first + c] * inverse * scale
            factor[c] = scale * weight[first + c]
        for n in range(batch):
            for c in range(width):
                d = load(x, n * channels + first + c, bfloat) - middle[c]
                g = load(grad, n * channels + first + c, bfloat)
                store(dx, n * channels + first + c, factor[c] * (g - shift[c] - d * slope[c]), bfloat)


@cache
def _entry(function: Callable, dtype: np.dtype) -> Callable:
    wide = wide_of(dtype)
    number = from_dtype(wide)
    kinds = {
        rows_kernel: [dtype, wide, wide, dtype, wide, wide, *[int] * 6, *[number] * 4],
        rows_backward_kernel: [dtype, wide, wide, dtype, dtype, wide, wide, wide, *[int] * 5, number, number],
        groups_backward_kernel: [
            dtype,
            wide,
            wide,
            dtype,
            dtype,
            wide,
            wide,
            wide,
            *[int] * 4,
            number,
            number,
        ],
        channels_kernel: [dtype, wide, wide, wide, dtype, wide, wide, *[int] * 5, *[number] * 3],
        channels_backward_kernel: [
            dtype,
            wide,
            wide,
            dtype,
            dtype,
            wide,
            wide,
            wide,
            *[int] * 4,
            number,
            number,
        ],
        columns_kernel: [dtype, wide, wide, wide, dtype, wide, wide, *[int] * 4, number, number],
        columns_backward_kernel: [
            dtype,
            wide,
            wide,
            dtype,
            dtype,
            wide,
            wide,
            wide,
            *[int] * 3,
            number,
        ],
    }[function]
    return compiled(function, *kinds, int, int, fastmath=FLAGS)


def wide_of(dtype: np.dtype) -> np.dtype:
    """What elements of this type in memory are computed in."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


@cache
def _filled(value: float, count: int, dtype: np.dtype) -> np.ndarray:
    """In the place of a weight or bias that is missing."""
    return np.full(count, value, dtype)


def _parameter(array: np.ndarray | None, value: float, count: int, x: np.ndarray) -> np.ndarray:
    return _filled(value, count, wide_of(x.dtype)) if array is None else array


def rows(out, mean, rstd, x, weight, bias, inner, groups, centred, bfloat, eps):
    """See the head of this file."""
    length = x.size // mean.size
    per = length // inner
    weight, bias = _parameter(weight, 1, groups * per, x), _parameter(bias, 0, groups * per, x)
    parallel.run(
        _entry(rows_kernel, x.dtype), mean.size, max(1, GRAIN // length), out, mean, rstd, x, weight, bias,
        length, inner, groups, per, centred, bfloat, 0.0, 1.0, 1 / length, eps,
    )  # fmt: skip


def rows_backward(dx, grad, x, mean, rstd, weight, inner, groups, centred, bfloat):
    """The gradients for weight and bias, as new arrays."""
    count, wide = mean.size, wide_of(x.dtype)
    length = x.size // count
    per = length // inner
    weight = _parameter(weight, 1, groups * per, x)
    if inner == 1 and groups == 1:
        share = max(1, GRAIN // length, -(-count // SHARES))
        shares = -(-count // share)
        sums = np.empty((2, shares, length), wide)
        parallel.run(
            _entry(rows_backward_kernel, x.dtype), shares, 1, dx, *sums, grad, x, mean, rstd, weight, count,
            share, length, centred, bfloat, 0.0, 1 / length,
        )  # fmt: skip
    else:
        sums = np.empty((2, count // groups, groups * per), wide)
        parallel.run(
            _entry(groups_backward_kernel, x.dtype), count, max(1, GRAIN // length), dx, *sums, grad, x, mean,
            rstd, weight, inner, groups, per, bfloat, 0.0, 1 / length,
        )  # fmt: skip
    return sums.sum(1)


def channels(out, mean, variance, rstd, x, weight, bias, given, bfloat, eps):
    """See the head of this file."""
    batch, count, inner = x.shape
    arrays = (out, mean, variance, rstd, x, _parameter(weight, 1, count, x), _parameter(bias, 0, count, x))
    grain = max(1, GRAIN // (batch * inner))
    if inner == 1:
        entry = _entry(columns_kernel, x.dtype)
        parallel.run(entry, count, max(grain, COLUMNS), *arrays, batch, count, bfloat, given, 1.0, eps)
    else:
        entry = _entry(channels_kernel, x.dtype)
        parallel.run(entry, count, grain, *arrays, batch, count, inner, bfloat, given, 0.0, 1.0, eps)


def channels_backward(dx, dweight, dbias, grad, x, mean, rstd, weight, given, bfloat):
    """See the head of this file; statistics that were given are no function of x."""
    batch, count, inner = x.shape
    arrays = (dx, dweight, dbias, grad, x, mean, rstd, _parameter(weight, 1, count, x))
    grain, inverse = max(1, GRAIN // (batch * inner)), 0.0 if given else 1 / (batch * inner)
    if inner == 1:
        entry = _entry(columns_backward_kernel, x.dtype)
        parallel.run(entry, count, max(grain, COLUMNS), *arrays, batch, count, bfloat, inverse)
    else:
        entry = _entry(channels_backward_kernel, x.dtype)
        parallel.run(entry, count, grain, *arrays, batch, count, inner, bfloat, 0.0, inverse)


def on(device: str) -> ModuleType:
    """This module, or its twin for CUDA."""
    if device == "cpu":
        return sys.modules[__name__]
    # Imported late: a program on the CPU never loads a CUDA compiler.
    from numbatorch_kernels.cuda import norm

    return norm
