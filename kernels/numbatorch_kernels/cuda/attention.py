"""The kernels of ../attention on CUDA: a block of TILE x TILE threads takes TILE queries (or keys) and meets the keys
(or queries) TILE at a time. Thread (row, column) has one score of each meeting, and of the result the features column,
column + TILE ... of its row.

    scores        out of tiles of q and k in shared memory, TILE features at a time
    maxima, sums  of a row of scores, which are in shared memory for all threads of the row to read
    the result    weights times a tile of v, in shared memory: at most FEATURES tiles wide, beyond which another block
                  computes the same scores for the features that are left

The gradient is two kernels: one for dq, by queries, one for dv and then dk, by keys; so nothing is added up
atomically.

Source: T. Dao, "FlashAttention-2", arXiv:2307.08691.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp, inf, log
from types import FunctionType

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import Kernel, compiled

TILE = 4 if compat.SIMULATED else 16
WIDE = TILE + 1  # of a tile in shared memory: threads of a warp read from different banks
AREA = TILE * WIDE
FEATURES = 2 if compat.SIMULATED else 8  # tiles of features that a block adds up
SUMS = FEATURES * TILE * TILE
WAVES = 16  # blocks for each multiprocessor
ELEMENT = np.float32  # of the dtype: each kernel has its own

# What `geometry` begins with; then the strides of batch, heads, rows and features of the arrays, in the order of the
# kernel's arguments.
HEADS, GROUP, QUERIES, KEYS, WIDTH, VALUES, MASKED, CAUSAL, OF_KEYS, SIZES = range(10)
GEOMETRY = SIZES + 4 * 7  # of the kernel with the most arrays


@device_function
def bring(given, geometry, count):
    """Copy `count` numbers into shared memory: what is read from there between barriers takes no registers."""
    for n in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        geometry[n] = given[n]
    cuda.syncthreads()


@device_function
def begin(geometry, array, batch, head):
    """Where a head begins in the array with this number."""
    return batch * geometry[SIZES + 4 * array] + head * geometry[SIZES + 4 * array + 1]


@device_function
def dot(a, a_begin, a_row, a_feature, a_rows, b, b_begin, b_row, b_feature, b_rows, width, left, right, zero):
    """Σ a[row] b[column], of two tiles of rows; rows from a_rows and b_rows on count as zeros."""
    row, column = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    total = zero
    for first in range(0, width, TILE):
        feature = first + column
        inside = feature < width
        left[row * WIDE + column] = (
            a[a_begin + row * a_row + feature * a_feature] if inside and row < a_rows else zero
        )
        right[row * WIDE + column] = (
            b[b_begin + row * b_row + feature * b_feature] if inside and row < b_rows else zero
        )
        cuda.syncthreads()
        for step in range(min(TILE, width - first)):
            total += left[row * WIDE + step] * right[column * WIDE + step]
        cuda.syncthreads()
    return total


@device_function
def add_product(sums, factor, weights, b, b_begin, b_row, b_feature, b_rows, first, width, right, zero):
    """sums = factor sums + weights b for the features first + column, first + column + TILE ..."""
    thread = cuda.threadIdx.x
    row, column = thread // TILE, thread % TILE
    for begin in range(first, min(width, first + FEATURES * TILE), TILE):
        feature, place = begin + column, (begin - first) * TILE + thread
        right[row * WIDE + column] = (
            b[b_begin + row * b_row + feature * b_feature] if feature < width and row < b_rows else zero
        )
        cuda.syncthreads()
        part = zero
        for step in range(min(TILE, b_rows)):
            part += weights[row * WIDE + step] * right[step * WIDE + column]
        sums[place] = factor * sums[place] + part
        cuda.syncthreads()


def attention_block(out, lse, q, k, v, mask, given, scale, blocks):
    zero, lowest = ELEMENT(0), ELEMENT(-inf)
    left = cuda.shared.array(AREA, ELEMENT)
    right = cuda.shared.array(AREA, ELEMENT)
    weights = cuda.shared.array(AREA, ELEMENT)
    sums = cuda.shared.array(SUMS, ELEMENT)
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    bring(given, geometry, SIZES + 20)
    row, column = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    heads, queries, keys, features = geometry[HEADS], geometry[QUERIES], geometry[KEYS], geometry[VALUES]
    down, slabs = (queries + TILE - 1) // TILE, (features + FEATURES * TILE - 1) // (FEATURES * TILE)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        slab, rest = block % slabs * FEATURES * TILE, block // slabs
        i0, head, batch = rest % down * TILE, rest // down % heads, rest // down // heads
        key_head, i = head // geometry[GROUP], i0 + row
        q_begin = begin(geometry, 1, batch, head) + i0 * geometry[SIZES + 6]
        k_begin, v_begin = begin(geometry, 2, batch, key_head), begin(geometry, 3, batch, key_head)
        for place in range(cuda.threadIdx.x, SUMS, TILE * TILE):
            sums[place] = zero
        largest, total, shift = lowest, zero, zero
        for j0 in range(0, min(keys, i0 + TILE) if geometry[CAUSAL] else keys, TILE):
            j = j0 + column
            s = scale * dot(
                q, q_begin, geometry[SIZES + 6], geometry[SIZES + 7], queries - i0,
                k, k_begin + j0 * geometry[SIZES + 10], geometry[SIZES + 10], geometry[SIZES + 11], keys - j0,
                geometry[WIDTH], left, right, zero,
            )  # fmt: skip
            if j >= keys or i >= queries or (geometry[CAUSAL] and j > i):
                s = lowest
            elif geometry[MASKED]:
                place = begin(geometry, 4, batch, head)
                s += mask[place + i * geometry[SIZES + 18] + j * geometry[SIZES + 19]]
            weights[row * WIDE + column] = s
            cuda.syncthreads()
            before = largest
            for step in range(TILE):
                other = weights[row * WIDE + step]
                largest = other if other > largest else largest
            shift = largest if largest > lowest else zero
            factor = exp(before - shift)
            cuda.syncthreads()
            weights[row * WIDE + column] = exp(s - shift)
            cuda.syncthreads()
            total *= factor
            for step in range(TILE):
                total += weights[row * WIDE + step]
            add_product(
                sums, factor, weights, v, v_begin + j0 * geometry[SIZES + 14], geometry[SIZES + 14],
                geometry[SIZES + 15], keys - j0, slab, features, right, zero,
            )  # fmt: skip
        if i < queries:
            for n in range(FEATURES):
                feature = slab + n * TILE + column
                if feature < features:
                    place = begin(geometry, 0, batch, head) + i * geometry[SIZES + 2]
                    result = sums[n * TILE * TILE + cuda.threadIdx.x] / total if total != zero else zero
                    out[place + feature * geometry[SIZES + 3]] = result
            if slab == 0 and column == 0:
                lse[(batch * heads + head) * queries + i] = shift + log(total) if total != zero else zero


def inner_products(delta, grad, out, geometry, count):
    """delta = Σ_f grad out, for each query."""
    queries, heads = geometry[QUERIES], geometry[HEADS]
    for index in range(cuda.grid(1), count, cuda.gridsize(1)):
        i, head, batch = index % queries, index // queries % heads, index // queries // heads
        x = begin(geometry, 0, batch, head) + i * geometry[SIZES + 2]
        y = begin(geometry, 1, batch, head) + i * geometry[SIZES + 6]
        total = ELEMENT(0)
        for f in range(geometry[VALUES]):
            total += grad[x + f * geometry[SIZES + 3]] * out[y + f * geometry[SIZES + 7]]
        delta[index] = total


def attention_dq_block(dq, grad, q, k, v, lse, delta, mask, given, scale, blocks):
    zero = ELEMENT(0)
    left = cuda.shared.array(AREA, ELEMENT)
    right = cuda.shared.array(AREA, ELEMENT)
    slopes = cuda.shared.array(AREA, ELEMENT)
    sums = cuda.shared.array(SUMS, ELEMENT)
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    bring(given, geometry, SIZES + 24)
    row, column = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    heads, queries, keys, width = geometry[HEADS], geometry[QUERIES], geometry[KEYS], geometry[WIDTH]
    down, slabs = (queries + TILE - 1) // TILE, (width + FEATURES * TILE - 1) // (FEATURES * TILE)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        slab, rest = block % slabs * FEATURES * TILE, block // slabs
        i0, head, batch = rest % down * TILE, rest // down % heads, rest // down // heads
        key_head, i = head // geometry[GROUP], i0 + row
        g_begin = begin(geometry, 1, batch, head) + i0 * geometry[SIZES + 6]
        q_begin = begin(geometry, 2, batch, head) + i0 * geometry[SIZES + 10]
        k_begin, v_begin = begin(geometry, 3, batch, key_head), begin(geometry, 4, batch, key_head)
        for place in range(cuda.threadIdx.x, SUMS, TILE * TILE):
            sums[place] = zero
        for j0 in range(0, min(keys, i0 + TILE) if geometry[CAUSAL] else keys, TILE):
            j = j0 + column
            k_tile, v_tile = k_begin + j0 * geometry[SIZES + 14], v_begin + j0 * geometry[SIZES + 18]
            s = scale * dot(
                q, q_begin, geometry[SIZES + 10], geometry[SIZES + 11], queries - i0,
                k, k_tile, geometry[SIZES + 14], geometry[SIZES + 15], keys - j0, width, left, right, zero,
            )  # fmt: skip
            slope = dot(
                grad, g_begin, geometry[SIZES + 6], geometry[SIZES + 7], queries - i0,
                v, v_tile, geometry[SIZES + 18], geometry[SIZES + 19], keys - j0, geometry[VALUES],
                left, right, zero,
            )  # fmt: skip
            ds = zero
            if j < keys and i < queries and not (geometry[CAUSAL] and j > i):
                if geometry[MASKED]:
                    place = begin(geometry, 5, batch, head)
                    s += mask[place + i * geometry[SIZES + 22] + j * geometry[SIZES + 23]]
                query = (batch * heads + head) * queries + i
                ds = scale * exp(s - lse[query]) * (slope - delta[query])
            slopes[row * WIDE + column] = ds
            cuda.syncthreads()
            add_product(
                sums, ELEMENT(1), slopes, k, k_tile, geometry[SIZES + 14], geometry[SIZES + 15], keys - j0,
                slab, width, right, zero,
            )  # fmt: skip
        if i < queries:
            for n in range(FEATURES):
                feature = slab + n * TILE + column
                if feature < width:
                    place = begin(geometry, 0, batch, head) + i * geometry[SIZES + 2]
                    dq[place + feature * geometry[SIZES + 3]] = sums[n * TILE * TILE + cuda.threadIdx.x]


def attention_by_key_block(to, rows, grad, q, k, v, lse, delta, mask, given, scale, blocks):
    """to = pᵀ rows for dv, where `rows` is grad; if OF_KEYS to = dsᵀ rows for dk, where it is q. Here rows of scores
    are keys, and columns queries."""
    zero = ELEMENT(0)
    left = cuda.shared.array(AREA, ELEMENT)
    right = cuda.shared.array(AREA, ELEMENT)
    weights = cuda.shared.array(AREA, ELEMENT)
    sums = cuda.shared.array(SUMS, ELEMENT)
    geometry = cuda.shared.array(GEOMETRY, np.int64)
    bring(given, geometry, SIZES + 28)
    row, column = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    queries, keys = geometry[QUERIES], geometry[KEYS]
    width = geometry[WIDTH] if geometry[OF_KEYS] else geometry[VALUES]
    down, slabs = (keys + TILE - 1) // TILE, (width + FEATURES * TILE - 1) // (FEATURES * TILE)
    for block in range(cuda.blockIdx.x, blocks, cuda.gridDim.x):
        slab, rest = block % slabs * FEATURES * TILE, block // slabs
        group, key_heads = geometry[GROUP], geometry[HEADS] // geometry[GROUP]
        j0, key_head, batch = rest % down * TILE, rest // down % key_heads, rest // down // key_heads
        j = j0 + row
        for place in range(cuda.threadIdx.x, SUMS, TILE * TILE):
            sums[place] = zero
        for head in range(key_head * group, (key_head + 1) * group):
            for i0 in range(j0 if geometry[CAUSAL] else 0, queries, TILE):
                i = i0 + column
                k_tile = begin(geometry, 4, batch, key_head) + j0 * geometry[SIZES + 18]
                q_tile = begin(geometry, 3, batch, head) + i0 * geometry[SIZES + 14]
                s = scale * dot(
                    k, k_tile, geometry[SIZES + 18], geometry[SIZES + 19], keys - j0,
                    q, q_tile, geometry[SIZES + 14], geometry[SIZES + 15], queries - i0, geometry[WIDTH],
                    left, right, zero,
                )  # fmt: skip
                seen = j < keys and i < queries and not (geometry[CAUSAL] and j > i)
                query = (batch * geometry[HEADS] + head) * queries + i
                if seen and geometry[MASKED]:
                    place = begin(geometry, 6, batch, head)
                    s += mask[place + i * geometry[SIZES + 26] + j * geometry[SIZES + 27]]
                p = exp(s - lse[query]) if seen else zero
                if geometry[OF_KEYS]:
                    v_tile = begin(geometry, 5, batch, key_head) + j0 * geometry[SIZES + 22]
                    g_tile = begin(geometry, 2, batch, head) + i0 * geometry[SIZES + 10]
                    slope = dot(
                        v, v_tile, geometry[SIZES + 22], geometry[SIZES + 23], keys - j0,
                        grad, g_tile, geometry[SIZES + 10], geometry[SIZES + 11], queries - i0, geometry[VALUES],
                        left, right, zero,
                    )  # fmt: skip
                    p *= scale * (slope - delta[query]) if seen else zero
                weights[row * WIDE + column] = p
                cuda.syncthreads()
                tile = begin(geometry, 1, batch, head) + i0 * geometry[SIZES + 6]
                add_product(
                    sums, ELEMENT(1), weights, rows, tile, geometry[SIZES + 6], geometry[SIZES + 7],
                    queries - i0, slab, width, right, zero,
                )  # fmt: skip
        if j < keys:
            place = begin(geometry, 0, batch, key_head) + j * geometry[SIZES + 2]
            for n in range(FEATURES):
                feature = slab + n * TILE + column
                if feature < width:
                    to[place + feature * geometry[SIZES + 3]] = sums[n * TILE * TILE + cuda.threadIdx.x]


# ---- a kernel of each for each dtype: shared memory needs to know what it holds ----


def _of(kernel: Callable, element: type, name: str) -> FunctionType:
    function = FunctionType(kernel.__code__, kernel.__globals__ | {"ELEMENT": element}, kernel.__name__)
    function.__qualname__ = name
    return function


attention_block_f8 = _of(attention_block, np.float64, "attention_block_f8")
inner_products_f8 = _of(inner_products, np.float64, "inner_products_f8")
attention_dq_block_f8 = _of(attention_dq_block, np.float64, "attention_dq_block_f8")
attention_by_key_block_f8 = _of(attention_by_key_block, np.float64, "attention_by_key_block_f8")


@cache
def _kernel(name: str, code: str, arrays: int) -> Kernel:
    """The kernel of this name for a dtype, which takes so many arrays before `geometry`."""
    number = from_dtype(np.dtype(code))
    function = globals()[name if code == "f4" else f"{name}_f8"]
    more = (int,) if name == "inner_products" else (number, int)
    return compiled(function, *[code] * arrays, "i8", *more)


def _launch(name: str, arrays: list, sizes: list[int], strided: list, scale: float, blocks: int) -> None:
    """`blocks` blocks of work for a kernel whose `geometry` has the strides of `strided`."""
    steps = [
        0 if size == 1 else stride // array.itemsize
        for array in strided
        for size, stride in zip(array.shape, array.strides)
    ]
    kernel = _kernel(name, arrays[0].dtype.str[1:], len(arrays))
    grid = min(blocks, WAVES * compat.multiprocessors(arrays[0].device))
    kernel(grid, TILE * TILE, *arrays, np.array(sizes + steps, np.int64), scale, blocks)


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
        0,
    ]


def attention(out, lse, q, k, v, mask, scale, causal) -> None:
    """As on the CPU."""
    sizes, mask = _sizes(q, k, v, mask, causal), q if mask is None else mask
    blocks = q.shape[0] * q.shape[1] * -(-q.shape[2] // TILE) * -(-v.shape[3] // (TILE * FEATURES))
    _launch("attention_block", [out, lse, q, k, v, mask], sizes, [out, q, k, v, mask], scale, blocks)


def attention_backward(dq, dk, dv, grad, q, k, v, out, lse, mask, scale, causal) -> None:
    """As on the CPU."""
    sizes, mask = _sizes(q, k, v, mask, causal), q if mask is None else mask
    delta = DeviceArray.empty(lse.shape, lse.dtype, lse.device)
    geometry = np.array(sizes + [stride // x.itemsize for x in (grad, out) for stride in x.strides], np.int64)
    kernel = _kernel("inner_products", q.dtype.str[1:], 3)
    grid = min(-(-lse.size // (TILE * TILE)), WAVES * compat.multiprocessors(q.device))
    kernel(grid, TILE * TILE, delta, grad, out, geometry, lse.size)
    slab, batch = TILE * FEATURES, q.shape[0]
    arrays = [grad, q, k, v, lse, delta, mask]
    blocks = batch * q.shape[1] * -(-q.shape[2] // TILE) * -(-q.shape[3] // slab)
    _launch("attention_dq_block", [dq, *arrays], sizes, [dq, grad, q, k, v, mask], scale, blocks)
    for of_keys, (to, rows) in enumerate(((dv, grad), (dk, q))):
        sizes[OF_KEYS] = of_keys
        blocks = batch * k.shape[1] * -(-k.shape[2] // TILE) * -(-to.shape[3] // slab)
        strided = [to, rows, grad, q, k, v, mask]
        _launch("attention_by_key_block", [to, rows, *arrays], sizes, strided, scale, blocks)
