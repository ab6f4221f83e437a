"""The kernels of ../pool.py on CUDA: a thread for each window, and in the backward pass for each element of a picture,
which adds up what the windows that it is in have for it, so that none is written twice."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import place_of, split
from numbatorch_kernels.cuda.launch import launcher


def max_pool_grid(
    out, places, x, table, step, d, h, w, od, oh, ow, kh, kw, jump_d, jump_h, jump_w, lowest, kept, n
):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        plane, a, b, c = place_of(i, od, oh, ow)
        of_d = plane * step + a
        of_h = plane * step + 3 * od + b
        of_w = plane * step + 3 * (od + oh) + c
        best = lowest
        place = (table[of_d + od] * kh + table[of_h + oh]) * kw + table[of_w + ow]
        for p in range(table[of_d + od], table[of_d + 2 * od]):
            for q in range(table[of_h + oh], table[of_h + 2 * oh]):
                line = ((plane * d + table[of_d] + p * jump_d) * h + table[of_h] + q * jump_h) * w + table[
                    of_w
                ]
                for r in range(table[of_w + ow], table[of_w + 2 * ow]):
                    value = x[line + r * jump_w]
                    if value > best or value != value:
                        best, place = value, (p * kh + q) * kw + r
        out[i] = best
        if kept:
            places[i] = place


def max_pool_indices_grid(out, places, offsets, table, step, h, w, od, oh, ow, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        plane, a, b, c = place_of(i, od, oh, ow)
        line = table[plane * step + a] * h + table[plane * step + 3 * od + b]
        out[i] = line * w + table[plane * step + 3 * (od + oh) + c] + offsets[places[i]]


def max_pool_backward_grid(
    dx, grad, places, table, covering, d, h, w, od, oh, ow, kh, kw, jump_d, jump_h, jump_w, zero, n
):
    """`covering`: for each place of each direction, the first window that may reach it; then, past the last."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        plane, z, y, x = place_of(i, d, h, w)
        total = zero
        for a in range(covering[z], covering[d + z]):
            p, missed = split(z - table[a], jump_d)
            if missed:  # the window has its taps before and behind
                continue
            for b in range(covering[2 * d + y], covering[2 * d + h + y]):
                q, missed = split(y - table[3 * od + b], jump_h)
                if missed:
                    continue
                for c in range(covering[2 * (d + h) + x], covering[2 * (d + h) + w + x]):
                    r, missed = split(x - table[3 * (od + oh) + c], jump_w)
                    at = ((plane * od + a) * oh + b) * ow + c
                    if not missed and places[at] == (p * kh + q) * kw + r:
                        total += grad[at]
        dx[i] = total


@cache
def _forward(x: np.dtype, place: np.dtype):
    return launcher(max_pool_grid, x, place, x, "i8", *[int] * 12, from_dtype(x), int, int)


@cache
def _backward(x: np.dtype, place: np.dtype):
    return launcher(max_pool_backward_grid, x, x, place, "i8", "i8", *[int] * 11, from_dtype(x), int)


def max_pool(out, places, x, windows) -> None:
    """The largest elements and their places."""
    lowest = np.iinfo(x.dtype).min if x.dtype.kind in "ui" else -np.inf
    _forward(x.dtype, places.dtype)(
        out, places, x, windows.table.reshape(-1), windows.step, *windows.size, *windows.count, *windows.taps[1:],
        *windows.dilation, x.dtype.type(lowest), places.size > 0, out.size,
    )  # fmt: skip


def max_pool_indices(out, places, windows) -> None:
    """Where in its flat picture each of the largest elements was."""
    launch = launcher(max_pool_indices_grid, "i8", places.dtype, "i8", "i8", *[int] * 7)
    launch(
        out, places, windows.offsets(), windows.table.reshape(-1), windows.step, *windows.size[1:], *windows.count,
        out.size,
    )  # fmt: skip


def max_pool_backward(dx, grad, places, windows) -> None:
    """dx from the gradient of the largest elements."""
    _backward(dx.dtype, places.dtype)(
        dx, grad, places, windows.table, windows.covering(), *windows.size, *windows.count, *windows.taps[1:],
        *windows.dilation, dx.dtype.type(0), dx.size,
    )  # fmt: skip
