"""Rows of a table taken bag by bag: embedding_bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op, attach
from numbatorch.arguments import flags, tensor_kind, whole
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty
from numbatorch.ops.arithmetic import div, mul
from numbatorch.ops.comparison import ne, where
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.elements import report, reported, zeros
from numbatorch.ops.join import cat
from numbatorch.ops.math import clamp
from numbatorch.ops.reduce import sum
from numbatorch.ops.rows import index_add_, index_select
from numbatorch.ops.scatter import scatter_add_
from numbatorch.ops.search import searchsorted
from numbatorch.ops.sequences import arange
from numbatorch.ops.view import native_type_text, unsqueeze
from numbatorch.shape import portions
from numbatorch_kernels import bag as kernels
from numbatorch_kernels.codes import MAXIMUM, MEAN, SUM

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_MODES = (SUM, MEAN, MAXIMUM)


def _forward(weight, scale, index, bounds, padding, how, by_frequency):
    """The results, how many rows each bag has, and where the largest come from."""
    table = contiguous(weight)
    narrow = not table.kind.cpu and table.kind.dtype.itemsize == 2
    if narrow:
        table, scale = cast(table, dt.float32), None if scale is None else cast(scale, dt.float32)
    bags, columns = bounds.array.size - 1, table.array.shape[1]
    out = empty((bags, columns), table.kind)
    whole = Kind.of(dt.int64, table.kind.device)
    sizes = empty((bags,), whole) if out.array.size else zeros((bags,), whole)
    missed = report("embedding_bag", table.kind)
    largest = empty((bags, columns) if how == MAXIMUM else (bags,), whole)
    if out.array.size:
        kernels.bag(
            table.kind.device.type, out.array, sizes.array, largest.array, table.array, index.array, bounds.array,
            None if scale is None else contiguous(scale).array, padding, how, missed,
            int(table.kind.element == "bf"),
        )  # fmt: skip
    if reported(missed):
        place = int(missed[0])
        value = index[place - 1].item()
        if how == MAXIMUM:
            raise RuntimeError(
                f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {value}"
            )
        raise RuntimeError(
            f"Index {place - 1} of input takes value {value} which is not in the valid range [0, "
            f"{weight.array.shape[0]})"
        )
    return cast(out, weight.kind.dtype), sizes, largest


def _vjp(node, grad):
    weight, scale, index, bounds, sizes, largest = node.unpack()
    padding, how, by_frequency, (rows, columns) = node.params
    if how == MAXIMUM:
        grads = where(unsqueeze(ne(sizes, 0), 1), grad, 0)
        return scatter_add_(zeros((rows, columns), grad.kind), 0, largest, grads), None
    if how == MEAN:
        grad = div(grad, unsqueeze(clamp(sizes, 1), 1))
    count = index.array.size
    for_weight = zeros((rows, columns), grad.kind) if node.needs[0] else None
    if by_frequency:
        counts = index_add_(zeros((rows,), grad.kind), 0, index, ne(index, -1).to(grad.dtype))
    factors = []
    # A gradient that will be differentiated again is made of all indices at once, else of a few at a time.
    for some in portions(count, columns, at_once=state.enabled):
        part, places = index[some], arange(some.start, some.stop, device=index.device)
        bags = searchsorted(bounds[1:], places, right=True)
        each = index_select(grad, 0, bags)  # the gradient that reaches each index
        if node.needs[1]:
            factor = sum(mul(each, index_select(weight, 0, part)), 1)
            factors.append(where(ne(part, padding), factor, 0) if padding >= 0 else factor)
        if for_weight is not None:
            if scale is not None:
                each = mul(each, unsqueeze(scale[some], 1))
            if by_frequency:
                each = div(each, unsqueeze(index_select(counts, 0, part), 1))
            if padding >= 0:
                each = where(unsqueeze(ne(part, padding), 1), each, 0)
            index_add_(for_weight, 0, part, each)
        del each  # before the next
    return for_weight, cat(factors) if factors else None


class _Bags(Op):
    """op(weight, scale, index, bounds, padding, how, by_frequency): its node keeps the weight for the gradient of the scale
    alone."""

    def record(self, result, args):
        weight, scale, index, bounds, *numbers = args
        node = self.node_for(args)
        node.save(weight if node.needs[1] else None, scale, index, bounds, *result[1:])
        node.params = *numbers, weight.array.shape
        attach(node, result[:1])


_embedding_bag = _Bags("EmbeddingBag", _forward, _vjp, tensors=2)


def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sum (`mode` 0), mean (1) or maximum (2) of the rows of `weight` that each bag of `indices` names; bag
    b begins at offsets[b]. `nn.functional.embedding_bag` tells more.

    The result, of shape (bags, columns), comes with the number of each index's bag, the number of rows of each
    bag, and for the maximum the row of each element. Gradients are dense. Raises RuntimeError for an index that
    names no row and for offsets that do not begin with 0 or go beyond the indices.

    >>> torch.embedding_bag(torch.eye(2), torch.tensor([0, 1, 1]), torch.tensor([0, 1]))[0]
    tensor([[1., 0.],
            [0., 2.]])
    """
    flags(scale_grad_by_freq, sparse, include_last_offset)
    whole(mode)
    if not 0 <= mode < len(_MODES):
        raise RuntimeError("`mode` must be sum, mean, or max.")
    rest = indices, offsets, scale_grad_by_freq, mode, per_sample_weights, include_last_offset, padding_idx
    (result, sizes, largest), bounds = bags_of(weight, *rest)
    places = arange(indices.array.size, device=indices.device)
    numbers = searchsorted(bounds[1:], places, right=True)
    return result, numbers, sizes, largest if _MODES[mode] == MAXIMUM else sizes


