"""Rules of shapes: broadcasting, reshaping, dimension numbers, reductions. Functions of tuples of ints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from operator import index
from typing import Any, SupportsIndex, overload

from numbatorch.arguments import misfit, whole

# --- Size


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that prints as `torch.Size([2, 3])`, with `numel()`.

    Slices, sums and multiples of a Size are Sizes. Raises TypeError for items that are no integers.
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[SupportsIndex] = ()) -> Size:
        return tuple.__new__(cls, [_as_int(size, position) for position, size in enumerate(sizes)])

    def numel(self) -> int:
        """The number of elements: the product of the sizes."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (tuple(self),)

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> Size: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | Size:
        if isinstance(key, slice):
            return make_size(tuple.__getitem__(self, key))
        return tuple.__getitem__(self, key)

    def __add__(self, other: object) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: object) -> Size:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> Size:
        return make_size(tuple.__mul__(self, times))

    __rmul__ = __mul__


# Size of a tuple that is known to hold ints: the fast way, without a check.
make_size = partial(tuple.__new__, Size)


def _as_int(size: SupportsIndex, position: int) -> int:
    try:
        return index(size)
    except TypeError:
        kind = type(size).__name__
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {position} is '{kind}')") from None


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a row-major tensor, in elements: `(12, 4, 1)` for `(2, 3, 4)`. A size 0 counts as 1."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size or 1
    return tuple(reversed(strides))


# --- broadcasting


def broadcast_pair(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an operation on operands of shapes `a` and `b`. Raises RuntimeError if they do not fit."""
    if a == b:
        return a
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    shape = list(long)
    for dim in range(-1, -1 - len(short), -1):
        size = short[dim]
        if shape[dim] == 1:
            shape[dim] = size
        elif size != 1 and size != shape[dim]:
            raise RuntimeError(
                f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) "
                f"at non-singleton dimension {len(long) + dim}"
            )
    return tuple(shape)


def broadcast_shapes(*shapes: int | Sequence[int]) -> Size:
    """The shape to which all of `shapes` broadcast; an int stands for a shape of one dimension.

    Raises RuntimeError where they do not fit, ValueError for negative sizes.

    >>> broadcast_shapes((2, 1), 3)
    torch.Size([2, 3])
    """
    tuples = [(shape,) if isinstance(shape, int) else shape for shape in shapes]
    ndim = max(map(len, tuples), default=0)
    common = [1] * ndim
    for argument, shape in enumerate(tuples):
        for dim in range(-1, -1 - len(shape), -1):
            size = shape[dim]
            if size < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if common[dim] == 1:
                common[dim] = size
            elif size not in (1, common[dim]):
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {size} at {dim}! "
                    f"Mismatching argument at index {argument} had {shape}; "
                    f"but expected shape should be broadcastable to {common}"
                )
    return Size(common)


# --- reshaping


def infer_shape(sizes: Sequence[int], numel: int) -> tuple[int, ...]:
    """The shape that `view(sizes)` or `reshape(sizes)` gives `numel` elements: a single -1 is worked out.

    Raises RuntimeError where the elements do not fit.
    """
    unknown = None
    known = 1
    for dim, size in enumerate(sizes):
        if size == -1:
            if unknown is not None:
                raise RuntimeError("only one dimension can be inferred")
            unknown = dim
        elif size < 0:
            raise RuntimeError(f"invalid shape dimension {size} at index {dim} of shape {list(sizes)}")
        else:
            known *= size
    if unknown is None:
        if known == numel:
            return tuple(sizes)
    elif known == 0 == numel:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)} "
            "because the unspecified dimension size -1 can be any value and is ambiguous"
        )
    elif known > 0 and numel % known == 0:
        return (*sizes[:unknown], numel // known, *sizes[unknown + 1 :])
    raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")


# --- dimension numbers


def normalize_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front. A tensor of no dimensions takes 0 and -1, as if it had one.

    Raises IndexError where there is no such dimension, TypeError for what is no whole number. Operations that add one (unsqueeze) pass `ndim + 1`.
    """
    if dim.__class__ is not int:
        dim = _whole(dim)
    bound = ndim or 1
    if -bound <= dim < bound:
        return dim + bound if dim < 0 else dim
    raise IndexError(
        f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {dim})"
    )


def _whole(dim: Any) -> int:
    whole(dim)
    return dim.__index__()


def sized_dim(dim: int, ndim: int) -> int:
    """As `normalize_dim`, for what needs the size of the dimension: a tensor of none is refused with IndexError."""
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(dim, ndim)


def normalize_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    """Each of `dims` counted from the front, in the order given. Raises RuntimeError if one appears twice."""
    if isinstance(dims, str) or not isinstance(dims, Iterable):
        raise misfit(dims, "int")
    normal = tuple([normalize_dim(dim, ndim) for dim in dims])
    for position, dim in enumerate(normal):
        if dim in normal[:position]:
            raise RuntimeError(f"dim {dim} appears multiple times in the list of dims")
    return normal


def reduction_dims(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """The dimensions a reduction runs over, ascending: all of them for None and for the empty tuple."""
    if dim is None:
        return tuple(range(ndim))
    dims = normalize_dims((dim,) if hasattr(dim, "__index__") else dim, ndim)
    if ndim == 0:
        return ()
    return tuple(sorted(dims)) or tuple(range(ndim))


def reduced_shape(shape: tuple[int, ...], dims: Sequence[int], keepdim: bool = False) -> tuple[int, ...]:
    """What a reduction over `dims`, counted from the front, leaves of `shape`: size 1 with `keepdim`."""
    if keepdim:
        return tuple([1 if dim in dims else size for dim, size in enumerate(shape)])
    return tuple([size for dim, size in enumerate(shape) if dim not in dims])


# --- a few at a time

PORTION = 1 << 18  # elements


def portions(count: int, each: int, at_once: bool = False, most: int = PORTION) -> list[slice]:
    """`count` things with so many elements each in slices of `most` elements, all about as long, or `at_once` in one:
    for what needs memory for every element. There is at least one slice."""
    step = max(1, count if at_once else most // max(each, 1))
    step = -(-count // max(1, -(-count // step))) or 1
    return [slice(first, min(first + step, count)) for first in range(0, max(count, 1), step)]
