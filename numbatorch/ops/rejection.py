"""Numbers that are drawn by rejection, each with parameters of its own: Poisson, binomial, gamma, Dirichlet.

On the CPU they are PyTorch's, from the same seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import tensor_kind
from numbatorch.base import Kind
from numbatorch.dtype import DType, type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import INTEGERS
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.creation import zeros_like
from numbatorch.ops.extrema import amin
from numbatorch.ops.sampling import source_of
from numbatorch.ops.underived import underived, without_derivative
from numbatorch.ops.view import expand
from numbatorch.random import Generator
from numbatorch.rules import not_implemented, refuse
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import rejection as kernels
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.special import scalars

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

SINGLE_AND_DOUBLE = (dt.float32, dt.float64)


def _drawn(kernel: Kernel, generator: Generator | None, dtype: DType, *parameters: Tensor) -> Tensor:
    """A contiguous tensor of numbers with these parameters, which have one shape; computed in `dtype`."""
    result = base.empty(parameters[0].array.shape, Kind.of(dtype, parameters[0].kind.device))
    source = source_of(generator, result)
    if result.array.size:
        arrays = [contiguous(cast(p, dtype)).array.reshape(-1) for p in parameters]
        with source.lock:
            kernel(result.kind.device.type, result.array.reshape(-1), source.state, *arrays)
    return result


# ------------------------------------------------------------------------------------------------------------
# counts


def _poisson(rate: Tensor, generator: Generator | None) -> Tensor:
    dtype = rate.kind.dtype
    if not dtype.is_floating_point:
        raise not_implemented("poisson_cpu", dtype)
    if rate.kind.cpu and rate.array.size and not amin(rate.detach()).item() >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return cast(_drawn(kernels.poisson, generator, dtype.opmath, rate), dtype)


_poisson_row = Op("Poisson", _poisson, lambda node, grad: (zeros_like(grad),))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of arrivals: Poisson numbers with the rates in `input`, in its shape and dtype, a float.

    Gradients are zero. Raises RuntimeError for a negative rate (on the CPU).

    >>> _ = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([1.0, 50.0]))
    tensor([ 2., 62.])
    """
    return _poisson_row(input, generator)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in `count` trials with probability `prob`, both float32 or float64 and
    broadcast together. Not differentiable.

    >>> torch.binomial(torch.tensor([5.0, 9.0]), torch.tensor(1.0))
    tensor([5., 9.])
    """
    for name, tensor in (("count", count), ("prob", prob)):
        if not tensor_kind(tensor).dtype.is_floating_point:
            kind = type_word(tensor.kind.dtype)
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {kind}")
    own = count.kind.dtype
    if prob.kind.dtype is not own:
        raise RuntimeError(f"Found dtype {type_word(prob.kind.dtype)} but expected {type_word(own)}")
    if own not in SINGLE_AND_DOUBLE:
        raise not_implemented("binomial_cpu", own)
    shape = broadcast_pair(count.array.shape, prob.array.shape)
    parameters = [expand(tensor.detach(), shape) for tensor in (count, prob)]
    return without_derivative(_drawn(kernels.binomial, generator, own, *parameters), "binomial", count, prob)


# ------------------------------------------------------------------------------------------------------------
# gamma and Dirichlet numbers, differentiable in their parameters

_gamma_gradient = Pointwise(
    "StandardGammaGrad", scalars.gamma_gradient, arity=2,
    accepts=refuse("_standard_gamma_grad_cpu", "float16", "bfloat16", *INTEGERS),
)  # fmt: skip
_dirichlet_gradient = Pointwise("DirichletGrad", scalars.dirichlet_gradient, arity=3)


def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """d output / d input of `output = _standard_gamma(input)`, at constant place in the distribution.

    (PyTorch approximates it to four digits; here it is right up to rounding.)
    """
    return _gamma_gradient(*_once("_standard_gamma_grad", input, output))


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """dx / d alpha / (1 - x) of beta numbers x of parameters alpha and total - alpha."""
    return _dirichlet_gradient(*_once("_dirichlet_grad", x, alpha, total))


def _once(name: str, *operands: Tensor) -> list[Tensor]:
    """`operands`, which no gradient passes."""
    error = NotImplementedError(f"the derivative for '{name}' is not implemented.")
    return [underived(operand, error) for operand in operands]


def _sample_gamma(shape: Tensor, generator: Generator | None) -> Tensor:
    if shape.kind.dtype not in SINGLE_AND_DOUBLE:
        raise not_implemented("gamma_cpu", shape.kind.dtype)
    return _drawn(kernels.gamma, generator, shape.kind.dtype, shape)


def _gamma_vjp(node, grad):
    shape, x = node.unpack()
    return (grad * _standard_gamma_grad(shape, x.detach()),)


_gamma_row = Op("StandardGamma", _sample_gamma, _gamma_vjp, saves=(0, -1))


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma numbers of these shapes and rate 1, float32 or float64, differentiable in the shape."""
    return _gamma_row(input, generator)


def _sample_simplex(concentration: Tensor, generator: Generator | None) -> Tensor:
    """Gamma numbers, drawn in float64, over their sum; kept from 0 and 1."""
    own = concentration.kind.dtype
    if own not in SINGLE_AND_DOUBLE:
        raise not_implemented("dirichlet", own)
    gammas = _drawn(kernels.gamma, generator, dt.float64, concentration)
    info = dt.finfo(own)
    return cast(gammas / gammas.sum(-1, True), own).clamp(info.tiny, 1 - info.eps / 2)


def _simplex_vjp(node, grad):
    concentration, x = node.unpack()
    x, total = x.detach(), concentration.sum(-1, True)
    along = grad - (x * grad).sum(-1, True)
    return (_dirichlet_grad(x, concentration, total.expand_as(concentration)) * along,)


_simplex_row = Op("SampleDirichlet", _sample_simplex, _simplex_vjp, saves=(0, -1))


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Points of the simplex with these concentrations, which the last dimension holds; float32 or float64,
    differentiable in the concentrations."""
    return _simplex_row(input, generator)
