"""Scaled dot product attention: softmax(q kᵀ / √E) v.

A. Vaswani and others, "Attention Is All You Need", arXiv:1706.03762.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.dtype import c_name
from numbatorch.ops.arithmetic import mul
from numbatorch.ops.arrange import repeat_interleave
from numbatorch.ops.comparison import where
from numbatorch.ops.copy import cast
from numbatorch.ops.creation import ones
from numbatorch.ops.dropout import dropout
from numbatorch.ops.matmul import matmul
from numbatorch.ops.softmax import softmax
from numbatorch.ops.view import transpose

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_HALVES = (dt.float16, dt.bfloat16)


def _wide(x: Tensor) -> Tensor:
    """In float32, if it is narrower."""
    return cast(x, dt.float32) if x.kind.dtype in _HALVES else x


# --- made of other ops: for dropout, and whatever the kernel does not do


def _additive(mask: Tensor | None, dtype: dt.DType) -> Tensor | None:
    """What is added to the scores: of truth values, minus infinity where there is False."""
    if mask is None or mask.kind.dtype is not dt.bool:
        return mask
    return where(mask, *(mask.new_full((), value, dtype=dtype) for value in (0.0, -math.inf)))


def _weights(scores: Tensor) -> Tensor:
    """Softmax over the keys, and zeros for a query that has none left."""
    none = (scores == -math.inf).all(-1, keepdim=True)
    return where(none, 0.0, softmax(where(none, 0.0, scores), -1))


def _repeated(x: Tensor, heads: int) -> Tensor:
    """Each head of keys or values as often as there are queries that look at it."""
    own = x.size(-3)
    return x if own == heads else repeat_interleave(x, heads // own, -3)


def _composed(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
    enable_gqa: bool,
) -> Tensor:
    dtype = query.kind.dtype
    query, key, value = _wide(query), _wide(key), _wide(value)
    root = math.sqrt(abs(scale))  # half of the scale for each, so that neither overflows
    query = mul(query, -root if scale < 0 else root)
    mask = _additive(mask, query.kind.dtype)
    if is_causal:
        square = (query.array.shape[-2], key.array.shape[-2])
        before = ones(square, dtype=dt.bool, device=query.device).tril()
        mask = _additive(before, query.kind.dtype) if mask is None else where(before, mask, -math.inf)
    if enable_gqa:
        heads = _check_groups(query, key, value)
        key, value = _repeated(key, heads), _repeated(value, heads)
    scores = matmul(query, mul(transpose(key, -2, -1), root))
    if mask is None:
        weights = softmax(scores, -1)
    else:
        weights = _weights(scores.add_(mask))
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return cast(matmul(weights, value), dtype)


# --- the function


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    given = {"query": query, "key": key, "value": value}
    if not query.kind.dtype is key.kind.dtype is value.kind.dtype:
        found = [f"{name}.dtype: {c_name(t.kind.dtype)}" for name, t in given.items()]
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got "
            f"{found[0]} {found[1]} and {found[2]} instead."
        )
    if not query.kind.device is key.kind.device is value.kind.device:
        found = [f"{name}.device: {t.device}" for name, t in given.items()]
        raise RuntimeError(
            "Expected query, key, and value to have the same device type, but got "
            f"{found[0]} {found[1]} and {found[2]} instead."
        )
    if min(t.array.ndim for t in given.values()) < 2:
        found = [f"{name}.dim: {t.array.ndim}" for name, t in given.items()]
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got "
            f"{found[0]} {found[1]} and {found[2]} instead."
        )
    if mask is not None and mask.kind.dtype not in (dt.bool, dt.float32, query.kind.dtype):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{c_name(mask.kind.dtype)} and  query.dtype: {c_name(query.kind.dtype)} instead."
        )


def _check_groups(query: Tensor, key: Tensor, value: Tensor) -> int:
    """How many heads of queries there are; those of keys and of values divide them."""
    heads = query.size(-3)
    if any(heads % t.size(-3) for t in (key, value)):
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return heads


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale q kᵀ + mask) v: for each query the mean of the values, weighted by how well their keys go with it.

    query (..., L, E), key (..., S, E) and value (..., S, F) give (..., L, F); what stands in front broadcasts.

    attn_mask   broadcasts to (..., L, S): True where a query sees a key, or numbers that are added. A query that
                sees no key gets zeros
    dropout_p   the weights are dropped with this probability, whether in training or not
    is_causal   query i sees the keys 0 to i alone; besides a mask, only of four dimensions, as in PyTorch
    scale       1 / √E if not given
    enable_gqa  heads (the third dimension from the end) of keys and values each serve several heads of queries

    Raises RuntimeError where dtypes differ or shapes do not fit.

    >>> q = torch.tensor([[1.0, 0.0]])
    >>> F.scaled_dot_product_attention(q, torch.tensor([[100.0, 0.0], [0.0, 100.0]]), torch.tensor([[1.0], [2.0]]))
    tensor([[1.]])
    """
    _check(query, key, value, attn_mask)
    four = query.array.ndim == key.array.ndim == value.array.ndim == 4
    if is_causal and attn_mask is not None and not four:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if scale is None:
        width = query.array.shape[-1]
        scale = 1 / math.sqrt(width) if width else math.inf
    return _composed(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
