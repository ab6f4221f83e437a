"""A dimension cut into parts: views (split, chunk, unbind), or copies where the name says unsafe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from sys import maxsize
from typing import TYPE_CHECKING, Any

from numbatorch.apply import Op
from numbatorch.arguments import listed, tensor_array, whole
from numbatorch.autograd.mode import no_grad
from numbatorch.base import TensorBase
from numbatorch.dtype import int64, type_word
from numbatorch.ops.copy import clone_contiguous, host
from numbatorch.ops.index import part_of
from numbatorch.ops.join import cat, stack
from numbatorch.ops.view import expand, narrow, sizes
from numbatorch.shape import normalize_dim, sized_dim

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _views(name: str, join: Callable) -> Op:
    """The row for views that together are all of a tensor, by their indices: (input, dim, indices, shape).
    They have one node, whose gradient is theirs, joined; zeros for those that have none."""

    def forward(input, dim, indices, shape):
        with no_grad():
            views = tuple([part_of(input, index, shape) for index in indices])
        for view in views:
            view._seen = view._version
        return views

    def vjp(node, grads):
        dim, indices, shape = node.params
        grads = (grads,) if len(indices) == 1 else grads
        given = next(g for g in grads if g is not None)
        nothing = expand(given.new_zeros((1,) * len(shape)), shape)
        parts = [part_of(nothing, index, shape) if g is None else g for index, g in zip(indices, grads)]
        return (join(parts, dim),)

    return Op(name, forward, vjp, differentiable=maxsize)


_split, _split_with_sizes = (_views(name, cat) for name in ("Split", "SplitWithSizes"))
_unbind = _views("Unbind", stack)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim`: of one size each (the last may be smaller), or of the sizes
    given."""
    if not tensor_array(tensor).ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
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
        lengths = list(sizes((split_size_or_sections,)))
        if sum(lengths) != n or any(length < 0 for length in lengths):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                f"dimension {d}), but got "
                f"split_sizes={lengths}"
            )
    row = _split if isinstance(split_size_or_sections, int) else _split_with_sizes
    before = (slice(None),) * d
    indices = [(*before, slice(*ends), ...) for ends in pairwise(accumulate(lengths, initial=0))]
    return row(tensor, d, indices, tensor.array.shape) if indices else ()


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim` that have these sizes."""
    return split(input, listed(split_sizes), dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` parts of dimension `dim`, of one size, the last of which may be smaller."""
    if not tensor_array(input).ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks.__class__ is not int:
        whole(chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = normalize_dim(dim, input.array.ndim)
    size = -(-input.array.shape[d] // chunks)
    return split(input, [0] * chunks, d) if size == 0 else split(input, size, d)


def _listed(cuts: TensorBase) -> Any:
    """A number or a list from the argument of `tensor_split`, if that is a tensor."""
    if cuts.array.ndim > 1:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, "
            f"but got a tensor with {cuts.array.ndim} dims"
        )
    if cuts.kind.dtype is not int64:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
            f"{type_word(cuts.kind.dtype)}"
        )
    return host(cuts).tolist()  # type: ignore[arg-type]  # a TensorBase is a Tensor


def tensor_split(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | Tensor | None = None,
    dim: int = 0,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
    tensor_indices_or_sections: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Views of the parts of dimension `dim`: so many, as even as can be, or cut at the indices given."""
    for given in (indices, sections, tensor_indices_or_sections):
        indices_or_sections = given if indices_or_sections is None else indices_or_sections
    if not tensor_array(input).ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    d = normalize_dim(dim, input.array.ndim)
    n = input.array.shape[d]
    if isinstance(indices_or_sections, TensorBase):
        indices_or_sections = _listed(indices_or_sections)
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        cuts = [i * (n // k) + min(i, n % k) for i in range(1, k)]
    else:
        cuts = list(indices_or_sections)  # type: ignore[arg-type]  # None is PyTorch's TypeError, too
    cuts = [0, *[min(c if c >= 0 else max(c + n, 0), n) for c in cuts], n]
    return tuple([narrow(input, d, a, max(b - a, 0)) for a, b in pairwise(cuts)])


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of every element along dimension `dim`."""
    d = sized_dim(dim, tensor_array(input).ndim)
    shape = input.array.shape
    indices = [(*(slice(None),) * d, place, ...) for place in range(shape[d])]
    return _unbind(input, d, indices, shape) if indices else ()


# --- by the number of dimensions


def _cut(
    name: str, input: Tensor, least: int, dim: int, given: int | Sequence[int] | None
) -> tuple[Tensor, ...]:
    """The parts along `dim`: so many of one size, or cut at the indices given."""
    if tensor_array(input).ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with "
            f"{input.array.ndim} dimensions!"
        )
    if given is None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "indices"')
    if isinstance(given, int) and (given == 0 or input.array.shape[dim] % given):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.array.shape[dim]} is not divisible by the split_size {given}!"
        )
    return tensor_split(input, given, dim)


def hsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Views of the parts side by side, along the second dimension, of a vector along its only one: so many of
    one size, or cut at the indices given.

    >>> torch.hsplit(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    given = indices_or_sections if indices_or_sections is not None else indices or sections
    return _cut("hsplit", input, 1, 0 if tensor_array(input).ndim == 1 else 1, given)


def vsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Views of the parts one below the other, along the first dimension: see `hsplit`."""
    given = indices_or_sections if indices_or_sections is not None else indices or sections
    return _cut("vsplit", input, 2, 0, given)


def dsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Views of the parts one behind the other, along the third dimension: see `hsplit`."""
    given = indices_or_sections if indices_or_sections is not None else indices or sections
    return _cut("dsplit", input, 3, 2, given)


# --- copies


def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `split` shows, so that each may be changed in place without the others."""
    whole(split_size)
    return tuple([clone_contiguous(part) for part in split(tensor, split_size, dim)])


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `split_with_sizes` shows."""
    return tuple([clone_contiguous(part) for part in split_with_sizes(input, split_sizes, dim)])


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `chunk` shows."""
    return tuple([clone_contiguous(part) for part in chunk(input, chunks, dim)])
