"""The Gumbel distribution, of the largest of many numbers."""

from __future__ import annotations

import math
from typing import Any

from numbatorch import ops
from numbatorch.distributions import constraints
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.transforms import AffineTransform, ExpTransform, Transform
from numbatorch.distributions.uniform import Uniform
from numbatorch.distributions.utils import broadcast_all, euler_constant
from numbatorch.dtype import finfo
from numbatorch.tensor import Tensor


class Gumbel(TransformedDistribution):
    """Density exp(y - exp(y)) / scale, y = (loc - x) / scale: x = loc - scale log(-log(u)) of a uniform u."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        info = finfo(self.loc.dtype)
        low, high = ops.full_like(self.loc, info.tiny), ops.full_like(self.loc, 1 - info.eps)
        log = ExpTransform().inv
        transforms: list[Transform] = [
            log,
            AffineTransform(loc=0, scale=-ops.ones_like(self.scale)),
            log,
            AffineTransform(loc=loc, scale=-self.scale),
        ]
        base = Uniform(low, high, validate_args=validate_args)
        super().__init__(base, transforms, validate_args=validate_args)

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return y - y.exp() - self.scale.log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
