"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numbatorch.base import Kind
from numbatorch.dtype import float32
from numbatorch.ops import zeros, zeros_like
from numbatorch.optim.fused import loss_of, run
from numbatorch.optim.optimizer import Optimizer, check_flags
from numbatorch.tensor import Tensor
from numbatorch_kernels import optim as kernels

_COUNT = Kind.of(float32)  # what the kernel counts steps in: host memory, as in PyTorch


class Adam(Optimizer):
    """p -= lr m / (sqrt(v) + eps), where m and v are running means of g and g².

    Both means are corrected for having started at 0. D. Kingma and J. Ba, arXiv:1412.6980.

    betas           how much of m and of v is kept in a step
    weight_decay    adds weight_decay p to g; with `decoupled_weight_decay`, AdamW, p shrinks instead
    amsgrad         takes the largest v so far (S. Reddi et al., arXiv:1904.09237)
    maximize        goes up instead of down

    The update of all parameters is one kernel call; `foreach`, `fused` and `capturable` are accepted, and
    change nothing.
    """

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
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for place, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {place}: {beta}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        check_flags(foreach=foreach, fused=fused, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "betas": tuple(float(beta) for beta in betas),
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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            amsgrad = group["amsgrad"]
            largest = "max_exp_avg_sq" if amsgrad else "exp_avg_sq"
            rows = []
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                state = self.state[param]
                if not state:
                    _start(state, param, amsgrad)
                step = state["step"]
                if step.kind is not _COUNT:  # a loaded one may be anything
                    step = state["step"] = step.to("cpu", float32)
                rows.append((param, grad, state["exp_avg"], state["exp_avg_sq"], state[largest], step))
            if rows:
                run(kernels.adam, rows, 5, *_numbers(group))
        return loss


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


def _start(state: dict[str, Any], param: Tensor, amsgrad: bool) -> None:
    """The state of a parameter before its first step."""
    state["step"] = zeros((), dtype=float32, device="cpu")
    for name in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq"):
        state[name] = zeros_like(param)


def _numbers(group: dict[str, Any]) -> tuple[float, ...]:
    """A group's options as the kernel takes them."""
    lr, decay, (beta1, beta2) = float(group["lr"]), group["weight_decay"], group["betas"]
    decoupled = group["decoupled_weight_decay"]
    return (
        lr,
        beta1,
        beta2,
        group["eps"],
        0.0 if decoupled else decay,
        1 - lr * decay if decoupled else 1.0,
        -1.0 if group["maximize"] else 1.0,
        group["amsgrad"],
    )
