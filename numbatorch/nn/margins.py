"""The loss functions of `nn.functional` that ask for a margin: of pairs, of triplets, of one class before the others."""

from __future__ import annotations

from collections.abc import Callable

from numbatorch import ops
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.nn.losses import legacy_reduction, number_of
from numbatorch.ops.loss import reduced
from numbatorch.ops.margin import check_triplet
from numbatorch.tensor import Tensor


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - y (x1 - x2)): y is 1 where x1 should be the larger, -1 where x2 should.

    Raises RuntimeError where the numbers of dimensions differ.
    """
    number = number_of(legacy_reduction(size_average, reduce, reduction))
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return ops.margin_ranking_loss(input1, input2, target, margin, number)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where y = 1, max(0, margin - x) where y = -1: for distances x of pairs that are alike or not."""
    number = number_of(legacy_reduction(size_average, reduce, reduction))
    return ops.hinge_embedding_loss(input, target, margin, number)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where y = 1, max(0, cos - margin) where y = -1, of the angle between rows (N, D) and targets (N), or
    of two vectors (D)."""
    number = number_of(legacy_reduction(size_average, reduce, reduction))
    return ops.cosine_embedding_loss(input1, input2, target, margin, number)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-y x)) for targets y of 1 and -1."""
    number = number_of(legacy_reduction(size_average, reduce, reduction))
    return ops.soft_margin_loss(input, target, number)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes, the last dimension, of the binary cross entropy of sigmoid(x)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    own = tensor_kind(input).dtype
    others = (target,) if weight is None else (target, weight)
    alike = all([tensor_kind(x).dtype is own for x in others])
    if alike and target.shape == input.shape:
        losses = ops.binary_cross_entropy_with_logits(input, target, weight)
    else:
        losses = -(target * ops.logsigmoid(input) + (1 - target) * ops.logsigmoid(-input))
        losses = losses if weight is None else losses * weight
    classes = input.dim() - 1
    return reduced(losses.sum(classes) / input.size(classes), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |a - p| - |a - n|) of rows in the norm `p`; `eps` is added to each difference.

    With `swap`, |p - n| counts where it is smaller than |a - n|. V. Balntas et al., BMVC 2016. Raises ValueError
    unless the margin is positive.
    """
    number = number_of(legacy_reduction(size_average, reduce, reduction))
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return ops.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own, by default `pairwise_distance`."""
    number_of(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    check_triplet(anchor, positive, negative)
    distance = ops.pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced(ops.clamp_min(margin + near - far, 0), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes c other than y of max(0, margin - x[y] + x[c])^p, times weight[y].

    x is (N, C) or (C), y (N) or (). Raises ValueError unless p is 1 or 2, RuntimeError for other shapes.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    number_of(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    rows = _rows(input)
    count, classes = rows.shape
    if tensor_array(target).ndim > 1 or target.numel() != count:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples "
            f"(batch size). Expected target size [{count}], but got {list(target.shape)}. Input has shape "
            f"{list(input.shape)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    ops.check_margin(input, target, "multi_margin_loss_cpu_kernel")
    chosen = target.reshape(count)
    if ((chosen < 0) | (chosen >= classes)).any():
        raise RuntimeError("target out of range")
    losses = ops.multi_margin(rows, chosen, p, margin)
    if weight is not None:
        losses = losses * weight[chosen]
    return reduced(losses.reshape(target.shape) if input.dim() < 2 else losses, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The sum over the classes t in y and those c that are not, of max(0, 1 - x[t] + x[c]), over their number C.

    x is (N, C) or (C), y of the same shape: the classes, then -1, and whatever else.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    number_of(reduction)
    rows = _rows(input)
    if tensor_array(target).shape != input.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    ops.check_margin(input, target, "multilabel_margin_loss_forward_out_frame")
    count, classes = rows.shape
    labels = target.reshape(count, classes)
    if count:
        lowest, highest = ops.aminmax(labels)
        if lowest.item() < -1 or highest.item() >= classes:
            raise RuntimeError("argument #2 'target' is out of range")
    losses = ops.multilabel_margin(rows, labels)
    return reduced(losses.reshape(()) if input.dim() < 2 else losses, reduction)


def _rows(input: Tensor) -> Tensor:
    """(N, C)"""
    if tensor_array(input).ndim > 2 or (input.dim() and not input.size(-1)):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    return input if input.dim() == 2 else input.reshape(1, -1)
