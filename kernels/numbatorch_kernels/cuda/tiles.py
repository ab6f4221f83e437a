"""Matrix products on CUDA, wherever their operands come from: gemm/cuda.py and conv.py make kernels of `product`.

    the threads bring DEPTH columns of the left         +-------+
    operand, and rows of the right one, into            | right |  DEPTH x TILE
    shared memory; then each adds up                    +-------+
    ACROSS x ACROSS products from there; and so    +----+-------+
    on along k                                     |left|  out  |
                                                   +----+-------+
                                              TILE x DEPTH

A block is SIDE x SIDE threads, its tile of the result ACROSS times as high and wide. Sums are in registers, operands come
from shared memory four at a time: 4 reads for 64 multiplications, where ACROSS is 8. Shared memory has two pieces of each
operand: while one is multiplied, the next is on its way, through registers, into the other, so there is one barrier a piece.
Rows of a piece are PITCH apart: what neighbouring threads write then lies in different banks. Tiles go beyond the edges of
the matrices, where zeros stand in.

Where there are too few tiles for all multiprocessors, k is cut into parts, whose sums go to scratch memory, and a second
kernel adds them up: in the same order every time.

Source: NVIDIA's CUTLASS; V. Volkov, J. Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy import int32

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.half import from_bfloat16, from_float16, to_bfloat16, to_float16
from numbatorch_kernels.cuda.launch import compiled, grid_stride
from numbatorch_kernels.cuda.variants import with_globals
from numbatorch_kernels.cuda.wide import load4, raw

# SIDE, DEPTH and ACROSS of the kernels
GPU_SMALL, GPU_LARGE = (16, 8, 4), (16, 8, 8)
SMALL, LARGE = ((4, 4, 4), (4, 4, 4)) if compat.SIMULATED else (GPU_SMALL, GPU_LARGE)
SHARE = 64 * SMALL[1]  # of k, that a part should have at least

# What `geometry` begins with; behind it is what the operands need. The last two are the strides along k, as far as `lane` cares.
GROUPS, ROWS, COLUMNS, LENGTH, PARTS, PART, LEFT_INNER, RIGHT_INNER, HEAD = range(9)


@device_function
def same(x):
    """What is stored is what is computed with."""
    return x


# Globals of `product` and of what it calls; each kernel has its own. These say what an operand is:
left_lane = right_lane = (
    same  # of the geometry's LEFT_INNER or RIGHT_INNER: which line and k a thread brings first
)
left_of = right_of = (
    same  # (geometry, group, line, k): what of them is needed to find the elements that a thread brings
)
left = right = same  # (table, geometry, that, k, e): where the e-th of these is, k further on
HOLES = False  # whether some of the right ones are nowhere, but zeros: at -1
rows_of = same  # (geometry, group): where the rows of the result begin and how far apart they are; the same of the bias
column_of = same  # (geometry, column): how far into a row it is, of the result and of the bias
# These follow from its type: what is computed with, how it is made of what is in memory, and the way back;
ELEMENT, load, store = np.float32, same, same
# and these from the size of a tile. From one element that a thread brings to the next it is LINES lines; for the right
# operand RIGHT_LINES columns, or RIGHT_STEP along k.
SIDE, DEPTH, ACROSS = SMALL
TILE, THREADS = SIDE * ACROSS, SIDE * SIDE
LINES, EACH, PITCH, SUMS = THREADS // DEPTH, TILE * DEPTH // THREADS, TILE + 4, ACROSS * ACROSS
PIECE, PIECES, RIGHT_LINES, RIGHT_STEP = DEPTH * PITCH, 2 * DEPTH * PITCH, LINES, 0
MAY_CUT = True  # where tiles are large, there are enough of them
INDEX = np.int64  # of large tiles int32, and the arrays are small enough for that: registers are few


def lane(inner):
    """Line and k of a thread whose elements are LINES lines apart: its neighbours' are neighbours in memory."""
    t = cuda.threadIdx.x
    if inner == 1:  # k is
        return int32(t // DEPTH), int32(t % DEPTH)
    return int32(t % LINES), int32(t // LINES)


def lane_along(inner):
    """The same where they are of one line: RIGHT_STEP apart along k."""
    t = cuda.threadIdx.x
    return int32(t % TILE), int32(t // TILE)


def multiply(lefts, rights, piece, sums):
    """Add the products of a piece. (A while-loop, because of `range` the compiler makes a counter of 64 bits.)"""
    x = cuda.local.array(ACROSS, ELEMENT)
    y = cuda.local.array(ACROSS, ELEMENT)
    end = int32(piece + PIECE)
    while piece < end:
        for c in range(0, ACROSS, 4):
            x[c], x[c + 1], x[c + 2], x[c + 3] = load4(lefts, piece + cuda.threadIdx.x // SIDE * 4 + c * SIDE)
            y[c], y[c + 1], y[c + 2], y[c + 3] = load4(rights, piece + cuda.threadIdx.x % SIDE * 4 + c * SIDE)
        for r in range(ACROSS):
            for c in range(ACROSS):
                sums[r * ACROSS + c] += x[r] * y[c]
        piece = int32(piece + PITCH)


def tile_of(geometry):
    """Which tile a block has: its group, part of k, first row and first column."""
    across = (geometry[COLUMNS] + TILE - 1) // TILE
    tiles = (geometry[ROWS] + TILE - 1) // TILE * across
    tile, rest = cuda.blockIdx.x % tiles, cuda.blockIdx.x // tiles
    return rest // geometry[PARTS], rest % geometry[PARTS], tile // across * TILE, tile % across * TILE


def keep(out, scratch, bias, geometry, alpha, beta, sums):
    """Store the thread's elements: alpha sums + beta bias, or, of a part, the sums."""
    group, part, i0, j0 = tile_of(geometry)
    i0 += cuda.threadIdx.x // SIDE * 4
    j0 += cuda.threadIdx.x % SIDE * 4
    rows, columns = geometry[ROWS], geometry[COLUMNS]
    cut = MAY_CUT and geometry[PARTS] > 1
    first = (part * geometry[GROUPS] + group) * rows
    begin, step, bias_begin, bias_step = rows_of(geometry, group)
    for c in range(ACROSS):
        j = j0 + c // 4 * SIDE * 4 + c % 4
        place, bias_place = column_of(geometry, j)
        for r in range(ACROSS):
            i = i0 + r // 4 * SIDE * 4 + r % 4
            if i < rows and j < columns:
                if cut:
                    scratch[(first + i) * columns + j] = sums[r * ACROSS + c]
                else:
                    value = ELEMENT(alpha) * sums[r * ACROSS + c]
                    if beta != 0:
                        value += ELEMENT(beta) * load(bias[INDEX(bias_begin + i * bias_step + bias_place)])
                    out[INDEX(begin + i * step + place)] = store(value)


def product(out, scratch, a, b, bias, table, geometry, alpha, beta):
    """out = alpha a @ b + beta bias, for each group; bias is not read where beta is 0."""
    lefts = raw(cuda.shared.array(PIECES, ELEMENT, 16))
    rights = raw(cuda.shared.array(PIECES, ELEMENT, 16))
    sums = cuda.local.array(SUMS, ELEMENT)
    p = cuda.local.array(EACH, ELEMENT)
    q = cuda.local.array(EACH, ELEMENT)
    zero = ELEMENT(0)
    group, part, i0, j0 = tile_of(geometry)
    i, left_k = left_lane(geometry[LEFT_INNER])
    j, right_k = right_lane(geometry[RIGHT_INNER])
    rows, columns = int32(min(geometry[ROWS] - i0, TILE) - i), int32(min(geometry[COLUMNS] - j0, TILE) - j)
    begin = part * geometry[PART]
    length = int32(min(geometry[PART], geometry[LENGTH] - begin))
    of_left = left_of(geometry, group, i0 + i, begin + left_k)
    of_right = right_of(geometry, group, j0 + j, begin + right_k)
    to_left, to_right = int32(left_k * PITCH + i), int32(right_k * PITCH + j)
    for s in range(SUMS):
        sums[s] = zero
    k = int32(0)
    piece, full = int32(0), int32(-1)  # the one that is filled, and the one that is
    while k < length + DEPTH:
        if k < length:
            for e in range(EACH):
                p[e], q[e] = zero, zero
                if e * LINES < rows and k + left_k < length:
                    p[e] = load(a[left(table, geometry, of_left, k, e)])
                if e * RIGHT_LINES < columns and k + right_k + e * RIGHT_STEP < length:
                    at = right(table, geometry, of_right, k + e * RIGHT_STEP, e)
                    if at >= 0 or not HOLES:
                        q[e] = load(b[at])
        if full >= 0:
            multiply(lefts, rights, full, sums)
        if k < length:
            for e in range(EACH):
                lefts[piece + to_left + e * LINES] = p[e]
                rights[piece + to_right + e * (RIGHT_LINES + RIGHT_STEP * PITCH)] = q[e]
        cuda.syncthreads()
        k = int32(k + DEPTH)
        full, piece = piece, int32(PIECE - piece)
    keep(out, scratch, bias, geometry, alpha, beta, sums)


def gather(out, scratch, bias, geometry, alpha, beta, n):
    """out = alpha times the sum of the parts + beta bias."""
    rows, columns = geometry[ROWS], geometry[COLUMNS]
    for index in range(cuda.grid(1), n, cuda.gridsize(1)):
        total = ELEMENT(0)
        for part in range(geometry[PARTS]):
            total += scratch[part * n + index]
        row, j = split(index, columns)
        group, i = split(row, rows)
        begin, step, bias_begin, bias_step = rows_of(geometry, group)
        place, bias_place = column_of(geometry, j)
        value = ELEMENT(alpha) * total
        if beta != 0:
            value += ELEMENT(beta) * load(bias[bias_begin + i * bias_step + bias_place])
        out[begin + i * step + place] = store(value)


# ---- kernels of these two texts ----

HALVES = {"f2": (from_float16, to_float16), "u2": (from_bfloat16, to_bfloat16)}  # uint16 is bfloat16


class Kernels(NamedTuple):
    """For elements of one type."""

    large: FunctionType
    small: FunctionType
    gather: FunctionType
    code: str


def product_of(code: str, operands: dict[str, Any], tile: tuple[int, int, int]) -> FunctionType:
    """`product` for elements of a type, of operands that are given as the functions above are, by their names."""
    side, depth, across = tile
    threads, pitch = side * side, side * across + 4
    sizes: dict[str, Any] = {
        "SIDE": side, "DEPTH": depth, "ACROSS": across, "TILE": side * across, "THREADS": threads,
        "LINES": threads // depth, "EACH": side * across * depth // threads, "PITCH": pitch, "SUMS": across * across,
        "PIECE": depth * pitch, "PIECES": 2 * depth * pitch, "RIGHT_LINES": threads // depth, "RIGHT_STEP": 0,
        "MAY_CUT": across == SMALL[2], "INDEX": np.int64 if across == SMALL[2] else np.int32,
    }  # fmt: skip
    if operands["right_lane"] is lane_along:
        sizes |= {"HOLES": True, "RIGHT_LINES": 0, "RIGHT_STEP": threads // (side * across)}
    return _specialised(
        product, code, sizes, operands | {"multiply": multiply, "tile_of": tile_of, "keep": keep}
    )


def _specialised(
    text: Callable, code: str, sizes: dict[str, Any], functions: dict[str, Callable]
) -> FunctionType:
    load, store = HALVES.get(code, (same, same))
    element = np.float32 if code in HALVES else np.dtype(code).type
    names: dict[str, Any] = {"ELEMENT": element, "load": load, "store": store, **sizes}
    for name, function in functions.items():
        names[name] = device_function(with_globals(function, names))
    return with_globals(text, names | {"__name__": functions["rows_of"].__module__})


def kernels(name: str, code: str, operands: dict[str, Any], large: tuple[int, int, int] = SMALL) -> Kernels:
    """The kernels for elements of a type, of which the operands' module calls the tuple `name`. A `large` tile is for those
    that find registers enough for it."""
    small = product_of(code, operands, SMALL)
    result = Kernels(
        small if large == SMALL else product_of(code, operands, large),
        small,
        _specialised(gather, code, {}, {key: operands[key] for key in ("rows_of", "column_of")}),
        code,
    )
    for key in ("large", "small", "gather"):
        getattr(result, key).__qualname__ = f"{name}.{key}"
    return result


def run(
    of: Kernels, out, a, b, bias, table, sizes: tuple[int, int, int, int], numbers: list[int], alpha=1, beta=1
) -> None:
    """Compute `out`. `sizes` are the groups, rows, columns and length of k; `numbers` the geometry from LEFT_INNER on."""
    groups, rows, columns, length = sizes
    processors = compat.multiprocessors(out.device)

    def tiles(size: tuple[int, int, int]) -> int:
        tile = size[0] * size[2]
        return groups * -(-rows // tile) * -(-columns // tile)

    narrow = max(x.buffer.nbytes // x.itemsize for x in (out, a, b, bias)) < 1 << 31
    is_large = of.large is not of.small and narrow and tiles(LARGE) >= processors
    side, depth, _ = size = LARGE if is_large else SMALL
    blocks = tiles(size)
    parts = max(
        min(length // SHARE, -(-2 * processors // blocks)) if blocks < processors else 1, length >> 30
    )
    part = -(-length // max(parts, 1) // depth) * depth or 1
    parts = max(1, -(-length // part))
    geometry = np.array([*sizes, parts, part, *numbers], np.int64)
    element = np.dtype(np.float32 if of.code in HALVES else of.code)
    number = from_dtype(element)
    factors = np.array([alpha, beta]).astype(element)
    scratch = (
        out if parts == 1 else DeviceArray.empty((parts * groups * rows * columns,), element, out.device)
    )
    entry = compiled(
        of.large if is_large else of.small, of.code, element, *[of.code] * 3, "i8", "i8", number, number
    )
    entry(parts * blocks, side * side, out, scratch, a, b, bias, table, geometry, *factors)
    if parts > 1:
        n = groups * rows * columns
        entry = compiled(of.gather, of.code, element, of.code, "i8", number, number, int)
        entry(*grid_stride(n), out, scratch, bias, geometry, *factors, n)
