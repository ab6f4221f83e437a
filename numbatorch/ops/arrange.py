"""Elements in another arrangement: reversed, rotated, repeated, cut to a triangle, put on a diagonal, seen
through a window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import InPlaceOp, Op, ViewOp
from numbatorch.arguments import listed, tensor_array, whole
from numbatorch.base import Kind, kind_of, wrap
from numbatorch.dtype import DType
from numbatorch.layout import inverse, kept_order, steps
from numbatorch.ops.copy import (
    contiguous,
    copy_,
    fill_,
    into,
    move,
    resolve,
)
from numbatorch.ops.elements import FAR, Layout, in_elements, report, walk, zeros
from numbatorch.ops.rows import index_add_
from numbatorch.ops.view import (
    as_strided,
    diagonal,
    flatten,
    movedim,
    reshape,
    sizes,
    transpose,
    view,
)
from numbatorch.rules import not_implemented
from numbatorch.shape import contiguous_strides, normalize_dim, normalize_dims, portions, sized_dim
from numbatorch.storage import offset_in_memory
from numbatorch_kernels import index as kernels
from numbatorch_kernels import triangle
from numbatorch_kernels.memory import strided

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _indices(numbers: np.ndarray, device) -> Tensor:
    return move(wrap(np.ascontiguousarray(numbers, np.int64), Kind.of(dt.int64)), device)


def _sizes(args: tuple, named: Sequence[int] | None, function: str, name: str) -> tuple[int, ...]:
    """The ints that a function was given one by one, as a sequence, or by name."""
    if not args and named is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{name}"')
    return sizes(args if named is None else (named,))


# --- order along a dimension


@lru_cache(maxsize=4096)
def _backwards(layout: Layout, itemsize: int, dims: tuple[int, ...]) -> tuple[kernels.Walk, int]:
    """The walk that starts at the last element along `dims`, and where that is."""
    shape, stride = layout[0], in_elements(layout, itemsize)
    back = tuple([-s if d in dims else s for d, s in enumerate(stride)])
    route = walk(shape, contiguous_strides(shape), back, (0,) * len(shape), FAR, 1, False)
    return route, sum([(shape[d] - 1) * stride[d] for d in dims])


def _flip_forward(input, dims):
    """One walk backwards, in the order of the dimensions in memory: a single index says where it starts."""
    kind, order = input.kind, kept_order(input.array)
    array = input.array.transpose(order)
    result = base.empty(array.shape, kind)
    if array.size:
        back = tuple([place for place, d in enumerate(order) if d in dims])
        route, start = _backwards((array.shape, array.strides), array.itemsize, back)
        index = _indices(np.array([start]), kind.device).array
        kernels.take(kind.device.type, result.array, array, index, route, report("flip", kind))
    flipped = result.array.transpose(inverse(order))
    return wrap(flipped, kind_of(flipped, kind))


_flip: Op = Op("Flip", _flip_forward, lambda node, grad: (_flip(grad, node.params[0]),))


def flip(input: Tensor, *args, dims: Sequence[int] | None = None) -> Tensor:
    """A copy with the order along dimensions reversed: flip(0, 1), flip((0, 1)) or flip(dims=(0, 1)).

    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), dims=(1,))
    tensor([[2, 1],
            [4, 3]])
    """
    chosen = _sizes(args, dims, "flip", "dims")
    order = normalize_dims(chosen, tensor_array(input).ndim)
    return _flip(input, order if input.array.ndim else ())


def fliplr(input: Tensor) -> Tensor:
    """A copy with the columns in reverse order."""
    if tensor_array(input).ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """A copy with the rows in reverse order."""
    if not tensor_array(input).ndim:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned by `k` times 90 degrees in the plane of two dimensions, from the first towards the
    second."""
    whole(k)
    dims = listed(dims)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if tensor_array(input).ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.array.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.array.ndim:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    a, b = (normalize_dim(d, input.array.ndim) for d in dims)
    if k % 4 == 1:
        return transpose(flip(input, b), a, b)
    if k % 4 == 2:
        return flip(input, a, b)
    return transpose(flip(input, a), a, b) if k % 4 == 3 else input.clone()


def _roll_forward(input, shifts, dims):
    """One dimension after the other: its pieces of memory are rotated."""
    result, shape = contiguous(wrap(input.array, input.kind)), input.array.shape
    for shift, d in zip(shifts, dims, strict=True) if result.array.size else ():
        source, piece = result, prod(shape[d + 1 :])
        result = base.empty(shape, input.kind)
        kernels.rotate(
            input.kind.device.type, result.array, source.array, shape[d] * piece, shift % shape[d] * piece
        )
    return result


