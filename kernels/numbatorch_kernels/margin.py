"""The margins of classes: of each row x of class y, Σ_c max(0, margin - x[y] + x[c])^p / C over its C classes but y.

`x` is contiguous, (rows, classes), and float32 or float64, `target` is int64 and names classes; p is 1 or 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

margins = Kernel("margins")  # (out, x, target, p, margin): of each row
margins_backward = Kernel(
    "margins_backward"
)  # (dx, grad, x, target, p, margin): dx from the gradient of each

GRAIN = 1 << 14  # elements worth a thread


def margins_kernel(out, x, target, p, margin, classes, start, stop):
    """Rows start:stop."""
    zero = element(x, 0)
    for k in range(start, stop):
        row, y = offset(x, k * classes), target[k]
        level, total = element(x, margin) - row[y], zero
        for c in range(classes):
            missing = level + row[c]
            missing = missing if c != y and missing > zero else zero
            total += missing if p == 1 else missing * missing
        out[k] = total / classes


def margins_backward_kernel(dx, grad, x, target, p, margin, classes, start, stop):
    """Rows start:stop."""
    zero = element(x, 0)
    for k in range(start, stop):
        row, to, y = offset(x, k * classes), offset(dx, k * classes), target[k]
        level, total, g = element(x, margin) - row[y], zero, grad[k] * p / classes
        for c in range(classes):
            missing = level + row[c]
            slope = element(x, 1) if p == 1 else missing
            slope = slope if c != y and missing > zero else zero
            to[c] = element(x, g) * slope
            total += slope
        to[y] = -total * element(x, g)


@cache
def _entry(function: Callable, code: str) -> Callable:
    kinds = [code, code, "i8"] if function is margins_kernel else [code, code, code, "i8"]
    return compiled(function, *kinds, int, float, int, int, int, fastmath={"reassoc", "contract"})


@margins.on("cpu")
def _margins(out, x, target, p, margin):
    rows, classes = x.shape
    entry = _entry(margins_kernel, x.dtype.char)
    parallel.run(entry, rows, GRAIN // classes + 1, out, x, target, p, margin, classes)


@margins_backward.on("cpu")
def _margins_backward(dx, grad, x, target, p, margin):
    rows, classes = x.shape
    entry = _entry(margins_backward_kernel, x.dtype.char)
    parallel.run(entry, rows, GRAIN // classes + 1, dx, grad, x, target, p, margin, classes)


# ---- CUDA: see cuda/margin.py, imported late, so that a program that stays on the CPU never loads a CUDA
# compiler. ----


@margins.on("cuda")
def _margins_on_cuda(*args):
    from numbatorch_kernels.cuda import margin

    margin.margins(*args)


@margins_backward.on("cuda")
def _margins_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import margin

    margin.margins_backward(*args)
