"""The kernels of ../margin.py on CUDA: a warp for each row; n threads in all.

Numbers come as elements, zero among them: an int beside a float32 would make a float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf

from numba.np.numpy_support import from_dtype
from numpy import dtype

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import WARP, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.warp import warp_sum


def margins_grid(out, x, target, p, margin, zero, share, classes, n):
    """`share` is 1 / classes."""
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        k, lane = split(thread, WARP)
        first, y = k * classes, target[k]
        level, total = margin - x[first + y], zero
        for c in range(lane, classes, WARP):
            missing = level + x[first + c]
            if c != y and missing > zero:
                total += missing if p == 1 else missing * missing
        total = warp_sum(total)
        if lane == 0:
            out[k] = total * share


def margins_backward_grid(dx, grad, x, target, p, margin, zero, one, share, classes, n):
    """`share` is p / classes."""
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        k, lane = split(thread, WARP)
        first, y = k * classes, target[k]
        level, total, g = margin - x[first + y], zero, grad[k] * share
        for c in range(lane, classes, WARP):
            missing, slope = level + x[first + c], zero
            if c != y:
                if missing > zero:
                    slope = one if p == 1 else missing
                dx[first + c] = g * slope
            total += slope
        total = warp_sum(total)
        if lane == 0:
            dx[first + y] = -total * g


@device_function
def set_labels_aside(others, x, target, first, classes, lowest, lane):
    """others: the row at `first`, its labels as minus infinity, which no margin reaches. The number of labels."""
    for c in range(lane, classes, WARP):
        others[first + c] = x[first + c]
    cuda.syncwarp()
    count = 0
    while count < classes and target[first + count] >= 0:
        if lane == 0:
            others[first + target[first + count]] = lowest
        count += 1
    cuda.syncwarp()
    return count


def label_margins_grid(out, others, x, target, zero, one, lowest, share, classes, n):
    """`share` is 1 / classes."""
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        k, lane = split(thread, WARP)
        first, total = k * classes, zero
        for j in range(set_labels_aside(others, x, target, first, classes, lowest, lane)):
            level = one - x[first + target[first + j]]
            for c in range(lane, classes, WARP):
                missing = level + others[first + c]
                total += missing if missing > zero else zero
        total = warp_sum(total)
        if lane == 0:
            out[k] = total * share


def label_margins_backward_grid(dx, others, grad, x, target, zero, one, lowest, share, classes, n):
    """`share` is 1 / classes. What a lane has of the row, nobody else writes to."""
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        k, lane = split(thread, WARP)
        first, factor = k * classes, grad[k] * share
        count = set_labels_aside(others, x, target, first, classes, lowest, lane)
        for c in range(lane, classes, WARP):
            dx[first + c] = zero
        for j in range(count):
            label = target[first + j]
            level, total = one - x[first + label], zero
            for c in range(lane, classes, WARP):
                slope = one if level + others[first + c] > zero else zero
                dx[first + c] += slope
                total += slope
            total = warp_sum(total)
            if split(label, WARP)[1] == lane:
                dx[first + label] -= total
        for c in range(lane, classes, WARP):
            dx[first + c] *= factor


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
    _launcher(margins_grid, x.dtype.str[1:])(
        out, x, target, p, margin, 0.0, 1 / classes, classes, WARP * rows
    )


def margins_backward(dx, grad, x, target, p, margin):
    """dx from the gradient of each."""
    rows, classes = x.shape
    launch = _launcher(margins_backward_grid, x.dtype.str[1:])
    launch(dx, grad, x, target, p, margin, 0.0, 1.0, p / classes, classes, WARP * rows)


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
    launch(result, others, *operands, target, 0.0, 1.0, -inf, 1 / classes, classes, WARP * rows)
