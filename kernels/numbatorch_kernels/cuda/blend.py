"""The kernels of ../blend.py on CUDA: a thread for each element of the result."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.blend import sizes
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher


def blend_grid(out, x, weights, index, channels, size, taps, points, zero, count):
    for at in range(cuda.grid(1), count, cuda.gridsize(1)):
        c, p = split(at, points)
        n, _ = split(c, channels)
        first, total = n * taps * points + p, zero
        for k in range(first, first + taps * points, points):
            total += weights[k] * (x[c * size + index[k]] if index[k] >= 0 else zero)
        out[at] = total


def blend_dots_grid(dw, grad, x, index, channels, size, taps, points, zero, count):
    for at in range(cuda.grid(1), count, cuda.gridsize(1)):
        rest, p = split(at, points)
        n, _ = split(rest, taps)
        total = zero
        if index[at] >= 0:
            for c in range(n * channels, (n + 1) * channels):
                total += grad[c * points + p] * x[c * size + index[at]]
        dw[at] = total


@cache
def _launch(kernel, dtype: np.dtype):
    return launcher(kernel, dtype, dtype, dtype, "i8", *[int] * 4, from_dtype(dtype), int)


def blend(out, x, weights, index) -> None:
    """Weighted sums of named elements."""
    zero = out.dtype.type(0)
    _launch(blend_grid, out.dtype)(out, x, weights, index, *sizes(x, out, index), zero, out.size)


def blend_dots(dw, grad, x, index) -> None:
    """The gradient for the weights."""
    zero = dw.dtype.type(0)
    _launch(blend_dots_grid, dw.dtype)(dw, grad, x, index, *sizes(x, grad, index), zero, dw.size)
