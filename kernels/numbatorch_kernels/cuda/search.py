"""The kernel `search` of ../sort.py on CUDA: a thread for each value."""

from numbatorch_kernels import sort
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher

bound = device_function(sort.bound)


def search_grid(out, rows, values, length, each, right, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = bound(rows, k // each * length, length, values[k], right)


def search(out, rows, values, right) -> None:
    each = values.size if rows.ndim == 1 else values.shape[-1]
    launch = launcher(search_grid, "i8", rows.dtype, values.dtype, int, int, int, int)
    launch(out, rows, values, rows.shape[-1], each, int(right), values.size)
