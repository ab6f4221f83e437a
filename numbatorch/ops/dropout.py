"""Dropout: a random part of a tensor is set to zero, and the rest scaled so that the mean stays.

G. Hinton and others, arXiv:1207.0580; "alpha" for self-normalising networks: G. Klambauer and others,
arXiv:1706.02515; "feature" for whole channels: J. Tompson and others, arXiv:1411.4280. On the CPU the numbers are
PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.dtype import bool as boolean
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import mul
from numbatorch.ops.creation import empty, empty_like, ones_like, zeros_like
from numbatorch.ops.random import dropout_noise
from numbatorch.rules import not_implemented

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_ALPHA = 1.7580993408473766  # minus the limit of selu(x) at -infinity


def _idle(input: Tensor, p: float, train: bool) -> bool:
    """Whether `input` stays as it is. Raises RuntimeError unless `p` is a probability."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    return p == 0 or not train or tensor_array(input).size == 0


def _channels(input: Tensor) -> tuple[int, ...]:
    """(N, C)"""
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return tuple(input.shape[:2])


def _shared(input: Tensor, leading: Sequence[int]) -> Tensor:
    """A new tensor with an element for each in the `leading` dimensions; `input` itself if these are all."""
    rest = input.dim() - len(leading)
    if not rest:
        return input
    return empty((*leading, *(1,) * rest), dtype=input.dtype, device=input.device)


def _require_float(input: Tensor) -> None:
    own = tensor_kind(input).dtype
    if own.is_complex:
        raise not_implemented("bernoulli_scalar_cpu_", own)
    if not own.is_inexact:
        raise RuntimeError(f"result type Float can't be cast to the desired output type {type_word(own)}")


def drop(input: Tensor, p: float, leading: Sequence[int], inplace: bool = False) -> Tensor:
    """`input` times noise with one draw for each element of the `leading` dimensions; 0 < p <= 1."""
    like = _shared(input, leading)
    if p < 1:
        _require_float(input)
    noise = dropout_noise(like, p) if p < 1 else zeros_like(like)
    return input.mul_(noise) if inplace else mul(input, noise)


def alpha_drop(input: Tensor, p: float, leading: Sequence[int], inplace: bool = False) -> Tensor:
    """What is dropped becomes the limit of selu; the result is scaled and shifted to keep mean and variance."""
    if p == 1:
        return input.mul_(0) if inplace else mul(input, 0)
    _require_float(input)
    scale = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    kept = empty_like(_shared(input, leading)).bernoulli_(1 - p)
    shift = (kept - 1) * (_ALPHA * scale) + _ALPHA * scale * p
    return input.mul_(kept * scale).add_(shift) if inplace else mul(input, kept * scale) + shift


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Where `train`: each element becomes zero with probability `p`; the others are scaled by 1 / (1 - p)."""
    return input if _idle(input, p, train) else drop(input, p, input.shape)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` in place."""
    return input if _idle(input, p, train) else drop(input, p, input.shape, inplace=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` of whole channels of an input (N, C, ...)."""
    return input if _idle(input, p, train) else drop(input, p, _channels(input))


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout` in place."""
    return input if _idle(input, p, train) else drop(input, p, _channels(input), inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Where `train`: dropout that keeps mean and variance of a self-normalising input."""
    return input if _idle(input, p, train) else alpha_drop(input, p, input.shape)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` in place."""
    return input if _idle(input, p, train) else alpha_drop(input, p, input.shape, inplace=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels of an input (N, C, ...)."""
    return input if _idle(input, p, train) else alpha_drop(input, p, _channels(input))


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_alpha_dropout` in place."""
    return input if _idle(input, p, train) else alpha_drop(input, p, _channels(input), inplace=True)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """The result of `dropout`, and which elements were kept. `train` None stands for True."""
    if train is False:
        return input.clone(), ones_like(input, dtype=boolean)
    _require_float(input)
    noise = dropout_noise(input, p) if 0 < p < 1 else ones_like(input) * (1 - p)
    return mul(input, noise), noise != 0
