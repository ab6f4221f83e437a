"""Singular values and eigenvalues on CUDA by Jacobi's rotations.

A block has a matrix. It rotates pairs of columns that have none in common at once, in rounds: in a sweep of rounds, as in a
tournament, each column meets each other one. Sweeps go on until one has nothing to rotate; a handful is enough, as the angles
become small quadratically. Rotations

    [xp xq] [ c   s]
            [-s̄   c]

of columns xp and xq by the one angle that makes them orthogonal (Hestenes) end with A V = U S: singular values are found to
high relative accuracy. The same from both sides, of the one angle that makes an element zero, end with Vᴴ A V = L.

Golub and Van Loan, Matrix Computations, 8.5 and 8.6.3; Demmel and Veselić, Jacobi's method is more accurate than QR, 1992.
"""

from __future__ import annotations

import math
from math import inf, nan

import numpy as np

from numbatorch_kernels.codes import INFINITE, NAN
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import WARP, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, grid_stride, launcher, threads_of
from numbatorch_kernels.cuda.linalg import identity, like, pivot_size, real_of
from numbatorch_kernels.cuda.variants import joined, variants
from numbatorch_kernels.cuda.warp import block_largest, block_sum, warp_sum

SWEEPS = 40  # if it takes more, info is this number
WARPS = BLOCK // WARP
ELEMENT = np.float32  # each variant has its own, and its own `joined`

# ---- kernels ----


@device_function
def opponents(turn, k, players):
    """Pair k in a round of a tournament: of an even number of players, one stays where it is, the others go round."""
    others, one, other = players - 1, turn + k, turn - k
    if k == 0:
        one = others
    elif one >= others:
        one -= others
    if other < 0:
        other += others
    return one, other


@device_function
def rotation(alpha, beta, size):
    """Cosine and sine of the smaller angle that makes a 2 x 2 matrix diagonal, with alpha and beta there, `size` beside it."""
    between, double = beta - alpha, size + size
    adjacent = abs(between) + math.sqrt(between * between + double * double)
    length = math.sqrt(adjacent * adjacent + double * double)
    if between < 0:
        double = -double
    return adjacent / length, double / length


@device_function
def rotated(p, q, cosine, sine):
    """Elements of two columns, or rows."""
    return cosine * p - sine.conjugate() * q, sine * p + cosine * q


@device_function
def rotate_columns(x, base, length, cosines, sines, first, turn, players):
    """All pairs of a round, of columns of this length; the angles are in memory, from `first` on. All threads come here."""
    item = cuda.threadIdx.x
    while item < players // 2 * length:
        k, i = split(item, length)
        sine = sines[first + k]
        if abs(sine.real) + abs(sine.imag) > 0:
            p, q = opponents(turn, k, players)
            one, other = base + p * length + i, base + q * length + i
            x[one], x[other] = rotated(x[one], x[other], cosines[first + k], sine)
        item += cuda.blockDim.x


