"""The largest element of each of many windows on a picture (max pooling), and its gradient.

Arrays are contiguous, (planes, depth, height, width); a line or a flat picture has sizes of 1 in front. Which tap
of its window an element is, counted row by row, is its *place*: a byte where windows are small, an int32 otherwise.
Where no places are wanted, none are written: their array is empty.
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
max_pool_backward = Kernel(
    "max_pool_backward"
)  # (dx, grad, places, windows); on CUDA the same in every plane
max_pool_indices = Kernel(
    "max_pool_indices"
)  # (out, places, windows): where in its flat picture each element was

CHUNK = 64  # windows in a row whose largest elements are kept close by
LANES = 32  # windows that a loop of vector instructions takes at a time; fewer it takes one by one
ROOM = 2 * CHUNK  # for those and what fills a register
GRAIN = 1 << 14  # taps worth a thread
PAIRS = (1, 1, 2), (1, 2, 2)  # taps of windows that have a kernel of their own, where they lie side by side
LONG = 32  # windows in a row: their places are bytes, of which a vector register has as many


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
            elif stride == 2:
                _taps(best, numbers, column, n, 2, 1, number + k, bfloat)
            else:
                _taps(best, numbers, column, n, stride, 1, number + k, bfloat)


@callee(forceinline=True)
def _pairs(out, places, line, n, taps, down, bfloat, kept):
    """n whole windows side by side, each two elements of `taps` / 2 rows that lie `down` elements apart."""
    for c in range(n):
        value, which = load(line, 2 * c, bfloat), np.int32(0)
        for k in range(1, taps):
            x = load(line, k // 2 * down + 2 * c + k % 2, bfloat)
            larger = (x > value) | (x != x)
            value = x if larger else value
            which = np.int32(k) if larger else which
        store(out, c, value, bfloat)
        if kept:
            places[c] = which


@callee
def _each(
    best,
    numbers,
    x,
    of_d,
    of_h,
    of_w,
    od,
    oh,
    ow,
    kh,
    kw,
    h,
    w,
    jump_d,
    jump_h,
    jump_w,
    lowest,
    first,
    last,
    bfloat,
):
    """Windows first:last of a row, each by itself. `of_d` and `of_h` point to the row's own entries."""
    for c in range(last - first):
        at = first + c
        begin, end = of_w[ow + at], of_w[2 * ow + at]
        best[c] = lowest
        value, which = best[c], (of_d[od] * kh + of_h[oh]) * kw + begin
        for i in range(of_d[od], of_d[2 * od]):
            for j in range(of_h[oh], of_h[2 * oh]):
                line = offset(x, ((of_d[0] + i * jump_d) * h + of_h[0] + j * jump_h) * w + of_w[at])
                number = (i * kh + j) * kw
                for k in range(begin, end):
                    element = load(line, k * jump_w, bfloat)
                    if not element <= value:  # larger, or NaN, or behind one
                        if element > value or element != element:
                            value, which = element, number + k
        best[c] = value
        numbers[c] = np.int32(which)


