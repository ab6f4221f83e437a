"""Order: sort, topk, kthvalue, cummax and cummin, unique, searchsorted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base, return_types
from numbatorch.apply import Op, attach
from numbatorch.base import Kind, Number, TensorBase, wrap
from numbatorch.ops.comparison import ne
from numbatorch.ops.copy import cast, clone_contiguous, contiguous, copy_, from_numbers, move, numbers
from numbatorch.ops.creation import tensor
from numbatorch.ops.elements import read, true_positions, zeros
from numbatorch.ops.rows import index_select
from numbatorch.ops.scan import cumsum, lines, widened
from numbatorch.ops.scatter import gather, scatter_, scatter_add
from numbatorch.ops.view import movedim, narrow, reshape, squeeze
from numbatorch.shape import normalize_dim
from numbatorch_kernels import sort as kernels
from numbatorch_kernels.scan import extreme

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- the rows: of (input, dim, ...), results (values, indices)


def _rows(input: Tensor, dim: int) -> Tensor:
    """`input` off the tape, contiguous, with `dim` as its last dimension."""
    last = wrap(input.array, input.kind)
    return contiguous(movedim(last, dim, -1) if dim != input.array.ndim - 1 else last)


def _back(tensor: Tensor, dim: int) -> Tensor:
    """The inverse of `_rows`."""
    if dim == tensor.array.ndim - 1:
        return tensor
    moved = clone_contiguous(movedim(tensor, -1, dim))
    return wrap(moved.array, moved.kind)


def _ranked(kernel, rows: Tensor, count: int, dim: int, first: bool) -> tuple[Tensor, Tensor]:
    shape, device = (*rows.array.shape[:-1], count), rows.kind.device
    values, indices = base.empty(shape, rows.kind), base.empty(shape, Kind.of(dt.int64, device))
    if values.array.size:
        kernel(device.type, values.array, indices.array, rows.array, first)
    return _back(values, dim), _back(indices, dim)


def _sort_forward(input, dim, descending):
    rows = _rows(input, dim)
    return _ranked(kernels.sort, rows, rows.array.shape[-1], dim, descending)


def _topk_forward(input, dim, k, largest):
    return _ranked(kernels.top, _rows(input, dim), k, dim, largest)


def _extreme_forward(input, dim, largest):
    source = widened(input)
    values = base.empty(source.array.shape, source.kind)
    indices = base.empty(source.array.shape, Kind.of(dt.int64, source.kind.device))
    if values.array.size:
        extreme(
            source.kind.device.type, values.array, indices.array, source.array, *lines(source, dim), largest
        )
    return cast(values, input.kind.dtype), indices


class _Choice(Op):
    """An operation that gives elements of a dimension, and their places in it: there the gradient goes
    back."""

    def record(self, result, args):
        if result[0].kind.dtype.is_floating_point:
            node = self.node_for(args)
            node.params = (args[0].array.shape, args[1])
            node.save(result[1])
            attach(node, result[:1])


def _choice_vjp(node, grad):
    (indices,) = node.unpack()
    shape, dim = node.params
    return (scatter_add(zeros(shape, grad.kind), dim, indices, grad),)


_sort = _Choice("Sort", _sort_forward, _choice_vjp)
_topk = _Choice("Topk", _topk_forward, _choice_vjp)
_cummax = _Choice("Cummax", _extreme_forward, _choice_vjp)
_cummin = _Choice("Cummin", _extreme_forward, _choice_vjp)


def _refuse(function: str, input: Tensor, *names: str) -> None:
    if input.kind.dtype.is_complex or input.kind.dtype.name in names:
        kind = "complex" if input.kind.dtype.is_complex else input.kind.dtype.name
        space = " " if input.kind.dtype.is_complex else ""
        raise RuntimeError(
            f"{space}{function} does not support {kind} dtypes on {input.kind.device.type.upper()}"
        )


def _of_numbers(row: Op, input: Tensor, *params) -> tuple[Tensor, Tensor]:
    """A row applied to a tensor of at least one dimension, or to the only element of one that has none."""
    if input.array.ndim:
        return row(input, *params)
    values, indices = row(reshape(input, 1), *params)
    return reshape(values, ()), reshape(indices, ())


def _into(out: tuple[Tensor, Tensor] | None, made):
    if out is not None:
        made = type(made)(copy_(out[0], made[0]), copy_(out[1], made[1]))
    return made


# --- sorting


def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    stable: bool = False,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.sort:
    """The elements in order along `dim`, and their old places. Always stable; NaN counts as the largest
    number.

    >>> torch.sort(torch.tensor([3, 1, 2]))
    torch.return_types.sort(
    values=tensor([1, 2, 3]),
    indices=tensor([1, 2, 0]))
    """
    _refuse("Sort", input)
    d = normalize_dim(dim, input.array.ndim)
    return _into(out, return_types.sort(*_of_numbers(_sort, input, d, descending)))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The places of the elements in order along `dim`: input.gather(dim, argsort(input, dim)) is sorted."""
    return sort(input.detach(), dim, descending).indices


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along the first dimension."""
    values = sort(input, 0).values
    return values if out is None else copy_(out, values)


def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.topk:
    """The `k` largest elements along `dim` in order, or the smallest, and their places.

    >>> torch.topk(torch.tensor([3, 1, 2]), 2)
    torch.return_types.topk(
    values=tensor([3, 2]),
    indices=tensor([0, 2]))
    """
    _refuse("topk", input, "bool")
    d = normalize_dim(dim, input.array.ndim)
    if not 0 <= k <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError("selected index k out of range")
    return _into(out, return_types.topk(*_of_numbers(_topk, input, d, k, largest)))


def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> return_types.kthvalue:
    """The `k`-th smallest element along `dim`, counted from 1, and its place."""
    d = normalize_dim(dim, input.array.ndim)
    if not 1 <= k <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    if not input.array.ndim:
        return _into(
            out, return_types.kthvalue(input.clone(), zeros((), Kind.of(dt.int64, input.kind.device)))
        )
    _, indices = _sort_forward(input, d, False)
    place = narrow(indices, d, k - 1, 1)
    values = gather(input, d, place)
    if not keepdim:
        values, place = squeeze(values, d), squeeze(place, d)
    return _into(out, return_types.kthvalue(values, place))


# --- the largest and the smallest so far


def cummax(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummax:
    """The largest of the elements so far along `dim`, and its place: the last one if there are several. NaN
    counts as the largest number.

    >>> torch.cummax(torch.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    made = _of_numbers(_cummax, input, normalize_dim(dim, input.array.ndim), True)
    return _into(out, return_types.cummax(*made))


def cummin(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummin:
    """The smallest of the elements so far along `dim`, and its place: the last one if there are several. NaN
    counts as the smallest number."""
    made = _of_numbers(_cummin, input, normalize_dim(dim, input.array.ndim), False)
    return _into(out, return_types.cummin(*made))


# --- different values


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in order, or with `dim` the different slices. With `return_inverse` also where
    each element of `input` is among them, with `return_counts` also how often each occurs.

    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if dim is not None:
        rows = _slices(input, dim)
        _, first, where, times = np.unique(
            rows, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        return _of_slices(input, dim, first, where, times, return_inverse, return_counts)
    values, order = sort(reshape(input.detach(), -1))
    found, number, counts = _runs(values)
    inverse = (
        reshape(scatter_(zeros(order.array.shape, order.kind), 0, order, number), input.array.shape)
        if return_inverse
        else None
    )
    return _answers(found, inverse, counts if return_counts else None)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements without those that equal the one before them, or with `dim` the slices; otherwise as
    `unique`.

    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    if dim is not None:
        rows = _slices(input, dim)
        starts = np.append(True, (rows[1:] != rows[:-1]).any(axis=1)) if len(rows) else np.zeros(0, bool)
        first = np.flatnonzero(starts)
        times = np.diff(np.append(first, len(rows)))
        return _of_slices(input, dim, first, np.cumsum(starts) - 1, times, return_inverse, return_counts)
    found, number, counts = _runs(reshape(input.detach(), -1))
    inverse = reshape(number, input.array.shape) if return_inverse else None
    return _answers(found, inverse, counts if return_counts else None)


def _runs(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of a vector: the first element of each run of equal ones, the number of each element's run, the lengths
    of the runs."""
    n, kind = values.array.size, Kind.of(dt.int64, values.kind.device)
    starts = base.empty((n,), Kind.of(dt.bool, values.kind.device)).fill_(True)
    if n:
        copy_(starts[1:], ne(values[1:], values[:-1]))
    first = true_positions(starts)
    ends = base.empty((first.array.size + 1,), kind).fill_(n)
    copy_(ends[:-1], first)
    number = cumsum(starts, 0) - 1
    return read(values, (first,), ((0, 1),)), number, ends[1:] - ends[:-1]


def _slices(input: Tensor, dim: int) -> np.ndarray:
    """The slices along `dim`, each as a row of numbers in host memory."""
    array = numbers(movedim(input.detach(), dim, 0))
    return array.reshape(array.shape[0], -1)


def _of_slices(
    input: Tensor, dim: int, first, number, counts, return_inverse: bool, return_counts: bool
) -> Any:
    def on_device(array):
        return move(from_numbers(array.reshape(-1), dt.int64), input.kind.device)

    found = index_select(input.detach(), dim, on_device(first))
    return _answers(
        found, on_device(number) if return_inverse else None, on_device(counts) if return_counts else None
    )


def _answers(found: Tensor, *more: Tensor | None) -> Any:
    given = [t for t in more if t is not None]
    return (found, *given) if given else found


# --- places in a sorted tensor


def searchsorted(
    sorted_sequence: Tensor, input: Tensor | Number, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Tensor | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where each value would stand in a sorted row: before the elements equal to it, or with right=True (or
    side="right") behind them.

    sorted_sequence  one row for all values, or a row for each row of `input`
    sorter           the order that sorts `sorted_sequence`, where it is not sorted

    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4]))
    tensor([1, 2])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right "
            "was True"
        )
    values = input if isinstance(input, TensorBase) else tensor(input, device=sorted_sequence.kind.device)
    if values.kind.device is not sorted_sequence.kind.device:
        raise RuntimeError(
            "torch.searchsorted(): boundaries and input value tensors should have same device type, but got boundaries tensor "
            f"device type {sorted_sequence.kind.device.type} and input value tensor device type {values.kind.device.type}"
        )
    rows, shape = sorted_sequence.array.shape, values.array.shape
    if len(rows) != 1 and (len(rows) != len(shape) or rows[:-1] != shape[:-1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            "boundaries tensor and input value "
            f"tensor must match, but we got boundaries tensor {list(rows)} and input value tensor "
            f"{list(shape)}"
        )
    if sorter is not None:
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    common = dt.promote_types(sorted_sequence.kind.dtype, values.kind.dtype)
    common = dt.float32 if common in (dt.float16, dt.bfloat16) else dt.uint8 if common is dt.bool else common
    sequence, values = (contiguous(cast(t.detach(), common)) for t in (sorted_sequence, values))
    result = base.empty(shape, Kind.of(dt.int64, values.kind.device))
    if result.array.size:
        if rows[-1]:
            kernels.search(
                values.kind.device.type, result.array, sequence.array, values.array, right or side == "right"
            )
        else:
            result.fill_(0)
    result = cast(result, dt.int32) if out_int32 else result
    return result if out is None else copy_(out, result)


def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The number of the bucket that each value falls in; `boundaries`, a sorted vector, belong to the bucket
    below them, or with right=True to the one above."""
    if boundaries.array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)
