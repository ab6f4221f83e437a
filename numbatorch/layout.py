"""How elements lie in memory: strides in elements, broadcasting by strides of zero, and walks in as few
dimensions as possible."""

from __future__ import annotations

from collections.abc import Sequence


def steps(array) -> tuple[int, ...]:
    """The strides of an array, in elements."""
    itemsize = array.itemsize
    return tuple([s // itemsize for s in array.strides])


def broadcast_steps(array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides with which `array` is read as a tensor of `shape`: 0 along dimensions that are
    broadcast."""
    missing = len(shape) - array.ndim
    own = [0 if n == 1 else s for n, s in zip(array.shape, steps(array), strict=True)]
    return (0,) * missing + tuple(own)


def collapse(
    shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]
) -> tuple[list[int], int, list[list[int]]]:
    """(outer shape, row length, strides of each operand) of the same walk over memory in as few dimensions as
    possible."""
    dims: list[int] = []
    walks: list[list[int]] = [[] for _ in strides]
    for d, n in enumerate(shape):
        if n == 1:
            continue
        if dims and all(w[-1] == s[d] * n for w, s in zip(walks, strides, strict=True)):
            dims[-1] *= n
            for w, s in zip(walks, strides, strict=True):
                w[-1] = s[d]
        else:
            dims.append(n)
            for w, s in zip(walks, strides, strict=True):
                w.append(s[d])
    if not dims:
        return [], 1, [[1 if k == 0 else 0] for k in range(len(strides))]
    return dims[:-1], dims[-1], walks


def dense_order(arrays: Sequence) -> tuple[int, ...] | None:
    """The order of dimensions in memory, if all arrays share shape and strides and fill their memory without
    gaps."""
    shape, strides = arrays[0].shape, arrays[0].strides
    if any(a.shape != shape or a.strides != strides for a in arrays[1:]):
        return None
    order = tuple(sorted(range(len(shape)), key=lambda d: (-strides[d], -shape[d])))
    expected = arrays[0].itemsize
    for d in reversed(order):
        if shape[d] != 1 and strides[d] != expected:
            return None
        expected *= shape[d]
    return order


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order of dimensions that undoes `order`."""
    result = [0] * len(order)
    for k, d in enumerate(order):
        result[d] = k
    return tuple(result)
