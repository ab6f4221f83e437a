"""The kernels of ../attention on CUDA: a block of SIDE x SIDE threads takes TILE queries (or keys) and meets the keys
(or queries) TILE at a time. Thread (row, column) has ACROSS x ACROSS scores of each meeting, and of the result the same
rows and PARTS times ACROSS features, all in registers.

    scores        out of slices of q and k in shared memory, DEPTH features at a time, each number that a thread reads there
                  used ACROSS times
    maxima, sums  of a row of scores: the threads of the row are neighbours in a warp, and shuffle
    the result    weights, which are in shared memory for all threads of the row to read, times slices of v, DEPTH keys at a
                  time: at most FEATURES wide, beyond which another block computes the same scores for the features left

There is room for two slices: while one is multiplied, the next is on its way into the other.

The gradient is two kernels: one for dq, by queries, one for dv and then dk, by keys; so nothing is added up
atomically.

Source: T. Dao, "FlashAttention-2", arXiv:2307.08691.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp, inf, log
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy import int32

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.fetch import arrived, fetch
from numbatorch_kernels.cuda.launch import Kernel, compiled
from numbatorch_kernels.cuda.variants import ByDtype, copies, with_globals
from numbatorch_kernels.cuda.warp import largest_of, sum_of
from numbatorch_kernels.cuda.wide import load4, raw

SIDE, DEPTH = (4, 4) if compat.SIMULATED else (16, 16)
THREADS = SIDE * SIDE
WAVES = 16  # blocks for each multiprocessor


def four(numbers, memory, i):
    """Neighbours in shared memory, as many as ACROSS."""
    numbers[0], numbers[1], numbers[2], numbers[3] = load4(memory, i)


def two(numbers, memory, i):
    numbers[0], numbers[1] = memory[i], memory[i + 1]


# Each kernel has its own: the type of its numbers, how many rows a thread has, and of the result how many times as many
# features; and what follows from these.
ELEMENT: Any = np.float32
ACROSS, PARTS, several = 4, 2, four
TILE, PITCH, FEATURES, RIGHT, LINES, EACH, BRINGS = 0, 0, 0, 0, 0, 0, 0
SCORES, RESULTS, WEIGHTS, SLICE, SLICES = 0, 0, 0, 0, 0

# What `geometry` begins with, five of which a block finds for itself: of what it takes, its first row and feature too. Then
# the strides of batch, heads, rows and features of the arrays, in the order of the kernel's arguments.
HEADS, GROUP, QUERIES, KEYS, WIDTH, VALUES, MASKED, CAUSAL, OF_KEYS = range(9)
BATCH, HEAD, KEY_HEAD, FIRST, SLAB, SIZES = range(9, 15)
GEOMETRY = SIZES + 4 * 7  # of the kernel with the most arrays


@device_function
def bring(given, geometry, count):
    """Copy `count` numbers into shared memory: what is read from there between barriers takes no registers."""
    for n in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        geometry[n] = given[n]
    cuda.syncthreads()


@device_function
def begin(geometry, array, head, row):
    """Where a row of a head begins in the array with this number."""
    strides = SIZES + 4 * array
    return geometry[BATCH] * geometry[strides] + head * geometry[strides + 1] + row * geometry[strides + 2]


def take(geometry, block, rows, width, heads, group):
    """Note in `geometry` what a block takes: of so many rows and features, and heads, of which a group has keys in common."""
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        rest, slab = split(block, (width + FEATURES - 1) // FEATURES)
        rest, first = split(rest, (rows + TILE - 1) // TILE)
        geometry[SLAB], geometry[FIRST] = slab * FEATURES, first * TILE
        geometry[BATCH], geometry[HEAD] = split(rest, heads)
        geometry[KEY_HEAD], _ = split(geometry[HEAD], group)
    cuda.syncthreads()


def end_of_keys(geometry):
    """Behind the last key that a block of queries sees."""
    end = geometry[KEYS]
    return min(end, geometry[FIRST] + TILE) if geometry[CAUSAL] else end


def multiply(
    scores, slices, a, a_begin, a_row, a_feature, a_rows, b, b_begin, b_row, b_feature, b_rows, width, zero
):
    """scores = Σ a[row] b[column], of two tiles of rows. (While-loops, because of `range` the compiler makes counters of 64
    bits; to ends that it does not know, so that it does not write them out: registers are few.)"""
    x, y = cuda.local.array(ACROSS, ELEMENT), cuda.local.array(ACROSS, ELEMENT)
    row, column = int32(cuda.threadIdx.x // SIDE * ACROSS), int32(cuda.threadIdx.x % SIDE * ACROSS)
    line, feature = int32(cuda.threadIdx.x // DEPTH), int32(cuda.threadIdx.x % DEPTH)
    to = int32(feature * PITCH + line)
    a_lines, b_lines = int32(min(TILE, a_rows) - line), int32(min(TILE, b_rows) - line)
    a_at, b_at = a_begin + line * a_row + feature * a_feature, b_begin + line * b_row + feature * b_feature
    for n in range(SCORES):
        scores[n] = zero
    left: Any = int32(width)
    full, free = int32(-1), int32(0)  # the slice that is there, and where the next one goes
    while left > -DEPTH:
        arrived()
        cuda.syncthreads()
        if left > 0:
            for e in range(EACH):
                inside, place = feature < left, free + to + e * LINES
                fetch(slices, place, a, a_at + e * LINES * a_row, inside and e * LINES < a_lines)
                fetch(slices, place + RIGHT, b, b_at + e * LINES * b_row, inside and e * LINES < b_lines)
        if full >= 0:
            at, end = full, int32(full + min(DEPTH, left + DEPTH) * PITCH)
            while at < end:
                several(x, slices, at + row)
                several(y, slices, at + RIGHT + column)
                for m in range(ACROSS):
                    for n in range(ACROSS):
                        scores[m * ACROSS + n] += x[m] * y[n]
                at = int32(at + PITCH)
        full, free = free, int32(SLICE - free)
        left, a_at, b_at = int32(left - DEPTH), a_at + DEPTH * a_feature, b_at + DEPTH * b_feature
    cuda.syncthreads()


def add_product(sums, weights, slices, b, b_begin, b_row, b_feature, b_rows, slab, width, zero):
    """sums += Σ weights[step, row] b[step, slab + feature], of a tile of steps."""
    x, y = cuda.local.array(ACROSS, ELEMENT), cuda.local.array(ACROSS, ELEMENT)
    row, column = int32(cuda.threadIdx.x // SIDE * ACROSS), int32(cuda.threadIdx.x % SIDE * ACROSS)
    line, feature = int32(cuda.threadIdx.x // FEATURES), int32(cuda.threadIdx.x % FEATURES)
    known, b_at = slab + feature < width, b_begin + line * b_row + (slab + feature) * b_feature
    left: Any = int32(min(TILE, b_rows))
    at, full, free = row, int32(-1), int32(0)
    while left > -DEPTH:
        arrived()
        cuda.syncthreads()
        if left > 0:
            for e in range(BRINGS):
                inside, place = line + e * (THREADS // FEATURES) < left, free + cuda.threadIdx.x + e * THREADS
                fetch(slices, place, b, b_at + e * (THREADS // FEATURES) * b_row, known and inside)
        if full >= 0:
            place, end = int32(full + column), int32(full + min(DEPTH, left + DEPTH) * FEATURES)
            while place < end:
                several(x, weights, at)
                for part in range(PARTS):
                    several(y, slices, place + part * TILE)
                    for m in range(ACROSS):
                        for n in range(ACROSS):
                            sums[(part * ACROSS + m) * ACROSS + n] += x[m] * y[n]
                at, place = int32(at + PITCH), int32(place + FEATURES)
        full, free = free, int32(SLICE - free)
        left, b_at = int32(left - DEPTH), b_at + DEPTH * b_row
    cuda.syncthreads()


def keep(to, place, feature_step, sums, m, slab, width, factor):
    """to = factor times row m of the sums of a thread."""
    for part in range(PARTS):
        for n in range(ACROSS):
            feature = slab + part * TILE + cuda.threadIdx.x % SIDE * ACROSS + n
            if feature < width:
                to[place + feature * feature_step] = factor * sums[(part * ACROSS + m) * ACROSS + n]


def attention_block(out, lse, q, k, v, mask, given, scale, blocks):
    zero, one, lowest = ELEMENT(0), ELEMENT(1), ELEMENT(-inf)
    slices = raw(cuda.shared.array(SLICES, ELEMENT, 16))
    weights = raw(cuda.shared.array(WEIGHTS, ELEMENT, 16))
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    scores, sums = cuda.local.array(SCORES, ELEMENT), cuda.local.array(RESULTS, ELEMENT)
    largest, totals = cuda.shared.array(TILE, ELEMENT, 16), cuda.shared.array(TILE, ELEMENT, 16)
    bring(given, geometry, SIZES + 20)
    row, column = int32(cuda.threadIdx.x // SIDE * ACROSS), int32(cuda.threadIdx.x % SIDE * ACROSS)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        take(geometry, block, geometry[QUERIES], geometry[VALUES], geometry[HEADS], geometry[GROUP])
        for n in range(RESULTS):
            sums[n] = zero
        if column == 0:
            for m in range(ACROSS):
                largest[row + m], totals[row + m] = lowest, zero
        cuda.syncthreads()
        j0 = 0
        while j0 < end_of_keys(geometry):
            multiply(
                scores, slices, q, begin(geometry, 1, geometry[HEAD], geometry[FIRST]), geometry[SIZES + 6],
                geometry[SIZES + 7], geometry[QUERIES] - geometry[FIRST],
                k, begin(geometry, 2, geometry[KEY_HEAD], j0), geometry[SIZES + 10], geometry[SIZES + 11],
                geometry[KEYS] - j0, geometry[WIDTH], zero,
            )  # fmt: skip
            i, j = geometry[FIRST] + row, j0 + column
            down, across = int32(geometry[QUERIES] - i), int32(geometry[KEYS] - j)
            later = int32(i - j) if geometry[CAUSAL] else int32(ACROSS)
            right = geometry[SIZES + 19]
            bias = begin(geometry, 4, geometry[HEAD], i) + j * right
            for m in range(ACROSS):
                visible = min(across, int32(later + m + 1)) if m < down else int32(0)
                for n in range(ACROSS):
                    s = lowest
                    if n < visible:
                        s = scale * scores[m * ACROSS + n]
                        if geometry[MASKED]:
                            s += mask[bias + n * right]
                    scores[m * ACROSS + n] = s
                bias += geometry[SIZES + 18]
            for m in range(ACROSS):
                before, total = largest[row + m], zero
                most = before
                for n in range(ACROSS):
                    most = scores[m * ACROSS + n] if scores[m * ACROSS + n] > most else most
                most = largest_of(most, SIDE)
                shift = most if most > lowest else zero
                factor = exp(before - shift)
                for n in range(ACROSS):
                    weight = exp(scores[m * ACROSS + n] - shift)
                    total += weight
                    weights[(column + n) * PITCH + row + m] = weight
                total = sum_of(total, SIDE)
                if column == 0:
                    largest[row + m], totals[row + m] = most, factor * totals[row + m] + total
                for part in range(PARTS):
                    for n in range(ACROSS):
                        sums[(part * ACROSS + m) * ACROSS + n] *= factor
            cuda.syncthreads()
            add_product(
                sums, weights, slices, v, begin(geometry, 3, geometry[KEY_HEAD], j0), geometry[SIZES + 14],
                geometry[SIZES + 15], geometry[KEYS] - j0, geometry[SLAB], geometry[VALUES], zero,
            )  # fmt: skip
            j0 += TILE
        for m in range(ACROSS):
            i, total = geometry[FIRST] + row + m, totals[row + m]
            if i < geometry[QUERIES]:
                factor = one / total if total != zero else zero
                keep(out, begin(geometry, 0, geometry[HEAD], i), geometry[SIZES + 3], sums, m, geometry[SLAB],
                     geometry[VALUES], factor)  # fmt: skip
                if geometry[SLAB] == 0 and column == 0:
                    place = (geometry[BATCH] * geometry[HEADS] + geometry[HEAD]) * geometry[QUERIES] + i
                    lse[place] = largest[row + m] + log(total) if total != zero else zero


def inner_products(delta, grad, out, geometry, count):
    """delta = Σ_f grad out, for each query."""
    queries, heads = geometry[QUERIES], geometry[HEADS]
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        rest, i = split(index, queries)
        batch, head = split(rest, heads)
        x = batch * geometry[SIZES] + head * geometry[SIZES + 1] + i * geometry[SIZES + 2]
        y = batch * geometry[SIZES + 4] + head * geometry[SIZES + 5] + i * geometry[SIZES + 6]
        total = ELEMENT(0)
        for f in range(geometry[VALUES]):
            total += grad[x + f * geometry[SIZES + 3]] * out[y + f * geometry[SIZES + 7]]
        delta[index] = total


def attention_dq_block(dq, grad, q, k, v, lse, delta, mask, given, scale, blocks):
    zero = ELEMENT(0)
    slices = raw(cuda.shared.array(SLICES, ELEMENT, 16))
    weights = raw(cuda.shared.array(WEIGHTS, ELEMENT, 16))
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    scores, slopes = cuda.local.array(SCORES, ELEMENT), cuda.local.array(SCORES, ELEMENT)
    sums = cuda.local.array(RESULTS, ELEMENT)
    bring(given, geometry, SIZES + 24)
    row, column = int32(cuda.threadIdx.x // SIDE * ACROSS), int32(cuda.threadIdx.x % SIDE * ACROSS)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        take(geometry, block, geometry[QUERIES], geometry[WIDTH], geometry[HEADS], geometry[GROUP])
        for n in range(RESULTS):
            sums[n] = zero
        j0 = 0
        while j0 < end_of_keys(geometry):
            multiply(
                scores, slices, q, begin(geometry, 2, geometry[HEAD], geometry[FIRST]), geometry[SIZES + 10],
                geometry[SIZES + 11], geometry[QUERIES] - geometry[FIRST],
                k, begin(geometry, 3, geometry[KEY_HEAD], j0), geometry[SIZES + 14], geometry[SIZES + 15],
                geometry[KEYS] - j0, geometry[WIDTH], zero,
            )  # fmt: skip
            multiply(
                slopes, slices, grad, begin(geometry, 1, geometry[HEAD], geometry[FIRST]), geometry[SIZES + 6],
                geometry[SIZES + 7], geometry[QUERIES] - geometry[FIRST],
                v, begin(geometry, 4, geometry[KEY_HEAD], j0), geometry[SIZES + 18], geometry[SIZES + 19],
                geometry[KEYS] - j0, geometry[VALUES], zero,
            )  # fmt: skip
            i, j = geometry[FIRST] + row, j0 + column
            down, across = int32(geometry[QUERIES] - i), int32(geometry[KEYS] - j)
            later = int32(i - j) if geometry[CAUSAL] else int32(ACROSS)
            right = geometry[SIZES + 23]
            bias = begin(geometry, 5, geometry[HEAD], i) + j * right
            query = (geometry[BATCH] * geometry[HEADS] + geometry[HEAD]) * geometry[QUERIES] + i
            for m in range(ACROSS):
                for n in range(ACROSS):
                    ds = zero
                    if m < down and n < across and n - m <= later:
                        s = scale * scores[m * ACROSS + n]
                        if geometry[MASKED]:
                            s += mask[bias + n * right]
                        ds = scale * exp(s - lse[query + m]) * (slopes[m * ACROSS + n] - delta[query + m])
                    weights[(column + n) * PITCH + row + m] = ds
                bias += geometry[SIZES + 22]
            cuda.syncthreads()
            add_product(
                sums, weights, slices, k, begin(geometry, 3, geometry[KEY_HEAD], j0), geometry[SIZES + 14],
                geometry[SIZES + 15], geometry[KEYS] - j0, geometry[SLAB], geometry[WIDTH], zero,
            )  # fmt: skip
            j0 += TILE
        for m in range(ACROSS):
            i = geometry[FIRST] + row + m
            if i < geometry[QUERIES]:
                keep(dq, begin(geometry, 0, geometry[HEAD], i), geometry[SIZES + 3], sums, m, geometry[SLAB],
                     geometry[WIDTH], ELEMENT(1))  # fmt: skip


def attention_by_key_block(to, rows, grad, q, k, v, lse, delta, mask, given, scale, blocks):
    """to = pᵀ rows for dv, where `rows` is grad; if OF_KEYS to = dsᵀ rows for dk, where it is q. Here rows of scores
    are keys, and columns queries; a block takes a head of keys, and goes through all heads of queries that have it."""
    zero = ELEMENT(0)
    slices = raw(cuda.shared.array(SLICES, ELEMENT, 16))
    weights = raw(cuda.shared.array(WEIGHTS, ELEMENT, 16))
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    scores, slopes = cuda.local.array(SCORES, ELEMENT), cuda.local.array(SCORES, ELEMENT)
    sums = cuda.local.array(RESULTS, ELEMENT)
    bring(given, geometry, SIZES + 28)
    row, column = int32(cuda.threadIdx.x // SIDE * ACROSS), int32(cuda.threadIdx.x % SIDE * ACROSS)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        key_heads, _ = split(geometry[HEADS], geometry[GROUP])
        take(
            geometry,
            block,
            geometry[KEYS],
            geometry[WIDTH] if geometry[OF_KEYS] else geometry[VALUES],
            key_heads,
            1,
        )
        for n in range(RESULTS):
            sums[n] = zero
        head = geometry[KEY_HEAD] * geometry[GROUP]
        while head < (geometry[KEY_HEAD] + 1) * geometry[GROUP]:
            i0 = geometry[FIRST] if geometry[CAUSAL] else 0
            while i0 < geometry[QUERIES]:
                multiply(
                    scores, slices, k, begin(geometry, 4, geometry[KEY_HEAD], geometry[FIRST]), geometry[SIZES + 18],
                    geometry[SIZES + 19], geometry[KEYS] - geometry[FIRST],
                    q, begin(geometry, 3, head, i0), geometry[SIZES + 14], geometry[SIZES + 15],
                    geometry[QUERIES] - i0, geometry[WIDTH], zero,
                )  # fmt: skip
                if geometry[OF_KEYS]:
                    multiply(
                        slopes, slices, v, begin(geometry, 5, geometry[KEY_HEAD], geometry[FIRST]), geometry[SIZES + 22],
                        geometry[SIZES + 23], geometry[KEYS] - geometry[FIRST],
                        grad, begin(geometry, 2, head, i0), geometry[SIZES + 10], geometry[SIZES + 11],
                        geometry[QUERIES] - i0, geometry[VALUES], zero,
                    )  # fmt: skip
                j, i = geometry[FIRST] + row, i0 + column
                down, across = int32(geometry[KEYS] - j), int32(geometry[QUERIES] - i)
                later = int32(i - j) if geometry[CAUSAL] else int32(ACROSS)
                right = geometry[SIZES + 27]
                bias = begin(geometry, 6, head, i) + j * right
                query = (geometry[BATCH] * geometry[HEADS] + head) * geometry[QUERIES] + i
                for n in range(ACROSS):
                    for m in range(ACROSS):
                        p = zero
                        if m < down and n < across and m - n <= later:
                            s = scale * scores[m * ACROSS + n]
                            if geometry[MASKED]:
                                s += mask[bias + m * right]
                            p = exp(s - lse[query + n])
                            if geometry[OF_KEYS]:
                                p *= scale * (slopes[m * ACROSS + n] - delta[query + n])
                        weights[(column + n) * PITCH + row + m] = p
                    bias += geometry[SIZES + 26]
                cuda.syncthreads()
                add_product(
                    sums, weights, slices, rows, begin(geometry, 1, head, i0), geometry[SIZES + 6], geometry[SIZES + 7],
                    geometry[QUERIES] - i0, geometry[SLAB],
                    geometry[WIDTH] if geometry[OF_KEYS] else geometry[VALUES], zero,
                )  # fmt: skip
                i0 += TILE
            head += 1
        for m in range(ACROSS):
            j = geometry[FIRST] + row + m
            if j < geometry[KEYS]:
                keep(to, begin(geometry, 0, geometry[KEY_HEAD], j), geometry[SIZES + 3], sums, m, geometry[SLAB],
                     geometry[WIDTH] if geometry[OF_KEYS] else geometry[VALUES], ELEMENT(1))  # fmt: skip


# ---- a kernel of each text for each dtype: shared memory needs to know what it holds ----


class _Texts(NamedTuple):
    forward: FunctionType
    inner_products: FunctionType
    by_query: FunctionType
    by_key: FunctionType
    tile: int
    features: int


def _texts(name: str, element: type, across: int, parts: int, several: Callable) -> _Texts:
    """The kernels of which the tuple `name` consists."""
    tile = SIDE * across
    pitch, features = tile + 4, tile * parts
    names: dict[str, Any] = {
        "ELEMENT": element, "ACROSS": across, "PARTS": parts, "TILE": tile, "PITCH": pitch, "FEATURES": features,
        "SCORES": across * across, "RESULTS": across * across * parts, "WEIGHTS": tile * pitch,
        "SLICE": DEPTH * max(2 * pitch, features), "SLICES": 2 * DEPTH * max(2 * pitch, features), "RIGHT": DEPTH * pitch, "LINES": THREADS // DEPTH,
        "EACH": tile * DEPTH // THREADS, "BRINGS": features * DEPTH // THREADS, "several": device_function(several),
    }  # fmt: skip
    helpers: list[Callable] = [take, end_of_keys, multiply, add_product, keep]
    for helper in helpers:
        names[helper.__name__] = device_function(with_globals(helper, names))
    texts: list[Callable] = [attention_block, inner_products, attention_dq_block, attention_by_key_block]
    forward, inner, by_query, by_key = copies(_Texts, name, texts, names)
    return _Texts(forward, inner, by_query, by_key, tile, features)


kernels = ByDtype(
    f4=_texts("kernels.f4", np.float32, 4, 1 if compat.SIMULATED else 2, four),
    f8=_texts("kernels.f8", np.float64, 2, 2, two),
)


@cache
def _kernel(name: str, code: str, arrays: int) -> Kernel:
    """The kernel of this name for a dtype, which takes so many arrays before `geometry`."""
    number = from_dtype(np.dtype(code))
    more = (int,) if name == "inner_products" else (number, int)
    return compiled(getattr(kernels.of(np.dtype(code)), name), *[code] * arrays, "i8", *more)


def _launch(name: str, arrays: list, sizes: list[int], strided: list, scale: float, blocks: int) -> None:
    """`blocks` blocks of work for a kernel whose `geometry` has the strides of `strided`."""
    steps = [
        0 if size == 1 else stride // array.itemsize
        for array in strided
        for size, stride in zip(array.shape, array.strides)
    ]
    kernel = _kernel(name, arrays[0].dtype.str[1:], len(arrays))
    grid = min(blocks, WAVES * compat.multiprocessors(arrays[0].device))
    kernel(grid, THREADS, *arrays, np.array(sizes + steps, np.int64), scale, blocks)


def _sizes(
    q: DeviceArray, k: DeviceArray, v: DeviceArray, mask: DeviceArray | None, causal: bool
) -> list[int]:
    heads = q.shape[1]
    group = heads // k.shape[1]
    return [
        heads,
        group,
        q.shape[2],
        k.shape[2],
        q.shape[3],
        v.shape[3],
        int(mask is not None),
        int(causal),
    ] + [0] * 6


def _blocks(rows: DeviceArray, columns: DeviceArray) -> int:
    """How many blocks a head takes, of so many rows and features."""
    of = kernels.of(rows.dtype)
    return -(-rows.shape[2] // of.tile) * -(-columns.shape[3] // of.features)


def attention(out, lse, q, k, v, mask, scale, causal) -> None:
    """As on the CPU."""
    sizes, mask = _sizes(q, k, v, mask, causal), q if mask is None else mask
    blocks = q.shape[0] * q.shape[1] * _blocks(q, v)
    _launch("forward", [out, lse, q, k, v, mask], sizes, [out, q, k, v, mask], scale, blocks)


def attention_backward(dq, dk, dv, grad, q, k, v, out, lse, mask, scale, causal) -> None:
    """As on the CPU."""
    sizes, mask = _sizes(q, k, v, mask, causal), q if mask is None else mask
    delta = DeviceArray.empty(lse.shape, lse.dtype, lse.device)
    geometry = np.array(sizes + [stride // x.itemsize for x in (grad, out) for stride in x.strides], np.int64)
    kernel = _kernel("inner_products", q.dtype.str[1:], 3)
    grid = min(-(-lse.size // THREADS), WAVES * compat.multiprocessors(q.device))
    kernel(grid, THREADS, delta, grad, out, geometry, lse.size)
    arrays = [grad, q, k, v, lse, delta, mask]
    blocks = q.shape[0] * q.shape[1] * _blocks(q, q)
    _launch("by_query", [dq, *arrays], sizes, [dq, grad, q, k, v, mask], scale, blocks)
    for of_keys, (to, rows) in enumerate(((dv, grad), (dk, q))):
        sizes[OF_KEYS] = of_keys
        blocks = k.shape[0] * k.shape[1] * _blocks(k, to)
        strided = [to, rows, grad, q, k, v, mask]
        _launch("by_key", [to, rows, *arrays], sizes, strided, scale, blocks)
