"""The kernels of ../progression.py: a thread for each element."""

from numbatorch_kernels.cuda.compat import cuda


def progression_grid(out, start, step, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = start + k * step


def even_grid(out, start, end, step, n):
    """The half that is closer to the end is counted from there."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = start + step * k if k < n // 2 else end - step * (n - 1 - k)
