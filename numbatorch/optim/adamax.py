"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.optim.formulas import lerp, sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_betas, check_lr, check_positive
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import abs, maximum


def _adamax(p, g, m, u, step_size, eps, decay, sign, weight1, beta2):
    g = slope(p, g, sign, decay)
    m, u = lerp(m, g, weight1), maximum(u * beta2, abs(g) + eps)
    return p - step_size * m / u, m, u


class Adamax(Elementwise):
    """p -= lr m / u: Adam with the infinity norm, u = max(beta2 u, |g| + eps), in the place of the mean of g².

    m is a running mean of g, corrected for having started at 0. D. Kingma and J. Ba, arXiv:1412.6980, section 7.1.
    """

    formula = Update(_adamax, states=2)
    names = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_positive({"epsilon value": eps})
        check_betas(betas)
        check_positive({"weight_decay value": weight_decay})
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def numbers(self, group, step) -> Numbers:
        beta1, beta2 = group["betas"]
        step_size = group["lr"] / (1 - beta1**step)
        return step_size, group["eps"], group["weight_decay"], sign_of(group), 1 - beta1, beta2
