"""repeat_interleave: every element so many times in a row."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import OMITTED, tensor_array
from numbatorch.base import Kind, wrap
from numbatorch.ops.comparison import where
from numbatorch.ops.copy import contiguous, move
from numbatorch.ops.extrema import amin
from numbatorch.ops.rows import index_select
from numbatorch.ops.scan import cumsum
from numbatorch.ops.search import searchsorted
from numbatorch.ops.sequences import arange
from numbatorch.ops.view import expand, reshape
from numbatorch.rules import not_implemented
from numbatorch.shape import normalize_dim, sized_dim
from numbatorch_kernels import index as kernels

if TYPE_CHECKING:
    from numbatorch.device import device as Device
    from numbatorch.tensor import Tensor


def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor = OMITTED,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """A copy with every element along `dim` so many times in a row; without `dim` of the flattened tensor.
    With one argument, a tensor of numbers: each index as often as it says.

    >>> torch.repeat_interleave(torch.tensor([7, 8]), torch.tensor([1, 3]))
    tensor([7, 8, 8, 8])
    """
    if repeats is OMITTED:
        return _repeated(tensor_array(input).size, input, input.kind.device)
    if dim is None:
        input, dim = reshape(input, -1), 0
    ndim = tensor_array(input).ndim
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        return _spread(input, normalize_dim(dim if ndim else 1, ndim), repeats, input.array.shape)
    if tensor_array(repeats).ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    d = sized_dim(dim, ndim)
    n = input.array.shape[d]
    if repeats.array.ndim and repeats.array.size not in (1, n):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats.array.size} and input.size({d}) = {n}"
        )
    return index_select(input, d, _repeated(n, repeats, input.kind.device))


def _spread_forward(input, dim, times, shape):
    source = contiguous(wrap(input.array, input.kind))
    result = base.empty((*shape[:dim], shape[dim] * times, *shape[dim + 1 :]), input.kind)
    if result.array.size:
        kernels.spread(source.kind.device.type, result.array, source.array, times, prod(shape[dim + 1 :]))
    return result


def _spread_vjp(node, grad):
    dim, times, shape = node.params
    return (reshape(grad, (*shape[: dim + 1], times, *shape[dim + 1 :])).sum(dim + 1),)


_spread = Op("RepeatInterleave", _spread_forward, _spread_vjp)


def _repeated(n: int, repeats: Tensor, device: Device) -> Tensor:
    """0 to n - 1, each as often as `repeats` says, on `device`."""
    if repeats.kind.dtype not in (dt.int64, dt.int32):
        raise not_implemented("repeat_interleave_cpu", repeats.kind.dtype)
    if not n:
        return arange(0, device=device)
    times = expand(reshape(repeats.detach(), -1), n)
    if times.kind.cpu:
        negative = times.array.min() < 0
    else:
        ends = cumsum(times, 0)
        # One number for both questions: the host waits once.
        total = where(amin(times) < 0, -1, ends[-1]).item()
        negative = total < 0
    if negative:
        raise RuntimeError("repeats can not be negative")
    if times.kind.cpu:
        places = np.repeat(np.arange(n), times.array)
        return move(wrap(places, Kind.of(dt.int64)), device)
    return searchsorted(ends, arange(total, device=device), right=True)
