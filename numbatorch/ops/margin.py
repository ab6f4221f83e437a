"""Losses of pairs, triplets and counts. `reduction` is 0 for the losses themselves, 1 for their mean, 2 for
their sum; `nn.functional` has the same functions with words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import flags, real, tensor_array, tensor_kind
from numbatorch.autograd.mode import state
from numbatorch.base import empty
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import add, div, minimum, mul, sub
from numbatorch.ops.comparison import eq, gt, ne, where
from numbatorch.ops.copy import contiguous
from numbatorch.ops.creation import full_like, zeros_like
from numbatorch.ops.distance import pairwise_distance
from numbatorch.ops.loss import WORDS, Loss, reduced, settled
from numbatorch.ops.math import clamp_min, exp, log, neg, sqrt
from numbatorch.ops.reduce import sum
from numbatorch.ops.view import unsqueeze
from numbatorch.rules import COMPLEX, INTEGERS, no_complex, refuse, to_float
from numbatorch_kernels import margin as kernels
from numbatorch_kernels import scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_EPSILON = 1e-12


def _soft_margin_steps(input: Tensor, target: Tensor) -> Tensor:
    return neg(input).mul_(target).exp_().log1p_()


def _hinge_embedding_steps(input: Tensor, target: Tensor, margin: float) -> Tensor:
    zeros = zeros_like(input)
    short = clamp_min(sub(full_like(input, margin), input), 0)
    return add(where(ne(target, 1), short, zeros), where(ne(target, -1), input, zeros))


_soft_margin = Loss("SoftMarginLoss", scalar.soft_margin, steps=_soft_margin_steps)
_hinge_embedding = Loss("HingeEmbeddingLoss", scalar.hinge_embedding, steps=_hinge_embedding_steps)
_margin_ranking = Pointwise(
    "MarginRankingLoss", scalar.margin_ranking, accepts=no_complex("clamp is not supported for complex types")
)
_kl_div = Loss("KlDiv", scalar.kl_div)
_stirling = Pointwise("Stirling", scalar.stirling, result=to_float, accepts=refuse("le_cpu", *COMPLEX))


def soft_margin_loss(input: Tensor, target: Tensor, reduction: int = 0) -> Tensor:
    """log(1 + exp(-target input)), for targets of 1 and -1"""
    return _soft_margin(input, target, WORDS[reduction])


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """input where target = 1, max(0, margin - input) where target = -1

    >>> torch.hinge_embedding_loss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]))
    tensor([0.5000, 0.7500])
    """
    real(margin)
    return _hinge_embedding(input, target, margin, WORDS[reduction])


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """max(0, margin - target (input1 - input2)): target is 1 where input1 should be the larger, else -1

    >>> torch.margin_ranking_loss(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]), torch.tensor([1, 1]))
    tensor([2., 0.])
    """
    real(margin)
    if settled(input1, input2, target) and target.kind.dtype is not dt.uint8:  # of which -1 is 255
        losses = _margin_ranking.general((input1, input2, target, float(margin)))
    else:
        losses = clamp_min(add(mul(neg(target), sub(input1, input2)), float(margin)), 0)
    return reduced(losses, WORDS[reduction])


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """1 - cos where target = 1, max(0, cos - margin) where target = -1, with the cosine of the angle between
    rows of input1 and input2, (N, D) or (D); target is (N) or ().

    Raises RuntimeError for other shapes.

    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    >>> torch.cosine_embedding_loss(x, y, torch.tensor([1]))
    tensor([1.])
    """
    real(margin)
    dims = tensor_array(target).ndim
    if dims > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if tensor_array(input1).ndim != dims + 1 or tensor_array(input2).ndim != dims + 1:
        raise RuntimeError(
            f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.array.shape)} and {list(input2.array.shape)}."
        )
    squares = [add(sum(mul(x, x), dims), _EPSILON) for x in (input1, input2)]
    cosine = div(sum(mul(input1, input2), dims), sqrt(mul(*squares)))
    apart = clamp_min(sub(cosine, float(margin)), 0)
    losses = add(where(eq(target, 1), 1 - cosine, 0), where(eq(target, -1), apart, 0))
    return reduced(losses, WORDS[reduction])


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """max(0, margin + |anchor - positive + eps|_p - |anchor - negative + eps|_p) of rows; with `swap`, the second
    distance is the smaller one of those from anchor and from positive.

    V. Balntas et al., BMVC 2016. Raises RuntimeError where the numbers of dimensions differ.
    """
    check_triplet(anchor, positive, negative)
    near, far = (pairwise_distance(anchor, x, p, eps) for x in (positive, negative))
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(clamp_min(sub(add(near, margin), far), 0), WORDS[reduction])


def check_triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    """Raises RuntimeError unless all three have the same number of dimensions."""
    a, p, n = tensor_array(anchor).ndim, tensor_array(positive).ndim, tensor_array(negative).ndim
    if not a == p == n:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, "
            f"but got: anchor {a}D, positive {p}D, and negative {n}D inputs"
        )


def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """target (log target - input); `log_target` says that target holds logarithms, too

    >>> torch.kl_div(torch.tensor([-1.0]), torch.tensor([1.0]))
    tensor([1.])
    """
    flags(log_target)
    dtypes = [tensor_kind(x).dtype for x in (input, target)]
    if not all([dtype.is_floating_point for dtype in dtypes]):
        kind = "Complex" if any([dtype.is_complex for dtype in dtypes]) else "Integral"
        raise RuntimeError(f"kl_div: {kind} inputs not supported.")
    if log_target:
        return reduced(mul(exp(target), sub(target, input)), WORDS[reduction])
    return _kl_div(input, target, WORDS[reduction])


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """exp(input) - target input, or input - target log(input + eps) unless `log_input`: minus the log
    likelihood of counts up to a constant, which with `full` Stirling's formula estimates.

    >>> torch.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([1.0]), True, False, 1e-8, 1)
    tensor(1.)
    """
    flags(log_input, full)
    _, counts = [tensor_kind(x).dtype for x in (input, target)]
    if log_input:
        losses = sub(exp(input), mul(target, input))
    else:
        losses = sub(input, mul(target, log(add(input, eps))))
    if full:
        if counts is dt.bool:
            sub(losses, target)  # which Stirling's formula begins with: of truth values an error
        losses = add(losses, _stirling(target))
    return reduced(losses, WORDS[reduction])


# --- of classes


def _multi_margin_forward(x, chosen, p, margin):
    losses = empty(chosen.array.shape, x.kind)
    arrays = contiguous(x.detach()).array, contiguous(chosen).array
    kernels.margins(x.kind.device.type, losses.array, *arrays, p, float(margin))
    return losses


def _multi_margin_vjp(node, grad):
    """A gradient that will be differentiated again is made of public ops."""
    (x, chosen), (p, margin) = node.unpack(), node.params
    if not state.enabled:
        dx = empty(x.array.shape, x.kind)
        arrays = [contiguous(t).array for t in (grad, x, chosen)]
        kernels.margins_backward(x.kind.device.type, dx.array, *arrays, p, float(margin))
        return dx, None
    own = unsqueeze(chosen, 1)
    missing = clamp_min(sub(add(x, margin), x.gather(1, own)), 0)
    each = mul(missing, 2) if p == 2 else gt(missing, 0)
    each = mul(each, unsqueeze(div(grad, x.array.shape[1]), 1)).scatter(1, own, 0.0)
    return each.scatter_add(1, own, neg(sum(each, 1, True))), None


# (x, chosen, p, margin): of each row Σ_c max(0, margin - x[chosen] + x[c])^p / C over the other classes c
multi_margin = Op("MultiMarginLoss", _multi_margin_forward, _multi_margin_vjp, saves=(0, 1), tensors=2)


def _multilabel_margin_forward(x, labels):
    losses = empty((len(x.array),), x.kind)
    kernels.label_margins(
        x.kind.device.type, losses.array, contiguous(x.detach()).array, contiguous(labels).array
    )
    return losses


def _multilabel_margin_vjp(node, grad):
    """A gradient that will be differentiated again is `grad` times what does not change with x."""
    x, labels = node.unpack()
    each = full_like(grad, 1.0, requires_grad=False) if state.enabled else grad
    dx = empty(x.array.shape, x.kind)
    arrays = [contiguous(t).array for t in (each, x.detach(), labels)]
    kernels.label_margins_backward(x.kind.device.type, dx.array, *arrays)
    return (mul(dx, unsqueeze(grad, 1)) if state.enabled else dx), None


# (x, labels): of each row Σ_t Σ_c max(0, 1 - x[t] + x[c]) / C over the labels t, up to -1, and the other classes c
multilabel_margin = Op(
    "MultilabelMarginLoss", _multilabel_margin_forward, _multilabel_margin_vjp, saves=(0, 1), tensors=2
)

_refused = ("float16", "bfloat16", *COMPLEX, *INTEGERS)


def check_margin(input: Tensor, target: Tensor, kernel: str) -> None:
    """Raises PyTorch's errors unless the input is float32 or float64 and the target int64."""
    refuse(kernel, *_refused)(input.kind.dtype)
    if target.kind.dtype is not dt.int64:
        raise RuntimeError(f"expected scalar type Long but found {type_word(target.kind.dtype)}")
