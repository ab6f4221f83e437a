"""The kernel of ../progression.py: a thread for each element."""

from numbatorch_kernels.cuda.compat import cuda


def progression_grid(out, start, step, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = start + k * step
