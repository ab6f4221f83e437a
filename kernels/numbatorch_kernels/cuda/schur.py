"""Eigenvalues of any square matrices on CUDA: the shifted QR algorithm, in complex numbers.

H = Qᴴ A Q with nothing below the diagonal next to the main one is made by reflections (reflections.py). A step of the algorithm
factors H - s, s a shift, into Q R by rotations of neighbouring rows and makes H of R Q + s by the same of columns: the element
before the last one on the diagonal goes to zero quadratically, then there is one row and column less. In the end H is a triangle
T with the eigenvalues on its diagonal, whose eigenvectors are found by substitution.

Stacks of matrices are `lines`, (count, n, n): their columns, one after the other. A block has a matrix: of rotated rows a thread has
a column, of rotated columns a row.

Golub and Van Loan, Matrix Computations, 7.4 to 7.6; Wilkinson and Reinsch, Handbook for Automatic Computation, 1971, II/11, II/15.
"""

from __future__ import annotations

import math

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import WARP, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.linalg import identity, largest, like, pivot_size
from numbatorch_kernels.cuda.reflections import hessenberg, multiply
from numbatorch_kernels.cuda.variants import variants
from numbatorch_kernels.cuda.warp import block_largest, block_sum
from numbatorch_kernels.gemm.cuda import gemm

PATIENCE = 30  # steps for an eigenvalue, on average; after each ten of them that found none, an unusual one
WARPS = BLOCK // WARP
HALF, TWO = np.float32(0.5), np.float32(2)  # of float32, so that a product has the dtype of the other factor
LITTLE = np.float32(0.95)  # what must be left of the size of a row and a column to scale them
ELEMENT = np.float32  # each variant has its own

# ---- kernels ----


