"""The kernels of ../norm.py on CUDA: a block for each line that is normalised, whose threads need it three times: for the
mean, for the variance and for the result. What has been read once is in the cache then, unless the line is very long; a row of
up to BLOCK * HELD elements is in registers, all of which are on their way at the same time.

Element (n, i) of line r, i < run, is at r * start + n * jump + i; its weight is number r % groups * per + n * by_run + i *
by_place. So the three sorts of lines differ in numbers alone:

               run      jump              start   groups    per  by_run  by_place
    rows       length   0                 length  1         0    0       1
    groups     inner    inner             length  groups    per  1       0
    channels   inner    channels * inner  inner   channels  1    0       0
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy import int64

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.half import from_bfloat16, from_float16, to_bfloat16, to_float16
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.tiles import same
from numbatorch_kernels.cuda.variants import ByDtype, copies, with_globals
from numbatorch_kernels.cuda.warp import block_sum
from numbatorch_kernels.norm import wide_of

WARPS = 32  # at most, in a block
HELD = 2 if SIMULATED else 16  # elements of a row that a thread keeps
SHARES = 4 if SIMULATED else 64  # parts that the gradient of weights over many rows is summed in

ELEMENT, load, store = np.float32, same, same  # of the dtype: each kernel has its own


@device_function
def next_place(n, i, far, near, run):
    """The element a block's width further on. (Without a branch, so that the compiler reads several elements at a time.)"""
    n, i = n + far, i + near
    beyond = int64(i >= run)
    return n + beyond, i - beyond * run


def bring(held, x, base, first, length):
    """held = what the thread has of a row, from its element `first` on; beyond the end zeros."""
    for k in range(HELD):
        held[k] = load(x[base + first + k * BLOCK]) if first + k * BLOCK < length else ELEMENT(0)


def row_block(out, mean, rstd, x, weight, bias, length, centred, inverse, eps):
    """As `norm_block`, of rows. (How far apart a thread's elements are is known to the compiler: one address does for all.)"""
    partial = cuda.shared.array(WARPS, ELEMENT)
    held = cuda.local.array(HELD, ELEMENT)
    r, t, middle, spread = cuda.blockIdx.x, cuda.threadIdx.x, ELEMENT(0), ELEMENT(0)
    base = r * length
    if centred:
        first = t
        while first < length:
            bring(held, x, base, first, length)
            for k in range(HELD):
                middle += held[k]
            first += HELD * BLOCK
        middle = block_sum(middle, partial) * inverse
    first = t
    while first < length:
        if length > HELD * BLOCK or not centred:
            bring(held, x, base, first, length)
        for k in range(HELD):
            d = held[k] - middle if first + k * BLOCK < length else ELEMENT(0)
            spread += d * d
        first += HELD * BLOCK
    scale = ELEMENT(1) / math.sqrt(block_sum(spread, partial) * inverse + eps)
    if t == 0:
        mean[r] = middle
        rstd[r] = scale
    first = t
    while first < length:
        if length > HELD * BLOCK:
            bring(held, x, base, first, length)
        for k in range(HELD):
            j = first + k * BLOCK
            if j < length:
                out[base + j] = store((held[k] - middle) * scale * weight[j] + bias[j])
        first += HELD * BLOCK


