"""Attention with several heads, as a function: what `MultiheadAttention` computes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.dtype import DType
from numbatorch.dtype import bool as boolean
from numbatorch.tensor import Tensor


def canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: DType | None,
    other_name: str,
    target_type: DType,
    check_other: bool = True,
) -> Tensor | None:
    """A mask as numbers to be added: minus infinity where a mask of truth values is True."""
    if mask is None or mask.is_floating_point():
        own = mask
    elif mask.dtype is boolean:
        own = ops.zeros_like(mask, dtype=target_type).masked_fill_(mask, -math.inf)
    else:
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if mask is not None and check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    return own


def dtype_of(mask: Tensor | None) -> DType | None:
    """The dtype of a mask, if there is one."""
    if mask is not None and not isinstance(mask, Tensor):
        raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")
    return None if mask is None else mask.dtype


def _batched(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int
) -> bool:
    """Whether there is a dimension for the batch. Raises AssertionError where numbers of dimensions do not fit."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor"
        )
    which = f"For {'batched' if dims == 3 else 'unbatched'} ({dims}-D) `query`, expected"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"{which} `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors "
            "respectively"
        )
    if padding is not None and padding.dim() != dims - 1:
        raise AssertionError(
            f"{which} `key_padding_mask` to be `None` or {dims - 1}-D but found {padding.dim()}-D tensor instead"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"{which} `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead"
        )
    if mask is not None and dims == 2 and mask.dim() == 3:
        expected = (heads, query.shape[0], key.shape[0])
        if mask.shape != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {mask.shape}")
    return dims == 3


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`linear` of (L, N, E), also where these lie in memory as (N, L, E): without a copy."""
    if input.is_contiguous():
        return ops.linear(input, weight, bias)
    return ops.linear(input.transpose(0, 1), weight, bias).transpose(0, 1)


def _projected_together(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None
) -> Sequence[Tensor]:
    """Queries, keys and values from the three parts of one weight: of the same tensor, in one product."""
    width = query.shape[-1]
    biases: Sequence[Tensor | None]
    if query is key is value:
        return _linear(query, weight, bias).unflatten(-1, (3, width)).unbind(-2)
    if key is value:
        weights = weight.split([width, 2 * width])
        biases = (None, None) if bias is None else bias.split([width, 2 * width])
        both = _linear(key, weights[1], biases[1]).unflatten(-1, (2, width)).unbind(-2)
        return _linear(query, weights[0], biases[0]), *both
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return [_linear(*parts) for parts in zip((query, key, value), weight.chunk(3), biases)]


def _projected_apart(
    inputs: Sequence[Tensor], weights: Sequence[Any], bias: Tensor | None
) -> Sequence[Tensor]:
    """Queries, keys and values, each with a weight of its own."""
    width = inputs[0].shape[-1]
    biases: Sequence[Tensor | None] = (None,) * 3 if bias is None else bias.chunk(3)
    for letter, weight in zip("qkv", weights):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {letter}_proj_weight is None")
    for name, tensor, weight in zip(("query", "key", "value"), inputs, weights):
        expected = (width, tensor.shape[-1])
        if weight.shape != expected:
            raise AssertionError(f"expecting {name} weights shape of {expected}, but got {weight.shape}")
    for name, part in zip(("query", "key", "value"), biases):
        if part is not None and part.shape != (width,):
            raise AssertionError(f"expecting {name} bias shape of {(width,)}, but got {part.shape}")
    return [_linear(*parts) for parts in zip(inputs, weights, biases)]


def _longer(mask: Tensor | None) -> Tensor | None:
    """A mask for one more key, which everybody sees."""
    return mask if mask is None else ops.pad(mask, (0, 1))


def _static(name: str, static: Tensor, batch: int, heads: int, width: int) -> Tensor:
    """Keys or values that are given (N heads, S, E / heads), as (N, heads, S, E / heads)."""
    if static.size(0) != batch * heads:
        raise AssertionError(f"expecting {name}.size(0) of {batch * heads}, but got {static.size(0)}")
    if static.size(2) != width:
        raise AssertionError(f"expecting {name}.size(2) of {width}, but got {static.size(2)}")
    return static.unflatten(0, (batch, heads))


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `MultiheadAttention` computes, which describes the arguments: the output (L, N, E), or (L, E) without a
    batch, and the weights of attention, or None unless `need_weights`.

    static_k, static_v   (N heads, S, E / heads), used in place of the keys and values made of `key` and `value`
    is_causal            a hint that `attn_mask`, which must be there, is the causal mask

    Raises AssertionError or RuntimeError where shapes do not fit.
    """
    is_batched = _batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        if query is key is value:
            query = key = value = query.unsqueeze(1)
        else:
            query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    target, batch, width = query.shape
    source = key.shape[0]
    padding = canonical_mask(
        key_padding_mask, "key_padding_mask", dtype_of(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        mask = None  # the hint says it all
    else:
        mask = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        is_causal = is_causal and padding is None
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")

    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        own = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _projected_apart((query, key, value), own, in_proj_bias)
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _projected_together(query, key, value, in_proj_weight, in_proj_bias)

    if mask is not None:  # (1, 1, L, S) or (N, heads, L, S)
        expected = (target, source) if mask.dim() == 2 else (batch * num_heads, target, source)
        if mask.shape != expected:
            raise RuntimeError(
                f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {expected}."
            )
        mask = mask.view(1, 1, *expected) if mask.dim() == 2 else mask.unflatten(0, (batch, num_heads))
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError(f"bias cannot be added to static {'value' if static_k is None else 'key'}.")
        k, v = (ops.cat([x, bias.repeat(1, batch, 1)]) for x, bias in ((k, bias_k), (v, bias_v)))
        mask, padding = _longer(mask), _longer(padding)
    elif bias_k is not None:
        raise AssertionError("bias_k is set but bias_v is None")
    elif bias_v is not None:
        raise AssertionError("bias_v is set but bias_k is None")

    q, k, v = (x.unflatten(-1, (num_heads, head)).permute(1, 2, 0, 3) for x in (q, k, v))
    if static_k is not None:
        k = _static("static_k", static_k, batch, num_heads, head)
    if static_v is not None:
        v = _static("static_v", static_v, batch, num_heads, head)
    if add_zero_attn:
        k, v = (ops.pad(x, (0, 0, 0, 1)) for x in (k, v))
        mask, padding = _longer(mask), _longer(padding)
    if padding is not None:
        for d, size in enumerate((batch, k.shape[2])):
            if padding.shape[d] != size:
                raise AssertionError(
                    f"Expected key_padded_mask.shape[{d}] to be {size}, but got {padding.shape[d]}"
                )
        padding = padding[:, None, None]
        mask = padding if mask is None else mask + padding

    if not training:
        dropout_p = 0.0
    if need_weights:
        if is_causal and mask is None:
            raise AssertionError("FIXME: is_causal not implemented for need_weights")
        scores = ops.matmul(q * math.sqrt(1.0 / head), k.transpose(-2, -1))
        weights = ops.softmax(scores if mask is None else scores + mask, -1)
        weights = ops.dropout(weights, dropout_p, True)
        seen = ops.matmul(weights, v)
    else:
        seen = ops.scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    seen = seen.permute(2, 0, 1, 3)
    if training:
        seen = seen.contiguous()  # as PyTorch's: a dropout after it draws in the order of memory
    output = _linear(seen.flatten(2), out_proj_weight, out_proj_bias)
    output = output if is_batched else output.squeeze(1)
    if not need_weights:
        return output, None
    weights = weights.mean(1) if average_attn_weights else weights
    return output, weights if is_batched else weights.squeeze(0)
