"""Connectionist temporal classification: ctc_loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import listed, tensor_array, tensor_kind
from numbatorch.autograd.mode import state
from numbatorch.base import empty
from numbatorch.ops.arithmetic import div
from numbatorch.ops.comparison import where
from numbatorch.ops.copy import cast, contiguous, host
from numbatorch.ops.from_data import from_numpy
from numbatorch.ops.reduce import mean, sum
from numbatorch.ops.view import reshape, unsqueeze
from numbatorch.rules import COMPLEX, HALF, INTEGERS, refuse
from numbatorch_kernels import ctc as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_refuse = refuse("ctc_loss_cpu", *HALF, *COMPLEX, *INTEGERS)


def _forward(log_probs, targets, starts, lengths, states, blank, zero_infinity):
    x = contiguous(log_probs)
    steps, batch, _classes = x.array.shape
    kept = steps if state.enabled and log_probs._requires_grad else min(steps, 2)
    loss, alpha = empty((batch,), x.kind), empty((batch, kept, states), x.kind)
    kernels.ctc(
        x.kind.device.type,
        loss.array,
        alpha.array,
        x.array,
        targets.array,
        starts.array,
        lengths.array,
        blank,
    )
    return loss, alpha


def _vjp(node, grad):
    log_probs, targets, loss, alpha = node.unpack()
    return (_ctc_backward(grad, loss, alpha, log_probs, targets, *node.params[1:]),)


def _backward(grad, loss, alpha, log_probs, targets, starts, lengths, states, blank, zero_infinity):
    x = contiguous(log_probs)
    result, beta = empty(x.array.shape, x.kind), empty(alpha.array.shape, x.kind)
    kernels.ctc_backward(
        x.kind.device.type, result.array, beta.array, contiguous(grad).array, loss.array, alpha.array, x.array,
        targets.array, starts.array, lengths.array, blank, int(zero_infinity),
    )  # fmt: skip
    return result


def _no_second_derivative(node, grad):
    raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")


_ctc = Op("CtcLoss", _forward, _vjp, saves=(0, 1, -1, -2))
_ctc_backward = Op("CtcLossBackward", _backward, _no_second_derivative, tensors=4)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """-log P(targets) under all alignments of the labels with the steps; `nn.functional.ctc_loss` tells more.
    `reduction` is 0 for none, 1 for the mean of the losses over their numbers of labels, 2 for the sum.

    >>> torch.ctc_loss(torch.full((2, 1, 2), 0.5).log(), torch.tensor([[1]]), [2], [1])
    tensor([0.2877])
    """
    tensor_array(targets)
    x = log_probs if tensor_array(log_probs).ndim != 2 else unsqueeze(log_probs, 1)
    inputs, labels = _lengths("input_lengths", input_lengths), _lengths("target_lengths", target_lengths)
    starts = _check(x, targets, inputs, labels, blank)
    _refuse(x.kind.dtype)
    whole, device = contiguous(cast(reshape(targets, -1), dt.int64)), x.device
    places = [from_numpy(n).to(device) for n in (starts, np.stack([inputs, labels], 1))]
    states = kernels.room(int(labels.max(initial=0)))
    losses, _alpha = _ctc(x, whole, *places, states, blank, zero_infinity)
    if zero_infinity:
        losses = where(losses == float("inf"), 0, losses)
    if reduction == 1:
        counts = from_numpy(np.maximum(labels, 1)).to(device)
        return mean(div(losses, counts))
    if reduction == 2:
        return sum(losses)
    return losses if x is log_probs else reshape(losses, ())


def _lengths(name: str, lengths: Tensor | Sequence[int]) -> np.ndarray:
    """The lengths as int64."""
    if isinstance(lengths, Sequence):
        return np.array(listed(lengths), np.int64)
    if tensor_kind(lengths).dtype.is_inexact or lengths.kind.dtype is dt.bool:
        raise RuntimeError(f"{name} must be integral")
    return host(lengths).astype(np.int64).reshape(-1)


def _check(x: Tensor, targets: Tensor, inputs: np.ndarray, labels: np.ndarray, blank: int) -> np.ndarray:
    """Where the labels of each sample begin. Raises RuntimeError, in PyTorch's words, for what does not fit."""
    place = "(while checking arguments for ctc_loss_allocate_outputs)"
    if not x.array.size:
        raise RuntimeError("log_probs tensor must not be empty")
    if x.array.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {x.array.ndim}-dimensional tensor for argument #1 "
            f"'log_probs' {place}"
        )
    if targets.array.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.array.ndim}-dimensional tensor for argument #2 "
            f"'targets' {place}"
        )
    steps, batch, classes = x.array.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, lengths in (("input_lengths", inputs), ("target_lengths", labels)):
        if lengths.size != batch:
            raise RuntimeError(f"{name} must be of size batch_size")
    for name, lengths in (("target_lengths", labels), ("input_lengths", inputs)):
        if (lengths < 0).any():
            raise RuntimeError(
                f"Expected {name} to have value at least 0, but got value {lengths[lengths < 0][0]} {place}"
            )
    size = targets.array.shape[-1]
    if targets.array.ndim == 1:
        if labels.sum() != size:
            raise RuntimeError(
                f"Expected tensor to have size {labels.sum()} at dimension 0, but got size {size} for argument "
                f"#2 'targets' {place}"
            )
        starts = np.cumsum(labels) - labels
    else:
        if labels.max() > size:
            raise RuntimeError(
                f"Expected tensor to have size at least {labels.max()} at dimension 1, but got size {size} for "
                f"argument #2 'targets' {place}"
            )
        starts = np.arange(batch) * size
    if inputs.max() > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value {inputs.max()} {place}"
        )
    if not targets.kind.cpu:  # nobody waits for a GPU: its kernel reports labels that there are not
        return starts
    given = targets.array.reshape(-1, size)
    used = np.arange(size) < (labels[:, None] if targets.array.ndim == 2 else [[size]])
    if ((given < 0) | (given >= classes))[used].any():
        raise RuntimeError(f"Expected targets to be labels from 0 to {classes - 1}")
    return starts