def norm_block(
    out, mean, variance, rstd, x, weight, bias, length, run, jump, start, groups, per, by_run, by_place,
    centred, given, inverse, eps,
):  # fmt: skip
    """Each line minus its mean (if `centred`), over the root of its mean square, times weight, plus bias. Mean and variance
    are found here unless they are `given`."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    r, t, threads, zero = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x, ELEMENT(0)
    _, group = split(r, groups)
    far, near = split(threads, run)
    base, first = r * start, group * per
    middle, spread = zero, zero
    if given:
        middle, spread = mean[r], variance[r]
    else:
        if centred:
            n, i = split(t, run)
            for _ in range(t, length, threads):
                middle += load(x[base + n * jump + i])
                n, i = next_place(n, i, far, near, run)
            middle = block_sum(middle, partial) * inverse
        n, i = split(t, run)
        for _ in range(t, length, threads):
            d = load(x[base + n * jump + i]) - middle
            spread += d * d
            n, i = next_place(n, i, far, near, run)
        spread = block_sum(spread, partial) * inverse
    scale = ELEMENT(1) / math.sqrt(spread + eps)
    if t == 0:
        mean[r] = middle
        variance[r] = spread
        rstd[r] = scale
    n, i = split(t, run)
    for _ in range(t, length, threads):
        at, w = base + n * jump + i, first + n * by_run + i * by_place
        out[at] = store((load(x[at]) - middle) * scale * weight[w] + bias[w])
        n, i = next_place(n, i, far, near, run)


def norm_backward_block(
    dx, dweight, dbias, grad, x, mean, rstd, weight, length, run, jump, start, groups, per, by_run, by_place,
    centred, given, inverse,
):  # fmt: skip
    """dx; and where a line has one weight, the gradients of weight and bias."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    r, t, threads, zero = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x, ELEMENT(0)
    _, group = split(r, groups)
    far, near = split(threads, run)
    base, first = r * start, group * per
    middle, scale, single = mean[r], rstd[r], by_run + by_place == 0
    of_bias, of_weight = zero, zero
    n, i = split(t, run)
    for _ in range(t, length, threads):
        at = base + n * jump + i
        g = load(grad[at])
        if not single:
            g *= weight[first + n * by_run + i * by_place]
        of_bias += g
        of_weight += g * ((load(x[at]) - middle) * scale)
        n, i = next_place(n, i, far, near, run)
    of_bias, of_weight = block_sum(of_bias, partial), block_sum(of_weight, partial)
    if single:
        if t == 0:
            dbias[r] = of_bias
            dweight[r] = of_weight
        of_bias *= weight[first]
        of_weight *= weight[first]
    if given:
        of_bias, of_weight = zero, zero
    of_bias = of_bias * inverse if centred else zero
    of_weight *= inverse
    n, i = split(t, run)
    for _ in range(t, length, threads):
        at = base + n * jump + i
        g = load(grad[at]) * weight[first + n * by_run + i * by_place]
        dx[at] = store(scale * (g - of_bias - (load(x[at]) - middle) * scale * of_weight))
        n, i = next_place(n, i, far, near, run)


def columns_grid(dweight, dbias, grad, x, mean, rstd, rows, length, share, count):
    """Of rows with a weight for each element: the sums of each `share` rows, for each element."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        part, j = split(index, length)
        of_weight, of_bias = ELEMENT(0), ELEMENT(0)
        for r in range(part * share, min(rows, (part + 1) * share)):
            g = load(grad[r * length + j])
            of_bias += g
            of_weight += g * ((load(x[r * length + j]) - mean[r]) * rstd[r])
        dweight[index] = of_weight
        dbias[index] = of_bias


def channels_block(dweight, dbias, grad, x, mean, rstd, batch, inner, groups, per):
    """Of groups of channels: the sums of a channel."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    c, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    far, near = split(threads, inner)
    group, _ = split(c, per)
    of_weight, of_bias = ELEMENT(0), ELEMENT(0)
    n, i = split(t, inner)
    for _ in range(t, batch * inner, threads):
        at, r = (n * groups * per + c) * inner + i, n * groups + group
        g = load(grad[at])
        of_bias += g
        of_weight += g * ((load(x[at]) - mean[r]) * rstd[r])
        n, i = next_place(n, i, far, near, inner)
    of_bias, of_weight = block_sum(of_bias, partial), block_sum(of_weight, partial)
    if t == 0:
        dbias[c] = of_bias
        dweight[c] = of_weight


def add_up_grid(out, sums, shares, length):
    """out = the sum of the shares of each element."""
    for j in range(cuda.grid(1), length, cuda.gridsize(1)):
        total = ELEMENT(0)
        for share in range(shares):
            total += sums[share * length + j]
        out[j] = total


# ---- a kernel of each text for each dtype ----


class _Kernels(NamedTuple):
    """Their texts, or what launches them."""

    rows: Callable
    forward: Callable
    backward: Callable
    columns: Callable
    channels: Callable
    add_up: Callable


def _texts(name: str, element: type, load: Callable = same, store: Callable = same) -> _Kernels:
    """The kernels of which the tuple `name` consists: `load` makes an `element` of what is in memory, `store` the
    reverse."""
    texts = (row_block, norm_block, norm_backward_block, columns_grid, channels_block, add_up_grid)
    names: dict[str, Any] = {"ELEMENT": element, "load": load, "store": store}
    names["bring"] = device_function(with_globals(bring, names))
    return _Kernels(*copies(_Kernels, name, texts, names))


kernels = ByDtype(
    f4=_texts("kernels.f4", np.float32),
    f8=_texts("kernels.f8", np.float64),
    f2=_texts("kernels.f2", np.float32, from_float16, to_float16),
    u2=_texts("kernels.u2", np.float32, from_bfloat16, to_bfloat16),  # bfloat16
)


