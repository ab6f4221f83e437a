"""Views: other shapes and parts of the same memory. Nothing is copied, and a change shows in every view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import ViewOp
from numbatorch.arguments import OMITTED, listed, misfit, mistaken, tensor_array, tensor_kind, whole
from numbatorch.base import Kind, TensorBase, alias, kind_of
from numbatorch.dtype import DType, type_word
from numbatorch.layout import inverse, steps
from numbatorch.shape import infer_shape, normalize_dim, normalize_dims
from numbatorch.storage import offset_in_memory, span
from numbatorch_kernels.memory import strided

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def sizes(args: Sequence) -> tuple[int, ...]:
    """The sizes in `f(2, 3)`, `f((2, 3))` or `f(torch.Size([2, 3]))`."""
    if len(args) == 1 and isinstance(args[0], tuple | list):
        args = args[0]
    try:
        return tuple([a if a.__class__ is int else a.__index__() for a in args])
    except AttributeError:
        raise misfit(next(a for a in args if not hasattr(a, "__index__")), "int") from None


# --- reshaping


def _view_forward(input, shape, old):
    try:
        if input.kind.contiguous:  # never a copy, and to say so would take NumPy longer than the view
            return input.array.reshape(shape)
        return input.array.reshape(shape, copy=False)
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous "
            "subspaces). Use .reshape(...) instead."
        ) from None


def _reshape_vjp(node, grad):
    return (grad.reshape(node.params[-1]),)


_view = ViewOp("View", _view_forward, _reshape_vjp)


def view(input: Tensor, *args, size: Sequence[int] | None = None, dtype: DType | None = None) -> Tensor:
    """The same elements in another shape; one size may be -1. Raises RuntimeError where that takes a copy
    (see `reshape`). view(dtype): the same bytes as numbers of another type, without gradient; the last dimension
    grows or shrinks with the size of an element.

    >>> torch.arange(4).view(2, -1)
    tensor([[0, 1],
            [2, 3]])
    >>> torch.tensor([1.0, -1.0]).view(torch.int32)
    tensor([ 1065353216, -1082130432], dtype=torch.int32)
    """
    if dtype is None:
        if size is not None:
            args = (size,)
        if not args or args[0].__class__ is not DType:
            return _reshaped(input, args)
        (dtype,) = args
    return _reread(input, dtype)


def _reshaped(input: Tensor, shape: Sequence) -> Tensor:
    """A view in this shape, as `view` and `reshape` take it."""
    new = sizes(shape) if not shape or shape[0].__class__ is not int else shape
    array = tensor_array(input)
    if input.kind.contiguous:
        try:
            result = _view(input, new, array.shape)
        except RuntimeError:
            infer_shape(new, array.size)  # raises
        except TypeError:
            new = sizes(shape)  # raises, but for True, which is 1
        else:
            if result.array.shape != new:
                infer_shape(new, array.size)  # raises for sizes below -1, which NumPy takes for -1
            return result
    return _view(input, infer_shape(new, array.size), array.shape)


def _reread(input: Tensor, dtype: DType) -> Tensor:
    """The memory of `input` as elements of another type."""
    array, own = input.array, input.kind.dtype
    if own.itemsize != dtype.itemsize:
        what = f"to view {type_word(own)} as {type_word(dtype)} (different element sizes)"
        if not array.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {what}")
        stride = input.stride()
        if stride[-1] != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {stride[-1]}")
        ratio = dtype.itemsize // own.itemsize
        if ratio > 1:
            start = offset_in_memory(input)
            numbers = [("size(-1)", array.shape[-1]), ("storage_offset()", start)]
            numbers += [(f"stride({d})", s) for d, s in enumerate(stride[:-1])]
            for name, number in numbers:
                if number % ratio:
                    raise RuntimeError(f"self.{name} must be divisible by {ratio} {what}, but got {number}")
    seen = array.view(dtype.numpy)
    kind = Kind.of(dtype, input.kind.device)
    result = alias(input)
    result.array, result.kind = seen, kind_of(seen, kind)
    return result


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the shape of `other`."""
    return view(input, tensor_array(other).shape)


