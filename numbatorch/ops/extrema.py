"""The largest and smallest elements, and where they are. NaN counts as larger and as smaller than every
number; of equal elements the first counts.

Where several elements are the extreme, `max()`, `amax` and `aminmax` share the gradient between them;
`max(dim)` gives it to the one it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numbatorch import return_types
from numbatorch.apply import attach
from numbatorch.arguments import OMITTED, is_whole, unfit, whole
from numbatorch.base import TensorBase
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import div, maximum, minimum, mul
from numbatorch.ops.comparison import eq, where
from numbatorch.ops.copy import all_into, cast
from numbatorch.ops.math import isnan
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import (
    Check,
    Dims,
    Plan,
    Reduce,
    into,
    renamed,
    restore,
    to_int64,
    without_elements,
)
from numbatorch.ops.scatter import scatter_
from numbatorch.rules import not_implemented, promoted
from numbatorch_kernels.reduce import table

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- gradients


def _share(grad: Tensor, reached: Tensor, plan: Plan) -> Tensor:
    """The gradient of an extreme, divided evenly between the elements that reach it. Where that is NaN, which
    equals nothing, it is NaN for all of them."""
    grad, reached = restore(grad, plan), cast(reached, grad.kind.dtype)
    return mul(div(grad, sum(reached, plan.dims, True)), reached)


def _shared_vjp(node, grad):
    input, result = node.unpack()
    plan = node.params[0]
    return (_share(grad, eq(input, restore(result, plan)), plan),)


def shared_by_all_vjp(node, grad):
    """The gradient of one chosen element of all, divided evenly between those that equal it."""
    input, result = node.unpack()
    reached = eq(input, result) | (isnan(input) & isnan(result))
    return (where(reached, div(grad, sum(cast(reached, grad.kind.dtype))), 0),)


def _both_vjp(node, grads):
    input, low, high = node.unpack()
    plan = node.params[0]
    ends = zip(grads, (low, high), strict=True)
    shares = [_share(g, eq(input, restore(r, plan)), plan) for g, r in ends if g is not None]
    return (shares[0] if len(shares) == 1 else shares[0] + shares[1],)


def _chosen_vjp(node, grad):
    (places,) = node.unpack()
    plan = node.params[0]
    if not plan.source:
        return (grad,)
    return (scatter_(grad.new_zeros(plan.source), plan.dims[0], restore(places, plan), restore(grad, plan)),)


class _Choice(Reduce):
    """A reduction that also tells the place of what it chose: all that its gradient needs."""

    def record(self, result: tuple, args: tuple) -> None:
        if result[0].kind.dtype.is_floating_point:
            node = self.node_for(args)
            node.save(result[1])
            attach(node, result[:1])


class _Range(Reduce):
    """A reduction to two extremes, both of which its gradient needs."""

    def record(self, result: tuple, args: tuple) -> None:
        if result[0].kind.dtype.is_floating_point:
            node = self.node_for(args)
            node.save(args[0], *[r.detach() for r in result])
            attach(node, result)


# --- what has no extremes


def _ordered(function: str, kernel: str) -> Check:
    def check(own: DType, shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...]) -> None:
        of_all = RuntimeError(
            f"{function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            f"reduction dim with the 'dim' argument."
        )
        without_elements(shape, dim, dims, f"{function}()", of_all)
        if own.is_complex:
            raise not_implemented(kernel, own)

    return check


def _chosen_of(function: str) -> Check:
    ordered = _ordered(function, f"{function}_cpu")

    def check(own: DType, shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...]) -> None:
        ordered(own.to_real(), shape, dim, dims)
        if own.is_complex:
            raise RuntimeError(f"{function}(): does not support complex input")

    return check


def _placed(function: str) -> Check:
    def check(own: DType, shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...]) -> None:
        of_all = IndexError(f"{function}(): Expected reduction dim to be specified for input.numel() == 0.")
        without_elements(shape, dim, dims, f"{function}()", of_all)

    return check


def _located(function: str) -> Callable[[DType], None]:
    def accepts(own: DType) -> None:
        if own.is_complex or own.name == "bool":
            raise RuntimeError(
                f"{function}(): does not support {'complex' if own.is_complex else 'bool'} input"
            )

    return accepts


def _both_ends(own: DType, shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...]) -> None:
    of_all = RuntimeError(
        "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
    )
    without_elements(shape, dim, dims, "aminmax", of_all)
    if own.is_complex:
        raise not_implemented("aminmax_cpu", own)


# --- rows

_amax = Reduce("Amax", table.amax, _shared_vjp, saves=(0, -1), check=_ordered("amax", "max_values_cpu"))
_amin = Reduce("Amin", table.amin, _shared_vjp, saves=(0, -1), check=_ordered("amin", "min_values_cpu"))
_max_of_all = Reduce(
    "Max", table.amax, shared_by_all_vjp, saves=(0, -1), overload=1, check=_ordered("max", "max_all")
)
_min_of_all = Reduce(
    "Min", table.amin, shared_by_all_vjp, saves=(0, -1), overload=1, check=_ordered("min", "min_all")
)
_max = _Choice("Max", table.max, _chosen_vjp, results=(promoted, to_int64), check=_chosen_of("max"))
_min = _Choice("Min", table.min, _chosen_vjp, results=(promoted, to_int64), check=_chosen_of("min"))
_aminmax = _Range("Aminmax", table.aminmax, _both_vjp, results=(promoted, promoted), check=_both_ends)
_argmax = Reduce(
    "Argmax", table.argmax, results=(to_int64,), accepts=_located("argmax"), check=_placed("argmax")
)
_argmin = Reduce(
    "Argmin", table.argmin, results=(to_int64,), accepts=_located("argmin"), check=_placed("argmin")
)


# --- functions


def amax(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """The largest element.

    >>> torch.amax(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([5, 7])
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "amax")
    return into(out, _amax(input, dim, keepdim), "amax", same=True)


