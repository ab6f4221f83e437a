"""Sliding blocks of pictures as columns, and back (unfold, fold); channels as pixels, and back
(pixel_shuffle)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import listed, tensor_array, whole
from numbatorch.base import wrap
from numbatorch.ops.copy import clone_contiguous, contiguous, copy_
from numbatorch.ops.elements import zeros
from numbatorch.ops.pad import constant_pad_nd
from numbatorch.ops.view import permute, reshape, transpose, unsqueeze
from numbatorch.rules import refuse
from numbatorch_kernels.memory import strided

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Pair = tuple[int, int]


class Blocks:
    """How blocks of `kernel` elements slide over a padded picture: their number in each direction is
    (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1."""

    def __init__(self, size: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair):
        self.size, self.kernel, self.dilation, self.padding, self.stride = (
            size,
            kernel,
            dilation,
            padding,
            stride,
        )
        self.count: Pair = tuple(  # type: ignore[assignment]  # of two
            [
                (n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, k, d, p, s in zip(size, kernel, dilation, padding, stride)
            ]
        )


def _pair(name: str, value: int | Sequence[int]) -> Pair:
    if not isinstance(value, tuple | list):
        return listed(value, alone=True) * 2  # type: ignore[return-value]  # two
    value = listed(value)
    if len(value) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(value)}")
    return (value[0], value[1])


def _blocks(size: Pair, kernel_size, dilation, padding, stride) -> Blocks:
    """The blocks that arguments of `unfold` and `fold` describe; RuntimeError where they make no sense."""
    kernel, dilation = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
    padding, stride = _pair("padding", padding), _pair("stride", stride)
    for text, name, (a, b) in (
        ("kernel size", "kernel", kernel),
        ("dilation", "dilation", dilation),
        ("stride", "stride", stride),
    ):
        if a <= 0 or b <= 0:
            raise RuntimeError(
                f"{text} should be greater than zero, but got {name}_height: {a} {name}_width: {b}"
            )
    if min(padding) < 0:
        raise RuntimeError(
            f"padding should be non-negative, but got pad_height: {padding[0]} pad_width: {padding[1]}"
        )
    return Blocks(size, kernel, dilation, padding, stride)


# --- the rows: each is the other's gradient


def _unfold_forward(input, blocks):
    top, left = blocks.padding
    source = wrap(input.array, input.kind)
    padded = contiguous(constant_pad_nd(source, (left, left, top, top)) if top or left else source).array
    (n, c), (kh, kw), (rows, columns) = padded.shape[:2], blocks.kernel, blocks.count
    a, b, y, x = padded.strides
    down, right = blocks.dilation
    windows = strided(
        padded,
        (n, c, kh, kw, rows, columns),
        (a, b, y * down, x * right, y * blocks.stride[0], x * blocks.stride[1]),
    )
    result = base.empty(windows.shape, input.kind)
    if result.array.size:
        copy_(result, wrap(windows, input.kind.strided))
    return wrap(result.array.reshape((n, c * kh * kw, rows * columns)), result.kind)


def _fold_forward(input, blocks):
    (kh, kw), (rows, columns) = blocks.kernel, blocks.count
    (top, left), (down, right), (sy, sx) = blocks.padding, blocks.dilation, blocks.stride
    height, width = blocks.size
    n, channels = input.array.shape[0], input.array.shape[1] // (kh * kw)
    parts = contiguous(wrap(input.array, input.kind)).array.reshape((n, channels, kh, kw, rows, columns))
    whole = zeros((n, channels, height + 2 * top, width + 2 * left), input.kind)
    for i in range(kh if whole.array.size else 0):
        for j in range(kw):
            y, x = i * down, j * right
            there = whole.array[:, :, y : y + (rows - 1) * sy + 1 : sy, x : x + (columns - 1) * sx + 1 : sx]
            target, part = wrap(there, input.kind.strided), parts[:, :, i, j]
            target.add_(wrap(part, input.kind.strided))
    inner = whole.array[:, :, top : top + height, left : left + width]
    return contiguous(wrap(inner, base.kind_of(inner, input.kind)))


_unfold: Op = Op("Im2Col", _unfold_forward, lambda node, grad: (_fold(grad, *node.params),))
_fold: Op = Op("Col2Im", _fold_forward, lambda node, grad: (_unfold(grad, *node.params),))
_refuse_unfold = refuse("im2col_out_cpu", "uint8", "int8", "int16", "int32", "int64")
_refuse_fold = refuse("col2im_out_cpu", "uint8", "int8", "int16", "int32", "int64")


def im2col(
    input: Tensor,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """All blocks of `kernel_size` of pictures (n, channels, height, width), each as a column: shape
    (n, channels kernel_height kernel_width, number of blocks). Also of a single picture without n.

    >>> torch.nn.functional.unfold(torch.arange(9.0).view(1, 1, 3, 3), 2)
    tensor([[[0., 1., 3., 4.],
             [1., 2., 4., 5.],
             [3., 4., 6., 7.],
             [4., 5., 7., 8.]]])
    """
    shape = tensor_array(input).shape
    blocks = _blocks(shape[-2:], kernel_size, dilation, padding, stride)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    if min(blocks.count) < 1:
        raise RuntimeError(
            f"Given input with spatial size {blocks.size}, kernel_size={blocks.kernel}, "
            f"dilation={blocks.dilation}, padding={blocks.padding}, calculated shape of the array of sliding "
            f"blocks as {blocks.count}, but its components must be at least one."
        )
    _refuse_unfold(input.kind.dtype)
    return _unfold(input, blocks) if len(shape) == 4 else _unfold(unsqueeze(input, 0), blocks)[0]


def col2im(
    input: Tensor,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Pictures of `output_size` in which every column of `input` (see `unfold`) is added as a block where it
    came from; elements in several blocks are sums.

    >>> torch.nn.functional.fold(torch.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    shape = tensor_array(input).shape
    blocks = _blocks(_pair("output_size", output_size), kernel_size, dilation, padding, stride)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions "
            f"for input, but got: {list(shape)}"
        )
    rows, columns = shape[-2:]
    if rows % (blocks.kernel[0] * blocks.kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={blocks.kernel}."
        )
    high, wide = blocks.count
    if columns != high * wide:
        raise RuntimeError(
            f"Given output_size={blocks.size}, kernel_size={blocks.kernel}, dilation={blocks.dilation}, "
            f"padding={blocks.padding}, stride={blocks.stride}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {high} * {wide} = {high * wide}, but got "
            f"input.size(2)={columns}."
        )
    _refuse_fold(input.kind.dtype)
    return _fold(input, blocks) if len(shape) == 3 else _fold(unsqueeze(input, 0), blocks)[0]


# --- channels and pixels


def _check_picture(name: str, factor: str, input: Tensor, by: int) -> None:
    if tensor_array(input).ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {input.array.ndim} "
            "dimension(s)"
        )
    whole(by)
    if by <= 0:
        raise RuntimeError(f"{name} expects a positive {factor}, but got {by}")


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r^2 channels as one of r times the height and width: (..., c r^2, h, w) to (..., c, h r, w r).

    Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network".

    >>> torch.pixel_shuffle(torch.arange(4).view(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    _check_picture("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *lead, channels, height, width = input.array.shape
    r = upscale_factor
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    k, c = len(lead), channels // (r * r)
    parts = reshape(input, (*lead, c, r, r, height, width))
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return reshape(clone_contiguous(permute(parts, order)), (*lead, c, height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """A channel as r^2 of an r-th of the height and width: (..., c, h r, w r) to (..., c r^2, h, w)."""
    _check_picture("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *lead, c, height, width = input.array.shape
    r = downscale_factor
    for name, number, n in (("height", -2, height), ("width", -1, width)):
        if n % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({number})={n} is not divisible by {r}"
            )
    k = len(lead)
    parts = reshape(input, (*lead, c, height // r, r, width // r, r))
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return reshape(clone_contiguous(permute(parts, order)), (*lead, c * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels (dimension 1) dealt out: of `groups` groups one after the other, the first of each, then
    the second of each, and so on.

    Source: Zhang et al. 2018, "ShuffleNet".

    >>> torch.channel_shuffle(torch.arange(4).view(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    shape = tensor_array(input).shape
    if len(shape) < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}"
        )
    whole(groups)
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} groups."
        )
    parts = reshape(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    return reshape(contiguous(transpose(parts, 1, 2)), shape)


native_channel_shuffle = channel_shuffle
