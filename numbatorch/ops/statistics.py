"""Order statistics: kthvalue, median, nanmedian, mode, quantile, nanquantile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import OMITTED, flags, tensor_array, tensor_kind, text, unfit, whole
from numbatorch.base import Number, TensorBase, wrap
from numbatorch.ops.arithmetic import lerp, maximum, mul, sub
from numbatorch.ops.choice import Choice, as_rows, by_rows, empty_pair
from numbatorch.ops.comparison import ne, where
from numbatorch.ops.copy import all_into, cast, contiguous
from numbatorch.ops.creation import full
from numbatorch.ops.elements import zeros
from numbatorch.ops.extrema import argmax, shared_by_all_vjp
from numbatorch.ops.math import ceil, floor, isnan, round
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import into
from numbatorch.ops.scan import cummax
from numbatorch.ops.scatter import gather
from numbatorch.ops.sequences import arange
from numbatorch.ops.sort import sort
from numbatorch.ops.view import expand, movedim, reshape, squeeze, unsqueeze
from numbatorch.rules import COMPLEX, refuse_dtypes
from numbatorch.shape import normalize_dim
from numbatorch_kernels import mode as frequencies
from numbatorch_kernels import select as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- the element of one rank


from numbatorch_kernels.codes import MEDIAN, NANMEDIAN, RANK


def _selected(how: int):
    def forward(input, dim, rank=0):
        rows = as_rows(input, dim)
        values, places = empty_pair(rows.array.shape[:-1], rows.kind)
        if values.array.size:
            kernels.select(rows.kind.device.type, values.array, places.array, rows.array, how, rank)
        return values, places

    return forward


def _of_nothing(dtype: dt.DType) -> float:
    """The median of no elements: NaN, or what C makes of it as an integer."""
    if dtype.is_floating_point or dtype.is_complex or dtype is dt.bool:
        return float("nan")
    return dt.iinfo(dtype).min if dtype.itemsize >= 4 else 0


def _of_all(how: int):
    def forward(input):
        flat = reshape(contiguous(wrap(input.array, input.kind)), -1)
        value, place = empty_pair((), input.kind)
        if not flat.array.size:
            return value.fill_(_of_nothing(input.kind.dtype))
        kernels.select(input.kind.device.type, value.array, place.array, flat.array, how, 0)
        return value

    return forward


_kthvalue = Choice("Kthvalue", _selected(RANK))
_median = Choice("Median", _selected(MEDIAN), overload=1)
_nanmedian = Choice("Nanmedian", _selected(NANMEDIAN), overload=1)
_median_of_all = Op("Median", _of_all(MEDIAN), shared_by_all_vjp, saves=(0, -1))
_nanmedian_of_all = Op("Nanmedian", _of_all(NANMEDIAN), shared_by_all_vjp, saves=(0, -1))


def _along(function: str, input: Tensor, dim: int) -> int:
    """`dim`, counted from the front. Raises IndexError where there are no elements along it."""
    d = normalize_dim(dim, tensor_array(input).ndim)
    if 0 in input.array.shape[d : d + 1]:
        raise IndexError(f"{function}(): Expected reduction dim {d} to have non-zero size.")
    return d


def _one_of_each(row: Choice, function: str, made, input: Tensor, d: int, keepdim: bool, out, *params):
    """A choice of one element along dimension `d`, which is left out or kept with size one."""
    if not input.array.ndim:
        value, place = row(reshape(input, 1), 0, *params)
    else:
        value, place = row(input, d, *params)
        if keepdim:
            value, place = unsqueeze(value, d), unsqueeze(place, d)
    return all_into(out, made(value, place), function)


def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> return_types.kthvalue:
    """The `k`-th smallest element along `dim`, counted from 1, and its place; of equal elements the first is
    the smallest. NaN counts as the largest number.

    >>> torch.kthvalue(torch.tensor([5, 3, 4]), 2)
    torch.return_types.kthvalue(
    values=tensor(4),
    indices=tensor(2))
    """
    whole(k)
    flags(keepdim)
    d = _along("kthvalue", input, dim)
    if not 1 <= k <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    if input.array.ndim or input.kind.dtype.is_complex:
        refuse_dtypes("kthvalue_cpu", input.kind.dtype, *COMPLEX, "bool")
    return _one_of_each(_kthvalue, "kthvalue", return_types.kthvalue, input, d, keepdim, out, k - 1)


def _check_median(input: Tensor) -> None:
    if tensor_array(input).size:  # for that of no elements PyTorch has all dtypes
        refuse_dtypes("median_cpu", input.kind.dtype, *COMPLEX, "bool")


def median(
    input: Tensor,
    dim: int = OMITTED,
    keepdim: bool = False,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """The median: the lower of the two in the middle if there are two. Along `dim` with its place. NaN if any
    element is.

    >>> torch.median(torch.tensor([4, 1, 3, 2]))
    tensor(2)
    """
    flags(keepdim)
    if dim is OMITTED:
        _check_median(input)
        return _median_of_all(input)
    d = _along("median", input, dim)
    refuse_dtypes("median_out", input.kind.dtype, *COMPLEX, "bool")
    return _one_of_each(_median, "median", return_types.median, input, d, keepdim, out)


def nanmedian(
    input: Tensor,
    dim: int = OMITTED,
    keepdim: bool = False,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """The median of the elements that are not NaN.

    >>> torch.nanmedian(torch.tensor([4.0, float("nan"), 1.0]))
    tensor(1.)
    """
    flags(keepdim)
    if dim is OMITTED:
        _check_median(input)
        return _nanmedian_of_all(input)
    d = _along("median", input, dim)
    refuse_dtypes("median_out", input.kind.dtype, *COMPLEX, "bool")
    return _one_of_each(_nanmedian, "median", return_types.nanmedian, input, d, keepdim, out)


# --- the most frequent element


def _mode_forward(input, dim):
    on_cpu = input.kind.cpu
    values, places = by_rows(input, dim, 1, _modes if on_cpu else _modes_composed, large=not on_cpu)
    shape = (*input.array.shape[:dim], *input.array.shape[dim + 1 :])
    return wrap(values.array.reshape(shape), values.kind), wrap(places.array.reshape(shape), places.kind)


def _modes(rows):
    values, places = empty_pair((*rows.array.shape[:-1], 1), rows.kind)
    if values.array.size:
        frequencies.modes(values.array, places.array, rows.array)
    return values, places


def _modes_composed(rows):
    """In the sorted row the end of the first of the longest runs of equal elements."""
    ordered, places = sort(rows)
    count = arange(ordered.array.shape[-1], device=rows.kind.device)
    starts = zeros(ordered.array.shape, places.kind)
    new = ne(ordered[..., 1:], ordered[..., :-1])
    starts[..., 1:] = where(new, count[1:], 0)
    last = argmax(sub(count, cummax(starts, -1).values), -1, True)
    return gather(ordered, -1, last), gather(places, -1, last)


_mode = Choice("Mode", _mode_forward)


def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> return_types.mode:
    """The most frequent element along `dim`, the smallest if there are several, and its last place.

    >>> torch.mode(torch.tensor([3, 1, 3, 1, 2]))
    torch.return_types.mode(
    values=tensor(1),
    indices=tensor(3))
    """
    flags(keepdim)
    d = _along("mode", input, dim)
    if input.array.size:
        refuse_dtypes("mode_cpu", input.kind.dtype, *COMPLEX)
    return _one_of_each(_mode, "mode", return_types.mode, input, d, keepdim, out)


# --- quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The quantile `q` (0 for the smallest, 1 for the largest element), of all elements or along `dim`. For a
    vector `q` the result has a first dimension for it. NaN if any element is.

    interpolation  between the two elements next to q (n - 1): "linear", "lower", "higher", "midpoint", "nearest"

    >>> torch.quantile(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.25, 0.5]))
    tensor([1.5000, 2.0000])
    """
    return _quantile(input, q, dim, keepdim, interpolation, out, False)


