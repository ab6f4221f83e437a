"""Rows of a table, taken bag by bag: their sum, mean or maximum.

Bag b holds the rows numbered index[bounds[b]] to index[bounds[b + 1] - 1]; a number equal to `padding` stands
for nothing. The table is contiguous, (rows, columns), `index` and `bounds` are int64. On CUDA the table is
float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy import int64

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import MAXIMUM, MEAN
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local, local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

bag = Kernel("bag")
# (out, sizes, largest, table, index, bounds, scale or None, padding, how, missed, bfloat): the result for each
# bag, how many rows it has and, for MAXIMUM, which row each element comes from, 0 where there is none. `scale` has
# a factor for each index, for SUM. missed[0] becomes the place of an index, plus one, that names no row.

GRAIN = 1 << 14  # elements worth a thread
TILE = 64


@callee(forceinline=True)
def _sum(out, table, index, first, last, scale, scaled, padding, bfloat, columns, size, width):
    """Of a bag with `size` rows, the sums (or, with their number for `size`, the means) of the first `width` columns."""
    sums, factor = local_like(table, TILE), local_like(table, 1)
    for j in range(width):
        sums[j] = 0
    if scaled:
        for k in range(first, last):
            row = index[k]
            if row != padding:
                factor[0] = load(scale, k, bfloat)
                for j in range(width):
                    sums[j] += factor[0] * load(table, row * columns + j, bfloat)
    else:
        for k in range(first, last):
            row = index[k]
            if row != padding:
                for j in range(width):
                    sums[j] += load(table, row * columns + j, bfloat)
    if size > 1:
        factor[0] = size
        for j in range(width):
            sums[j] /= factor[0]
    for j in range(width):
        store(out, j, sums[j], bfloat)


@callee
def _largest(out, places, table, index, first, last, padding, bfloat, columns, width):
    """The largest element of each of the first `width` columns of a bag, and which row it comes from."""
    best, rows = local_like(table, TILE), local(int64, TILE)
    empty = True
    for j in range(width):
        best[j] = 0
        rows[j] = 0
    for k in range(first, last):
        row = index[k]
        if row != padding:
            for j in range(width):
                x = load(table, row * columns + j, bfloat)
                if empty or x > best[j]:
                    best[j] = x
                    rows[j] = row
            empty = False
    for j in range(width):
        store(out, j, best[j], bfloat)
        places[j] = rows[j]


def bag_kernel(
    out, sizes, largest, table, index, bounds, scale, scaled, padding, how, bfloat, rows, columns, missed,
    start, stop,
):  # fmt: skip
    for b in range(start, stop):
        first, last, size, wrong = bounds[b], bounds[b + 1], 0, 0
        for k in range(first, last):
            row = index[k]
            if row < 0 or row >= rows:
                wrong = k + 1
            elif row != padding:
                size += 1
        sizes[b] = size
        if wrong > 0:
            missed[0] = wrong
            continue
        divisor = max(size, 1) if how == MEAN else 1
        for c in range(0, columns, TILE):
            to, of = offset(out, b * columns + c), offset(table, c)
            if how == MAXIMUM:
                places = offset(largest, b * columns + c)
                _largest(to, places, of, index, first, last, padding, bfloat, columns, min(TILE, columns - c))
            elif columns - c >= TILE:  # a plain number of columns: their sums stay in registers
                _sum(to, of, index, first, last, scale, scaled, padding, bfloat, columns, divisor, TILE)
            else:
                rest = columns - c
                _sum(to, of, index, first, last, scale, scaled, padding, bfloat, columns, divisor, rest)


@cache
def _entry(dtype: np.dtype) -> Callable:
    kinds = [dtype, "i8", "i8", dtype, "i8", "i8", dtype, *[int] * 6, "i8", int, int]
    return compiled(bag_kernel, *kinds)


@bag.on("cpu")
def _bag(out, sizes, largest, table, index, bounds, scale, padding, how, missed, bfloat):
    rows, columns = table.shape
    bags = bounds.size - 1
    each = max(1, index.size * columns // max(bags, 1))
    factors = (table, 0) if scale is None else (scale, 1)
    parallel.run(
        _entry(table.dtype),
        bags,
        max(1, GRAIN // each),
        out,
        sizes,
        largest,
        table,
        index,
        bounds,
        *factors,
        padding,
        how,
        bfloat,
        rows,
        columns,
        missed,
    )


@bag.on("cuda")
def _bag_on_cuda(*args):
    from numbatorch_kernels.cuda import bag as cuda

    cuda.bag(*args)
