"""Running totals along a dimension: cumsum, cumprod. (For the largest so far see sort.py.)"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.base import wrap
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import div, mul
from numbatorch.ops.arrange import flip
from numbatorch.ops.comparison import eq, logical_and, masked_fill, where
from numbatorch.ops.copy import cast, contiguous, copy_
from numbatorch.ops.view import reshape
from numbatorch.shape import normalize_dim
from numbatorch_kernels import scan as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def lines(input: Tensor, dim: int) -> tuple[int, int, int]:
    """The sizes of the tensor seen as (outer, n, inner), where n is that of `dim`."""
    shape = input.array.shape
    return prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :])


def widened(input: Tensor) -> Tensor:
    """`input` off the tape, contiguous, and float32 if it was float16 or bfloat16."""
    dtype = input.kind.dtype
    return contiguous(
        cast(wrap(input.array, input.kind), dt.float32 if dtype in (dt.float16, dt.bfloat16) else dtype)
    )


def _forward(how: int):
    def forward(input, dim):
        source = widened(input)
        result = base.empty(source.array.shape, source.kind)
        if result.array.size:
            kernels.scan(source.kind.device.type, result.array, source.array, *lines(source, dim), how)
        return cast(result, input.kind.dtype)

    return forward


def _cumsum_vjp(node, grad):
    (dim,) = node.params
    return (flip(_cumsum(flip(grad, dim), dim), dim),)


def _cumprod_vjp(node, grad):
    """From each element on, the sum of grad times result, divided by the element. Behind the first zero of a
    line all results are zero; what it gets itself is found with a one in its place."""
    input, result = node.unpack()
    (dim,) = node.params
    zero = eq(input, 0)
    seen = cumsum(zero, dim)
    first, none = logical_and(zero, eq(seen, 1)), eq(seen, 0)
    before = div(_from_each_on(mul(grad, result), dim), masked_fill(input, zero, 1))
    at = _from_each_on(mul(grad, _cumprod(masked_fill(input, first, 1), dim)), dim)
    return (where(none, before, where(first, at, 0.0)),)


def _from_each_on(values: Tensor, dim: int) -> Tensor:
    return flip(_cumsum(flip(values, dim), dim), dim)


_cumsum = Op("Cumsum", _forward(kernels.SUM), _cumsum_vjp)
_cumprod = Op("Cumprod", _forward(kernels.PRODUCT), _cumprod_vjp, saves=(0, -1))


def _along(row: Op, input: Tensor, dim: int, dtype: DType | None, out: Tensor | None) -> Tensor:
    d = normalize_dim(dim, input.array.ndim)
    if dtype is not None:
        input = cast(input, dt.as_dtype(dtype))
    elif not (input.kind.dtype.is_floating_point or input.kind.dtype.is_complex):
        input = cast(input, dt.int64)
    result = row(input, d) if input.array.ndim else reshape(row(reshape(input, 1), 0), ())
    return result if out is None else copy_(out, result)


def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The sum of the elements so far along `dim`. Integers give int64.

    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return _along(_cumsum, input, dim, dtype, out)


def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The product of the elements so far along `dim`. Integers give int64."""
    return _along(_cumprod, input, dim, dtype, out)


def cumsum_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """`cumsum` in place."""
    return copy_(self, cumsum(self, dim, dtype=dtype))


def cumprod_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """`cumprod` in place."""
    return copy_(self, cumprod(self.clone(), dim, dtype=dtype))
