"""Attention whose scores a function of one's own changes.

PyTorch calls such a function for each score, by `vmap`. Here it is called once, with all scores and with indices that broadcast
against them, so that every operation in it is one kernel over the whole.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from numbatorch import dtype as dt
from numbatorch.device import device as Device
from numbatorch.nn.functional import pad
from numbatorch.ops import arange, broadcast_to, isneginf, softmax, where, zeros
from numbatorch.tensor import Tensor

MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


class AuxRequest(NamedTuple):
    """What `flex_attention` is to return beside its result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """For each query, where asked for: the logarithm of the sum of its exponentiated scores, and the largest score."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Every query sees every key."""
    return batch.new_ones((), dtype=dt.bool)


def and_masks(*mask_mods: MaskMod) -> MaskMod:
    """What all of them let see."""
    _check_callable(mask_mods)

    def and_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_ones((), dtype=dt.bool)
        for mask in mask_mods:
            result = result & mask(b, h, q_idx, kv_idx)
        return result

    return and_mask


def or_masks(*mask_mods: MaskMod) -> MaskMod:
    """What any of them lets see."""
    _check_callable(mask_mods)

    def or_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_zeros((), dtype=dt.bool)
        for mask in mask_mods:
            result = result | mask(b, h, q_idx, kv_idx)
        return result

    return or_mask


