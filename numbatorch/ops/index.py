"""Indexing: `x[i]`, `x[a:b, None]`, `x[..., rows]`, `x[mask]`, and assigning to it.

Integers, slices, None and ... make a view. Index tensors, lists, arrays and masks then select elements of
that view one by one: elements.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import EllipsisType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import ViewOp
from numbatorch.arguments import class_name, tensor_array
from numbatorch.base import Kind, TensorBase, wrap
from numbatorch.elementwise import LEAST, MOST
from numbatorch.ops.copy import copy_, fill_
from numbatorch.ops.elements import Places, assign, select, select_rows
from numbatorch.ops.from_data import as_tensor, tensor
from numbatorch.ops.view import expand, reshape, type_text
from numbatorch.overlap import refuse_repeated

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _slice_vjp(node, grad):
    index, shape = node.params
    result = grad.new_zeros(shape)
    copy_(part_of(result, index, shape), grad)
    return (result,)


def _view(name: str) -> ViewOp:
    return ViewOp(name, lambda input, index, shape: input.array[index], _slice_vjp)


part_of, _select, _unsqueeze, _alias = map(_view, ("Slice", "Select", "Unsqueeze", "Alias"))
_ROWS = {slice: part_of, int: _select, NoneType: _unsqueeze}


def _row(parts: tuple) -> ViewOp:
    """The op that PyTorch would call last: it goes from part to part."""
    for part in reversed(parts):
        if part is not ... and (part != _WHOLE or len(parts) == 1):
            return _ROWS[part.__class__]
    return _alias


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
            raise IndexError(_out_of_range(index, 0, shape[0]) if shape else _NO_DIMENSION) from None
    if (
        isinstance(index, TensorBase)
        and index.kind.dtype is dt.int64
        and index.array.ndim
        and input.array.ndim
    ):
        return select_rows(input, index)  # type: ignore[arg-type]  # a TensorBase is a Tensor
    parts = index if isinstance(index, tuple) else _parts(index)
    basic = _basic(parts)
    return select(*_advanced(input, parts)) if basic is None else _part(input, basic)


def setitem(input: Tensor, index: Any, value: Tensor | Number) -> None:
    """`input[index] = value`: the value is broadcast, and unless index tensors are involved converted."""
    parts = index if isinstance(index, tuple) else _parts(index)
    basic = _basic(parts)
    if not isinstance(value, _VALUES):
        raise TypeError(f"can't assign a {class_name(value)} to a {type_text(input)}")
    if isinstance(value, TensorBase):
        shape = value.array.shape
        while shape and shape[0] == 1:  # what broadcasting would put in front anyway
            shape = shape[1:]
        value = value if len(shape) == value.array.ndim else reshape(value, shape)
    elif value.__class__ is int and not LEAST <= value <= MOST:
        raise ValueError("Overflow when unpacking long long")
    elif input.kind.dtype.is_half and isinstance(value, int | float):
        if abs(value) > dt.finfo(input.kind.dtype).max:  # which is infinite here, and an error elsewhere
            value = tensor(float(value), dtype=dt.float64).to(input.kind.dtype)
    if basic is None:
        assign(*_advanced(input, parts), value)
    elif isinstance(value, TensorBase):
        part = _part(input, basic)
        copy_(part, value if value.array.shape == part.array.shape else expand(value, part.array.shape))
    else:
        part = _part(input, basic)
        refuse_repeated(part)  # which fill_ lets pass
        fill_(part, value)


def _part(input: Tensor, parts: tuple) -> Tensor:
    """The view for a basic index."""
    array = tensor_array(input)
    rest = ... in parts
    if len(parts) > array.ndim and len(parts) - parts.count(None) - rest > array.ndim:
        if parts[0].__class__ is slice and len(parts) == 1:
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        raise IndexError(f"too many indices for tensor of dimension {array.ndim}")
    try:
        row = _row(parts) if input._requires_grad else part_of
        return row(input, parts if rest else (*parts, ...), array.shape)
    except IndexError:
        dim = 0
        for position, part in enumerate(parts):  # whose number, as in PyTorch, the error names
            if part is ...:
                dim = array.ndim - sum(p is not None for p in parts[position + 1 :])
                continue
            if part.__class__ is int and not -array.shape[dim] <= part < array.shape[dim]:
                raise IndexError(_out_of_range(part, position, array.shape[dim])) from None
            dim += part is not None
        raise


def _out_of_range(index: int, dim: int, size: int) -> str:
    return f"index {index} is out of bounds for dimension {dim} with size {size}"


_NO_DIMENSION = (
    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert "
    "a 0-dim tensor to a "
    "number"
)


def _parts(index: Any) -> tuple:
    """An index that is no tuple as one; a list of more than plain numbers is taken for a tuple, as PyTorch
    does."""
    if isinstance(index, list) and len(index) < 32 and any([_is_structure(part) for part in index]):
        warnings.warn(_SEQUENCE, UserWarning, stacklevel=3)
        return tuple(index)
    return (index,)


def _is_structure(part: Any) -> bool:
    return part is None or isinstance(part, TensorBase | Sequence | np.ndarray | slice | EllipsisType)


_SEQUENCE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch "
    "2.9; use x[tuple(seq)] instead of "
    "x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will "
    "result either in an error or a "
    "different result"
)
_BYTE_MASK = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."


def _listed(part: Sequence) -> Tensor:
    """A list of numbers as an index tensor or, of truth values, a mask."""
    if isinstance(part, list | tuple | range) and all([x.__class__ is int for x in part]):
        return wrap(np.array(part, np.int64), Kind.of(dt.int64))
    made = tensor(part if isinstance(part, list | tuple) else list(part))
    return made if made.kind.dtype is dt.bool or made.kind.dtype is dt.uint8 else made.to(dt.int64)


_BOUNDS = (int, type(None))  # of slices, as they are
_VALUES = (TensorBase, bool, int, float, complex, np.generic)
_LISTS = (list, tuple, range, np.ndarray)


def _basic(parts: tuple) -> tuple | None:
    """The index in NumPy's terms, or None if it selects elements by tensors, lists or masks."""
    for part in parts:
        if part.__class__ is slice:
            first, last = part.start.__class__, part.stop.__class__
            if first not in _BOUNDS or last not in _BOUNDS or part.step is not None:
                break
        elif part.__class__ is not int and part is not None:
            break
    else:
        return parts  # the common case
    result: list[Any] = []
    for part in parts:
        if part.__class__ is int or part is None or part is ...:
            result.append(part)
        elif isinstance(part, slice):
            if part.step is not None and part.step <= 0:
                raise ValueError("step must be greater than zero")
            result.append(slice(_plain(part.start), _plain(part.stop), _plain(part.step)))
        elif isinstance(part, TensorBase):
            if not _is_integer_scalar(part):
                return None
            result.append(int(part))  # type: ignore[call-overload]  # a TensorBase is a Tensor
        elif isinstance(part, np.integer) or (
            part.__class__ is np.ndarray and part.ndim == 0 and part.dtype.kind in "iu"
        ):
            result.append(int(part))
        elif isinstance(part, bool) or isinstance(part, _LISTS) or isinstance(part, Sequence):
            return None
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                "indices (got "
                f"{class_name(part)})"
            )
    if result.count(...) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    return tuple(result)


