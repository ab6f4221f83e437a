"""How often things occur: bincount, histc, histogram, histogramdd."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.arguments import tensor_array, tensor_kind, whole
from numbatorch.base import Kind, TensorBase
from numbatorch.dtype import c_name
from numbatorch.ops.copy import all_into, cast, contiguous
from numbatorch.ops.elements import zeros
from numbatorch.ops.extrema import aminmax
from numbatorch.ops.join import cat
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import into
from numbatorch.ops.sequences import linspace
from numbatorch.ops.underived import without_derivative
from numbatorch.ops.view import reshape
from numbatorch.rules import not_implemented
from numbatorch_kernels import histogram as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_FLOATS = (dt.float32, dt.float64)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on occurs in a vector of integers, at least for `minlength` numbers. With
    `weights`, the sum of the weights that go with it, in float64 if they are not float32.

    >>> torch.bincount(torch.tensor([1, 2, 2]))
    tensor([0, 1, 2])
    """
    whole(minlength)
    own = tensor_kind(input).dtype
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if own.is_inexact or own is dt.bool:
        raise not_implemented("bincount_cpu", own)
    if input.array.ndim == 1 and not input.array.size:
        return zeros((minlength,), Kind.of(dt.int64, input.kind.device))
    low, high = (int(t.item()) for t in aminmax(input.detach())) if input.array.size else (0, 0)
    if input.array.ndim != 1 or low < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and tensor_array(weights).shape != input.array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    device, n, bins = input.kind.device, input.array.size, max(high + 1, minlength)
    shares = kernels.shares_of(device.type, n, bins)
    if weights is not None:
        wide = weights.kind.dtype if weights.kind.dtype in _FLOATS else dt.float64
        weights = contiguous(cast(weights.detach(), wide))
    total = dt.int64 if weights is None else dt.float64
    totals = zeros((shares, bins), Kind.of(total, device))
    numbers = contiguous(input.detach())
    kernels.occurrences(
        device.type, totals.array, numbers.array, None if weights is None else weights.array
    )  # fmt: skip
    result = sum(totals, 0) if shares > 1 else reshape(totals, bins)
    return result if weights is None else cast(result, weights.kind.dtype)


# --- histograms


def _check_bins(bins: int, dim: int) -> None:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _counted(samples: Tensor, weights: Tensor | None, edges: Sequence[Tensor], how: int) -> Tensor:
    """The histogram of samples, a row each, in float64."""
    device, counts = samples.kind.device, np.array([e.array.size for e in edges])
    shape = tuple((counts - 1).tolist())
    bins = prod(shape)
    totals = zeros(
        (kernels.shares_of(device.type, samples.array.shape[0], bins), bins), Kind.of(dt.float64, device)
    )
    if samples.array.size:
        every = contiguous(cat([e.detach() for e in edges]) if len(edges) > 1 else edges[0].detach())
        weight = None if weights is None else contiguous(weights.detach()).array
        kernels.histogram(
            device.type, totals.array, contiguous(samples.detach()).array, weight, every.array, counts, how
        )  # fmt: skip
    return reshape(sum(totals, 0) if totals.array.shape[0] > 1 else totals, shape)


def _range(low: float, high: float) -> tuple[float, float]:
    """An empty range becomes one of width 1 around it."""
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements fall into each of `bins` bins of equal width from `min` to `max`; of the elements' own
    range if both are the same. Elements outside, and NaN, are not counted.

    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    own = tensor_kind(input).dtype
    whole(bins)
    low, high = (float(x if isinstance(x, TensorBase) else dt.fitting(x, dt.float64)) for x in (min, max))
    if own.is_complex:
        kernel = "aminmax" if low == high else "histogram"
        raise not_implemented(f"{kernel}_cpu", own)
    _check_bins(bins, 0)
    if low == high and input.array.size:
        low, high = (float(t.item()) for t in aminmax(input.detach()))
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{_short(low)}, {_short(high)}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    if not own.is_floating_point:
        kernel = "linspace" if own is dt.bool else "histogram"
        raise not_implemented(f"{kernel}_cpu", own)
    low, high = _range(low, high)
    wide = own if own in _FLOATS else dt.float32
    edges = linspace(low, high, bins + 1, dtype=wide, device=input.kind.device)
    samples = reshape(cast(input.detach(), wide), (-1, 1))
    result = cast(_counted(samples, None, (edges,), kernels.DIVIDED), own)
    return into(out, result, "histc", same=True)


def _short(number: float) -> str:
    """A number as C++ prints it."""
    return f"{number:g}"