def _check_callable(mask_mods: tuple[Any, ...]) -> None:
    if not all(callable(mask) for mask in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")


def _places(shape: tuple[int, ...], device: Device | str | None) -> list[Tensor]:
    """The index along each dimension, as a tensor that broadcasts to the shape."""
    return [
        arange(n, device=device).view([n if other == d else 1 for other in range(len(shape))])
        for d, n in enumerate(shape)
    ]


def create_mask(
    mod_fn: MaskMod | ScoreMod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Device | str | None = None,
) -> Tensor:
    """Where a mask of four indices, or a change of scores of five arguments, lets a query see a key: (B, H, Q_LEN, KV_LEN).

    >>> from numbatorch.nn.attention.flex_attention import create_mask
    >>> create_mask(lambda b, h, q, kv: q >= kv, None, None, 2, 3)
    tensor([[[[ True, False, False],
              [ True,  True, False]]]])
    """
    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    places, function = _places(shape, device), mod_fn
    if len(inspect.signature(mod_fn).parameters) == 5:
        return ~isneginf(broadcast_to(function(zeros(shape, device=device), *places), shape))
    return broadcast_to(function(*places), shape)


class BlockMask:
    """A function that says which keys a query sees, for given lengths, and which blocks of the scores it leaves to be computed.

    The blocks count for `sparsity` and `to_dense`, of which programs ask; `flex_attention` computes all scores.
    """

    def __init__(
        self, blocks: Tensor, seq_lengths: tuple[int, int], BLOCK_SIZE: tuple[int, int], mask_mod: MaskMod
    ) -> None:
        self.blocks, self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = (
            blocks,
            seq_lengths,
            BLOCK_SIZE,
            mask_mod,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, H, queries, keys)"""
        return (*self.blocks.shape[:2], *self.seq_lengths)

    def numel(self) -> int:
        """How many scores there are."""
        return math.prod(self.shape)

    def to_dense(self) -> Tensor:
        """1 for each block in which a query sees a key: (B, H, blocks of queries, blocks of keys)."""
        return self.blocks.to(dt.int32)

    def sparsity(self) -> float:
        """How much of the scores is in blocks that need not be computed, in percent."""
        return 100 * (1 - self.blocks.sum().item() * math.prod(self.BLOCK_SIZE) / self.numel())

    def to(self, device: Device | str) -> BlockMask:
        """The same for another device."""
        return BlockMask(self.blocks.to(device), self.seq_lengths, self.BLOCK_SIZE, self.mask_mod)

    def __repr__(self) -> str:
        name = getattr(self.mask_mod, "__name__", self.mask_mod)
        return f"BlockMask(shape={self.shape}, BLOCK_SIZE={self.BLOCK_SIZE}, sparsity={self.sparsity():.2f}%, mask_mod={name})"


def create_block_mask(
    mask_mod: MaskMod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Device | str | None = None,
    BLOCK_SIZE: int | tuple[int, int] = 128,
    _compile: bool = False,
    separate_full_blocks: bool = True,
) -> BlockMask:
    """The mask `mask_mod(batch, head, query, key)` for `flex_attention`, made ready for these lengths.

    B, H    batches and heads, None where the mask is the same for all
    """
    sizes = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    whole = pad(mask, (0, -KV_LEN % sizes[1], 0, -Q_LEN % sizes[0]))
    blocks = whole.unflatten(3, (-1, sizes[1])).unflatten(2, (-1, sizes[0])).any(-1).any(3)
    return BlockMask(blocks, (Q_LEN, KV_LEN), sizes, mask_mod)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: ScoreMod | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: dict[str, Any] | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """softmax(score_mod(scale q kᵀ)) v, where a query does not see what the mask hides; one that sees nothing gets zeros.

    query (B, Hq, L, E), key (B, Hkv, S, E) and value (B, Hkv, S, Ev) give (B, Hq, L, Ev).

    score_mod    function of the scores and of batch, head, query and key, all of which broadcast; makes new scores
    block_mask   see `create_block_mask`
    scale        1 / √E if not given
    enable_gqa   heads of keys and values each serve several heads of queries
    return_aux   what else to return; `return_lse` asks for the logarithm of the sums alone

    >>> from numbatorch.nn.attention.flex_attention import flex_attention
    >>> x = torch.tensor([[[[1.0], [2.0]]]])
    >>> flex_attention(x, x, x, lambda score, b, h, q, kv: torch.where(q >= kv, score, -torch.inf))
    tensor([[[[1.0000],
              [1.8808]]]])
    """
    _check(query, key, value, block_mask, enable_gqa)
    if return_lse and return_aux is not None:
        raise ValueError(
            "Cannot specify both return_lse and return_aux. "
            "return_lse is deprecated, please use return_aux=AuxRequest(lse=True) instead."
        )
    if enable_gqa:
        groups = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = query @ key.mT * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    places = _places(tuple(scores.shape), scores.device)
    if score_mod is not None:
        scores = broadcast_to(score_mod(scores, *places), scores.shape)
    if block_mask is not None:
        scores = where(block_mask.mask_mod(*places), scores, -math.inf)
    largest = scores.amax(-1)
    unseen = isneginf(largest)[..., None]
    out = where(unseen, 0.0, softmax(where(unseen, 0.0, scores), -1)).to(value.dtype) @ value
    if return_lse:
        return out, scores.logsumexp(-1)
    if return_aux is None:
        return out
    return out, AuxOutput(
        scores.logsumexp(-1) if return_aux.lse else None, largest if return_aux.max_scores else None
    )


def _check(query: Tensor, key: Tensor, value: Tensor, block_mask: BlockMask | None, enable_gqa: bool) -> None:
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension "
            f"but got E={query.shape[-1]} and E={key.shape[-1]}."
        )
    if not query.dim() == key.dim() == value.dim() == 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    own, other = query.shape[1], key.shape[1]
    if not enable_gqa and own != other:
        raise ValueError(
            "Expect query and key/value to have the same number of heads "
            f"but got Hq={own} and Hkv={other}. Try setting enable_gqa=True for GQA."
        )
    if own % other:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA "
            f"but got Hq={own} and Hkv={other}."
        )
    if block_mask is not None and block_mask.seq_lengths != (query.shape[2], key.shape[2]):
        larger = block_mask.seq_lengths >= (query.shape[2], key.shape[2])
        raise ValueError(
            f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={query.shape[2]} and "
            f"kv_len={key.shape[2]}. As the block mask was created for a {'larger' if larger else 'smaller'} length than "
            "you're using it for, you likely need to create a new block mask."
        )
