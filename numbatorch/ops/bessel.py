"""Bessel and Airy functions, and orthogonal polynomials. As in PyTorch, they are not differentiated, and there
is none of float16 and bfloat16. (`i0` and `i1`, in special.py, are.)

The algorithms and their sources are in `numbatorch_kernels.special`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numbatorch.autograd.mode import no_grad
from numbatorch.elementwise import Pointwise
from numbatorch.rules import COMPLEX, HALF, refuse, to_float
from numbatorch_kernels.special import scalars

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


class _Function:
    """A row whose results are not on the tape."""

    def __init__(self, name: str, body, arity: int = 1):
        accepts = refuse(f"{name}_cpu", *HALF, *COMPLEX)
        self.row = Pointwise(name, body, arity=arity, result=to_float, accepts=accepts)

    def __call__(self, *inputs, out: Tensor | None) -> Tensor:
        with no_grad():
            return self.row.general(inputs, out)


_airy_ai = _Function("airy_ai", scalars.airy_ai)
_bessel_j0 = _Function("bessel_j0", scalars.bessel_j0)
_bessel_j1 = _Function("bessel_j1", scalars.bessel_j1)
_bessel_y0 = _Function("bessel_y0", scalars.bessel_y0)
_bessel_y1 = _Function("bessel_y1", scalars.bessel_y1)
_modified_bessel_i0 = _Function("modified_bessel_i0", scalars.i0)
_modified_bessel_i1 = _Function("modified_bessel_i1", scalars.i1)
_modified_bessel_k0 = _Function("modified_bessel_k0", scalars.k0)
_modified_bessel_k1 = _Function("modified_bessel_k1", scalars.k1)
_scaled_modified_bessel_k0 = _Function("scaled_modified_bessel_k0", scalars.k0e)
_scaled_modified_bessel_k1 = _Function("scaled_modified_bessel_k1", scalars.k1e)
_spherical_bessel_j0 = _Function("spherical_bessel_j0", scalars.spherical_bessel_j0)
_chebyshev_polynomial_t = _Function("chebyshev_polynomial_t", scalars.chebyshev_t, 2)
_chebyshev_polynomial_u = _Function("chebyshev_polynomial_u", scalars.chebyshev_u, 2)
_chebyshev_polynomial_v = _Function("chebyshev_polynomial_v", scalars.chebyshev_v, 2)
_chebyshev_polynomial_w = _Function("chebyshev_polynomial_w", scalars.chebyshev_w, 2)
_shifted_chebyshev_polynomial_t = _Function("shifted_chebyshev_polynomial_t", scalars.shifted_chebyshev_t, 2)
_shifted_chebyshev_polynomial_u = _Function("shifted_chebyshev_polynomial_u", scalars.shifted_chebyshev_u, 2)
_shifted_chebyshev_polynomial_v = _Function("shifted_chebyshev_polynomial_v", scalars.shifted_chebyshev_v, 2)
_shifted_chebyshev_polynomial_w = _Function("shifted_chebyshev_polynomial_w", scalars.shifted_chebyshev_w, 2)
_hermite_polynomial_h = _Function("hermite_polynomial_h", scalars.hermite_h, 2)
_hermite_polynomial_he = _Function("hermite_polynomial_he", scalars.hermite_he, 2)
_laguerre_polynomial_l = _Function("laguerre_polynomial_l", scalars.laguerre_l, 2)
_legendre_polynomial_p = _Function("legendre_polynomial_p", scalars.legendre_p, 2)


def airy_ai(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Airy function Ai(x), the solution of y'' = x y that vanishes for large x; NaN for infinities."""
    return _airy_ai(input, out=out)


def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind, of order 0.

    >>> torch.special.bessel_j0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """
    return _bessel_j0(input, out=out)


def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind, of order 1."""
    return _bessel_j1(input, out=out)


def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind, of order 0; -inf at 0, NaN below."""
    return _bessel_y0(input, out=out)


def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind, of order 1; -inf at 0, NaN below."""
    return _bessel_y1(input, out=out)


def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 0."""
    return _modified_bessel_i0(input, out=out)


def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 1."""
    return _modified_bessel_i1(input, out=out)


def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind, of order 0; inf at 0, NaN below."""
    return _modified_bessel_k0(input, out=out)


def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind, of order 1; inf at 0, NaN below."""
    return _modified_bessel_k1(input, out=out)


def scaled_modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x) modified_bessel_k0(x)"""
    return _scaled_modified_bessel_k0(input, out=out)


def scaled_modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x) modified_bessel_k1(x)"""
    return _scaled_modified_bessel_k1(input, out=out)


def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(x) / x, the spherical Bessel function of order 0."""
    return _spherical_bessel_j0(input, out=out)


# --- orthogonal polynomials: number n of its family, at x; n is taken without its fraction


def chebyshev_polynomial_t(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the first kind Tₙ(x) = cos(n acos x); 0 for a negative n.

    >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.5, 2.0]), 2)
    tensor([-0.5000,  7.0000])
    """
    return _chebyshev_polynomial_t(input, n, out=out)


def chebyshev_polynomial_u(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the second kind: sin((n + 1) t) / sin(t), t = acos x."""
    return _chebyshev_polynomial_u(input, n, out=out)


def chebyshev_polynomial_v(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the third kind: cos((n + 1/2) t) / cos(t / 2), t = acos x."""
    return _chebyshev_polynomial_v(input, n, out=out)


def chebyshev_polynomial_w(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the fourth kind: sin((n + 1/2) t) / sin(t / 2), t = acos x."""
    return _chebyshev_polynomial_w(input, n, out=out)


def shifted_chebyshev_polynomial_t(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """`chebyshev_polynomial_t` of 2x - 1."""
    return _shifted_chebyshev_polynomial_t(input, n, out=out)


def shifted_chebyshev_polynomial_u(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """`chebyshev_polynomial_u` of 2x - 1."""
    return _shifted_chebyshev_polynomial_u(input, n, out=out)


def shifted_chebyshev_polynomial_v(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """`chebyshev_polynomial_v` of 2x - 1."""
    return _shifted_chebyshev_polynomial_v(input, n, out=out)


def shifted_chebyshev_polynomial_w(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """`chebyshev_polynomial_w` of 2x - 1."""
    return _shifted_chebyshev_polynomial_w(input, n, out=out)


def hermite_polynomial_h(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Hermite polynomial of the physicists: 2x, 4x² - 2, ...; NaN for n > 512."""
    return _hermite_polynomial_h(input, n, out=out)


def hermite_polynomial_he(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Hermite polynomial of probability theory: x, x² - 1, ...; NaN for n > 512."""
    return _hermite_polynomial_he(input, n, out=out)


def laguerre_polynomial_l(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Laguerre polynomial: 1 - x, x²/2 - 2x + 1, ..."""
    return _laguerre_polynomial_l(input, n, out=out)


def legendre_polynomial_p(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Legendre polynomial: x, (3x² - 1)/2, ..."""
    return _legendre_polynomial_p(input, n, out=out)