def reshape(input: Tensor, *args, shape: Sequence[int] | None = None) -> Tensor:
    """The same elements in another shape; one size may be -1. A view where that is possible, else a copy."""
    if shape is not None:
        args = (shape,)
    if not args:
        raise TypeError('reshape() missing 1 required positional arguments: "shape"')
    try:
        contiguous = input.kind.contiguous
    except AttributeError as error:
        raise mistaken(error) from None
    if contiguous:
        return _reshaped(input, args)
    array = input.array
    new = infer_shape(sizes(args), array.size)
    try:
        return _view(input, new, array.shape)
    except RuntimeError:
        return _view(input.clone_contiguous(), new, array.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` reshaped to the shape of `other`."""
    return reshape(input, tensor_array(other).shape)


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension, one after the other in memory."""
    tensor_array(input)
    return reshape(input.contiguous(), -1)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one."""
    shape = tensor_array(input).shape
    if not shape:
        return reshape(input, 1)
    start, end = normalize_dim(start_dim, len(shape)), normalize_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    n = 1
    for size in shape[start : end + 1]:
        n *= size
    return reshape(input, (*shape[:start], n, *shape[end + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension `dim` split into dimensions of these sizes, one of which may be -1."""
    shape = tensor_array(input).shape
    d = normalize_dim(dim, len(shape))
    if not shape:
        raise RuntimeError(
            f"unflatten got an unexpected error:\nDimension specified as {dim} but tensor has no dimensions"
        )
    sizes = listed(sizes)
    known = 1
    for n in sizes:
        known *= n if n != -1 else 1
    if (known != shape[d] and -1 not in sizes) or (-1 in sizes and (known == 0 or shape[d] % known)):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({shape[d]}) "
            f"in the input tensor"
        )
    return view(input, shape[:d] + infer_shape(sizes, shape[d]) + shape[d + 1 :])


# --- order of dimensions

_permute = ViewOp(
    "Permute",
    lambda input, order: input.array.transpose(order),
    lambda node, grad: (permute(grad, inverse(node.params[0])),),
)
_transpose: ViewOp = ViewOp(
    "Transpose",
    lambda input, a, b: input.array.swapaxes(a, b),
    lambda node, grad: (_transpose(grad, *node.params),),
)
_t: ViewOp = ViewOp("T", lambda input: input.array.transpose(), lambda node, grad: (_t(grad),))


def permute(input: Tensor, *args, dims: Sequence[int] | None = None) -> Tensor:
    """The dimensions in another order: result.shape[k] = input.shape[dims[k]]."""
    if dims is not None:
        args = (dims,)
    if not args:
        raise TypeError('permute() missing 1 required positional arguments: "dims"')
    order = sizes(args)
    ndim = tensor_array(input).ndim
    if len(order) != ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of "
            f"dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([normalize_dim(d, ndim) for d in order])
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _permute(input, order)


def reverse(input: Tensor) -> Tensor:
    """All dimensions in reverse order."""
    return _permute(input, tuple(range(input.array.ndim - 1, -1, -1)))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`input` with two dimensions swapped."""
    try:
        ndim = input.array.ndim
    except AttributeError as error:
        raise mistaken(error) from None
    first, second = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    return _transpose(input, first, second) if ndim else alias_view(input)


swapdims = transpose


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name."""
    return transpose(input, axis0, axis1)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; fewer dimensions stay as they are."""
    if tensor_array(input).ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return _t(input)


def movedim(input: Tensor, source, destination) -> Tensor:
    """`input` with the dimensions `source` moved to the places `destination`, the others in their order."""
    ndim = tensor_array(input).ndim
    source, destination = listed(source, alone=True), listed(destination, alone=True)
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the "
            f"same number of dims as "
            f"destination ({list(destination)} dims)"
        )
    old, new = ([normalize_dim(d, ndim) for d in dims] for dims in (source, destination))
    for name, dims, given in (("source", old, source), ("destination", new, destination)):
        if len({*dims}) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    if not ndim:
        return _permute(input, ())
    order = [-1] * ndim
    for s, d in zip(old, new, strict=True):
        order[d] = s
    rest = iter([d for d in range(ndim) if d not in old])
    return _permute(input, tuple([next(rest) if d < 0 else d for d in order]))


moveaxis = movedim


# --- dimensions of size one

_unsqueeze = ViewOp("Unsqueeze", _view_forward, _reshape_vjp)
_squeeze, _squeeze_dim, _squeeze_dims = (
    ViewOp("Squeeze", _view_forward, _reshape_vjp, overload=k) for k in range(3)
)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """`input` with a dimension of size one put in at `dim`."""
    try:
        shape = input.array.shape
    except AttributeError as error:
        raise mistaken(error) from None
    d = normalize_dim(dim, len(shape) + 1)
    return _unsqueeze(input, (*shape[:d], 1, *shape[d:]), shape)


def squeeze(input: Tensor, dim: int | Sequence[int] = OMITTED) -> Tensor:
    """`input` without its dimensions of size one, or without those of `dim` that are."""
    shape = tensor_array(input).shape
    row = _squeeze_dim if isinstance(dim, int) else _squeeze if dim is OMITTED else _squeeze_dims
    if dim is OMITTED:
        dims: Sequence[int] = range(len(shape))
    elif not shape:
        dims = ()
    else:
        dims = normalize_dims(listed(dim, alone=True), len(shape))
    return row(input, tuple([n for d, n in enumerate(shape) if n != 1 or d not in dims]), shape)


# --- repetition without a copy


def _expand_forward(input, shape, old):
    array = input.array
    missing = len(shape) - array.ndim
    steps = [0] * missing + [
        0 if a == 1 and b != 1 else s
        for a, b, s in zip(array.shape, shape[missing:], array.strides, strict=True)
    ]
    try:
        return strided(array, shape, tuple(steps))
    except ValueError:  # of a negative size
        raise RuntimeError("numel: integer multiplication overflow") from None


_expand = ViewOp("Expand", _expand_forward, lambda node, grad: (grad.sum_to_size(node.params[1]),))


def expand(input: Tensor, *args, size: Sequence[int] | None = None, implicit: bool = False) -> Tensor:
    """`input` read as a larger tensor: dimensions of size one, and new ones in front, repeat. -1 keeps a
    size."""
    try:
        wanted, old = sizes(args if size is None else (size,)), input.array.shape
    except AttributeError as error:
        raise mistaken(error) from None
    missing = len(wanted) - len(old)
    if -1 not in wanted and missing >= 0 and all([o in (1, n) for o, n in zip(old, wanted[missing:])]):
        return _expand(input, wanted, old)
    new = list(wanted)
    if missing < 0:
        raise RuntimeError(
            f"expand({native_type_text(input)}{{{list(old)}}}, size={new}): the number of sizes provided "
            f"({len(new)}) must be greater or equal "
            f"to the number of dimensions in the tensor ({len(old)})"
        )
    for d in reversed(range(len(new))):
        n = new[d]
        own = old[d - missing] if d >= missing else 1
        if n == -1:
            if d < missing:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
                    f"dimension {d}"
                )
            new[d] = own
        elif own not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at "
                f"non-singleton dimension {d}.  Target "
                f"sizes: {list(wanted)}.  Tensor sizes: {list(old)}"
            )
    return _expand(input, tuple(new), old)


def repeated(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`input` expanded to a shape that is known to fit."""
    return _expand(input, shape, input.array.shape)


def type_text(tensor: TensorBase) -> str:
    """ "torch.FloatTensor" and so on."""
    from numbatorch.autograd.node import type_name

    return type_name(tensor_kind(tensor))


_LEGACY = frozenset("float64 float32 float16 uint8 int8 int16 int32 int64".split())


def native_type_text(tensor: TensorBase) -> str:
    """What PyTorch's errors call the type: "CPUBoolType" and so on where there is no old name of it, as `type_text` has them."""
    kind = tensor_kind(tensor)
    if kind.dtype.name in _LEGACY:
        return type_text(tensor)
    return f"{'CPU' if kind.cpu else 'CUDA'}{type_word(kind.dtype)}Type"


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` expanded to the shape of `other`."""
    return expand(input, tensor_array(other).shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """`input` expanded to `size`."""
    return expand(input, size)


# --- parts


def _places(size, stride, offset: int) -> np.ndarray:
    """Where in memory each element of a tensor of this geometry is."""
    places = np.array(offset)
    for n, s in zip(size, stride, strict=True):
        places = places[..., None] + np.arange(n) * s
    return places.reshape(-1)


def _as_strided_vjp(node, grad):
    """By way of the memory: each place gets the gradients of all elements that are there, and each element of
    the input an equal share of what its place got."""
    size, stride, offset, (shape, own, start) = node.params
    first = min(offset, start)
    written, read = _places(size, stride, offset - first), _places(shape, own, start - first)
    count = 1 + max(written.max(initial=0), read.max(initial=0))
    written, shares = grad.new_tensor(written, dtype=dt.int64), np.bincount(read, minlength=count)[read]
    memory = grad.new_zeros(count).index_add(0, written, grad.reshape(-1))
    result = memory.index_select(0, grad.new_tensor(read, dtype=dt.int64))
    if (shares > 1).any():
        result = result / grad.new_tensor(shares)
    return (result.reshape(shape),)


def _as_strided_forward(input, size, stride, offset, geometry):
    itemsize = input.array.itemsize
    return strided(
        input.array, size, tuple([s * itemsize for s in stride]), (offset - geometry[2]) * itemsize
    )


_as_strided = ViewOp("AsStrided", _as_strided_forward, _as_strided_vjp)


def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """The elements at storage_offset + sum of index * stride in the memory that `input` shares; by default
    from its first element on. Raises RuntimeError where they are not all in that memory.

    >>> torch.arange(4).as_strided((2, 2), (1, 1))
    tensor([[0, 1],
            [1, 2]])
    """
    array, size, stride = tensor_array(input), sizes((size,)), sizes((stride,))
    start = offset_in_memory(input)
    offset = start if storage_offset is None else storage_offset
    whole(offset)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}"
        )
    if any(n < 0 for n in size):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    extent = _extent(input.memory.array)
    needed = 0 if 0 in size else (offset + span(size, stride)) * array.itemsize
    if needed > extent:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{array.itemsize} requiring a storage size of {needed} are out of bounds for storage of size {extent}"
        )
    return _as_strided(input, size, stride, offset, (array.shape, steps(array), start))


def _extent(memory) -> int:
    """How many bytes the elements of an array lie apart at most, with those of the last one."""
    return span(memory.shape, memory.strides) - 1 + memory.itemsize if memory.size else 0


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` elements of dimension `dim`, from `start` on."""
    shape = tensor_array(input).shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = normalize_dim(dim, len(shape))
    if isinstance(start, TensorBase):
        start = int(start)
    if start.__class__ is not int or length.__class__ is not int:
        whole(start, length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -shape[d] <= start <= shape[d]:
        raise IndexError(
            f"start out of range (expected to be in range of [{-shape[d]}, {shape[d]}], but got {start})"
        )
    start += shape[d] if start < 0 else 0
    if start + length > shape[d]:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({shape[d]}).")
    return input[(slice(None),) * d + (slice(start, start + length),)]


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Element `index` of dimension `dim`, which disappears."""
    ndim = tensor_array(input).ndim
    if not ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = normalize_dim(dim, ndim)
    n = input.array.shape[d]
    if index.__class__ is not int:
        whole(index)
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.array.shape)} at dimension "
            f"{d}"
        )
    return input[(slice(None),) * d + (index,)]


def _diagonal_forward(input, offset, a, b, shape):
    array = input.array
    rows, columns = array.shape[a], array.shape[b]
    n = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = (-offset * array.strides[a] if offset < 0 else offset * array.strides[b]) if n else 0
    others = [d for d in range(array.ndim) if d not in (a, b)]
    return strided(
        array,
        tuple([array.shape[d] for d in others] + [n]),
        tuple([array.strides[d] for d in others] + [array.strides[a] + array.strides[b]]),
        start,
    )


def _diagonal_vjp(node, grad):
    offset, a, b, shape = node.params
    result = grad.new_zeros(shape)
    diagonal(result, offset, a, b).copy_(grad)
    return (result,)


_diagonal = ViewOp("Diagonal", _diagonal_forward, _diagonal_vjp)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices in dimensions `dim1` and `dim2`, as a last dimension; `offset` above the
    main one."""
    ndim = tensor_array(input).ndim
    if offset.__class__ is not int:
        whole(offset)
    a, b = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diagonal(input, offset, a, b, input.array.shape)


def alias_view(input: Tensor) -> Tensor:
    """A view of the whole."""
    return _alias(input)


_alias = ViewOp("Alias", lambda input: input.array[...], lambda node, grad: (grad,))


def detach(input: Tensor) -> Tensor:
    """A tensor on the same memory that is not on the tape."""
    try:
        return alias(input)
    except AttributeError as error:
        raise mistaken(error) from None
