"""exp, log, sin, tanh, erf ... of float32 (_f32) and float64 (_f64), made so that LLVM vectorises them.

    @njit(nogil=True, error_model="numpy")
    def kernel(out, a, start, stop):
        for i in range(start, stop):
            out[i] = exp_f32(a[i])

Each is within 2 units in the last place (benchmarks/vecmath_accuracy.py measures it; normal_cdf of float32 is
made for gelu and within 4 down to x = -1, within 3e-5 of its value down to -6), right for infinities,
NaN, signed zeros and subnormal numbers, and has neither branch nor call: that loop becomes vector
instructions, where Numba's math.exp would be a call for every number (pip's llvmlite brings no vector
library).
"""

from numbatorch_kernels.vecmath.exponential import (
    exp2_f32,
    exp2_f64,
    exp_f32,
    exp_f64,
    exp_normal_f32,
    exp_normal_f64,
    expm1_f32,
    expm1_f64,
    sigmoid_f32,
    sigmoid_f64,
    softplus_f32,
    softplus_f64,
)
from numbatorch_kernels.vecmath.hyperbolic import (
    acosh_f32,
    acosh_f64,
    asinh_f32,
    asinh_f64,
    atanh_f32,
    atanh_f64,
    cosh_f32,
    cosh_f64,
    sinh_f32,
    sinh_f64,
    tanh_f32,
    tanh_f64,
)
from numbatorch_kernels.vecmath.inverse import (
    acos_f32,
    acos_f64,
    asin_f32,
    asin_f64,
    atan2_f32,
    atan2_f64,
    atan_f32,
    atan_f64,
)
from numbatorch_kernels.vecmath.logarithm import (
    log1p_f32,
    log1p_f64,
    log2_f32,
    log2_f64,
    log10_f32,
    log10_f64,
    log_f32,
    log_f64,
)
from numbatorch_kernels.vecmath.power import pow_f32, pow_f64, rsqrt_f32, rsqrt_f64, sqrt_f32, sqrt_f64
from numbatorch_kernels.vecmath.special import (
    erf_f32,
    erf_f64,
    erfc_f32,
    erfc_f64,
    erfcx_f32,
    erfcx_f64,
    normal_cdf_f32,
    normal_cdf_f64,
)
from numbatorch_kernels.vecmath.trigonometric import cos_f32, cos_f64, sin_f32, sin_f64, tan_f32, tan_f64
