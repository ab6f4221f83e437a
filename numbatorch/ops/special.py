"""The special functions that PyTorch differentiates: gamma and zeta functions, the normal distribution, modified
Bessel functions of the first kind.

Computed in float64 whatever the dtype (but `erfcx`, `erfinv` and what is made of them in float32), within a
few units in the last place. The algorithms and their sources are in `numbatorch_kernels.special`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.arguments import tensor_kind, whole
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import add
from numbatorch.ops.copy import copy_
from numbatorch.ops.sequences import arange
from numbatorch.ops.underived import UnderivedFirst
from numbatorch.rules import COMPLEX, HALF, INTEGERS, refuse, to_float
from numbatorch_kernels import elementary, primitives
from numbatorch_kernels.special import scalars

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _function(
    name: str, body, kernel: str, *refused: str, row: type[Pointwise] = Pointwise, arity: int = 1, **rules
) -> Pointwise:
    return row(name, body, arity=arity, result=to_float, accepts=refuse(kernel, *COMPLEX, *refused), **rules)


_lgamma = _function("Lgamma", scalars.lgamma, "lgamma_vml_cpu")
_digamma = _function("Digamma", scalars.digamma, "digamma")
_polygamma = _function("Polygamma", scalars.polygamma, "polygamma", arity=2, weightless=(1,))
_zeta = _function(
    "SpecialZeta", scalars.zeta, "zeta_cpu", *HALF, arity=2, row=UnderivedFirst, parameter="zeta"
)
_igamma = _function(
    "Igamma",
    scalars.igamma,
    "igamma_cpu",
    *INTEGERS,
    arity=2,
    tensors=2,
    row=UnderivedFirst,
    parameter="igamma: input",
)
_igammac = _function(
    "Igammac",
    scalars.igammac,
    "igammac_cpu",
    *INTEGERS,
    arity=2,
    tensors=2,
    row=UnderivedFirst,
    parameter="igammac: input",
)
_erfinv = _function("Erfinv", elementary.erfinv, "erfinv_vml_cpu", keeps_result=False)
_erfcx = _function("SpecialErfcx", primitives.erfcx, "erfcx_cpu", *HALF)
_ndtr = _function("SpecialNdtr", elementary.ndtr, "erf_vml_cpu")
_log_ndtr = _function("SpecialLogNdtr", elementary.log_ndtr, "log_ndtr_cpu", *HALF)
_ndtri = _function("SpecialNdtri", scalars.ndtri, "ndtri_cpu", *HALF)
_entr = _function("SpecialEntr", elementary.entr, "entr_cpu")
_xlog1py = _function("SpecialXlog1Py", elementary.xlog1py, "xlog1py_cpu", arity=2)
_i0 = _function("I0", scalars.i0, "i0_vml_cpu")
_i0e = _function("SpecialI0E", scalars.i0e, "i0e_cpu")
_i1 = _function("SpecialI1", scalars.i1, "i1_cpu")
_i1e = _function("SpecialI1E", scalars.i1e, "i1e_cpu")


def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log |Γ(x)|; infinite at 0, -1, -2 ...

    >>> torch.lgamma(torch.tensor([0.5, 1.0, 5.0]))
    tensor([0.5724, 0.0000, 3.1781])
    """
    return _lgamma.general((input,), out)


def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ψ(x), the derivative of log Γ(x); ∓inf at ±0, NaN at -1, -2 ...

    >>> torch.digamma(torch.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    return _digamma.general((input,), out)


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative number n of ψ(x). Raises RuntimeError for a negative n.

    >>> torch.polygamma(1, torch.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    whole(n)
    tensor_kind(input)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return _polygamma.general((input, n), out)


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the gamma function of p dimensions: p (p - 1) / 4 log π + the sum of log Γ(x - j / 2) over
    j = 0 ... p - 1. Raises RuntimeError for p < 1 and for bool.

    >>> torch.mvlgamma(torch.tensor([3.0]), 2)
    tensor([1.5502])
    """
    whole(p)
    if tensor_kind(input).dtype is dt.bool:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    dtype = to_float(input.dtype)
    halves = arange(0, -0.5 * p, -0.5, dtype=dtype, device=input.device)
    logs = lgamma(input.unsqueeze(-1) + halves).sum(-1)
    return add(logs, 0.25 * p * (p - 1) * math.log(math.pi), out=out)


def mvlgamma_(self: Tensor, p: int) -> Tensor:
    """`mvlgamma` in place. Raises RuntimeError for integers."""
    result = mvlgamma(self, p)
    if not dt.can_cast(result.kind.dtype, self.kind.dtype):
        raise RuntimeError(
            f"mvlgamma: result type {dt.type_word(self.kind.dtype)} can't be cast to the desired output type {dt.type_word(result.kind.dtype)}"
        )
    return copy_(self, result)


def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The zeta function of Hurwitz: Σ (other + k)^-input over k = 0, 1 ..., for input > 1. No gradient for
    `input`: NotImplementedError.

    >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    return _zeta.general((input, other), out)


def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised lower incomplete gamma function P(input, other): 1/Γ(a) times the integral of tᵃ⁻¹ e⁻ᵗ from
    0 to x. No gradient for `input`: NotImplementedError.

    >>> torch.igamma(torch.tensor([4.0]), torch.tensor([3.0, 4.0, 5.0]))
    tensor([0.3528, 0.5665, 0.7350])
    """
    return _igamma.general((input, other), out)


def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised upper incomplete gamma function, 1 - `igamma`, precise where it is small."""
    return _igammac.general((input, other), out)


def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The y with erf(y) = x; infinite at -1 and 1, NaN beyond.

    >>> torch.erfinv(torch.tensor([0.0, 0.5, -1.0]))
    tensor([0.0000, 0.4769,   -inf])
    """
    return _erfinv.general((input,), out)


def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x²) erfc(x), which is neither 0 nor too large where erfc(x) vanishes."""
    return _erfcx.general((input,), out)


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The probability that a normal number lies below x: 1/√2π times the integral of exp(-t²/2) up to x."""
    return _ndtr.general((input,), out)


def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(ndtr(x)), precise also where ndtr(x) vanishes."""
    return _log_ndtr.general((input,), out)


def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The x below which a normal number lies with this probability, the inverse of `ndtr`."""
    return _ndtri.general((input,), out)


def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-x log(x); 0 at 0, -inf below."""
    return _entr.general((input,), out)


def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * log(1 + other), and 0 where input is 0."""
    return _xlog1py.general((input, other), out)


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 0.

    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return _i0.general((input,), out)


def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(-|x|) i0(x)"""
    return _i0e.general((input,), out)


def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 1."""
    return _i1.general((input,), out)


def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(-|x|) i1(x)"""
    return _i1e.general((input,), out)