_roll: Op = Op(
    "Roll",
    _roll_forward,
    lambda node, grad: (_roll(grad, tuple([-s for s in node.params[0]]), node.params[1]),),
)


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = ()) -> Tensor:
    """A copy whose elements moved on by `shifts` along `dims`; those that leave at the end come in again at
    the start. Without `dims` the tensor is rolled as if it were flat.

    >>> torch.roll(torch.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    shifts, dims = listed(shifts, alone=True), () if dims is None else listed(dims, alone=True)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return reshape(_roll(reshape(input, -1), shifts, (0,)), input.array.shape)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    ndim = tensor_array(input).ndim
    if input.array.size:
        dims = tuple([sized_dim(d, ndim) for d in dims])
    return _roll(input, shifts, dims)


# --- repetition


def _repeat_forward(input, repeats, shape):
    """Once to its first place; then, the last dimension first, ever longer pieces are copied beside themselves."""
    full = (1,) * (len(repeats) - len(shape)) + shape
    result = base.empty(tuple([r * n for r, n in zip(repeats, full)]), input.kind.flat)
    if not result.array.size:
        return result
    pairs = result.array.reshape([size for pair in zip(repeats, full) for size in pair])

    def part(index: tuple) -> Tensor:
        array = pairs[(*index, ...)]  # a view, of no dimensions too
        return wrap(array, kind_of(array, result.kind))

    first = (0, slice(None))
    copy_(part(first * len(full)), wrap(input.array, input.kind))
    for d in range(len(full) - 1, -1, -1):
        if repeats[d] > 1:
            copy_(part((*first * d, slice(1, None))), part((*first * d, slice(0, 1))))
    return result


def _repeat_vjp(node, grad):
    repeats, shape = node.params[0], node.params[1]
    full = (1,) * (len(repeats) - len(shape)) + shape
    pairs = [size for pair in zip(repeats, full) for size in pair]
    total = reshape(grad, pairs).sum(tuple(range(0, len(pairs), 2))) if repeats else grad
    return (reshape(total, shape),)


_repeat = Op("Repeat", _repeat_forward, _repeat_vjp)


def repeat(input: Tensor, *args, repeats: Sequence[int] | None = None) -> Tensor:
    """A copy that holds the tensor so many times along each dimension; more numbers than dimensions add some
    in front.

    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times, shape = _sizes(args, repeats, "repeat", "repeats"), tensor_array(input).shape
    if len(times) < len(shape):
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    if any([r < 0 for r in times]):
        new = [r * n for r, n in zip(times, (1,) * (len(times) - len(shape)) + shape)]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(new)}: {new}")
    return _repeat(input, times, shape)


def tile(input: Tensor, *args, dims: Sequence[int] | None = None) -> Tensor:
    """As `repeat`, where fewer numbers than dimensions are for the last ones."""
    times = _sizes(args, dims, "tile", "dims")
    return repeat(input, (1,) * (tensor_array(input).ndim - len(times)) + times)


# --- triangles and diagonals


def _triangle_forward(input, diagonal, upper):
    source = contiguous(wrap(input.array, input.kind))
    return _triangle_of(base.empty(source.array.shape, source.kind), source, diagonal, upper)


def _triangle_over(self, diagonal, upper):
    if self.kind.contiguous:
        _triangle_of(self, self, diagonal, upper)
    else:
        copy_(wrap(self.array, self.kind), _triangle_forward(self, diagonal, upper))


def _triangle_of(result, source, diagonal, upper):
    if result.array.size:
        rows, columns = source.array.shape[-2:]
        triangle.triangle(source.kind.device.type, result.array, source.array, rows, columns, diagonal, upper)
    return result


_tril: Op = Op("Tril", _triangle_forward, lambda node, grad: (_tril(grad, *node.params),))
_triu: Op = Op("Triu", _triangle_forward, lambda node, grad: (_triu(grad, *node.params),))
_tril_ = InPlaceOp("Tril", _triangle_over, _tril.vjp)
_triu_ = InPlaceOp("Triu", _triangle_over, _triu.vjp)


def _check_matrices(input: Tensor, diagonal: int, function: str) -> None:
    if tensor_array(input).ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions")
    whole(diagonal)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A copy of matrices with zeros above a diagonal: the main one, or so many above it.

    >>> torch.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])
    """
    _check_matrices(input, diagonal, "tril")
    result = _tril(input, diagonal, 0)
    return result if out is None else into(out, result, "tril")


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A copy of matrices with zeros below a diagonal: the main one, or so many above it."""
    _check_matrices(input, diagonal, "triu")
    result = _triu(input, diagonal, 1)
    return result if out is None else into(out, result, "triu")


def tril_(self: Tensor, diagonal: int = 0) -> Tensor:
    """`tril` in place."""
    _check_matrices(self, diagonal, "tril")
    return _tril_(self, diagonal, 0)


def triu_(self: Tensor, diagonal: int = 0) -> Tensor:
    """`triu` in place."""
    _check_matrices(self, diagonal, "triu")
    return _triu_(self, diagonal, 1)


