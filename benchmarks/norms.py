"""Time of normalisations, softmax and losses here and in PyTorch, forward and backward: see ops.py.

python benchmarks/norms.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ops import table

import numbatorch


def training(t: Any, call: Callable, *inputs: Any) -> Callable:
    """A call of forward and backward."""

    def step() -> None:
        for x in inputs:
            x.grad = None
        call(*inputs).backward()

    return step


def cases(t: Any) -> dict[str, tuple[Callable, list[tuple[int, ...]]]]:
    """What is computed, and the shapes of the tensors that want gradients."""
    F = t.nn.functional
    t.manual_seed(0)
    classes, few, labels = t.randint(1000, (1024,)), t.randint(10, (128,)), t.randint(1, 28, (16, 20))
    pixels = t.randint(21, (4, 64, 64))
    lengths = t.full((16,), 100), t.full((16,), 20)
    target, bags = t.randn(1024, 1024), t.randint(1000, (4096, 10))
    probabilities = target.sigmoid()
    return {
        "layer_norm 4096 x 768": (
            lambda x, w, b: F.layer_norm(x, (768,), w, b),
            [(4096, 768), (768,), (768,)],
        ),
        "layer_norm 64 x 128": (lambda x, w, b: F.layer_norm(x, (128,), w, b), [(64, 128), (128,), (128,)]),
        "rms_norm 4096 x 768": (lambda x, w: F.rms_norm(x, (768,), w), [(4096, 768), (768,)]),
        "group_norm 32 x 64 x 28 x 28": (
            lambda x, w, b: F.group_norm(x, 8, w, b),
            [(32, 64, 28, 28), (64,), (64,)],
        ),
        "instance_norm 32 x 64 x 28 x 28": (lambda x: F.instance_norm(x), [(32, 64, 28, 28)]),
        "batch_norm 32 x 64 x 28 x 28": (
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
            [(32, 64, 28, 28), (64,), (64,)],
        ),
        "batch_norm 1024 x 256": (
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
            [(1024, 256), (256,), (256,)],
        ),
        "batch_norm, evaluation": (
            lambda x, w, b: F.batch_norm(x, w.detach(), w.detach().abs(), w, b),
            [(32, 64, 28, 28), (64,), (64,)],
        ),
        "softmax 4096 x 768": (lambda x: F.softmax(x, 1), [(4096, 768)]),
        "log_softmax 1024 x 1000": (lambda x: F.log_softmax(x, 1), [(1024, 1000)]),
        "cross_entropy 1024 x 1000": (lambda x: F.cross_entropy(x, classes), [(1024, 1000)]),
        "cross_entropy 128 x 10": (lambda x: F.cross_entropy(x, few), [(128, 10)]),
        "cross_entropy 4 x 21 x 64 x 64": (lambda x: F.cross_entropy(x, pixels), [(4, 21, 64, 64)]),
        "mse_loss 1024 x 1024": (lambda x: F.mse_loss(x, target), [(1024, 1024)]),
        "l1_loss 1024 x 1024": (lambda x: F.l1_loss(x, target), [(1024, 1024)]),
        "smooth_l1_loss 1024 x 1024": (lambda x: F.smooth_l1_loss(x, target), [(1024, 1024)]),
        "bce_with_logits 1024 x 1024": (
            lambda x: F.binary_cross_entropy_with_logits(x, probabilities),
            [(1024, 1024)],
        ),
        "kl_div 1024 x 1024": (
            lambda x: F.kl_div(x, probabilities, reduction="batchmean"),
            [(1024, 1024)],
        ),
        "ctc_loss 100 x 16 x 28": (
            lambda x: F.ctc_loss(x.log_softmax(2), labels, *lengths),
            [(100, 16, 28)],
        ),
        "embedding_bag 4096 x 10 of 64": (
            lambda w: F.embedding_bag(bags, w, mode="sum"),
            [(1000, 64)],
        ),
    }


def main() -> None:
    """Forward, then forward and backward."""
    sides = {t: cases(t) for t in (numbatorch, torch)}
    forward, both = {}, {}
    for name in sides[torch]:
        calls, steps = [], []
        for t, lines in sides.items():
            call, shapes = lines[name]
            t.manual_seed(0)
            inputs = [t.randn(shape) for shape in shapes]
            calls.append(lambda call=call, inputs=inputs: call(*inputs))
            trained = [x.clone().requires_grad_() for x in inputs]
            result = call(*inputs)
            weights = t.randn(result.shape)
            if result.dim():
                steps.append(training(t, lambda *a, call=call, w=weights: (call(*a) * w).sum(), *trained))
            else:
                steps.append(training(t, call, *trained))
        forward[name], both[name] = tuple(calls), tuple(steps)
    table("forward", 1e-3, "ms", forward, 3, 5)
    table("forward and backward", 1e-3, "ms", both, 3, 5)


if __name__ == "__main__":
    main()