@cache
def _kernels(dtype: np.dtype) -> _Kernels:
    """The compiled ones."""
    wide, texts = wide_of(dtype), kernels.of(dtype)
    number = from_dtype(wide)
    return _Kernels(
        compiled(texts.rows, dtype, wide, wide, dtype, wide, wide, int, int, number, number),
        compiled(texts.forward, dtype, wide, wide, wide, dtype, wide, wide, *[int] * 10, number, number),
        compiled(texts.backward, dtype, wide, wide, dtype, dtype, *[wide] * 3, *[int] * 10, number),
        launcher(texts.columns, wide, wide, dtype, dtype, wide, wide, *[int] * 4),
        compiled(texts.channels, wide, wide, dtype, dtype, wide, wide, *[int] * 4),
        launcher(texts.add_up, wide, wide, int, int),
    )


@cache
def _filled(value: float, count: int, dtype: np.dtype, device: int) -> DeviceArray:
    return DeviceArray.from_host(np.full(count, value, dtype), device)


def _parameter(array: DeviceArray | None, value: float, count: int, x: DeviceArray) -> DeviceArray:
    return _filled(value, count, wide_of(x.dtype), x.device) if array is None else array


def _numbers(x: DeviceArray, *values: float) -> np.ndarray:
    """Numbers of the type that is computed in."""
    return np.array(values, wide_of(x.dtype))


def _of_rows(length: int, inner: int, groups: int) -> tuple[int, ...]:
    if inner == 1 and groups == 1:
        return length, length, 0, length, 1, 0, 0, 1
    return length, inner, inner, length, groups, length // inner, 1, 0


def rows(out, mean, rstd, x, weight, bias, inner, groups, centred, bfloat, eps):
    """As on the CPU."""
    lines = mean.size
    length = x.size // lines
    weights = groups * length // inner
    weight, bias = _parameter(weight, 1, weights, x), _parameter(bias, 0, weights, x)
    last = _numbers(x, 1 / length, eps)
    if inner == 1 and groups == 1 and length >= BLOCK:
        _kernels(x.dtype).rows(lines, BLOCK, out, mean, rstd, x, weight, bias, length, centred, *last)
        return
    numbers = *_of_rows(length, inner, groups), centred, 0, *last
    _kernels(x.dtype).forward(lines, threads_of(length), out, mean, rstd, rstd, x, weight, bias, *numbers)


def rows_backward(dx, grad, x, mean, rstd, weight, inner, groups, centred, bfloat):
    """As on the CPU."""
    lines, device = mean.size, x.device
    length = x.size // lines
    weights = groups * length // inner
    weight = _parameter(weight, 1, weights, x)
    dweight, dbias = (DeviceArray.empty((weights,), mean.dtype, device) for _ in range(2))
    launch = _kernels(x.dtype)
    numbers = *_of_rows(length, inner, groups), centred, 0, *_numbers(x, 1 / length)
    launch.backward(lines, threads_of(length), dx, dweight, dbias, grad, x, mean, rstd, weight, *numbers)
    if inner == 1 and groups == 1:
        share = -(-lines // SHARES)
        shares = -(-lines // share)
        sums = [DeviceArray.empty((shares, length), mean.dtype, device) for _ in range(2)]
        launch.columns(*sums, grad, x, mean, rstd, lines, length, share, shares * length)
        for total, part in zip((dweight, dbias), sums):
            launch.add_up(total, part, shares, length)
    else:
        batch, per = lines // groups, length // inner
        arrays = (dweight, dbias, grad, x, mean, rstd)
        launch.channels(weights, threads_of(batch * inner), *arrays, batch, inner, groups, per)
    return dweight, dbias


def channels(out, mean, variance, rstd, x, weight, bias, given, bfloat, eps):
    """As on the CPU."""
    batch, count, inner = x.shape
    weight, bias = _parameter(weight, 1, count, x), _parameter(bias, 0, count, x)
    length = batch * inner
    numbers = length, inner, count * inner, inner, count, 1, 0, 0, 1, given, *_numbers(x, 1 / length, eps)
    _kernels(x.dtype).forward(count, threads_of(length), out, mean, variance, rstd, x, weight, bias, *numbers)


def channels_backward(dx, dweight, dbias, grad, x, mean, rstd, weight, given, bfloat):
    """As on the CPU."""
    batch, count, inner = x.shape
    weight, length = _parameter(weight, 1, count, x), batch * inner
    numbers = length, inner, count * inner, inner, count, 1, 0, 0, 1, given, *_numbers(x, 1 / length)
    _kernels(x.dtype).backward(
        count, threads_of(length), dx, dweight, dbias, grad, x, mean, rstd, weight, *numbers
    )
