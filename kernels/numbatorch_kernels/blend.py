"""Sums of elements that are named one by one, each with a weight of its own: what `grid_sample` is made of.

    out[n, c, p] = Σ_k weights[n, k, p] x[n, c, index[n, k, p]]

A negative index names an element that is zero. The op is linear in x and in the weights, and its two gradients are the
other two kernels here, whose gradients are again among the three. Arrays are contiguous, float32 or float64; x is
(batch, channels, elements).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

blend = Kernel("blend")  # (out, x, weights, index)
blend_back = Kernel("blend_back")  # (dx, grad, weights, index)
blend_dots = Kernel(
    "blend_dots"
)  # (dw, grad, x, index): dw[n, k, p] = Σ_c grad[n, c, p] x[n, c, index[n, k, p]]

BLOCK = 128  # points whose weights are kept close by
GRAIN = 1 << 13  # taps worth a thread


def blend_kernel(out, x, weights, index, channels, size, taps, points, start, stop):
    """Blocks start:stop of points, of all batches."""
    blocks = (points + BLOCK - 1) // BLOCK
    for block in range(start, stop):
        n, begin = block // blocks, block % blocks * BLOCK
        end = min(begin + BLOCK, points)
        w, i = offset(weights, n * taps * points), offset(index, n * taps * points)
        for c in range(n * channels, (n + 1) * channels):
            source, to = offset(x, c * size), offset(out, c * points)
            for p in range(begin, end):
                total = w[p] * (source[i[p]] if i[p] >= 0 else 0)
                for k in range(p + points, taps * points, points):
                    total += w[k] * (source[i[k]] if i[k] >= 0 else 0)
                to[p] = total


def blend_back_kernel(dx, grad, weights, index, channels, size, taps, points, start, stop):
    """Channels start:stop, of all batches, of dx."""
    for c in range(start, stop):
        to, g = offset(dx, c * size), offset(grad, c * points)
        first = c // channels * taps * points
        w, i = offset(weights, first), offset(index, first)
        for k in range(size):
            to[k] = 0
        for p in range(points):
            for k in range(p, taps * points, points):
                if i[k] >= 0:
                    to[i[k]] += w[k] * g[p]


def blend_dots_kernel(dw, grad, x, index, channels, size, taps, points, start, stop):
    """Blocks start:stop of points, of all batches."""
    blocks = (points + BLOCK - 1) // BLOCK
    for block in range(start, stop):
        n, begin = block // blocks, block % blocks * BLOCK
        end = min(begin + BLOCK, points)
        to, i = offset(dw, n * taps * points), offset(index, n * taps * points)
        for k in range(taps):
            for p in range(k * points + begin, k * points + end):
                to[p] = 0
        for c in range(n * channels, (n + 1) * channels):
            source, g = offset(x, c * size), offset(grad, c * points)
            for k in range(taps):
                for p in range(begin, end):
                    at = i[k * points + p]
                    if at >= 0:
                        to[k * points + p] += g[p] * source[at]


@cache
def _entry(kernel: Callable, dtype: np.dtype) -> Callable:
    return compiled(kernel, dtype, dtype, dtype, "i8", *[int] * 6)


def sizes(wide: np.ndarray, narrow: np.ndarray, index: np.ndarray) -> tuple[int, int, int, int]:
    """Channels, elements, taps, points; `wide` is like x, `narrow` like out."""
    return wide.shape[1], wide.shape[2], index.shape[1], narrow.shape[2]


@blend.on("cpu")
def _blend(out, x, weights, index):
    channels, size, taps, points = sizes(x, out, index)
    blocks, grain = -(-points // BLOCK) * len(x), GRAIN // (BLOCK * taps * channels + 1) + 1
    parallel.run(
        _entry(blend_kernel, x.dtype), blocks, grain, out, x, weights, index, channels, size, taps, points
    )


@blend_back.on("cpu")
def _blend_back(dx, grad, weights, index):
    channels, size, taps, points = sizes(dx, grad, index)
    grain = GRAIN // (taps * points + size + 1) + 1
    parallel.run(
        _entry(blend_back_kernel, dx.dtype), len(dx) * channels, grain, dx, grad, weights, index, channels, size, taps,
        points,
    )  # fmt: skip


@blend_dots.on("cpu")
def _blend_dots(dw, grad, x, index):
    channels, size, taps, points = sizes(x, grad, index)
    blocks, grain = -(-points // BLOCK) * len(x), GRAIN // (BLOCK * taps * channels + 1) + 1
    parallel.run(
        _entry(blend_dots_kernel, x.dtype), blocks, grain, dw, grad, x, index, channels, size, taps, points
    )


# ---- CUDA: see cuda/blend.py, imported late, so that a program that stays on the CPU never loads a CUDA compiler.
# `blend_back` would add to one element from many threads: the op makes it of `scatter_add`. ----


@blend.on("cuda")
def _blend_on_cuda(*args):
    from numbatorch_kernels.cuda import blend

    blend.blend(*args)


@blend_dots.on("cuda")
def _blend_dots_on_cuda(*args):
    from numbatorch_kernels.cuda import blend

    blend.blend_dots(*args)