def scale_block(x, scales, info, length):
    """Divide a matrix by its largest element, so that squares are neither too large nor too small."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    base, most, unfit = cuda.blockIdx.x * length, ELEMENT(0), ELEMENT(0)
    for k in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        size = pivot_size(x[base + k])
        if size != size:
            unfit = ELEMENT(-NAN)
        elif size == ELEMENT(inf):
            unfit = max(unfit, ELEMENT(-INFINITE))
        elif size > most:
            most = size
    most, unfit = block_largest(most, partial), block_largest(unfit, partial)
    if cuda.threadIdx.x == 0:
        scales[cuda.blockIdx.x] = ELEMENT(nan) if unfit > 0 else most
        info[cuda.blockIdx.x] = -int(unfit)
    if most > 0:
        for k in range(cuda.threadIdx.x, length, cuda.blockDim.x):
            x[base + k] = joined(x[base + k].real / most, x[base + k].imag / most)


def orthogonal_block(x, v, info, cosines, sines, m, n, players, tolerance, floor, wanted):
    """The columns of a matrix become orthogonal, and if it is `wanted` V, which was 1, the product of the rotations. A warp finds
    the angle of a pair. (With `range` for `while` it takes 185 registers.)"""
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, matrix, pairs = cuda.threadIdx.x, cuda.blockIdx.x, players // 2
    lines, own, first, sweep, turned = matrix * n * m, matrix * n * n, matrix * pairs, 0, ELEMENT(1)
    tolerance, floor = ELEMENT(tolerance), ELEMENT(floor)
    if info[matrix] != 0:
        return
    while turned > 0 and sweep < SWEEPS:
        turned = ELEMENT(0)
        for turn in range(players - 1):
            k = t // WARP
            while k < pairs:
                p, q = opponents(turn, k, players)
                alpha, beta, real, imag = ELEMENT(0), ELEMENT(0), ELEMENT(0), ELEMENT(0)
                i = t % WARP
                while i < m and p < n:  # one of an odd number has nobody to meet
                    a, b = x[lines + p * m + i], x[lines + q * m + i]
                    alpha += a.real * a.real + a.imag * a.imag
                    beta += b.real * b.real + b.imag * b.imag
                    product = a.conjugate() * b
                    real += product.real
                    imag += product.imag
                    i += WARP
                alpha, beta, real, imag = warp_sum(alpha), warp_sum(beta), warp_sum(real), warp_sum(imag)
                size = math.sqrt(real * real + imag * imag)
                cosine, sine = ELEMENT(1), joined(ELEMENT(0), ELEMENT(0))
                if size > tolerance * math.sqrt(alpha) * math.sqrt(beta) + floor:
                    cosine, tilt = rotation(alpha, beta, size)
                    sine, turned = joined(tilt * (real / size), tilt * (imag / size)), ELEMENT(1)
                if t % WARP == 0:
                    cosines[first + k], sines[first + k] = cosine, sine
                k += cuda.blockDim.x // WARP
            cuda.syncthreads()
            rotate_columns(x, lines, m, cosines, sines, first, turn, players)
            if wanted:
                rotate_columns(v, own, n, cosines, sines, first, turn, players)
            cuda.syncthreads()
        turned = block_sum(turned, partial)
        sweep += 1
    if t == 0 and turned > 0:
        info[matrix] = SWEEPS


def diagonal_block(a, v, info, cosines, sines, n, players, tolerance, wanted):
    """A Hermitian matrix, players x players, becomes diagonal, and if it is `wanted` V, which was 1, the product of rotations."""
    partial = cuda.shared.array(WARPS, ELEMENT)
    t, matrix, pairs = cuda.threadIdx.x, cuda.blockIdx.x, players // 2
    base, own, first = matrix * players * players, matrix * n * n, matrix * pairs
    sweep, turned = 0, ELEMENT(1)
    if info[matrix] != 0:
        return
    limit = ELEMENT(0)
    for k in range(t, players * players, cuda.blockDim.x):
        value = a[base + k]
        limit += value.real * value.real + value.imag * value.imag
    limit = ELEMENT(tolerance) * math.sqrt(block_sum(limit, partial))
    while turned > 0 and sweep < SWEEPS:
        turned = ELEMENT(0)
        for turn in range(players - 1):
            for k in range(t, pairs, cuda.blockDim.x):
                p, q = opponents(turn, k, players)
                corner, cosine, sine = a[base + p * players + q], ELEMENT(1), joined(ELEMENT(0), ELEMENT(0))
                size = math.sqrt(corner.real * corner.real + corner.imag * corner.imag)
                if size > limit:
                    alpha, beta = a[base + p * (players + 1)].real, a[base + q * (players + 1)].real
                    cosine, tilt = rotation(alpha, beta, size)
                    sine = joined(tilt * (corner.real / size), tilt * (corner.imag / size))
                    turned = ELEMENT(1)
                cosines[first + k], sines[first + k] = cosine, sine
            cuda.syncthreads()
            # A thread has where two rows and two columns meet.
            for item in range(t, pairs * pairs, cuda.blockDim.x):
                k, c = split(item, pairs)
                down, across = sines[first + k], sines[first + c]
                if abs(down.real) + abs(down.imag) + abs(across.real) + abs(across.imag) > 0:
                    p, q = opponents(turn, k, players)
                    r, s = opponents(turn, c, players)
                    one, other = base + p * players, base + q * players
                    cosine, down = cosines[first + k], down.conjugate()
                    if k == c:
                        # What the diagonal loses or wins is small: it keeps more digits so than as a product.
                        shift = (down * a[one + q]).real / cosine
                        a[one + p], a[other + q] = a[one + p].real - shift, a[other + q].real + shift
                        a[one + q] = a[other + p] = 0
                    else:
                        pr, qr = rotated(a[one + r], a[other + r], cosine, down)
                        ps, qs = rotated(a[one + s], a[other + s], cosine, down)
                        a[one + r], a[one + s] = rotated(pr, ps, cosines[first + c], across)
                        a[other + r], a[other + s] = rotated(qr, qs, cosines[first + c], across)
            if wanted:
                rotate_columns(v, own, n, cosines, sines, first, turn, players)
            cuda.syncthreads()
        turned = block_sum(turned, partial)
        sweep += 1
    if t == 0 and turned > 0:
        info[matrix] = SWEEPS


def hermitian_grid(out, a, n, players, upper, count):
    """Hermitian matrices from one triangle of each, with rows and columns of zeros behind."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        row, j = split(k, players)
        matrix, i = split(row, players)
        base = matrix * n * n
        if i >= n or j >= n:
            out[k] = 0
        elif i == j:
            out[k] = a[base + i * n + i].real
        elif (i < j) == (upper != 0):
            out[k] = a[base + i * n + j]
        else:
            out[k] = a[base + j * n + i].conjugate()


