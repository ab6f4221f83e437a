"""The kernels of ../triangle.py on CUDA: a thread for each element."""

from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.triangle import before, edge_of

elements_before = device_function(before)
edge = device_function(edge_of)


def triangle_grid(out, src, rows, columns, diagonal, upper, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        line, column = split(k, columns)
        _, row = split(line, rows)
        above = column - row - diagonal
        keep = above >= 0 if upper else above <= 0
        out[k] = src[k] if keep else 0


def triangle_places_grid(out, rows, columns, diagonal, upper, n):
    """Its row is found by bisection: the last one before which there are not more elements."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, end = 0, rows
        while end - row > 1:
            middle = (row + end) // 2
            if elements_before(middle, columns, diagonal, upper) <= k:
                row = middle
            else:
                end = middle
        first = edge(row, rows, columns, diagonal, upper) if upper else 0
        out[k] = row
        out[n + k] = first + k - elements_before(row, columns, diagonal, upper)
