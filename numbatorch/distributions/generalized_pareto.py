"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.distributions import constraints
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.utils import _uniform, broadcast_all
from numbatorch.tensor import Tensor


class GeneralizedPareto(Distribution):
    """P(x > loc + scale z) = (1 + c z)^(-1 / c), c = concentration; exp(-z) where c is 0."""

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = ops.where(self.concentration < 0, self.loc - self.scale / self.concentration, math.inf)
        return constraints.interval(self.loc, end)

    @property
    def mean(self) -> Tensor:
        valid = self.concentration < 1
        mean = self.loc + self.scale / (1 - ops.where(valid, self.concentration, 0.5))
        return ops.where(valid, mean, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        valid = self.concentration < 0.5
        c = ops.where(valid, self.concentration, 0.25)
        return ops.where(valid, self.scale.square() / ((1 - c).square() * (1 - 2 * c)), math.nan)

    def _zero(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with ones there."""
        zero = ops.isclose(self.concentration, ops.zeros_like(self.concentration))
        return zero, ops.where(zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(_uniform(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._zero()
        power = 1 / c + 1
        bent = ops.where(power == 0, power, power * (c * z).log1p())
        return -self.scale.log() - ops.where(zero, z, bent)

    def log_survival_function(self, value: Any) -> Tensor:
        """log P(x > value)"""
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._zero()
        return ops.where(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: Any) -> Tensor:
        """log P(x <= value)"""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Any) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Tensor:
        left, (zero, c) = (-value).log1p(), self._zero()
        bent = self.loc + self.scale / c * (-c * left).expm1()
        return ops.where(zero, self.loc - self.scale * left, bent)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
