"""Indexing: `x[i]`, `x[a:b, None]`, `x[..., rows]`, `x[mask]`, and assigning to it.

Integers, slices, None and ... make a view. Index tensors, lists, arrays and masks then select elements of that view one by one: gather.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch import dtype as dt
from numbatorch.apply import ViewOp
from numbatorch.base import TensorBase
from numbatorch.ops.gather import Places, assign, select
from numbatorch.ops.copy import copy_, fill_
from numbatorch.ops.creation import as_tensor, tensor
from numbatorch.ops.view import reshape, type_text

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
    if isinstance(index, TensorBase) and index.kind.dtype is dt.int64 and index.array.ndim and input.array.ndim:
        return select(input, ((0, index),))
    parts = index if isinstance(index, tuple) else _parts(index)
    basic = _basic(parts)
    return select(*_advanced(input, parts)) if basic is None else _part(input, basic)


def setitem(input: Tensor, index: Any, value: Tensor | Number) -> None:
    """`input[index] = value`: the value is broadcast, and unless index tensors are involved converted."""
    parts = index if isinstance(index, tuple) else _parts(index)
    basic = _basic(parts)
    if not isinstance(value, TensorBase | bool | int | float | complex | np.generic):
        raise TypeError(f"can't assign a {_type_name(value)} to a {type_text(input)}")
    if basic is None:
        assign(*_advanced(input, parts), value)
        return
    target = _part(input, basic)
    if isinstance(value, TensorBase):
        shape = value.array.shape
        while len(shape) > target.array.ndim and shape[0] == 1:
            shape = shape[1:]
        copy_(target, value if len(shape) == value.array.ndim else reshape(value, shape))
    else:
        fill_(target, value)


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


def _parts(index: Any) -> tuple:
    """An index that is no tuple as one; a list of more than plain numbers is taken for a tuple, as PyTorch does."""
    if isinstance(index, list) and len(index) < 32 and any([_is_structure(part) for part in index]):
        warnings.warn(_SEQUENCE, UserWarning, stacklevel=3)
        return tuple(index)
    return (index,)


def _is_structure(part: Any) -> bool:
    return part is None or isinstance(part, TensorBase | Sequence | np.ndarray | slice | EllipsisType)


_SEQUENCE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of "
    "x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a "
    "different result"
)
_BYTE_MASK = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."


def _basic(parts: tuple) -> tuple | None:
    """The index in NumPy's terms, or None if it selects elements by tensors, lists or masks."""
    result: list[Any] = []
    for part in parts:
        if part.__class__ is int or part is None or part is ...:
            result.append(part)
        elif isinstance(part, slice):
            if part.step is not None and part.step <= 0:
                raise ValueError("step must be greater than zero")
            result.append(slice(_plain(part.start), _plain(part.stop), _plain(part.step)))
        elif isinstance(part, bool):
            return None
        elif isinstance(part, np.integer) or _is_integer_scalar(part) or (isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind in "iu"):
            result.append(int(part))
        elif isinstance(part, TensorBase | Sequence | np.ndarray):
            return None
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                f"{_type_name(part)})"
            )
    if result.count(...) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    return tuple(result)


def _advanced(input: Tensor, parts: tuple) -> tuple[Tensor, Places]:
    """The view that the basic parts make, and the index tensors and masks with the dimensions of it where they begin."""
    items = [_item(part) for part in parts]
    spread = [item.array.ndim if _is_mask(item) else 1 if isinstance(item, TensorBase) else _consumes(item) for item in items]
    missing = input.array.ndim - sum(spread)
    if missing < 0:
        raise IndexError(f"too many indices for tensor of dimension {input.array.ndim}")
    basic: list[Any] = []
    places: list[tuple[int, Tensor]] = []
    dim = 0
    for item, count in zip(items, spread):
        if isinstance(item, TensorBase):
            places.append((dim, item))
            basic += [slice(None)] * count or [None]
            dim += count or 1
        else:
            basic.append(item)
            dim += missing if item is ... else not isinstance(item, int)
    plain = all([isinstance(part, slice) and part == slice(None) for part in basic])
    return input if plain else _part(input, _basic(tuple(basic)) or ()), places


def _item(part: Any) -> Any:
    """A part of an index that selects by more than basic indexing as a tensor, any other as it is; 0-d integers as ints."""
    if isinstance(part, bool):
        return tensor(part)
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, np.ndarray):
        part = as_tensor(part)
    elif isinstance(part, Sequence):
        part = tensor(part if isinstance(part, list | tuple) else list(part))
        if part.kind.dtype is not dt.bool and part.kind.dtype is not dt.uint8:
            part = part.to(dt.int64)
    if not isinstance(part, TensorBase):
        return part
    if part.kind.dtype is dt.uint8 and part.array.ndim:
        warnings.warn(_BYTE_MASK, UserWarning, stacklevel=5)
    return int(part) if _is_integer_scalar(part) else part


def _consumes(item: Any) -> int:
    """How many dimensions of the input a basic part is about."""
    return 0 if item is None or item is ... else 1


def _is_mask(item: Any) -> bool:
    return isinstance(item, TensorBase) and item.kind.dtype in (dt.bool, dt.uint8)


def _plain(bound: Any) -> Any:
    return bound if bound is None or bound.__class__ is int else bound.__index__()


def _is_integer_scalar(index: Any) -> bool:
    if not isinstance(index, TensorBase) or index.array.ndim:
        return False
    dtype = index.kind.dtype
    return not (dtype.is_floating_point or dtype.is_complex or dtype is dt.bool or dtype is dt.uint8)


def _type_name(value: Any) -> str:
    """The name of a value's class as PyTorch's errors have it."""
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
