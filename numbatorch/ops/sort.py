"""Elements in order along a dimension: sort, argsort, msort, topk."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.arguments import flags, tensor_array, whole
from numbatorch.base import Kind
from numbatorch.ops.choice import Choice, by_rows, empty_pair
from numbatorch.ops.copy import all_into, check_several, receives
from numbatorch.ops.reduction import into
from numbatorch.ops.view import detach
from numbatorch.shape import normalize_dim
from numbatorch_kernels import select
from numbatorch_kernels import sort as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _ranked(
    kernel, input: Tensor, count: int, dim: int, first: bool, out: Any = None
) -> tuple[Tensor, Tensor]:
    """Of whole rows in memory, in `out` if that can be."""
    direct = (
        out is not None and input.kind.contiguous and dim == input.array.ndim - 1 and _receive(out, input)
    )

    def choose(rows: Tensor) -> tuple[Tensor, Tensor]:
        values, places = out if direct else empty_pair((*rows.array.shape[:-1], count), rows.kind)
        if values.array.size:
            kernel(rows.kind.device.type, values.array, places.array, rows.array, first)
        return values, places

    return by_rows(input, dim, count, choose)


def _receive(out: tuple[Tensor, Tensor], input: Tensor) -> bool:
    """Whether the tensors in `out` can have the sorted rows and their places written into them."""
    values, places = out
    shape, of_places = input.array.shape, Kind.of(dt.int64, input.kind.device)
    return receives(values, shape, input.kind, input) and receives(places, shape, of_places, input, values)


def _sort_forward(input, dim, descending, out):
    return _ranked(kernels.sort, input, input.array.shape[dim], dim, descending, out)


def _topk_forward(input, dim, k, largest):
    shape = input.array.shape
    if (
        input.kind.cpu
        and input.kind.contiguous
        and 0 < k <= select.FEW
        and prod(shape[dim + 1 :]) >= select.LANES
    ):
        values, places = empty_pair((*shape[:dim], k, *shape[dim + 1 :]), input.kind)
        if values.array.size:
            select.top_across(values.array, places.array, input.array, dim, largest)
        return values, places
    return _ranked(select.top, input, k, dim, largest)


_sort = Choice("Sort", _sort_forward)
_topk = Choice("Topk", _topk_forward)


def _refuse(function: str, input: Tensor, *names: str) -> None:
    if input.kind.dtype.is_complex or input.kind.dtype.name in names:
        kind = "complex" if input.kind.dtype.is_complex else input.kind.dtype.name
        space = " " if input.kind.dtype.is_complex else ""
        raise RuntimeError(
            f"{space}{function} does not support {kind} dtypes on {input.kind.device.type.upper()}"
        )


def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = None,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.sort:
    """The elements in order along `dim`, and their old places. Always stable; NaN counts as the largest
    number.

    >>> torch.sort(torch.tensor([3, 1, 2]))
    torch.return_types.sort(
    values=tensor([1, 2, 3]),
    indices=tensor([1, 2, 0]))
    """
    flags(descending, *[] if stable is None else [stable])
    d = normalize_dim(dim, tensor_array(input).ndim)
    _refuse("Sort", input)
    if out is not None:
        check_several(out, "sort", 2)
    return all_into(out, return_types.sort(*_sort.of(input, d, descending, out)), "sort")


def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The places of the elements in order along `dim`: input.gather(dim, argsort(input, dim)) is sorted.

    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    flags(descending, stable)
    return sort(detach(input), dim, descending).indices


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along the first dimension.

    >>> torch.msort(torch.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return into(out, sort(input, 0).values, "msort", same=True)


def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.topk:
    """The `k` largest elements along `dim` in order, or the smallest, and their places. NaN counts as the
    largest number; of equal elements the first ones are taken. The result is in order whatever `sorted` says.

    >>> torch.topk(torch.tensor([3, 1, 2]), 2)
    torch.return_types.topk(
    values=tensor([3, 2]),
    indices=tensor([0, 2]))
    """
    whole(k)
    flags(largest, sorted)
    d = normalize_dim(dim, tensor_array(input).ndim)
    if not 0 <= k <= (input.array.shape[d] if input.array.ndim else 1):
        raise RuntimeError("selected index k out of range")
    _refuse("topk", input, "bool")
    return all_into(out, return_types.topk(*_topk.of(input, d, k, largest)), "topk")