def balance_block(h, scales, info, n, most):
    """D⁻¹ H D for H, D of powers of 2, none of them, or its inverse, larger than `most`: a row and its column become of about one
    size, so that small elements count."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, step, matrix, busy = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x, True
    base, own, most = matrix * n * n, matrix * n, ELEMENT(most)
    for k in range(t, n, step):
        scales[own + k] = 1
    while busy and info[matrix] == 0:
        busy = False
        for i in range(n):
            column, row, scale = ELEMENT(0), ELEMENT(0), ELEMENT(1)
            cuda.syncthreads()
            for k in range(t, n, step):
                column += pivot_size(h[base + i * n + k])
                row += pivot_size(h[base + k * n + i])
            column, row, before = block_sum(column, partial), block_sum(row, partial), scales[own + i]
            total = LITTLE * (column + row)
            if column > 0 and row > 0:
                while TWO * column < row and before * scale < most:
                    scale, column, row = TWO * scale, TWO * column, HALF * row
                while TWO * row < column and before * scale * most > 1:
                    scale, column, row = HALF * scale, HALF * column, TWO * row
            cuda.syncthreads()
            if column + row < total:
                busy = True
                for k in range(t, n, step):
                    h[base + i * n + k] *= scale
                    h[base + k * n + i] /= scale
                if t == 0:
                    scales[own + i] = before * scale


@device_function
def shrunk(x, size):
    return complex(x.real / size, x.imag / size)


@device_function
def square_root(x):
    """One of the two."""
    size = pivot_size(x)
    if size == 0:
        return x
    real, imag, scale = abs(x.real) / size, x.imag / size, math.sqrt(size)
    real = math.sqrt(HALF * (real + math.sqrt(real * real + imag * imag)))
    imag = HALF * imag / real
    return complex(scale * real, scale * imag) if x.real > 0 else complex(scale * imag, scale * real)


@device_function
def eigenvalue_near(corner, other, below, above):
    """Of the two of a matrix [other above; below corner] that which is closer to `corner`."""
    between = HALF * (other - corner)
    size = pivot_size(between) + pivot_size(below) + pivot_size(above)
    between, product = shrunk(between, size), shrunk(below, size) * shrunk(above, size)
    root = square_root(between * between + product)
    if between.real * root.real + between.imag * root.imag < 0:
        root = -root
    return corner if pivot_size(product) == 0 else corner - product / (between + root) * size


@device_function
def rotate_row(x, row, rotations, own, first, last, n):
    """By the adjoints of rotations first..last, of neighbouring columns of length n."""
    for k in range(first, last):
        one, other, at = rotations[own + 2 * k], rotations[own + 2 * k + 1], row + k * n
        p, q = x[at], x[at + n]
        x[at], x[at + n] = p * one + q * other, q * one.conjugate() - p * other.conjugate()


def schur_block(h, z, rotations, info, n, left, tolerance, floor, wanted):
    """A matrix with nothing below the diagonal next to the main one becomes T, and if it is `wanted` Z the product of it and all
    rotations; else of T the diagonal alone is right. No more steps than are `left`."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, step, matrix = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    base, own, last, tries = matrix * n * n, matrix * n * 2, n - 1, 0
    tolerance, floor = ELEMENT(tolerance), ELEMENT(floor)
    if info[matrix] != 0:
        return
    while last >= 0:
        found = 0
        for k in range(1 + t, last + 1, step):
            corner = base + (k - 1) * (n + 1)
            size = pivot_size(h[corner]) + pivot_size(h[corner + n + 1])
            if pivot_size(h[corner + 1]) <= tolerance * size + floor:
                found = k
        first = int(block_largest(ELEMENT(found), partial))
        if first == last:
            last, tries = last - 1, 0
            continue
        if left == 0:
            if t == 0:
                info[matrix] = last + 1
            return
        left, tries = left - 1, tries + 1
        corner = base + last * (n + 1)
        shift, below = h[corner], h[corner - n]
        if tries % 10 == 0:
            shift += pivot_size(below)
        else:
            shift = eigenvalue_near(shift, h[corner - n - 1], below, h[corner - 1])
        cuda.syncthreads()
        for k in range(first + t, last + 1, step):
            h[base + k * (n + 1)] -= shift
        cuda.syncthreads()
        for k in range(first, last):
            x, y = h[base + k * (n + 1)], h[base + k * (n + 1) + 1]
            size = pivot_size(x) + pivot_size(y)
            one, other = complex(ELEMENT(1), ELEMENT(0)), complex(ELEMENT(0), ELEMENT(0))
            if size > 0:
                x, y = shrunk(x, size), shrunk(y, size)
                size = math.sqrt(x.real * x.real + x.imag * x.imag + y.real * y.real + y.imag * y.imag)
                one, other = shrunk(x, size), shrunk(y, size)
            cuda.syncthreads()  # nobody writes the next ones before everybody has read these
            if t == 0:
                rotations[own + 2 * k], rotations[own + 2 * k + 1] = one, other
            for c in range(k + t, n if wanted else last + 1, step):
                at = base + c * n + k
                p, q = h[at], h[at + 1]
                h[at], h[at + 1] = one.conjugate() * p + other.conjugate() * q, one * q - other * p
            cuda.syncthreads()
        for i in range(t if wanted else first + t, last + 1, step):
            rotate_row(h, base + i, rotations, own, max(first, i - 1), last, n)
        for i in range(t, n if wanted else 0, step):
            rotate_row(z, base + i, rotations, own, first, last, n)
        cuda.syncthreads()
        for k in range(first + t, last + 1, step):
            h[base + k * (n + 1)] += shift
        cuda.syncthreads()


