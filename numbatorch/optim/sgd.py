"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numbatorch.ops import zeros_like
from numbatorch.optim.fused import Row, loss_of, run
from numbatorch.optim.optimizer import Optimizer, check_flags
from numbatorch.tensor import Tensor
from numbatorch_kernels import optim as kernels


class SGD(Optimizer):
    """p -= lr g, with momentum if wanted.

    momentum        m = momentum m + (1 - dampening) g takes the place of g; with `nesterov`, g + momentum m
    weight_decay    adds weight_decay p to g
    maximize        goes up instead of down

    The update of all parameters is one kernel call; `foreach` and `fused` are accepted, and change nothing.
    I. Sutskever et al., ICML 2013.

    >>> p = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> torch.optim.SGD([p], lr=0.1).step()
    >>> p
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_flags(foreach=foreach, fused=fused, differentiable=differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            momentum = group["momentum"]
            first, later = [], []
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                if momentum == 0:
                    later.append((param, grad, grad))
                    continue
                state = self.state[param]
                buffer = state.get("momentum_buffer")
                if buffer is None:
                    buffer = state["momentum_buffer"] = zeros_like(param)
                    first.append((param, grad, buffer))
                else:
                    later.append((param, grad, buffer))
            _update(first, group, 1.0)  # the first gradient is not damped
            _update(later, group, 1.0 - group["dampening"])
        return loss


def _update(rows: Sequence[Row], group: dict[str, Any], undamped: float) -> None:
    if rows:
        run(
            kernels.sgd,
            rows,
            3,
            float(group["lr"]),
            group["weight_decay"],
            -1.0 if group["maximize"] else 1.0,
            group["momentum"],
            undamped,
            group["nesterov"],
        )