_WHOLE = slice(None)


def _advanced(input: Tensor, parts: tuple) -> tuple[Tensor, Places]:
    """The view that the basic parts make, and the index tensors and masks with the dimensions of it where
    they begin."""
    places: list[Any] = []
    for dim, part in enumerate(parts):  # the common case: index tensors and whole dimensions
        if isinstance(part, TensorBase) and part.kind.dtype is dt.int64 and part.array.ndim:
            places.append((dim, part))
        elif part.__class__ is not slice or part != _WHOLE:
            break
    else:
        if len(parts) <= input.array.ndim:
            return input, places
    items: list[Any] = [part if part.__class__ is slice else _item(part) for part in parts]
    missing, plain = input.array.ndim, True
    for item in items:
        missing -= item.array.ndim if _is_mask(item) else item is not None and item is not ...
        plain = plain and (
            item == _WHOLE
            if item.__class__ is slice
            else isinstance(item, TensorBase) and item.array.ndim > 0
        )
    if missing < 0:
        raise IndexError(f"too many indices for tensor of dimension {input.array.ndim}")
    basic: list[Any] = []
    places, dim = [], 0
    for item in items:
        if isinstance(item, TensorBase):
            places.append((dim, item))
            count = item.array.ndim if _is_mask(item) else 1
            basic += [_WHOLE] * count or [None]
            dim += count or 1
        else:
            basic.append(item)
            dim += missing if item is ... else not isinstance(item, int)
    return input if plain else _part(input, _basic(tuple(basic)) or ()), places


def _item(part: Any) -> Any:
    """A part of an index that selects by more than basic indexing as a tensor, any other as it is; 0-d
    integers as ints."""
    if not isinstance(part, TensorBase):
        if part is None or part is ... or part.__class__ is int:
            return part
        if isinstance(part, bool):
            return tensor(part)
        if isinstance(part, np.integer):
            return int(part)
        part = as_tensor(part) if isinstance(part, np.ndarray) else _listed(part)
    if part.kind.dtype is dt.uint8 and part.array.ndim:
        warnings.warn(_BYTE_MASK, UserWarning, stacklevel=5)
    return int(part) if _is_integer_scalar(part) else part


def _is_mask(item: Any) -> bool:
    return isinstance(item, TensorBase) and (item.kind.dtype is dt.bool or item.kind.dtype is dt.uint8)


def _plain(bound: Any) -> Any:
    return bound if bound is None or bound.__class__ is int else bound.__index__()


def _is_integer_scalar(index: TensorBase) -> bool:
    if index.array.ndim:
        return False
    dtype = index.kind.dtype
    return not (dtype.is_inexact or dtype is dt.bool or dtype is dt.uint8)
