"""The kernels of ../loss.py on CUDA."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy import float64

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.faults import mark
from numbatorch_kernels.cuda.launch import BLOCK, Kernel, compiled, launcher
from numbatorch_kernels.loss import classes_and_inner


def nll_each_grid(out, x, target, weight, missed, weighted, classes, inner, ignore, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        c = target[k]
        if c == ignore:
            out[k] = 0
        elif c < 0 or c >= classes:
            out[k] = float("nan")
            missed[0] = 1
        else:
            row, place = split(k, inner)
            out[k] = -weight[c * weighted] * x[(row * classes + c) * inner + place]


def nll_total_block(out, mass, x, target, weight, missed, weighted, classes, inner, ignore, mean, n):
    """One block: each thread sums every BLOCK-th element, then half of the threads add what the other half
    have."""
    totals = cuda.shared.array(BLOCK, float64)
    masses = cuda.shared.array(BLOCK, float64)
    lane = cuda.threadIdx.x
    total, weights = 0.0, 0.0
    for k in range(lane, n, BLOCK):
        c = target[k]
        if c != ignore:
            if c < 0 or c >= classes:
                total = float("nan")
                missed[0] = 1
            else:
                w, (row, place) = weight[c * weighted], split(k, inner)
                total -= w * x[(row * classes + c) * inner + place]
                weights += w
    totals[lane] = total
    masses[lane] = weights
    half = BLOCK // 2
    cuda.syncthreads()
    while half > 0:
        if lane < half:
            totals[lane] += totals[lane + half]
            masses[lane] += masses[lane + half]
        cuda.syncthreads()
        half //= 2
    if lane == 0:
        mass[0] = masses[0]
        out[0] = totals[0] / masses[0] if mean else totals[0]


def nll_backward_grid(dx, grad, each, mass, divided, target, weight, weighted, classes, inner, ignore, n):
    """An element of dx a thread, so that none is written twice."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest, place = split(i, inner)
        row, own = split(rest, classes)
        k = row * inner + place
        c = target[k]
        if c == ignore or c != own:
            dx[i] = 0
        elif divided:
            dx[i] = -weight[c * weighted] * grad[k * each] / mass[0]
        else:
            dx[i] = -weight[c * weighted] * grad[k * each]


@cache
def _each(element: str):
    return launcher(nll_each_grid, element, element, "i8", element, "i8", *[int] * 5)


@cache
def _total(element: str) -> Kernel:
    return compiled(nll_total_block, element, element, element, "i8", element, "i8", *[int] * 6)


@cache
def _backward(element: str):
    return launcher(
        nll_backward_grid, element, element, int, element, int, "i8", element, int, int, int, int, int
    )


@cache
def _no_weight(element: str, device: int) -> DeviceArray:
    return DeviceArray.from_host(np.ones(1, element), device)


def _weight(weight: DeviceArray | None, like: DeviceArray) -> tuple[DeviceArray, int]:
    return (_no_weight(like.dtype.str[1:], like.device), 0) if weight is None else (weight, 1)


def nll_each(out, x, target, weight, ignore):
    """The loss of each element."""
    weight, weighted = _weight(weight, x)
    arrays = (out, x, target, weight, mark("nll_loss", x.device))
    _each(x.dtype.str[1:])(*arrays, weighted, *classes_and_inner(x.shape), ignore, target.size)


def nll_total(out, mass, x, target, weight, ignore, mean):
    """The sum of the losses, or their weighted mean, and the sum of the weights."""
    weight, weighted = _weight(weight, x)
    arrays = (out, mass, x, target, weight, mark("nll_loss", x.device))
    numbers = (weighted, *classes_and_inner(x.shape), ignore, int(mean), target.size)
    _total(x.dtype.str[1:])(1, BLOCK, *arrays, *numbers)


def nll_backward(dx, grad, mass, target, weight, ignore):
    """dx from the gradient of each loss, or of all together."""
    divisor = (grad, 0) if mass is None else (mass, 1)
    entry, size = _backward(dx.dtype.str[1:]), classes_and_inner(dx.shape)
    entry(dx, grad, int(grad.ndim > 0), *divisor, target, *_weight(weight, dx), *size, ignore, dx.size)
