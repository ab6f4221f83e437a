"""The cross entropy of scores and classes: log_softmax and nll_loss as one operation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty, kind_of, wrap
from numbatorch.ops.arithmetic import add
from numbatorch.ops.copy import cast, contiguous, to_opmath
from numbatorch.ops.loss import nll_backward, nll_loss
from numbatorch.ops.softmax import log_softmax, log_softmax_backward
from numbatorch_kernels import entropy as kernels
from numbatorch_kernels import loss as losses
from numbatorch_kernels import memory

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _laid_out(x: Tensor) -> tuple[Any, int, Tensor, Any]:
    """`x` as the kernels take it: its memory and how many elements lie between two classes; and an empty tensor, laid
    out in the same way, with its memory. Scores whose classes lie side by side, as a model with its channels last
    makes them, are taken as they are."""
    array, kind = x.array, x.kind
    if not kind.contiguous:
        turned = np.moveaxis(array, 1, -1)
        if turned.flags.c_contiguous:
            made = memory.empty(turned.shape, kind.numpy)
            back = np.moveaxis(made, -1, 1)
            return turned, 1, wrap(back, kind_of(back, kind)), made
        array = contiguous(x).array
    result = empty(array.shape, kind)
    return array, prod(array.shape[2:]), result, result.array


class _CrossEntropy(Op):
    """op(x, target, weight, mean, ignore_index): the loss; and, for the gradient alone, the logarithms."""

    def __init__(self, name: str):
        super().__init__(name, self.run, _vjp, saves=(1, 2, -2), differentiable=2)

    def __call__(self, x: Tensor, target: Tensor, weight: Tensor | None, mean: bool, ignore_index: int):
        loss, logs, mass = self.run(x, target, weight, mean, ignore_index)
        if x._requires_grad and state.enabled:
            self.record((loss, logs), (x, target, weight, mass, mean, ignore_index))
        return loss

    @staticmethod
    def run(x: Tensor, target: Tensor, weight: Tensor | None, mean: bool, ignore_index: int):
        """The loss, the logarithms and the sum of the weights."""
        kind = x.kind
        array, inner, logs, out = _laid_out(x)
        weights = None if weight is None else contiguous(to_opmath(weight)).array
        size = array.shape[1 if array is x.array else -1], inner
        total, mass = kernels.forward(
            out, array, *size, target.array, weights, ignore_index, int(kind.element == "bf")
        )
        loss = _number(losses.mean_of(total, mass) if mean else total, kind.wide)
        return cast(loss, kind.dtype), logs, mass


def _number(value: float, kind: Kind) -> Tensor:
    """A tensor of this number."""
    return wrap(np.array(value, kind.numpy), kind)


def _vjp(node, grads):
    """Through the loss, and through the logarithms where the gradient itself has been differentiated."""
    ours, theirs = grads
    target, weight, logs = node.unpack()
    *_, mass, mean, ignore_index = node.params
    result = None
    if ours is not None and state.enabled:
        divisor = _number(mass, logs.kind.wide) if mean else None
        reduction = "mean" if mean else "sum"
        result = nll_backward(ours, logs.array.shape, target, weight, divisor, reduction, ignore_index)
        result = log_softmax_backward(result, logs, 1)
    elif ours is not None:
        array, inner, result, out = _laid_out(logs)
        weights = None if weight is None else contiguous(to_opmath(weight)).array
        scale = losses.mean_of(ours.item(), mass) if mean else ours.item()
        kernels.backward(
            out, array, logs.array.shape[1], inner, target.array, weights, ignore_index,
            int(logs.kind.element == "bf"), scale,
        )  # fmt: skip
    if theirs is not None:
        through = log_softmax_backward(theirs, logs, 1)
        result = through if result is None else add(result, through)
    return (result,)


_one_dimension = _CrossEntropy("NllLoss")
_more_dimensions = _CrossEntropy("NllLoss2D")


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
) -> Tensor:
    """nll_loss(log_softmax(input, 1), ...), of operands whose shapes have been checked: in one pass where it is on the
    CPU and the result is a number."""
    kind = input.kind
    if (
        reduction not in ("mean", "sum")
        or not kind.cpu
        or not kind.dtype.is_floating_point
        or not input.array.size
        or (weight is not None and weight.kind.dtype is not kind.dtype)
    ):
        return nll_loss(log_softmax(input, 1), target, weight, reduction, ignore_index)
    row = _one_dimension if input.array.ndim < 3 else _more_dimensions
    return row(input, contiguous(cast(target, dt.int64)), weight, reduction == "mean", ignore_index)
