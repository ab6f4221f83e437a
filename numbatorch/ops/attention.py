"""Scaled dot product attention: softmax(q kᵀ / √E) v.

A. Vaswani and others, "Attention Is All You Need", arXiv:1706.03762.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import flags, real, tensor_kind
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty, wrap
from numbatorch.dtype import c_name
from numbatorch.ops.arithmetic import add, mul, sub
from numbatorch.ops.comparison import where
from numbatorch.ops.copy import cast, clone, contiguous, copy_, to_opmath
from numbatorch.ops.creation import ones, zeros_like
from numbatorch.ops.dropout import dropout
from numbatorch.ops.interleave import repeat_interleave
from numbatorch.ops.matmul import matmul
from numbatorch.ops.reduce import sum
from numbatorch.ops.softmax import softmax
from numbatorch.ops.view import expand, reshape, transpose, unflatten
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import attention as kernels
from numbatorch_kernels import parallel

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- made of other ops: for dropout, for a single query, and whatever the kernel does not do


def _additive(mask: Tensor, dtype: dt.DType) -> Tensor:
    """What is added to the scores: of truth values, minus infinity where there is False."""
    if mask.kind.dtype is not dt.bool:
        return mask
    numbers = (dt.fitting(value, dtype) for value in (0.0, -math.inf))
    return where(mask, *(mask.new_full((), value, dtype=dtype) for value in numbers))


def _softmax(scores: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """The weights: softmax of scores and mask over the keys, and zeros for a query that has none left."""
    if mask is None and not causal:
        return softmax(scores, -1)
    if mask is not None:
        scores = scores.add_(mask)
    if causal:
        square = ones(scores.array.shape[-2:], dtype=dt.bool, device=scores.device)
        scores = where(square.tril(), scores, -math.inf)
        if mask is None:
            return softmax(scores, -1)
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
    query, key, value = to_opmath(query), to_opmath(key), to_opmath(value)
    mask = None if mask is None else _additive(mask, query.kind.dtype)
    query = mul(query, scale)
    if enable_gqa:
        heads = _check_groups(query, key, value)
        key, value = _repeated(key, heads), _repeated(value, heads)
    scores = matmul(query, transpose(key, -2, -1))
    weights = _softmax(scores, mask, is_causal)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return cast(matmul(weights, value), dtype)


# --- by the kernel


def _like(x: Tensor, features: int) -> Tensor:
    """A new tensor with the size of `x` (batch, heads, queries, .) and its order of dimensions in memory."""
    shape, strides = x.array.shape, x.array.strides
    if x.kind.contiguous:
        return empty((*shape[:3], features), x.kind)
    order = sorted(range(3), key=lambda d: (-strides[d], d))
    memory = empty((*[shape[d] for d in order], features), x.kind)
    if order == [0, 1, 2]:
        return memory
    return wrap(memory.array.transpose(*[order.index(d) for d in range(3)], 3), x.kind.strided)


PART = 1 << 18  # elements of queries that are halves and become float32 together


def _parts(q: Tensor, k: Tensor) -> Iterator[Callable[[Tensor], Tensor]]:
    """Functions that take some heads from tensors, together all. On the CPU, of halves, so few at a time that what they
    are in float32 stays in the cache; else all at once."""
    if not (q.kind.cpu and q.kind.dtype.is_half):
        yield lambda x: x
        return
    batch, own = k.array.shape[:2]
    some = max(parallel.get_num_threads(), PART * batch * own // q.array.size)
    rows, columns = max(1, some // own), min(some, own)
    for i in range(0, batch, rows):
        for j in range(0, own, columns):

            def take(x, i=i, j=j):
                first, heads = x.array.shape[:2]
                group = heads // own
                x = x if first == 1 else x[i : i + rows]
                return x if heads == 1 else x[:, j * group : (j + columns) * group]

            yield take


def _forward(q, k, v, mask, scale, causal, leading):
    """The result, with `leading` in front, and the logarithm of the sum of each query's weights."""
    kind = q.kind
    q, k, v = q.detach(), k.detach(), v.detach()
    out = _like(q, v.array.shape[-1])
    lse = empty(q.array.shape[:-1], Kind.of(kind.dtype.opmath, kind.device))
    if kind.cpu or not kind.dtype.is_half:
        made, operands = out, (q, k, v)
    else:
        operands = to_opmath(q), to_opmath(k), to_opmath(v)
        made = _like(operands[0], v.array.shape[-1])
    arrays = [t.array for t in (made, lse, *operands)]
    kernels.attention(kind.device.type, *arrays, None if mask is None else mask.array, scale, causal)
    if made is not out:
        copy_(out, made)
    if len(leading) != 2:
        out = wrap(contiguous(out).array.reshape((*leading, *out.array.shape[2:])), kind.flat)
    return out, lse


