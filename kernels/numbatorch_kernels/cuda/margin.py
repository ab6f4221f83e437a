"""The kernels of ../margin.py on CUDA: a thread for each row.

Numbers come as elements, zero among them: an int beside a float32 would make a float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba.np.numpy_support import from_dtype
from numpy import dtype

from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.launch import launcher


def margins_grid(out, x, target, p, margin, zero, share, classes, rows):
    """`share` is 1 / classes."""
    for k in range(cuda.grid(1), rows, cuda.gridsize(1)):
        first, y = k * classes, target[k]
        level, total = margin - x[first + y], zero
        for c in range(classes):
            missing = level + x[first + c]
            if c != y and missing > zero:
                total += missing if p == 1 else missing * missing
        out[k] = total * share


def margins_backward_grid(dx, grad, x, target, p, margin, zero, one, share, classes, rows):
    """`share` is p / classes."""
    for k in range(cuda.grid(1), rows, cuda.gridsize(1)):
        first, y = k * classes, target[k]
        level, total, g = margin - x[first + y], zero, grad[k] * share
        for c in range(classes):
            missing, slope = level + x[first + c], zero
            if c != y and missing > zero:
                slope = one if p == 1 else missing
            dx[first + c] = g * slope
            total += slope
        dx[first + y] = -total * g


@cache
def _launcher(function: Callable, code: str) -> Callable:
    number = from_dtype(dtype(code))
    backward = function is margins_backward_grid
    kinds, numbers = ((code, code, code, "i8"), 4) if backward else ((code, code, "i8"), 3)
    return launcher(function, *kinds, int, *[number] * numbers, int, int)


def margins(out, x, target, p, margin):
    """Of each row."""
    rows, classes = x.shape
    _launcher(margins_grid, x.dtype.str[1:])(out, x, target, p, margin, 0.0, 1 / classes, classes, rows)


def margins_backward(dx, grad, x, target, p, margin):
    """dx from the gradient of each."""
    rows, classes = x.shape
    launch = _launcher(margins_backward_grid, x.dtype.str[1:])
    launch(dx, grad, x, target, p, margin, 0.0, 1.0, p / classes, classes, rows)
