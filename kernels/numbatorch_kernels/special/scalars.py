"""The functions of this package as scalars, each with its derivative: what scalar bodies may call."""

from __future__ import annotations

import math
from collections.abc import Callable

from numbatorch_kernels.expr import Scalar
from numbatorch_kernels.primitives import exp, exp2, log, sign, where
from numbatorch_kernels.special import (
    airy,
    arithmetic,
    bessel,
    gamma,
    implicit,
    incomplete_gamma,
    modified_bessel,
    normal,
    orthogonal,
)


def _scalar(function: Callable, vjp: Callable | None = None) -> Scalar:
    return Scalar(function.__name__, function, vjp, module=function.__module__)


# --- integers and parts of floats

gcd = _scalar(arithmetic.gcd)
lcm = _scalar(arithmetic.lcm)
mantissa = _scalar(arithmetic.mantissa, lambda g, y, x: (g * exp2(-exponent(x)),))
exponent: Scalar = _scalar(arithmetic.exponent)
ldexp: Scalar = _scalar(arithmetic.ldexp, lambda g, y, x, n: (ldexp(g, n), None))
neighbour = _scalar(
    arithmetic.neighbour, lambda g, y, x, to, *of: (where(x != to, g, 0), None, *[None for _ in of])
)

# --- the gamma function and its kin

polygamma: Scalar = _scalar(gamma.polygamma, lambda g, y, x, n: (g * polygamma(x, n + 1), None))
digamma = _scalar(gamma.digamma, lambda g, y, x: (g * polygamma(x, 1),))
lgamma = _scalar(gamma.lgamma, lambda g, y, x: (g * digamma(x),))


def _igamma_slope(a, x):
    """xᵃ⁻¹ e⁻ˣ / Γ(a)"""
    return exp((a - 1) * log(x) - x - lgamma(a))


# Of the first operand nobody has the derivative. That is the op's to say, once a gradient comes through here.
zeta: Scalar = _scalar(gamma.zeta, lambda g, y, s, q: (g, g * (-s * zeta(s + 1, q))))
igamma = _scalar(incomplete_gamma.igamma, lambda g, y, a, x: (g, g * _igamma_slope(a, x)))
igammac = _scalar(incomplete_gamma.igammac, lambda g, y, a, x: (g, -g * _igamma_slope(a, x)))

# --- the normal distribution

ndtri = _scalar(normal.ndtri, lambda g, y, x: (g * (math.sqrt(2 * math.pi) * exp(0.5 * (y * y))),))

# --- Bessel and Airy functions


def _i1_vjp(g, y, x):
    away = where(x == 0, 1, x)
    return (g * where(x == 0, 0.5, i0(x) - y / away),)


def _i1e_vjp(g, y, x):
    away = where(x == 0, 1, x)
    return (g * where(x == 0, 0.5, i0e(x) - y * (sign(x) + 1 / away)),)


i0: Scalar = _scalar(modified_bessel.i0, lambda g, y, x: (g * i1(x),))
i1: Scalar = _scalar(modified_bessel.i1, _i1_vjp)
i0e: Scalar = _scalar(modified_bessel.i0e, lambda g, y, x: (g * (i1e(x) - sign(x) * y),))
i1e: Scalar = _scalar(modified_bessel.i1e, _i1e_vjp)
k0 = _scalar(modified_bessel.k0)
k1 = _scalar(modified_bessel.k1)
k0e = _scalar(modified_bessel.k0e)
k1e = _scalar(modified_bessel.k1e)
bessel_j0 = _scalar(bessel.bessel_j0)
bessel_j1 = _scalar(bessel.bessel_j1)
bessel_y0 = _scalar(bessel.bessel_y0)
bessel_y1 = _scalar(bessel.bessel_y1)
spherical_bessel_j0 = _scalar(bessel.spherical_bessel_j0)
airy_ai = _scalar(airy.airy_ai)

# --- orthogonal polynomials, of x and their number

chebyshev_t = _scalar(orthogonal.chebyshev_t)
chebyshev_u = _scalar(orthogonal.chebyshev_u)
chebyshev_v = _scalar(orthogonal.chebyshev_v)
chebyshev_w = _scalar(orthogonal.chebyshev_w)
hermite_h = _scalar(orthogonal.hermite_h)
hermite_he = _scalar(orthogonal.hermite_he)
laguerre_l = _scalar(orthogonal.laguerre_l)
legendre_p = _scalar(orthogonal.legendre_p)


def shifted_chebyshev_t(x, n):
    """The same for x between 0 and 1"""
    return chebyshev_t(x + x - 1, n)


def shifted_chebyshev_u(x, n):
    """The same for x between 0 and 1"""
    return chebyshev_u(x + x - 1, n)


def shifted_chebyshev_v(x, n):
    """The same for x between 0 and 1"""
    return chebyshev_v(x + x - 1, n)


def shifted_chebyshev_w(x, n):
    """The same for x between 0 and 1"""
    return chebyshev_w(x + x - 1, n)


# --- how random numbers move with their parameters

gamma_gradient = _scalar(implicit.gamma_gradient)
dirichlet_gradient = _scalar(implicit.dirichlet_gradient)
