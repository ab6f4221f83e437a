"""Gradients of convolutions, one at a time, for those who write a backward of their own.

    conv2d_input(input_size, weight, grad_output, ...)      the gradient of `conv2d` for its input, of shape input_size
    conv2d_weight(input, weight_size, grad_output, ...)     the gradient of `conv2d` for its weight, of shape weight_size

and the same of `conv1d` and `conv3d`; stride, padding, dilation and groups follow, as the convolution has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from numbatorch.autograd import enable_grad, is_grad_enabled
from numbatorch.autograd import grad as gradient
from numbatorch.ops import conv1d, conv2d, conv3d
from numbatorch.tensor import Tensor

Ints = int | Sequence[int]


def _gradient(call: Callable[[Tensor], Tensor], size: Sequence[int], other: Tensor, grad: Tensor) -> Tensor:
    """Of a call that is linear in its operand, which therefore may be zeros; differentiable for the rest."""
    again = is_grad_enabled() and (other.requires_grad or grad.requires_grad)
    with enable_grad():
        operand = grad.detach().new_zeros(size).requires_grad_()
        return gradient(call(operand), operand, grad, create_graph=again)[0]


def _for_input(
    conv: Callable[..., Tensor],
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    how = (None, stride, padding, dilation, groups)
    return _gradient(lambda input: conv(input, weight, *how), input_size, weight, grad_output)


def _for_weight(
    conv: Callable[..., Tensor],
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    how = (None, stride, padding, dilation, groups)
    return _gradient(lambda weight: conv(input, weight, *how), weight_size, input, grad_output)


conv1d_input = partial(_for_input, conv1d)
conv2d_input = partial(_for_input, conv2d)
conv3d_input = partial(_for_input, conv3d)
conv1d_weight = partial(_for_weight, conv1d)
conv2d_weight = partial(_for_weight, conv2d)
conv3d_weight = partial(_for_weight, conv3d)
