"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.ops import full_like
from numbatorch.optim.formulas import sign_of, slope
from numbatorch.optim.fused import (
    Elementwise,
    Numbers,
    Update,
    check_fused,
    check_lr,
    check_positive,
    counter,
)
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, sqrt


def _adagrad(p, g, total, lr, eps, decay, sign):
    g = slope(p, g, sign, decay)
    total = fma(g, g, total)
    return p - lr * g / (sqrt(total) + eps), total


class Adagrad(Elementwise):
    """p -= lr g / (sqrt(s) + eps), where s is the sum of all g² so far.

    lr_decay                    at step t, lr is divided by 1 + (t - 1) lr_decay
    initial_accumulator_value   what s begins at

    J. Duchi, E. Hazan and Y. Singer, JMLR 12, 2011.
    """

    formula = Update(_adagrad, states=1)
    names = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_positive(
            {
                "lr_decay value": lr_decay,
                "weight_decay value": weight_decay,
                "initial_accumulator_value value": initial_accumulator_value,
                "epsilon value": eps,
            }
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param] = self.begin(param, group)

    def begin(self, param, group):
        value = self.defaults["initial_accumulator_value"]
        total = full_like(param, complex(value, value) if param.is_complex() else value)
        return {"step": counter(0.0, param, group), "sum": total}

    def share_memory(self) -> None:
        """Move the state to memory that processes share."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def numbers(self, group, step) -> Numbers:
        lr = group["lr"] / (1 + (step - 1) * group["lr_decay"])
        return lr, group["eps"], group["weight_decay"], sign_of(group)
