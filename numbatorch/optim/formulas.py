"""What the formulas of optimizers have in common. They are traced once: what they do to expressions is written out as
a kernel.
"""

from __future__ import annotations

from typing import Any

from numbatorch_kernels.primitives import fma, where


def slope(p: Any, g: Any, sign: Any, decay: Any) -> Any:
    """The gradient of what is minimised: sign g + decay p; sign is -1 to maximise."""
    g = sign * g
    return where(decay != 0, fma(p, decay, g), g)


def sign_of(group: dict[str, Any]) -> float:
    """1 to minimise, -1 to maximise."""
    return -1.0 if group["maximize"] else 1.0


def lerp(mean: Any, g: Any, weight: Any) -> Any:
    """(1 - weight) mean + weight g, in the form that is exact at the nearer end."""
    return where(weight < 0.5, fma(g - mean, weight, mean), fma(mean - g, 1 - weight, g))


def mean_square(v: Any, g: Any, beta: Any, weight: Any) -> Any:
    """beta v + weight g^2."""
    return fma(weight * g, g, v * beta)


def decays(group: dict[str, Any]) -> tuple[float, float]:
    """Weight decay as part of the gradient, and what p shrinks by: lr weight_decay, if it is decoupled."""
    decay = group["weight_decay"]
    return (0.0, 1 - group["lr"] * decay) if group["decoupled_weight_decay"] else (decay, 1.0)
