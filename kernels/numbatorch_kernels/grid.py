"""Pictures seen through a grid of places: `grid_sample` on the CPU, in one pass.

A block of points finds the neighbours of its places and their weights once, for all channels. Nothing is in memory but
the pictures. What places and weights are is said in places.py, of which `grid_sample` is made where it is
differentiated.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
from numpy import int64

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import BICUBIC, NEAREST, REFLECTION, ZEROS
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.local import local, local_like
from numbatorch_kernels.pointer import offset

BLOCK = 64  # points of a block
ALONG, ALL = 4 * BLOCK, 16 * BLOCK  # their neighbours at most, in one direction and in all
GRAIN = 1 << 13  # neighbours worth a thread


@callee
def _pad(x, count, n, padding, align):
    """Places where there are elements, in place of x."""
    if padding == ZEROS:
        return
    zero, two, last = element(x, 0), element(x, 2), element(x, n - 1)
    if padding == REFLECTION:
        low, span = element(x, 0 if align else -0.5), element(x, n - 1 if align else n)
        for p in range(count):
            way = abs(x[p] - low)
            turns = np.floor(way / span)
            rest = way - turns * span
            x[p] = rest + low if turns == two * np.floor(turns / two) else span - rest + low
    for p in range(count):
        x[p] = min(x[p], last) if x[p] > zero else zero


@callee
def _near(x, of):
    return (element(of, 1.25) * x - element(of, 2.25)) * x * x + element(of, 1)


@callee
def _far(x, of):
    return ((element(of, -0.75) * x + element(of, 3.75)) * x - element(of, 6)) * x + element(of, 3)


@callee
def _along(weights, index, x, neighbours, count, n, taps, mode, padding, align):
    """Of x, points of the grid in a direction of n elements, the neighbours, -1 where one is none, and their weights."""
    one, two, size = element(x, 1), element(x, 2), element(x, n)
    for p in range(count):
        x[p] = (x[p] + one) / two * (size - one) if align else ((x[p] + one) * size - one) / two
    if mode != BICUBIC:
        _pad(x, count, n, padding, align)
    for p in range(count):
        first = np.rint(x[p]) if mode == NEAREST else np.floor(x[p])
        f, x[p] = x[p] - first, first
        if mode == NEAREST:
            weights[p] = one
        elif mode == BICUBIC:
            weights[p], weights[BLOCK + p] = _far(f + one, x), _near(f, x)
            weights[2 * BLOCK + p], weights[3 * BLOCK + p] = _near(one - f, x), _far(two - f, x)
        else:
            weights[p], weights[BLOCK + p] = one - f, f
    for t in range(taps):
        step = element(x, t - 1 if mode == BICUBIC else t)
        for p in range(count):
            neighbours[p] = x[p] + step
        if mode == BICUBIC:
            _pad(neighbours, count, n, padding, align)
        for p in range(count):
            inside = neighbours[p] >= 0 and neighbours[p] < size
            index[t * BLOCK + p] = int64(neighbours[p]) if inside else -1


def grid_sample_kernel(
    out, x, grid, sizes, dims, channels, elements, points, mode, padding, align, start, stop
):  # fmt: skip
    """Blocks start:stop of points, of all pictures."""
    weights, index = local_like(grid, ALL), local(int64, ALL)
    own_weights, own_index = local_like(grid, ALONG), local(int64, ALONG)
    places, sums = local_like(grid, BLOCK), local_like(grid, BLOCK)
    zero, taps = element(grid, 0), 4 if mode == BICUBIC else 1 if mode == NEAREST else 2
    blocks = (points + BLOCK - 1) // BLOCK
    for block in range(start, stop):
        n, begin = block // blocks, block % blocks * BLOCK
        count = min(BLOCK, points - begin)
        for p in range(count):
            weights[p], index[p] = element(grid, 1), 0
        found = 1
        for d in range(dims):  # the last direction moves fastest, and is the first coordinate
            size = sizes[d]
            for p in range(count):
                places[p] = grid[(n * points + begin + p + 1) * dims - 1 - d]
            _along(own_weights, own_index, places, sums, count, size, taps, mode, padding, align)
            for k in range(found - 1, -1, -1):
                for t in range(taps - 1, -1, -1):
                    to = (k * taps + t) * BLOCK
                    for p in range(count):
                        far, near = index[k * BLOCK + p], own_index[t * BLOCK + p]
                        index[to + p] = far * size + near if far >= 0 and near >= 0 else -1
                        weights[to + p] = weights[k * BLOCK + p] * own_weights[t * BLOCK + p]
            found *= taps
        for c in range(n * channels, (n + 1) * channels):
            source, goal = offset(x, c * elements), offset(out, c * points + begin)
            for p in range(count):
                sums[p] = zero
            for k in range(found):
                own, i = offset(weights, k * BLOCK), offset(index, k * BLOCK)
                for p in range(count):
                    value = source[max(i[p], 0)]  # for a neighbour that there is not any element will do
                    sums[p] += own[p] * (value if i[p] >= 0 else zero)
            for p in range(count):
                goal[p] = sums[p]


@cache
def _entry(dtype: np.dtype):
    return compiled(grid_sample_kernel, dtype, dtype, dtype, "i8", *[int] * 9, fastmath={"contract"})


def grid_sample(
    out: np.ndarray, x: np.ndarray, grid: np.ndarray, mode: int, padding: int, align: bool
) -> None:
    """out (batch, channels, ...) from the pictures x at the places grid (batch, ..., 2 or 3), all contiguous."""
    (batch, channels), sizes, points = x.shape[:2], x.shape[2:], prod(grid.shape[1:-1])
    taps = (2, 1, 4)[mode] ** len(sizes)
    parallel.run(
        _entry(x.dtype), batch * -(-points // BLOCK), GRAIN // (BLOCK * taps * channels + 1) + 1, out, x, grid,
        np.array(sizes, np.int64), len(sizes), channels, prod(sizes), points, mode, padding, int(align),
    )  # fmt: skip
