"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.ops import full_like
from numbatorch.optim.formulas import sign_of
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_lr
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, maximum, minimum, sign, where


def _rprop(p, g, before, step, down, up, least, most, direction):
    g = direction * g
    turn = g * before
    step = step * where(turn > 0, up, where(turn < 0, down, 1))
    step = minimum(maximum(step, least), most)
    g = where(turn < 0, 0, g)
    return fma(-sign(g), step, p), g, step


class Rprop(Elementwise):
    """Resilient propagation: a step is sign(g) times a size of each element's own.

    The size grows by etas[1] where g has kept its sign, and shrinks by etas[0] where it has not (and no step is
    taken there), between the limits `step_sizes`; it begins at lr. M. Riedmiller and H. Braun, ICNN 1993.
    """

    formula = Update(_rprop, states=2)
    names = ("prev", "step_size")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def begin(self, param, group):
        lr = float(group["lr"])
        size = full_like(param, complex(lr, lr) if param.is_complex() else lr)
        return {**super().begin(param, group), "step_size": size}

    def numbers(self, group, step) -> Numbers:
        return *group["etas"], *group["step_sizes"], sign_of(group)
