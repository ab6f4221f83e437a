"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch.optim.formulas import decays, lerp, mean_square, sign_of, slope
from numbatorch.optim.fused import (
    Elementwise,
    Numbers,
    Update,
    check_betas,
    check_fused,
    check_lr,
    check_positive,
)
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import maximum, sqrt


def _adam(p, g, m, v, largest, step_size, root, eps, decay, shrink, sign, weight1, beta2, weight2):
    """The means m and v start at 0, which step_size = lr / (1 - beta1^t) and root = sqrt(1 - beta2^t) make up for."""
    g = slope(p, g, sign, decay)
    m, v = lerp(m, g, weight1), mean_square(v, g, beta2, weight2)
    square = v
    if largest is not None:
        square = largest = maximum(largest, v)
    return shrink * p - (step_size * m) / (sqrt(square) / root + eps), m, v, largest


class Adam(Elementwise):
    """p -= lr m / (sqrt(v) + eps), where m and v are running means of g and g².

    Both means are corrected for having started at 0. D. Kingma and J. Ba, arXiv:1412.6980.

    betas           how much of m and of v is kept in a step
    weight_decay    adds weight_decay p to g; with `decoupled_weight_decay`, AdamW, p shrinks instead
    amsgrad         takes the largest v so far (S. Reddi et al., arXiv:1904.09237)
    maximize        goes up instead of down

    The update of all parameters is one kernel call; `foreach`, `fused` and `capturable` are accepted, and
    change nothing.
    """

    formula = Update(_adam, states=3)
    names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_lr(lr)
        check_positive({"epsilon value": eps})
        check_betas(betas)
        check_positive({"weight_decay value": weight_decay})
        defaults = {
            "lr": lr,
            "betas": _pair(betas, bool(foreach and not capturable)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def begin(self, param, group):
        state = super().begin(param, group)
        if not group["amsgrad"]:
            del state["max_exp_avg_sq"]
        return state

    def numbers(self, group, step) -> Numbers:
        beta1, beta2 = group["betas"]
        step_size, root = group["lr"] / (1 - beta1**step), (1 - beta2**step) ** 0.5
        return step_size, root, group["eps"], *decays(group), sign_of(group), 1 - beta1, beta2, 1 - beta2


class AdamW(Adam):
    """Adam with decoupled weight decay: p shrinks by lr weight_decay before each step.

    I. Loshchilov and F. Hutter, arXiv:1711.05101.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )


def _pair(betas: Any, refuse_tensors: bool) -> tuple[Any, Any]:
    """Both betas, as numbers or as 0-d tensors."""
    tensors = [isinstance(beta, Tensor) for beta in betas]
    if not (all(tensors) or all([isinstance(beta, float) for beta in betas])):
        raise ValueError("betas must be either both floats or both Tensors")
    for place, beta in enumerate(betas):
        if tensors[place] and refuse_tensors:
            raise ValueError(
                f"betas[{place}] as a Tensor is not supported for capturable=False and foreach=True"
            )
        if tensors[place] and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{place}] must be 1-element")
    return tuple([beta.squeeze() if isinstance(beta, Tensor) else beta for beta in betas])  # type: ignore[return-value]
