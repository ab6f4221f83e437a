"""Elements named by index tensors: how `x[index]`, `x[index] = value`, and all that is built on them, read
and write memory.

An index tensor takes the place of a block of neighbouring dimensions, `(first, how many)`: of one where it
counts along that dimension, of several where it counts their elements in row-major order, as the positions of
a mask do. Index tensors broadcast; the dimensions of their common shape stand where the first block was, or
in front if other dimensions lie between the blocks.

`read` and `write` are all that touches memory. What one reads the other writes, so each is in the gradient of
the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, wraps
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import InPlaceOp, Op
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, TensorBase, wrap
from numbatorch.dtype import type_word
from numbatorch.layout import collapse
from numbatorch.ops.comparison import masked_fill, ne
from numbatorch.ops.copy import cast, clone, clone_contiguous, contiguous, copy_, fill_, host, move, zero_
from numbatorch.ops.view import reshape, view
from numbatorch.overlap import refuse_repeated, refuse_shared
from numbatorch.shape import broadcast_shapes, contiguous_strides
from numbatorch_kernels import index as kernels
from numbatorch_kernels.codes import MAXIMUM
from numbatorch_kernels.cuda import faults
from numbatorch_kernels.registry import Kernel

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

Block = tuple[int, int]
FAR = 1 << 62  # the size of memory, to an offset that has been checked


class Rule(NamedTuple):
    """What an operation makes of indices: whether negative ones count from the end, and the error for one
    that is out of range.

    error(value, which, dim, size): the value, the number of its index tensor, the dimension that it is for
    and that one's size
    name: of the operation, for the errors of a GPU, which come later
    """

    negative: bool
    error: Callable[[int, int, int, int], Exception]
    name: str = "indexing"


def _out_of_bounds(value: int, which: int, dim: int, size: int) -> Exception:
    if not size:
        return IndexError("index is out of bounds for dimension with size 0")
    return IndexError(f"index {value} is out of bounds for dimension {which} with size {size}")


INDEXING = Rule(True, _out_of_bounds)


# --- where things are


class Selection(NamedTuple):
    """What index tensors select: its shape, the dimensions of the input that are left, the common shape of
    the indices, where it stands."""

    shape: tuple[int, ...]
    rest: tuple[int, ...]
    common: tuple[int, ...]
    lead: int


@lru_cache(maxsize=4096)
def selection(
    shape: tuple[int, ...], blocks: tuple[Block, ...], indices: tuple[tuple[int, ...], ...]
) -> Selection:
    """What indices of these shapes, for these blocks, select of a tensor of `shape`."""
    common = indices[0]
    if len(indices) > 1:
        try:
            common = tuple(broadcast_shapes(*indices))
        except RuntimeError:
            shapes = ", ".join([str(list(s)) for s, (_, count) in zip(indices, blocks) for _ in range(count)])
            text = f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
            raise IndexError(text) from None
    taken = {d for first, count in blocks for d in range(first, first + count)}
    rest = tuple([d for d in range(len(shape)) if d not in taken])
    together = all([a + n == b for (a, n), (b, _) in itertools.pairwise(blocks)])
    lead = blocks[0][0] if together else 0
    sizes = [shape[d] for d in rest]
    return Selection((*sizes[:lead], *common, *sizes[lead:]), rest, common, lead)


Layout = tuple[tuple[int, ...], tuple[int, ...]]  # shape, and strides in bytes


class Route(NamedTuple):
    """How to get to a selection: its shape, the walk, and for several index tensors their common shape and
    the walks that add them up."""

    shape: tuple[int, ...]
    walk: kernels.Walk
    common: tuple[int, ...]
    sums: tuple[kernels.Walk, ...]


@lru_cache(maxsize=4096)
def _route(
    big: Layout,
    small: Layout | None,
    itemsize: int,
    blocks: tuple[Block, ...],
    indices: tuple[Layout, ...],
    negative: bool,
) -> Route:
    """The route from a tensor to a selection of it that is new (None), or that a tensor `small` broadcasts
    to.

    The dimensions of a block lie in memory as those of a contiguous tensor.
    """
    chosen = selection(big[0], blocks, tuple([shape for shape, _ in indices]))
    stride = in_elements(big, itemsize)
    spots = []
    for first, count in blocks:
        sizes = big[0][first : first + count]
        spots.append(
            (
                prod(sizes),
                next((s for s, n in zip(stride[first : first + count][::-1], sizes[::-1]) if n != 1), 0),
            )
        )
    lead, depth = chosen.lead, len(chosen.common)
    sums = []
    if len(indices) == 1:
        (size, step), own = spots[0], in_elements(indices[0], 8)
    else:
        size, step, own = FAR, 1, contiguous_strides(chosen.common)
        for (n, each), layout in zip(spots, indices):
            sums.append(
                walk(chosen.common, own, (0,) * depth, stretched(layout, 8, chosen.common), n, each, negative)
            )
    kept, others = [stride[d] for d in chosen.rest], [0] * len(chosen.rest)
    written = contiguous_strides(chosen.shape) if small is None else stretched(small, itemsize, chosen.shape)
    read = (*kept[:lead], *[0] * depth, *kept[lead:])
    named = (*others[:lead], *own, *others[lead:])
    return Route(
        chosen.shape,
        walk(chosen.shape, written, read, named, size, step, negative),
        chosen.common,
        tuple(sums),
    )


def walk(shape, small, big, index, size: int, step: int, negative: bool) -> kernels.Walk:
    """The walk through a tensor of `shape` with these three strides, in as few dimensions as possible."""
    outer, length, strides = collapse(shape, [small, big, index])
    return kernels.walk(outer, length, strides, size, step, negative)


def layout(tensor: Tensor) -> Layout:
    """The shape, and the strides in bytes."""
    array = tensor.array
    return array.shape, array.strides


def in_elements(layout: Layout, itemsize: int) -> tuple[int, ...]:
    """The strides in elements."""
    return tuple([s // itemsize for s in layout[1]])


def stretched(layout: Layout, itemsize: int, onto: tuple[int, ...]) -> tuple[int, ...]:
    """The strides in elements with which a tensor is read as one of the shape `onto`, to which it
    broadcasts."""
    strides = [0 if n == 1 else s // itemsize for n, s in zip(*layout)]
    return (0,) * (len(onto) - len(strides)) + tuple(strides)


# --- reading and writing


def read(
    input: Tensor, indices: Sequence[Tensor], blocks: tuple[Block, ...], rule: Rule = INDEXING
) -> Tensor:
    """The elements that int64 indices select, as a new tensor off the tape."""
    kind = input.kind
    if not kind.contiguous and any([count > 1 for _, count in blocks]):
        input = contiguous(input.detach())
    for index in indices:
        if index.kind.device is not kind.device:
            raise elsewhere("index", index, input)
    array = input.array
    route = _route(
        (array.shape, array.strides), None, array.itemsize, blocks, tuple(map(layout, indices)), rule.negative
    )
    out = base.empty(route.shape, kind)
    if route.walk.total:
        missed = report(rule.name, kind)
        places = _offsets(indices, route, kind, missed) if route.sums else indices[0].array
        if route.walk.size:
            kernels.take(kind.device.type, out.array, array, places, route.walk, missed)
        if not route.walk.size or reported(missed):
            raise _blame(rule, indices, blocks, array.shape)
    elif _astray(route, blocks, array.shape):
        raise _blame(rule, indices, blocks, array.shape)
    return out


def _astray(route: Route, blocks: tuple[Block, ...], shape: tuple[int, ...]) -> bool:
    """Whether there are indices for a dimension without elements: an error, although nothing would be read or written."""
    return 0 not in route.common and any([0 in shape[first : first + count] for first, count in blocks])


def in_full(write: Callable[..., None]) -> Callable[..., None]:
    """`write(kernel, target, value, ...)`, whose sums and products of half precision are computed in float32."""

    @wraps(write)
    def written(kernel: Kernel, target: Tensor, value: Tensor, *rest: Any) -> None:
        if kernel is kernels.put or not target.kind.dtype.is_half:
            write(kernel, target, value, *rest)
        else:
            total = cast(target.detach(), dt.float32)
            write(kernel, total, cast(value.detach(), dt.float32), *rest)
            copy_(target.detach(), total)

    return written


@in_full
def write(
    kernel: Kernel,
    target: Tensor,
    value: Tensor,
    indices: Sequence[Tensor],
    blocks: tuple[Block, ...],
    rule: Rule = INDEXING,
    *how: int,
) -> None:
    """Put `value`, which broadcasts to the selection, into `target`, or combine the two there. An IndexError
    comes before any change; a GPU skips what is out of range, and reports it later."""
    kind, array = target.kind, target.array
    for tensor in (value, *indices):
        if tensor.kind.device is not kind.device:
            raise elsewhere("values" if tensor is value else "index", tensor, target)
    refuse_repeated(target)
    value = apart(value, target)
    route = _route(
        (array.shape, array.strides),
        layout(value),
        array.itemsize,
        blocks,
        tuple(map(layout, indices)),
        rule.negative,
    )
    if route.walk.total:
        missed = report(rule.name, kind)
        if route.sums:
            index = _offsets(indices, route, kind, missed)
        else:
            index = indices[0].array
            check_range(indices[0], route.walk.size, rule.negative, missed)
        if not route.walk.size or reported(missed):
            raise _blame(rule, indices, blocks, array.shape)
        combine(kernel, target, value, index, route.walk, *how)
    elif _astray(route, blocks, array.shape):
        raise _blame(rule, indices, blocks, array.shape)


def elsewhere(name: str, tensor: Tensor, other: Tensor) -> Exception:
    """The error for an operand that is on another device."""
    return RuntimeError(
        f"Expected all tensors to be on the same device, but got {name} is on {tensor.device}, different from other "
        f"tensors on {other.device} (when checking argument in method wrapper_{other.device.type}__index)"
    )


def combine(kernel: Kernel, target: Tensor, value: Tensor, index, route: kernels.Walk, *how: int) -> None:
    """Run a kernel that writes into `target`. Of truth values a sum is "or"."""
    if kernel is kernels.add and target.kind.dtype is dt.bool:
        kernel, how = kernels.reduce, (MAXIMUM,)
    kernel(target.kind.device.type, target.array, value.array, index, route, *how)


def report(name: str, kind: Kind) -> Any:
    """Where a kernel notes an index out of range: a number of the host, or, because nobody shall
    wait for a GPU, the mark there of the op `name`."""
    return np.zeros(1, np.int64) if kind.cpu else faults.mark(name, kind.device.index or 0)


def reported(missed: Any) -> bool:
    """Whether an index is known to be out of range."""
    return isinstance(missed, np.ndarray) and bool(missed[0])


def check_range(index: Tensor, size: int, negative: bool, missed: Any) -> None:
    """Note in `missed` whether an index is out of range."""
    array = index.array
    if 0 in array.strides:  # look at repeated elements once
        array = array[tuple([slice(1) if s == 0 else slice(None) for s in array.strides])]
    if not array.flags.c_contiguous:
        array = clone_contiguous(wrap(array, index.kind.strided)).array
    kernels.check(index.kind.device.type, array, -size if negative else 0, size, missed)


def apart(value: Tensor, target: Tensor) -> Tensor:
    """`value`, or a copy of it if it shares memory with `target`."""
    return (
        value.detach().clone() if value._storage is not None and value._storage is target._storage else value
    )


def _offsets(indices: Sequence[Tensor], route: Route, kind: Kind, missed: Any):
    """One index that says of each element where it is in memory."""
    total = zeros(route.common, Kind.of(dt.int64, kind.device)).array
    for index, part in zip(indices, route.sums):
        kernels.offsets(kind.device.type, total, index.array, part, missed)
    return total


def _blame(
    rule: Rule, indices: Sequence[Tensor], blocks: tuple[Block, ...], shape: tuple[int, ...]
) -> Exception:
    """The error for the first index that is out of range."""
    for which, (index, (first, count)) in enumerate(zip(indices, blocks)):
        size = int(np.prod(shape[first : first + count], dtype=np.int64))
        value = first_outside(index, size, rule.negative)
        if value is not None:
            return rule.error(value, which, first, size)
    raise AssertionError("a kernel found an index out of range that is not there")


def first_outside(index: Tensor, size: int, negative: bool) -> int | None:
    """The first index that is out of range."""
    values = host(index).reshape(-1)
    wrong = values[(values < (-size if negative else 0)) | (values >= size)]
    return int(wrong[0]) if wrong.size else None


# --- the rows: one for each number of index tensors


def zeros(shape: tuple[int, ...], kind: Kind) -> Tensor:
    """Zeros of this dtype and on this device."""
    result = base.empty(shape, kind)
    if kind.cpu:
        base.fill(result.array, 0)
        return result
    return zero_(result)


def selecting(name: str, rule: Rule = INDEXING, count: int = 1) -> Op:
    """A row that selects elements by `count` int64 indices: of (input, *indices, (blocks, shape of
    input))."""

    def forward(input, *rest):
        return read(input, rest[:-1], rest[-1][0], rule)

    return Op(name, forward, selecting_vjp, saves=range(1, count + 1), tensors=-1)


def selecting_vjp(node, grad):
    """Each element's gradient is added where the element came from."""
    indices = node.unpack()
    blocks, shape = node.params[0][:2]
    return (
        _index_put(len(indices))(zeros(shape, grad.kind), grad, *indices, (blocks, True)),
        *[None] * len(indices),
    )


