"""RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.optim.formulas import decays, lerp, mean_square, sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_betas, check_lr, check_positive
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import sqrt, where


def _radam(p, g, m, v, lr, bias, root, rectified, eps, decay, shrink, sign, weight1, beta2, weight2):
    g = slope(p, g, sign, decay)
    m, v = lerp(m, g, weight1), mean_square(v, g, beta2, weight2)
    step = m / bias * lr
    return shrink * p - where(rectified > 0, step * (root / (sqrt(v) + eps)) * rectified, step), m, v


class RAdam(Elementwise):
    """Adam whose first steps, while little is known of the mean of g², are plain momentum.

    After step t, rho = rho_inf - 2 t beta2^t / (1 - beta2^t), where rho_inf = 2 / (1 - beta2) - 1, is the number of
    gradients in the mean of squares. From 5 on, Adam's step is taken times the square root of
    (rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho). L. Liu et al., arXiv:1908.03265.
    """

    formula = Update(_radam, states=2)
    names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def numbers(self, group, step) -> Numbers:
        beta1, beta2 = group["betas"]
        square = 1 - beta2**step
        most = 2 / (1 - beta2) - 1
        rho = most - 2 * step * beta2**step / square
        rectified = 0.0
        if rho > 5:
            rectified = ((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) ** 0.5
        means = (sign_of(group), 1 - beta1, beta2, 1 - beta2)
        return group["lr"], 1 - beta1**step, square**0.5, rectified, group["eps"], *decays(group), *means
