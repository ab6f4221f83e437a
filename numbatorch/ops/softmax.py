"""Softmax and its logarithm: single kernels, forward and backward."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op, type_word
from numbatorch.base import empty
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import mul, sub
from numbatorch.ops.copy import cast
from numbatorch.ops.math import exp
from numbatorch.ops.reduce import sum
from numbatorch.shape import normalize_dim
from numbatorch_kernels.reduce import table
from numbatorch_kernels.reduce.launch import plan_for
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.walk import walk

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


@cache
def _plan(reduction: Reduction, kind, shape: tuple[int, ...], dim: int):
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    compute = "f8" if kind.element == "f8" else "f4"
    return plan_for(
        kind.device.type,
        reduction,
        (kind.element,) * reduction.elements,
        (kind.element,),
        compute,
        walk(shape, strides[::-1], (dim,)),
    )


def _along(reduction: Reduction, dim: int, *inputs: Tensor) -> Tensor:
    """A reduction over `dim` that emits a result for each element."""
    first = inputs[0].contiguous()
    arrays = [first.array, *[x.contiguous().array for x in inputs[1:]]]
    out = empty(first.array.shape, first.kind)
    if math.prod(out.array.shape):
        if out.array.ndim == 0:
            _plan(reduction, first.kind.flat, (1,), 0)(
                [out.array.reshape((1,))], [a.reshape((1,)) for a in arrays]
            )
        else:
            _plan(reduction, first.kind.flat, first.array.shape, dim)([out.array], arrays)
    return out


def _softmax_vjp(node, grad):
    (result,) = node.unpack()
    return (_softmax_backward(grad, result, *node.params),)


def _softmax_backward_vjp(node, gg):
    grad, y = node.unpack()
    (dim,) = node.params
    inner = sum(mul(gg, y), dim, True)
    return (
        mul(y, sub(gg, inner)) if node.needs[0] else None,
        sub(mul(gg, sub(grad, sum(mul(grad, y), dim, True))), mul(grad, inner)) if node.needs[1] else None,
    )


_softmax = Op("Softmax", lambda input, dim: _along(table.softmax, dim, input), _softmax_vjp, saves=(-1,))
_softmax_backward = Op(
    "SoftmaxBackwardData",
    lambda grad, y, dim: _along(table.softmax_backward, dim, grad, y),
    _softmax_backward_vjp,
    saves=(0, 1),
    tensors=2,
)


def _log_softmax_vjp(node, grad):
    (result,) = node.unpack()
    return (_log_softmax_backward(grad, result, *node.params),)


def _log_softmax_backward_vjp(node, gg):
    grad, y = node.unpack()
    (dim,) = node.params
    p = exp(y)
    return (
        sub(gg, sum(mul(gg, p), dim, True)) if node.needs[0] else None,
        mul(mul(gg, p), mul(sum(grad, dim, True), -1)) if node.needs[1] else None,
    )


_log_softmax = Op(
    "LogSoftmax", lambda input, dim: _along(table.log_softmax, dim, input), _log_softmax_vjp, saves=(-1,)
)
_log_softmax_backward = Op(
    "LogSoftmaxBackwardData",
    lambda grad, y, dim: _along(table.log_softmax_backward, dim, grad, y),
    _log_softmax_backward_vjp,
    saves=(0, 1),
    tensors=2,
)


def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`.

    >>> torch.softmax(torch.tensor([1.0, 1.0]), 0)
    tensor([0.5000, 0.5000])
    """
    return _apply(_softmax, "softmax", input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """x - log Σ eˣ along `dim`."""
    return _apply(_log_softmax, "log_softmax", input, dim, dtype)


def _apply(row: Op, name: str, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    if dtype is not None:
        input = cast(input, dt.as_dtype(dtype))
    if not input.kind.dtype.is_floating_point:
        raise NotImplementedError(
            f"\"{name}_lastdim_kernel_impl\" not implemented for '{type_word(input.kind.dtype)}'"
        )
    return row(input, normalize_dim(dim, input.array.ndim))
