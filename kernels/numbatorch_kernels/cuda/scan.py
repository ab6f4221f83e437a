"""The kernels of ../scan.py on CUDA: a thread for each line."""

from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.launch import launcher


def sum_grid(out, src, n, inner, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        value = src[at]
        out[at] = value
        for i in range(1, n):
            value += src[at + i * inner]
            out[at + i * inner] = value


def product_grid(out, src, n, inner, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        value = src[at]
        out[at] = value
        for i in range(1, n):
            value *= src[at + i * inner]
            out[at + i * inner] = value


def extreme_grid(out, indices, src, n, inner, largest, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        best, place = src[at], 0
        for i in range(n):
            value = src[at + i * inner]
            if value != value or (best == best and (value >= best if largest else value <= best)):
                best, place = value, i
            out[at + i * inner] = best
            indices[at + i * inner] = place


def scan(out, src, lines: int, n: int, inner: int, how: int) -> None:
    kernel = (sum_grid, product_grid)[how]
    launcher(kernel, out.dtype, src.dtype, int, int, int)(out, src, n, inner, lines)


def extreme(out, indices, src, lines: int, n: int, inner: int, largest: int) -> None:
    launch = launcher(extreme_grid, out.dtype, "i8", src.dtype, int, int, int, int)
    launch(out, indices, src, n, inner, largest, lines)
