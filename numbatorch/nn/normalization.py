"""Normalisation of each sample by itself: over its last dimensions, or over groups of its channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numbatorch.nn import functional, init
from numbatorch.nn.module import Module
from numbatorch.nn.parameter import Parameter
from numbatorch.ops import arange, empty
from numbatorch.tensor import Tensor


class _Affine(Module):
    """A weight that starts as ones and a bias that starts as zeros, where they are wanted."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(self, shape: Sequence[int], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            value = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Ones and zeros again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Affine):
    """(x - mean) / √(variance + eps) * weight + bias, mean and (biased) variance over the last dimensions.

    normalized_shape    the sizes of these dimensions, which are weight's and bias's too
    elementwise_affine  whether there is a weight, and unless `bias` is False a bias

    J. L. Ba et al., arXiv:1607.06450.

    >>> nn.LayerNorm(3)(torch.tensor([[1.0, 2.0, 3.0]])).detach()
    tensor([[-1.2247,  0.0000,  1.2247]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        affine = bool(elementwise_affine)
        self._make(self.normalized_shape, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """x / √(mean of x² + eps) * weight, the mean over the last dimensions, whose sizes are `normalized_shape`.

    `eps` is by default the epsilon of the input's dtype. B. Zhang and R. Sennrich, arXiv:1910.07467.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        value = empty(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", None if value is None else Parameter(value))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Ones again."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """`LayerNorm` over each of `num_groups` groups of neighbouring channels of an input (N, C, ...).

    Weight and bias have a number for each channel. Raises ValueError unless the groups are equal.
    Y. Wu and K. He, arXiv:1803.08494.

    >>> nn.GroupNorm(2, 4)(torch.randn(5, 4, 3, 3)).shape
    torch.Size([5, 4, 3, 3])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make((num_channels,), bool(affine), affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LocalResponseNorm(Module):
    """Divides each element of (N, C, ...) by (k + alpha / size Σ x²)^beta, the sum over its `size` neighbours among
    the channels.

    A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep Convolutional Neural Networks (2012).
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """x / (k + alpha / size Σ x²)^beta of (N, C, H, W), the sum over neighbours among the channels: what LuaTorch's models had.

    Channel c sees those from c - m to c + m, m = (size - 1) // 2, and after LuaTorch's slip, which trained models have learnt with,
    always the first. Its gradient is the derivative of just this. (PyTorch's is that of other windows.)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        number = arange(input.size(1), device=input.device)
        distance = (number[:, None] - number).abs()
        seen = (distance <= (self.size - 1) // 2) | (number == 0)
        sums = functional.conv2d(input * input, seen.to(input.dtype)[:, :, None, None])
        return input * (sums * (self.alpha / self.size) + self.k) ** -self.beta
