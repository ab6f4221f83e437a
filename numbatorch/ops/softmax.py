"""Softmax and its logarithm: single kernels, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.base import empty
from numbatorch.dtype import DType, type_word
from numbatorch.ops.arithmetic import mul, sub
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.math import exp, neg
from numbatorch.ops.reduce import sum
from numbatorch.shape import contiguous_strides, normalize_dim
from numbatorch_kernels.reduce import table
from numbatorch_kernels.reduce.launch import computed_in, plan_for
from numbatorch_kernels.reduce.walk import walk

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class _Along(Op):
    """A reduction along one dimension that has a result for each element: op(*tensors of one shape and dtype,
    dim)."""

    def __init__(self, name: str, reduction: table.Reduction, vjp: Callable, saves: Sequence[int]):
        super().__init__(name, self.run, vjp, saves=saves, tensors=reduction.elements)
        self.reduction = reduction
        self.plans: dict[tuple, Callable] = {}

    def run(self, *args) -> Tensor:
        *tensors, dim = args
        tensors = [x if x.kind.contiguous else contiguous(x) for x in tensors]
        kind, shape = tensors[0].kind, tensors[0].array.shape
        result = empty(shape, kind)
        if not result.array.size:
            return result
        plan = self.plans.get((kind, shape, dim))
        if plan is None:
            element, reduction = kind.element, self.reduction
            way = walk(shape, contiguous_strides(shape), (dim,) if shape else ())
            plan = plan_for(
                kind.device.type,
                reduction,
                (element,) * reduction.elements,
                (element,),
                computed_in(element),
                way,
            )
            self.plans[kind, shape, dim] = plan
        plan((result.array,), [x.array for x in tensors])
        return result


def _softmax_vjp(node, grad):
    (y,) = node.unpack()
    return (_softmax_backward(grad, y, *node.params),)


def _log_softmax_vjp(node, grad):
    (y,) = node.unpack()
    return (_log_softmax_backward(grad, y, *node.params),)


def _softmax_backward_vjp(node, grad):
    """Of y (g - Σ g y), for g and for y."""
    g, y = node.unpack()
    (dim,) = node.params
    inner = sum(mul(grad, y), dim, True)
    for_y = sub(mul(grad, sub(g, sum(mul(g, y), dim, True))), mul(g, inner)) if node.needs[1] else None
    return mul(y, sub(grad, inner)), for_y


def _log_softmax_backward_vjp(node, grad):
    """Of g - e^y Σ g, for g and for y."""
    g, y = node.unpack()
    (dim,) = node.params
    weighted = mul(grad, exp(y))
    return sub(grad, sum(weighted, dim, True)), neg(mul(weighted, sum(g, dim, True))) if node.needs[
        1
    ] else None


_softmax = _Along("Softmax", table.softmax, _softmax_vjp, (-1,))
_log_softmax = _Along("LogSoftmax", table.log_softmax, _log_softmax_vjp, (-1,))
_softmax_backward = _Along("SoftmaxBackwardData", table.softmax_backward, _softmax_backward_vjp, (0, 1))
_log_softmax_backward = _Along(
    "LogSoftmaxBackwardData", table.log_softmax_backward, _log_softmax_backward_vjp, (0, 1)
)


def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`, in `dtype` if given. Raises NotImplementedError for integers.

    >>> torch.softmax(torch.tensor([1.0, 1.0]), 0)
    tensor([0.5000, 0.5000])
    """
    return _along(_softmax, "softmax", input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """x - log Σ eˣ along `dim`, in `dtype` if given. Raises NotImplementedError for integers.

    >>> torch.log_softmax(torch.tensor([1.0, 1.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    return _along(_log_softmax, "log_softmax", input, dim, dtype)


def _along(row: _Along, name: str, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    if dtype is not None:
        input = cast(input, dt.as_dtype(dtype))
    own, ndim = input.kind.dtype, input.array.ndim
    d = normalize_dim(dim, ndim)
    if not own.is_floating_point:
        kernel = f"{name}{'_lastdim' if d >= ndim - 1 else ''}_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{type_word(own)}'")
    return row(input, d)
