"""One triangle of matrices: the rest becomes zero; and where its elements are. CPU and CUDA."""

from __future__ import annotations

from functools import cache

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.index import WORD, copy
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

triangle = Kernel(
    "triangle"
)  # (out, src, rows, columns, diagonal, upper): stacks of matrices, contiguous; upper is 0 or 1
triangle_places = Kernel(
    "triangle_places"
)  # (out, rows, columns, diagonal, upper): their rows and then their columns, of int32 or int64
GRAIN = 1 << 16


@shared
def edge_of(row, rows, columns, diagonal, upper):
    """The first column that is on the other side of a row's edge."""
    return min(max(row % rows + diagonal + 1 - upper, 0), columns)


@shared
def before(row, columns, diagonal, upper):
    """How many elements of the triangle are in the rows before this one."""
    edge = diagonal + 1 - upper  # of the first row, were it not cut off at either side
    first = min(max(-edge, 0), row)
    full = min(max(columns - edge, first), row)
    lower = (full - first) * (first + full - 1 + 2 * edge) // 2 + (row - full) * columns
    return row * columns - lower if upper else lower


def _triangle(out, src, rows, columns, diagonal, upper, start, stop):
    for row in range(start, stop):
        edge = edge_of(row, rows, columns, diagonal, upper)
        first, last = (edge, columns) if upper else (0, edge)
        at = row * columns
        copy(offset(out, at + first), offset(src, at + first), last - first)
        for j in range(at, at + first):
            out[j] = 0
        for j in range(at + last, at + columns):
            out[j] = 0


def _places(out, rows, columns, diagonal, upper, count, start, stop):
    for row in range(start, stop):
        edge, at = edge_of(row, rows, columns, diagonal, upper), before(row, columns, diagonal, upper)
        first, last = (edge, columns) if upper else (0, edge)
        for column in range(first, last):
            out[at + column - first] = row
            out[count + at + column - first] = column


@cache
def _entry(itemsize: int):
    return cpu.compiled(_triangle, WORD[itemsize], WORD[itemsize], *[int] * 6)


@triangle.on("cpu")
def _(out, src, rows, columns, diagonal, upper):
    args = (out, src, rows, columns, diagonal, upper)
    parallel.run(_entry(out.itemsize), out.size // columns, max(GRAIN // columns, 1), *args)


@triangle.on("cuda")
def _(out, src, rows, columns, diagonal, upper):
    from numbatorch_kernels.cuda.launch import launcher
    from numbatorch_kernels.cuda.triangle import triangle_grid

    launch = launcher(triangle_grid, WORD[out.itemsize], WORD[out.itemsize], *[int] * 5)
    launch(out, src, rows, columns, diagonal, upper, out.size)


@triangle_places.on("cpu")
def _(out, rows, columns, diagonal, upper):
    entry = cpu.compiled(_places, out.dtype, *[int] * 7)
    args = (out, rows, columns, diagonal, upper, out.shape[1])
    parallel.run(entry, rows, max(GRAIN // max(columns, 1), 1), *args)


@triangle_places.on("cuda")
def _(out, rows, columns, diagonal, upper):
    from numbatorch_kernels.cuda.launch import launcher
    from numbatorch_kernels.cuda.triangle import triangle_places_grid

    launch = launcher(triangle_places_grid, out.dtype, *[int] * 5)
    launch(out, rows, columns, diagonal, upper, out.shape[1])
