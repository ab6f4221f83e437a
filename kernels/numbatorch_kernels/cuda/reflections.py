"""A = Q R by Householder's reflections on CUDA, with the signs of ../linalg/reflections.py.

Stacks of matrices are `lines`, (count, n, m): their columns, one after the other, as LAPACK has them. A block turns the next
PANEL columns of a matrix into reflections, and what they do to the rest is matrix products: the product of reflections
1 - τ v vᴴ is 1 - V T Vᴴ, with their v as the columns of V and a small triangle T.

Golub and Van Loan, Matrix Computations, 5.2; Schreiber and Van Loan, A storage-efficient WY representation for products of
Householder transformations, 1989.
"""

from __future__ import annotations

import math
from math import inf

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, WARP, cuda
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.linalg import like, pivot_size, subtract
from numbatorch_kernels.cuda.variants import joined, variants
from numbatorch_kernels.cuda.warp import block_largest, block_sum, warp_sum
from numbatorch_kernels.gemm.cuda import gemm

PANEL = 2 if SIMULATED else 32
WARPS = BLOCK // WARP
ELEMENT = np.float32  # each variant has its own, and its own `joined`

# ---- kernels ----


def reflections_block(a, factors, m, n, steps, first, last, below):
    """Columns first..last of a matrix become reflections, which change each other but not the columns behind: the element of R
    on the diagonal, or as many rows `below` it, and v under that, whose first element, 1, is left out. (With `range` for `while`
    it takes 168 registers.)"""
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, matrix = cuda.threadIdx.x, cuda.blockIdx.x
    for j in range(first, last):
        line, top, most, total = (matrix * n + j) * m, j + below, ELEMENT(0), ELEMENT(0)
        i = top + 1 + t
        while i < m:
            size = pivot_size(a[line + i])
            if size != size:
                size = ELEMENT(inf)
            if size > most:
                most = size
            i += cuda.blockDim.x
        most, corner = block_largest(most, partial), a[line + top]
        if most == 0 and corner.imag == 0:
            if t == 0:
                factors[matrix * steps + j] = 0
            continue
        most = max(most, pivot_size(corner))
        i = top + 1 + t
        while i < m:
            real, imag = a[line + i].real / most, a[line + i].imag / most
            total += real * real + imag * imag
            i += cuda.blockDim.x
        real, imag = corner.real / most, corner.imag / most
        pivot = math.sqrt(block_sum(total, partial) + real * real + imag * imag)
        if not real < 0:
            pivot = -pivot
        inverse = ELEMENT(1) / joined(real - pivot, imag)
        i = top + 1 + t
        while i < m:
            a[line + i] = joined(a[line + i].real / most, a[line + i].imag / most) * inverse
            i += cuda.blockDim.x
        if t == 0:
            a[line + top] = 1
        factor = joined((pivot - real) / pivot, -imag / pivot)
        cuda.syncthreads()
        for c in range(j + 1 + t // WARP, last, cuda.blockDim.x // WARP):  # a warp has a column
            column, real, imag = (matrix * n + c) * m, ELEMENT(0), ELEMENT(0)
            i = top + t % WARP
            while i < m:
                share = a[line + i].conjugate() * a[column + i]
                real += share.real
                imag += share.imag
                i += WARP
            share = factor.conjugate() * joined(warp_sum(real), warp_sum(imag))
            i = top + t % WARP
            while i < m:
                a[column + i] -= share * a[line + i]
                i += WARP
        cuda.syncthreads()
        if t == 0:
            a[line + top] = pivot * most
            factors[matrix * steps + j] = factor


def vectors_grid(v, turned, a, m, n, first, top, width, count):
    """The lines of V, of `width` reflections from `first` on, of rows from `top` on, and their conjugates."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        line, i = split(k, m - top)
        matrix, c = split(line, width)
        if i > c:
            value = a[(matrix * n + first + c) * m + top + i]
            v[k], turned[k] = value, value.conjugate()
        else:
            v[k] = turned[k] = i == c


def triangle_grid(t, products, factors, steps, first, width, adjoined, count):
    """T, or Tᴴ if `adjoined`, of reflections with these products VᴴV: a thread for each row of T."""
    down, across = (1, width) if adjoined else (width, 1)
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, row = split(k, width)
        base = matrix * width * width
        for j in range(width):
            factor = factors[matrix * steps + first + j]
            if adjoined:
                factor = factor.conjugate()
            total = factor - factor
            for c in range(row, j):
                total -= t[base + row * down + c * across] * products[base + c * down + j * across]
            t[base + row * down + j * across] = factor if row == j else factor * total


def upper_grid(r, a, m, n, whole, count):
    """The lines of R, of `whole` rows."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        column, i = split(k, whole)
        r[k] = a[column * m + i] if i <= column % n else 0


reflections = variants("reflections", reflections_block)


# ---- matrices ----


def reflected(lines: DeviceArray) -> DeviceArray:
    """The factors of the reflections that matrices become."""
    count, n, m = lines.shape
    steps = min(m, n)
    factors = like(lines, (count, steps))
    for first in range(0, steps if count else 0, PANEL):
        last = min(first + PANEL, steps)
        _turn(lines, factors, first, last)
        if last < n:
            behind = lines[:, last:, first:].swapaxes(1, 2)
            _reflect(behind, *_panel(lines, factors, first, last, True))
    return factors


def hessenberg(lines: DeviceArray) -> DeviceArray:
    """The factors of the reflections whose product makes Qᴴ A Q zero below the diagonal next to the main one: there, square
    matrices A become those, and elsewhere that."""
    count, n, _ = lines.shape
    factors = like(lines, (count, max(n - 1, 0)))
    for j in range(n - 1):
        _turn(lines, factors, j, j + 1, 1)
        behind = lines[:, j + 1 :].swapaxes(1, 2)
        _reflect(behind[:, j + 1 :], *_panel(lines, factors, j, j + 1, True, 1))
        _reflect_right(behind, *_panel(lines, factors, j, j + 1, False, 1))
    return factors


def _turn(lines: DeviceArray, factors: DeviceArray, first: int, last: int, below: int = 0) -> None:
    """Columns first..last become reflections, of rows that begin so far `below` the diagonal."""
    count, n, m = lines.shape
    kernel = compiled(reflections.of(lines.dtype), lines.dtype, lines.dtype, *[int] * 6)
    threads, steps = threads_of((m - first) * (last - first)), factors.shape[-1]
    kernel(count, threads, lines, factors, m, n, steps, first, last, below)


def _panel(
    lines: DeviceArray, factors: DeviceArray, first: int, last: int, adjoined: bool, below: int = 0
) -> tuple:
    """V, Vᴴ and T, or Tᴴ, of reflections first..last."""
    count, n, m = lines.shape
    width, top, kind = last - first, first + below, lines.dtype
    v, turned = (like(lines, (count, width, m - top)) for _ in range(2))
    launcher(vectors_grid, kind, kind, kind, *[int] * 6)(v, turned, lines, m, n, first, top, width, v.size)
    v = v.swapaxes(1, 2)
    products, t = (like(lines, (count, width, width)) for _ in range(2))
    gemm(products, turned, v)
    launch = launcher(triangle_grid, kind, kind, kind, *[int] * 5)
    launch(t, products, factors, factors.shape[-1], first, width, int(adjoined), count * width)
    return v, turned, t


def _reflect(x: DeviceArray, v: DeviceArray, turned: DeviceArray, t: DeviceArray) -> None:
    """X becomes (1 - V T Vᴴ) X."""
    parts, shares = (like(x, (len(x), t.shape[-1], x.shape[-1])) for _ in range(2))
    gemm(parts, turned, x)
    gemm(shares, t, parts)
    subtract(x, v, shares)


def _reflect_right(x: DeviceArray, v: DeviceArray, turned: DeviceArray, t: DeviceArray) -> None:
    """X becomes X (1 - V T Vᴴ)."""
    parts, shares = (like(x, (*x.shape[:2], t.shape[-1])) for _ in range(2))
    gemm(parts, x, v)
    gemm(shares, parts, t)
    subtract(x, shares, turned)


def multiply(
    x: DeviceArray,
    lines: DeviceArray,
    factors: DeviceArray,
    left: bool = True,
    adjoined: bool = False,
    below: int = 0,
) -> None:
    """X, (count, m, k), becomes Q X, or X Q if not `left`; with Qᴴ for Q if `adjoined`."""
    order = range(0, factors.shape[-1] if x.size else 0, PANEL)
    for first in order if left == adjoined else reversed(order):
        panel = _panel(lines, factors, first, min(first + PANEL, factors.shape[-1]), adjoined, below)
        if left:
            _reflect(x[:, first + below :], *panel)
        else:
            _reflect_right(x[:, :, first + below :], *panel)


def upper(lines: DeviceArray, whole: int) -> DeviceArray:
    """The lines of the first `whole` rows of R."""
    count, n, m = lines.shape
    r = like(lines, (count, n, whole))
    launcher(upper_grid, r.dtype, r.dtype, *[int] * 4)(r, lines, m, n, whole, r.size)
    return r