def norms_grid(norms, x, scales, m, n, count):
    """The norms of columns: a warp has one."""
    for k in range(cuda.grid(1) // WARP, count, cuda.gridsize(1) // WARP):
        total, i = scales[k // n] - scales[k // n], cuda.threadIdx.x % WARP
        while i < m:
            value = x[k * m + i]
            total += value.real * value.real + value.imag * value.imag
            i += WARP
        total = warp_sum(total)
        if cuda.threadIdx.x % WARP == 0:
            norms[k] = math.sqrt(total) * scales[k // n]


def diagonal_grid(values, a, scales, n, players, count):
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, i = split(k, n)
        values[k] = a[(matrix * players + i) * players + i].real * scales[matrix]


def order_grid(ordered, places, values, n, descending, count):
    """The values of each matrix in their order, and the place of each; equal ones, and NaN, keep their order."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        matrix, j = split(k, n)
        value, place = values[k], 0
        for i in range(n):
            other = values[matrix * n + i]
            before, behind = other < value, other > value
            if descending:
                before, behind = behind, before
            if before or (i < j and not behind):
                place += 1
        ordered[matrix * n + place], places[k] = value, place


def place_grid(out, lines, places, m, n, count):
    """Lines of m numbers, each where its place is among the n of its matrix."""
    for k in range(cuda.grid(1), count, cuda.gridsize(1)):
        line, i = split(k, m)
        out[(line // n * n + places[line]) * m + i] = lines[k]


scale = variants("scale", scale_block)
orthogonal = variants("orthogonal", orthogonal_block)
diagonal = variants("diagonal", diagonal_block)


# ---- matrices: lines, (count, n, m), are their columns ----


def scaled(x: DeviceArray) -> tuple[DeviceArray, DeviceArray]:
    """The largest elements of matrices, which are divided by them, and info; NaN where a matrix has numbers that are none."""
    scales, info = like(x, (len(x),), real_of(x.dtype)), like(x, (len(x),), "i4")
    length = x.shape[1] * x.shape[2]
    kernel = compiled(scale.of(x.dtype), x.dtype, scales.dtype, "i4", int)
    if len(x):
        kernel(len(x), threads_of(length), x, scales, info, length)
    return scales, info


def made_orthogonal(
    x: DeviceArray, scales: DeviceArray, info: DeviceArray, vectors: bool
) -> tuple[DeviceArray, ...]:
    """U S in place of X = U S Vᴴ, and S, descending and times the scales, and the lines of V, if `vectors`."""
    count, n, m = x.shape
    v, norms = identity(x, n if vectors else 0), like(x, (count, n), scales.dtype)
    if x.size:
        players, limits, kinds = n + n % 2, np.finfo(scales.dtype), (scales.dtype, x.dtype)
        cosines, sines = (like(x, (count, players // 2), kind) for kind in kinds)
        kernel = compiled(
            orthogonal.of(x.dtype), x.dtype, x.dtype, "i4", *kinds, *[int] * 3, float, float, int
        )
        tolerance, floor = float(limits.eps) * math.sqrt(m), math.sqrt(float(limits.smallest_normal))
        some = (tolerance, floor, int(vectors))
        kernel(count, threads_of(n * m), x, v, info, cosines, sines, m, n, players, *some)
        kernel = compiled(norms_grid, norms.dtype, x.dtype, norms.dtype, int, int, int)
        kernel(*grid_stride(count * n * WARP), norms, x, scales, m, n, count * n)
    values, places = _ordered(norms, True)
    return values, *[_placed(lines, places) for lines in ((x, v) if vectors else ())]


def made_diagonal(a: DeviceArray, triangle: str, vectors: bool) -> tuple[DeviceArray, ...]:
    """The eigenvalues of Hermitian matrices (count, n, n), ascending, the lines of their vectors, if `vectors`, and info."""
    count, n, _ = a.shape
    players = n + n % 2
    whole = like(a, (count, players, players))
    launch = launcher(hermitian_grid, a.dtype, a.dtype, *[int] * 4)
    launch(whole, a, n, players, int(triangle == "U"), whole.size)
    scales, info = scaled(whole)
    v, values = identity(a, n if vectors else 0), like(a, (count, n), scales.dtype)
    if a.size:
        cosines, sines = like(a, (count, players // 2), scales.dtype), like(a, (count, players // 2))
        kernel = compiled(
            diagonal.of(a.dtype), a.dtype, a.dtype, "i4", scales.dtype, a.dtype, int, int, float, int
        )
        tolerance = float(np.finfo(scales.dtype).eps) / n
        kernel(count, threads_of(n * n), whole, v, info, cosines, sines, n, players, tolerance, int(vectors))
        launch = launcher(diagonal_grid, values.dtype, a.dtype, values.dtype, *[int] * 3)
        launch(values, whole, scales, n, players, values.size)
    values, places = _ordered(values, False)
    return values, *([_placed(v, places)] if vectors else ()), info


def _ordered(values: DeviceArray, descending: bool) -> tuple[DeviceArray, DeviceArray]:
    ordered, places = like(values, values.shape), like(values, values.shape, "i8")
    launch = launcher(order_grid, values.dtype, "i8", values.dtype, *[int] * 3)
    launch(ordered, places, values, values.shape[1], int(descending), values.size)
    return ordered, places


def _placed(lines: DeviceArray, places: DeviceArray) -> DeviceArray:
    n, m = lines.shape[1:]
    out = like(lines, lines.shape)
    launcher(place_grid, out.dtype, out.dtype, "i8", *[int] * 3)(out, lines, places, m, n, out.size)
    return out
