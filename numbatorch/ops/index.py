"""Indexing by integers, slices, None and ...: `x[i]`, `x[a:b, None]`. The result is a view; assigning to it writes into `x`.

Indices that are tensors, lists or masks select elements one by one; they are in gather.py.
"""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch.apply import ViewOp
from numbatorch.base import TensorBase
from numbatorch.ops import gather
from numbatorch.ops.copy import copy_, fill_

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _slice_vjp(node, grad):
    index, shape = node.params
    result = grad.new_zeros(shape)
    copy_(_slice(result, index, shape), grad)
    return (result,)


_slice = ViewOp("Slice", lambda input, index, shape: input.array[index], _slice_vjp)
_select = ViewOp("Select", lambda input, index, shape: input.array[index], _slice_vjp)


def getitem(input: Tensor, index: Any) -> Tensor:
    """`input[index]`.

    >>> torch.arange(6).view(2, 3)[:, 1]
    tensor([1, 4])
    """
    if index.__class__ is int:
        array = input.array
        shape = array.shape
        try:
            return _select(input, (index, ...), shape)
        except IndexError:
            raise IndexError(_out_of_range(index, 0, shape)) from None
    parts = index if isinstance(index, tuple) else (index,)
    basic = _basic(parts)
    if basic is None:
        return gather.select(input, parts)
    return _part(input, basic)


def setitem(input: Tensor, index: Any, value: Tensor | Number) -> None:
    """`input[index] = value`: the value is broadcast and converted."""
    parts = index if isinstance(index, tuple) else (index,)
    basic = _basic(parts)
    if basic is None:
        gather.assign(input, parts, value)
        return
    target = _part(input, basic)
    if isinstance(value, TensorBase):
        if value.array.ndim > target.array.ndim and value.array.size == target.array.size:
            value = value.reshape(target.array.shape)
        copy_(target, value)
    elif isinstance(value, bool | int | float | complex | np.generic):
        fill_(target, value)
    else:
        copy_(target, input.new_tensor(value))


def _part(input: Tensor, parts: tuple) -> Tensor:
    """The view for a basic index."""
    array = input.array
    if len(parts) - parts.count(None) - (... in parts) > array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {array.ndim}")
    try:
        return _slice(input, parts if ... in parts else (*parts, ...), array.shape)
    except IndexError:
        dim = 0
        for part in parts:
            if part.__class__ is int:
                if not -array.shape[dim] <= part < array.shape[dim]:
                    raise IndexError(_out_of_range(part, dim, array.shape)) from None
            elif part is ...:
                dim = array.ndim - sum(p is not None for p in parts[parts.index(...) + 1 :]) - 1
            dim += part is not None
        raise


def _out_of_range(index: int, dim: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return (
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
        )
    return f"index {index} is out of bounds for dimension {dim} with size {shape[dim]}"


def _basic(parts: tuple) -> tuple | None:
    """The index in NumPy's terms, or None if it selects elements by tensors, lists or masks."""
    result: list[Any] = []
    for part in parts:
        if part.__class__ is int or part is None or isinstance(part, EllipsisType):
            result.append(part)
        elif isinstance(part, slice):
            if part.step is not None and part.step <= 0:
                raise ValueError("step must be greater than zero")
            result.append(slice(_plain(part.start), _plain(part.stop), _plain(part.step)))
        elif isinstance(part, bool):
            return None
        elif isinstance(part, np.integer) or (isinstance(part, TensorBase) and _is_integer_scalar(part)):
            result.append(int(part))
        elif isinstance(part, TensorBase | list | tuple | np.ndarray | range):
            return None
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                f"{type(part).__name__})"
            )
    if result.count(...) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    return tuple(result)


def _plain(bound: Any) -> Any:
    return bound if bound is None or bound.__class__ is int else bound.__index__()


def _is_integer_scalar(index: TensorBase) -> bool:
    dtype = index.kind.dtype
    return not index.array.ndim and not dtype.is_floating_point and not dtype.is_complex and dtype.name not in ("bool", "uint8")


