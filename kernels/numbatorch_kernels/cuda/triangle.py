"""The kernel of ../triangle.py on CUDA: a thread for each element."""

from numbatorch_kernels.cuda.compat import cuda


def triangle_grid(out, src, rows, columns, diagonal, upper, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        above = k % columns - k // columns % rows - diagonal
        keep = above >= 0 if upper else above <= 0
        out[k] = src[k] if keep else 0
