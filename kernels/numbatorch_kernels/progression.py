"""Numbers at equal distances. On the CPU it is NumPy that makes them."""

import numpy as np

from numbatorch_kernels.registry import Kernel

progression = Kernel("progression")  # (out, start, step): out[k] = start + k step, of int64 or float64
even = Kernel("even")  # (out, start, end): from start to end, both included, of floating-point numbers

BLOCK = 1 << 15  # numbers that are made at a time


def step_of(out, start, end):
    """The distance of neighbours, in the type of the results."""
    return out.dtype.type((end - start) / max(out.size - 1, 1))


@even.on("cpu")
def _(out, start, end):
    number, n, step = out.dtype.type, out.size, step_of(out, start, end)
    for first in range(0, n, BLOCK):
        places = np.arange(first, min(first + BLOCK, n))
        k = places.astype(number)
        out[first : first + BLOCK] = np.where(
            places < n // 2, number(start) + step * k, number(end) - step * (number(n - 1) - k)
        )


@progression.on("cuda")
def _(out, start, step):
    from numbatorch_kernels.cuda.launch import launcher
    from numbatorch_kernels.cuda.progression import progression_grid

    number = float if out.dtype.kind == "f" else int
    launcher(progression_grid, out.dtype, number, number, int)(out, start, step, out.size)


@even.on("cuda")
def _(out, start, end):
    from numba.np.numpy_support import from_dtype

    from numbatorch_kernels.cuda.launch import launcher
    from numbatorch_kernels.cuda.progression import even_f4, even_f8

    number, kernel = from_dtype(out.dtype), even_f8 if out.itemsize == 8 else even_f4
    launch = launcher(kernel, out.dtype, number, number, number, int)
    launch(out, start, end, step_of(out, start, end), out.size)
