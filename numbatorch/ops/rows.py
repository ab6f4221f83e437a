"""Whole slices named by an index vector: index_select, index_add, index_copy, index_fill, embedding; single elements: take, one_hot."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from numbatorch import dtype as dt
from numbatorch.apply import InPlaceOp, Op, type_word
from numbatorch.base import Kind, TensorBase
from numbatorch.ops.copy import cast, clone, copy_, host
from numbatorch.ops.gather import INDEXING, SELECTING, TAKING, Rule, number_like, selecting, selecting_vjp, write, zeros
from numbatorch.ops.scatter import scatter_
from numbatorch.ops.view import reshape, type_text, unsqueeze, view
from numbatorch.shape import normalize_dim
from numbatorch_kernels import index as kernels

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _integers(index: Tensor, error: Exception) -> Tensor:
    """An index of int32 or int64 as int64; raises `error` for other dtypes."""
    if index.kind.dtype is dt.int64:
        return index
    if index.kind.dtype is not dt.int32:
        raise error
    return cast(index, dt.int64)


def _vector(tensor: Tensor) -> Tensor:
    """A 0-d tensor as one of a single element."""
    return tensor if tensor.array.ndim else view(tensor, 1)


# --- reading

_index_select = selecting("IndexSelect", SELECTING)
_take = selecting("Take", TAKING)


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of dimension `dim` that a vector of indices names, as a new tensor.

    >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    if index.array.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    index = _vector(_integers(index, RuntimeError("index_select(): Expected dtype int32 or int64 for index")))
    d = normalize_dim(dim, input.array.ndim)
    if not input.array.ndim:
        return reshape(_index_select(view(input, 1), index, (((0, 1),), (1,))), ())
    shape = input.array.shape
    if not shape[d] and index.array.size:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    result = _index_select(input, index, (((d, 1),), shape))
    return result if out is None else copy_(out, result)


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements that `index` numbers in row-major order, in the shape of `index`; negative numbers count from the end."""
    if index.kind.dtype is not dt.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {type_word(index.kind.dtype)}")
    flat = reshape(input, -1)
    result = _take(flat, index, (((0, 1),), flat.array.shape))
    return result if out is None else copy_(out, result)


def _embedding_vjp(node, grad):
    (_, shape), padding = node.params[0][0], node.params[0][1]
    node.params = (node.params[0][0],)
    return None


def embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """The rows of `weight` that `indices` name: shape (*indices.shape, weight.shape[1]). Row `padding_idx` gets no gradient."""
