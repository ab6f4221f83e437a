"""Zeros on CUDA."""

from __future__ import annotations

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.launch import launcher


def clear_grid(x, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        x[k] = 0


def clear(x: DeviceArray) -> None:
    """Make the elements of a contiguous array 0."""
    launcher(clear_grid, x.dtype, int)(x, x.size)