def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.histogram:
    """How many elements, or how much of their `weight`, fall into each bin, and the edges of the bins.

    bins     the number of bins of equal width between the ends of `range` (by default of the elements' own), or
             the edges in order; the last bin includes its right edge
    density  divide by the total and by the width of the bins, so that the integral is 1

    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 3.0))
    torch.return_types.histogram(
    hist=tensor([2., 1.]),
    bin_edges=tensor([0.0000, 1.5000, 3.0000]))
    """
    own_bins = [bins] if isinstance(bins, TensorBase) else (bins,)
    flat_weight = None if weight is None else reshape(weight, -1)
    hist, edges = _histogram(reshape(input, (-1, 1)), own_bins, range, flat_weight, density)
    if out is not None:
        return all_into(out, return_types.histogram(hist, edges[0]), "histogram")
    return return_types.histogram(without_derivative(hist, "histogram", input, bins, weight), edges[0])


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogramdd:
    """How many samples fall into each cell of a grid, and the edges of its cells: a sample is a row of the last
    dimension of `input`, and `bins` and `range` (low, high, low, high ...) are for each of its coordinates as in
    `histogram`.

    >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 0.]])
    """
    if tensor_array(input).ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    dims = input.array.shape[-1]
    given: Any = (bins,) * dims if isinstance(bins, int) else list(bins)
    if not isinstance(given[0], TensorBase):
        given = tuple(given)
    if len(given) != dims:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input."
            if isinstance(given, tuple)
            else f"torch.histogramdd: expected {dims} sequences of bin edges for a {dims}-dimensional histogram "
            f"but got {len(given)}"
        )
    if weight is not None and weight.array.shape != input.array.shape[:-1]:
        _refuse_weight(input, weight)
    samples = reshape(input, (-1, dims))
    hist, edges = _histogram(samples, given, range, None if weight is None else reshape(weight, -1), density)
    kind = "tensors" if isinstance(given, list) else "cts"
    return return_types.histogramdd(
        without_derivative(hist, f"_histogramdd_from_bin_{kind}", input, weight), edges
    )


def _refuse_weight(input: Tensor, weight: Tensor) -> None:
    raise RuntimeError(
        "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
        f"excluding its innermost dimension, but got input with shape {list(input.array.shape)} and weight with "
        f"shape {list(weight.array.shape)}"
    )


def _histogram(
    samples: Tensor, bins: Any, range: Any, weight: Tensor | None, density: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The histogram of rows of samples; `bins` is a list of edges, or a tuple of numbers of bins."""
    own = samples.kind.dtype
    if weight is not None:
        if weight.kind.dtype is not own:
            raise RuntimeError(
                "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the "
                f"same dtype, but got input({c_name(own)}), and weight({c_name(weight.kind.dtype)})"
            )
        if weight.array.shape != samples.array.shape[:1]:
            _refuse_weight(samples, weight)
    if isinstance(bins, list):
        how, edges = kernels.BISECTED, tuple(bins)
        for d, given in enumerate(edges):
            _check_edges(own, given, d)
    else:
        how, edges = kernels.CHECKED, _even_edges(samples, bins, range)
    _check_floats(own)
    hist = _counted(samples, weight, edges, how)
    if density:
        hist = hist / sum(hist)
        for d, given in enumerate(edges):
            widths = cast(given[1:] - given[:-1], dt.float64)
            hist = hist / reshape(widths, (-1, *[1] * (len(edges) - d - 1)))
    return cast(hist, own), edges


def _check_floats(own: dt.DType) -> None:
    if own not in _FLOATS:
        raise not_implemented("histogramdd", own)


def _check_edges(own: dt.DType, edges: Tensor, d: int) -> None:
    if edges.kind.dtype is not own:
        raise RuntimeError(
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with "
            f"dtype {c_name(own)} and bins for dimension {d} with dtype {c_name(edges.kind.dtype)}"
        )
    if edges.array.ndim != 1:
        raise RuntimeError(
            f"torch.histogramdd: bins tensor should have one dimension, but got {edges.array.ndim} dimensions in "
            f"the bins tensor for dimension {d}"
        )
    if not edges.array.size:
        raise RuntimeError(
            "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins "
            f"tensor for dimension {d}"
        )
    _check_bins(edges.array.size - 1, d)


def _even_edges(samples: Tensor, bins: Sequence[int], given: Any) -> tuple[Tensor, ...]:
    dims, kind = samples.array.shape[1], samples.kind
    for d, count in enumerate(bins):
        _check_bins(count, d)
    if given is not None:
        if len(given) != 2 * dims:
            raise RuntimeError(
                f"torch.histogramdd: for a {dims}-dimensional histogram range should have {2 * dims} elements, "
                f"but got {len(given)}"
            )
        lows, highs = list(given[::2]), list(given[1::2])
    elif samples.array.size:
        _check_floats(kind.dtype)
        low, high = aminmax(samples.detach(), dim=0)
        lows, highs = low.tolist(), high.tolist()
    else:
        lows, highs = [0.0] * dims, [1.0] * dims
    edges = []
    for d, (low, high) in enumerate(zip(lows, highs, strict=True)):
        if not (isfinite(low) and isfinite(high)):
            raise RuntimeError(
                f"torch.histogramdd: dimension {d}'s range [{_short(low)}, {_short(high)}] is not finite"
            )
        if low > high:
            raise RuntimeError(
                "torch.histogramdd: min should not exceed max, but got min "
                f"{_short(low)} max {_short(high)} for dimension {d}"
            )
        edges.append(linspace(*_range(low, high), bins[d] + 1, dtype=kind.dtype, device=kind.device))
    return tuple(edges)