def max_pool_kernel(
    out, places, x, table, step, d, h, w, od, oh, ow, kd, kh, kw, jump_d, jump_h, jump_w, stride, lowest, size,
    bfloat, kept, start, stop,
):  # fmt: skip
    """Rows start:stop of out, of all planes; `size`: of all of x. `kept`: whether places are wanted."""
    best, numbers = local_like(x, ROOM), local(types.int32, ROOM)
    reach = ((kd - 1) * jump_d * h + (kh - 1) * jump_h) * w + (kw - 1) * jump_w
    of_w = offset(table, 3 * (od + oh))
    lo = 0  # windows lo:hi of each row are whole and lie `stride` apart
    while stride > 0 and lo < ow and (of_w[ow + lo] > 0 or of_w[2 * ow + lo] < kw):
        lo += 1
    hi = lo
    while stride > 0 and hi < ow and of_w[ow + hi] == 0 and of_w[2 * ow + hi] == kw:
        hi += 1
    for row in range(start, stop):
        plane, a, b = row // (od * oh), row // oh % od, row % oh
        own, picture = offset(table, plane * step), offset(x, plane * d * h * w)
        of_d, of_h, of_w = offset(own, a), offset(own, 3 * od + b), offset(own, 3 * (od + oh))
        for begin in range(0, ow, CHUNK):
            end = min(begin + CHUNK, ow)
            low, high = min(max(lo, begin), end), min(max(hi, begin), end)
            inner, which, n = offset(best, low - begin), offset(numbers, low - begin), high - low
            at = (of_d[0] * h + of_h[0]) * w + of_w[min(low, ow - 1)]
            corner = offset(picture, at)
            at += plane * d * h * w
            wide = (n + LANES - 1) // LANES * LANES  # more than is wanted, but in whole registers
            if n > 0 and at + reach + (wide - 1) * stride < size:
                n = wide
            if n > 0:
                for i in range(n):
                    inner[i] = lowest
                    which[i] = np.int32((of_d[od] * kh + of_h[oh]) * kw)
                for i in range(of_d[od], of_d[2 * od]):
                    for j in range(of_h[oh], of_h[2 * oh]):
                        line, number = offset(corner, (i * jump_d * h + j * jump_h) * w), (i * kh + j) * kw
                        _row(inner, which, line, n, stride, kw, jump_w, number, bfloat)
            if begin < low:  # behind the others, which may have written more than theirs
                _each(
                    best, numbers, picture, of_d, of_h, of_w, od, oh, ow, kh, kw, h, w, jump_d, jump_h, jump_w, lowest,
                    begin, low, bfloat,
                )  # fmt: skip
            if high < end:
                _each(
                    offset(best, high - begin), offset(numbers, high - begin), picture, of_d, of_h, of_w, od, oh, ow,
                    kh, kw, h, w, jump_d, jump_h, jump_w, lowest, high, end, bfloat,
                )  # fmt: skip
            to = row * ow + begin
            for i in range(end - begin):
                store(out, to + i, best[i], bfloat)
            for i in range(end - begin if kept else 0):
                places[to + i] = numbers[i]


