"""Activation functions: pointwise, with gradients from their scalar bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import mistaken, tensor_kind, text, whole
from numbatorch.autograd.mode import state
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import add, div, mul
from numbatorch.ops.comparison import where
from numbatorch.ops.creation import empty, empty_like, ones_like
from numbatorch.ops.distributions import uniform_
from numbatorch.ops.join import cat
from numbatorch.ops.math import abs
from numbatorch.ops.split import chunk
from numbatorch.ops.view import reshape
from numbatorch.rules import COMPLEX, INTEGERS, no_complex, not_implemented, refuse
from numbatorch_kernels import scalar

if TYPE_CHECKING:
    from numbatorch.random import Generator
    from numbatorch.tensor import Tensor


BLOCK = 1 << 17  # elements whose slopes are drawn together: in float64, to be rounded


def _function(name: str, body, kernel: str, numbers: int = 0, refused: tuple = COMPLEX) -> Pointwise:
    """A function of floats with so many numbers after its operand."""
    weightless = tuple(range(1, numbers + 1))
    return Pointwise(
        name, body, weightless=weightless, accepts=refuse(kernel, *INTEGERS, *refused), uncast=True
    )


def _numbers(input: Tensor, *numbers: float) -> list:
    """`numbers` as those of the type that is computed in. Raises RuntimeError where one is out of range."""
    dtype = tensor_kind(input).dtype.opmath
    return [dt.fitting(x, dtype) if dtype.is_floating_point else x for x in numbers]


_no_clamp = no_complex("clamp is not supported for complex types")

_relu = Pointwise("Relu", scalar.relu, accepts=_no_clamp)
_leaky_relu = _function("LeakyRelu", scalar.leaky_relu, "leaky_relu_cpu", 1)
_prelu = Pointwise("PreluKernel", scalar.leaky_relu, accepts=refuse("prelu_cpu", *INTEGERS, *COMPLEX))
_gated = Pointwise("Glu", scalar.glu, accepts=refuse("glu_cpu", *INTEGERS, *COMPLEX))
_gelu = _function("Gelu", scalar.gelu, "GeluKernelImpl")
_gelu_tanh = _function("Gelu", scalar.gelu_tanh, "GeluKernelImpl")
_silu = _function("Silu", scalar.silu, "silu_cpu", refused=())
_mish = _function("Mish", scalar.mish, "mish_cpu")
_elu = _function("Elu", scalar.elu, "elu_cpu", 3)
_softplus_beta = _function("Softplus", scalar.softplus_beta, "softplus_cpu", 2)
_softsign = Pointwise("Div", scalar.softsign, keeps_result=False)
_hardtanh = Pointwise("Hardtanh", scalar.hardtanh, weightless=(1, 2), accepts=_no_clamp)
_hardsigmoid = _function("Hardsigmoid", scalar.hardsigmoid, "hardsigmoid_cpu")
_hardswish = _function("Hardswish", scalar.hardswish, "hardswish_cpu")
_logsigmoid = _function("LogSigmoid", scalar.logsigmoid, "log_sigmoid_cpu")
_hardshrink = _function("Hardshrink", scalar.hardshrink, "hardshrink_cpu", 1)
_softshrink = _function("Softshrink", scalar.softshrink, "softshrink_check", 1)
_no_threshold = refuse("threshold_cpu", "bool", *COMPLEX)
_threshold = Pointwise("Threshold", scalar.threshold, weightless=(1, 2))


def relu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """max(x, 0); NaN stays NaN.

    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    try:
        dtype = input.kind.dtype
    except AttributeError as error:
        raise mistaken(error) from None
    if dtype is dt.bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return _relu(input) if out is None else _relu.general((input,), out)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, *, out: Tensor | None = None) -> Tensor:
    """x where positive, else negative_slope * x"""
    return _leaky_relu.general((input, *_numbers(input, negative_slope)), out)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, else weight * x; a weight of several elements is one a channel, dimension 1. Raises
    RuntimeError where their numbers or the dtypes differ."""
    if tensor_kind(weight).dtype is not tensor_kind(input).dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {type_word(input.kind.dtype)} and "
            f"{type_word(weight.kind.dtype)}"
        )
    if weight.array.size != 1:
        if not input.array.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.array.shape[1] if input.array.ndim > 1 else 1
        if channels != weight.array.size:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.array.size} and channel size = {channels}."
            )
    if weight.array.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.array.ndim}"
        )
    if weight.array.size != 1:
        weight = weight.view(-1, *[1] * (input.array.ndim - 2))
    elif input.array.ndim == 0:
        weight = weight.view(())
    return _prelu.general((input, weight))


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """x where positive, else x times a slope: in training a number drawn for each element between `lower` and
    `upper`, otherwise their mean. Raises RuntimeError if lower > upper. (arXiv 1505.00853)"""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, out=out)
    if not input.kind.dtype.is_floating_point or input.kind.dtype.itemsize == 2:
        raise not_implemented("rrelu_with_noise_out_cpu", input.kind.dtype)
    slopes = ones_like(input)
    if not input.kind.cpu:
        noise = uniform_(empty_like(slopes), lower, upper, generator=generator)
        return mul(input, where(input.detach() <= 0, noise, slopes), out=out)
    # As many numbers are drawn as elements want one, in PyTorch's order.
    elements, each = reshape(input.detach(), -1), reshape(slopes, -1)
    drawn = empty(min(BLOCK, elements.array.size), dtype=dt.float64, device=input.device)
    rounded = empty_like(drawn, dtype=input.dtype)
    for start in range(0, elements.array.size, BLOCK):
        negative = elements[start : start + BLOCK] <= 0
        count = negative.sum().item()
        rounded[:count] = uniform_(drawn[:count], lower, upper, generator=generator)
        each[start : start + BLOCK].masked_scatter_(negative, rounded)
    return mul(input, slopes, out=out)


def _glu_vjp(node, grad):
    """The gradients for both halves, each written straight to where it belongs unless it will be differentiated."""
    (x,), (dim,) = node.unpack(), node.params
    halves = chunk(x, 2, dim)
    if state.enabled:
        return (cat(_gated.pull_back(grad, halves, (True, True)), dim),)
    result = empty_like(x)
    for part, needs in zip(chunk(result, 2, dim), ((True, False), (False, True))):
        _gated.pull_back_into(part, grad, halves, needs)
    return (result,)


_glu = Op("Glu", lambda x, dim: _gated(*chunk(x.detach(), 2, dim)), _glu_vjp, saves=(0,))


def glu(input: Tensor, dim: int = -1, *, out: Tensor | None = None) -> Tensor:
    """a sigmoid(b), where a and b are the halves of x along `dim`. Raises RuntimeError for an odd size."""
    if dim.__class__ is not int:
        whole(dim)
    if input.array.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2 != 0:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.array.ndim} is size {size}"
        )
    return _glu(input, dim) if out is None else _gated.general(chunk(input, 2, dim), out)


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """x Φ(x), where Φ is the normal distribution function; `approximate="tanh"` is the approximation of arXiv
    1606.08415."""
    if approximate not in ("none", "tanh"):
        text(approximate)
        raise RuntimeError("approximate argument must be either none or tanh.")
    row = _gelu if approximate == "none" else _gelu_tanh
    return row(input) if out is None else row.general((input,), out)


def silu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x / (1 + e^-x), also called swish"""
    return _silu(input) if out is None else _silu.general((input,), out)