@cache
def _index(count: int) -> Op:
    return selecting("Index", count=count)


def _placing_vjp(node, grad):
    indices = node.unpack()
    blocks, accumulate = node.params[0]
    for_target = for_value = None
    if node.needs[0]:
        for_target = (
            grad
            if accumulate
            else _index_put(len(indices))(
                clone_contiguous(grad), number_like(0, grad), *indices, (blocks, False)
            )
        )
    if node.needs[1]:
        for_value = _index(len(indices))(grad, *indices, (blocks, grad.array.shape))
    return (for_target, for_value, *[None] * len(indices))


def placing(name: str, rule: Rule = INDEXING, count: int = 1) -> InPlaceOp:
    """A row that writes, or adds, to the elements that `count` int64 indices select: of (x, value, *indices,
    (blocks, accumulate)).

    A value that is on the tape has the shape of the selection.
    """

    def forward(target, value, *rest):
        blocks, accumulate = rest[-1]
        refuse_shared(target, value, *rest[:-1])
        write(kernels.add if accumulate else kernels.put, target, value, rest[:-1], blocks, rule)

    return InPlaceOp(name, forward, _placing_vjp, saves=range(2, count + 2), tensors=-1)


@cache
def _index_put(count: int) -> InPlaceOp:
    return placing("IndexPut", count=count)


