"""Numbers at equal distances. On the CPU it is NumPy's arange that makes them."""

from numbatorch_kernels.registry import Kernel

progression = Kernel("progression")  # (out, start, step): out[k] = start + k step, of int64 or float64


@progression.on("cuda")
def _(out, start, step):
    from numbatorch_kernels.cuda.launch import launcher
    from numbatorch_kernels.cuda.progression import progression_grid

    number = float if out.dtype.kind == "f" else int
    launcher(progression_grid, out.dtype, number, number, int)(out, start, step, out.size)
