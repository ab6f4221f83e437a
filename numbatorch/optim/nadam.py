"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.optim.formulas import decays, lerp, mean_square, sign_of, slope
from numbatorch.optim.fused import (
    Elementwise,
    Numbers,
    Update,
    check_betas,
    check_lr,
    check_positive,
    count,
    counter,
)
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import sqrt


def _nadam(p, g, m, v, of_g, of_m, square, eps, decay, shrink, sign, weight1, beta2, weight2):
    g = slope(p, g, sign, decay)
    m, v = lerp(m, g, weight1), mean_square(v, g, beta2, weight2)
    root = sqrt(v / square) + eps
    return shrink * p + of_g * g / root + of_m * m / root, m, v


class NAdam(Elementwise):
    """Adam with Nesterov's momentum: p -= lr (a g + b m) / (sqrt(v) + eps).

    With mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) and the product M_t of mu_1 ... mu_t,
    a = (1 - mu_t) / (1 - M_t) and b = mu_(t+1) / (1 - M_(t+1)). T. Dozat, Incorporating Nesterov Momentum into
    Adam, ICLR workshop 2016.
    """

    formula = Update(_nadam, states=2)
    names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_positive({"weight_decay value": weight_decay, "momentum_decay value": momentum_decay})
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def begin(self, param, group):
        state = super().begin(param, group)
        step = state.pop("step")
        return {"step": step, "mu_product": counter(1.0, param, group), **state}

    def each(self, group, states) -> list[Numbers]:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["momentum_decay"]
        same = (group["eps"], *decays(group), sign_of(group), 1 - beta1, beta2, 1 - beta2)
        numbers: list[Numbers] = []
        for step, state in zip(count(states), states, strict=True):
            mu, following = [beta1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (step, step + 1)]
            with no_grad():
                product = float(state["mu_product"].mul_(mu))
            of_g, of_m = -lr * (1 - mu) / (1 - product), -lr * following / (1 - product * following)
            numbers.append((of_g, of_m, 1 - beta2**step, *same))
        return numbers
