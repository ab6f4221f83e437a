"""Weighted sums over windows, in each of three directions: average pooling, interpolation, and their gradients.

    out[o] = Σ_t weights[t, o] x[firsts[o] + t],   t below counts[o]

in each direction, and the whole divided by the product of the three directions' `lengths`. Such an op is linear, and its
gradient is one of the same kind (`Taps.transposed`), to any order. Arrays are contiguous, (planes, depth, height,
width); a line or a flat picture has sizes of 1 in front. float16 and bfloat16 are computed in float32 and stored
narrow, int64 is computed in float64 and cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.pool import word
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.window import SPAN, Grid

resample = Kernel("resample")  # (out, x, grid): `window.Grid`

GRAIN = 1 << 14  # elements worth a thread


def computed(dtype: np.dtype) -> np.dtype:
    """The type that elements of a dtype are computed in; uint16 is bfloat16."""
    return np.dtype(np.float64 if dtype.itemsize == 8 else np.float32)


# ---- the CPU kernel ----


@callee(forceinline=True)
def _strided(sums, line, weights, count, n, stride, taps):
    """n windows of `taps` taps that lie `stride` apart."""
    for i in range(n):
        total = weights[i] * line[i * stride]
        for t in range(1, taps):
            total += weights[t * count + i] * line[i * stride + t]
        sums[i] = total


@callee(forceinline=True)
def _scattered(sums, line, weights, count, n, firsts, base, taps):
    """n windows of `taps` taps that begin at `firsts`."""
    for i in range(n):
        at = firsts[i] - base
        total = weights[i] * line[at]
        for t in range(1, taps):
            total += weights[t * count + i] * line[at + t]
        sums[i] = total


@callee
def _each(sums, line, weights, firsts, base, count, n):
    """n windows, each with as many taps as it has."""
    for i in range(n):
        at = firsts[i] - base
        total = weights[0] - weights[0]
        for t in range(firsts[count + i]):
            total += weights[t * count + i] * line[at + t]
        sums[i] = total


@callee(forceinline=True)
def _whole(sums, line, weights, count, n, stride, taps, firsts, base):
    """n windows that have all their taps, and lie `stride` apart if that is not 0."""
    inner = offset(line, firsts[0] - base)
    if stride == 2 and taps == 2:
        _strided(sums, inner, weights, count, n, 2, 2)
    elif stride == 2 and taps == 3:
        _strided(sums, inner, weights, count, n, 2, 3)
    elif stride == 1 and taps == 1:
        _strided(sums, inner, weights, count, n, 1, 1)
    elif stride == 1 and taps == 3:
        _strided(sums, inner, weights, count, n, 1, 3)
    elif taps == 1:
        _scattered(sums, line, weights, count, n, firsts, base, 1)
    elif taps == 2:
        _scattered(sums, line, weights, count, n, firsts, base, 2)
    elif taps == 4:
        _scattered(sums, line, weights, count, n, firsts, base, 4)
    else:
        _each(sums, line, weights, firsts, base, count, n)


def resample_kernel(
    out, x, table, weights, chunks, pieces, d, h, w, od, oh, ow, most_d, most_h, most_w, lo, hi, stride, divided, bfloat,
    start, stop,
):  # fmt: skip
    """Rows start:stop of out, of all planes."""
    line, sums = local_like(weights, SPAN), local_like(weights, SPAN)
    of_h = offset(table, 2 * od)
    of_w = offset(of_h, 2 * oh)
    weights_h = offset(weights, most_d * od)
    weights_w = offset(weights_h, most_h * oh)
    lengths = offset(weights_w, most_w * ow)
    for row in range(start, stop):
        plane, a, b = row // (od * oh), row // oh % od, row % oh
        deep, high = table[od + a], of_h[oh + b]
        for piece in range(pieces):
            begin, end = chunks[piece], chunks[piece + 1]
            base = of_w[begin]
            reach = of_w[end - 1] + of_w[ow + end - 1] - base
            if reach > SPAN:  # one window
                sums[0] = 0
            elif deep * high == 0:
                for k in range(reach):
                    line[k] = 0
            for i in range(deep):
                for j in range(high):
                    weight = weights[i * od + a] * weights_h[j * oh + b]
                    source = offset(x, ((plane * d + table[a] + i) * h + of_h[b] + j) * w + base)
                    if reach > SPAN:
                        total = weight - weight
                        for k in range(reach):
                            total += weights_w[k * ow + begin] * load(source, k, bfloat)
                        sums[0] += weight * total
                    elif i + j == 0:
                        for k in range(reach):
                            line[k] = weight * load(source, k, bfloat)
                    else:
                        for k in range(reach):
                            line[k] += weight * load(source, k, bfloat)
            if reach <= SPAN:
                low, stop_ = min(max(lo, begin), end), min(max(hi, begin), end)
                _each(sums, line, offset(weights_w, begin), offset(of_w, begin), base, ow, low - begin)
                if low < stop_:
                    own, firsts, to = offset(weights_w, low), offset(of_w, low), offset(sums, low - begin)
                    _whole(to, line, own, ow, stop_ - low, stride, most_w, firsts, base)
                to, own = offset(sums, stop_ - begin), offset(weights_w, stop_)
                _each(to, line, own, offset(of_w, stop_), base, ow, end - stop_)
            goal = offset(out, row * ow + begin)
            if divided:
                length, widths = lengths[a] * lengths[od + b], offset(lengths, od + oh + begin)
                for i in range(end - begin):
                    store(goal, i, sums[i] / (length * widths[i]), bfloat)
            else:
                for i in range(end - begin):
                    store(goal, i, sums[i], bfloat)


@cache
def _entry(dtype: np.dtype) -> Callable:
    return compiled(resample_kernel, dtype, dtype, "i8", computed(dtype), "i8", *[int] * 17)


@resample.on("cpu")
def _resample(out, x, grid: Grid):
    rows = out.size // max(grid.count[2], 1)
    work = grid.most[0] * grid.most[1] * grid.size[2] + 2 * grid.most[2] * grid.count[2] + 1
    parallel.run(
        _entry(word(x.dtype)), rows, GRAIN // work + 1, out, x, grid.table, grid.weights(computed(x.dtype)), grid.chunks,
        len(grid.chunks) - 1, *grid.size, *grid.count, *grid.most, *grid.whole, grid.stride,
        int(grid.divided), int(x.dtype.char == "H"),
    )  # fmt: skip


@resample.on("cuda")
def _resample_on_cuda(*args):
    from numbatorch_kernels.cuda import resample

    resample.resample(*args)
