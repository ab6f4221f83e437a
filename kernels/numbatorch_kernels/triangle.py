"""One triangle of matrices: the rest becomes zero. CPU and CUDA."""

from __future__ import annotations

from functools import cache

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.index import WORD, copy
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

triangle = Kernel(
    "triangle"
)  # (out, src, rows, columns, diagonal, upper): stacks of matrices, contiguous; upper is 0 or 1
GRAIN = 1 << 16


def _triangle(out, src, rows, columns, diagonal, upper, start, stop):
    for row in range(start, stop):
        edge = min(max(row % rows + diagonal + 1 - upper, 0), columns)  # the first column on the other side
        first, last = (edge, columns) if upper else (0, edge)
        at = row * columns
        copy(offset(out, at + first), offset(src, at + first), last - first)
        for j in range(at, at + first):
            out[j] = 0
        for j in range(at + last, at + columns):
            out[j] = 0


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
