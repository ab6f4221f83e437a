"""Losses: by how much two tensors differ, of each element or as one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import casting
from numbatorch.apply import Op, attach
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.autograd.mode import no_grad, state
from numbatorch.base import Kind, empty
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise, fit
from numbatorch.ops.activation import logsigmoid
from numbatorch.ops.arithmetic import div, mul, sub
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.creation import ones_like
from numbatorch.ops.elements import check_range, report
from numbatorch.ops.join import broadcast_tensors
from numbatorch.ops.reduce import mean, sum
from numbatorch.ops.reduction import remember
from numbatorch.ops.view import expand
from numbatorch.rules import COMPLEX, INTEGERS, not_implemented, refuse
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import loss as kernels
from numbatorch_kernels import scalar
from numbatorch_kernels.expr import Scalar
from numbatorch_kernels.reduce import table
from numbatorch_kernels.reduce.launch import computed_in, plan_for
from numbatorch_kernels.reduce.walk import walk

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_REDUCTIONS: dict[str, Callable] = {"none": lambda losses: losses, "mean": mean, "sum": sum}
WORDS = tuple(_REDUCTIONS)  # at PyTorch's numbers for them


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """One number, or the losses themselves. Raises ValueError for an unknown reduction."""
    if reduction not in WORDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _REDUCTIONS[reduction](losses)


def settled(input: Tensor, *others: Tensor) -> bool:
    """Whether what is made of the input, step by step, has its shape and floating-point dtype from the first step to the last."""
    own, shape = tensor_kind(input).dtype, input.array.shape
    return own.is_floating_point and all(
        [
            tensor_array(x).shape == shape
            and x.kind.dtype is not dt.bool
            and dt.promote_types(own, x.kind.dtype) is own
            for x in others
        ]
    )


# --- of elements


class Loss(Op):
    """A loss that a scalar body computes of each element: op(input, target, *numbers, reduction). Of tensors
    of one kind and shape, its sum or mean is a single kernel; the gradient is the body's.

    steps  the losses made of public ops, as PyTorch makes them: for operands whose dtypes and shapes change on the way
    """

    def __init__(
        self,
        name: str,
        body: Callable | Scalar,
        accepts: Callable | None = None,
        steps: Callable[..., Tensor] | None = None,
    ):
        super().__init__(name, self.run, self.back, tensors=2)
        self.steps = steps
        self.row = Pointwise(name, body, accepts=accepts, weightless=(2, 3))
        self.totals = {"sum": table.total_of(body, False), "mean": table.total_of(body, True)}
        self.plans: dict[tuple, Callable] = {}

    def run(self, input: Tensor, target: Tensor, *rest) -> Tensor:
        *numbers, reduction = rest
        kind, shape = input.kind, input.array.shape
        if (
            reduction not in ("sum", "mean")
            or target.kind is not kind
            or target.array.shape != shape
            or not kind.contiguous
            or not kind.dtype.is_floating_point
        ):
            with no_grad():
                made = self.row if self.steps is None or settled(input, target) else self.steps
                return reduced(made(input, target, *numbers), reduction)
        plan = self.plans.get((kind, input.array.size, reduction))
        if plan is None:
            key = (kind, input.array.size, reduction)
            plan = remember(self.plans, key, self.plan(*key))
        result = empty((), kind)
        plan((result.array,), (input.array, target.array), *map(float, numbers))
        return result

    def plan(self, kind: Kind, size: int, reduction: str) -> Callable:
        """The kernel's plan for the sum or mean over contiguous tensors."""
        element, way = kind.element, walk((size,), (1,), (0,))
        total, inputs, outputs = self.totals[reduction], (element, element), (element,)
        return plan_for(kind.device.type, total, inputs, outputs, computed_in(element), way)

    def record(self, result: Tensor, args: tuple) -> None:
        """Put the call on the tape, which keeps the operands that the gradient reads."""
        *operands, reduction = args
        node = self.node_for(args)
        reads = self.row.gradient(node.needs + (False,) * len(operands[2:]), (True,)).saves
        if -1 in reads:  # the losses, which are made again
            reads = (0, 1)
        node.save(*[x if k in reads else None for k, x in enumerate(operands[:2])])
        node.params = *operands[2:], reduction, [(x.array.shape, x.kind) for x in operands[:2]]
        attach(node, result)

    def back(self, node, grad: Tensor) -> tuple:
        *numbers, reduction, likes = node.params
        shape = broadcast_pair(*[shape for shape, _ in likes])
        if reduction != "none":
            grad = expand(div(grad, prod(shape)) if reduction == "mean" else grad, shape)
        grads = self.row.pull_back(grad, (*node.unpack(), *numbers), node.needs + (False,) * len(numbers))
        return tuple([None if g is None else fit(g, *like) for g, like in zip(grads, likes)])


