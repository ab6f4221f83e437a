"""From a list of samples to a batch."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy

from numbatorch.dtype import float64
from numbatorch.ops import as_tensor, stack, tensor
from numbatorch.tensor import Tensor

_NUMBERS = (numpy.bool_, numpy.number)


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers as tensors, also inside containers; everything else as it is."""
    if isinstance(data, (numpy.ndarray, *_NUMBERS)):
        return data if _holds_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if _is_container(data):
        return _like_sequence(data, map(default_convert, data))
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """The samples of a batch joined along a new first dimension.

    Tensors are stacked, and so are NumPy arrays and numbers; numbers become a tensor (of float64 if they are
    floats), strings stay a list. Mappings, sequences and named tuples of these are joined item by item; a
    tuple gives a list.

    >>> default_collate([(torch.tensor([1, 2]), 0), (torch.tensor([3, 4]), 1)])
    [tensor([[1, 2],
            [3, 4]]), tensor([0, 1])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if isinstance(first, (numpy.ndarray, *_NUMBERS)):
        if _holds_text(first):
            raise _cannot_collate(first.dtype)
        return stack([as_tensor(item) for item in batch], 0)
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like_mapping(
            first, {key: default_collate([sample[key] for sample in batch]) for key in first}
        )
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _like_sequence(first, map(default_collate, zip(*batch, strict=True)))
    raise _cannot_collate(type(first))


def _cannot_collate(found: Any) -> TypeError:
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {found}"
    )


def _holds_text(data: Any) -> bool:
    """Whether a NumPy value holds strings or objects, which no tensor can."""
    return data.dtype.kind in "SUO" or data.dtype.names is not None


def _is_container(data: Any) -> bool:
    return isinstance(data, Sequence) and not isinstance(data, (str, bytes))


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
