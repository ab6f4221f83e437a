"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.ops import zeros_like
from numbatorch.optim.formulas import sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_lr, check_positive, count, counter
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, where


def _asgd(p, g, mean, eta, shrink, mu, decay, sign):
    g = slope(p, g, sign, decay)
    p = fma(g, -eta, p * shrink)
    return p, where(mu == 1, p, mean + (p - mean) * mu)


class ASGD(Elementwise):
    """p -= eta (g + lambd p), and the state "ax" is the mean of all p since step t0.

    The step size is eta = lr / (1 + lambd lr t)^alpha. B. Polyak and A. Juditsky, SIAM Journal on Control and
    Optimization 30, 1992.
    """

    formula = Update(_asgd, states=1)
    names = ("ax",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_positive({"weight_decay value": weight_decay})
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def begin(self, param, group):
        at_the_parameter = {**group, "capturable": True}
        start = {"step": 0.0, "eta": float(group["lr"]), "mu": 1.0}
        counters = {name: counter(value, param, at_the_parameter) for name, value in start.items()}
        return {**counters, "ax": zeros_like(param)}

    @no_grad()
    def each(self, group, states) -> list[Numbers]:
        lr, lambd = float(group["lr"]), group["lambd"]
        numbers: list[Numbers] = []
        for step, state in zip(count(states), states, strict=True):
            eta, mu = float(state["eta"]), float(state["mu"])
            numbers.append((eta, 1 - lambd * eta, mu, group["weight_decay"], sign_of(group)))
            state["eta"].fill_(lr / (1 + lambd * lr * step) ** group["alpha"])
            state["mu"].fill_(1 / max(1, step - group["t0"]))
        return numbers
