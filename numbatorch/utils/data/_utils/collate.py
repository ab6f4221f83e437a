"""From a list of samples to a batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy

from numbatorch.dtype import float64
from numbatorch.ops import as_tensor, stack, tensor
from numbatorch.tensor import Tensor

CollateMap = dict[type | tuple[type, ...], Callable]
_NUMBERS = (numpy.bool_, numpy.number)


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers as tensors, also inside containers; everything else as it is. A tuple becomes
    a list.
    """
    if isinstance(data, (numpy.ndarray, *_NUMBERS)):
        return data if _holds_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, map(default_convert, data))
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """The samples of a batch joined along a new first dimension.

    Tensors are stacked, and so are NumPy arrays and numbers; numbers become a tensor (of float64 if they are
    floats), strings stay a list. Mappings, sequences and named tuples of these are joined item by item; a
    tuple gives a list. What is done with a type stands in `default_collate_fn_map`, which may be added to.

    >>> default_collate([(torch.tensor([1, 2]), 0), (torch.tensor([3, 4]), 1)])
    [tensor([[1, 2],
            [3, 4]]), tensor([0, 1])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """`default_collate` with a table of one's own: by type, `function(batch, *, collate_fn_map)`. The type
    itself is looked up first, then the first entry that it is an instance of. Containers need no entry.

    >>> collate([1, 2], collate_fn_map={int: lambda batch, *, collate_fn_map: sum(batch)})
    3
    """
    first = batch[0]
    for_type = _entry(first, collate_fn_map or {})
    if for_type is not None:
        return for_type(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        joined = {
            key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in first
        }
        return _like_mapping(first, joined)
    named = isinstance(first, tuple) and hasattr(first, "_fields")
    if isinstance(first, Sequence):
        if not named and any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = zip(*batch, strict=False)
        return _like_sequence(first, (collate(column, collate_fn_map=collate_fn_map) for column in columns))
    raise _cannot_collate(type(first))


def collate_tensor_fn(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Tensors stacked."""
    return stack(batch, 0)


def collate_numpy_array_fn(
    batch: Sequence[numpy.ndarray], *, collate_fn_map: CollateMap | None = None
) -> Any:
    """Arrays stacked. TypeError for arrays of strings or objects."""
    first = batch[0]
    if _holds_text(first):
        raise _cannot_collate(first.dtype)
    if all(type(a) is numpy.ndarray and a.shape == first.shape and a.dtype == first.dtype for a in batch):
        return as_tensor(numpy.stack(batch))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """NumPy's numbers as a tensor."""
    return as_tensor(numpy.asarray(batch))


def collate_float_fn(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Floats as a tensor of float64."""
    return tensor(batch, dtype=float64)


def collate_int_fn(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Integers, or bools, as a tensor."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Strings stay as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    numpy.ndarray: collate_numpy_array_fn,
    (numpy.bool_, numpy.number, numpy.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def _entry(value: Any, table: CollateMap) -> Callable | None:
    """What `table` says of the type of `value`."""
    found = table.get(type(value))
    return found or next((entry for kind, entry in table.items() if isinstance(value, kind)), None)


def _cannot_collate(found: Any) -> TypeError:
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {found}"
    )


def _holds_text(data: Any) -> bool:
    """Whether a NumPy value holds strings or objects, which no tensor can."""
    return data.dtype.kind in "SUO" or data.dtype.names is not None


def _like_mapping(pattern: Mapping, items: dict) -> Any:
    """A mapping of the type of `pattern` with these items; a dict if that type cannot be made so."""
    try:
        if isinstance(pattern, MutableMapping):
            result = copy.copy(pattern)
            result.update(items)
            return result
        return type(pattern)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _like_sequence(pattern: Sequence, items: Iterable) -> Any:
    """A sequence of the type of `pattern` with these items; a list for a tuple, or if that type cannot be
    made so.
    """
    items = list(items)
    if isinstance(pattern, tuple):
        return type(pattern)(*items) if hasattr(pattern, "_fields") else items
    try:
        if isinstance(pattern, MutableSequence):
            result = copy.copy(pattern)
            for place, item in enumerate(items):
                result[place] = item
            return result
        return type(pattern)(items)  # type: ignore[call-arg]
    except TypeError:
        return items
