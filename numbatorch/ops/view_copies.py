"""Copies instead of views: a part of a tensor as a new tensor (narrow_copy), and a tensor with a part of it
replaced (slice_scatter). The views themselves are in view.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.arguments import OMITTED, tensor_array, whole
from numbatorch.layout import steps
from numbatorch.ops.arrange import unfold
from numbatorch.ops.copy import check_several, clone, clone_contiguous, copy_, into
from numbatorch.ops.index import getitem
from numbatorch.ops.split import split, split_with_sizes, unbind
from numbatorch.ops.view import (
    as_strided,
    detach,
    diagonal,
    expand,
    narrow,
    permute,
    reshape,
    select,
    squeeze,
    t,
    transpose,
    unsqueeze,
)
from numbatorch.overlap import repeats
from numbatorch.shape import normalize_dim
from numbatorch.storage import offset_in_memory, span

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- a part as a new tensor


def _copy(part: Tensor, out: Tensor | None, name: str) -> Tensor:
    return clone_contiguous(part) if out is None else into(out, part, name)


def _copies(parts: Sequence[Tensor], out: Sequence[Tensor] | None, name: str) -> tuple[Tensor, ...] | None:
    if out is None:
        return tuple([clone_contiguous(part) for part in parts])
    check_several(out, name, len(parts))
    for part, target in zip(parts, out, strict=True):
        into(target, part, name)
    return None


def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the whole."""
    return _copy(input, out, "alias_copy")


def as_strided_copy(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of what `as_strided` shows."""
    return _copy(as_strided(input, size, stride, storage_offset), out, "as_strided_copy")


def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy that is not on the tape."""
    return _copy(detach(input), out, "detach_copy")


def diagonal_copy(
    input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None
) -> Tensor:
    """A copy of what `diagonal` shows."""
    whole(offset)
    return _copy(diagonal(input, offset, dim1, dim2), out, "diagonal_copy")


def expand_copy(
    input: Tensor, size: Sequence[int], *, implicit: bool = False, out: Tensor | None = None
) -> Tensor:
    """A copy of what `expand` shows."""
    return _copy(expand(input, size), out, "expand_copy")


def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `narrow` shows.

    >>> torch.narrow_copy(torch.arange(5), 0, 1, 2)
    tensor([1, 2])
    """
    whole(start, length)
    return _copy(narrow(input, dim, start, length), out, "narrow_copy")


def permute_copy(input: Tensor, dims: Sequence[int], *, out: Tensor | None = None) -> Tensor:
    """A copy of what `permute` shows."""
    return _copy(permute(input, dims), out, "permute_copy")


def select_copy(input: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `select` shows."""
    return _copy(select(input, dim, index), out, "select_copy")


def slice_copy(
    input: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of every `step`-th element along `dim`, from `start` to before `end`."""
    whole(step, *[x for x in (start, end) if x is not None])
    return _copy(_sliced(input, dim, start, end, step), out, "slice_copy")


def squeeze_copy(input: Tensor, dim: int | Sequence[int] = OMITTED, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `squeeze` shows."""
    return _copy(squeeze(input, dim), out, "squeeze_copy")


def t_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `t` shows."""
    return _copy(t(input), out, "t_copy")


def transpose_copy(input: Tensor, dim0: int, dim1: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `transpose` shows."""
    return _copy(transpose(input, dim0, dim1), out, "transpose_copy")


def unfold_copy(input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `Tensor.unfold` shows."""
    whole(size, step)
    return _copy(unfold(input, dimension, size, step), out, "unfold_copy")


def unsqueeze_copy(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of what `unsqueeze` shows."""
    return _copy(unsqueeze(input, dim), out, "unsqueeze_copy")


def view_copy(input: Tensor, size: Sequence[int], *, out: Tensor | None = None) -> Tensor:
    """A copy in another shape, also where `view` could not show it."""
    return _copy(reshape(input, size), out, "view_copy")


def split_copy(input: Tensor, split_size: int, dim: int = 0, *, out: Sequence[Tensor] | None = None) -> Any:
    """Copies of what `split` shows."""
    whole(split_size)
    return _copies(split(input, split_size, dim), out, "split_copy")


def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, out: Sequence[Tensor] | None = None
) -> Any:
    """Copies of what `split_with_sizes` shows."""
    return _copies(split_with_sizes(input, split_sizes, dim), out, "split_with_sizes_copy")


def unbind_copy(input: Tensor, dim: int = 0, *, out: Sequence[Tensor] | None = None) -> Any:
    """Copies of what `unbind` shows."""
    return _copies(unbind(input, dim), out, "unbind_copy")


# --- a tensor with a part of it replaced


def _sliced(input: Tensor, dim: int, start: int | None, end: int | None, step: int) -> Tensor:
    d = normalize_dim(dim, tensor_array(input).ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return getitem(input, (slice(None),) * d + (slice(start, end, step),))


def _replaced(input: Tensor, src: Tensor, view: Callable[..., Tensor], *args: Any) -> Tensor:
    """A copy of `input`, its dimensions in the same order in memory, in which `view(copy, *args)` is `src`."""
    result = clone(input)
    _fill(view(result, *args), src)
    return result


def _fill(part: Tensor, src: Tensor) -> None:
    if part.array.shape != tensor_array(src).shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.array.shape)}, "
            f"slice size = {list(part.array.shape)}"
        )
    copy_(part, src)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` in which element `index` along `dim` is `src`.

    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    whole(index)
    return _replaced(input, src, select, dim, index)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` in which every `step`-th element along `dim`, from `start` to before `end`, is taken
    from `src`."""
    whole(step, *[x for x in (start, end) if x is not None])
    result = _replaced(input, src, _sliced, dim, start, end, step)
    return result if out is None else into(out, result, "slice_scatter")


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` in which a diagonal is `src`."""
    return _replaced(input, src, diagonal, offset, dim1, dim2)


def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy of `input`, and of what lies between its elements, in which the elements that `as_strided` shows are `src`."""
    if repeats(tensor_array(input)):
        input = clone(input)
    shape, own, start = input.array.shape, steps(input.array), offset_in_memory(input)
    extent = 0 if 0 in shape else start + span(shape, own)
    memory = clone(as_strided(input, (extent,), (1,), 0))
    _fill(as_strided(memory, size, stride, start if storage_offset is None else storage_offset), src)
    return as_strided(memory, shape, own, start)
