"""The kernels of ../linalg/lapack.py on CUDA: LU and Cholesky factors, and what they solve, of contiguous stacks of matrices.

A block has a matrix, or its next columns. Of large matrices it has LEAF columns at a time, and the rest is matrix products, as
in ../linalg/halves.py. What is written is in memory that the block reads again: its own cache has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from math import inf, prod
from typing import Any

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.clear import clear
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.variants import variants
from numbatorch_kernels.gemm.cuda import gemm
from numbatorch_kernels.linalg import elimination

WHOLE = 3 if SIMULATED else 64  # columns of a matrix that a block factors alone,
LEAF = 2 if SIMULATED else 32  # and those of a larger one
WIDTH = 2 * BLOCK  # columns of a right side that a block solves for
NOWHERE = 1 << 40  # behind the last row
INFINITY = np.float32(inf)  # of float32, so that a product with it has the dtype of the other factor

pivot_size = device_function(elimination._size)
sign_and_log = device_function(elimination.sign_and_log)
product = device_function(elimination.product)
permute = device_function(elimination.permutation)

# ---- kernels ----

ELEMENT = np.float32  # each variant has its own


@device_function
def largest(sizes, rows, size, row):
    """The row with the largest size, the first one of equals, and that size. All threads of the block come here."""
    t, step = cuda.threadIdx.x, cuda.blockDim.x // 2
    sizes[t], rows[t] = size, row
    cuda.syncthreads()
    while step > 0:
        if t < step:
            other = sizes[t + step]
            if other > sizes[t] or (other == sizes[t] and rows[t + step] < rows[t]):
                sizes[t], rows[t] = other, rows[t + step]
        cuda.syncthreads()
        step //= 2
    size, row = sizes[0], rows[0]
    cuda.syncthreads()  # nobody writes the next ones before everybody has read these
    return size, row


@device_function
def quotient(x, y):
    """x / y. Numba's division of a complex number by zero would end the thread."""
    return x * INFINITY if y == 0 else x / y


def eliminate_block(a, pivots, info, rows, columns, first, last):
    """`elimination.eliminate` of one matrix."""
    sizes, places = cuda.shared.array(BLOCK, ELEMENT), cuda.shared.array(BLOCK, np.int64)
    t, matrix, count = cuda.threadIdx.x, cuda.blockIdx.x, min(rows, columns)
    base = matrix * rows * columns
    for j in range(first, last):
        best, row = ELEMENT(-1), NOWHERE
        for i in range(j + t, rows, cuda.blockDim.x):
            size = pivot_size(a[base + i * columns + j])
            if i == j and size != size:  # NaN stays where it is the first, as in LAPACK
                size = ELEMENT(inf)
            if size > best:
                best, row = size, i
        best, row = largest(sizes, places, best, row)
        if t == 0:
            pivots[matrix * count + j] = row + 1
            if best == 0 and info[matrix] == 0:
                info[matrix] = j + 1
        if best == 0:
            continue
        top, other = base + j * columns, base + row * columns
        if row != j:
            for c in range(t, columns, cuda.blockDim.x):
                a[top + c], a[other + c] = a[other + c], a[top + c]
        cuda.syncthreads()
        for i in range(j + 1 + t, rows, cuda.blockDim.x):
            a[base + i * columns + j] /= a[top + j]
        cuda.syncthreads()
        width = last - j - 1
        for item in range(t, (rows - j - 1) * width, cuda.blockDim.x):
            down, across = split(item, width)
            line = base + (j + 1 + down) * columns
            a[line + j + 1 + across] -= a[line + j] * a[top + j + 1 + across]
        cuda.syncthreads()


def square_root_block(a, info, n, first, last):
    """`elimination.square_root` of one matrix, what is left being updated column by column."""
    t, matrix = cuda.threadIdx.x, cuda.blockIdx.x
    base = matrix * n * n
    for item in range(t, (last - first) * (last - first), cuda.blockDim.x):
        i, k = split(item, last - first)
        if k > i:
            a[base + (first + i) * n + first + k] = 0
    cuda.syncthreads()
    if info[matrix] != 0:
        return
    for j in range(first, last):
        at = base + j * n + j
        pivot = a[at].real
        cuda.syncthreads()  # nobody writes the root before everybody has read
        if not pivot > 0:
            if t == 0:
                info[matrix] = j + 1
            return
        pivot = math.sqrt(pivot)
        if t == 0:
            a[at] = pivot
        for i in range(j + 1 + t, last, cuda.blockDim.x):
            a[base + i * n + j] /= pivot
        cuda.syncthreads()
        width = last - j - 1
        for item in range(t, width * width, cuda.blockDim.x):
            down, across = split(item, width)
            line, other = base + (j + 1 + down) * n, base + (j + 1 + across) * n
            if across <= down:
                a[line + j + 1 + across] -= a[line + j] * a[other + j].conjugate()
        cuda.syncthreads()


