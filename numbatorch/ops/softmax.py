"""Softmax and its logarithm: single kernels, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import misfit
from numbatorch.base import Kind, empty
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import mul, sub
from numbatorch.ops.copy import cast, contiguous, into
from numbatorch.ops.math import exp, neg
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import remember
from numbatorch.rules import not_implemented
from numbatorch.shape import contiguous_strides, normalize_dim
from numbatorch_kernels import entropy
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
        kind, shape, dim = args[0].kind, args[0].array.shape, args[-1]
        try:
            plan = self.plans.get((kind, shape, dim))
        except TypeError:  # of a list
            raise misfit(dim, "int") from None
        if plan is None:
            if not kind.contiguous:
                return self.run(*[contiguous(x) for x in args[:-1]], dim)
            plan = remember(self.plans, (kind, shape, dim), self.plan(kind, shape, dim))
        result = empty(shape, kind)
        if plan is not None:
            plan((result.array,), [x.array if x.kind is kind else contiguous(x).array for x in args[:-1]])
        return result

    def plan(self, kind: Kind, shape: tuple[int, ...], dim: int) -> Callable | None:
        """The kernel's plan for contiguous tensors, None without elements; raises for what it cannot be."""
        d, last = normalize_dim(dim, len(shape)), len(shape) - 1
        if 0 in shape:
            return None
        if not kind.dtype.is_floating_point:
            kernel = f"{self.reduction.name}{'_lastdim' if d >= last else ''}_kernel_impl"
            raise not_implemented(kernel, kind.dtype)
        return self.kernel(kind, shape, d)

    def kernel(self, kind: Kind, shape: tuple[int, ...], d: int) -> Callable:
        way = walk(shape, contiguous_strides(shape), (d,) if shape else ())
        inputs, outputs = (kind.element,) * self.reduction.elements, (kind.element,)
        return plan_for(kind.device.type, self.reduction, inputs, outputs, computed_in(kind.element), way)


class _Softmax(_Along):
    """The softmax, or its logarithm: of short rows on the CPU by a kernel of their own, many rows at a time."""

    def __init__(self, name: str, reduction: table.Reduction, vjp: Callable, logs: bool):
        super().__init__(name, reduction, vjp, (-1,))
        self.logs = logs

    def kernel(self, kind: Kind, shape: tuple[int, ...], d: int) -> Callable:
        rows = None
        if kind.cpu and d == len(shape) - 1:
            rows = entropy.short_rows(self.logs, kind.numpy, prod(shape[:d]), shape[d], kind.element == "bf")
        return super().kernel(kind, shape, d) if rows is None else rows


def _softmax_vjp(node, grad):
    (y,) = node.unpack()
    return (_softmax_backward(grad, y, *node.params),)


def _log_softmax_vjp(node, grad):
    (y,) = node.unpack()
    return (log_softmax_backward(grad, y, *node.params),)


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


_softmax = _Softmax("Softmax", table.softmax, _softmax_vjp, logs=False)
_log_softmax = _Softmax("LogSoftmax", table.log_softmax, _log_softmax_vjp, logs=True)
_softmax_backward = _Along("SoftmaxBackwardData", table.softmax_backward, _softmax_backward_vjp, (0, 1))
log_softmax_backward = _Along(
    "LogSoftmaxBackwardData", table.log_softmax_backward, _log_softmax_backward_vjp, (0, 1)
)


def softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`, in `dtype` if given. Raises NotImplementedError for integers.

    >>> torch.softmax(torch.tensor([1.0, 1.0]), 0)
    tensor([0.5000, 0.5000])
    """
    result = _softmax(input if dtype is None else cast(input, dt.as_dtype(dtype)), dim)
    return result if out is None else into(out, result, "softmax")


def log_softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """x - log Σ eˣ along `dim`, in `dtype` if given. Raises NotImplementedError for integers.

    >>> torch.log_softmax(torch.tensor([1.0, 1.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    result = _log_softmax(input if dtype is None else cast(input, dt.as_dtype(dtype)), dim)
    return result if out is None else into(out, result, "log_softmax")
