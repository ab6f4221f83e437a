"""The kernel of ../resample.py on CUDA: a thread for each element of the result."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import place_of
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.window import Grid


def resample_grid(out, x, table, weights, d, h, w, od, oh, ow, most_d, most_h, most_w, zero, n):
    weights_h = most_d * od
    weights_w = weights_h + most_h * oh
    lengths = weights_w + most_w * ow
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        plane, a, b, c = place_of(i, od, oh, ow)
        of_h = 2 * od + b
        of_w = 2 * (od + oh) + c
        total = zero
        for p in range(table[od + a]):
            for q in range(table[of_h + oh]):
                line = ((plane * d + table[a] + p) * h + table[of_h] + q) * w + table[of_w]
                part = zero
                for r in range(table[of_w + ow]):
                    part += weights[weights_w + r * ow + c] * x[line + r]
                total += weights[p * od + a] * weights[weights_h + q * oh + b] * part
        out[i] = total / (weights[lengths + a] * weights[lengths + od + b] * weights[lengths + od + oh + c])


@lru_cache(maxsize=256)
def _weights(grid: Grid, dtype: np.dtype, device: int) -> DeviceArray:
    return DeviceArray.from_host(grid.weights(dtype), device)


@cache
def _launch(dtype: np.dtype):
    return launcher(resample_grid, dtype, dtype, "i8", dtype, *[int] * 9, from_dtype(dtype), int)


def resample(out, x, grid: Grid) -> None:
    """Weighted sums over windows, of float32 or float64."""
    args = (
        grid.table,
        _weights(grid, out.dtype, out.device),
        *grid.size,
        *grid.count,
        *grid.most,
        out.dtype.type(0),
    )
    _launch(out.dtype)(out, x, *args, out.size)
