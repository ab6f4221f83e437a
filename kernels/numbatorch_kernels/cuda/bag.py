"""The kernel of ../bag.py on CUDA: a thread for each element of the result."""

from __future__ import annotations

from functools import cache

from numbatorch_kernels.codes import MAXIMUM, MEAN
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher


def bag_grid(
    out, sizes, largest, table, index, bounds, scale, scaled, padding, how, rows, columns, count, missed, n
):  # fmt: skip
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        b, column = split(i, columns)
        total, place, size = 0.0, 0, 0
        for k in range(max(bounds[b], 0), min(bounds[b + 1], count)):
            row = index[k]
            if row < 0 or row >= rows:
                missed[0] = k + 1
            elif row != padding:
                x = table[row * columns + column]
                if how == MAXIMUM:
                    if size == 0 or x > total:
                        total = x
                        place = row
                elif scaled:
                    total += scale[k] * x
                else:
                    total += x
                size += 1
        if column == 0:
            sizes[b] = size
        out[i] = total / size if how == MEAN and size > 0 else total
        if how == MAXIMUM:
            largest[i] = place


@cache
def _entry(element: str):
    kinds = [element, "i8", "i8", element, "i8", "i8", element, *[int] * 6, "i8", int]
    return launcher(bag_grid, *kinds)


def bag(out, sizes, largest, table, index, bounds, scale, padding, how, missed, bfloat):
    """See `numbatorch_kernels.bag`."""
    factors = (table, 0) if scale is None else (scale, 1)
    arrays = (out, sizes, largest, table, index, bounds, *factors)
    _entry(table.dtype.str[1:])(*arrays, padding, how, *table.shape, index.size, missed, out.size)
