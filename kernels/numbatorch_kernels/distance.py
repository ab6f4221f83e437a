"""Distances between rows: of each row of one matrix to each of another, or of each pair of rows of one.

    |x - y|_p = (Σ_d |x_d - y_d|^p)^(1/p)      p = 0: how many differ; p = infinity: the largest difference

All arrays are contiguous, (batch, rows, k), and float32 or float64. Nothing of the size rows x rows x k is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf

import numpy as np
from numba import njit, types
from numba.extending import overload

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.vecmath import pow_f32, pow_f64

distances = Kernel("distances")  # (out, x, y, p): out (batch, m, n), x (batch, m, k), y (batch, n, k)
pair_distances = Kernel("pair_distances")  # (out, x, p): of x (n, k) the pairs 01 02 .. 12 13 ..
distances_backward = Kernel("distances_backward")
# (dx, grad, distances, x, y, p): dx from the gradient of `distances`; both (batch, m, n), of any strides

SHARE = 1 << 15  # differences worth a thread
COUNT, SUM, EUCLID, GENERAL, LARGEST = range(5)


def norm_of(p: float) -> int:
    """Which loop computes the norm."""
    return {0.0: COUNT, 1.0: SUM, 2.0: EUCLID, inf: LARGEST}.get(p, GENERAL)


def power(x, p):
    """x ** p for x >= 0, vectorised."""


@overload(power, jit_options={"forceinline": True})
def _power(x, p):
    return (lambda x, p: pow_f32(x, p)) if x == types.float32 else (lambda x, p: pow_f64(x, p))


@njit(error_model="numpy", fastmath={"nnan", "nsz", "reassoc"})
def _largest(x, y, k):
    total = x[0] - x[0]
    for d in range(k):
        total = max(total, abs(x[d] - y[d]))
    return total


@njit(error_model="numpy", fastmath={"reassoc", "contract"})
def distance(x, y, k, norm, p):
    """The distance of two rows; a NaN in one makes it NaN. Sums are taken in the order that suits the vector
    registers."""
    total = element(x, 0)
    if norm == EUCLID:
        for d in range(k):
            total += (x[d] - y[d]) * (x[d] - y[d])
        return total**0.5
    if norm == SUM:
        for d in range(k):
            total += abs(x[d] - y[d])
    elif norm == COUNT:
        for d in range(k):
            t = x[d] - y[d]
            total += element(x, t != 0) if t == t else t
    elif norm == LARGEST:
        unordered = 0
        for d in range(k):
            unordered += (x[d] != x[d]) | (y[d] != y[d])
        total = element(x, np.nan) if unordered else _largest(x, y, k)
    else:
        for d in range(k):
            total += power(abs(x[d] - y[d]), p)
        total = power(total, 1 / p)
    return total


def distances_kernel(out, x, y, m, n, k, norm, p, start, stop):
    """Rows start:stop of out, of all batches."""
    p = element(x, p)
    for index in range(start, stop):
        row, others = offset(x, index * k), offset(y, index // m * n * k)
        for j in range(n):
            out[index * n + j] = distance(row, offset(others, j * k), k, norm, p)


def pair_distances_kernel(out, x, n, k, norm, p, start, stop):
    """The pairs of rows start:stop with later ones, and of as many rows at the end: every share has as many."""
    p = element(x, p)
    for unit in range(2 * start, 2 * stop):
        i = unit // 2 if unit % 2 == 0 else n - 1 - unit // 2
        if unit % 2 == 1 and i == unit // 2:
            continue
        first = i * (2 * n - i - 1) // 2
        for j in range(i + 1, n):
            out[first + j - i - 1] = distance(offset(x, i * k), offset(x, j * k), k, norm, p)


def distances_backward_kernel(dx, grad, distances, steps, x, y, m, n, k, norm, p, start, stop):
    """Rows start:stop of dx, of all batches. `steps`: how far apart batches, rows and columns of `grad`, and of
    `distances`, lie. dx is zero."""
    p = element(x, p)
    for index in range(start, stop):
        batch, i = index // m, index % m
        row, others, to = offset(x, index * k), offset(y, batch * n * k), offset(dx, index * k)
        gradients = offset(grad, batch * steps[0] + i * steps[1])
        lengths = offset(distances, batch * steps[3] + i * steps[4])
        for j in range(n):
            g, length, other = gradients[j * steps[2]], lengths[j * steps[5]], offset(others, j * k)
            if norm == SUM:
                for d in range(k):
                    t = row[d] - other[d]
                    to[d] += g if t > 0 else -g if t < 0 else element(x, 0)
            elif length == 0:
                continue
            elif norm == EUCLID:
                g /= length
                for d in range(k):
                    to[d] += g * (row[d] - other[d])
            elif norm == LARGEST:
                for d in range(k):
                    t = row[d] - other[d]
                    if abs(t) == length:
                        to[d] += g if t > 0 else -g
            else:
                g /= power(length, p - 1)
                for d in range(k):
                    t = row[d] - other[d]
                    s = g * power(abs(t), p - 1) if t != 0 else element(x, 0)
                    to[d] += s if t > 0 else -s


# ---- entry points ----


@cache
def _entry(function: Callable, code: str) -> Callable:
    more: dict[Callable, list] = {
        distances_kernel: [code, int, int, int],
        pair_distances_kernel: [int, int],
        distances_backward_kernel: [code, code, "i8", code, code, int, int, int],
    }
    kinds = (
        [code, code, *more[function]]
        if function is not distances_backward_kernel
        else [code, *more[function]]
    )
    return compiled(function, *kinds, int, float, int, int, fastmath={"contract"})


def steps_of(*arrays) -> np.ndarray:
    """How many elements apart batches, rows and columns lie, of each array."""
    return np.array([stride // array.itemsize for array in arrays for stride in array.strides], np.int64)


@distances.on("cpu")
def _distances(out, x, y, p):
    (batch, m, n), k = out.shape, x.shape[-1]
    grain = SHARE // (n * k + 1) + 1
    entry = _entry(distances_kernel, out.dtype.char)
    parallel.run(entry, batch * m, grain, out, x, y, m, n, k, norm_of(p), p)


@pair_distances.on("cpu")
def _pair_distances(out, x, p):
    n, k = x.shape
    grain = SHARE // (n * k + 1) + 1
    parallel.run(
        _entry(pair_distances_kernel, out.dtype.char), (n + 1) // 2, grain, out, x, n, k, norm_of(p), p
    )


@distances_backward.on("cpu")
def _distances_backward(dx, grad, distances, x, y, p):
    dx.fill(0)
    if p == 0:
        return
    (batch, m, k), n = dx.shape, y.shape[1]
    entry, steps = _entry(distances_backward_kernel, dx.dtype.char), steps_of(grad, distances)
    grain = SHARE // (n * k + 1) + 1
    parallel.run(entry, batch * m, grain, dx, grad, distances, steps, x, y, m, n, k, norm_of(p), p)


# ---- CUDA: see cuda/distance.py, imported late, so that a program that stays on the CPU never loads a CUDA
# compiler. ----


@distances.on("cuda")
def _distances_on_cuda(*args):
    from numbatorch_kernels.cuda import distance

    distance.distances(*args)


@pair_distances.on("cuda")
def _pair_distances_on_cuda(*args):
    from numbatorch_kernels.cuda import distance

    distance.pair_distances(*args)


@distances_backward.on("cuda")
def _distances_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import distance

    distance.distances_backward(*args)
