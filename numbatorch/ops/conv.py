"""Convolutions (as in all of deep learning, cross-correlations) in one to three dimensions, and transposed ones.

Three ops of one product of an image x, a kernel w and a result y, each linear in two of them:

    _correlate   y from x and w             conv1d, conv2d, conv3d
    _spread      x from y and w             conv_transpose1d ...; the gradient of _correlate for x
    _compare     w from y and x             the gradient of both for w

so the gradients of each are the other two. float16 and bfloat16 are computed in float32; complex numbers in
parts.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, whole
from numbatorch.base import Kind, empty, kind_of, wrap
from numbatorch.ops.activation import relu
from numbatorch.ops.arithmetic import add, sub
from numbatorch.ops.complexes import complex, conj
from numbatorch.ops.conv_rules import (
    Ints,
    as_ints,
    batched,
    check,
    check_bias,
    check_size,
    check_types,
    each,
    extents_of,
)
from numbatorch.ops.copy import cast, contiguous, copy_
from numbatorch.ops.view import permute, squeeze
from numbatorch.rules import refuse_dtypes
from numbatorch_kernels import conv as kernels
from numbatorch_kernels.codes import Geometry

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor
    from numbatorch_kernels.registry import Kernel

AT_ONCE = 1 << 19  # elements of float16 or bfloat16 that are float32 at a time

# --- the rows, whose operands have been checked


def _product(
    kernel: Kernel,
    shape: tuple[int, ...],
    a: Tensor,
    b: Tensor,
    bias: Tensor | None,
    how: Geometry,
    *floor: float,
) -> Tensor:
    """A kernel's result for operands of any dtype, off the tape; of floats on a CPU nowhere below `floor`."""
    kind = a.kind
    a, b = wrap(a.array, a.kind), wrap(b.array, b.kind)
    if bias is not None:
        bias = contiguous(wrap(bias.array, bias.kind))
    if kind.cpu and kind.dtype.is_half:
        return _of_halves(kernel, shape, a, b, bias, how, *floor)
    if kind.dtype.is_complex:
        return _in_parts(kernel, shape, a, b, bias, how)
    if not kind.cpu:
        a, b = contiguous(a), contiguous(b)
        if not kind.dtype.is_inexact and kind.dtype is not dt.int64:
            more = bias if bias is None else cast(bias, dt.int64)
            wide = _product(kernel, shape, cast(a, dt.int64), cast(b, dt.int64), more, how)
            return cast(wide, kind.dtype)
    out = empty(shape, kind)
    kernel(kind.device.type, out.array, a.array, b.array, None if bias is None else bias.array, how, *floor)
    return out


