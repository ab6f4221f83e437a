"""Pictures seen through a grid of places: `grid_sample` and its gradients, each in one pass.

A block of points finds the neighbours of its places and their weights once, for all channels. Nothing is in memory but
the pictures. Arrays are contiguous, pictures x (batch, channels, ...) and grids (batch, ..., 2 or 3), of float32 or
float64. What places and weights are is said in places.py, of which `grid_sample` is made where its gradient is
differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np
from numpy import floor, rint

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import BICUBIC, NEAREST, REFLECTION, ZEROS
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.local import local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

grid_sample = Kernel("grid_sample")  # (out, x, grid, mode, padding, align): out is (batch, channels, ...)
backward_for_pictures = Kernel("grid_sample_backward_for_pictures")  # (dx, grad, grid, mode, padding, align)
# (dgrid, grad, x, grid, mode, padding, align), of a mode that is not nearest, whose gradient is zero
backward_for_grid = Kernel("grid_sample_backward_for_grid")

BLOCK = 64  # points of a block
EACH = 3 * BLOCK  # their distances from the first neighbour, in each direction
ALONG, ALL = 8 * BLOCK, 16 * BLOCK  # their neighbours at most, in each direction and in all
TAPS = (2, 1, 4)  # neighbours in a direction, of each mode
GRAIN = 1 << 13  # neighbours worth a thread


@callee
def _pad(x, slopes, count, n, padding, align):
    """Places where there are elements, in place of x; `slopes` times the derivatives."""
    if padding == ZEROS:
        return
    zero, one, two, last = element(x, 0), element(x, 1), element(x, 2), element(x, n - 1)
    if padding == REFLECTION:
        low, span = zero if align else element(x, -0.5), last if align else element(x, n)
        for p in range(count):
            way = abs(x[p] - low)
            turns = floor(way / span)
            rest, even = way - turns * span, turns == two * floor(turns / two)
            slopes[p] *= one if even == (x[p] >= low) else -one
            x[p] = rest + low if even else span - rest + low
    for p in range(count):
        slopes[p] *= one if x[p] > zero and x[p] < last else zero
        x[p] = min(x[p], last) if x[p] > zero else zero


@callee
def _near(x, of):
    return (element(of, 1.25) * x - element(of, 2.25)) * x * x + element(of, 1)


@callee
def _far(x, of):
    return ((element(of, -0.75) * x + element(of, 3.75)) * x - element(of, 6)) * x + element(of, 3)


@callee
def _near_slope(x, of):
    return (element(of, 3.75) * x - element(of, 4.5)) * x


@callee
def _far_slope(x, of):
    return (element(of, -2.25) * x + element(of, 7.5)) * x - element(of, 6)


@callee
def _along(weights, index, x, slopes, neighbours, count, n, taps, mode, padding, align):
    """Of x, points of the grid in a direction of n elements, the neighbours, -1 where one is none, and their weights.
    x becomes how far the places are behind their first neighbours, `slopes` how they move with the points."""
    zero, one, two, size = element(x, 0), element(x, 1), element(x, 2), element(x, n)
    for p in range(count):
        x[p] = (x[p] + one) / two * (size - one) if align else ((x[p] + one) * size - one) / two
        slopes[p] = ((size - one) if align else size) / two
    if mode != BICUBIC:
        _pad(x, slopes, count, n, padding, align)
    for t in range(taps):
        step = element(x, t - 1 if mode == BICUBIC else t)
        for p in range(count):
            neighbours[p] = (rint(x[p]) if mode == NEAREST else floor(x[p])) + step
        if mode == BICUBIC:
            _pad(neighbours, weights, count, n, padding, align)  # the weights are not made yet
        for p in range(count):
            inside = (neighbours[p] >= zero) & (neighbours[p] < size)
            index[t * BLOCK + p] = element(index, neighbours[p] if inside else -one)
    for p in range(count):
        f = x[p] - floor(x[p])
        x[p] = f
        if mode == NEAREST:
            weights[p] = one
        elif mode == BICUBIC:
            weights[p], weights[BLOCK + p] = _far(f + one, x), _near(f, x)
            weights[2 * BLOCK + p], weights[3 * BLOCK + p] = _near(one - f, x), _far(two - f, x)
        else:
            weights[p], weights[BLOCK + p] = one - f, f


@callee
def _slopes(slopes, x, count, mode):
    """How the weights move with the points, in place of the first `slopes` that `_along` made beside x."""
    one, two = element(x, 1), element(x, 2)
    for p in range(count):
        f, pace = x[p], slopes[p]
        if mode == BICUBIC:
            slopes[p], slopes[BLOCK + p] = pace * _far_slope(f + one, x), pace * _near_slope(f, x)
            slopes[2 * BLOCK + p] = -pace * _near_slope(one - f, x)
            slopes[3 * BLOCK + p] = -pace * _far_slope(two - f, x)
        else:
            slopes[p], slopes[BLOCK + p] = -pace, pace


@callee
def _neighbours(
    weights, index, own, slopes, ahead, own_index, spare, grid, sizes, dims, at, count, taps, mode, padding, align
):  # fmt: skip
    """Of `count` points from `at` on, the neighbours in the flat picture, -1 where one is none, and their weights, a
    block for each; how many there are. Of every direction, from the last on, which moves fastest and is the first
    coordinate: its own weights, and what `_slopes` needs."""
    for p in range(count):
        weights[p], index[p] = element(grid, 1), 0
    found = 1
    for d in range(dims):
        size, its_weights, x = sizes[d], offset(own, d * taps * BLOCK), offset(ahead, d * BLOCK)
        for p in range(count):
            x[p] = grid[(at + p + 1) * dims - 1 - d]
        its_slopes = offset(slopes, d * taps * BLOCK)
        _along(its_weights, own_index, x, its_slopes, spare, count, size, taps, mode, padding, align)
        for k in range(found - 1, -1, -1):
            for t in range(taps - 1, -1, -1):
                to = (k * taps + t) * BLOCK
                for p in range(count):
                    far, near = index[k * BLOCK + p], own_index[t * BLOCK + p]
                    index[to + p] = far * size + near if far | near >= 0 else -1  # -1 if either is
                    weights[to + p] = weights[k * BLOCK + p] * its_weights[t * BLOCK + p]
        found *= taps
    return found


@callee
def _of_points(dgrid, dots, own, slopes, ahead, sums, spare, dims, at, count, found, taps, mode):
    """The gradient for `count` points from `at` on, from `dots`, for each neighbour the sum over channels of its element
    times the gradient, and what `_neighbours` left."""
    for d in range(dims):
        _slopes(offset(slopes, d * taps * BLOCK), offset(ahead, d * BLOCK), count, mode)
        for p in range(count):
            sums[p] = element(dgrid, 0)
        for k in range(found):
            for p in range(count):
                spare[p] = dots[k * BLOCK + p]
            rest = k
            for e in range(dims - 1, -1, -1):
                factor = offset(slopes if e == d else own, (e * taps + rest % taps) * BLOCK)
                for p in range(count):
                    spare[p] *= factor[p]
                rest //= taps
            for p in range(count):
                sums[p] += spare[p]
        for p in range(count):
            dgrid[(at + p + 1) * dims - 1 - d] = sums[p]


@callee
def _value(source, i):
    """An element, 0 for a neighbour that there is not, for which any element is read."""
    value = source[max(i, 0)]
    return value if i >= 0 else element(source, 0)


def grid_sample_kernel(
    out, x, grid, sizes, dims, channels, elements, points, taps, mode, padding, align, start, stop
):  # fmt: skip
    """Blocks start:stop of points, of all pictures."""
    weights, index = local_like(grid, ALL), local_like(sizes, ALL)
    own, slopes, own_index = local_like(grid, ALONG), local_like(grid, ALONG), local_like(sizes, ALONG)
    ahead, sums = local_like(grid, EACH), local_like(grid, BLOCK)
    zero, blocks = element(grid, 0), (points + BLOCK - 1) // BLOCK
    for block in range(start, stop):
        n, begin = block // blocks, block % blocks * BLOCK
        count = min(BLOCK, points - begin)
        found = _neighbours(
            weights, index, own, slopes, ahead, own_index, sums, grid, sizes, dims, n * points + begin, count, taps,
            mode, padding, align,
        )  # fmt: skip
        inside = True
        for k in range(found):
            for p in range(count):
                inside &= index[k * BLOCK + p] >= 0
        for c in range(n * channels, (n + 1) * channels):
            source, goal = offset(x, c * elements), offset(out, c * points + begin)
            if found == 1:
                for p in range(count):
                    goal[p] = _value(source, index[p])
                continue
            for p in range(count):
                sums[p] = zero
            for k in range(0, found, 4):  # there are 4, 8, 16 or 64
                w, i = offset(weights, k * BLOCK), offset(index, k * BLOCK)
                if inside:
                    for p in range(count):
                        v0, v1 = source[i[p]], source[i[BLOCK + p]]
                        v2, v3 = source[i[2 * BLOCK + p]], source[i[3 * BLOCK + p]]
                        sums[p] += (
                            w[p] * v0 + w[BLOCK + p] * v1 + w[2 * BLOCK + p] * v2 + w[3 * BLOCK + p] * v3
                        )
                else:
                    for p in range(count):
                        v0, v1 = _value(source, i[p]), _value(source, i[BLOCK + p])
                        v2, v3 = _value(source, i[2 * BLOCK + p]), _value(source, i[3 * BLOCK + p])
                        sums[p] += (
                            w[p] * v0 + w[BLOCK + p] * v1 + w[2 * BLOCK + p] * v2 + w[3 * BLOCK + p] * v3
                        )
            for p in range(count):
                goal[p] = sums[p]


def gradient_for_pictures(
    dx, grad, grid, sizes, dims, channels, elements, points, taps, mode, padding, align, start, stop
):  # fmt: skip
    """Channels start:stop, of all pictures."""
    weights, index = local_like(grid, ALL), local_like(sizes, ALL)
    own, slopes, own_index = local_like(grid, ALONG), local_like(grid, ALONG), local_like(sizes, ALONG)
    ahead, spare = local_like(grid, EACH), local_like(grid, BLOCK)
    for k in range(start * elements, stop * elements):
        dx[k] = element(dx, 0)
    while start < stop:
        n = start // channels
        end = min((n + 1) * channels, stop)
        for begin in range(0, points, BLOCK):
            count = min(BLOCK, points - begin)
            found = _neighbours(
                weights, index, own, slopes, ahead, own_index, spare, grid, sizes, dims, n * points + begin, count,
                taps, mode, padding, align,
            )  # fmt: skip
            for c in range(start, end):
                to, g = offset(dx, c * elements), offset(grad, c * points + begin)
                for k in range(found):
                    its_weights, i = offset(weights, k * BLOCK), offset(index, k * BLOCK)
                    for p in range(count):
                        if i[p] >= 0:
                            to[i[p]] += its_weights[p] * g[p]
        start = end


def gradient_for_grid(
    dgrid, grad, x, grid, sizes, dims, channels, elements, points, taps, mode, padding, align, start, stop
):  # fmt: skip
    """Blocks start:stop of points, of all pictures."""
    weights, index, dots = local_like(grid, ALL), local_like(sizes, ALL), local_like(grid, ALL)
    own, slopes, own_index = local_like(grid, ALONG), local_like(grid, ALONG), local_like(sizes, ALONG)
    ahead, spare, sums = local_like(grid, EACH), local_like(grid, BLOCK), local_like(grid, BLOCK)
    zero, blocks = element(grid, 0), (points + BLOCK - 1) // BLOCK
    for block in range(start, stop):
        n, begin = block // blocks, block % blocks * BLOCK
        count, at = min(BLOCK, points - begin), n * points + begin
        found = _neighbours(
            weights, index, own, slopes, ahead, own_index, spare, grid, sizes, dims, at, count, taps, mode, padding,
            align,
        )  # fmt: skip
        for k in range(found * BLOCK):
            dots[k] = zero
        for c in range(n * channels, (n + 1) * channels):
            source, g = offset(x, c * elements), offset(grad, c * points + begin)
            for k in range(found):
                total, i = offset(dots, k * BLOCK), offset(index, k * BLOCK)
                for p in range(count):
                    value = source[max(i[p], 0)]
                    total[p] += g[p] * (value if i[p] >= 0 else zero)
        _of_points(dgrid, dots, own, slopes, ahead, sums, spare, dims, at, count, found, taps, mode)


@cache
def _entry(kernel: Callable, arrays: int, dtype: np.dtype, places: np.dtype):
    return compiled(kernel, *[dtype] * arrays, places, *[int] * 10, fastmath={"contract"})


def _run(
    kernel: Callable, arrays: tuple, pictures: np.ndarray, mode: int, padding: int, align: bool, by_points: bool
) -> None:  # fmt: skip
    """`kernel` of these arrays, the grid last, shared out by blocks of points or by channels of pictures."""
    (batch, channels), sizes, points = pictures.shape[:2], pictures.shape[2:], prod(arrays[-1].shape[1:-1])
    taps, dims = TAPS[mode], len(sizes)
    places = np.array(
        sizes, np.int32 if prod(sizes) < 1 << 31 else np.int64
    )  # of which numbers of elements are, too
    shares, neighbours = (-(-points // BLOCK), BLOCK * channels) if by_points else (channels, points)
    parallel.run(
        _entry(kernel, len(arrays), pictures.dtype, places.dtype), batch * shares, GRAIN // (neighbours * taps**dims + 1) + 1,
        *arrays, places, dims, channels, prod(sizes), points, taps, mode, padding, int(align),
    )  # fmt: skip


@grid_sample.on("cpu")
def _grid_sample(out, x, grid, mode, padding, align):
    _run(grid_sample_kernel, (out, x, grid), x, mode, padding, align, True)


@backward_for_pictures.on("cpu")
def _backward_for_pictures(dx, grad, grid, mode, padding, align):
    _run(gradient_for_pictures, (dx, grad, grid), dx, mode, padding, align, False)


@backward_for_grid.on("cpu")
def _backward_for_grid(dgrid, grad, x, grid, mode, padding, align):
    _run(gradient_for_grid, (dgrid, grad, x, grid), x, mode, padding, align, True)


# ---- CUDA: see cuda/grid.py, imported late, so that a program that stays on the CPU never loads a CUDA compiler. ----


@grid_sample.on("cuda")
def _grid_sample_on_cuda(*args):
    from numbatorch_kernels.cuda import grid

    grid.grid_sample(*args)


@backward_for_pictures.on("cuda")
def _backward_for_pictures_on_cuda(*args):
    from numbatorch_kernels.cuda import grid

    grid.backward_for_pictures(*args)


@backward_for_grid.on("cuda")
def _backward_for_grid_on_cuda(*args):
    from numbatorch_kernels.cuda import grid

    grid.backward_for_grid(*args)
