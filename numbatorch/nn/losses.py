"""The loss functions of `nn.functional`.

`reduction` says what becomes of the losses of the elements: "mean", "sum" or "none". (`size_average` and
`reduce` are its older form.)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

from numbatorch import casting, ops
from numbatorch.arguments import tensor_array
from numbatorch.autograd import no_grad
from numbatorch.dtype import int64, uint8
from numbatorch.ops import entropy
from numbatorch.ops.loss import WORDS, together
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
    losses = ops.sub(*together(input, target)).abs()
    return _reduced(losses, reduction) if weight is None else _weighted(losses, weight, input, reduction)


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
    if beta == 0:
        return _reduced((input - target).abs(), reduction)
    return ops.smooth_l1_loss(input, target, reduction, beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(x - y)² / 2 where |x - y| < delta, else delta (|x - y| - delta / 2), times `weight` if given."""
    _warn_if_broadcast(input, target)
    if weight is None:
        return ops.huber_loss(input, target, reduction, delta)
    losses = _times(ops.huber_loss(input, target, "none", delta), weight, input)
    return _reduced(losses, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-x[y] for log probabilities x (N, C, ...) and class numbers y (N, ...), times the class's weight.

    "mean" divides by the sum of the weights; elements of class `ignore_index` do not count.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    return _nll(input, target, weight, reduction, ignore_index)


def _nll(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    loss: Callable = ops.nll_loss,
) -> Tensor:
    """A loss of classes, of operands that are checked here."""
    _check_classes(input, target, weight)
    if input.array.ndim == 1:
        return loss(input.unsqueeze(0), target.reshape(1), weight, reduction, ignore_index).reshape(())
    return loss(input, target, weight, reduction, ignore_index)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log_softmax(x)[y] for scores x (N, C, ...) and class numbers y (N, ...), or probabilities y like x.

    `label_smoothing` mixes that much of the uniform distribution into y.

    >>> F.cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    input = casting.widened(input)
    classes = 0 if input.array.ndim == 1 else 1
    if tensor_array(target).shape == input.array.shape:
        return _cross_entropy_of_probabilities(
            input, target, weight, ignore_index, reduction, label_smoothing, classes
        )
    if not input.array.ndim or not input.is_floating_point():
        input.log_softmax(classes)  # which complains, as in PyTorch before shapes are compared
    if label_smoothing == 0.0:
        return _nll(input, target, weight, reduction, ignore_index, entropy.cross_entropy)
    scores = input.log_softmax(classes)
    loss = _nll(scores, target, weight, reduction, ignore_index)
    smooth = -(scores if weight is None else scores * _along(weight, classes, input)).sum(classes)
    ignored = target == ignore_index
    smooth = smooth.masked_fill(ignored, 0.0)
    if reduction == "mean":
        counted = ~ignored
        total = counted.sum() if weight is None else weight[target[counted]].sum()
        smooth = smooth.sum() / total
    else:
        smooth = _reduced(smooth, reduction)
    return (1 - label_smoothing) * loss + smooth * (label_smoothing / input.shape[classes])


def _cross_entropy_of_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    classes: int,
) -> Tensor:
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {_scalar_type(target)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    count = input.shape[classes]
    if weight is not None and tensor_array(weight).shape != (count,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {count} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    if label_smoothing > 0.0:
        target = target * (1 - label_smoothing) + label_smoothing / max(count, 1)
    losses = input.log_softmax(classes) * target
    if weight is not None:
        losses = losses * _along(weight, classes, input)
    if reduction == "mean":
        return -losses.sum() / (input.numel() / count if count else math.nan)
    return _reduced(-losses.sum(classes), reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(y log x + (1 - y) log(1 - x)) for probabilities x, with logarithms limited to -100."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {_scalar_type(target)} but expected {_scalar_type(input)}")
    return ops.binary_cross_entropy(input, target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of sigmoid(x), computed without overflow; `pos_weight` is a factor where y = 1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number_of(reduction))


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """y (log y - x) for log probabilities x; `log_target` says that y holds log probabilities too.

    `reduction="batchmean"` divides the sum by the size of the batch, which is the mathematical definition.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support "
            "size.'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    if reduction == "batchmean":
        total = ops.kl_div(input, target, 2, log_target=log_target)
        return total / input.shape[0] if input.dim() else total
    return ops.kl_div(input, target, number_of(reduction), log_target=log_target)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) - y x, or x - y log(x + eps) unless `log_input`: minus the log likelihood of counts y.

    `full` adds Stirling's estimate of log y! where y > 1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    return ops.poisson_nll_loss(input, target, log_input, full, eps, number_of(reduction))


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log v + (x - y)² / v) / 2: minus the log likelihood of y under a normal distribution of mean x, variance v.

    v is at least `eps`; its shape is x's, or x's without the last dimension or with one of size 1. `full` adds the
    constant log(2 pi) / 2. Raises ValueError for other shapes and negative variances.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = ops.full_like(input, var)
    elif ops.any(var < 0):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif (
            var.dim() != input.dim()
            or sum(v for n, v in zip(input.shape, var.shape, strict=True) if n != v) != 1
        ):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    return _reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log P of a sequence of labels, over all ways to align it with the steps of a longer input.

    log_probs       (steps, batch, classes), or (steps, classes): results of log_softmax
    targets         labels: (batch, longest), padded, or all of them one after the other; the class `blank`,
                    which stands for no label, is not among them
    input_lengths   how many steps, and target_lengths how many labels, each sample has
    zero_infinity   a loss that is infinite, since there are fewer steps than labels, counts as 0

    "mean" divides each loss by its number of labels first. The gradient is that of the whole, log_softmax
    included, as PyTorch has it, and has no gradient itself. A. Graves et al., ICML 2006.

    >>> F.ctc_loss(torch.full((2, 1, 2), 0.5).log(), torch.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """
    number = number_of(reduction)
    return ops.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)


def _check_classes(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Complain as PyTorch does of shapes and dtypes that do not fit."""
    sizes, dims = tensor_array(input).shape, input.array.ndim
    if (
        dims > 1
        and tensor_array(target).shape == sizes[:1] + sizes[2:]
        and target.dtype is int64
        and weight is None
    ):
        return  # the usual case
    shape, wanted = list(input.shape), list(target.shape)
    if dims == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    batch = wanted[0] if wanted else 0
    if dims > 1 and shape[0] != batch:
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({batch}).")
    if dims <= 2 and len(wanted) > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if dims == 4 and len(wanted) != 3:
        raise RuntimeError(
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
            f"{len(wanted)}"
        )
    if dims == 4 and wanted != [shape[0], *shape[2:]]:
        raise RuntimeError(f"size mismatch (got input: {shape} , target: {wanted}")
    if dims > 2 and wanted != [shape[0], *shape[2:]]:
        raise RuntimeError(f"Expected target size {[shape[0], *shape[2:]]}, got {wanted}")
    if target.dtype not in (int64, uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {_scalar_type(target)}")
    if dims == 2 and not wanted:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if dims == 1 and len(wanted) == 1 and wanted != [1]:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {wanted[0]}")
    if weight is None:
        return
    classes = shape[0 if dims == 1 else 1]
    if list(weight.shape) != [classes]:
        which = (
            f"for all {classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        )
        raise RuntimeError(
            "weight tensor should be defined either " + (which if dims <= 2 else "for all or no classes")
        )


def _scalar_type(tensor: Tensor) -> str:
    """The dtype as PyTorch's complaints call it: "Float", "Long"."""
    return tensor.type().rpartition(".")[2].removesuffix("Tensor")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """`reduction`, or what the two older arguments say instead of it."""
    if size_average is None and reduce is None:
        return reduction
    size_average = size_average is None or size_average
    reduction = "none" if reduce is False else "mean" if size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction


def number_of(reduction: str) -> int:
    """PyTorch's number for a reduction. Raises ValueError for a word that is none."""
    if reduction not in WORDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return WORDS.index(reduction)


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"{reduction} is not a valid value for reduction")


def _times(losses: Tensor, weight: Tensor, input: Tensor) -> Tensor:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    return losses * weight


def _weighted(losses: Tensor, weight: Tensor, input: Tensor, reduction: str) -> Tensor:
    """The losses times their weights; the mean is the weighted one."""
    losses = _times(losses, weight, input)
    return losses.sum() / weight.sum() if reduction == "mean" else _reduced(losses, reduction)


def _along(weight: Tensor, dim: int, input: Tensor) -> Tensor:
    """A vector shaped so that it multiplies `input` along `dim`."""
    return weight.view([-1 if d == dim else 1 for d in range(input.dim())])


def _warn_if_broadcast(input: Tensor, target: Tensor) -> None:
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the "
            "same size.",
            stacklevel=3,
        )