def _of_halves(
    kernel: Kernel,
    shape: tuple[int, ...],
    a: Tensor,
    b: Tensor,
    bias: Tensor | None,
    how: Geometry,
    *floor: float,
) -> Tensor:
    """Of float16 or bfloat16, computed in float32: some images after others, for as float32 all would need twice the memory
    of their own. Each sum is rounded once."""
    images, half = a.array.shape[0], a.kind.dtype
    compares = kernel is kernels.for_weight
    weight = prod(shape) if compares else b.array.size
    largest = max(a.array.size, b.array.size if compares else prod(shape), 1)
    some = max(max(AT_ONCE, weight) * images // largest, 1)

    def wide(x: Tensor, first: int) -> Tensor:
        part = x.array[first : first + some]
        return cast(wrap(part, kind_of(part, x.kind)), dt.float32)

    if compares:
        total = _product(kernel, shape, wide(a, 0), wide(b, 0), None, how)
        for first in range(some, images, some):
            add(total, _product(kernel, shape, wide(a, first), wide(b, first), None, how), out=total)
        return cast(total, half)
    b, bias = cast(b, dt.float32), bias if bias is None else cast(bias, dt.float32)
    if some >= images:
        return cast(_product(kernel, shape, cast(a, dt.float32), b, bias, how, *floor), half)
    out = empty(shape, a.kind)
    for first in range(0, images, some):
        to = wrap(out.array[first : first + some], out.kind)
        copy_(to, _product(kernel, to.array.shape, wide(a, first), b, bias, how, *floor))
    return out


def _in_parts(
    kernel: Kernel, shape: tuple[int, ...], a: Tensor, b: Tensor, bias: Tensor | None, how: Geometry
) -> Tensor:
    """Of complex numbers: four products of real ones."""

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        kind = Kind.of(x.kind.dtype.to_real(), x.kind.device)
        real, imag = x.array.real, x.array.imag
        return wrap(real, kind_of(real, kind)), wrap(imag, kind_of(imag, kind))

    (ar, ai), (br, bi) = parts(a), parts(b)
    real, imag = (None, None) if bias is None else parts(bias)
    return complex(
        sub(_product(kernel, shape, ar, br, real, how), _product(kernel, shape, ai, bi, None, how)),
        add(_product(kernel, shape, ar, bi, imag, how), _product(kernel, shape, ai, br, None, how)),
    )


def _correlate_forward(x, w, bias, shape, how):
    return _product(kernels.forward, shape, x, w, bias, how)


def _correlate_relu_forward(x, w, bias, shape, how):
    if x.kind.cpu and x.kind.dtype.is_floating_point:
        return _product(kernels.forward, shape, x, w, bias, how, 0.0)
    made = _product(kernels.forward, shape, x, w, bias, how)
    return relu(made, out=made)


def _correlate_vjp(node, grad):
    (x, w), (_, how), needs = node.unpack(), node.params, node.needs
    return (
        _spread(grad, conj(w), None, x.array.shape, how) if needs[0] else None,
        _compare(grad, conj(x), w.array.shape, how) if needs[1] else None,
        _over_channels(grad) if needs[2] else None,
    )


def _spread_forward(y, w, bias, shape, how):
    return _product(kernels.for_input, shape, y, w, bias, how)


def _spread_vjp(node, grad):
    (y, w), (_, how), needs = node.unpack(), node.params, node.needs
    return (
        _correlate(grad, conj(w), None, y.array.shape, how) if needs[0] else None,
        _compare(conj(y), grad, w.array.shape, how) if needs[1] else None,
        _over_channels(grad) if needs[2] else None,
    )


def _compare_forward(y, x, shape, how):
    return _product(kernels.for_weight, shape, y, x, None, how)


def _compare_vjp(node, grad):
    (y, x), (_, how), needs = node.unpack(), node.params, node.needs
    return (
        _correlate(conj(x), grad, None, y.array.shape, how) if needs[0] else None,
        _spread(conj(y), grad, None, x.array.shape, how) if needs[1] else None,
    )


def _over_channels(grad: Tensor) -> Tensor:
    """The gradient of a bias."""
    return grad.sum((0, *range(2, grad.array.ndim)))


_correlate = Op("Convolution", _correlate_forward, _correlate_vjp, saves=(0, 1), tensors=3)
_correlate_relu = Op("Convolution", _correlate_relu_forward, tensors=3)  # off the tape
_spread = Op("Convolution", _spread_forward, _spread_vjp, saves=(0, 1), tensors=3)
_compare = Op("ConvolutionBackward", _compare_forward, _compare_vjp, saves=(0, 1), tensors=2)

_NARROW = ("uint8", "int8", "int16", "int32")

# --- convolutions


def _convolve(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int] | str,
    dilation: list[int],
    groups: int,
    row: Op = _correlate,
) -> Tensor:
    dims = tensor_array(w).ndim - 2
    check_bias(x, bias)
    if dims < 1:
        raise RuntimeError("weight should have at least three dimensions")
    if padding == "same":
        return _convolve_same(x, w, bias, stride, dilation, groups, row)
    if isinstance(padding, str):
        if padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        padding = [0]
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    steps, before = each("stride", stride, dims), each("padding", padding, dims)
    spacing = each("dilation", dilation, dims)
    check(x, w, bias, steps, before, spacing, (0,) * dims, groups, False)
    padded = [n + 2 * p for n, p in zip(x.array.shape[2:], before)]
    extents = extents_of(w, spacing)
    if any(n < k for n, k in zip(padded, extents)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, extents))}). Kernel size can't be greater than actual input size"
        )
    return _sized(x, w, bias, padded, extents, Geometry(steps, before, spacing, groups), row)


