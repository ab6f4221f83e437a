"""Elements chosen by truth values: nonzero, masked_select, masked_scatter."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.apply import InPlaceOp
from numbatorch.arguments import flags, tensor_array, tensor_kind, whole
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import floor_divide, remainder
from numbatorch.ops.comparison import masked_fill
from numbatorch.ops.copy import cast, clone_contiguous, contiguous, copy_, into
from numbatorch.ops.elements import apart, elsewhere, marked, selecting, true_coordinates, true_positions
from numbatorch.ops.join import cat
from numbatorch.ops.split import unbind
from numbatorch.ops.view import expand, reshape, unsqueeze
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import index as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_masked_select = selecting("MaskedSelect")


def _masked_scatter_forward(target, source, mask, count):
    for name, tensor in (("values", source), ("index", mask)):
        if tensor.kind.device is not target.kind.device:
            raise elsewhere(name, tensor, target)
    words, bits, starts, total = marked(mask)
    if total > source.array.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    values = contiguous(apart(source, target).detach())
    kernels.deal(target.kind.device.type, target.array, values.array, words, bits, starts)


def _masked_scatter_vjp(node, grad):
    (mask,) = node.unpack()
    (shape,) = node.params
    of_source = None
    if node.needs[1]:
        given = masked_select(grad, mask)
        rest = grad.new_zeros((prod(shape) - given.array.size,))
        of_source = reshape(cat([given, rest]), shape)
    return masked_fill(grad, mask, 0) if node.needs[0] else None, of_source, None


_masked_scatter = InPlaceOp(
    "MaskedScatter", _masked_scatter_forward, _masked_scatter_vjp, saves=(2,), tensors=3
)


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: a row for each, or with `as_tuple` an index tensor for
    each dimension.

    >>> torch.nonzero(torch.tensor([[0, 3], [4, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    flags(as_tuple)
    ndim = tensor_array(input).ndim
    if as_tuple and not ndim:
        input, ndim = reshape(input.detach(), 1), 1
    result = unsqueeze(true_positions(input), 1) if ndim == 1 else true_coordinates(input)
    if as_tuple:
        return unbind(result, 1)
    return result if out is None else into(out, result, "nonzero")


def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, a row for each."""
    return nonzero(input)


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where the mask is True, in one dimension; the two broadcast.

    >>> torch.masked_select(torch.tensor([1, 2, 3]), torch.tensor([True, False, True]))
    tensor([1, 3])
    """
    if tensor_kind(mask).dtype is not dt.bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_pair(mask.array.shape, tensor_array(input).shape) or (1,)
    input = input if input.array.shape == shape else expand(input, shape)
    mask = mask if mask.array.shape == shape else expand(mask, shape)
    result = _masked_select(input, true_positions(mask), (((0, len(shape)),), shape))
    return result if out is None else into(out, result, "masked_select", input, mask)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` in which the elements where the mask is True are the first elements of `source`, in
    order; the first two broadcast.

    >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    shape = broadcast_pair(tensor_array(input).shape, tensor_array(mask).shape)
    return masked_scatter_(clone_contiguous(expand(input, shape)), mask, source)


def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Overwrite the elements where the mask is True by the first elements of `source`, in order."""
    if not self.kind.contiguous:
        return copy_(self, masked_scatter_(clone_contiguous(self), mask, source))
    if mask.kind.dtype is not dt.bool:
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{type_word(mask.kind.dtype)}"
        )
    if self.kind.dtype is not source.kind.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{type_word(self.kind.dtype)} and {type_word(source.kind.dtype)}"
        )
    return _masked_scatter(self, source, expand(mask, self.array.shape), source.array.shape)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """The first `size` rows of `nonzero`; where there are fewer, rows of `fill_value` follow.

    >>> torch.nonzero_static(torch.tensor([0, 1, 2]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    whole(size, fill_value)
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = nonzero(input)
    result = found.new_full((size, found.array.shape[1]), fill_value)
    count = min(size, found.array.shape[0])
    result[:count] = found[:count]
    return result if out is None else into(out, result, "nonzero_static")


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The indices, one tensor for each dimension, of the elements that `indices` number in row-major order in
    a tensor of `shape`. Raises TypeError for floating-point indices, ValueError for negative sizes.

    >>> torch.unravel_index(torch.tensor([3, 5]), (2, 3))
    (tensor([1, 1]), tensor([0, 2]))
    """
    dtype = indices.kind.dtype
    if dtype.is_inexact or dtype is dt.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any([n < 0 for n in sizes]):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    if not indices.array.size:
        return tuple([cast(indices, dt.int64) for _ in sizes])
    if 0 in sizes:
        raise RuntimeError("ZeroDivisionError")
    rest, places = cast(indices, dt.int64), []
    for n in reversed(sizes):
        places.append(remainder(rest, n))
        rest = floor_divide(rest, n)
    return tuple(places[::-1])
