"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numbatorch.ops import zeros_like
from numbatorch.optim.formulas import sign_of, slope
from numbatorch.optim.fused import Elementwise, Numbers, Update, check_fused, check_positive, loss_of
from numbatorch.tensor import Tensor
from numbatorch_kernels.primitives import fma, where


def _sgd(p, g, m, lr, decay, sign, momentum, undamped, nesterov):
    g = slope(p, g, sign, decay)
    if m is not None:
        m = fma(g, undamped, m * momentum)
        g = where(nesterov != 0, fma(m, momentum, g), m)
    return fma(g, -lr, p), m


class SGD(Elementwise):
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

    formula = Update(_sgd, states=1)
    names = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check_positive({"learning rate": lr})
        check_positive({"momentum value": momentum, "weight_decay value": weight_decay})
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
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
        check_fused(fused, foreach, differentiable)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            momentum, first, later = group["momentum"], [], []
            for param in group["params"]:
                if param.grad is None:
                    continue
                if momentum == 0:
                    later.append((param, param.grad, None))
                    continue
                state = self.state[param]
                buffer = state.get("momentum_buffer")
                if buffer is not None:
                    later.append((param, param.grad, buffer))
                    continue
                buffer = state["momentum_buffer"] = zeros_like(param)
                first.append((param, param.grad, buffer))
                if group["differentiable"]:  # PyTorch's first momentum is a constant
                    g = slope(param.detach(), param.grad.detach(), sign_of(group), group["weight_decay"])
                    buffer.copy_(g / momentum)
            if first:
                self.update(first, {**group, "dampening": 1 if group["differentiable"] else 0}, ())
            if later:
                self.update(later, group, ())
        return loss

    def each(self, group, states) -> list[Numbers]:
        options = (group["lr"], group["weight_decay"], sign_of(group), group["momentum"])
        return [(*options, 1 - group["dampening"], group["nesterov"])]