def values_grid(values, h, scales, n, count):
    """What is on the diagonals, times the scale of each matrix."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, i = split(k, n)
        values[k] = h[matrix * n * n + i * (n + 1)] * scales[matrix]


def vectors_block(x, h, n, tolerance, floor):
    """X of T X = X diag(T): a block finds one column, whose largest element is 1, by substitution. Where eigenvalues are equal,
    they count as just not."""
    t, step = cuda.threadIdx.x, cuda.blockDim.x
    matrix, c = split(cuda.blockIdx.x, n)
    base, line, tolerance = matrix * n * n, cuda.blockIdx.x * n, ELEMENT(tolerance)
    value = h[base + c * (n + 1)]
    least = max(tolerance * pivot_size(value), ELEMENT(floor))
    for i in range(t, n, step):
        if i < c:
            x[line + i] = -h[base + c * n + i]
        else:
            x[line + i] = i == c
    for j in range(c - 1, -1, -1):
        cuda.syncthreads()
        between, own = h[base + j * (n + 1)] - value, x[line + j]
        if pivot_size(between) < least:
            between = complex(least, ELEMENT(0))
        own, scale = own / between, ELEMENT(1)
        if pivot_size(own) > 1:
            scale = ELEMENT(1) / pivot_size(own)
        own *= scale
        cuda.syncthreads()  # nobody writes the next ones before everybody has read these
        for i in range(t, c + 1, step):
            if i < j:
                x[line + i] = scale * x[line + i] - own * h[base + j * n + i]
            elif i > j:
                x[line + i] *= scale
            else:
                x[line + i] = own


def unit_block(v, scales, n):
    """D V for V: a block has a column, whose norm becomes 1, and whose largest element becomes real."""
    sizes, places = cuda.shared.array(BLOCK, ELEMENT), cuda.shared.array(BLOCK, np.int64)
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, line = cuda.threadIdx.x, cuda.blockIdx.x * n
    own, total, most, row = cuda.blockIdx.x // n * n, ELEMENT(0), ELEMENT(0), 0
    for i in range(t, n, cuda.blockDim.x):
        v[line + i] *= scales[own + i]
        value = v[line + i]
        size = value.real * value.real + value.imag * value.imag
        total += size
        if size > most:
            most, row = size, i
    most, row = largest(sizes, places, most, row)
    value = v[line + row]
    norm = math.sqrt(block_sum(total, partial))  # once it is there, everybody has read the value
    turn = shrunk(value.conjugate(), math.sqrt(most) * norm)
    for i in range(t, n, cuda.blockDim.x):
        v[line + i] *= turn
        if i == row:
            v[line + i] = v[line + i].real


balance = variants("balance", balance_block)
schur = variants("schur", schur_block)
vectors = variants("vectors", vectors_block)
unit = variants("unit", unit_block)


# ---- matrices ----


def eigenvalues(
    lines: DeviceArray, scales: DeviceArray, info: DeviceArray, wanted: bool
) -> tuple[DeviceArray, ...]:
    """The eigenvalues, times the scales, of complex matrices, which are overwritten; the lines of the vectors, if they are
    `wanted`. The info of a matrix becomes how many values there are not, where they were not found."""
    count, n, _ = lines.shape
    kind, limits = lines.dtype, np.finfo(lines.dtype)
    values, z = like(lines, (count, n)), identity(lines, n if wanted else 0)
    if not lines.size:
        return values, *([z] if wanted else ())
    tolerance, floor = float(limits.eps), float(limits.smallest_normal) * n / float(limits.eps)
    balanced = like(lines, (count, n), scales.dtype)
    kernel = compiled(balance.of(kind), kind, scales.dtype, "i4", int, float)
    kernel(count, threads_of(n), lines, balanced, info, n, float(limits.max) ** 0.25)
    factors = hessenberg(lines)
    multiply(z.swapaxes(1, 2), lines, factors, below=1)
    kernel = compiled(schur.of(kind), kind, kind, kind, "i4", int, int, float, float, int)
    rotations, steps = like(lines, (count, n, 2)), PATIENCE * max(n, 10)
    kernel(count, threads_of(4 * n), lines, z, rotations, info, n, steps, tolerance, floor, int(wanted))
    launch = launcher(values_grid, kind, kind, scales.dtype, int, int)
    launch(values, lines, scales, n, values.size)
    if not wanted:
        return (values,)
    x, v = (like(lines, lines.shape) for _ in range(2))
    kernel = compiled(vectors.of(kind), kind, kind, int, float, float)
    kernel(count * n, threads_of(n), x, lines, n, tolerance, floor)
    gemm(v, x, z)
    compiled(unit.of(kind), kind, scales.dtype, int)(count * n, threads_of(n), v, balanced, n)
    return values, v
