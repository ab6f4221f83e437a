"""The kernels of ../distance.py on CUDA: a thread for each distance, and for each element of a gradient.

Numbers come as elements, zero among them: an int beside a float32 would make a float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt

from numba.np.numpy_support import from_dtype
from numpy import dtype

from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.distance import COUNT, EUCLID, LARGEST, SUM, norm_of, steps_of


@device_function
def distance(x, first, y, second, k, norm, zero, p, inverse):
    """The distance of the rows of x and y that begin at `first` and `second`."""
    total = zero
    for d in range(k):
        t = abs(x[first + d] - y[second + d])
        if norm == EUCLID:
            total += t * t
        elif norm == SUM:
            total += t
        elif norm == COUNT:
            if t != zero:
                total += t if t != t else inverse
        elif norm == LARGEST:
            total = total if t <= total or total != total else t
        else:
            total += t**p
    if norm == EUCLID:
        return sqrt(total)
    return total if norm == SUM or norm == LARGEST or norm == COUNT else total**inverse


def distances_grid(out, x, y, m, n, k, norm, zero, p, inverse, count):
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        row, j = split(index, n)
        batch, _ = split(row, m)
        out[index] = distance(x, row * k, y, (batch * n + j) * k, k, norm, zero, p, inverse)


def pair_distances_grid(out, x, n, k, norm, zero, p, inverse, count):
    """A thread for each cell of the square; those below the diagonal do nothing."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        i, j = split(index, n)
        if j > i:
            place = i * (2 * n - i - 1) // 2 + j - i - 1
            out[place] = distance(x, i * k, x, j * k, k, norm, zero, p, inverse)


def distances_backward_grid(dx, grad, distances, steps, x, y, m, n, k, norm, zero, less, count):
    """`less` is p - 1."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        row, d = split(index, k)
        batch, i = split(row, m)
        total = zero
        for j in range(n):
            t = x[index] - y[(batch * n + j) * k + d]
            g = grad[batch * steps[0] + i * steps[1] + j * steps[2]]
            length = distances[batch * steps[3] + i * steps[4] + j * steps[5]]
            if norm == SUM:
                total += g if t > zero else -g if t < zero else zero
            elif length == zero or t == zero or norm == COUNT:
                continue
            elif norm == EUCLID:
                total += g * t / length
            elif norm == LARGEST:
                if abs(t) == length:
                    total += g if t > zero else -g
            else:
                s = g * (abs(t) / length) ** less
                total += s if t > zero else -s
        dx[index] = total


@cache
def _launcher(function: Callable, code: str) -> Callable:
    number = from_dtype(dtype(code))
    kinds: dict[Callable, tuple] = {
        distances_grid: (code, code, code, int, int, int, int, number, number, number),
        pair_distances_grid: (code, code, int, int, int, number, number, number),
        distances_backward_grid: (code, code, code, "i8", code, code, int, int, int, int, number, number),
    }
    return launcher(function, *kinds[function], int)


def _exponents(p: float) -> tuple[float, float]:
    """p and its inverse, for p = 0 what each difference counts."""
    return p, 1 / p if p else 1.0


def distances(out, x, y, p):
    """Of each row of x to each of y."""
    (_, m, n), k = out.shape, x.shape[-1]
    launch = _launcher(distances_grid, out.dtype.str[1:])
    launch(out, x, y, m, n, k, norm_of(p), 0.0, *_exponents(p), out.size)


def pair_distances(out, x, p):
    """Of each pair of rows."""
    n, k = x.shape
    launch = _launcher(pair_distances_grid, out.dtype.str[1:])
    launch(out, x, n, k, norm_of(p), 0.0, *_exponents(p), n * n)


def distances_backward(dx, grad, distances, x, y, p):
    """dx from the gradient of `distances`."""
    (_, m, k), n = dx.shape, y.shape[1]
    launch = _launcher(distances_backward_grid, dx.dtype.str[1:])
    launch(dx, grad, distances, steps_of(grad, distances), x, y, m, n, k, norm_of(p), 0.0, p - 1, dx.size)
