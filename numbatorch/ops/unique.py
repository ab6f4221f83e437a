"""Different values: unique, unique_consecutive, isin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import flags, unfit
from numbatorch.base import Kind, Number, TensorBase
from numbatorch.dtype import number_dtype, type_word
from numbatorch.ops.arithmetic import sub
from numbatorch.ops.choice import BLOCK
from numbatorch.ops.comparison import eq, logical_not, ne, where
from numbatorch.ops.copy import cast, contiguous, copy_
from numbatorch.ops.elements import read, true_positions, zeros
from numbatorch.ops.from_data import tensor
from numbatorch.ops.join import cat
from numbatorch.ops.math import clamp
from numbatorch.ops.reduce import any
from numbatorch.ops.reduction import into
from numbatorch.ops.rows import index_select
from numbatorch.ops.scan import cumsum
from numbatorch.ops.scatter import scatter_
from numbatorch.ops.search import searchsorted
from numbatorch.ops.sort import sort
from numbatorch.ops.underived import refusing
from numbatorch.ops.view import movedim, reshape
from numbatorch.rules import COMPLEX, refuse_dtypes
from numbatorch.shape import normalize_dim
from numbatorch_kernels import runs
from numbatorch_kernels import search as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in order, or with `dim` the different slices, in lexicographic order. With
    `return_inverse` also where each element of `input` is among them, with `return_counts` also how often each
    occurs. No NaN equals another.

    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    flags(sorted, return_inverse, return_counts)
    row = _unique2 if dim is None else _unique_dim
    return _answers(row(input, dim, return_inverse, return_counts))


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements without those that equal the one before them, or with `dim` the slices; otherwise as
    `unique`.

    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    flags(return_inverse, return_counts)
    return _answers(_unique_consecutive(input, dim, return_inverse, return_counts))


def _answers(given: tuple[Tensor | None, ...]) -> Any:
    wanted = tuple([t for t in given if t is not None])
    return wanted if len(wanted) > 1 else wanted[0]


# --- the ops: the different elements; their numbers and counts, None where they are not wanted


def _elements(input, dim, numbered, counted):
    refuse_dtypes("unique", input.kind.dtype, *COMPLEX)
    order: Any
    ordered, order = sort(reshape(input.detach(), -1))
    if not numbered:
        order = None  # its memory is wanted for what follows
    return _runs(ordered, order, input.array.shape, numbered, counted)


def _ordered_slices(input, dim, numbered, counted):
    slices, d = _slices(input, dim)
    order = base.empty((slices.array.shape[0],), Kind.of(dt.int64, input.kind.device))
    if order.array.size:
        kernels.arrange(order.kind.device.type, order.array, slices.array)
    first, number, counts = _runs_of_slices(index_select(slices, 0, order), numbered, counted)
    found = index_select(input.detach(), d, index_select(order, 0, first))
    if number is not None:
        number = scatter_(zeros(order.array.shape, order.kind), 0, order, number)
    return found, number, counts


def _consecutive(input, dim, numbered, counted):
    if dim is None:
        refuse_dtypes("unique", input.kind.dtype, *COMPLEX)
        values = contiguous(reshape(input.detach(), -1))
        return _runs(values, None, input.array.shape, numbered, counted)
    slices, d = _slices(input, dim)
    first, number, counts = _runs_of_slices(slices, numbered, counted)
    return index_select(input.detach(), d, first), number, counts


_unique2 = Op("Unique2", _elements, refusing("_unique2"))
_unique_dim = Op("UniqueDim", _ordered_slices, refusing("unique_dim"))
_unique_consecutive = Op("UniqueConsecutive", _consecutive, refusing("unique_consecutive"))


Runs = tuple["Tensor", "Tensor | None", "Tensor | None"]


def _runs(
    values: Tensor, order: Tensor | None, shape: tuple[int, ...], numbered: bool, counted: bool
) -> Runs:
    """Of a vector: the first element of each run of equal ones; if wanted, in this shape and where `order` says,
    the number of each element's run, and the lengths of the runs."""
    n, device = values.array.size, values.kind.device
    kind = Kind.of(dt.int64, device)
    counts = base.empty((-(-n // runs.BLOCK),), kind)
    runs.count(device.type, counts.array, values.array)
    ends = cumsum(counts, 0)
    total = int(ends[-1].item()) if n else 0
    found = base.empty((total,), values.kind)
    bounds = base.empty((total + 1,), kind) if counted else None  # where runs begin, and the last one ends
    number = base.empty(shape, kind) if numbered else None
    if n:
        wanted = [None if t is None else t.array for t in (bounds, number, order)]
        before = sub(ends, counts)
        runs.collect(device.type, found.array, *wanted[:2], values.array, wanted[2], before.array)
    return found, number, None if bounds is None else _lengths(bounds, n)


def _runs_of_slices(slices: Tensor, numbered: bool, counted: bool) -> Runs:
    """Of rows: the number of the first one of each run of equal ones, and so on as `_runs`."""
    n = slices.array.shape[0]
    starts = base.empty((n,), Kind.of(dt.bool, slices.kind.device)).fill_(True)
    step = max(1, BLOCK * n // (slices.array.size or 1))
    for begin in range(1, n, step):
        piece = slices[begin - 1 : begin + step]
        copy_(starts[begin : begin + step], any(ne(piece[1:], piece[:-1]), 1))
    first = true_positions(starts)
    counts = _lengths(cat([first, first.new_empty((1,))]), n) if counted else None
    return first, cumsum(starts, 0).sub_(1) if numbered else None, counts


def _lengths(bounds: Tensor, n: int) -> Tensor:
    """Of runs among n elements, from where they begin; `bounds` has one place more."""
    bounds[-1:].fill_(n)
    return bounds[1:] - bounds[:-1]


def _slices(input: Tensor, dim: int) -> tuple[Tensor, int]:
    """The slices along `dim`, each as a row, and `dim` counted from the front."""
    refuse_dtypes("unique_dim", input.kind.dtype, *COMPLEX)
    shape = input.array.shape
    d = normalize_dim(dim, len(shape))
    if not shape:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if 0 in (*shape[:d], *shape[d + 1 :]):
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
    if not shape[d]:
        return base.empty((0, 1), input.kind), d
    return contiguous(reshape(movedim(input.detach(), d, 0), (shape[d], -1))), d


def isin(
    elements: Tensor | Number,
    test_elements: Tensor | Number,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each element is one of `test_elements`, or with `invert` is none of them. NaN never is.
    `assume_unique` changes nothing.

    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 5]))
    tensor([False,  True, False])
    """
    flags(assume_unique, invert)
    given = [t for t in (elements, test_elements) if isinstance(t, TensorBase)]
    if not given:
        raise unfit("isin", elements, test_elements)
    device = given[0].kind.device
    operands = [
        t if isinstance(t, TensorBase) else tensor(t, dtype=number_dtype(t), device=device)
        for t in (elements, test_elements)
    ]
    for t in operands:
        if t.kind.dtype.is_complex or t.kind.dtype is dt.bool:
            raise RuntimeError(f"Unsupported input type encountered for isin(): {type_word(t.kind.dtype)}")
    common = dt.promote_types(operands[0].kind.dtype, operands[1].kind.dtype)
    wanted, among = (cast(t.detach(), common) for t in operands)
    if not among.array.size:
        found = zeros(wanted.array.shape, Kind.of(dt.bool, device))
    else:
        ordered = sort(reshape(among, -1)).values
        # bisection takes NaN for a small number, though it is the last of those in order
        ascending = where(ne(ordered, ordered), math.inf, ordered) if common.is_floating_point else ordered
        place = clamp(searchsorted(ascending, wanted), max=among.array.size - 1)
        found = eq(read(ordered, (place,), ((0, 1),)), wanted)
    return into(out, logical_not(found) if invert else found, "isin", same=True)