def _convolve_same(
    x: Tensor, w: Tensor, bias: Tensor | None, stride: list[int], dilation: list[int], groups: int, row: Op
) -> Tensor:
    """The result has the size of x: as much padding as that takes, where it is odd one more behind."""
    dims, shape, weight = w.array.ndim - 2, list(x.array.shape), list(w.array.shape)
    if len(shape) != len(weight):
        raise RuntimeError(
            f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight {weight}, but got "
            f"{len(shape)}-dimensional input of size {shape} instead"
        )
    for name, values in (("stride", stride), ("dilation", dilation)):
        if len(values) not in (1, dims):
            raise RuntimeError(f"{name} cannot broadcast to {dims} dimensions")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    spacing = each("dilation", dilation, dims)
    extents = extents_of(w, spacing)
    if any(not k % 2 for k in extents):
        _warn_of_even_kernels()
    before = tuple([(k - 1) // 2 for k in extents])
    check(x, w, bias, (1,) * dims, before, spacing, (0,) * dims, groups, False)
    padded = [n + k - 1 for n, k in zip(shape[2:], extents)]
    return _sized(x, w, bias, padded, extents, Geometry((1,) * dims, before, spacing, groups), row)


def _sized(
    x: Tensor, w: Tensor, bias: Tensor | None, padded: list[int], extents: list[int], how: Geometry, row: Op
) -> Tensor:
    check_size(x.array.shape)
    check_types(x, w)
    if any(d > 1 for d in how.dilation):
        refuse_dtypes("slow_conv_dilated<>", x.kind.dtype, "bool", *_NARROW)
    refuse_dtypes("compute_columns3d" if len(padded) == 3 else "slow_conv2d_cpu", x.kind.dtype, "bool")
    sizes = [(n - k) // s + 1 for n, k, s in zip(padded, extents, how.stride)]
    return row(x, w, bias, (x.array.shape[0], w.array.shape[0], *sizes), how)


def _warn_of_even_kernels() -> None:
    """Once in a process, as PyTorch does."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created",
            stacklevel=5,
        )


_warned = False


def _conv(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints | str,
    dilation: Ints,
    groups: int,
    row: Op = _correlate,
) -> Tensor:
    name = f"conv{dims}d"
    given = (input, weight) if bias is None else (input, weight, bias)
    whole(groups)
    steps = as_ints(name, dims, given, "stride", stride)
    around = padding if isinstance(padding, str) else as_ints(name, dims, given, "padding", padding)
    spacing = as_ints(name, dims, given, "dilation", dilation)
    x, single = batched(name, input, dims)
    result = _convolve(x, weight, bias, steps, around, spacing, groups, row)
    return squeeze(result, 0) if single else result


# ReLU of `conv1d` to `conv3d`, for where no gradient is recorded: it leaves none
conv_relu = partial(_conv, row=_correlate_relu)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of signals: see `conv2d`, with one dimension less.

    >>> torch.conv1d(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of images (N, C, H, W), or one image without N, with `weight` (channels of the result, C / groups,
    height, width):

        out[n, o, p] = bias[o] + sum over c, t of weight[o, c, t] input[n, c, p stride + t dilation - padding]

    padding  zeros before and behind, "valid" for none, or "same": as many as make the result as large as the
             input, with stride 1
    groups   channels are in so many groups, each with its part of the weights

    The size of the result is (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1. Raises RuntimeError for
    other shapes and for mixed dtypes. Nothing like a matrix of all patches is ever in memory.

    >>> torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), torch.tensor([0.5]))
    tensor([[[[4.5000, 4.5000],
              [4.5000, 4.5000]]]])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of volumes: see `conv2d`, with one dimension more.

    >>> torch.conv3d(torch.ones(1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[8.]]]])
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


# --- transposed convolutions


def _transposed(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    output_padding: list[int],
    groups: int,
    dilation: list[int],
) -> Tensor:
    dims = tensor_array(w).ndim - 2
    check_bias(x, bias)
    if dims < 1:
        raise RuntimeError("weight should have at least three dimensions")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    steps, before = each("stride", stride, dims), each("padding", padding, dims)
    spacing, more = each("dilation", dilation, dims), each("output_padding", output_padding, dims)
    check(x, w, bias, steps, before, spacing, more, groups, True)
    check_size(x.array.shape)
    check_types(x, w)
    refuse_dtypes(f"slow_conv_transpose{max(dims, 2)}d_out_cpu", x.kind.dtype, "bool", *_NARROW)
    _check_output_padding(more, steps, spacing)
    sizes = [
        (n - 1) * s - 2 * p + k + o
        for n, s, p, k, o in zip(x.array.shape[2:], steps, before, extents_of(w, spacing), more)
    ]
    shape = (x.array.shape[0], w.array.shape[1] * groups, *sizes)
    if min(sizes) < 0:
        given, found = (" x ".join(map(str, n)) for n in (x.array.shape[2:], sizes))
        raise RuntimeError(
            f"Given input size per channel: ({given}). Calculated output size per channel: ({found}). Output "
            "size is too small"
        )
    return _spread(x, w, bias, shape, Geometry(steps, before, spacing, groups))


def _check_output_padding(more: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    if any(o >= s and o >= d for o, s, d in zip(more, stride, dilation)):
        if len(more) == 1:
            more, stride, dilation = (0, *more), (1, *stride), (1, *dilation)
        directions = ("depth", "height", "width")[-len(more) :]
        text = " ".join(
            f"{name}_{direction}: {number}"
            for name, numbers in (("output_padding", more), ("stride", stride), ("dilation", dilation))
            for direction, number in zip(directions, numbers)
        )
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {text}")


def _conv_transpose(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Tensor:
    name, given = f"conv_transpose{dims}d", (input, weight)
    steps, around = (
        as_ints(name, dims, given, "stride", stride),
        as_ints(name, dims, given, "padding", padding),
    )
    whole(groups)
    more = as_ints(name, dims, given, "output_padding", output_padding)
    spacing = as_ints(name, dims, given, "dilation", dilation)
    x, single = batched(name, input, dims)
    result = _transposed(x, weight, bias, steps, around, more, groups, spacing)
    return squeeze(result, 0) if single else result


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed convolution of signals: see `conv_transpose2d`, with one dimension less.

    >>> torch.conv_transpose1d(torch.tensor([[1.0, 2.0]]), torch.tensor([[[1.0, 10.0]]]))
    tensor([[ 1., 12., 20.]])
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The gradient of `conv2d` for its input, as an operation: every element of `input` (N, C, H, W) adds its
    multiple of the kernel, from `weight` (C, channels of the result / groups, height, width), to the result at
    p stride + t dilation - padding; then `bias` is added.

    The size of the result is (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1: of all the
    sizes from which a convolution makes that of `input`, `output_padding` chooses one. Raises RuntimeError for
    other shapes and for mixed dtypes.

    >>> torch.conv_transpose2d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 2, 2), stride=2)
    tensor([[[[1., 1., 1., 1.],
              [1., 1., 1., 1.]]]])
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed convolution of volumes: see `conv_transpose2d`, with one dimension more.

    >>> torch.conv_transpose3d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 1, 2))
    tensor([[[[1., 2., 1.]]]])
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` of sequences whose time stands first: (T, B, C) and a weight of (extent, C, D) give (T', B, D).

    >>> torch.conv_tbc(torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([[[1.0]], [[10.0]]]), torch.zeros(1))
    tensor([[[21.]]])
    """
    if tensor_array(input).ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if weight.array.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if bias.array.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if input.array.shape[2] != weight.array.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if weight.array.shape[2] != bias.array.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    found = conv1d(permute(input, (1, 2, 0)), permute(weight, (2, 1, 0)), bias, padding=pad)
    return permute(found, (2, 0, 1))


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """What all convolutions come to: of as many dimensions as `weight` has, of batches, transposed or not."""
    steps, around, spacing = list(stride), list(padding), list(dilation)
    if transposed:
        return _transposed(input, weight, bias, steps, around, list(output_padding), groups, spacing)
    return _convolve(input, weight, bias, steps, around, spacing, groups)
