"""Normalisation: subtract the mean, divide by the standard deviation, scale and shift."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.arguments import flags, listed, misfit, tensor_array, tensor_kind, whole
from numbatorch.autograd.mode import no_grad
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops import fused_norm as fused
from numbatorch.ops.arithmetic import add, mul
from numbatorch.ops.copy import cast, clone, to_opmath
from numbatorch.ops.elements import zeros
from numbatorch.ops.math import rsqrt
from numbatorch.ops.moments import var_mean
from numbatorch.ops.reduce import mean
from numbatorch.ops.view import reshape, select
from numbatorch.rules import COMPLEX, INTEGERS, refuse
from numbatorch.shape import normalize_dim
from numbatorch_kernels import scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_standardize = Pointwise("Standardize", scalar.standardize)
_standardize_scaled = Pointwise("Standardize", scalar.standardize_scaled)
_standardize_affine = Pointwise("Standardize", scalar.standardize_affine)
_scale_by = Pointwise("RmsNorm", scalar.scale_by)
_layer_norm_accepts = refuse("LayerNormKernelImpl", *INTEGERS, *COMPLEX)


def _affine(x: Tensor, middle: Tensor, rstd: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """(x - middle) rstd weight + bias, in one pass."""
    weight, bias = (p if p is None else to_opmath(p) for p in (weight, bias))
    if weight is None:
        result = _standardize(x, middle, rstd)
        return result if bias is None else add(result, bias)
    if bias is None:
        return _standardize_scaled(x, middle, rstd, weight)
    return _standardize_affine(x, middle, rstd, weight, bias)


def _statistics(x: Tensor, dims: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The variance, biased, and the mean over `dims`; zeros if there is nothing."""
    if x.array.size:
        return var_mean(x, tuple(dims), correction=0, keepdim=True)
    kept = [1 if d in dims or d - x.array.ndim in dims else n for d, n in enumerate(x.array.shape)]
    return zeros(tuple(kept), x.kind.flat), zeros(tuple(kept), x.kind.flat)


def _normalized(
    input: Tensor, dims: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """The input over `dims` with mean 0 and variance 1, scaled and shifted."""
    x = to_opmath(input)
    variance, middle = _statistics(x, dims)
    return cast(_affine(x, middle, rsqrt(variance + eps), weight, bias), input.kind.dtype)


def _check_shape(
    input: Tensor, shape: tuple[int, ...], parameters: dict[str, Tensor | None], star: str
) -> None:
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            "but got normalized_shape = []"
        )
    for name, parameter in parameters.items():
        if parameter is not None and tensor_array(parameter).shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.array.shape)} and normalized_shape = {list(shape)}"
            )
    if tensor_array(input).shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{star}{str(list(shape))[1:-1]}], "
            f"but got input of size{list(input.array.shape)}"
        )


def _agree(input: Tensor, shape: tuple[int, ...], *parameters: Tensor | None) -> bool:
    """Whether there is nothing to complain of: floats whose last dimensions are `shape`, as those of the parameters
    are, all of one kind."""
    kind = tensor_kind(input)
    if not (shape and kind.dtype.is_floating_point and input.array.shape[-len(shape) :] == shape):
        return False
    for p in parameters:
        if p is not None and (p.array.shape != shape or p.kind is not kind.flat):
            return False
    return True


