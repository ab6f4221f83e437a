"""Poisson, binomial and gamma numbers on CUDA: a thread makes an element, of draws that are its own.

The counter of Philox is the element, how often it has drawn, and the call: an element depends on the seed, the
call, its place and its parameters alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy import float32, float64, int64, uint32

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import compiled, grid_stride
from numbatorch_kernels.cuda.random import philox, place_of, source_of, unit_53
from numbatorch_kernels.philox import MASK, Philox
from numbatorch_kernels.rejection import samplers


@device_function
def uniform(own):
    """A float64 in [0, 1). A thread's `own` are the number of its draws so far, its element, and what all share."""
    drawn, element, source = own
    step = int64(drawn[0])
    drawn[0] = uint32(step + 1)
    a, b, _, _ = philox(element & MASK, (element >> 32) ^ (step << 8), *source)
    return unit_53(a, b)


@device_function
def normal(own):
    radius = math.sqrt(-2.0 * math.log1p(-uniform(own)))
    return radius * math.cos(2.0 * math.pi * uniform(own))


poisson_of, binomial_of, gamma_of = samplers(device_function, uniform, normal)


def poisson_kernel(out, rate, state, seed, offset, n):
    drawn, source = cuda.local.array(1, uint32), source_of(state, seed, offset)
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        drawn[0] = uint32(0)
        out[i] = poisson_of(float64(rate[i]), (drawn, i, source))


def binomial_kernel(out, count, p, single, state, seed, offset, n):
    drawn, source = cuda.local.array(1, uint32), source_of(state, seed, offset)
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        drawn[0] = uint32(0)
        out[i] = binomial_of(float64(count[i]), float64(p[i]), single, (drawn, i, source))


def gamma_kernel(out, shape, least, single, state, seed, offset, n):
    drawn, source = cuda.local.array(1, uint32), source_of(state, seed, offset)
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        drawn[0] = uint32(0)
        x = gamma_of(float64(shape[i]), single, (drawn, i, source))
        out[i] = x if x > least else least


def _launch(kernel: Callable, out: DeviceArray, state: Philox, arrays: tuple, *numbers) -> None:
    entry = compiled(kernel, out.dtype, *[a.dtype for a in arrays], *map(type, numbers), "i8", int, int, int)
    entry(*grid_stride(out.size), out, *arrays, *numbers, *place_of(state, out.device), out.size)


def poisson(out: DeviceArray, state: Philox, rate: DeviceArray) -> None:
    _launch(poisson_kernel, out, state, (rate,))


def binomial(out: DeviceArray, state: Philox, count: DeviceArray, p: DeviceArray) -> None:
    _launch(binomial_kernel, out, state, (count, p), int(out.dtype == float32))


def gamma(out: DeviceArray, state: Philox, shape: DeviceArray) -> None:
    least = float(np.finfo(out.dtype).tiny)
    _launch(gamma_kernel, out, state, (shape,), least, int(out.dtype == float32))