def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The quantile of the elements that are not NaN: see `quantile`.

    >>> torch.nanquantile(torch.tensor([1.0, float("nan"), 2.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile(input, q, dim, keepdim, interpolation, out, True)


def _fractions(input: Tensor, q: float | Tensor) -> Tensor:
    """`q` as a tensor. Raises RuntimeError for what is no fraction."""
    own = input.kind.dtype
    if not isinstance(q, TensorBase):
        if not isinstance(q, Number):
            raise unfit("quantile", input, q)
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
        return full((), q, dtype=own, device=input.kind.device)
    if q.array.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    _check_floats(own)
    if q.kind.dtype is not own:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if q.kind.device is not input.kind.device:
        raise RuntimeError("quantile() q tensor must be on the same device as the input tensor")
    return q


def _check_floats(own: dt.DType) -> None:
    if own not in (dt.float32, dt.float64):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")


def _quantile(input: Tensor, q, dim, keepdim: bool, how: str, out: Tensor | None, skip_nan: bool) -> Tensor:
    own = tensor_kind(input).dtype
    if how not in _INTERPOLATIONS:
        text(how)
        raise RuntimeError(
            f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {how}"
        )
    if not input.array.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    fractions = _fractions(input, q)
    _check_floats(own)
    if out is not None and tensor_kind(out).dtype is not own:
        raise RuntimeError("quantile() out tensor must be same dtype as the input tensor")
    # As in PyTorch, nobody waits for a GPU to say so.
    if fractions.kind.cpu and not ((fractions >= 0) & (fractions <= 1)).all().item():
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    d = None if dim is None else normalize_dim(dim, input.array.ndim)
    if d is None or not input.array.ndim:
        rows = sort(reshape(input, -1)).values
        kept: tuple[int, ...] = (1,) * input.array.ndim
    else:
        rows = movedim(sort(input, d).values, d, -1)
        kept = (*input.array.shape[:d], 1, *input.array.shape[d + 1 :])
    result = _at(rows, fractions, how, skip_nan)  # of shape (*the other dimensions, q)
    vector = fractions.array.ndim == 1
    result = movedim(result, -1, 0) if vector else squeeze(result, -1)
    if keepdim:
        result = reshape(result, (*fractions.array.shape, *kept))
    return into(out, result, "quantile")


def _at(rows: Tensor, fractions: Tensor, how: str, skip_nan: bool) -> Tensor:
    """The quantiles of sorted rows."""
    if skip_nan:
        last = sub(rows.array.shape[-1] - 1, sum(isnan(rows), -1, True))
        ranks = mul(reshape(fractions, -1), maximum(last, zeros((), last.kind)))
    else:
        last = rows.array.shape[-1] - 1
        ranks = expand(
            mul(reshape(fractions, -1), float(last)), (*rows.array.shape[:-1], fractions.array.size)
        )
        ranks = where(isnan(rows[..., -1:]), float(last), ranks)  # NaN is the last, and the result
    ranks = ranks.detach()
    if how in ("lower", "higher", "nearest"):
        ranks = {"lower": floor, "higher": ceil, "nearest": round}[how](ranks)
    below = floor(ranks)
    low = gather(rows, -1, cast(below, dt.int64))
    if how in ("lower", "higher", "nearest"):
        return low
    high = gather(rows, -1, cast(ceil(ranks), dt.int64))
    return lerp(low, high, 0.5 if how == "midpoint" else sub(ranks, below))
