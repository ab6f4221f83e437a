"""The mathematical functions that a scalar body may call, each with its derivative.

`numbatorch.scalar` is this file. A kernel writes exp(x) as exp_f32(x) or exp_f64(x): functions of `vecmath`
on the CPU, which LLVM vectorises, and of `cuda.vecmath` on CUDA.
"""

from __future__ import annotations

import cmath
import math

from numbatorch_kernels.expr import (
    Scalar,
    absolute,
    conj,
    constant,
    imag,
    real,
    sgn,
    times_i,
    where,
)

__all__ = [
    "abs",
    "acos",
    "acosh",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "ceil",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "erfcx",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "fmod",
    "imag",
    "inf",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "maximum",
    "minimum",
    "nan",
    "normal_cdf",
    "pi",
    "pow",
    "real",
    "rint",
    "rsqrt",
    "sgn",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
    "where",
]  # fmt: skip

abs = absolute
pi, inf, nan = math.pi, math.inf, math.nan
_TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)

exp = Scalar("exp", math.exp, lambda g, y, x: (g * y,))
exp2 = Scalar("exp2", math.exp2, lambda g, y, x: (g * y * math.log(2),))
expm1 = Scalar("expm1", math.expm1, lambda g, y, x: (g * (y + 1),))
log = Scalar("log", math.log, lambda g, y, x: (g / x,))
log2 = Scalar("log2", math.log2, lambda g, y, x: (g / (x * math.log(2)),))
log10 = Scalar("log10", math.log10, lambda g, y, x: (g / (x * math.log(10)),))
log1p = Scalar("log1p", math.log1p, lambda g, y, x: (g / (x + 1),))
sin = Scalar("sin", math.sin, lambda g, y, x: (g * cos(x),))
cos: Scalar = Scalar("cos", math.cos, lambda g, y, x: (-g * sin(x),))
tan = Scalar("tan", math.tan, lambda g, y, x: (g * (1 + y * y),))
asin = Scalar("asin", math.asin, lambda g, y, x: (g * rsqrt(1 - x * x),))
acos = Scalar("acos", math.acos, lambda g, y, x: (-g * rsqrt(1 - x * x),))
atan = Scalar("atan", math.atan, lambda g, y, x: (g / (x * x + 1),))
sinh = Scalar("sinh", math.sinh, lambda g, y, x: (g * cosh(x),))
cosh: Scalar = Scalar("cosh", math.cosh, lambda g, y, x: (g * sinh(x),))
tanh = Scalar("tanh", math.tanh, lambda g, y, x: (g * (1 - y * y),))
asinh = Scalar("asinh", math.asinh, lambda g, y, x: (g * rsqrt(x * x + 1),))
acosh = Scalar("acosh", math.acosh, lambda g, y, x: (g * acosh_slope(x),))
atanh = Scalar("atanh", math.atanh, lambda g, y, x: (g / (1 - x * x),))
erf = Scalar("erf", math.erf, lambda g, y, x: (g * (_TWO_OVER_SQRT_PI * exp(-(x * x))),))
erfc = Scalar("erfc", math.erfc, lambda g, y, x: (g * (-_TWO_OVER_SQRT_PI * exp(-(x * x))),))
normal_cdf = Scalar(
    "normal_cdf",
    lambda x: math.erfc(-x * math.sqrt(0.5)) / 2,
    lambda g, y, x: (g * (exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))),),
)
erfcx: Scalar = Scalar(
    "erfcx", lambda x: math.exp(x * x) * math.erfc(x), lambda g, y, x: (g * (2 * x * y - _TWO_OVER_SQRT_PI),)
)
sqrt = Scalar("sqrt", math.sqrt, lambda g, y, x: (g / (2 * y),))
rsqrt: Scalar = Scalar("rsqrt", lambda x: 1 / math.sqrt(x), lambda g, y, x: (-0.5 * g * (y * y * y),))
sigmoid = Scalar("sigmoid", lambda x: 1 / (1 + math.exp(-x)), lambda g, y, x: (g * ((1 - y) * y),))
softplus = Scalar(
    "softplus",
    lambda x: math.log1p(math.exp(-math.fabs(x))) + max(x, 0),
    lambda g, y, x: (g * sigmoid(x),),
)


def _atan2_vjp(g, y, a, b):
    # at the origin, which has no angle, 0
    scale = where((a == 0) & (b == 0), 0, 1 / (a * a + b * b))
    return g * (b * scale), -g * (a * scale)


atan2 = Scalar("atan2", math.atan2, _atan2_vjp)


def _pow_vjp(g, y, x, p):
    """p x^(p-1) and x^p log x, with PyTorch's choices at the edges: 0 where p = 0, and where x = 0 and p >=
    0."""
    return where(p == 0, 0, g * (p * pow(x, p - 1))), g * where((x == 0) & (p >= 0), 0, y * log(x))


pow = Scalar("pow", math.pow, _pow_vjp)
int_pow = Scalar("int_pow", lambda a, n: a**n, text="({0} ** {1})")
complex_of = Scalar("complex", complex, lambda g, y, a, b: (real(g), real(times_i(g))))
angle = Scalar(
    "angle",
    lambda z: cmath.phase(z),
    lambda g, y, z: (where(z == 0, 0, -times_i(real(g)) / z),),
    on_reals=lambda x: where(x < 0, pi, where(x == x, constant(0), x)),
)
floor = Scalar("floor", math.floor)
ceil = Scalar("ceil", math.ceil)
trunc = Scalar("trunc", math.trunc)
rint = Scalar("rint", round)
fmod = Scalar("fmod", math.fmod, lambda g, y, a, b: (g, -g * trunc(a / b)))
# a b + c, rounded once where the processor can
fma = Scalar("fma", lambda a, b, c: a * b + c, lambda g, y, a, b, c: (g * b, g * a, g))
copysign = Scalar("copysign", math.copysign, lambda g, y, a, b: (g * where(a == 0, 0, y / a), None))
# 1 / √(x² - 1), of complex numbers as 1 / √(x - 1) √(x + 1): the same root on both sides of the branch cut
acosh_slope: Scalar = Scalar(
    "acosh_slope",
    lambda x: 1 / math.sqrt(x * x - 1),
    lambda g, y, x: (-g * x * (y * y * y),),
    on_reals=lambda x: rsqrt(x * x - 1),
)


def isnan(x):
    """Whether x is not a number."""
    return x != x


def sign(x):
    """-1, 0 or 1, as x is negative, zero or positive; NaN gives 0."""
    return where(0 < x, 1, where(x < 0, -1, 0))


def maximum(a, b):
    """The larger of two; NaN if either is."""
    # The inner `where` is one instruction; of a number, b != b is known.
    return where(b != b, b, where(b > a, b, a))


def minimum(a, b):
    """The smaller of two; NaN if either is."""
    return where(b != b, b, where(b < a, b, a))
