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
from numbatorch_kernels.codes import MAXIMUM, MEAN
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.half import load, store
from numbatorch_kernels.local import local, local_like
from numbatorch_kernels.registry import Kernel

bag = Kernel("bag")
# (out, sizes, largest, table, index, bounds, scale or None, padding, how, missed, bfloat): the result for each
# bag, how many rows it has and, for MAXIMUM, which row each element comes from, 0 where there is none. `scale` has
# a factor for each index, for SUM. missed[0] becomes the place of an index, plus one, that names no row.

GRAIN = 1 << 14  # elements worth a thread
TILE = 64


def bag_kernel(
    out, sizes, largest, table, index, bounds, scale, scaled, padding, how, bfloat, rows, columns, missed,
    start, stop,
):  # fmt: skip
    sums = local_like(table, TILE)
    places = local(int64, TILE)
    for b in range(start, stop):
        for first in range(0, columns, TILE):
            width = min(TILE, columns - first)
            size = 0
            for j in range(width):
                sums[j] = 0
                places[j] = 0
            for k in range(bounds[b], bounds[b + 1]):
                row = index[k]
                if row < 0 or row >= rows:
                    missed[0] = k + 1
                elif row != padding:
                    base = row * columns + first
                    if how == MAXIMUM:
                        for j in range(width):
                            x = load(table, base + j, bfloat)
                            if size == 0 or x > sums[j]:
                                sums[j] = x
                                places[j] = row
                    elif scaled:
                        factor = load(scale, k, bfloat)
                        for j in range(width):
                            sums[j] += factor * load(table, base + j, bfloat)
                    elif width == TILE:
                        for j in range(TILE):
                            sums[j] += load(table, base + j, bfloat)
                    else:
                        for j in range(width):
                            sums[j] += load(table, base + j, bfloat)
                    size += 1
            sizes[b] = size
            for j in range(width):
                mean = sums[j] / size if how == MEAN and size > 0 else sums[j]
                store(out, b * columns + first + j, mean, bfloat)
            if how == MAXIMUM:
                for j in range(width):
                    largest[b * columns + first + j] = places[j]


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
