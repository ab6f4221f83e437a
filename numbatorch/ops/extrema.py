"""The largest and smallest elements, and where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from numbatorch import dtype as dt
from numbatorch.apply import Op
from numbatorch.base import TensorBase
from numbatorch.ops.arithmetic import div, maximum, minimum, mul
from numbatorch.ops.comparison import eq, where
from numbatorch.ops.copy import copy_
from numbatorch.ops.creation import arange
from numbatorch.ops.reduce import Dims, keep, reduce, sum
from numbatorch.shape import normalize_dim, reduction_dims
from numbatorch_kernels.reduce import table

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _printed(pair: Any, name: str) -> str:
    fields = ",\n".join(f"{field}={getattr(pair, field)!r}" for field in pair._fields)
    return f"torch.return_types.{name}(\n{fields})"


class MaxResult(NamedTuple):
    """What `max(input, dim)` returns."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return _printed(self, "max")


class MinResult(NamedTuple):
    """What `min(input, dim)` returns."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return _printed(self, "min")


class AminmaxResult(NamedTuple):
    """What `aminmax` returns."""

    min: Any
    max: Any

    def __repr__(self) -> str:
        return _printed(self, "aminmax")


def _shared_vjp(node, grad):
    """Equal extremes share the gradient."""
    input, result = node.unpack()
    dim, keepdim, shape = node.params
    chosen = eq(input, keep(result, shape, dim, keepdim))
    share = div(keep(grad, shape, dim, keepdim), sum(chosen, dim, True) if dim is not None else sum(chosen))
    return (mul(share, chosen),)


def _extreme(reduction):
    return lambda input, dim, keepdim, shape: reduce(reduction, input, dim, keepdim, input.kind.dtype)


_amax = Op("Amax", _extreme(table.amax), _shared_vjp, saves=(0, -1))
_amin = Op("Amin", _extreme(table.amin), _shared_vjp, saves=(0, -1))
_max_of_all = Op("Max", _extreme(table.amax), _shared_vjp, saves=(0, -1))
_min_of_all = Op("Min", _extreme(table.amin), _shared_vjp, saves=(0, -1))


def _chosen_vjp(node, grads):
    """The element that was chosen gets the gradient."""
    (indices,) = node.unpack()
    dim, keepdim, shape = node.params
    if not shape:
        return (grads,)
    places = arange(shape[dim], device=indices.device).view(-1, *[1] * (len(shape) - 1 - dim))
    return (where(eq(keep(indices, shape, dim, keepdim), places), keep(grads, shape, dim, keepdim), 0),)


class _Choice(Op):
    """An op that also tells where; the place is all that its gradient needs."""

    def record(self, result, args):
        super().record(result, args)
        result[0]._grad_fn.save(result[1])


def _choice(reduction):
    def forward(input, dim, keepdim, shape):
        return reduce(reduction, input, dim if shape else None, keepdim, input.kind.dtype, dt.int64)

    return forward


_max_along = _Choice("Max", _choice(table.max), _chosen_vjp)
_min_along = _Choice("Min", _choice(table.min), _chosen_vjp)


def _refuse_empty(name: str, input: Tensor, dim: Dims = None) -> None:
    """Raise where there is nothing to choose from."""
    shape = input.array.shape
    if dim is None:
        if math.prod(shape) == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            )
        return
    for d in reduction_dims(dim, len(shape)):
        if shape and shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The largest element, over `dim` or all; NaN if any is. Equal ones share the gradient."""
    dims = _all_if_empty(dim)
    _refuse_empty("amax", input, dims)
    return _into(out, _amax(input, dims, keepdim, input.array.shape))


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The smallest element, over `dim` or all; NaN if any is. Equal ones share the gradient."""
    dims = _all_if_empty(dim)
    _refuse_empty("amin", input, dims)
    return _into(out, _amin(input, dims, keepdim, input.array.shape))


def _all_if_empty(dim: Dims) -> Dims:
    if isinstance(dim, Sequence):
        return tuple(dim) or None
    return dim


def _into(out: Tensor | None, result: Tensor) -> Tensor:
    return result if out is None else copy_(out, result)


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """The largest element; or, along `dim`, (values, indices); or, with another tensor, the larger of each two elements.

    >>> torch.max(torch.tensor([[1.0, 3.0], [4.0, 2.0]]), 1)
    torch.return_types.max(
    values=tensor([3., 4.]),
    indices=tensor([1, 0]))
    """
    return _max_or_min("max", _max_of_all, _max_along, MaxResult, maximum, input, dim, keepdim, other, out)


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """The smallest element; or, along `dim`, (values, indices); or, with another tensor, the smaller of each two elements."""
    return _max_or_min("min", _min_of_all, _min_along, MinResult, minimum, input, dim, keepdim, other, out)


def _max_or_min(name, of_all, along, result_type, of_two, input, dim, keepdim, other, out) -> Any:
    if isinstance(dim, TensorBase):
        other = dim
    if other is not None:
        return of_two(input, other, out=out)
    if input.kind.dtype.is_complex:
        raise RuntimeError(f"{name}(): does not support complex input")
    if dim is None:
        _refuse_empty(name, input)
        return _into(out, of_all(input, None, False, input.array.shape))
    d = normalize_dim(dim, input.array.ndim)
    _refuse_empty(name, input, d)
    values, indices = along(input, d, keepdim, input.array.shape)
    if out is not None:
        return result_type(copy_(out[0], values), copy_(out[1], indices))
    return result_type(values, indices)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The place of the largest element, the first of equal ones; without `dim` in the flattened tensor."""
    return _into(out, _place("argmax", table.argmax, input, dim, keepdim))


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The place of the smallest element, the first of equal ones; without `dim` in the flattened tensor."""
    return _into(out, _place("argmin", table.argmin, input, dim, keepdim))


def _place(name: str, reduction, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if input.kind.dtype is dt.bool:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    if dim is None and input.array.size == 0:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    _refuse_empty(name, input, dim)
    return reduce(reduction, input, dim, keepdim, dt.int64)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> AminmaxResult:
    """The smallest and the largest element."""
    _refuse_empty("aminmax", input, dim)
    return AminmaxResult(amin(input, () if dim is None else dim, keepdim), amax(input, () if dim is None else dim, keepdim))