def pairs_kernel(out, places, x, taps, h, w, oh, ow, bfloat, kept, start, stop):
    """The same where windows are one or two rows of two elements and lie side by side: see `Windows.tiled`."""
    for row in range(start, stop):
        to, places_of = offset(out, row * ow), offset(places, row * ow)
        corner = offset(x, (row // oh * h + row % oh * (taps // 2)) * w)
        if taps == 2:
            _pairs(to, places_of, corner, ow, 2, 0, bfloat, kept)
        else:
            _pairs(to, places_of, corner, ow, 4, w, bfloat, kept)


def indices_kernel(out, places, offsets, table, step, h, w, od, oh, ow, start, stop):
    """Rows start:stop of out, of all planes."""
    for row in range(start, stop):
        plane, a, b = row // (od * oh), row // oh % od, row % oh
        own = offset(table, plane * step)
        line, columns = (own[a] * h + own[3 * od + b]) * w, offset(own, 3 * (od + oh))
        for c in range(ow):
            out[row * ow + c] = line + columns[c] + offsets[places[row * ow + c]]


# ---- backward ----


@callee(forceinline=True)
def _tiles(to, grad, places, n, place, bfloat):
    """n pairs of neighbours, of which one or none is the largest of its window: a row of dx."""
    for c in range(n):
        g, which = load(grad, c, bfloat), places[c]
        store(to, 2 * c, g if which == place else 0, bfloat)
        store(to, 2 * c + 1, g if which == place + 1 else 0, bfloat)


def max_pool_backward_kernel(
    dx, grad, places, offsets, table, step, d, h, w, od, oh, ow, kd, kh, kw, tiles, bfloat, start, stop
):
    """Planes start:stop of dx. `tiles`: windows are 2 x 2 of a flat picture and lie side by side, in long rows."""
    for plane in range(start, stop):
        of_d = offset(table, plane * step)
        of_h, of_w = offset(of_d, 3 * od), offset(of_d, 3 * (od + oh))
        to = offset(dx, plane * d * h * w)
        at = plane * od * oh * ow
        if tiles:
            for b in range(h):
                line = offset(to, b * w)
                if b < 2 * oh:
                    first = at + b // 2 * ow
                    _tiles(line, offset(grad, first), offset(places, first), ow, b % 2 * 2, bfloat)
                for c in range(2 * ow if b < 2 * oh else 0, w):
                    store(line, c, 0, bfloat)
            continue
        for i in range(d * h * w):
            store(to, i, 0, bfloat)
        for a in range(od):
            for b in range(oh):
                first = (of_d[a] * h + of_h[b]) * w
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
    return compiled(max_pool_kernel, x, place, x, "i8", *[int] * 14, float, *[int] * 5)


@cache
def _pairs_of(x: np.dtype, place: np.dtype) -> Callable:
    return compiled(pairs_kernel, x, place, x, *[int] * 9)


@cache
def _backward(x: np.dtype, place: np.dtype) -> Callable:
    return compiled(max_pool_backward_kernel, x, x, place, "i8", "i8", *[int] * 14)


def lowest(dtype: np.dtype) -> float:
    """What no element of this dtype is below."""
    return float(np.iinfo(dtype).min) if dtype.kind in "ui" and dtype.char != "H" else -np.inf


@max_pool.on("cpu")
def _max_pool(out, places, x, windows: Windows):
    rows = out.size // max(windows.count[2], 1)
    grain = GRAIN // (windows.count[2] * prod(windows.taps) + 1) + 1
    bfloat, kept = int(x.dtype.char == "H"), int(places.size > 0)
    if windows.taps in PAIRS and windows.tiled:
        parallel.run(
            _pairs_of(word(x.dtype), places.dtype), rows, grain, out, places, x, prod(windows.taps), *windows.size[1:],
            *windows.count[1:], bfloat, kept,
        )  # fmt: skip
        return
    parallel.run(
        _forward(word(x.dtype), places.dtype), rows, grain, out, places, x, windows.table, windows.step, *windows.size,
        *windows.count, *windows.taps, *windows.dilation, windows.stride, lowest(x.dtype), x.size, bfloat, kept,
    )  # fmt: skip


@max_pool_indices.on("cpu")
def _max_pool_indices(out, places, windows: Windows):
    entry = compiled(indices_kernel, "i8", places.dtype, "i8", "i8", *[int] * 8)
    rows, grain = out.size // windows.count[2], GRAIN // windows.count[2] + 1
    parallel.run(
        entry, rows, grain, out, places, windows.offsets(), windows.table, windows.step, *windows.size[1:], *windows.count
    )  # fmt: skip


@max_pool_backward.on("cpu")
def _max_pool_backward(dx, grad, places, windows: Windows):
    planes, grain = dx.size // prod(windows.size), GRAIN // (4 * prod(windows.count)) + 1
    tiles = windows.taps == (1, 2, 2) and windows.tiled and windows.count[2] >= LONG
    parallel.run(
        _backward(word(dx.dtype), places.dtype), planes, grain, dx, grad, places, windows.offsets(), windows.table,
        windows.step, *windows.size, *windows.count, *windows.taps, int(tiles), int(dx.dtype.char == "H"),
    )  # fmt: skip


# ---- CUDA: see cuda/pool.py, imported late, so that a program that stays on the CPU never loads a CUDA compiler. ----


@max_pool.on("cuda")
def _max_pool_on_cuda(*args):
    from numbatorch_kernels.cuda import pool

    pool.max_pool(*args)


@max_pool_indices.on("cuda")
def _max_pool_indices_on_cuda(*args):
    from numbatorch_kernels.cuda import pool

    pool.max_pool_indices(*args)


@max_pool_backward.on("cuda")
def _max_pool_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import pool

    pool.max_pool_backward(*args)
