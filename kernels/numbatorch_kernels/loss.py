"""The negative log likelihood of classes: of each element k, -weight[c] x[.., c, ..] for its class c =
target[k].

`x` is contiguous, (batch, classes, inner), and float32 or float64, `target` is int64, (batch, inner).
Elements of class `ignore` count for nothing. A target that is no class is an IndexError (on CUDA, where to
find out would mean to wait, its loss is NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled, shared
from numbatorch_kernels.fill import fill
from numbatorch_kernels.half import load
from numbatorch_kernels.registry import Kernel

nll_each = Kernel("nll_each")  # (out, x, target, weight or None, ignore): the loss of each element
nll_total = Kernel(
    "nll_total"
    # (out, mass, x, target, weight or None, ignore, mean): their sum, or weighted mean; mass: the sum of weights
)
nll_backward = Kernel(
    "nll_backward"
)  # (dx, grad, mass or None, target, weight or None, ignore): dx from the gradient of each, or of all

GRAIN = 1 << 14  # elements worth a thread: a random read costs more than arithmetic does
NO_WEIGHT: dict[int, np.ndarray] = {2: np.ones(1, np.float32), 4: np.ones(1, np.float32), 8: np.ones(1)}


def nll_each_kernel(out, x, target, weight, weighted, classes, inner, ignore, wrong, start, stop):
    """Notes a target that is no class in `wrong`."""
    for k in range(start, stop):
        c = target[k]
        if c == ignore:
            out[k] = 0
        elif c < 0 or c >= classes:
            wrong[0] = c
        else:
            out[k] = -weight[c * weighted] * x[(k // inner * classes + c) * inner + k % inner]


@shared
def sum_of_losses(parts, share, x, target, weight, weighted, classes, inner, ignore, bfloat, first, last):
    """Of the elements from `first` to `last`: the sum of the losses, that of the weights, and a target that is no
    class."""
    total, mass, wrong = 0.0, 0.0, ignore
    for k in range(first, last):
        c = target[k]
        if c == ignore:
            continue
        if c < 0 or c >= classes:
            wrong = c
        else:
            w = weight[c * weighted]
            total -= w * load(x, (k // inner * classes + c) * inner + k % inner, bfloat)
            mass += w
    parts[3 * share] = total
    parts[3 * share + 1] = mass
    parts[3 * share + 2] = wrong


def nll_total_kernel(parts, x, target, weight, weighted, classes, inner, ignore, count, start, stop):
    """`sum_of_losses` of each GRAIN elements."""
    for s in range(start, stop):
        first, last = s * GRAIN, min((s + 1) * GRAIN, count)
        sum_of_losses(parts, s, x, target, weight, weighted, classes, inner, ignore, 0, first, last)


def nll_backward_kernel(dx, grad, each, mass, target, weight, weighted, classes, inner, ignore, start, stop):
    """`dx` is zero; `each` is 1 if there is a gradient for each element, 0 if for all together."""
    for k in range(start, stop):
        c = target[k]
        if c != ignore:
            dx[(k // inner * classes + c) * inner + k % inner] = -weight[c * weighted] * grad[k * each] / mass


@cache
def _entry(function: Callable, element: str) -> Callable:
    kinds = {
        nll_each_kernel: [element, element, "i8", element, int, int, int, int, "i8"],
        nll_total_kernel: ["f8", element, "i8", element, int, int, int, int, int],
        nll_backward_kernel: [element, element, int, float, "i8", element, int, int, int, int],
    }[function]
    return compiled(function, *kinds, int, int)


def classes_and_inner(shape: tuple[int, ...]) -> tuple[int, int]:
    """The number of classes of an `x` of this shape, and how many elements lie behind each."""
    return shape[1], prod(shape[2:])


def weight_or_one(weight: np.ndarray | None, dtype: np.dtype) -> tuple[np.ndarray, int]:
    """The weights of classes as kernels for an `x` of this type take them: an array, and whether it has one for each
    class."""
    return (NO_WEIGHT[dtype.itemsize], 0) if weight is None else (weight, 1)


def _check(wrong: float, ignore: int) -> None:
    """A kernel leaves `ignore`, which is never wrong, where all targets are classes."""
    if wrong != ignore:
        raise IndexError(f"Target {int(wrong)} is out of bounds.")


def total_of(parts: np.ndarray, ignore: int) -> tuple[float, float]:
    """The sum of the losses and that of the weights. Raises IndexError for a target that is no class."""
    if parts.size > 3:
        wrong = parts[2::3]
        parts = np.array([parts[::3].sum(), parts[1::3].sum(), next(iter(wrong[wrong != ignore]), ignore)])
    total, mass, wrong = parts.tolist()
    _check(wrong, ignore)
    return total, mass


def mean_of(total: float, mass: float) -> float:
    """The weighted mean, NaN of nothing."""
    return total / mass if mass else np.nan


@nll_each.on("cpu")
def _each(out, x, target, weight, ignore):
    element, wrong = x.dtype.str[1:], np.array([ignore])
    entry = _entry(nll_each_kernel, element)
    parallel.run(
        entry,
        target.size,
        GRAIN,
        out,
        x,
        target,
        *weight_or_one(weight, x.dtype),
        *classes_and_inner(x.shape),
        ignore,
        wrong,
    )
    _check(wrong[0], ignore)


@nll_total.on("cpu")
def _total(out, mass, x, target, weight, ignore, mean):
    element, count = x.dtype.str[1:], target.size
    shares = max(1, -(-count // GRAIN))
    parts = np.empty(3 * shares)
    entry = _entry(nll_total_kernel, element)
    parallel.run(
        entry,
        shares,
        1,
        parts,
        x,
        target,
        *weight_or_one(weight, x.dtype),
        *classes_and_inner(x.shape),
        ignore,
        count,
    )
    total, weights = total_of(parts, ignore)
    mass.fill(weights)
    out.fill(mean_of(total, weights) if mean else total)


@nll_backward.on("cpu")
def _backward(dx, grad, mass, target, weight, ignore):
    element = dx.dtype.str[1:]
    fill(dx, 0)
    entry = _entry(nll_backward_kernel, element)
    each, divisor = int(grad.ndim > 0), 1.0 if mass is None else float(mass)
    parallel.run(
        entry,
        target.size,
        GRAIN,
        dx,
        grad,
        each,
        divisor,
        target,
        *weight_or_one(weight, dx.dtype),
        *classes_and_inner(dx.shape),
        ignore,
    )


# ---- CUDA: see cuda/loss.py, imported late, so that a program that stays on the CPU never loads a CUDA
# compiler. ----


@nll_each.on("cuda")
def _each_on_cuda(*args):
    from numbatorch_kernels.cuda import loss

    loss.nll_each(*args)


@nll_total.on("cuda")
def _total_on_cuda(*args):
    from numbatorch_kernels.cuda import loss

    loss.nll_total(*args)


@nll_backward.on("cuda")
def _backward_on_cuda(*args):
    from numbatorch_kernels.cuda import loss

    loss.nll_backward(*args)
