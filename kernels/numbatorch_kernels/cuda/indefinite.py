"""The functions of ../linalg/indefinite.py on CUDA, of contiguous stacks of matrices: L and D are the same, but solutions go by
the rows that L has once all exchanges are made, so that large systems are matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.linalg import (
    copied,
    largest,
    like,
    pivot_size,
    quotient,
    stack,
    substitute,
    zeros,
)
from numbatorch_kernels.cuda.variants import variants
from numbatorch_kernels.linalg import indefinite

ELEMENT = np.float32  # each variant has its own
ALPHA = indefinite.ALPHA
ONE = np.float32(1)  # of float32, so that a difference has the dtype of what it is taken from

order_of = device_function(indefinite.order_of)

# ---- kernels ----


@device_function
def row_of(pivot, own, n):
    """The row that a row of its own is exchanged with: none where the pivot is no row."""
    row = abs(pivot) - 1
    return row if row >= 0 and row < n else own


@device_function
def turned(x, hermitian):
    return x.conjugate() if hermitian else x


def factor_block(a, pivots, info, n, hermitian):
    """`indefinite.factor` of one matrix. Above the diagonal, which is 0 in the end, there are meanwhile the rows of D Lᴴ."""
    sizes, places = cuda.shared.array(BLOCK, ELEMENT), cuda.shared.array(BLOCK, np.int64)
    t, step, matrix, alpha = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x, ELEMENT(ALPHA)
    base, k = matrix * n * n, 0
    if hermitian:
        for i in range(t, n, step):
            a[base + i * n + i] = a[base + i * n + i].real
        cuda.syncthreads()
    while k < n:
        best, row = ELEMENT(0), k
        for i in range(k + 1 + t, n, step):
            size = pivot_size(a[base + i * n + k])
            if size > best:
                best, row = size, i
        own = pivot_size(a[base + k * n + k])
        best, row = largest(sizes, places, best, row)
        order, none = 1, own != own or not (own > 0 or best > 0)
        if none or own >= alpha * best:
            row = k
        else:
            beside = ELEMENT(0)
            for j in range(k + t, n, step):
                if j != row:
                    size = pivot_size(a[base + row * n + j] if j < row else a[base + j * n + row])
                    if size > beside:
                        beside = size
            corner = pivot_size(a[base + row * n + row])
            beside, _ = largest(sizes, places, beside, t)
            if own >= alpha * best * (best / beside):
                row = k
            elif corner < alpha * beside:
                order = 2
        last = k + order - 1
        if t == 0:
            if none and info[matrix] == 0:
                info[matrix] = k + 1
            for j in range(k, k + order):
                pivots[matrix * n + j] = row + 1 if order == 1 else -(row + 1)
        if row != last:
            for i in range(last + 1 + t, n, step):
                line, other = base + i * n, base + row * n
                if i > row:
                    a[line + last], a[line + row] = a[line + row], a[line + last]
                elif i < row:
                    below = a[line + last]
                    a[line + last] = turned(a[other + i], hermitian)
                    a[other + i] = turned(below, hermitian)
                else:
                    a[line + last] = turned(a[line + last], hermitian)
            if t == 0:
                one, other = base + last * (n + 1), base + row * (n + 1)
                a[one], a[other] = a[other], a[one]
                if last > k:
                    one, other = base + last * n + k, base + row * n + k
                    a[one], a[other] = a[other], a[one]
            cuda.syncthreads()
        corner = a[base + k * n + k]
        if not none:
            for i in range(k + order + t, n, step):
                line = base + i * n
                one = a[line + k]
                a[base + k * n + i] = turned(one, hermitian)
                if order == 1:
                    a[line + k] = one / corner
                else:
                    below, two = a[base + (k + 1) * n + k], a[line + k + 1]
                    first, then = corner / turned(below, hermitian), a[base + (k + 1) * (n + 1)] / below
                    scale = first * then - ONE
                    a[base + (k + 1) * n + i] = turned(two, hermitian)
                    a[line + k] = (then * one - two) / turned(below, hermitian) / scale
                    a[line + k + 1] = (first * two - one) / below / scale
            cuda.syncthreads()
            width = n - k - order
            for item in range(t, width * width, step):
                down, across = split(item, width)
                if across <= down:
                    line, j = base + (k + order + down) * n, k + order + across
                    for c in range(k, k + order):
                        a[line + j] -= a[line + c] * a[base + c * n + j]
                    if hermitian and across == down:
                        a[line + j] = a[line + j].real
            cuda.syncthreads()
        k += order
    for item in range(t, n * n, step):
        i, j = split(item, n)
        if j > i:
            a[base + item] = 0


def lower_grid(lower, pivots, n, count):
    """L of what `factor_block` makes, in place, below the ones on its diagonal: its rows are exchanged as the pivots of later
    columns say. A thread has a column."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, column = split(index, n)
        base, k = matrix * n * n + column, 0
        while k < n:
            pivot = pivots[matrix * n + k]
            order = order_of(pivot, n - k)
            last = k + order - 1
            if order == 2 and k == column:
                lower[base + last * n] = 0
            if k > column:
                one, other = base + last * n, base + row_of(pivot, last, n) * n
                lower[one], lower[other] = lower[other], lower[one]
            k += order


