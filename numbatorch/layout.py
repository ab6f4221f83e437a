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
    shape, strides, itemsize = arrays[0].shape, arrays[0].strides, arrays[0].itemsize
    if any(a.shape != shape or a.strides != strides or a.itemsize != itemsize for a in arrays[1:]):
        return None
    order = tuple(sorted(range(len(shape)), key=lambda d: (-strides[d], -shape[d])))
    expected = itemsize
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


# --- layouts as users name them


class layout:
    """How a tensor keeps its elements. There is one: `torch.strided`, by strides."""

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")


class memory_format(layout):
    """The order of dimensions in memory: `torch.contiguous_format` (row-major), `torch.channels_last`,
    `torch.channels_last_3d`, or `torch.preserve_format`, that of the tensor at hand."""

    def order(self, ndim: int) -> tuple[int, ...]:
        """The dimensions from the outermost in memory to the innermost. Raises RuntimeError where the format
        is not for so many."""
        rank = {"channels_last": 4, "channels_last_3d": 5}.get(self._name)
        if rank is None:
            return tuple(range(ndim))
        if ndim != rank:
            raise RuntimeError(f"required rank {rank} tensor to use {self._name} format")
        return (0, *range(2, rank), 1)


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def permuted_strides(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a tensor without gaps whose dimensions lie in this order in memory."""
    strides, step = [0] * len(shape), 1
    for d in reversed(order):
        strides[d] = step
        step *= shape[d] or 1
    return tuple(strides)


def lies_in_order(array, order: Sequence[int]) -> bool:
    """Whether the elements fill memory without gaps, the dimensions in this order."""
    expected = array.itemsize
    for d in reversed(order):
        if array.shape[d] != 1:
            if array.strides[d] != expected:
                return False
            expected *= array.shape[d]
    return True


def kept_order(array) -> tuple[int, ...]:
    """The order of dimensions in memory, the outermost first, that a new array takes over from `array`."""
    return common_order(array.shape, [array.strides])


def common_order(shape: Sequence[int], walks: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The order of dimensions in memory, the outermost first, of what is made of operands with these strides: by falling
    strides of the first operand that tells two dimensions apart, where those of repeated elements (0) have no say; of
    equal strides the longer dimension is the outer one. As in PyTorch's TensorIterator."""
    order = list(range(len(shape)))[::-1]  # the innermost first
    for k in range(1, len(shape)):
        at = k
        for before in range(k - 1, -1, -1):
            turned = _turned(shape, walks, order[before], order[at])
            if turned:
                order[before], order[at], at = order[at], order[before], before
            elif turned is False:
                break
    return tuple(order[::-1])


def _turned(shape: Sequence[int], walks: Sequence[Sequence[int]], inner: int, outer: int) -> bool | None:
    """Whether `inner` should be the outer of the two dimensions; None if no operand tells them apart."""
    for walk in walks:
        a, b = walk[inner], walk[outer]
        if a and b:
            if a != b:
                return a > b
            if shape[inner] > shape[outer]:
                return True
    return None