def _as_shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple | list):
        raise misfit(shape, "tuple of ints")
    return listed(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and (biased) variance being those of the last
    dimensions, which have `normalized_shape`.

    J. L. Ba et al., arXiv:1607.06450. Raises RuntimeError where shapes do not fit.

    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = _as_shape(normalized_shape)
    if not _agree(input, shape, weight, bias):
        _check_shape(input, shape, {"weight": weight, "bias": bias}, ", ")
        _layer_norm_accepts(input.kind.dtype)
        for parameter in (weight, bias):
            if parameter is not None and parameter.kind.dtype.opmath is not input.kind.dtype.opmath:
                raise RuntimeError(
                    f"mixed dtype (CPU): expect parameter to have scalar type of {type_word(input.kind.dtype)}"
                )
    if fused.fusible(input, weight, bias):
        return fused.layer(input, weight, bias, input.array.size // prod(shape), 1, 1, True, eps)[0]
    return _normalized(input, range(-len(shape), 0), weight, bias, eps)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight, the mean over the last dimensions, which have `normalized_shape`; `eps`
    is by default the epsilon of the dtype.

    B. Zhang and R. Sennrich, arXiv:1910.07467.

    >>> torch.nn.functional.rms_norm(torch.tensor([3.0, 4.0]), (2,))
    tensor([0.8485, 1.1314])
    """
    shape = _as_shape(normalized_shape)
    _check_shape(input, shape, {"weight": weight}, "")
    refuse("rms_norm", *INTEGERS)(input.kind.dtype)
    x = to_opmath(input)
    if eps is None:
        eps = dt.finfo(x.kind.dtype).eps
    if fused.fusible(input, weight):
        rows = input.array.size // prod(shape)
        return fused.root_mean_square(input, weight, None, rows, 1, 1, False, eps)[0]
    rstd = rsqrt(mean(mul(x, x), tuple(range(-len(shape), 0)), True) + eps)
    result = mul(x, rstd) if weight is None else _scale_by(x, rstd, to_opmath(weight))
    return cast(result, input.kind.dtype)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The input (N, C, ...) normalised over each of `num_groups` groups of neighbouring channels; weight and bias
    have a number for each channel.

    Y. Wu and K. He, arXiv:1803.08494.

    >>> torch.nn.functional.group_norm(torch.tensor([[[1.0], [3.0]]]), 1).flatten()
    tensor([-1.0000,  1.0000])
    """
    shape = tensor_array(input).shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    batch, channels = shape[:2]
    whole(num_groups)
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    _check_batch([batch * channels // num_groups, num_groups, *shape[2:]])
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={num_groups}"
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and tensor_array(parameter).shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} "
                f"of shape {list(parameter.array.shape)} and input of shape {list(shape)}"
            )
    refuse("GroupNormKernelImpl", *INTEGERS, *COMPLEX)(input.kind.dtype)
    if fused.fusible(input, weight, bias):
        rows, inner_size = batch * num_groups, prod(shape[2:])
        return fused.group(input, weight, bias, rows, inner_size, num_groups, True, eps)[0]
    inner = (num_groups, channels // num_groups)
    weight, bias = (None if p is None else reshape(p, (*inner, 1)) for p in (weight, bias))
    grouped = reshape(input, (batch, *inner, prod(shape[2:])))
    return reshape(_normalized(grouped, (2, 3), weight, bias, eps), shape)


def _check_batch(size: Sequence[int]) -> None:
    """There must be more than one number behind each mean."""
    if prod((size[0], *size[2:])) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """The input (N, C, ...) normalised channel by channel: with the statistics of this batch if `training`, which
    then move the running ones by `momentum` towards them (the variance unbiased), else with the running ones.

    S. Ioffe and C. Szegedy, arXiv:1502.03167. Raises ValueError for one value per channel in training, RuntimeError
    where sizes do not fit. Where there are no elements nothing else is looked at.

    >>> torch.nn.functional.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, training=True).flatten()
    tensor([-1.0000,  1.0000])
    """
    shape = tensor_array(input).shape
    if training:
        _check_batch(input.shape)
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if training.__class__ is not bool:
        flags(training)
    if not input.array.size:
        result = clone(input) if weight is None else mul(input, select(weight, 0, 0))
        return result if bias is None else add(result, select(bias, 0, 0))
    channels = shape[1] if len(shape) > 1 else 0
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, tensor in given.items():
        if tensor is None and not training and name.startswith("running"):
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        if tensor is not None and tensor_array(tensor).size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {tensor.array.size}")
    normalize_dim(1, len(shape))
    refuse("batch_norm", *INTEGERS, *COMPLEX)(input.kind.dtype)
    seen = (None, None) if training else (running_mean, running_var)
    if fused.fusible(input, *given.values()):
        result, middle, variance, _rstd = fused.channels(input, weight, bias, *seen, eps)
    else:
        result, middle, variance = _composed_batch_norm(input, *seen, weight, bias, eps)
    if training:
        count = input.array.size // channels
        with no_grad():
            if running_mean is not None:
                _move(running_mean, middle, momentum)
            if running_var is not None:
                _move(running_var, variance * (count / max(count - 1, 1)), momentum)
    return result


def _composed_batch_norm(
    input: Tensor,
    middle: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The result, and the mean and variance, which are found here unless they are given."""
    shape, x = input.array.shape, to_opmath(input)
    side = (1, shape[1], *[1] * (len(shape) - 2))
    if middle is None or variance is None:
        variance, middle = _statistics(x, (0, *range(2, len(shape))))
    else:
        variance, middle = reshape(to_opmath(variance), side), reshape(to_opmath(middle), side)
    weight, bias = (None if p is None else reshape(p, side) for p in (weight, bias))
    result = _affine(x, middle, rsqrt(variance + eps), weight, bias)
    return cast(result, input.kind.dtype), middle, variance


def _move(running: Tensor, new: Tensor, momentum: float) -> None:
    """running = (1 - momentum) running + momentum new."""
    running.mul_(1 - momentum).add_(
        reshape(cast(new, running.kind.dtype), running.array.shape), alpha=momentum
    )


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """The input (N, C, ...) normalised over each channel of each sample, or by the running statistics if not
    `use_input_stats`.

    D. Ulyanov et al., arXiv:1607.08022.

    >>> torch.nn.functional.instance_norm(torch.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    shape = tensor_array(input).shape
    if use_input_stats and prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    batch, channels = shape[:2]
    means, variances, weights, biases = (
        None if p is None else p.repeat(batch) for p in (running_mean, running_var, weight, bias)
    )
    flat = reshape(input, (1, batch * channels, *shape[2:]))
    result = batch_norm(flat, means, variances, weights, biases, use_input_stats, momentum, eps)
    for running, moved in ((running_mean, means), (running_var, variances)):
        if running is not None and moved is not None and use_input_stats:
            with no_grad():
                running.copy_(mean(reshape(moved, (batch, channels)), 0))
    return reshape(result, shape)