def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """The smallest element.

    >>> torch.amin(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([1, 2])
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "amin")
    return into(out, _amin(input, dim, keepdim), "amin", same=True)


def max(
    input: Tensor,
    dim: int | Tensor = OMITTED,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
    **names: Any,
) -> Any:
    """The largest element; along `dim`, (values, indices); of two tensors, the larger of each two elements.

    >>> torch.max(torch.tensor([[1.0, 3.0], [4.0, 2.0]]), 1)
    torch.return_types.max(
    values=tensor([3., 4.]),
    indices=tensor([1, 0]))
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "max")
    if dim is OMITTED and other is None:
        return into(out, _max_of_all(input), "max")
    if other is None and isinstance(dim, TensorBase):
        other = dim
    if other is not None:
        return maximum(input, other, out=out)
    return _chosen(_max, return_types.max, input, dim, keepdim, out)


def min(
    input: Tensor,
    dim: int | Tensor = OMITTED,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
    **names: Any,
) -> Any:
    """The smallest element; along `dim`, (values, indices); of two tensors, the smaller of each two elements.

    >>> torch.min(torch.tensor([[1.0, 3.0], [4.0, 2.0]]), 1)
    torch.return_types.min(
    values=tensor([1., 2.]),
    indices=tensor([0, 1]))
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "min")
    if dim is OMITTED and other is None:
        return into(out, _min_of_all(input), "min")
    if other is None and isinstance(dim, TensorBase):
        other = dim
    if other is not None:
        return minimum(input, other, out=out)
    return _chosen(_min, return_types.min, input, dim, keepdim, out)


def _chosen(
    row: Reduce, made: Callable, input: Tensor, dim: Any, keepdim: bool, out: tuple[Tensor, Tensor] | None
) -> Any:
    if not is_whole(dim):
        raise unfit(row.reduction.name, input, dim)
    return all_into(out, made(*row(input, dim, keepdim)), row.reduction.name)


def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """The place of the largest element along `dim`; without it, in the flattened tensor.

    >>> torch.argmax(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([1, 0])
    """
    return _place(_argmax, input, dim, keepdim, out, names)


def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """The place of the smallest element along `dim`; without it, in the flattened tensor.

    >>> torch.argmin(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([0, 1])
    """
    return _place(_argmin, input, dim, keepdim, out, names)


def _place(row: Reduce, input: Tensor, dim: Any, keepdim: bool, out: Tensor | None, names: dict) -> Tensor:
    if names:
        dim, keepdim = renamed(names, dim, keepdim, row.reduction.name)
    if dim is not None:
        whole(dim)
    return into(out, row(input, dim, keepdim), row.reduction.name, same=True)


def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None
) -> return_types.aminmax:
    """The smallest and the largest element, in one pass.

    >>> torch.aminmax(torch.tensor([3, 1, 2]))
    torch.return_types.aminmax(
    min=tensor(1),
    max=tensor(3))
    """
    return all_into(out, return_types.aminmax(*_aminmax(input, dim, keepdim)), "aminmax")
