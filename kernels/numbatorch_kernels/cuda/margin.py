"""The kernels of ../margin.py on CUDA: a thread for each row.

Numbers come as elements, zero among them: an int beside a float32 would make a float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf

from numba.np.numpy_support import from_dtype
from numpy import dtype

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.margin import label_margin, label_slopes


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


def label_margins_grid(out, others, x, target, zero, one, lowest, share, classes, rows):
    """`share` is 1 / classes."""
    for k in range(cuda.grid(1), rows, cuda.gridsize(1)):
        first = k * classes
        out[k] = label_margin(others, first, x, target, first, classes, zero, one, lowest) * share


def label_margins_backward_grid(dx, others, grad, x, target, zero, one, lowest, share, classes, rows):
    """`share` is 1 / classes."""
    for k in range(cuda.grid(1), rows, cuda.gridsize(1)):
        first, factor = k * classes, grad[k] * share
        label_slopes(dx, others, first, x, target, first, classes, factor, zero, one, lowest)


@cache
def _launcher(function: Callable, code: str) -> Callable:
    number = from_dtype(dtype(code))
    backward = function is margins_backward_grid
    kinds, numbers = ((code, code, code, "i8"), 4) if backward else ((code, code, "i8"), 3)
    return launcher(function, *kinds, int, *[number] * numbers, int, int)


@cache
def _label_launcher(function: Callable, operands: int, code: str) -> Callable:
    return launcher(function, *[code] * operands, "i8", *[from_dtype(dtype(code))] * 4, int, int)


def margins(out, x, target, p, margin):
    """Of each row."""
    rows, classes = x.shape
    _launcher(margins_grid, x.dtype.str[1:])(out, x, target, p, margin, 0.0, 1 / classes, classes, rows)


def margins_backward(dx, grad, x, target, p, margin):
    """dx from the gradient of each."""
    rows, classes = x.shape
    launch = _launcher(margins_backward_grid, x.dtype.str[1:])
    launch(dx, grad, x, target, p, margin, 0.0, 1.0, p / classes, classes, rows)


def label_margins(out, x, target):
    """Of each row."""
    _by_rows(label_margins_grid, out, x, target=target)


def label_margins_backward(dx, grad, x, target):
    """dx from the gradient of each."""
    _by_rows(label_margins_backward_grid, dx, grad, x, target=target)


def _by_rows(function: Callable, result, *operands, target) -> None:
    rows, classes = target.shape
    others = DeviceArray.empty((rows, classes), result.dtype, result.device)
    launch = _label_launcher(function, 2 + len(operands), result.dtype.str[1:])
    launch(result, others, *operands, target, 0.0, 1.0, -inf, 1 / classes, classes, rows)
