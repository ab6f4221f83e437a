"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.optim.formulas import mean_square, sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_lr, check_positive
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, sqrt


def _adadelta(p, g, v, u, lr, eps, decay, sign, rho, weight):
    g = slope(p, g, sign, decay)
    v = mean_square(v, g, rho, weight)
    delta = sqrt(u + eps) / sqrt(v + eps) * g
    return fma(delta, -lr, p), v, mean_square(u, delta, rho, weight)


class Adadelta(Elementwise):
    """p -= lr d with d = g sqrt(u + eps) / sqrt(v + eps), where v and u are running means of g² and of d².

    M. Zeiler, arXiv:1212.5701.

    rho     how much of the means is kept in a step
    """

    formula = Update(_adadelta, states=2)
    names = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_positive({"epsilon value": eps, "weight_decay value": weight_decay})
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def numbers(self, group, step) -> Numbers:
        rho = group["rho"]
        return group["lr"], group["eps"], group["weight_decay"], sign_of(group), rho, 1 - rho
