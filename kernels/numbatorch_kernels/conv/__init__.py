"""Convolutions of one to three dimensions: forward, and what its gradients need.

    forward      out[n, o, p] = bias[o] + sum over c, t of w[o, c, t] x[n, c, p stride + t dilation - padding]
    for_input    the same sum, but what was read from x is written: the gradient for x, and the transposed
                 convolution
    for_weight   the gradient for w

x is (N, groups * c, ...), w (o, c, ...), the result y (N, o, ...); o are the channels of all groups.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from itertools import product
from math import inf

import numpy as np

from numbatorch_kernels import cpu, memory, parallel
from numbatorch_kernels.codes import Geometry
from numbatorch_kernels.conv.direct import compare_directly, correlate_directly
from numbatorch_kernels.conv.images import correlate_images
from numbatorch_kernels.conv.implicit import correlate, pack_weights
from numbatorch_kernels.conv.plain import plain_for_input, plain_forward
from numbatorch_kernels.conv.plan import (
    Layout,
    comparison_of,
    forward_direction,
    images_of,
    plan_of,
    transposed_directions,
)
from numbatorch_kernels.conv.weights import add_up, compare
from numbatorch_kernels.registry import Kernel

forward, for_input, for_weight = Kernel("conv"), Kernel("conv_for_input"), Kernel("conv_for_weight")

SHARE = 1 << 16  # multiplications worth a thread


@lru_cache(maxsize=1024)
def table_of(geometry: Geometry, y: tuple[int, ...], x: tuple[int, ...], w: tuple[int, ...]) -> np.ndarray:
    """groups, channels of y, channels of x in a group; sizes of y, of x, of w, stride, padding, dilation in three
    directions; N."""
    more = 3 - len(geometry.stride)
    ones, zeros = (1,) * more, (0,) * more
    numbers = [geometry.groups, y[1], w[1], *ones, *y[2:], *ones, *x[2:], *ones, *w[2:]]
    numbers += [*ones, *geometry.stride, *zeros, *geometry.padding, *ones, *geometry.dilation, y[0]]
    return np.array(numbers, np.int64)


@forward.on("cpu")
def _(out, x, w, bias, geometry: Geometry, floor=-inf) -> None:
    """`bias` is (o,), contiguous, or None. Of floats what is not above `floor` becomes it."""
    if not out.size:
        return
    if out.dtype.char not in "fd":
        _by_rows(plain_forward, out, x, w, bias, table_of(geometry, out.shape, x.shape, w.shape))
        return
    out, x, w, stride, padding, dilation = _three(out, x, w, geometry)
    x, stride = _thinned(x, out, w, stride, padding)
    ways = [
        forward_direction(*numbers) for numbers in zip(out.shape[2:], w.shape[2:], stride, padding, dilation)
    ]
    _correlated(out, x, w, bias, tuple(ways), geometry.groups, False, floor)


@for_input.on("cpu")
def _(out, y, w, bias, geometry: Geometry) -> None:
    """`out` has the shape of x. `bias` is (groups * c,), contiguous, or None."""
    if not out.size:
        return
    if out.dtype.char not in "fd":
        _by_rows(plain_for_input, out, y, w, bias, table_of(geometry, y.shape, out.shape, w.shape))
        return
    out, y, w, stride, padding, dilation = _three(out, y, w, geometry)
    ways = [
        transposed_directions(*numbers)
        for numbers in zip(out.shape[2:], w.shape[2:], stride, padding, dilation)
    ]
    if any(not way.taps for several in ways for way in several):
        out[...] = 0 if bias is None else bias.reshape((-1, 1, 1, 1))
    for one in product(*ways):
        if all(way.taps for way in one):
            _correlated(out, y, w, bias, one, geometry.groups, True)


def _three(out, x, w, geometry: Geometry) -> tuple:
    """Arrays and numbers of an image, a signal or a volume as those of a volume."""
    more = 3 - len(geometry.stride)
    new = (slice(None), slice(None), *[None] * more)
    ones, zeros = (1,) * more, (0,) * more
    return (
        out[new], x[new], w[new],
        ones + geometry.stride, zeros + geometry.padding, ones + geometry.dilation,
    )  # fmt: skip


def _thinned(x, y, w, stride: tuple[int, ...], padding: tuple[int, ...]) -> tuple:
    """x without the elements that kernels of size 1 step over, and the steps that are left."""
    parts, left = [slice(None)] * 2, []
    for size, kernel, step, before in zip(y.shape[2:], w.shape[2:], stride, padding):
        thin = kernel == 1 and not before
        parts.append(slice(0, (size - 1) * step + 1, step) if thin else slice(None))
        left.append(1 if thin else step)
    return x[tuple(parts)], tuple(left)


def _correlated(out, x, w, bias, ways: tuple, groups: int, transposed: bool, floor: float = -inf) -> None:
    """`out` or, of a transposed convolution with strides, some of its elements."""
    if not w.shape[0] or not w.shape[1] or not x.size:
        out[...] = 0 if bias is None else bias.reshape((-1, 1, 1, 1))
        out[out <= floor] = floor
        return
    what = ways, _layout(x), _layout(w), _layout(out), groups, transposed, bias is not None
    size, threads = out.itemsize, parallel.get_num_threads()
    plan = images_of(*what, size, threads) or plan_of(*what, x.flags.c_contiguous, size, threads)
    weights = memory.empty((plan.regions * plan.region,), out.dtype)
    parallel.run(_packing(out.dtype), plan.regions, SHARE // plan.region + 1, weights, w, plan.weights)
    rows = np.zeros(plan.bias, out.dtype)
    if bias is not None:
        rows[:, : out.shape[1] // groups] = bias.reshape((groups, -1, 1))
    scratch = memory.empty((plan.shares * plan.scratch,), out.dtype)
    entry = _correlating(_CORRELATE[plan.kind], out.dtype)
    parallel.run(entry, plan.shares, 1, out, x, weights, rows, scratch, plan.table, floor, plan.shares)


_CORRELATE = {"matrix": correlate, "direct": correlate_directly, "images": correlate_images}


def _layout(array: np.ndarray) -> Layout:
    return Layout(array.shape, tuple([s // array.itemsize for s in array.strides]))


def _by_rows(function: Callable, out, image, w, bias, table) -> None:
    image, w = np.ascontiguousarray(image), np.ascontiguousarray(w)
    columns = out.shape[-1]
    grain = SHARE // (columns * (w.size // (w.shape[0] or 1)) + 1) + 1
    biased, bias = bias is not None, w if bias is None else bias
    parallel.run(_plain(function, out.dtype), out.size // columns, grain, out, image, w, bias, biased, table)


@for_weight.on("cpu")
def _(out, y, x, bias, geometry: Geometry) -> None:
    """`out` has the shape of w; there is no bias."""
    if not out.size:
        return
    if not y.size or not x.size:
        out[...] = 0
        return
    out, x, y, stride, padding, dilation = _three(out, x, np.ascontiguousarray(y), geometry)
    x, stride = _thinned(x, y, out, stride, padding)
    ways = [forward_direction(*n) for n in zip(y.shape[2:], out.shape[2:], stride, padding, dilation)]
    plan = comparison_of(
        tuple(ways), _layout(x), _layout(y), geometry.groups, x.flags.c_contiguous, out.itemsize,
        parallel.get_num_threads(),
    )  # fmt: skip
    scratch = memory.empty((plan.shares * plan.scratch,), out.dtype)
    lines = np.empty(plan.shares * plan.lines, np.int64)
    comparing = _comparing(compare_directly if plan.direct else compare, out.dtype)
    sums = out if plan.direct else memory.empty((plan.items * plan.sums,), out.dtype)
    parallel.run(comparing, plan.shares, 1, sums, y, x, scratch, lines, plan.table, plan.more, plan.shares)
    if plan.direct:
        return
    channels = x.shape[1]
    adding = cpu.compiled(add_up, out.dtype, out.dtype, "i8", "i8", int, int)
    parallel.run(adding, channels, SHARE // (sums.size // channels + 1) + 1, out, sums, plan.table, plan.more)


@cache
def _packing(dtype: np.dtype) -> Callable:
    return cpu.compiled(pack_weights, dtype, dtype, "i8", int, int)


@cache
def _correlating(function: Callable, dtype: np.dtype) -> Callable:
    return cpu.compiled(function, dtype, dtype, dtype, dtype, dtype, "i8", float, int, int, int)


@cache
def _comparing(function: Callable, dtype: np.dtype) -> Callable:
    return cpu.compiled(function, dtype, dtype, dtype, dtype, "i8", "i8", "i8", int, int, int)


@cache
def _plain(function: Callable, dtype: np.dtype) -> Callable:
    return cpu.compiled(function, dtype, dtype, dtype, dtype, int, "i8", int, int)


# ---- CUDA: see ../cuda/conv.py, imported late: a program that stays on the CPU never loads a CUDA compiler ----


@forward.on("cuda")
def _(*args) -> None:
    from numbatorch_kernels.cuda import conv

    conv.forward(*args)


@for_input.on("cuda")
def _(*args) -> None:
    from numbatorch_kernels.cuda import conv

    conv.for_input(*args)


@for_weight.on("cuda")
def _(*args) -> None:
    from numbatorch_kernels.cuda import conv

    conv.for_weight(*args)