def _triangle_indices(name: str, row: int, col: int, offset: int, dtype: DType | None, device: Any) -> Tensor:
    for which, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{which} must be non-negative, got{n}")
    dtype = dtype or dt.int64
    if dtype not in (dt.int32, dt.int64):
        raise not_implemented(name, dtype)
    upper = int(name == "triu_indices")
    count = triangle.before(row, col, offset, upper)
    result = base.empty((2, count), Kind.of(dtype, resolve(device)))
    if count:
        triangle.triangle_places(result.kind.device.type, result.array, row, col, offset, upper)
    return result


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The indices of the elements on and below a diagonal of a (row, col) matrix: a row of row numbers, a row
    of column numbers."""
    return _triangle_indices("tril_indices", row, col, offset, dtype, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The indices of the elements on and above a diagonal of a (row, col) matrix: a row of row numbers, a row
    of column numbers."""
    return _triangle_indices("triu_indices", row, col, offset, dtype, device)


def _diag_embed_forward(input, offset, a, b):
    shape = list(input.array.shape[:-1])
    n = input.array.shape[-1] + abs(offset)
    for d in sorted((a, b)):
        shape.insert(d, n)
    result = zeros(tuple(shape), input.kind)
    copy_(diagonal(result, offset, a, b), wrap(input.array, input.kind))
    return wrap(result.array, result.kind)


_diag_embed = Op("DiagEmbed", _diag_embed_forward, lambda node, grad: (diagonal(grad, *node.params),))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros with the last dimension of `input` on a diagonal of the matrices in dimensions `dim1` and `dim2`.

    >>> torch.diag_embed(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    whole(offset)
    ndim = tensor_array(input).ndim + 1
    a, b = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diag_embed(input, offset, a, b)


def _diagonal_vjp(node, grad):
    result = zeros(node.params[1], grad.kind)
    copy_(diagonal(result, node.params[0]), grad)
    return (result,)


def _diagonal_forward(input, offset, shape):
    return diagonal(wrap(input.array, input.kind), offset).clone()


_diagonal_copy = Op("Diagonal", _diagonal_forward, _diagonal_vjp)


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Of a vector the matrix that has it on a diagonal, of a matrix a copy of its diagonal."""
    if tensor_array(input).ndim == 1:
        result = diag_embed(input, diagonal)
    elif input.array.ndim == 2:
        result = _diagonal_copy(input, diagonal, input.array.shape)
    else:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.array.ndim}D")
    return result if out is None else into(out, result, "diag")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix that has all elements of `input` on a diagonal."""
    return diag_embed(reshape(input, -1), offset)


def fill_diagonal_(self: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Set the elements whose indices are all equal. Of a matrix with more rows than columns the diagonal starts
    again, with `wrap`, one row after it ended.

    >>> torch.zeros(2, 3).fill_diagonal_(1)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    shape = self.array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    strides, start = steps(self.array), offset_in_memory(self)
    step, n = sum(strides), min(shape[:2])
    if n:
        fill_(as_strided(self, (n,), (step,), start), fill_value)
    if wrap and len(shape) == 2 and shape[0] > shape[1] + 1:
        round = shape[1] + 1
        again = -(-self.array.size // round) - n
        fill_(as_strided(self, (again,), (step,), start + strides[0] * round), fill_value)
    return self


# --- windows


def _unfold_forward(input, dim, size, step, shape):
    array = input.array
    count = (array.shape[dim] - size) // step + 1
    stride = array.strides[dim]
    return strided(
        array,
        (*array.shape[:dim], count, *array.shape[dim + 1 :], size),
        (*array.strides[:dim], stride * step, *array.strides[dim + 1 :], stride),
    )


def _overlapping_forward(windows, dim, size, step, shape):
    """Some windows at a time, so that few places are in memory."""
    result = zeros(shape, windows.kind)
    parts, before = movedim(wrap(windows.array, windows.kind), -1, dim + 1), (slice(None),) * dim
    count = parts.array.shape[dim]
    for some in portions(count, windows.array.size // max(count, 1)):
        places = _indices(np.arange(count)[some, None] * step + np.arange(size), windows.kind.device)
        index_add_(result, dim, reshape(places, -1), flatten(parts[(*before, some)], dim, dim + 1))
    return wrap(result.array, result.kind)


_unfold = ViewOp("Unfold", _unfold_forward, lambda node, grad: (overlapping(grad, *node.params),))
_overlapping = Op("UnfoldBackward", _overlapping_forward, lambda node, grad: (_unfold(grad, *node.params),))


def overlapping(windows: Tensor, dim: int, size: int, step: int, shape: tuple[int, ...]) -> Tensor:
    """The adjoint of `unfold` of a tensor of this shape: the windows, added up where they were."""
    return _overlapping(windows, dim, size, step, shape)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of `size` elements along `dimension`, `step` apart; a last dimension runs through
    the window.

    >>> torch.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    d = normalize_dim(dimension, tensor_array(input).ndim)
    source = input if input.array.ndim else view(input, 1)
    n = source.array.shape[d]
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not input.array.ndim:
        return view(source, size)
    return _unfold(input, d, size, step, input.array.shape)
