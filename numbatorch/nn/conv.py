"""Convolutional layers, and lazy ones, which learn the number of their channels from the first input."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from numbatorch.nn import functional, init
from numbatorch.nn.lazy import LazyModuleMixin
from numbatorch.nn.module import Module
from numbatorch.nn.parameter import Parameter, UninitializedParameter
from numbatorch.ops import empty
from numbatorch.tensor import Tensor

Ints = int | Sequence[int]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


def each(value: Ints, dims: int) -> tuple[int, ...]:
    """A number for each direction."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * dims


class _ConvNd(Module):
    """What all convolutional layers share: their numbers, parameters and how they are printed."""

    dims: int  # of an image

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: PaddingMode
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        padding: str | Ints,
        dilation: Ints,
        transposed: bool,
        output_padding: Ints,
        groups: int,
        bias: bool,
        padding_mode: PaddingMode,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        dims = self.dims
        self.stride, self.kernel_size = each(stride, dims), each(kernel_size, dims)
        self.dilation, self.output_padding = each(dilation, dims), each(output_padding, dims)
        self.padding = padding if isinstance(padding, str) else each(padding, dims)
        self._check(in_channels, out_channels, groups, padding_mode)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.transposed, self.padding_mode = transposed, padding_mode
        self._reversed_padding_repeated_twice = self._around()
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def _check(self, in_channels: int, out_channels: int, groups: int, padding_mode: str) -> None:
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                names = {"same", "valid"}
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {names}")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        modes = {"zeros", "reflect", "replicate", "circular"}
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode='{padding_mode}'")

    def _weight_shape(self) -> tuple[int, ...]:
        one, other = self.out_channels, self.in_channels
        one, other = (other, one) if self.transposed else (one, other)
        return (one, other // self.groups, *self.kernel_size)

    def _around(self) -> list[int]:
        """What `functional.pad` is to add where padding is not zeros."""
        if self.padding == "valid":
            return [0, 0] * self.dims
        if isinstance(self.padding, str):
            whole = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            return [n for total in reversed(whole) for n in (total // 2, total - total // 2)]
        return [n for number in reversed(self.padding) for n in (number, number)]

    def reset_parameters(self) -> None:
        """Draw new parameters."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else text + f", padding_mode={self.padding_mode}"


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: str | Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[self.dims - 1]
        padding: str | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros":
            input = functional.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self.dims
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Convolution of signals (N, C, L) or (C, L): `functional.conv1d` with learned weight (out_channels,
    in_channels / groups, kernel_size) and bias (out_channels).

    padding       zeros before and behind, "valid" for none, "same" for a result of the input's size
    padding_mode  what is there instead of zeros: "reflect", "replicate" or "circular"

    Weight and bias start uniform in ±1/√(in_channels / groups · elements of the kernel).

    >>> nn.Conv1d(16, 33, 3, stride=2)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 33, 24])
    """

    dims = 1


class Conv2d(_Conv):
    """Convolution of images (N, C, H, W) or (C, H, W); the rest as for `Conv1d`.

    >>> nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))(torch.randn(20, 16, 50, 100)).shape
    torch.Size([20, 33, 28, 100])
    """

    dims = 2


class Conv3d(_Conv):
    """Convolution of volumes (N, C, D, H, W) or (C, D, H, W); the rest as for `Conv1d`.

    >>> nn.Conv3d(4, 6, 3, padding="same")(torch.randn(2, 4, 5, 6, 7)).shape
    torch.Size([2, 6, 5, 6, 7])
    """

    dims = 3


class _ConvTransposeNd(_ConvNd):
    padding: tuple[int, ...]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding, groups,
            bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for {type(self).__name__}")
        spread = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
        return spread[self.dims - 1](
            input, self.weight, self.bias, self.stride, self.padding,
            self._output_padding(input, output_size), self.groups, self.dilation,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """What makes the result as large as asked for."""
        if output_size is None:
            return self.output_padding
        dims = self.dims
        lead = 2 if input.dim() == dims + 2 else 1
        given = len(output_size)
        if given == lead + dims:
            output_size = output_size[lead:]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} or {lead + dims} "
                f"elements (got {given})"
            )
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[lead:], self.stride, self.padding, self.dilation, self.kernel_size
            )
        ]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not a <= size <= b for a, size, b in zip(least, output_size, most)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for an "
                f"input of {input.size()[2:]})"
            )
        return tuple([size - n for size, n in zip(output_size, least)])


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of signals: `functional.conv_transpose1d` with learned weight (in_channels,
    out_channels / groups, kernel_size) and bias (out_channels). `output_size`, an argument of the call, takes the
    place of `output_padding`.

    >>> nn.ConvTranspose1d(16, 33, 3, stride=2)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 33, 101])
    """

    dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of images; the rest as for `ConvTranspose1d`.

    >>> nn.ConvTranspose2d(16, 33, 3, stride=2)(torch.randn(20, 16, 5, 10), output_size=(11, 22)).shape
    torch.Size([20, 33, 11, 22])
    """

    dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of volumes; the rest as for `ConvTranspose1d`.

    >>> nn.ConvTranspose3d(4, 6, 2, stride=2)(torch.randn(2, 4, 3, 4, 5)).shape
    torch.Size([2, 6, 6, 8, 10])
    """

    dims = 3


# ---- lazy ones ----


class _Lazy(LazyModuleMixin, _ConvNd):
    def _become_lazy(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._channels(input)
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        if isinstance(self.weight, UninitializedParameter):
            self.weight.materialize(self._weight_shape())
        if isinstance(self.bias, UninitializedParameter):
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _channels(self, input: Tensor) -> int:
        without, batched = self.dims + 1, self.dims + 2
        if input.dim() not in (without, batched):
            raise RuntimeError(
                f"Expected {without}D (unbatched) or {batched}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {input.shape}"
            )
        return input.shape[1] if input.dim() == batched else input.shape[0]


class _LazyConv(_Lazy, _Conv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._become_lazy(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` whose in_channels is the number of channels of its first input.

    >>> nn.LazyConv1d(33, 3)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 33, 48])
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` whose in_channels is the number of channels of its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` whose in_channels is the number of channels of its first input."""

    cls_to_become = Conv3d


class _LazyConvTranspose(_Lazy, _ConvTransposeNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode
        )
        self._become_lazy(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` whose in_channels is the number of channels of its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` whose in_channels is the number of channels of its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` whose in_channels is the number of channels of its first input."""

    cls_to_become = ConvTranspose3d
