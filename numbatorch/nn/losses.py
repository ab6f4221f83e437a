"""The loss functions of `nn.functional`.

`reduction` says what becomes of the losses of the elements: "mean", "sum" or "none". (`size_average` and `reduce` are its older form.)
"""

from __future__ import annotations

import warnings

from numbatorch import ops
from numbatorch.tensor import Tensor


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - y)², times `weight` if given; the mean is then the weighted one."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    _warn_if_broadcast(input, target)
    if weight is None:
        return ops.mse_loss(input, target, reduction)
    return _weighted(ops.mse_loss(input, target, "none"), weight, input, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - y|, times `weight` if given; the mean is then the weighted one."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    _warn_if_broadcast(input, target)
    if weight is None:
        return ops.l1_loss(input, target, reduction)
    return _weighted(ops.l1_loss(input, target, "none"), weight, input, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(x - y)² / (2 beta) where |x - y| < beta, else |x - y| - beta / 2."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    _warn_if_broadcast(input, target)
    return ops.l1_loss(input, target, reduction) if beta == 0 else ops.smooth_l1_loss(input, target, reduction, beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(x - y)² / 2 where |x - y| < delta, else delta (|x - y| - delta / 2), times `weight` if given."""
    _warn_if_broadcast(input, target)
    if weight is None:
        return ops.huber_loss(input, target, reduction, delta)
    losses = _times(ops.huber_loss(input, target, "none", delta), weight, input)
    return _reduced(losses, reduction)


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """`reduction`, or what the two older arguments say instead of it."""
    if size_average is None and reduce is None:
        return reduction
    size_average = size_average is None or size_average
    reduction = "none" if reduce is False else "mean" if size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=4
    )
    return reduction


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"{reduction} is not a valid value for reduction")
