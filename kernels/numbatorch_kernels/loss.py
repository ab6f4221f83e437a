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
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.fill import fill
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
NO_WEIGHT: dict[str, np.ndarray] = {"f4": np.ones(1, np.float32), "f8": np.ones(1, np.float64)}


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


def nll_total_kernel(sums, x, target, weight, weighted, classes, inner, ignore, count, start, stop):
    """For each share of the elements the sum of the losses, that of the weights, and a target that is no
    class."""
    for share in range(start, stop):
        total, mass, wrong = 0.0, 0.0, ignore
        for k in range(share * GRAIN, min((share + 1) * GRAIN, count)):
            c = target[k]
            if c == ignore:
                continue
            if c < 0 or c >= classes:
                wrong = c
            else:
                w = weight[c * weighted]
                total -= w * x[(k // inner * classes + c) * inner + k % inner]
                mass += w
        sums[3 * share] = total
        sums[3 * share + 1] = mass
        sums[3 * share + 2] = wrong


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


def _weight(weight: np.ndarray | None, element: str) -> tuple[np.ndarray, int]:
    return (NO_WEIGHT[element], 0) if weight is None else (weight, 1)


def _check(wrong: float, ignore: int) -> None:
    """A kernel leaves `ignore`, which is never wrong, where all targets are classes."""
    if wrong != ignore:
        raise IndexError(f"Target {int(wrong)} is out of bounds.")


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
        *_weight(weight, element),
        *classes_and_inner(x.shape),
        ignore,
        wrong,
    )
    _check(wrong[0], ignore)


@nll_total.on("cpu")
def _total(out, mass, x, target, weight, ignore, mean):
    element, count = x.dtype.str[1:], target.size
    shares = max(1, -(-count // GRAIN))
    sums = np.empty(3 * shares)
    entry = _entry(nll_total_kernel, element)
    parallel.run(
        entry,
        shares,
        1,
        sums,
        x,
        target,
        *_weight(weight, element),
        *classes_and_inner(x.shape),
        ignore,
        count,
    )
    if shares > 1:
        wrong = sums[2::3]
        sums = np.array([sums[::3].sum(), sums[1::3].sum(), next(iter(wrong[wrong != ignore]), ignore)])
    total, weights, wrong = sums.tolist()
    _check(wrong, ignore)
    mass.fill(weights)
    out.fill(total if not mean else total / weights if weights else np.nan)


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
        *_weight(weight, element),
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
