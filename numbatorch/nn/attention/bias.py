"""Causal masks for more keys than queries: aligned to the first of both, or to the last."""

from __future__ import annotations

import enum
import warnings

from numbatorch import dtype as dt
from numbatorch.ops import ones
from numbatorch.tensor import Tensor


class CausalVariant(enum.IntEnum):
    """Which corner of the mask the diagonal starts from."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A mask for `scaled_dot_product_attention`: True where a query sees a key, those on and below the diagonal.

    >>> nn.attention.bias.causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> CausalBias:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        last = variant is CausalVariant.LOWER_RIGHT
        if last and seq_len_q > seq_len_kv:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!",
                stacklevel=2,
            )
        mask = ones(seq_len_q, seq_len_kv, dtype=dt.bool).tril(seq_len_kv - seq_len_q if last else 0)
        made = mask.as_subclass(cls)
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        return made


def causal_upper_left(*size: int) -> CausalBias:
    """Query i of L sees the keys 0 to i of S: what `is_causal=True` does. size: L, S."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_two("causal_upper_left", size))


def causal_lower_right(*size: int) -> CausalBias:
    """The last query of L sees all S keys, each one before it one key less. size: L, S."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two("causal_lower_right", size))


def _two(function: str, size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) != 2:
        raise AssertionError(f"{function} only supports 2D tensors")
    return size
