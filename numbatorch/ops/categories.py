"""Categories drawn with given weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch.arguments import tensor_kind
from numbatorch.autograd.mode import no_grad
from numbatorch.base import Kind, wrap
from numbatorch.dtype import type_word
from numbatorch.ops.comparison import logical_not, where
from numbatorch.ops.copy import cast, copy_, numbers
from numbatorch.ops.creation import empty_like
from numbatorch.ops.distributions import exponential_
from numbatorch.ops.extrema import argmax
from numbatorch.ops.join import stack
from numbatorch.ops.math import isfinite
from numbatorch.ops.random import new_to_fill, rand
from numbatorch.ops.reduce import all, any, sum
from numbatorch.ops.sampling import source_of
from numbatorch.ops.scan import cumsum
from numbatorch.ops.search import searchsorted
from numbatorch.ops.sort import topk
from numbatorch.ops.view import reshape
from numbatorch.random import Generator
from numbatorch_kernels import random as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Indices drawn with the weights in `input`, (categories) or (rows, categories), which need not sum to 1.

    Without replacement no index comes twice in a row.

    >>> torch.multinomial(torch.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    dtype, shape = tensor_kind(input).dtype, input.array.shape
    if len(shape) not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {type_word(dtype)}"
        )
    if out is not None and out.kind.dtype is not dt.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {type_word(out.kind.dtype)}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    result = new_to_fill((*shape[:-1], num_samples), out, dt.int64, input.kind.device)
    draw = _on_cpu if input.kind.cpu else _on_device
    with no_grad():
        draw(result, input, replacement and num_samples > 1, generator)
    return result


def _on_cpu(result: Tensor, input: Tensor, one_by_one: bool, generator: Generator | None) -> None:
    """The numbers that PyTorch draws."""
    weights = np.atleast_2d(np.ascontiguousarray(numbers(input)))
    if input.kind.dtype is dt.float16:
        weights = weights.astype(np.float32)
    least, largest = weights.min(initial=0), weights.max(initial=0)  # NaN if one is
    _check(
        bool(np.fmin.reduce(weights, axis=None, initial=0) < 0),
        not (-np.inf < least and largest < np.inf),
        bool((weights.sum(1) <= 0).any()),
        one_by_one,
    )
    if result.array.size:
        source = source_of(generator, result)
        drawn = np.empty((len(weights), result.array.shape[-1]), np.int64)
        with source.lock:
            kernels.multinomial(drawn, source.state, weights, one_by_one)
        copy_(result, wrap(drawn.reshape(result.array.shape), Kind.of(dt.int64)))


def _on_device(result: Tensor, input: Tensor, one_by_one: bool, generator: Generator | None) -> None:
    """What is wrong with the weights is three truth values, for which the host waits."""
    rows = reshape(cast(input, input.kind.dtype.opmath), -1, input.array.shape[-1])
    wrong = stack([any(rows < 0), logical_not(all(isfinite(rows))), any(sum(rows, 1) <= 0)])
    negative, endless, empty = numbers(wrong).tolist()
    _check(negative, endless, empty, one_by_one)
    if result.array.size:
        drawn = _drawn(rows, result.array.shape[-1], one_by_one, generator)
        copy_(result, reshape(drawn, result.array.shape))


def _drawn(rows: Tensor, count: int, one_by_one: bool, generator: Generator | None) -> Tensor:
    """Where a number drawn lies among the weights added up; or the largest of weight / exponential number: the first to
    arrive of clocks with these rates."""
    if one_by_one:
        upto = cumsum(rows, 1)
        places = rand(
            rows.array.shape[0], count, dtype=rows.kind.dtype, device=rows.kind.device, generator=generator
        )
        return searchsorted(upto / upto[:, -1:], places, right=True)
    score = where(rows > 0, rows / exponential_(empty_like(rows), generator=generator), 0)
    return argmax(score, 1, True) if count == 1 else topk(score, count, 1)[1]


def _check(negative: bool, endless: bool, empty: bool, one_by_one: bool) -> None:
    """Raise RuntimeError for weights that are below zero, infinite or NaN, or all zero in a row."""
    if one_by_one:
        if negative:
            raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
        if endless:
            raise RuntimeError(
                "invalid multinomial distribution (encountering probability entry = infinity or NaN)"
            )
    elif negative or endless:
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if empty:
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