def number_like(value: Number, like: Tensor) -> Tensor:
    """A 0-d tensor of the dtype and on the device of `like`. Raises RuntimeError if the dtype has no such
    number."""
    kind = like.kind
    if kind.cpu and kind.element not in ("f2", "bf"):
        return wrap(np.array(dt.fitting(value, kind.dtype), kind.numpy), kind.flat)
    return fill_(base.empty((), kind), value)


# --- indices as users give them


def as_index(
    index: Tensor, device, names: str = "tensors used as indices must be long, int, byte or bool tensors"
) -> Tensor:
    """An integer index as int64 on `device`. Raises IndexError for other dtypes."""
    dtype = index.kind.dtype
    if dtype is not dt.int64:
        if dtype is not dt.int32:
            raise IndexError(names)
        index = cast(index, dt.int64)
    if index.kind.device is not device:
        if index.kind.cpu:
            return move(index, device)
        raise RuntimeError(
            f"indices should be either on {device} or on the same device as the indexed tensor ({device})"
        )
    return index


Places = Sequence[tuple[int, "Tensor"]]


def _resolved(input: Tensor, places: Places, writing: bool = False) -> tuple[tuple[Block, ...], list[Tensor]]:
    """Blocks of dimensions and int64 indices for (first dimension, index tensor or mask)."""
    blocks, indices = [], []
    for first, index in places:
        if index.kind.dtype is dt.bool or index.kind.dtype is dt.uint8:
            count = index.array.ndim
            _check_mask(input, first, index)
            index = true_positions(move(index, input.kind.device))
            if count > 1 and writing and not input.kind.contiguous:
                sizes = input.array.shape[first : first + count]
                columns = unravelled(index, sizes)
                blocks += [(first + d, 1) for d in range(count)]
                indices += [columns[:, d] for d in range(count)]
                continue
            blocks.append((first, max(count, 1)))
        else:
            index = as_index(index, input.kind.device)
            blocks.append((first, 1))
        indices.append(index)
    return tuple(blocks), indices


