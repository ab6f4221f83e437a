"""exp, log and max under one name for float32 and float64, for kernels that are written once for both."""

from __future__ import annotations

import math

from numba import types
from numba.extending import overload
from numpy import inf

from numbatorch_kernels.cpu import SHARED
from numbatorch_kernels.rounding import maximum_f32, maximum_f64
from numbatorch_kernels.vecmath import exp_f32, exp_f64, log_f32, log_f64


def exponential(x):
    """e^x"""
    return math.exp(x)


def logarithm(x):
    """log x"""
    return math.log(x) if x > 0 else -inf


def largest(x, y):
    """The larger of two numbers, NaN if either is."""
    return x if x > y or x != x else y


@overload(exponential, jit_options=SHARED)
def _exponential(x):
    return (lambda x: exp_f32(x)) if x == types.float32 else (lambda x: exp_f64(x))


@overload(logarithm, jit_options=SHARED)
def _logarithm(x):
    return (lambda x: log_f32(x)) if x == types.float32 else (lambda x: log_f64(x))


@overload(largest, jit_options=SHARED)
def _largest(x, y):
    return (lambda x, y: maximum_f32(x, y)) if x == types.float32 else (lambda x, y: maximum_f64(x, y))
