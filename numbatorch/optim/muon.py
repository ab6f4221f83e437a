"""Muon."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.ops import addmm, zeros_like
from numbatorch.optim.fused import loss_of
from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor


class Muon(Optimizer):
    """p -= lr O, where O is the momentum of a matrix with its singular values brought near 1.

    A Newton-Schulz iteration in bfloat16 makes O. For the weights of hidden layers; other parameters take an
    optimizer such as AdamW. K. Jordan, https://kellerjordan.github.io/posts/muon/; J. Liu et al., arXiv:2502.16982.

    weight_decay    p shrinks by lr weight_decay before each step
    adjust_lr_fn    "original": lr times max(1, rows / columns)^½; "match_rms_adamw": lr times 0.2 max(rows, columns)^½
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in {"Learning rate": lr, "momentum": momentum, "weight decay": weight_decay}.items():
            if not 0.0 <= value:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            lr, momentum = float(group["lr"]), group["momentum"]
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                if param.is_complex():
                    raise RuntimeError("Muon does not support complex parameters")
                state = self.state[param]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = zeros_like(grad)
                mean = state["momentum_buffer"].lerp_(grad, 1 - momentum)
                update = grad.lerp(mean, momentum) if group["nesterov"] else mean
                update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
                param.mul_(1 - lr * group["weight_decay"])
                param.add_(update.to(param.dtype), alpha=-lr * _ratio(group["adjust_lr_fn"], *param.shape))
        return loss


def _orthogonal(x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """U V' of the singular value decomposition U S V' of x, or nearly so: singular values between 0.5 and 1.5.

    A step takes a s + b s³ + c s⁵ of each singular value s. The coefficients make small values grow quickly.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.size(0) > x.size(1)
    y = x.bfloat16()
    if tall:
        y = y.T
    y = y / y.norm().clamp(min=eps)  # no singular value is above 1
    for _ in range(steps):
        gram = y @ y.T
        y = addmm(y, addmm(gram, gram, gram, beta=b, alpha=c), y, beta=a)
    return y.T if tall else y


def _ratio(function: str | None, rows: int, columns: int) -> float:
    """What the learning rate is multiplied by, so that steps of all shapes are of one size."""
    if function == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
