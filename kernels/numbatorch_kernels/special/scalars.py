"""The functions of this package as scalars, each with its derivative: what scalar bodies may call."""

from __future__ import annotations

from collections.abc import Callable

from numbatorch_kernels.expr import Scalar
from numbatorch_kernels.primitives import exp2
from numbatorch_kernels.special import numbers


def _scalar(function: Callable, vjp: Callable | None = None) -> Scalar:
    return Scalar(function.__name__, function, vjp, module=function.__module__)


gcd = _scalar(numbers.gcd)
lcm = _scalar(numbers.lcm)
mantissa = _scalar(numbers.mantissa, lambda g, y, x: (g * exp2(-exponent(x)),))
exponent: Scalar = _scalar(numbers.exponent)
ldexp: Scalar = _scalar(numbers.ldexp, lambda g, y, x, n: (ldexp(g, n), None))
neighbour = _scalar(numbers.neighbour)
