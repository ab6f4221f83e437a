"""The margins of classes. Of a row x of class y, Σ_c max(0, margin - x[y] + x[c])^p / C over its C classes but y; of one
of many labels, Σ_t Σ_c max(0, 1 - x[t] + x[c]) / C over its labels t and the classes c that are no labels.

`x` is contiguous, (rows, classes), and float32 or float64, `target` is int64 and names classes, (rows) or of the shape
of x: there -1 ends a row's labels. p is 1 or 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled, shared
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

margins = Kernel("margins")  # (out, x, target, p, margin): of each row
margins_backward = Kernel(
    "margins_backward"
)  # (dx, grad, x, target, p, margin): dx from the gradient of each
label_margins = Kernel("label_margins")  # (out, x, target): of each row
label_margins_backward = Kernel(
    "label_margins_backward"
)  # (dx, grad, x, target): dx from the gradient of each

GRAIN = 1 << 14  # elements worth a thread
SUMS = {"reassoc", "contract"}  # what vectors of sums need of fastmath


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
    return compiled(function, *kinds, int, float, int, int, int, fastmath=SUMS)


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


# --- of many labels: kernels are loops over rows around these


@shared
def _set_labels_aside(others, at, x, target, first, classes, lowest):
    """others[at:]: the row at `first`, its labels as minus infinity, which no margin reaches. The number of labels."""
    for c in range(classes):
        others[at + c] = x[first + c]
    count = 0
    while count < classes and target[first + count] >= 0:
        others[at + target[first + count]] = lowest
        count += 1
    return count


@shared(fastmath=SUMS)
def label_margin(others, at, x, target, first, classes, zero, one, lowest):
    """What the row at `first` misses. `others[at:]` is room for a row."""
    total = zero
    for j in range(_set_labels_aside(others, at, x, target, first, classes, lowest)):
        level = one - x[first + target[first + j]]
        for c in range(classes):
            missing = level + others[at + c]
            total += missing if missing > zero else zero
    return total


@shared(fastmath=SUMS)
def label_slopes(dx, others, at, x, target, first, classes, factor, zero, one, lowest):
    """The gradient of that, times `factor`."""
    count = _set_labels_aside(others, at, x, target, first, classes, lowest)
    for c in range(classes):
        dx[first + c] = zero
    for j in range(count):
        label = first + target[first + j]
        level, total = one - x[label], zero
        for c in range(classes):
            slope = one if level + others[at + c] > zero else zero
            dx[first + c] += slope
            total += slope
        dx[label] -= total
    for c in range(classes):
        dx[first + c] *= factor


def label_margins_kernel(out, others, x, target, zero, one, lowest, classes, each, rows, start, stop):
    """Shares start:stop of `each` rows."""
    for share in range(start, stop):
        for k in range(share * each, min(share * each + each, rows)):
            total = label_margin(others, share * classes, x, target, k * classes, classes, zero, one, lowest)
            out[k] = total / classes


def label_margins_backward_kernel(
    dx, others, grad, x, target, zero, one, lowest, classes, each, rows, start, stop
):
    """Shares start:stop of `each` rows."""
    for share in range(start, stop):
        for k in range(share * each, min(share * each + each, rows)):
            factor = element(x, grad[k] / classes)
            label_slopes(
                dx, others, share * classes, x, target, k * classes, classes, factor, zero, one, lowest
            )


@cache
def _label_entry(function: Callable, operands: int, code: str) -> Callable:
    return compiled(function, *[code] * operands, "i8", *[from_dtype(np.dtype(code))] * 3, *[int] * 5)


def _by_rows(function: Callable, result, *operands, target) -> None:
    """A share of the rows for each thread, which needs room for one."""
    rows, classes = operands[-1].shape
    shares = max(min(parallel.get_num_threads(), rows * classes // GRAIN, rows), 1)
    others = np.empty((shares, classes), result.dtype)
    entry = _label_entry(function, 2 + len(operands), result.dtype.char)
    sizes = classes, -(-rows // shares), rows
    parallel.run(entry, shares, 1, result, others, *operands, target, 0.0, 1.0, -inf, *sizes)


@label_margins.on("cpu")
def _label_margins(out, x, target):
    _by_rows(label_margins_kernel, out, x, target=target)


@label_margins_backward.on("cpu")
def _label_margins_backward(dx, grad, x, target):
    _by_rows(label_margins_backward_kernel, dx, grad, x, target=target)


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


@label_margins.on("cuda")
def _label_margins_on_cuda(*args):
    from numbatorch_kernels.cuda import margin

    margin.label_margins(*args)


@label_margins_backward.on("cuda")
def _label_margins_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import margin

    margin.label_margins_backward(*args)
