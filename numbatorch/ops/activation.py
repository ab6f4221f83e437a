"""Activation functions: pointwise, with gradients from their scalar bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numbatorch.apply import COMPLEX, Pointwise, no_complex, refuse
from numbatorch_kernels import scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_no_clamp = no_complex("clamp is not supported for complex types")

_relu = Pointwise("Relu", scalar.relu, accepts=_no_clamp)
_leaky_relu = Pointwise("LeakyRelu", scalar.leaky_relu, accepts=refuse("leaky_relu_cpu", *COMPLEX))
_prelu = Pointwise("PreluKernel", scalar.leaky_relu)
_gelu = Pointwise("Gelu", scalar.gelu, accepts=refuse("GeluKernelImpl", *COMPLEX))
_gelu_tanh = Pointwise("Gelu", scalar.gelu_tanh, accepts=refuse("GeluKernelImpl", *COMPLEX))
_silu = Pointwise("Silu", scalar.silu)
_mish = Pointwise("Mish", scalar.mish)
_elu = Pointwise("Elu", scalar.elu, accepts=refuse("elu_cpu", *COMPLEX))
_softplus_beta = Pointwise("Softplus", scalar.softplus_beta)
_softsign = Pointwise("Div", scalar.softsign)
_hardtanh = Pointwise("Hardtanh", scalar.hardtanh, accepts=_no_clamp)
_hardsigmoid = Pointwise("Hardsigmoid", scalar.hardsigmoid, accepts=refuse("hardsigmoid_cpu", *COMPLEX))
_hardswish = Pointwise("Hardswish", scalar.hardswish, accepts=refuse("hardswish_cpu", *COMPLEX))
_logsigmoid = Pointwise("LogSigmoid", scalar.logsigmoid, accepts=refuse("log_sigmoid_cpu", *COMPLEX))
_hardshrink = Pointwise("Hardshrink", scalar.hardshrink, accepts=refuse("hardshrink_cpu", *COMPLEX))
_softshrink = Pointwise("Softshrink", scalar.softshrink, accepts=refuse("softshrink_cpu", *COMPLEX))
_threshold = Pointwise("Threshold", scalar.threshold, accepts=refuse("threshold_cpu", *COMPLEX))


def relu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """max(x, 0); NaN stays NaN.

    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if input.kind.dtype.name == "bool":
        raise RuntimeError("Boolean inputs not supported for relu")
    return _relu(input) if out is None else _relu.general((input,), out)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, *, out: Tensor | None = None) -> Tensor:
    """x where positive, else negative_slope * x"""
    return _leaky_relu.general((input, negative_slope), out)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, else weight * x; a weight of several elements is one a channel, dimension 1."""
    if weight.array.size > 1:
        channels = input.array.shape[1] if input.array.ndim > 1 else 1
        if channels != weight.array.size:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.array.size} and channel size = {channels}."
            )
        weight = weight.view(-1, *[1] * (input.array.ndim - 2))
    return _prelu.general((input, weight))


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """x Φ(x), where Φ is the normal distribution function; `approximate="tanh"` is the approximation of arXiv
    1606.08415."""
    if approximate not in ("none", "tanh"):
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
    return _elu.general((input, alpha, scale, input_scale), out)


def selu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """elu with the constants of self-normalising networks, arXiv 1706.02515"""
    return elu(input, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, out=out)


def celu(input: Tensor, alpha: float = 1.0, *, out: Tensor | None = None) -> Tensor:
    """x where positive, else alpha * (e^(x / alpha) - 1)"""
    return elu(input, alpha, 1.0, 1.0 / alpha, out=out)


def softplus(
    input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None
) -> Tensor:
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold"""
    return _softplus_beta.general((input, beta, threshold), out)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)"""
    return _softsign(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, *, out: Tensor | None = None
) -> Tensor:
    """x between min_val and max_val"""
    return _hardtanh.general((input, min_val, max_val), out)


def relu6(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x between 0 and 6"""
    return _hardtanh.general((input, 0.0, 6.0), out)


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
    return _hardshrink.general((input, lambd), out)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x moved towards 0 by lambd. Raises RuntimeError for a negative lambd."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return _softshrink.general((input, lambd), out)


def threshold(input: Tensor, threshold: float, value: float, *, out: Tensor | None = None) -> Tensor:
    """x above the threshold, else value"""
    return _threshold.general((input, threshold, value), out)
