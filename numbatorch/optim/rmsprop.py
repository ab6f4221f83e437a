"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.ops import zeros_like
from numbatorch.optim.formulas import lerp, mean_square, sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_lr, check_positive, counter
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, sqrt


def _rmsprop(p, g, v, m, mean, lr, eps, decay, sign, alpha, weight, momentum):
    g = slope(p, g, sign, decay)
    v = mean_square(v, g, alpha, weight)
    square = v
    if mean is not None:
        mean = lerp(mean, g, weight)
        square = fma(-mean, mean, v)
    root = sqrt(square) + eps
    if m is None:
        return p - lr * g / root, v, m, mean
    m = m * momentum + g / root
    return fma(m, -lr, p), v, m, mean


class RMSprop(Elementwise):
    """p -= lr g / (sqrt(v) + eps), where v is a running mean of g².

    alpha       how much of v is kept in a step
    momentum    m = momentum m + g / (sqrt(v) + eps) takes the place of the quotient
    centered    the square of a running mean of g is subtracted from v

    T. Tieleman and G. Hinton, Coursera lecture 6.5, 2012; centered as in A. Graves, arXiv:1308.0850.
    """

    formula = Update(_rmsprop, states=3)
    names = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_positive(
            {
                "epsilon value": eps,
                "momentum value": momentum,
                "weight_decay value": weight_decay,
                "alpha value": alpha,
            }
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def begin(self, param, group):
        wanted = (True, group["momentum"] > 0, group["centered"])
        state = {name: zeros_like(param) for name, there in zip(self.names, wanted, strict=True) if there}
        return {"step": counter(0.0, param, group), **state}

    def numbers(self, group, step) -> Numbers:
        alpha = group["alpha"]
        first = (group["lr"], group["eps"], group["weight_decay"], sign_of(group))
        return *first, alpha, 1 - alpha, group["momentum"]