def _check_mask(input: Tensor, first: int, mask: Tensor) -> None:
    for d, n in enumerate(mask.array.shape):
        if n != input.array.shape[first + d]:
            raise IndexError(
                f"The shape of the mask {list(mask.array.shape)} at index {d} does not match the shape of the indexed tensor "
                f"{list(input.array.shape)} at index {first + d}"
            )


class Marked(NamedTuple):
    """Where a tensor has elements that are not zero: its row-major elements as words, and the bits, of 64, of which such
    an element has one; how many lie before each block and, behind the last, before the end; and this last number."""

    words: Any
    bits: int
    starts: Any
    total: int


def marked(input: Tensor) -> Marked:
    """Where the elements are that are not zero."""
    dtype, device = input.kind.dtype, input.kind.device
    if dtype is dt.complex128:  # there are no words of 16 bytes
        input = ne(input.detach(), 0)
    array = contiguous(input.detach()).array
    words, bits = array.view(f"u{array.itemsize}"), -1
    if dtype.is_floating_point:
        bits = np.iinfo(f"i{words.itemsize}").max  # all but the sign
    elif dtype is dt.complex64:
        bits = ~(1 << 31) & np.iinfo(np.int64).max
    starts = base.empty((-(-words.size // kernels.BLOCK[device.type]) + 1,), Kind.of(dt.int64, device))
    kernels.starts(device.type, starts.array, words, bits)
    return Marked(words, bits, starts.array, int(host(starts[-1])))


def true_positions(input: Tensor) -> Tensor:
    """The row-major numbers of the elements that are not zero."""
    kind = Kind.of(dt.int64, input.kind.device)
    if kind.cpu and input.array.size <= kernels.BLOCK["cpu"] and input.kind.dtype is dt.bool:
        return wrap(np.flatnonzero(input.array), kind)  # less to do than to call kernels
    words, bits, starts, total = marked(input)
    found = base.empty((total,), kind)
    kernels.positions(kind.device.type, found.array, words, bits, starts)
    return found


def true_coordinates(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, a row for each."""
    kind, shape = Kind.of(dt.int64, input.kind.device), input.array.shape
    words, bits, starts, total = marked(input)
    found = base.empty((total, len(shape)), kind)
    if found.array.size:
        kernels.coordinates(kind.device.type, found.array, words, bits, starts, shape)
    return found


def unravelled(flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A row for each row-major number: its indices in a tensor of `shape`."""
    result = base.empty((flat.array.size, len(shape)), flat.kind)
    if result.array.size:
        kernels.unravel(flat.kind.device.type, result.array, flat.array, shape)
    return result


# --- x[index] and x[index] = value: see index.py for what may stand between the brackets


_ROWS: tuple[Block, ...] = ((0, 1),)


def select_rows(input: Tensor, index: Tensor) -> Tensor:
    """What one int64 index of the first dimension selects."""
    if index.kind.device is not input.kind.device:
        return select(input, ((0, index),))
    return _index(1)(input, index, (_ROWS, input.array.shape))


def select(input: Tensor, places: Places) -> Tensor:
    """The elements that index tensors and masks select, as a new tensor."""
    blocks, indices = _resolved(input, places)
    return _index(len(indices))(input, *indices, (blocks, input.array.shape))


def assign(input: Tensor, places: Places, value: Tensor | Number, accumulate: bool = False) -> Tensor:
    """Overwrite the selected elements by `value`, which broadcasts; or add it to them, as often as each is selected."""
    if not isinstance(value, TensorBase):
        value = number_like(value, input)
    if _is_one_mask(places) and value.array.size == 1 and not accumulate:
        ((first, mask),) = places
        if value.kind.cpu:
            dt.fitting(value.item(), input.kind.dtype)
        if not (state.enabled and (input._requires_grad or value._requires_grad)):
            _check_mask(input, first, mask)
            mask = move(cast(mask, dt.bool), input.kind.device)
            if trailing := input.array.ndim - first - mask.array.ndim:
                mask = view(mask, (*mask.array.shape, *[1] * trailing))
            value = cast(reshape(value, ()) if value.array.ndim else value, input.kind.dtype)
            return masked_fill(input, mask, value.item() if value.kind.cpu else value, out=input)
        value = clone(cast(value, input.kind.dtype))  # which may be one of the elements
    blocks, indices = _resolved(input, places, writing=True)
    sizes = input.array.shape
    for (first, many), index in zip(blocks, indices, strict=True):
        if index.array.size and 0 in sizes[first : first + many]:
            raise _out_of_bounds(0, 0, first, 0)
    if value.kind.dtype is not input.kind.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {type_word(input.kind.dtype)} for the destination and "
            f"{type_word(value.kind.dtype)} for the source."
        )
    if value.kind.device is not input.kind.device and value.array.ndim == 0:
        value = move(value, input.kind.device)
    shape = selection(sizes, blocks, tuple([i.array.shape for i in indices])).shape
    return _index_put(len(indices))(input, broadcast_value(value, shape), *indices, (blocks, accumulate))


def _is_one_mask(places: Places) -> bool:
    return len(places) == 1 and places[0][1].kind.dtype in (dt.bool, dt.uint8) and places[0][1].array.ndim > 0


def broadcast_value(value: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`value`, of `shape` if it is on the tape. Raises RuntimeError where it does not broadcast to `shape`."""
    own = value.array.shape
    if own == shape:
        return value
    if len(own) > len(shape) or any([a not in (1, b) for a, b in zip(own[::-1], shape[::-1])]):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.array.shape)} cannot be broadcast to indexing result of shape {list(shape)}"
        )
    return value.expand(shape) if value._requires_grad else value
