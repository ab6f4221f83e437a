"""Optimizer steps: one call updates all parameters of a group.

A launcher takes lists of contiguous arrays of one dtype, float32 or float64: the parameters, their gradients
and their state, all in the same order. On the CPU the kernel gets the lists themselves and reads the arrays'
addresses out of them, so a step is one call however many parameters there are; the elements of all of them
count as one range, which `parallel.run` may split anywhere. On CUDA each parameter is a launch.

The formulas keep PyTorch's order of operations, fused multiply-adds included, so that training curves can be
compared number by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import accumulate

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.pointer import ArrayList, array_in
from numbatorch_kernels.registry import Kernel

GRAIN = 1 << 15  # elements that are worth a thread

sgd = Kernel("sgd")
adam = Kernel("adam")


# ---- what happens to one element ----


def sgd_element(p, g, m, lr, decay, sign, momentum, undamped, nesterov):
    """p and m after a step: m' = momentum m + undamped g, p' = p - lr m'; without momentum p' = p - lr g.

    g is the gradient times `sign`, -1 to maximise, plus decay p. With `nesterov`
    p' = p - lr (g + momentum m').
    """
    g = sign * g
    if decay:
        g = fma(p, decay, g)
    if momentum:
        m = fma(g, undamped, m * momentum)
        g = fma(m, momentum, g) if nesterov else m
    return fma(g, -lr, p), m


def adam_moments(p, g, m, v, decay, sign, weight1, keep1, weight2, beta2):
    """The running means of g and g^2 after a step; weight = 1 - beta, keep = 1 - weight."""
    g = sign * g
    if decay:
        g = fma(p, decay, g)
    # PyTorch's lerp: the form that is exact at the nearer end
    m = fma(g - m, weight1, m) if weight1 < keep1 else fma(m - g, keep1, g)
    return m, fma(weight2 * g, g, v * beta2)


def adam_element(p, m, v, shrink, step_size, root, eps):
    """p after a step: shrink p - step_size m / (sqrt(v) / root + eps). `shrink` is decoupled weight decay."""
    return shrink * p - (step_size * m) / (math.sqrt(v) / root + eps)


# ---- CPU ----


@intrinsic
def fma(typingctx, a, b, c):
    """a b + c, rounded once where the processor can."""

    def codegen(context, builder, signature, args):
        word = args[0].type
        name = f"llvm.fmuladd.{'f32' if signature.return_type is types.float32 else 'f64'}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(word, [word] * 3), name)
        return builder.call(function, args)

    return a(a, a, a), codegen


@intrinsic
def cast(typingctx, value, like):
    """`value` in the type of `like`."""

    def codegen(context, builder, signature, args):
        return context.cast(builder, args[0], value, like)

    return like(value, like), codegen


_sgd_element = callee(sgd_element)
_adam_moments = callee(adam_moments)
_adam_element = callee(adam_element)


@callee
def _find(offsets, element):
    """The number of the array that holds this element."""
    k = 0
    while offsets[k + 1] <= element:
        k += 1
    return k


def _sgd(offsets, params, grads, buffers, lr, decay, sign, momentum, undamped, nesterov, start, stop):
    k = _find(offsets, start)
    while start < stop:
        first, last = start - offsets[k], min(stop, offsets[k + 1]) - offsets[k]
        p, g, m = array_in(params, k), array_in(grads, k), array_in(buffers, k)
        for i in range(first, last):
            new, buffer = _sgd_element(p[i], g[i], m[i], lr, decay, sign, momentum, undamped, nesterov)
            p[i] = new
            if momentum:
                m[i] = buffer
        start += last - first
        k += 1


def _adam(
    offsets, params, grads, means, squares, maxima, steps,
    lr, beta1, beta2, eps, decay, shrink, sign, weight1, keep1, weight2, amsgrad, start, stop,
):  # fmt: skip
    k = _find(offsets, start)
    while start < stop:
        first, last = start - offsets[k], min(stop, offsets[k + 1]) - offsets[k]
        p, g = array_in(params, k), array_in(grads, k)
        m, v, x = array_in(means, k), array_in(squares, k), array_in(maxima, k)
        step = float(array_in(steps, k)[0])
        step_size = cast(lr / (1 - beta1**step), eps)
        root = cast((1 - beta2**step) ** 0.5, eps)
        keep2 = cast(beta2, eps)
        for i in range(first, last):
            mean, square = _adam_moments(p[i], g[i], m[i], v[i], decay, sign, weight1, keep1, weight2, keep2)
            m[i], v[i] = mean, square
            if amsgrad:
                square = x[i] if x[i] >= square else square  # so NaN stays NaN
                x[i] = square
            p[i] = _adam_element(p[i], mean, square, shrink, step_size, root, eps)
        start += last - first
        k += 1


def _advance(steps, start, stop):
    for k in range(start, stop):
        array_in(steps, k)[0] += 1


@cache
def _sgd_entry(dtype: np.dtype) -> Callable:
    number = from_dtype(dtype)
    return compiled(_sgd, "i8", *[ArrayList(number)] * 3, *[number] * 6, int, int)


@cache
def _adam_entry(dtype: np.dtype) -> Callable:
    number = from_dtype(dtype)
    lists = *[ArrayList(number)] * 5, ArrayList(types.float32)
    return compiled(_adam, "i8", *lists, float, float, float, *[number] * 7, int, int, int)


@cache
def _advance_entry() -> Callable:
    return compiled(_advance, ArrayList(types.float32), int, int)


@lru_cache
def _layout(sizes: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Where each array begins in the range of all elements, and how many there are."""
    offsets = np.array([0, *accumulate(sizes)], np.int64)
    return offsets, int(offsets[-1])


def _over_all(entry: Callable, params: list[np.ndarray], *args) -> None:
    """Call `entry` for the elements of all parameters."""
    offsets, total = _layout(tuple([p.size for p in params]))
    if total:
        parallel.run(entry, total, GRAIN, offsets, params, *args)


@sgd.on("cpu")
def _(params, grads, buffers, lr, decay, sign, momentum, undamped, nesterov):
    entry = _sgd_entry(params[0].dtype)
    _over_all(entry, params, grads, buffers, lr, decay, sign, momentum, undamped, nesterov)


@adam.on("cpu")
def _(params, grads, means, squares, maxima, steps, lr, beta1, beta2, eps, decay, shrink, sign, amsgrad):
    entry = _adam_entry(params[0].dtype)
    weight1, keep1 = weights(beta1, params[0].dtype)
    advance(steps)
    _over_all(
        entry, params, grads, means, squares, maxima, steps,
        lr, beta1, beta2, eps, decay, shrink, sign, weight1, keep1, 1 - beta2, amsgrad,
    )  # fmt: skip


def weights(beta: float, dtype: np.dtype) -> tuple[float, float]:
    """1 - beta, and one minus that, as numbers of `dtype` give it."""
    return 1 - beta, float(1 - dtype.type(1 - beta))


def advance(steps: list[np.ndarray]) -> None:
    """Count one more step, in float32 arrays in host memory."""
    _advance_entry()(steps, 0, len(steps))


# ---- CUDA: see cuda/optim.py, imported late: who stays on the CPU never loads a CUDA compiler ----


@sgd.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import optim

    optim.sgd(*args)


@adam.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import optim

    optim.adam(*args)
