"""The largest element of each of many windows on a picture (max pooling), and its gradient.

Arrays are contiguous, (planes, depth, height, width); a line or a flat picture has sizes of 1 in front. Which tap
of its window an element is, counted row by row, is its *place*: a byte where windows are small, an int32 otherwise.
A window without any tap in the picture has the lowest number of its type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np
from numba import types

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local, local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.window import Windows

max_pool = Kernel("max_pool")  # (out, places, x, windows): `window.Windows`
max_pool_backward = Kernel("max_pool_backward")  # (dx, grad, places, windows), the same in every plane

CHUNK = 64  # windows in a row whose largest elements are kept close by
GRAIN = 1 << 14  # taps worth a thread


# ---- forward ----


@callee(forceinline=True)
def _taps(best, numbers, line, n, stride, taps, number, bfloat):
    """`taps` neighbours of each of n windows."""
    for i in range(n):
        value, which = best[i], numbers[i]
        for k in range(taps):
            x = load(line, i * stride + k, bfloat)
            larger = (x > value) | (x != x)
            value = x if larger else value
            which = np.int32(number + k) if larger else which
        best[i] = value
        numbers[i] = which


@callee(forceinline=True)
def _row(best, numbers, line, n, stride, taps, dilation, number, bfloat):
    """A row of taps of each of n windows that lie `stride` apart."""
    if dilation == 1 and stride == 2 and taps == 2:
        _taps(best, numbers, line, n, 2, 2, number, bfloat)
    elif dilation == 1 and stride == 2 and taps == 3:
        _taps(best, numbers, line, n, 2, 3, number, bfloat)
    elif dilation == 1 and stride == 1 and taps == 3:
        _taps(best, numbers, line, n, 1, 3, number, bfloat)
    else:
        for k in range(taps):
            column = offset(line, k * dilation)
            if stride == 1:
                _taps(best, numbers, column, n, 1, 1, number + k, bfloat)
            else:
                _taps(best, numbers, column, n, stride, 1, number + k, bfloat)


@callee
def _single(best, numbers, line, table, count, begin, first, last, dilation, number, bfloat):
    """A row of taps of windows first:last, each with its own."""
    for i in range(first, last):
        value, which = best[i - begin], numbers[i - begin]
        for k in range(table[count + i], table[2 * count + i]):
            x = load(line, table[i] + k * dilation, bfloat)
            if x > value or x != x:
                value, which = x, np.int32(number + k)
        best[i - begin] = value
        numbers[i - begin] = which


def max_pool_kernel(
    out, places, x, table, step, d, h, w, od, oh, ow, kd, kh, kw, jump_d, jump_h, jump_w, stride, lowest, bfloat,
    start, stop,
):  # fmt: skip
    """Rows start:stop of out, of all planes."""
    best, numbers = local_like(x, CHUNK), local(types.int32, CHUNK)
    for row in range(start, stop):
        plane, a, b = row // (od * oh), row // oh % od, row % oh
        of_d = offset(table, plane * step)
        of_h = offset(of_d, 3 * od)
        of_w = offset(of_h, 3 * oh)
        first_d, first_h = of_d[od + a], of_h[oh + b]
        lo = 0  # windows lo:hi are whole and lie `stride` apart
        while stride > 0 and lo < ow and (of_w[ow + lo] > 0 or of_w[2 * ow + lo] < kw):
            lo += 1
        hi = lo
        while stride > 0 and hi < ow and of_w[ow + hi] == 0 and of_w[2 * ow + hi] == kw:
            hi += 1
        for begin in range(0, ow, CHUNK):
            end = min(begin + CHUNK, ow)
            low, high = min(max(lo, begin), end), min(max(hi, begin), end)
            for i in range(begin, end):
                best[i - begin] = lowest
                numbers[i - begin] = np.int32((first_d * kh + first_h) * kw + of_w[ow + i])
            for i in range(first_d, of_d[2 * od + a]):
                for j in range(first_h, of_h[2 * oh + b]):
                    at = ((plane * d + of_d[a] + i * jump_d) * h + of_h[b] + j * jump_h) * w
                    line, number = offset(x, at), (i * kh + j) * kw
                    _single(best, numbers, line, of_w, ow, begin, begin, low, jump_w, number, bfloat)
                    if low < high:
                        inner = offset(line, of_w[low])
                        best_inner, numbers_inner = offset(best, low - begin), offset(numbers, low - begin)
                        _row(best_inner, numbers_inner, inner, high - low, stride, kw, jump_w, number, bfloat)
                    _single(best, numbers, line, of_w, ow, begin, high, end, jump_w, number, bfloat)
            to = row * ow + begin
            for i in range(end - begin):
                store(out, to + i, best[i], bfloat)
            for i in range(end - begin):
                places[to + i] = numbers[i]


# ---- backward ----


def max_pool_backward_kernel(
    dx, grad, places, offsets, table, d, h, w, od, oh, ow, kd, kh, kw, tiles, bfloat, start, stop
):
    """Planes start:stop of dx. `tiles`: windows of 2 x 2 in a plane that lie side by side."""
    of_h, of_w = offset(table, 3 * od), offset(table, 3 * (od + oh))
    for plane in range(start, stop):
        to = offset(dx, plane * d * h * w)
        for i in range(d * h * w):
            store(to, i, 0.0, bfloat)
        at = plane * od * oh * ow
        for a in range(od):
            for b in range(oh):
                first = (table[a] * h + of_h[b]) * w
                for c in range(ow):
                    i = first + of_w[c] + offsets[places[at]]
                    store(to, i, load(to, i, bfloat) + load(grad, at, bfloat), bfloat)
                    at += 1


# ---- entry points; uint16 is bfloat16 ----


def word(dtype: np.dtype) -> np.dtype:
    """One kernel serves both narrow floats."""
    return np.dtype(np.uint16) if dtype.char == "e" else dtype


@cache
def _forward(x: np.dtype, place: np.dtype) -> Callable:
    return compiled(max_pool_kernel, x, place, x, "i8", *[int] * 14, float, *[int] * 3)


@cache
def _backward(x: np.dtype, place: np.dtype) -> Callable:
    return compiled(max_pool_backward_kernel, x, x, place, "i8", "i8", *[int] * 13)


def lowest(dtype: np.dtype) -> float:
    """What no element of this dtype is below."""
    return float(np.iinfo(dtype).min) if dtype.kind in "ui" and dtype.char != "H" else -np.inf


@max_pool.on("cpu")
def _max_pool(out, places, x, windows: Windows):
    rows = out.size // max(windows.count[2], 1)
    grain = GRAIN // (windows.count[2] * prod(windows.taps) + 1) + 1
    parallel.run(
        _forward(word(x.dtype), places.dtype), rows, grain, out, places, x, windows.table, windows.step, *windows.size,
        *windows.count, *windows.taps, *windows.dilation, windows.stride, lowest(x.dtype), int(x.dtype.char == "H"),
    )  # fmt: skip


@max_pool_backward.on("cpu")
def _max_pool_backward(dx, grad, places, windows: Windows):
    planes, grain = dx.size // prod(windows.size), GRAIN // (4 * prod(windows.count)) + 1
    tiles = windows.taps == (1, 2, 2) and windows.stride == 2
    parallel.run(
        _backward(word(dx.dtype), places.dtype), planes, grain, dx, grad, places, windows.offsets(), windows.table,
        *windows.size, *windows.count, *windows.taps, int(tiles), int(dx.dtype.char == "H"),
    )  # fmt: skip


# ---- CUDA: see cuda/pool.py, imported late, so that a program that stays on the CPU never loads a CUDA compiler. ----


@max_pool.on("cuda")
def _max_pool_on_cuda(*args):
    from numbatorch_kernels.cuda import pool

    pool.max_pool(*args)


@max_pool_backward.on("cuda")
def _max_pool_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import pool

    pool.max_pool_backward(*args)
