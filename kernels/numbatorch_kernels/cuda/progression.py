"""The kernels of ../progression.py: a thread for each element."""

from types import FunctionType

from numpy import float32, float64

from numbatorch_kernels.cuda.compat import cuda

NUMBER = float32  # what is computed with: each kernel has its own


def progression_grid(out, start, step, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = start + k * step


def even_grid(out, start, end, step, n):
    """The half that is closer to the end is counted from there."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = start + step * NUMBER(k) if k < n // 2 else end - step * NUMBER(n - 1 - k)


def _even(number: type, name: str) -> FunctionType:
    function = FunctionType(even_grid.__code__, even_grid.__globals__ | {"NUMBER": number}, name)
    function.__qualname__ = name
    return function


even_f4, even_f8 = _even(float32, "even_f4"), _even(float64, "even_f8")
