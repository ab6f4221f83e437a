"""The functions of pooling, of which `nn.functional` is the public name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

from numbatorch import ops
from numbatorch.ops.pooling_rules import Sizes, integers
from numbatorch.tensor import Tensor


def several(n: int, value: Any) -> tuple:
    """One number for each of n directions, where there is but one for all."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * n


# --- the largest elements


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d`, and where in its line each element was."""
    return ops.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of lines (..., channels, length); with `return_indices` also where in its
    line it was.

    >>> F.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    pool = ops.max_pool1d_with_indices if return_indices else ops.max_pool1d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d`, and where in its flat picture each element was."""
    return ops.max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of pictures (..., channels, height, width); with `return_indices` also where
    in its flat picture it was.

    >>> F.max_pool2d(torch.arange(16.0).view(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    pool: Callable = ops.max_pool2d_with_indices if return_indices else ops.max_pool2d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d`, and where in its flat volume each element was."""
    return ops.max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of volumes (..., channels, depth, height, width); with `return_indices` also
    where in its flat volume it was."""
    pool: Callable = ops.max_pool3d_with_indices if return_indices else ops.max_pool3d
    return pool(input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d`, and where in its line each element was."""
    return ops.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that share out each line (..., channels, length): window o from
    o length / output_size, rounded down, to (o + 1) length / output_size, rounded up."""
    both = ops.adaptive_max_pool1d(input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d`, and where in its flat picture each element was."""
    return ops.adaptive_max_pool2d(input, output_size)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that share out each picture: see `adaptive_max_pool1d`."""
    both = ops.adaptive_max_pool2d(input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d`, and where in its flat volume each element was."""
    return ops.adaptive_max_pool3d(input, output_size)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that share out each volume: see `adaptive_max_pool1d`."""
    both = ops.adaptive_max_pool3d(input, output_size)
    return both if return_indices else both[0]


# --- windows at random places


def _fractional(
    input: Tensor,
    n: int,
    kernel_size: Sizes,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
    indices: bool,
) -> Any:
    name = f"fractional_max_pool{n}d"
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if n == 2 and len(output_ratio) > 2:
            raise ValueError(
                "fractional_max_pool2d requires output_ratio to either be a single Int or tuple of Ints."
            )
        ratios = several(n, output_ratio)
        output_size = [int(input.size(d - n) * ratios[d]) for d in range(n)]
    if samples is None:
        batch, channels = 1 if input.dim() == n + 1 else input.size(0), input.size(-n - 1)
        samples = ops.rand(batch, channels, n, dtype=input.dtype, device=input.device)
    return ops.fractional_max_pool(input, n, kernel_size, output_size, samples, indices)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d`, and where in its flat picture each element was."""
    return _fractional(input, 2, kernel_size, output_size, output_ratio, _random_samples, True)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest elements of `output_size` windows of pictures, whose distances are drawn anew for every channel; or
    of as many as make `output_ratio` of the size.

    B. Graham, arXiv:1412.6071.
    """
    return _fractional(input, 2, kernel_size, output_size, output_ratio, _random_samples, return_indices)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d`, and where in its flat volume each element was."""
    return _fractional(input, 3, kernel_size, output_size, output_ratio, _random_samples, True)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """As `fractional_max_pool2d`, of volumes."""
    return _fractional(input, 3, kernel_size, output_size, output_ratio, _random_samples, return_indices)


# --- back to where maxima came from


def _unpooled_size(
    n: int, input: Tensor, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, output_size: Any
) -> list[int]:
    """The size of the pictures that were pooled: `output_size`, if it is possible."""
    kernel, paddings = several(n, kernel_size), several(n, padding)
    strides = kernel if stride is None else several(n, stride)
    n = len(kernel)
    default = [(input.size(d - n) - 1) * strides[d] + kernel[d] - 2 * paddings[d] for d in range(n)]
    if output_size is None:
        size: Sequence[int] = default
    else:
        size = output_size[2:] if len(output_size) == n + 2 else output_size
        if len(size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
                f"'{len(size)}'"
            )
        for d, (own, step) in enumerate(zip(default, strides)):
            if not own - step < size[d] < own + step:
                raise ValueError(
                    f'invalid output_size "{size}" (dim {d} must be between {own - step} and {own + step})'
                )
    for d in range(n):
        if size[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={size[d]}"
            )
    return list(size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:
    """Undoes `max_pool1d`: lines of zeros but for the elements of `input`, at `indices`. Lines of several lengths make
    as many windows: which it was, `output_size` can say."""
    size = _unpooled_size(1, input, kernel_size, stride, padding, output_size)
    return ops.max_unpool(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1]).squeeze(-1)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:
    """Undoes `max_pool2d`: pictures of zeros but for the elements of `input`, at `indices`.

    >>> x = torch.tensor([[[1.0, 4.0], [3.0, 2.0]]])
    >>> F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)
    tensor([[[0., 4.],
             [0., 0.]]])
    """
    size = _unpooled_size(2, input, kernel_size, stride, padding, output_size)
    return ops.max_unpool(input, indices, size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:
    """Undoes `max_pool3d`: volumes of zeros but for the elements of `input`, at `indices`."""
    size = _unpooled_size(3, input, kernel_size, stride, padding, output_size)
    strides = integers("max_unpool3d", "stride", 4, several(3, kernel_size if stride is None else stride))
    if min(strides) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(strides)}")
    return ops.max_unpool(input, indices, size)


# --- norms


def _norms(
    n: int, input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None, ceil_mode: bool
) -> Tensor:
    """(Σ x^p)^(1/p) over windows, from the means."""
    largest = (max_pool1d, max_pool2d, max_pool3d)[n - 1]
    if norm_type == inf:
        return largest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -inf:
        return -largest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    sizes = several(n, kernel_size)
    if n > 1 and len(sizes) != n:
        few = f"not enough values to unpack (expected {n}, got {len(sizes)})"
        raise ValueError(few if len(sizes) < n else f"too many values to unpack (expected {n})")
    average = (ops.avg_pool1d, ops.avg_pool2d, ops.avg_pool3d)[n - 1]
    means = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return ops.norm_from_mean(means, kernel_size if n == 1 else prod(sizes), norm_type)  # type: ignore[arg-type]


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ x^p)^(1/p) over each window of lines (..., channels, length), p = norm_type; a sum that is negative counts
    with its absolute value."""
    return _norms(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """As `lp_pool1d`, of pictures.

    >>> F.lp_pool2d(torch.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return _norms(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """As `lp_pool1d`, of volumes."""
    return _norms(3, input, norm_type, kernel_size, stride, ceil_mode)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha m)^beta, m the mean of the squares of `size` neighbours among the channels of (N, C, ...), with
    zeros beyond the first and the last."""
    if input.dim() < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          input "
            f"(got {input.dim()} dimensions)"
        )
    if input.numel() == 0:
        return input
    m, sizes, around = input.mul(input), input.size(), (size // 2, (size - 1) // 2)
    if input.dim() == 3:
        m = ops.pad(m.unsqueeze(1), (0, 0, *around))
        m = ops.avg_pool2d(m, (size, 1), 1).squeeze(1)
    else:
        m = ops.pad(m.view(sizes[0], 1, sizes[1], sizes[2], -1), (0, 0, 0, 0, *around))
        m = ops.avg_pool3d(m, (size, 1, 1), 1).view(sizes)
    return ops.response(input, m, alpha, beta, k)