def exchange_grid(x, pivots, n, columns, backwards, hermitian, count):
    """Exchange rows as pivots say, those of the last first if `backwards`; conjugates if `hermitian`. A thread has a column."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, c = split(index, columns)
        base, done = matrix * n * columns + c, 0
        while done < n:
            k = n - 1 - done if backwards else done
            pivot = pivots[matrix * n + k]
            order = order_of(pivot, n - done)
            last = k if backwards else k + order - 1
            one, other = base + last * columns, base + row_of(pivot, last, n) * columns
            x[one], x[other] = x[other], x[one]
            done += order
        if hermitian:
            for k in range(n):
                x[base + k * columns] = x[base + k * columns].conjugate()


def divide_grid(x, a, pivots, n, columns, hermitian, count):
    """X of D X = X in place, or its conjugate if `hermitian`. A thread has a column."""
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, c = split(index, columns)
        base, k = matrix * n * columns + c, 0
        while k < n:
            place, at = (matrix * n + k) * n + k, base + k * columns
            if order_of(pivots[matrix * n + k], n - k) == 1:
                x[at] = turned(quotient(x[at], a[place]), hermitian)
                k += 1
            else:
                below = a[place + n]
                above = turned(below, hermitian)
                first, then = a[place] / above, a[place + n + 1] / below
                one, two, scale = x[at] / above, x[at + columns] / below, first * then - ONE
                x[at] = turned((then * one - two) / scale, hermitian)
                x[at + columns] = turned((first * two - one) / scale, hermitian)
                k += 2


factor = variants("factor", factor_block)


# ---- what ops call, as on the CPU ----


def ldl_factor(a: DeviceArray, hermitian: bool) -> tuple[DeviceArray, DeviceArray, DeviceArray]:
    both, n = copied(a), a.shape[-1]
    pivots, info = like(a, a.shape[:-1], "i4"), zeros(a, a.shape[:-2])
    if a.size:
        kernel = compiled(factor.of(a.dtype), a.dtype, "i4", "i4", int, int)
        kernel(info.size, threads_of(n * n), both, pivots, info, n, int(hermitian))
    return both, pivots, info


def ldl_solve(a: DeviceArray, pivots: DeviceArray, b: DeviceArray, hermitian: bool) -> DeviceArray:
    x, lower, (n, columns) = copied(b), copied(a), b.shape[-2:]
    if not x.size:
        return x
    launcher(lower_grid, a.dtype, "i4", int, int)(lower, pivots, n, a.size // n)
    exchange: Any = launcher(exchange_grid, x.dtype, "i4", *[int] * 5)
    exchange(x, pivots, n, columns, 0, 0, x.size // n)
    substitute(stack(lower), stack(x), upper=False, unit=True)
    divide = launcher(divide_grid, x.dtype, a.dtype, "i4", *[int] * 4)
    divide(x, a, pivots, n, columns, int(hermitian), x.size // n)
    substitute(stack(lower).swapaxes(1, 2), stack(x), upper=True, unit=True)
    exchange(x, pivots, n, columns, 1, int(hermitian), x.size // n)
    return x
