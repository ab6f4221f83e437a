"""Views: other shapes and parts of the same memory. Nothing is copied, and a change shows in every view."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from numbatorch.apply import ViewOp
from numbatorch.base import TensorBase, alias
from numbatorch.layout import inverse, steps
from numbatorch.shape import infer_shape, normalize_dim, normalize_dims
from numbatorch_kernels.memory import strided

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def sizes(args: Sequence) -> tuple[int, ...]:
    """The sizes in `f(2, 3)`, `f((2, 3))` or `f(torch.Size([2, 3]))`."""
    if len(args) == 1 and isinstance(args[0], tuple | list):
        args = args[0]
    return tuple([a if a.__class__ is int else a.__index__() for a in args])


# --- reshaping


def _view_forward(input, shape):
    try:
        return input.array.reshape(shape, copy=False)
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous "
            "subspaces). Use .reshape(...) instead."
        ) from None


def _reshape_vjp(node, grad):
    return (grad.reshape(node.params[-1]),)


_view = ViewOp("View", lambda input, shape, old: _view_forward(input, shape), _reshape_vjp)


def view(input: Tensor, *shape) -> Tensor:
    """The same elements in another shape; one size may be -1. Raises RuntimeError where that takes a copy
    (see `reshape`).

    >>> torch.arange(4).view(2, -1)
    tensor([[0, 1],
            [2, 3]])
    """
    new = sizes(shape) if shape[0].__class__ is not int else shape
    array = input.array
    if -1 in new or len(shape) != len(new):
        new = infer_shape(new, array.size)
    elif input.kind.contiguous:
        try:
            return _view(input, new, array.shape)
        except RuntimeError:
            infer_shape(new, array.size)
    else:
        new = infer_shape(new, array.size)
    return _view(input, new, array.shape)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the shape of `other`."""
    return view(input, other.array.shape)


