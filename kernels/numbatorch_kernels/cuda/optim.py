"""The optimizer steps of ../optim.py on CUDA: a launch for each parameter.

Steps are counted in host memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import optim as cpu
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher


def _fma(a, b, c):
    return cuda.fma(a, b, c)


def _with_fma(function: Callable) -> Callable:
    """The CPU's formula, with the GPU's instruction for a fused multiply-add."""
    names = {**function.__globals__, "fma": device_function(_fma)}
    return device_function(FunctionType(function.__code__, names, function.__name__))


sgd_element = _with_fma(cpu.sgd_element)
adam_moments = _with_fma(cpu.adam_moments)
adam_element = _with_fma(cpu.adam_element)


def sgd_grid(params, grads, buffers, lr, decay, sign, momentum, undamped, nesterov, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        p, m = sgd_element(params[i], grads[i], buffers[i], lr, decay, sign, momentum, undamped, nesterov)
        params[i] = p
        if momentum:
            buffers[i] = m


def adam_grid(
    params,
    grads,
    means,
    squares,
    maxima,
    step_size,
    root,
    eps,
    decay,
    shrink,
    sign,
    weight1,
    keep1,
    weight2,
    beta2,
    amsgrad,
    n,
):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        m, v = adam_moments(
            params[i], grads[i], means[i], squares[i], decay, sign, weight1, keep1, weight2, beta2
        )
        means[i] = m
        squares[i] = v
        if amsgrad:
            if maxima[i] >= v:  # so NaN stays NaN
                v = maxima[i]
            maxima[i] = v
        params[i] = adam_element(params[i], m, v, shrink, step_size, root, eps)


@cache
def _sgd_launch(dtype: np.dtype) -> Callable:
    return launcher(sgd_grid, *[dtype] * 3, *[from_dtype(dtype)] * 6, int)


@cache
def _adam_launch(dtype: np.dtype) -> Callable:
    return launcher(adam_grid, *[dtype] * 5, *[from_dtype(dtype)] * 10, int, int)


def sgd(params, grads, buffers, *numbers) -> None:
    launch = _sgd_launch(params[0].dtype)
    for arrays in zip(params, grads, buffers, strict=True):
        launch(*arrays, *map(float, numbers), arrays[0].size)


def adam(
    params, grads, means, squares, maxima, steps, lr, beta1, beta2, eps, decay, shrink, sign, amsgrad
) -> None:
    launch = _adam_launch(params[0].dtype)
    weight1, keep1 = cpu.weights(beta1, params[0].dtype)
    cpu.advance(steps)
    for *arrays, step in zip(params, grads, means, squares, maxima, steps, strict=True):
        step_size, root = lr / (1 - beta1 ** float(step)), (1 - beta2 ** float(step)) ** 0.5
        numbers = map(float, (step_size, root, eps, decay, shrink, sign, weight1, keep1, 1 - beta2, beta2))
        launch(*arrays, *numbers, int(amsgrad), arrays[0].size)
