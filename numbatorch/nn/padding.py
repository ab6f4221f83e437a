"""Padding as modules: see `F.pad`."""

from __future__ import annotations

from numbatorch.nn import functional as F
from numbatorch.nn.module import Module
from numbatorch.nn.pools import several
from numbatorch.ops.pooling_rules import Sizes
from numbatorch.tensor import Tensor


class _Pad(Module):
    """`padding` is one width for all sides, or the widths before and behind the last dimension, then the one before
    it, and so on."""

    _directions: int
    _mode: str

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = several(2 * self._directions, padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        few, many = self._directions + 1, self._directions + 2
        if input.dim() not in (few, many):
            raise ValueError(f"expected {few}D or {many}D input (got {input.dim()}D input)")
        return super().forward(input)


class _ReflectionPadNd(_Pad):
    _mode = "reflect"


class _ReplicationPadNd(_Pad):
    _mode = "replicate"


class _ConstantPadNd(_Pad):
    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPadNd):
    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class CircularPad1d(_CircularPadNd):
    """Borders of the elements of the other end, around lines (N, C, W) or (C, W)."""

    _directions = 1


class CircularPad2d(_CircularPadNd):
    """Borders of the elements of the other end, around pictures (N, C, H, W) or (C, H, W)."""

    _directions = 2


class CircularPad3d(_CircularPadNd):
    """Borders of the elements of the other end, around volumes (N, C, D, H, W) or (C, D, H, W)."""

    _directions = 3


class ConstantPad1d(_ConstantPadNd):
    """Borders of the number `value`, around lines (N, C, W) or (C, W).

    >>> nn.ConstantPad1d((1, 2), 7)(torch.tensor([[1, 2]]))
    tensor([[7, 1, 2, 7, 7]])
    """

    _directions = 1


class ConstantPad2d(_ConstantPadNd):
    """Borders of the number `value`, around pictures (N, C, H, W) or (C, H, W)."""

    _directions = 2


class ConstantPad3d(_ConstantPadNd):
    """Borders of the number `value`, around volumes (N, C, D, H, W) or (C, D, H, W)."""

    _directions = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Borders of the elements as a mirror on the outermost one shows them, around lines (N, C, W) or (C, W).

    >>> nn.ReflectionPad1d(2)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    _directions = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Borders of the elements as a mirror on the outermost one shows them, around
    pictures (N, C, H, W) or (C, H, W)."""

    _directions = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Borders of the elements as a mirror on the outermost one shows them, around
    volumes (N, C, D, H, W) or (C, D, H, W)."""

    _directions = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Borders of the outermost element, around lines (N, C, W) or (C, W)."""

    _directions = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Borders of the outermost element, around pictures (N, C, H, W) or (C, H, W)."""

    _directions = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Borders of the outermost element, around volumes (N, C, D, H, W) or (C, D, H, W)."""

    _directions = 3


class ZeroPad1d(_ZeroPad):
    """Borders of zeros, around lines (N, C, W) or (C, W)."""

    _directions = 1


class ZeroPad2d(_ZeroPad):
    """Borders of zeros, around pictures (N, C, H, W) or (C, H, W)."""

    _directions = 2


class ZeroPad3d(_ZeroPad):
    """Borders of zeros, around volumes (N, C, D, H, W) or (C, D, H, W)."""

    _directions = 3