def substitute_block(x, a, n, columns, panels, x_step, x_row, x_column, a_step, a_row, a_column, upper, unit):
    """Solve A X = X in place, for WIDTH columns of X of one matrix; as `elimination.substitute`, but what is found is taken
    from all that is left at once."""
    t = cuda.threadIdx.x
    matrix, panel = split(cuda.blockIdx.x, panels)
    begin, left = matrix * x_step + panel * WIDTH * x_column, matrix * a_step
    width = min(WIDTH, columns - panel * WIDTH)
    for k in range(n):
        i = n - 1 - k if upper else k
        first, rest = 0 if upper else i + 1, n - 1 - k
        if not unit:
            for c in range(t, width, cuda.blockDim.x):
                at = begin + i * x_row + c * x_column
                x[at] = quotient(x[at], a[left + i * (a_row + a_column)])
        cuda.syncthreads()
        for item in range(t, rest * width, cuda.blockDim.x):
            if x_column < x_row:
                down, c = split(item, width)
            else:
                c, down = split(item, rest)
            row = first + down
            known = x[begin + i * x_row + c * x_column]
            x[begin + row * x_row + c * x_column] -= a[left + row * a_row + i * a_column] * known
        cuda.syncthreads()


def exchange_grid(x, pivots, n, columns, count):
    """Exchange rows as pivots say: a thread for each column."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, c = split(k, columns)
        base = matrix * n * columns + c
        for i in range(n):
            j = pivots[matrix * n + i] - 1
            if i != j:
                one, other = base + i * columns, base + j * columns
                x[one], x[other] = x[other], x[one]


def identity_grid(x, n, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        x[k] = k % (n * n) % (n + 1) == 0


def sign_and_log_grid(sign, size, factors, pivots, n, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        sign_and_log(sign, size, factors, pivots, n, k, k + 1)


def product_grid(out, factors, pivots, n, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        product(out, factors, pivots, n, k, k + 1)


def permutation_grid(order, pivots, rows, steps, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        permute(order, pivots, rows, steps, k, k + 1)


eliminate = variants("eliminate", eliminate_block)
square_root = variants("square_root", square_root_block)


# ---- arrays ----


@cache
def real_of(dtype: np.dtype) -> np.dtype:
    """The dtype of the parts of complex numbers; of others it is their own."""
    return np.dtype(dtype.char.lower())


def like(a: DeviceArray, shape: Sequence[int], dtype: Any = None) -> DeviceArray:
    """An array where `a` is, not yet computed."""
    return DeviceArray.empty(shape, a.dtype if dtype is None else dtype, a.device)


def copied(a: DeviceArray) -> DeviceArray:
    """A copy of a contiguous array."""
    result = like(a, a.shape)
    result.copy_from_device(a)
    return result


def stack(a: DeviceArray) -> DeviceArray:
    """Matrices along one dimension."""
    return a.reshape((prod(a.shape[:-2]), *a.shape[-2:]))


def identity(a: DeviceArray, n: int) -> DeviceArray:
    """Identity matrices (count, n, n), as many as `a` has."""
    made = like(a, (len(a), n, n))
    launcher(identity_grid, made.dtype, int, int)(made, n, made.size)
    return made


def zeros(a: DeviceArray, shape: Sequence[int]) -> DeviceArray:
    """Codes of success."""
    info = like(a, shape, "i4")
    clear(info)
    return info


# ---- matrices cut in halves ----


def _middle(first: int, last: int) -> int:
    return first + max(LEAF, (last - first) // 2 // LEAF * LEAF)


def subtract(out: DeviceArray, a: DeviceArray, b: DeviceArray) -> None:
    """out -= a b"""
    gemm(out, a, b, out, -1, 1)


def _lu(a: DeviceArray, pivots: DeviceArray, info: DeviceArray, first: int, last: int) -> None:
    """The factors in columns first..last, from row `first` on."""
    count, m, n = a.shape
    if last - first <= (LEAF if min(m, n) > WHOLE else WHOLE):
        kernel = compiled(eliminate.of(a.dtype), a.dtype, "i4", "i4", *[int] * 4)
        kernel(count, threads_of(m * (last - first)), a, pivots, info, m, n, first, last)
        return
    half = _middle(first, last)
    _lu(a, pivots, info, first, half)
    above = a[:, first:half, half:last]
    substitute(a[:, first:half, first:half], above, upper=False, unit=True)
    subtract(a[:, half:, half:last], a[:, half:, first:half], above)
    _lu(a, pivots, info, half, last)


def _root(a: DeviceArray, info: DeviceArray, first: int, last: int) -> None:
    """Rows and columns first..last become L, and 0 above it."""
    count, n, _ = a.shape
    if last - first <= WHOLE or a.dtype.kind == "c":  # (products have no conjugates)
        kernel = compiled(square_root.of(a.dtype), a.dtype, "i4", int, int, int)
        kernel(count, threads_of((last - first) ** 2), a, info, n, first, last)
        return
    half = _middle(first, last)
    _root(a, info, first, half)
    below, above = a[:, half:last, first:half], a[:, first:half, half:last]
    substitute(a[:, first:half, first:half], below.swapaxes(1, 2), upper=False, unit=False)
    subtract(a[:, half:last, half:last], below, below.swapaxes(1, 2))
    gemm(above, above[..., :0], above[:, :0])  # zeros
    _root(a, info, half, last)


def substitute(a: DeviceArray, x: DeviceArray, upper: bool, unit: bool) -> None:
    """X of A X = X, in place: of A that triangle is read, and not its diagonal if `unit`."""
    count, n, columns = x.shape
    if n > WHOLE:
        half = _middle(0, n)
        low, high = slice(0, half), slice(half, n)
        first, then = (high, low) if upper else (low, high)
        substitute(a[:, first, first], x[:, first], upper, unit)
        subtract(x[:, then], a[:, then, first], x[:, first])
        substitute(a[:, then, then], x[:, then], upper, unit)
    elif x.size:
        panels = -(-columns // WIDTH)
        steps = [step // x.itemsize for step in (*x.strides, *a.strides)]
        kernel = compiled(substitute_block, x.dtype, x.dtype, *[int] * 11)
        kernel(
            count * panels,
            threads_of(n * min(columns, WIDTH)),
            x,
            a,
            n,
            columns,
            panels,
            *steps,
            int(upper),
            int(unit),
        )


# ---- what ops call, as on the CPU ----


def lu_factor(a: DeviceArray) -> tuple[DeviceArray, DeviceArray, DeviceArray]:
    *some, m, n = a.shape
    factors, k = copied(a), min(m, n)
    pivots, info = like(a, (*some, k), "i4"), zeros(a, some)
    if a.size:
        lines = stack(factors)
        _lu(lines, pivots, info, 0, k)
        if k < n:
            substitute(lines[:, :, :k], lines[:, :, k:], upper=False, unit=True)
    return factors, pivots, info


def _by_factors(a: DeviceArray, x: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    """X of A X = X, in place, and info."""
    factors, pivots, info = lu_factor(a)
    n, columns = x.shape[-2:]
    if x.size:
        launcher(exchange_grid, x.dtype, "i4", *[int] * 3)(x, pivots, n, columns, x.size // n)
        substitute(stack(factors), stack(x), upper=False, unit=True)
        substitute(stack(factors), stack(x), upper=True, unit=False)
    return x, info


def solve(a: DeviceArray, b: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    return _by_factors(a, copied(b))


def inv(a: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    return _by_factors(a, identity(stack(a), a.shape[-1]).reshape(a.shape))


def slogdet(a: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    factors, pivots, _ = lu_factor(a)
    sign, size = like(a, a.shape[:-2]), like(a, a.shape[:-2], real_of(a.dtype))
    launch = launcher(sign_and_log_grid, a.dtype, size.dtype, a.dtype, "i4", int, int)
    launch(sign, size, factors, pivots, a.shape[-1], size.size)
    return sign, size


def det(a: DeviceArray) -> DeviceArray:
    factors, pivots, _ = lu_factor(a)
    result = like(a, a.shape[:-2])
    launcher(product_grid, a.dtype, a.dtype, "i4", int, int)(
        result, factors, pivots, a.shape[-1], result.size
    )
    return result


def cholesky(a: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    lower, info = copied(a), zeros(a, a.shape[:-2])
    if a.size:
        _root(stack(lower), info, 0, a.shape[-1])
    return lower, info


def triangular_solve(a: DeviceArray, b: DeviceArray, upper: bool, unit: bool) -> DeviceArray:
    x = copied(b)
    if x.size:
        substitute(stack(a), stack(x), upper, unit)
    return x


def permutation(pivots: DeviceArray, rows: int) -> DeviceArray:
    *some, steps = pivots.shape
    order = like(pivots, (*some, rows), "i8")
    launcher(permutation_grid, "i8", "i4", *[int] * 3)(order, pivots, rows, steps, prod(some))
    return order