def bags_of(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool,
    mode: int,
    per_sample_weights: Tensor | None,
    include_last_offset: bool,
    padding_idx: int | None,
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """What `embedding_bag` computes, and the bounds of the bags."""
    _check(weight, indices, offsets, per_sample_weights, include_last_offset)
    rows, count = weight.array.shape[0], indices.array.size
    padding = -1 if padding_idx is None else padding_idx
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise RuntimeError(
                f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}, but got "
                f"{padding_idx}"
            )
        padding = padding_idx % rows
    index = contiguous(cast(indices, dt.int64))
    starts = cast(offsets, dt.int64)
    bounds = starts if include_last_offset else cat([starts, starts.new_full((1,), count)])
    args = (per_sample_weights, index, bounds, padding, _MODES[mode], scale_grad_by_freq)
    return _embedding_bag(weight, *args), bounds


def _check(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale: Tensor | None, include_last_offset: bool
) -> None:
    def refuse(number: int, name: str, tensor: Tensor, wanted: str) -> None:
        raise RuntimeError(
            f"Expected tensor for argument #{number} '{name}' to have one of the following scalar types: "
            f"{wanted}; but got {native_type_text(tensor)} instead (while checking arguments for embedding_bag)"
        )

    for given in (indices, offsets):
        if tensor_kind(given).dtype not in (dt.int64, dt.int32):
            refuse(1, "indices", given, "Long, Int")  # PyTorch gives both their common dtype
    for name, given, most in (("input", indices, 2), ("offsets", offsets, 1)):
        if not 1 <= given.array.ndim <= most:
            text = f"1D{' or 2D' * (most == 2)} Tensor, but got Tensor of dimension {given.array.ndim}"
            raise RuntimeError(f"{name} has to be a {text}")
    if not tensor_kind(weight).dtype.is_floating_point:
        refuse(1, "weight", weight, "Half, BFloat16, Float, Double")
    if weight.array.ndim != 2:
        raise RuntimeError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.array.ndim}")
    if scale is not None and scale.kind.dtype is not weight.kind.dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type {native_type_text(weight)} does not equal {native_type_text(scale)} (while "
            "checking arguments for embedding_bag)"
        )
    if include_last_offset and not offsets.array.size:
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    starts = offsets.array
    if not starts.size or not offsets.kind.cpu:  # nobody waits for a GPU: its kernel looks at no row outside
        return
    if starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0]}"
        )
    if starts[-1] > indices.array.shape[0]:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {indices.array.shape[0]} but got offsets[-1] of "
            f"{starts[-1]}"
        )
    if (starts[1:] < starts[:-1]).any():
        raise RuntimeError("offsets have to grow from bag to bag")