def _vjp(node, grad):
    q, k, v, mask, out, lse = node.unpack()
    _, scale, causal, leading = node.params
    out = out.detach()
    if len(leading) != 2:
        four = (*q.array.shape[:3], v.array.shape[-1])
        grad, out = reshape(grad, four), reshape(out, four)
    return _attention_backward(grad, q, k, v, out, lse, mask, scale, causal)


def _backward(grad, q, k, v, out, lse, mask, scale, causal):
    given = [t.detach() for t in (grad, q, k, v, out)]
    results = [_like(x, x.array.shape[-1]) for x in given[1:4]]
    narrow = q.kind.dtype.is_half
    for take in _parts(q, k):
        wide = [to_opmath(take(t)) for t in given]
        made = [_like(x, x.array.shape[-1]) for x in wide[1:4]] if narrow else results
        part = None if mask is None else take(mask).array
        arrays = [t.array for t in (*made, *wide, take(lse))]
        kernels.attention_backward(q.kind.device.type, *arrays, part, scale, causal)
        if narrow:
            for result, x in zip(results, made):
                copy_(take(result), x)
        del wide, made, arrays  # before the next are made
    return tuple(results)


def _backward_vjp(node, grads):
    """Of dq = scale ds k, dk = scale dsᵀ q and dv = pᵀ g, where p are the weights and ds = p (g vᵀ - Σ p (g vᵀ))."""
    *saved, mask = node.unpack()
    dtype = saved[0].kind.dtype
    given = [zeros_like(x) if t is None else t for t, x in zip(grads, saved[1:])]
    g, q, k, v, a, b, c = map(to_opmath, (*saved, *given))
    *_, scale, causal = node.params
    heads, own = q.array.shape[1], k.array.shape[1]
    k, v, b, c = (_repeated(x, heads) for x in (k, v, b, c))

    p = _softmax(mul(matmul(q, transpose(k, -2, -1)), scale), mask, causal)
    dp = matmul(g, transpose(v, -2, -1))
    inner = sum(mul(p, dp), -1, True)
    ds = mul(p, sub(dp, inner))
    # a dq + b dk + c dv, summed, is for_ds ds + for_p p, summed
    for_ds = mul(add(matmul(a, transpose(k, -2, -1)), matmul(q, transpose(b, -2, -1))), scale)
    weighted = sum(mul(for_ds, p), -1, True)
    for_dp = mul(p, sub(for_ds, weighted))
    for_p = add(matmul(g, transpose(c, -2, -1)), sub(mul(for_ds, sub(dp, inner)), mul(dp, weighted)))
    for_s = mul(mul(p, sub(for_p, sum(mul(p, for_p), -1, True))), scale)
    scaled = mul(ds, scale)
    of_k = add(matmul(transpose(for_s, -2, -1), q), matmul(transpose(scaled, -2, -1), a))
    of_v = matmul(transpose(for_dp, -2, -1), g)
    if own != heads:
        of_k, of_v = (sum(unflatten(x, 1, (own, heads // own)), 2) for x in (of_k, of_v))
    of_g = add(matmul(for_dp, v), matmul(p, c))
    of_q = add(matmul(for_s, k), matmul(scaled, b))
    return tuple([cast(x, dtype) for x in (of_g, of_q, of_k, of_v)])


_attention = Op("ScaledDotProductFlashAttentionForCpu", _forward, _vjp, saves=(0, 1, 2, 3, -1, -2), tensors=3)
_attention_backward = Op(
    "ScaledDotProductFlashAttentionForCpuBackward",
    _backward,
    _backward_vjp,
    saves=(0, 1, 2, 3, 6),
    tensors=4,
    differentiable=3,
)


def _fits(shape: Sequence[int], target: Sequence[int]) -> bool:
    """Whether a shape broadcasts to `target` and does not enlarge it."""
    return len(shape) <= len(target) and all([m in (1, n) for m, n in zip(shape[::-1], target[::-1])])


def _leading(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, enable_gqa: bool
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """What stands in front of queries and of keys, or None for operands that the kernel does not take."""
    (*x, length, width), (*y, keys, width2), (*z, keys2, features) = (
        t.array.shape for t in (query, key, value)
    )
    if not query.kind.dtype.is_floating_point or width != width2 or keys != keys2:
        return None
    groups: list[list[int]] = [[], []]
    if enable_gqa:
        if not x or not y or not z or y[-1] != z[-1] or y[-1] == 0 or x[-1] % y[-1]:
            return None
        groups = [x[-1:], y[-1:]]
        x, y, z = x[:-1], y[:-1], z[:-1]
    stack = x if x == y == z else list(broadcast_pair(broadcast_pair(tuple(x), tuple(y)), tuple(z)))
    if 0 in (*stack, *groups[0], length, keys, width, features):
        return None
    if mask is not None and not _fits(mask.array.shape, (*stack, *groups[0], length, keys)):
        return None
    return (*stack, *groups[0]), (*stack, *groups[1])


def _in_four(x: Tensor, leading: tuple[int, ...]) -> Tensor:
    """(batch, heads, ., .) from a tensor that broadcasts to (*leading, ., .)."""
    last = x.array.shape[-2:]
    if x.array.shape[:-2] != leading:
        x = expand(x, (*leading, *last))
    if len(leading) == 2:
        return x
    return reshape(x, (prod(leading[:-1]), leading[-1] if leading else 1, *last))


def _four_of_mask(mask: Tensor, leading: tuple[int, ...], square: tuple[int, int], wide: dt.DType) -> Tensor:
    """A mask as the kernel takes it: numbers, (batch or 1, heads or 1, L, S)."""
    numbers = cast(_additive(mask.detach(), wide), wide)
    shape = numbers.array.shape
    if len(leading) == 2 or numbers.array.ndim <= 2:
        front = (1, 1, *shape[:-2])[-2:]
        return expand(numbers, (*front, *square))
    return _in_four(expand(numbers, (*(1,) * (len(leading) + 2 - len(shape)), *shape[:-2], *square)), leading)


def _is_one_op(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> bool:
    """Whether the attention is a single op in PyTorch, too, so that its gradient reads the operands and the result."""
    q, k, v = (t.array.shape for t in (query, key, value))
    return len(q) == 4 and q[0] == k[0] and k == v and (mask is None or mask.array.ndim in (2, 4))


def _kept(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple:
    """Copies of what may be overwritten before the gradient is wanted, where PyTorch makes the attention of other ops: of
    the operands, they keep the values alone, for the gradients of the others."""
    value = value if query._requires_grad or key._requires_grad else clone(value)
    return clone(query), clone(key), value, None if mask is None else clone(mask)


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    given = {"query": query, "key": key, "value": value}
    if not tensor_kind(query).dtype is tensor_kind(key).dtype is tensor_kind(value).dtype:
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
    if mask is not None and tensor_kind(mask).dtype not in (dt.bool, dt.float32, query.kind.dtype):
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

    Without queries, or values, the result is (*query.shape[:-1], F) of zeros, whatever the other shapes are.

    Raises RuntimeError where dtypes differ or shapes do not fit.

    >>> q = torch.tensor([[1.0, 0.0]])
    >>> F.scaled_dot_product_attention(q, torch.tensor([[100.0, 0.0], [0.0, 100.0]]), torch.tensor([[1.0], [2.0]]))
    tensor([[1.]])
    """
    _check(query, key, value, attn_mask)
    flags(is_causal, enable_gqa)
    if 0 in (query.array.shape[-2], value.array.size):
        none = query.new_zeros((*query.array.shape[:-1], value.array.shape[-1]))
        return add(none, mul(add(add(sum(query), sum(key)), sum(value)), 0))  # on the tape
    four = query.array.ndim == key.array.ndim == value.array.ndim == 4
    if is_causal and attn_mask is not None and not four:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if scale is not None:
        real(scale)
    else:
        width = query.array.shape[-1]
        scale = 1 / math.sqrt(width) if width else math.inf
    composed = (
        dropout_p > 0
        or query.array.shape[-2] == 1
        or (attn_mask is not None and attn_mask._requires_grad and state.enabled)
    )
    leading = None if composed else _leading(query, key, value, attn_mask, enable_gqa)
    if leading is None:
        return _composed(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    recorded = state.enabled and any([t._requires_grad for t in (query, key, value)])
    apart = recorded and not _is_one_op(query, key, value, attn_mask)
    if apart:
        query, key, value, attn_mask = _kept(query, key, value, attn_mask)
    square = (query.array.shape[-2], key.array.shape[-2])
    if attn_mask is not None:
        wide = dt.float64 if query.kind.dtype is dt.float64 else dt.float32
        attn_mask = _four_of_mask(attn_mask, leading[0], square, wide)
    operands = _in_four(query, leading[0]), _in_four(key, leading[1]), _in_four(value, leading[1])
    result, _ = _attention(*operands, attn_mask, scale, is_causal, leading[0])
    return clone(result) if apart else result
