"""Pooling: the largest element, or the mean, of each of many windows on a picture.

Pictures are (channels, ...) or (batch, channels, ...), with one to three dimensions of space. `kernel_size`, `stride`
(by default the kernel size), `padding` and `dilation` are an int or one for each of these, and make

    (size + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1

windows, rounded down, or with `ceil_mode` up; a window that would begin behind the picture is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import flags, tensor_array, tensor_kind, whole
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty, wrap
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import div
from numbatorch.ops.arrange import unfold
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.elements import zeros
from numbatorch.ops.from_data import from_numpy
from numbatorch.ops.math import clamp, round
from numbatorch.ops.pad import constant_pad_nd
from numbatorch.ops.pooling_rules import (
    Pool,
    Sizes,
    adaptive_grid,
    adaptive_windows,
    fractional_windows,
    integers,
)
from numbatorch.ops.reduce import mean, sum
from numbatorch.ops.scatter import scatter_, scatter_add_
from numbatorch.ops.view import reshape, squeeze, unsqueeze
from numbatorch.rules import COMPLEX, HALF, INTEGERS, refuse, to_float
from numbatorch_kernels import elementary, resample
from numbatorch_kernels import pool as kernels
from numbatorch_kernels.window import Grid, Windows

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def computed(x: Tensor) -> Tensor:
    """x, contiguous and off the tape, as kernels take it: small integers are int32, and CUDA has no narrow floats."""
    x = contiguous(wrap(x.array, x.kind))
    return cast(x, (_KERNELS if x.kind.cpu else _ON_CUDA).get(x.kind.dtype, x.kind.dtype))


_KERNELS = {dt.uint8: dt.int32, dt.int8: dt.int32, dt.int16: dt.int32}
_ON_CUDA = {dt.float16: dt.float32, dt.bfloat16: dt.float32, **_KERNELS}


# --- the largest


def _max_forward(x, windows, spatial, kept):
    """The largest elements, and their places in their windows, which users never see: an empty tensor unless `kept`."""
    source, shape = computed(x), x.array.shape[:-spatial] + windows.count[-spatial:]
    out = empty(shape, source.kind)
    places = empty(
        shape if kept else (0,), Kind.of(dt.uint8 if windows.place.itemsize == 1 else dt.int32, x.kind.device)
    )
    if out.array.size:
        kernels.max_pool(x.kind.device.type, out.array, places.array, source.array, windows)
    return cast(out, x.kind.dtype), places


def _max_vjp(node, grad):
    windows, spatial, _kept = node.params
    (places,) = node.unpack()
    shape = grad.array.shape[:-spatial] + windows.size[-spatial:]
    if state.enabled or (windows.step and not grad.kind.cpu):
        # what will be differentiated again is made of public ops
        planes = prod(shape[:-spatial])
        index = reshape(_indices(places, windows), planes, prod(windows.count))
        flat = zeros((planes, prod(windows.size)), grad.kind)
        return (reshape(scatter_add_(flat, 1, index, reshape(grad, index.array.shape)), shape),)
    source = computed(grad)
    dx = empty(shape, source.kind)
    if dx.array.size:
        kernels.max_pool_backward(dx.kind.device.type, dx.array, source.array, places.array, windows)
    return (cast(dx, grad.kind.dtype),)


def _indices(places: Tensor, windows: Windows) -> Tensor:
    """Where in its flat picture each of the largest elements is."""
    result = empty(places.array.shape, Kind.of(dt.int64, places.kind.device))
    if result.array.size:
        kernels.max_pool_indices(places.kind.device.type, result.array, places.array, windows)
    return result


_MAX = {
    name: Op(name, _max_forward, _max_vjp, saves=(-2,))
    for name in (
        "MaxPool2DWithIndices",
        "MaxPool3DWithIndices",
        "AdaptiveMaxPool2D",
        "AdaptiveMaxPool3D",
        "FractionalMaxPool2D",
        "FractionalMaxPool3D",
    )
}


def _max(name: str, input: Tensor, windows: Windows, spatial: int, indices: bool) -> Any:
    kept = indices or (input._requires_grad and state.enabled)
    out, places = _MAX[name](input, windows, spatial, kept)
    return (out, _indices(places, windows)) if indices else out


_refuse_max = {n: refuse(f"max_pool{n}d", "bool", *COMPLEX) for n in (2, 3)}
_refuse_lines = refuse("max_pool1d_impl", *INTEGERS, *COMPLEX)


def _dimensions(name: str, input: Tensor) -> None:
    if tensor_array(input).ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.array.ndim}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {name})"
        )


def _largest(input: Tensor, pool: Pool, indices: bool) -> Any:
    shape, n = tensor_array(input).shape, pool.spatial
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    pool.check(shape)
    _refuse_max[n](input.kind.dtype)
    return _max(f"MaxPool{n}DWithIndices", input, pool.windows(shape[-n:]), n, indices)


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of lines (..., channels, length). NaN is larger than all.

    >>> torch.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0, 5.0]]), 2)
    tensor([[3., 2.]])
    """
    pool = Pool("max_pool1d", 1, kernel_size, stride, padding, dilation, ceil_mode)
    pool.check_lines(tensor_array(input).shape)
    if not (input._requires_grad and state.enabled):
        _refuse_lines(input.kind.dtype)
    return squeeze(_largest(unsqueeze(input, -2), pool.lifted(), False), -2)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d`, and where in its line each of the largest elements is (the first of equals)."""
    _dimensions("max_pool1d", input)
    pool = Pool("max_pool1d_with_indices", 1, kernel_size, stride, padding, dilation, ceil_mode)
    out, indices = _largest(unsqueeze(input, -2), pool.lifted(), True)
    return squeeze(out, -2), squeeze(indices, -2)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of pictures (..., channels, height, width). NaN is larger than all; padding
    never is.

    >>> torch.max_pool2d(torch.arange(16.0).view(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _largest(input, Pool("max_pool2d", 2, kernel_size, stride, padding, dilation, ceil_mode), False)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d`, and where in its flat picture each of the largest elements is (the first of equals)."""
    return _largest(input, Pool("max_pool2d", 2, kernel_size, stride, padding, dilation, ceil_mode), True)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of volumes (..., channels, depth, height, width)."""
    return _largest(input, Pool("max_pool3d", 3, kernel_size, stride, padding, dilation, ceil_mode), False)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d`, and where in its flat volume each of the largest elements is (the first of equals)."""
    return _largest(input, Pool("max_pool3d", 3, kernel_size, stride, padding, dilation, ceil_mode), True)


# --- weighted sums over windows, which are linear: the gradient is one too


def _resample_forward(x, grid, spatial):
    own = x.kind.dtype
    if own is dt.uint8:
        x = cast(x, dt.float32)
    elif own is dt.int64 and not x.kind.cpu:
        x = cast(x, dt.float64)
    source = computed(x)
    out = empty(x.array.shape[:-spatial] + grid.count[-spatial:], source.kind)
    if out.array.size:
        resample.resample(x.kind.device.type, out.array, source.array, grid)
    if own is dt.uint8:
        out = clamp(round(out), 0, 255)
    return cast(out, own)


def _resample_vjp(node, grad):
    grid, spatial = node.params
    return (_back(grad, grid.transposed, spatial),)


def resampling(name: str) -> Op:
    """A row of weighted sums over the windows of a grid: op(x, grid, number of dimensions of space)."""
    return Op(name, _resample_forward, _resample_vjp)


_back = resampling("Resample")


# --- means

_AVG = {n: resampling(f"AvgPool{n}D") for n in (2, 3)}
_refuse_avg = {
    2: refuse("avg_pool2d", "bool", "uint8", "int8", "int16", "int32", *COMPLEX),
    3: refuse("avg_pool3d_out_frame", "bool", "uint8", "int8", "int16", "int32", *HALF, *COMPLEX),
}


def _average(input: Tensor, pool: Pool, include: bool, divisor: int | None = None) -> Tensor:
    shape, n = tensor_array(input).shape, pool.spatial
    if n == 2 and len(shape) < 3:
        low, high = -max(len(shape), 1), max(len(shape), 1) - 1
        raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got -3)")
    if n == 3 and len(shape) not in (4, 5):
        raise RuntimeError("non-empty 4D or 5D (batch mode) tensor expected for input")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    pool.check(shape)
    _refuse_avg[n](input.kind.dtype)
    grid = pool.grid(shape[-n:], bool(include), divisor)
    return _of_integers(input, pool, grid) if input.kind.dtype is dt.int64 else _AVG[n](input, grid, n)


def _of_integers(input: Tensor, pool: Pool, grid: Grid) -> Tensor:
    """The means of int64, as C computes them: sums that wrap around, quotients without their fraction."""
    n, shape = pool.spatial, input.array.shape
    around: tuple[int, ...] = ()
    numbers = list(zip(shape[-n:], grid.count[-n:], pool.kernel, pool.stride, pool.padding))
    for size, count, k, s, p in numbers:
        around = (p, max((count - 1) * s + k - p - size, 0), *around)
    windows = constant_pad_nd(input, around)
    for d, (_, _, k, s, _) in enumerate(numbers, len(shape) - n):
        windows = unfold(windows, d, k, s)
    lengths = reduce(np.multiply.outer, [taps.lengths.astype(np.int64) for taps in grid.taps[-n:]])
    totals = sum(windows, tuple(range(-n, 0)))
    return div(totals, from_numpy(lengths).to(input.device), rounding_mode="trunc")


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of lines (..., channels, length); see `avg_pool2d`.

    >>> torch.avg_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    _dimensions("avg_pool1d", input)
    pool = Pool("avg_pool1d", 1, kernel_size, stride, padding, 1, ceil_mode)
    return squeeze(_average(unsqueeze(input, -2), pool.lifted(), count_include_pad), -2)


def _check_average(count_include_pad: bool, divisor_override: int | None) -> None:
    flags(count_include_pad)
    if divisor_override is not None:
        whole(divisor_override)


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of pictures (..., channels, height, width); floating-point numbers and int64.

    count_include_pad   the zeros of the padding count as elements
    divisor_override    sums are divided by this number

    >>> F.avg_pool2d(torch.arange(16.0).view(1, 4, 4), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    _check_average(count_include_pad, divisor_override)
    pool = Pool("avg_pool2d", 2, kernel_size, stride, padding, 1, ceil_mode)
    return _average(input, pool, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of volumes (..., channels, depth, height, width); see `avg_pool2d`."""
    _check_average(count_include_pad, divisor_override)
    pool = Pool("avg_pool3d", 3, kernel_size, stride, padding, 1, ceil_mode)
    return _average(input, pool, count_include_pad, divisor_override)


# --- windows that share a picture out


_ADAPTIVE = {n: resampling(f"AdaptiveAvgPool{n}D") for n in (2, 3)}
_refuse_adaptive: dict[tuple[str, int], Callable] = {
    ("avg", 2): refuse("adaptive_avg_pool2d", *INTEGERS, *COMPLEX),
    ("avg", 3): refuse("adaptive_avg_pool3d_cpu", *INTEGERS, *COMPLEX),
    ("max", 2): refuse("adaptive_max_pool2d", *INTEGERS, *COMPLEX),
    ("max", 3): refuse("adaptive_max_pool3d_cpu", *INTEGERS, *COMPLEX),
}


def _check_picture(name: str, colon: str, shape: tuple[int, ...], spatial: int) -> None:
    """RuntimeError for what is no picture, or an empty one."""
    if len(shape) not in (spatial + 1, spatial + 2):
        raise RuntimeError(
            f"{name}(): Expected {spatial + 1}D or {spatial + 2}D tensor, but got{colon} {list(shape)}"
        )
    checked = range(len(shape) - spatial - ("max" in name), len(shape))
    for d in checked:
        if shape[d] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(shape)} with dimension {d} being empty"
            )


def _lines_size(name: str, output_size: Any) -> tuple[int, ...]:
    size = integers(name, "output_size", 2, output_size)
    if len(size) != 1:
        raise RuntimeError(f"{name}() argument 'output_size' should contain one int (got {len(size)})")
    return size


def _sizes(name: str, output_size: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """As many sizes as given; those of `shape` for None."""
    if not hasattr(output_size, "__index__") and output_size is not None:
        if len(shape) <= len(output_size):
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        own = shape[len(shape) - len(output_size) :]
        output_size = tuple([n if o is None else o for o, n in zip(output_size, own)])
    return integers(name, "output_size", 2, output_size)


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means of `output_size` windows that share out each line: window o from o n / output_size, rounded down, to
    (o + 1) n / output_size, rounded up.

    >>> torch.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0, 3.0]]), 2)
    tensor([[1.5000, 2.5000]])
    """
    _dimensions("adaptive_avg_pool1d", input)
    size = _lines_size("adaptive_avg_pool1d", output_size)
    return squeeze(_shared_means(unsqueeze(input, -2), (1, *size), 2), -2)


def _shared_means(input: Tensor, size: tuple[int, ...], spatial: int) -> Tensor:
    name, shape = f"adaptive_avg_pool{spatial}d", input.array.shape
    if len(size) != spatial:
        raise RuntimeError(f"{name}: output_size must be {spatial}")
    if min(size) < 0:
        received = f"{{{size[0]}, {','.join(map(str, size[1:]))}}}"
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received {received}"
        )
    if set(size) == {1} and len(shape) >= spatial:
        return mean(input, tuple(range(-spatial, 0)), True)
    _check_picture(name, "", shape, spatial)
    _refuse_adaptive["avg", spatial](input.kind.dtype)
    return _ADAPTIVE[spatial](input, adaptive_grid(shape[-spatial:], size), spatial)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of `output_size` windows that share out each picture: see `adaptive_avg_pool1d`. None among the sizes
    stands for the picture's own.

    >>> F.adaptive_avg_pool2d(torch.arange(16.0).view(1, 4, 4), (1, 2))
    tensor([[[6.5000, 8.5000]]])
    """
    size = _sizes("adaptive_avg_pool2d", output_size, tensor_array(input).shape)
    return _shared_means(input, size * 2 if hasattr(output_size, "__index__") else size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of `output_size` windows that share out each volume: see `adaptive_avg_pool2d`."""
    size = _sizes("adaptive_avg_pool3d", output_size, tensor_array(input).shape)
    return _shared_means(input, size * 3 if hasattr(output_size, "__index__") else size, 3)


def _shared_maxima(input: Tensor, size: tuple[int, ...], spatial: int) -> tuple[Tensor, Tensor]:
    shape, name = input.array.shape, f"adaptive_max_pool{spatial}d"
    _check_picture(name, ":", shape, spatial)
    if len(size) != spatial:
        raise RuntimeError(f"{name}(): internal error: output_size.size() must be {spatial}")
    if min(size) < 0:
        negative = next(n for n in size if n < 0)
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {negative}: {[*shape[:-spatial], *size]}"
        )
    _refuse_adaptive["max", spatial](input.kind.dtype)
    windows = adaptive_windows(shape[-spatial:], size)
    return _max(f"AdaptiveMaxPool{spatial}D", input, windows, spatial, True)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes) -> tuple[Tensor, Tensor]:
    """The largest elements of `output_size` windows that share out each line (see `adaptive_avg_pool1d`), and where
    they are."""
    _dimensions("adaptive_max_pool1d", input)
    size = _lines_size("adaptive_max_pool1d", output_size)
    _check_picture("adaptive_max_pool1d", ":", input.array.shape, 1)
    out, indices = _shared_maxima(unsqueeze(input, -2), (1, *size), 2)
    return squeeze(out, -2), squeeze(indices, -2)


def adaptive_max_pool2d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The largest elements of `output_size` windows that share out each picture, and where in the flat picture they
    are."""
    size = _sizes("adaptive_max_pool2d", output_size, tensor_array(input).shape)
    return _shared_maxima(input, size * 2 if hasattr(output_size, "__index__") else size, 2)


def adaptive_max_pool3d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The largest elements of `output_size` windows that share out each volume, and where in the flat volume they
    are."""
    size = _sizes("adaptive_max_pool3d", output_size, tensor_array(input).shape)
    return _shared_maxima(input, size * 3 if hasattr(output_size, "__index__") else size, 3)


# --- windows at random places


def fractional_max_pool(
    input: Tensor, spatial: int, kernel_size: Sizes, output_size: Sizes, samples: Tensor, indices: bool
) -> Any:
    """The largest elements, and with `indices` their places in the flat picture, of `output_size` windows of `kernel_size`
    whose places the samples, numbers in [0, 1) of shape (batch, channels, directions), decide."""
    name, shape = f"fractional_max_pool{spatial}d", input.array.shape
    kernel = integers(name, "kernel_size", 2, kernel_size)
    size = integers(name, "output_size", 3, output_size)
    for text, sizes in (("kernel_size", kernel), ("output_size", size)):
        if len(sizes) not in (1, spatial):
            raise RuntimeError(f"{name}: {text} must either be a single Int or tuple of Ints")
    kernel, size = (sizes * spatial if len(sizes) == 1 else sizes for sizes in (kernel, size))
    if samples.array.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.array.ndim}")
    if samples.kind.dtype is not input.kind.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    refuse(f"{name}_out_frame", *INTEGERS, *COMPLEX)(input.kind.dtype)
    words = ("time", "height", "width")[-spatial:]
    function = f"{name}_out" if spatial == 3 else name
    for n, o, k, word in zip(shape[-spatial:], size, kernel, words):
        if o + k - 1 > n:
            raise RuntimeError(f"{function}(): pool {word} {k} too large relative to input {word} {n}")
    numbers = cast(samples, samples.kind.dtype.opmath)
    order = slice(None, None, -1) if spatial == 2 else slice(None)  # PyTorch's: width first, but depth first
    uniform = numbers.detach().cpu().numpy().reshape(-1, spatial)[:, order]
    windows = fractional_windows(shape[-spatial:], size, kernel, uniform)
    return _max(f"FractionalMaxPool{spatial}D", input, windows, spatial, indices)


# --- what is made of means

_response = Pointwise("Div", elementary.response, result=to_float, weightless=(2, 3, 4))
_root_of_sum = Pointwise("Pow", elementary.root_of_sum, result=to_float, weightless=(1, 2))


def response(input: Tensor, means: Tensor, alpha: float, beta: float, k: float) -> Tensor:
    """x / (k + alpha m)^beta for each element x of the input and each mean m."""
    return _response.general((input, means, alpha, beta, k))


def norm_from_mean(mean: Tensor, taps: int, p: float) -> Tensor:
    """(taps m)^(1/p), in place of the means m of powers unless these are integers."""
    return _root_of_sum.general((mean, taps, 1.0 / p), mean if mean.kind.inexact else None)


# --- back to where maxima came from


def max_unpool(input: Tensor, indices: Tensor, output_size: Sequence[int]) -> Tensor:
    """Pictures of zeros of `output_size`, but for the elements of `input`, which go to the places `indices` in the
    flat picture. Raises RuntimeError for places outside."""
    shape, spatial = input.array.shape, len(output_size)
    output_size = integers(f"max_unpool{spatial}d", "output_size", 3, output_size)
    name = f"max_unpooling{spatial}d"
    if tensor_kind(indices).dtype is not dt.int64:
        got = f" but got: {dt.type_word(indices.kind.dtype)}" if spatial == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{got}")
    if len(shape) not in (spatial + 1, spatial + 2):
        raise RuntimeError(
            f"Input to {name} should be a {spatial + 1}d or {spatial + 2}d Tensor, but got a tensor with "
            f"{len(shape)} dimensions."
        )
    if shape != indices.array.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(shape)}) but got indices tensor "
            f"with shape: {list(indices.array.shape)}"
        )
    for d in range(len(shape) - spatial - 1, len(shape)):
        if shape[d] == 0 and d:
            raise RuntimeError(
                f"{name}_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but got "
                f"{list(shape)} with dimension {d} being empty."
            )
    refuse(f"max_unpool{spatial}d", *INTEGERS, *COMPLEX)(input.kind.dtype)
    volume, lead = prod(output_size), shape[:-spatial]
    if indices.array.size and indices.kind.cpu:  # others are checked where they are written
        low, high = (int(bound.item()) for bound in indices.aminmax())
        if low < 0 or high >= volume:
            wrong = indices[(indices < 0) | (indices >= volume)][0].item()
            sizes = "x".join(map(str, output_size))
            raise RuntimeError(f"Found an invalid max index: {wrong} (output volumes are of size {sizes})")
    planes = prod(lead)
    flat = zeros((planes, volume), input.kind)
    index, values = (
        reshape(indices, planes, prod(shape[-spatial:])),
        reshape(input, planes, prod(shape[-spatial:])),
    )
    return reshape(scatter_(flat, 1, index, values), (*lead, *output_size))