def reshape(input: Tensor, *shape) -> Tensor:
    """The same elements in another shape; one size may be -1. A view where that is possible, else a copy."""
    array = input.array
    new = infer_shape(sizes(shape), array.size)
    if input.kind.contiguous:
        return _view(input, new, array.shape)
    try:
        return _view(input, new, array.shape)
    except RuntimeError:
        return _view(input.clone_contiguous(), new, array.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` reshaped to the shape of `other`."""
    return reshape(input, other.array.shape)


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape(input, -1)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one."""
    shape = input.array.shape
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
    shape = input.array.shape
    d = normalize_dim(dim, len(shape))
    sizes = tuple(sizes)
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


def permute(input: Tensor, *dims) -> Tensor:
    """The dimensions in another order: result.shape[k] = input.shape[dims[k]]."""
    order = sizes(dims)
    ndim = input.array.ndim
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


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`input` with two dimensions swapped."""
    ndim = input.array.ndim
    return (
        _transpose(input, normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)) if ndim else alias_view(input)
    )


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; fewer dimensions stay as they are."""
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return _t(input)


def movedim(input: Tensor, source, destination) -> Tensor:
    """`input` with the dimensions `source` moved to the places `destination`, the others in their order."""
    ndim = input.array.ndim
    source, destination = ((d,) if isinstance(d, int) else tuple(d) for d in (source, destination))
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the "
            f"same number of dims as "
            f"destination ({list(destination)} dims)"
        )
    source, destination = normalize_dims(source, ndim), normalize_dims(destination, ndim)
    order = [-1] * ndim
    for s, d in zip(source, destination, strict=True):
        order[d] = s
    rest = iter([d for d in range(ndim) if d not in source])
    return _permute(input, tuple([next(rest) if d < 0 else d for d in order]))


# --- dimensions of size one

_unsqueeze = ViewOp(
    "Unsqueeze", lambda input, shape, old: input.array.reshape(shape, copy=False), _reshape_vjp
)
_squeeze = ViewOp("Squeeze", lambda input, shape, old: input.array.reshape(shape, copy=False), _reshape_vjp)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """`input` with a dimension of size one put in at `dim`."""
    shape = input.array.shape
    d = normalize_dim(dim, len(shape) + 1)
    return _unsqueeze(input, (*shape[:d], 1, *shape[d:]), shape)


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """`input` without its dimensions of size one, or without those of `dim` that are."""
    shape = input.array.shape
    if dim is None:
        dims: Sequence[int] = range(len(shape))
    elif not shape:
        dims = ()
    else:
        dims = normalize_dims((dim,) if isinstance(dim, int) else tuple(dim), len(shape))
    return _squeeze(input, tuple([n for d, n in enumerate(shape) if n != 1 or d not in dims]), shape)


# --- repetition without a copy


def _expand_forward(input, shape, old):
    array = input.array
    missing = len(shape) - array.ndim
    steps = [0] * missing + [
        0 if a == 1 and b != 1 else s
        for a, b, s in zip(array.shape, shape[missing:], array.strides, strict=True)
    ]
    return strided(array, shape, tuple(steps))


_expand = ViewOp("Expand", _expand_forward, lambda node, grad: (grad.sum_to_size(node.params[1]),))


def expand(input: Tensor, *shape, implicit: bool = False) -> Tensor:
    """`input` read as a larger tensor: dimensions of size one, and new ones in front, repeat. -1 keeps a
    size."""
    new, old = list(sizes(shape)), input.array.shape
    missing = len(new) - len(old)
    if missing < 0:
        raise RuntimeError(
            f"expand({type_text(input)}{{{list(old)}}}, size={new}): the number of sizes provided "
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
                f"sizes: {new}.  Tensor sizes: {list(old)}"
            )
    return _expand(input, tuple(new), old)


def type_text(tensor: TensorBase) -> str:
    """ "torch.FloatTensor" and so on."""
    from numbatorch.autograd.node import type_name

    return type_name(tensor.kind)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` expanded to the shape of `other`."""
    return expand(input, other.array.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """`input` expanded to `size`."""
    return expand(input, size)


# --- parts


def _as_strided_vjp(node, grad):
    size, stride, offset, shape = node.params
    base = grad.new_zeros(max(1, _span(size, stride) + offset))
    part = as_strided(base, size, stride, offset)
    if any(s == 0 and n > 1 for s, n in zip(stride, size, strict=True)):
        grad = grad.sum_to_size([1 if s == 0 else n for s, n in zip(stride, size, strict=True)])
        part = as_strided(base, grad.shape, stride, offset)
    part.copy_(grad)
    needed = 1
    for n in shape:
        needed *= n
    total = grad.new_zeros(max(needed, base.numel()))
    total[: base.numel()].copy_(base)
    return (total[:needed].view(shape),)


def _span(size, stride) -> int:
    return sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1 if 0 not in size else 0


_as_strided = ViewOp(
    "AsStrided",
    lambda input, size, stride, offset, shape: strided(
        input.array, size, tuple([s * input.array.itemsize for s in stride]), offset * input.array.itemsize
    ),
    _as_strided_vjp,
)


def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """The elements at offset + sum of index * stride in the memory of `input`, which starts at its first
    element."""
    offset = storage_offset or 0
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}"
        )
    extent = _span(input.array.shape, steps(input.array))
    if _span(size, stride) + offset > extent:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{input.array.itemsize} requiring "
            f"a storage size of {(_span(size, stride) + offset) * input.array.itemsize} are out of bounds "
            f"for storage of size "
            f"{extent * input.array.itemsize}"
        )
    return _as_strided(input, tuple(size), tuple(stride), offset, input.array.shape)


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` elements of dimension `dim`, from `start` on."""
    shape = input.array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = normalize_dim(dim, len(shape))
    if isinstance(start, TensorBase):
        start = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -shape[d] <= start <= shape[d]:
        raise IndexError(
            f"start out of range (expected to be in range of [-{shape[d]}, {shape[d]}], but got {start})"
        )
    start += shape[d] if start < 0 else 0
    if start + length > shape[d]:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({shape[d]}).")
    return input[(slice(None),) * d + (slice(start, start + length),)]


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Element `index` of dimension `dim`, which disappears."""
    ndim = input.array.ndim
    if not ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = normalize_dim(dim, ndim)
    n = input.array.shape[d]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.array.shape)} at dimension "
            f"{d}"
        )
    return input[(slice(None),) * d + (index,)]


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim`: of one size each (the last may be smaller), or of the sizes
    given."""
    d = normalize_dim(dim, tensor.array.ndim)
    n = tensor.array.shape[d]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n != 0:
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
            )
        lengths = [size] * (n // size) + ([n % size] if n % size else []) if size else [0]
        lengths = lengths or [0]
    else:
        lengths = list(split_size_or_sections)
        if sum(lengths) != n or any(length < 0 for length in lengths):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                f"dimension {d}), but got "
                f"split_sizes={lengths}"
            )
    parts, start = [], 0
    for length in lengths:
        parts.append(narrow(tensor, d, start, length))
        start += length
    return tuple(parts)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim` that have these sizes."""
    return split(input, list(split_sizes), dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` parts of dimension `dim`, of one size, the last of which may be smaller."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = normalize_dim(dim, input.array.ndim)
    size = -(-input.array.shape[d] // chunks)
    return split(input, [0] * chunks, d) if size == 0 else split(input, size, d)


def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim`: so many, as even as can be, or cut at the indices given."""
    d = normalize_dim(dim, input.array.ndim)
    n = input.array.shape[d]
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        cuts = [i * (n // k) + min(i, n % k) for i in range(1, k)]
    else:
        cuts = list(indices_or_sections)
    cuts = [0, *[min(c if c >= 0 else max(c + n, 0), n) for c in cuts], n]
    return tuple([narrow(input, d, a, max(b - a, 0)) for a, b in pairwise(cuts)])


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of every element along dimension `dim`."""
    d = normalize_dim(dim, input.array.ndim)
    return tuple([input[(slice(None),) * d + (k,)] for k in range(input.array.shape[d])])


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
    ndim = input.array.ndim
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
    return alias(input)


def _part_vjp(part: int):
    def vjp(node, grad):
        return (grad.to(grad.dtype.to_complex()) * (1 if part == 0 else 1j),)

    return vjp


_real = ViewOp("Real", lambda input: input.array.real, _part_vjp(0))
_imag = ViewOp("Imag", lambda input: input.array.imag, _part_vjp(1))


def real(input: Tensor) -> Tensor:
    """The real parts: a view of a complex tensor, a real tensor itself."""
    return _complex_part(_real, input) if input.kind.dtype.is_complex else input


def imag(input: Tensor) -> Tensor:
    """The imaginary parts: a view of a complex tensor. Raises RuntimeError for real tensors."""
    if not input.kind.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _complex_part(_imag, input)


def _complex_part(row: ViewOp, input: Tensor) -> Tensor:
    from numbatorch.base import Kind

    part = row(input)
    kind = Kind.of(input.kind.dtype.to_real(), input.kind.device)
    part.kind = kind.flat if part.kind.contiguous else kind.strided
    return part
