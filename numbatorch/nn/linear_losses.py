"""Cross entropy of a linear layer's scores, at once or in pieces of the batch, which saves memory where there are many classes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numbatorch import ops
from numbatorch.autograd import Function, enable_grad, grad
from numbatorch.dtype import DType, bfloat16, float16, float32, float64, int64
from numbatorch.nn.losses import cross_entropy
from numbatorch.tensor import Tensor


@dataclass(frozen=True, slots=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` goes through the batch.

    batch_chunk_size    how many rows at a time; None: as `chunking_method` says
    chunking_method     "aspect_ratio": as many rows as make the scores of a piece as large as the input, "aspect_ratio:N": N times
                        fewer; "auto": "aspect_ratio:2" if batch_chunk_size is None
    allow_retain_graph, acc_policy, acc_dtype
                        taken for PyTorch's sake: a second backward is possible always, and products add up in float32 at least

    Raises ValueError for what is none of these.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, colon, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size: Any = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, float16, bfloat16, float32, float64):
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, got "
                f"{self.acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )

    def rows(self, batch: int, features: int, classes: int) -> int:
        """How many rows at a time. Raises ValueError where size and method differ."""
        size = batch if self.batch_chunk_size is None else min(self.batch_chunk_size, batch)
        method = self.chunking_method
        if method == "auto":
            method = "aspect_ratio:2" if self.batch_chunk_size is None else None
        if method is not None:
            factor = int(method.partition(":")[2] or 1)
            target = -(-batch // -(-classes // features))
            found = min((1 << (target - 1).bit_length()) // factor, batch)  # the next power of 2
            if self.batch_chunk_size is not None and self.batch_chunk_size != found:
                raise ValueError(
                    f"batch_chunk_size (={self.batch_chunk_size}) and chunking_method ('{method}') give different chunk sizes "
                    f"({self.batch_chunk_size} vs {found}); pass only one."
                )
            size = found
        return max(1, size)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """`cross_entropy` of `linear(input, linear_weight, linear_bias)`: input (N, in) or (in), linear_weight
    (C, ..., in), linear_bias (C, ...), target (N, ...) or probabilities (N, C, ...).

    With `options`, the scores of all classes are in memory for a part of the batch at a time, and are computed again for the
    gradient; it has none itself. Raises RuntimeError for shapes that do not fit.

    >>> F.linear_cross_entropy(torch.eye(2), torch.eye(2), torch.tensor([0, 1]))
    tensor(0.3133)
    """
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}"
        )
    features, (*outputs, columns) = input.shape[-1], linear_weight.shape
    if features != columns:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{features} and {columns}, respectively"
        )
    if linear_bias is not None and list(linear_bias.shape) != outputs:
        raise RuntimeError(f"expected linear_bias shape {tuple(outputs)}, got {tuple(linear_bias.shape)}")
    if len(outputs) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched "
            f"input, (N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )
    shape = (*input.shape[:-1], *outputs)
    if target.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None:
        if (
            len(outputs) == 1
            and label_smoothing == 0
            and target.dtype is int64
            and reduction in ("none", "mean", "sum")
        ):
            return _in_pieces(input, linear_weight, linear_bias, target, weight, reduction, ignored, options)
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, label_smoothing == 0, "
            f"target.dtype == int64, out_features == (). Got reduction={reduction!r}, label_smoothing={label_smoothing}, "
            f"target.dtype={target.dtype}, out_features={tuple(outputs[1:])}, tracing=False, linear_bias.shape="
            f"{None if linear_bias is None else tuple(linear_bias.shape)}.",
            stacklevel=2,
        )
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    scores = ops.linear(input, linear_weight.reshape(-1, features), bias).reshape(shape)
    return cross_entropy(
        scores,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=ignored,
        label_smoothing=label_smoothing,
    )


def _in_pieces(
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    options: LinearCrossEntropyOptions,
) -> Tensor:
    single = input.dim() == 1
    if single:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    rows = options.rows(len(input), *reversed(linear_weight.shape))
    losses: Tensor = _Pieces.apply(input, linear_weight, linear_bias, target, weight, ignore_index, rows)
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        counted = target != ignore_index
        weights = counted if weight is None else weight[ops.where(counted, target, 0)] * counted
        return losses.sum() / weights.sum()
    return losses.squeeze(0) if single else losses


class _Pieces(Function):
    """The losses of the rows; each piece's scores are computed when they are needed, in either direction."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        linear_weight: Tensor,
        linear_bias: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        rows: int,
    ) -> Tensor:
        ctx.save_for_backward(input, linear_weight, linear_bias, target, weight)
        ctx.ignore_index, ctx.rows = ignore_index, rows
        found = [
            cross_entropy(
                ops.linear(piece, linear_weight, linear_bias),
                classes,
                weight,
                ignore_index=ignore_index,
                reduction="none",
            )
            for piece, classes in _cut(rows, input, target)
        ]
        return ops.cat(found)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        input, linear_weight, linear_bias, target, weight = ctx.saved_tensors
        weights = [x for x in (linear_weight, linear_bias) if x is not None]
        of_input, sums = [], [ops.zeros_like(x) for x in weights]
        for piece, classes, of_losses in _cut(ctx.rows, input, target, grads[0]):
            leaves = [x.detach().requires_grad_() for x in (piece, *weights)]
            with enable_grad():
                scores = ops.linear(*leaves)
                losses = cross_entropy(
                    scores, classes, weight, ignore_index=ctx.ignore_index, reduction="none"
                )
            first, *others = grad(losses, leaves, of_losses)
            of_input.append(first)
            for total, found in zip(sums, others, strict=True):
                total.add_(found)
        return (ops.cat(of_input), *sums, *[None] * (6 - len(sums)))


def _cut(rows: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    return zip(*(x.split(rows) for x in tensors), strict=True)
