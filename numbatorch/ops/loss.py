"""Losses: what two tensors differ by, of each element, or as one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from numbatorch.apply import Op, Pointwise, fit
from numbatorch.autograd.mode import no_grad
from numbatorch.ops.arithmetic import div, mul
from numbatorch.ops.comparison import eq, where
from numbatorch.ops.creation import arange
from numbatorch.ops.math import neg
from numbatorch.ops.reduce import mean, sum
from numbatorch.ops.scatter import gather
from numbatorch.ops.view import expand, reshape, unsqueeze
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import scalar
from numbatorch_kernels.expr import Scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

REDUCTIONS: dict[str, Callable] = {"none": lambda losses: losses, "mean": mean, "sum": sum}


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    """One number, or the losses themselves. Raises ValueError for an unknown reduction."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return REDUCTIONS[reduction](losses)


def _elementwise(name: str, body: Scalar | Callable) -> Op:
    """The op of a loss that is computed of each element by a scalar body and then reduced; its gradient is
    the body's."""
    row = Pointwise(name, body)

    def forward(input, target, *rest):
        *numbers, reduction = rest
        with no_grad():
            return _reduced(row(input, target, *numbers), reduction)

    def vjp(node, grad):
        input, target = node.unpack()
        *numbers, reduction = node.params
        shape = broadcast_pair(input.array.shape, target.array.shape)
        if reduction != "none":
            count = 1
            for n in shape:
                count *= n
            grad = expand(div(grad, count) if reduction == "mean" else grad, shape)
        grads = row.pull_back(grad, (input, target, *numbers), node.needs + (False,) * len(numbers))
        return tuple(
            g if g is None else fit(g, t.array.shape, t.kind)
            for g, t in zip(grads, (input, target), strict=False)
        )

    return Op(name, forward, vjp, saves=(0, 1), tensors=2)


_mse = _elementwise("MseLoss", scalar.squared_error)
_l1 = _elementwise("L1Loss", scalar.absolute_error)
_smooth_l1 = _elementwise("SmoothL1Loss", scalar.smooth_l1)
_huber = _elementwise("HuberLoss", scalar.huber)
_bce = _elementwise("BinaryCrossEntropy", scalar.binary_cross_entropy)
_bce_logits = _elementwise("BinaryCrossEntropyWithLogits", scalar.binary_cross_entropy_with_logits)
_bce_logits_weighted = Pointwise(
    "BinaryCrossEntropyWithLogits", scalar.weighted_binary_cross_entropy_with_logits
)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)²"""
    return _mse(input, target, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|input - target|"""
    return _l1(input, target, reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """½ d² / beta where |d| < beta, else |d| - ½ beta; d = input - target"""
    return _smooth_l1(input, target, beta, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """½ d² where |d| <= delta, else delta (|d| - ½ delta); d = input - target"""
    return _huber(input, target, delta, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-(t log x + (1 - t) log(1 - x)), each logarithm at least -100. Raises RuntimeError for x outside [0,
    1]."""
    if input.array.size and not (input.amin().item() >= 0 and input.amax().item() <= 1):
        raise RuntimeError("all elements of input should be between 0 and 1")
    if weight is None:
        return _bce(input, target, reduction)
    return _reduced(mul(_bce(input, target, "none"), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """binary_cross_entropy of sigmoid(input), without overflow; `pos_weight` weighs the positive class."""
    if pos_weight is None and weight is None:
        return _bce_logits(input, target, reduction)
    losses = (
        _bce_logits(input, target, "none")
        if pos_weight is None
        else _bce_logits_weighted(input, target, pos_weight)
    )
    return _reduced(losses if weight is None else mul(losses, weight), reduction)


# --- of classes


def _weights(target: Tensor, weight: Tensor | None, ignore_index: int, like: Tensor) -> Tensor:
    """For every target its class's weight: one without weights, zero for `ignore_index`."""
    counted = target.ne(ignore_index)
    if weight is None:
        return counted.to(like.dtype)
    return where(
        counted, gather(weight, 0, where(counted, target, 0).reshape(-1)).reshape(target.array.shape), 0
    )


def _nll_forward(input, target, weight, reduction, ignore_index):
    with no_grad():
        weights = _weights(target, weight, ignore_index, input)
        places = unsqueeze(where(target.ne(ignore_index), target, 0), 1)
        losses = neg(mul(reshape(gather(input, 1, places), target.array.shape), weights))
        losses = where(eq(weights, 0), 0, losses)
        return div(sum(losses), sum(weights)) if reduction == "mean" else _reduced(losses, reduction)


def _nll_vjp(node, grad):
    (input,) = node.unpack()
    target, weight, reduction, ignore_index = node.params
    weights = _weights(target, weight, ignore_index, grad)
    if reduction == "mean":
        grad = div(grad, sum(weights))
    shape = input.array.shape
    classes = reshape(arange(shape[1], device=grad.device), -1, *[1] * (len(shape) - 2))
    return (where(eq(unsqueeze(target, 1), classes), unsqueeze(neg(mul(grad, weights)), 1), 0),)


_nll = Op("NllLoss", _nll_forward, _nll_vjp, saves=(0,))


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
) -> Tensor:
    """-weight[target] * input[target]: input (N, C) or (N, C, ...) holds log-probabilities, target (N) or (N,
    ...) classes. "mean" divides by the sum of the weights. Raises IndexError for a target that is no
    class."""
    classes = input.array.shape[1]
    counted = where(target.ne(ignore_index), target, 0)
    if target.array.size and not (counted.amin().item() >= 0 and counted.amax().item() < classes):
        wrong = next(t for t in target.reshape(-1).tolist() if t != ignore_index and not 0 <= t < classes)
        raise IndexError(f"Target {wrong} is out of bounds.")
    return _nll(input, target, weight, reduction, ignore_index)
