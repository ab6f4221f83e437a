"""The mathematical functions that CUDA kernels call, by the names that `lift` writes: exp_f32(x), exp_f64(x)
...

On a GPU they are those of libdevice, NVIDIA's library of device functions (errors of 1 to 2 ulp; its manual
has the table), or a few lines of it. In the simulator they are NumPy's, which give infinity and NaN where
Python's raise, and keep float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy import float32, float64

from numbatorch_kernels.cuda import compat


def _pair(name: str, simulated: Callable, keeps_type: bool = True) -> tuple[Callable, Callable]:
    """libdevice's function for float32 and for float64. `simulated` is its stand-in: NumPy's, or one of plain
    numbers."""
    if not compat.SIMULATED:
        return getattr(compat.libdevice, name + "f"), getattr(compat.libdevice, name)
    if keeps_type:
        return simulated, simulated
    return lambda *args: float32(simulated(*args)), lambda *args: float64(simulated(*args))


def scaled_erfc(x: float) -> float:
    """exp(x^2) erfc(x), a stand-in for libdevice's erfcx."""
    if abs(x) < 26:
        return math.exp(x * x) * math.erfc(x)
    return math.inf if x < 0 else (1 - 0.5 / (x * x)) / (x * math.sqrt(math.pi))


exp_f32, exp_f64 = _pair("exp", np.exp)
exp2_f32, exp2_f64 = _pair("exp2", np.exp2)
expm1_f32, expm1_f64 = _pair("expm1", np.expm1)
log_f32, log_f64 = _pair("log", np.log)
log2_f32, log2_f64 = _pair("log2", np.log2)
log10_f32, log10_f64 = _pair("log10", np.log10)
log1p_f32, log1p_f64 = _pair("log1p", np.log1p)
sin_f32, sin_f64 = _pair("sin", np.sin)
cos_f32, cos_f64 = _pair("cos", np.cos)
tan_f32, tan_f64 = _pair("tan", np.tan)
asin_f32, asin_f64 = _pair("asin", np.arcsin)
acos_f32, acos_f64 = _pair("acos", np.arccos)
atan_f32, atan_f64 = _pair("atan", np.arctan)
atan2_f32, atan2_f64 = _pair("atan2", np.arctan2)
sinh_f32, sinh_f64 = _pair("sinh", np.sinh)
cosh_f32, cosh_f64 = _pair("cosh", np.cosh)
tanh_f32, tanh_f64 = _pair("tanh", np.tanh)
asinh_f32, asinh_f64 = _pair("asinh", np.arcsinh)
acosh_f32, acosh_f64 = _pair("acosh", np.arccosh)
atanh_f32, atanh_f64 = _pair("atanh", np.arctanh)
erf_f32, erf_f64 = _pair("erf", math.erf, keeps_type=False)
erfc_f32, erfc_f64 = _pair("erfc", math.erfc, keeps_type=False)
erfcx_f32, erfcx_f64 = _pair("erfcx", scaled_erfc, keeps_type=False)
sqrt_f32, sqrt_f64 = _pair("sqrt", np.sqrt)
rsqrt_f32, rsqrt_f64 = _pair("rsqrt", lambda x: 1 / np.sqrt(x))
pow_f32, pow_f64 = _pair("pow", np.power)
floor_f32, floor_f64 = _pair("floor", np.floor)
ceil_f32, ceil_f64 = _pair("ceil", np.ceil)
trunc_f32, trunc_f64 = _pair("trunc", np.trunc)
rint_f32, rint_f64 = _pair("rint", np.rint)
copysign_f32, copysign_f64 = _pair("copysign", np.copysign)
fmod_f32, fmod_f64 = _pair("fmod", np.fmod)
fma_f32, fma_f64 = _pair("fma", lambda a, b, c: a * b + c)


@compat.device_function
def sigmoid_f32(x):
    return float32(1) / (float32(1) + exp_f32(-x))


@compat.device_function
def sigmoid_f64(x):
    return 1.0 / (1.0 + exp_f64(-x))


@compat.device_function
def normal_cdf_f32(x):
    return float32(0.5) * erfc_f32(x * float32(-0.7071067811865476))


@compat.device_function
def normal_cdf_f64(x):
    return 0.5 * erfc_f64(x * -0.7071067811865476)


@compat.device_function
def softplus_f32(x):
    tail = log1p_f32(exp_f32(-abs(x)))
    return x + tail if x > 0 else tail


@compat.device_function
def softplus_f64(x):
    tail = log1p_f64(exp_f64(-abs(x)))
    return x + tail if x > 0 else tail