def mish(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x tanh(log(1 + e^x))"""
    return _mish(input) if out is None else _mish.general((input,), out)


def elu(
    input: Tensor,
    alpha: float = 1.0,
    scale: float = 1.0,
    input_scale: float = 1.0,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """scale * x where positive, else scale * alpha * (e^(input_scale * x) - 1)"""
    return _elu.general((input, *_numbers(input, alpha, scale, input_scale)), out)


def selu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """elu with the constants of self-normalising networks, arXiv 1706.02515"""
    return elu(input, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, out=out)


def celu(input: Tensor, alpha: float = 1.0, *, out: Tensor | None = None) -> Tensor:
    """x where positive, else alpha * (e^(x / alpha) - 1). Raises RuntimeError for alpha 0."""
    if dt.fitting(alpha, dt.float64) == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return elu(input, alpha, 1.0, 1.0 / alpha, out=out)


def softplus(
    input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None
) -> Tensor:
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold"""
    return _softplus_beta.general((input, *_numbers(input, beta, threshold)), out)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)"""
    if tensor_kind(input).dtype.is_inexact:
        return _softsign(input)
    return div(input, add(abs(input), 1))  # in the integers themselves: 255 + 1 is 0 in uint8


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, *, out: Tensor | None = None
) -> Tensor:
    """x between min_val and max_val. Raises RuntimeError for bool, and for uint8 with a negative limit."""
    if tensor_kind(input).dtype is dt.bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    own = input.kind.dtype
    _no_clamp(own)
    limits = [x if own.is_inexact else dt.fitting(x, dt.int64) for x in (min_val, max_val)]
    if own is dt.uint8 and min(limits) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return _hardtanh.general((input, *[dt.fitting(x, own) for x in limits]), out)


def relu6(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x between 0 and 6"""
    return hardtanh(input, 0.0, 6.0, out=out)


def hardsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """(x + 3) / 6 between 0 and 1"""
    return _hardsigmoid(input) if out is None else _hardsigmoid.general((input,), out)


def hardswish(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x hardsigmoid(x)"""
    return _hardswish(input) if out is None else _hardswish.general((input,), out)


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(1 / (1 + e^-x))"""
    return _logsigmoid(input) if out is None else _logsigmoid.general((input,), out)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x, and 0 between -lambd and lambd"""
    own = tensor_kind(input).dtype
    return _hardshrink.general((input, dt.fitting(lambd, own) if own.is_floating_point else lambd), out)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x moved towards 0 by lambd. Raises RuntimeError for a negative lambd."""
    lambd = dt.fitting(lambd, dt.float64)
    own = tensor_kind(input).dtype
    if own.is_floating_point and not 0 <= lambd <= dt.finfo(own).max:
        raise RuntimeError(
            f"lambda must be in range [0, {dt.finfo(own).max:g}] for input dtype {type_word(own)}, but found {lambd:g}"
        )
    return _softshrink.general((input, lambd), out)


def threshold(input: Tensor, threshold: float, value: float, *, out: Tensor | None = None) -> Tensor:
    """x above the threshold, else value"""
    own = tensor_kind(input).dtype
    _no_threshold(own)
    return _threshold.general((input, dt.fitting(threshold, own.opmath), dt.fitting(value, own)), out)