def _floats_only(kernel: str) -> Callable:
    return refuse(kernel, *INTEGERS, *COMPLEX)


_mse = Loss("MseLoss", scalar.squared_error, _floats_only("mse_cpu"))
_l1 = Loss("L1Loss", scalar.absolute_error)
_smooth_l1 = Loss("SmoothL1Loss", scalar.smooth_l1, _floats_only("smooth_l1_cpu"))
_huber = Loss("HuberLoss", scalar.huber, _floats_only("huber_cpu"))
_bce = Loss("BinaryCrossEntropy", scalar.binary_cross_entropy, _floats_only("binary_cross_entropy"))
_bce_logits = Loss(
    "BinaryCrossEntropyWithLogits",
    scalar.binary_cross_entropy_with_logits,
    _floats_only("log_sigmoid_cpu"),
)
_bce_logits_weighted = Pointwise(
    "BinaryCrossEntropyWithLogits",
    scalar.weighted_binary_cross_entropy_with_logits,
    accepts=_floats_only("log_sigmoid_cpu"),
)


def together(input: Tensor, target: Tensor) -> Sequence[Tensor]:
    """Both in their common shape, before dtypes are compared: a 0-d tensor weighs what others weigh."""
    if tensor_array(input).shape == tensor_array(target).shape:
        return input, target
    return broadcast_tensors(input, target)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)²"""
    return _mse(*together(input, target), reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|input - target|"""
    return _l1(*together(input, target), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """½ d² / beta where |d| < beta, else |d| - ½ beta; d = input - target"""
    return _smooth_l1(*together(input, target), beta, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """½ d² where |d| <= delta, else delta (|d| - ½ delta); d = input - target. The result has the input's dtype."""
    input, target = together(input, target)
    own = input.kind.dtype
    common = dt.promote_types(own, target.kind.dtype)
    if common is own or casting.tolerates(input, target):
        return _huber(input, target, delta, reduction)
    if not dt.can_cast(common, own):
        raise RuntimeError(
            f"result type {type_word(common)} can't be cast to the desired output type {type_word(own)}"
        )
    return reduced(cast(_huber(input, target, delta, "none"), own), reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-(t log x + (1 - t) log(1 - x)), each logarithm at least -100. Raises RuntimeError for x or t outside
    [0, 1]."""
    for name, x in (("input", input), ("target", target)):
        if x.array.size and x.kind.dtype.is_floating_point and x.kind.dtype is input.kind.dtype:
            low, high = x.detach().aminmax()
            within = (low >= 0) & (high <= 1)
            if not x.kind.cpu:  # nobody shall wait for a GPU: it says so later
                check_range(cast(~within, dt.int64), 1, False, report("binary_cross_entropy", x.kind))
            elif not within.item():
                raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    if weight is None:
        return _bce(input, target, reduction)
    return reduced(mul(_bce(input, target, "none"), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Tensor:
    """`binary_cross_entropy` of sigmoid(input), without overflow; `pos_weight` weighs the positive class. The losses
    have the target's dtype."""
    word = WORDS[reduction]
    own, given = tensor_kind(input).dtype, [x for x in (target, weight, pos_weight) if x is not None]
    if any([tensor_kind(x).dtype is not own for x in given]) and not casting.tolerates(input, *given):
        shares = logsigmoid(input)
        if pos_weight is not None:
            shares.mul_(mul(sub(pos_weight, 1), target).add_(1))
        losses = sub(ones_like(target), target).mul_(input).sub_(shares)
        return reduced(losses if weight is None else losses.mul_(weight), word)
    if pos_weight is None and weight is None:
        return _bce_logits(input, target, word)
    losses = (
        _bce_logits(input, target, "none")
        if pos_weight is None
        else _bce_logits_weighted(input, target, pos_weight)
    )
    return reduced(losses if weight is None else mul(losses, weight), word)


# --- of classes


class _Nll(Op):
    """The negative log likelihood: op(x, target, weight, reduction, ignore_index), whose node keeps the sum
    of the weights too."""

    def __init__(self, name: str):
        super().__init__(name, self.run, _nll_vjp, saves=(2, 3))

    def __call__(
        self, x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
    ) -> Tensor:
        result, mass = self.run(x, target, weight, reduction, ignore_index)
        if x._requires_grad and state.enabled:
            self.record(result, (x, x.array.shape, target, weight, mass, reduction, ignore_index))
        return result

    @staticmethod
    def run(
        x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
    ) -> tuple[Tensor, Tensor | None]:
        """The loss, and for the mean the sum of the weights."""
        kind, x, weight = x.kind, _full(x), None if weight is None else _full(weight).array
        device, array = kind.device.type, contiguous(x).array
        if reduction == "none":
            result = empty(target.array.shape, x.kind)
            kernels.nll_each(device, result.array, array, target.array, weight, ignore_index)
            return cast(result, kind.dtype), None
        result, mass = empty((), x.kind), empty((), x.kind)
        kernels.nll_total(
            device, result.array, mass.array, array, target.array, weight, ignore_index, reduction == "mean"
        )
        return cast(result, kind.dtype), mass if reduction == "mean" else None


def _full(x: Tensor) -> Tensor:
    """`x` in a dtype that the kernels have: float32 instead of float16 and bfloat16."""
    if x.kind.dtype.itemsize > 2:
        return x
    with no_grad():
        return cast(x, dt.float32)


def _nll_vjp(node, grad):
    target, weight = node.unpack()
    shape, _, _, *rest = node.params
    return (nll_backward(grad, shape, target, weight, *rest),)


def _nll_backward_run(
    grad: Tensor,
    shape: tuple[int, ...],
    target: Tensor,
    weight: Tensor | None,
    mass: Tensor | None,
    reduction: str,
    ignore_index: int,
) -> Tensor:
    g, w, m = (
        _full(grad),
        None if weight is None else _full(weight).array,
        None if mass is None else mass.array,
    )
    result = empty(shape, g.kind)
    kernels.nll_backward(
        g.kind.device.type, result.array, contiguous(g).array, m, target.array, w, ignore_index
    )
    return cast(result, grad.kind.dtype)


def _nll_backward_vjp(node, grad):
    """The loss is linear in x, so going back is linear in the gradient, and back from there is the loss
    again."""
    target, weight = node.unpack()
    *_, reduction, ignore_index = node.params
    return (_nll(grad, target, weight, reduction, ignore_index),)


_nll = _Nll("NllLoss")
_nll_2d = _Nll("NllLoss2D")
nll_backward = Op("NllLossBackward", _nll_backward_run, _nll_backward_vjp, saves=(2, 3))


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
) -> Tensor:
    """-weight[target] input[target] for log-probabilities `input`, (N, C) or (N, C, ...), and classes
    `target`, (N) or (N, ...), whose shapes have been checked. "mean" divides by the sum of the weights.
    Raises IndexError for a target that is no class.

    >>> F.nll_loss(torch.tensor([[-1.0, -2.0], [-3.0, -4.0]]), torch.tensor([0, 1]))
    tensor(2.5000)
    """
    if reduction not in WORDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if not input.kind.dtype.is_floating_point:
        raise not_implemented("nll_loss_out_frame", input.kind.dtype)
    if weight is not None and weight.kind.dtype is not input.kind.dtype:
        raise RuntimeError(
            f"expected scalar type {type_word(input.kind.dtype)} but found {type_word(weight.kind.dtype)}"
        )
    row = _nll if input.array.ndim < 3 else _nll_2d
    return row(input, contiguous(cast(target, dt.int64)), weight, reduction, ignore_index)
