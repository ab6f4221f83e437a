"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.distributions import constraints
from numbatorch.distributions.exp_family import ExponentialFamily
from numbatorch.distributions.utils import (
    TwoForms,
    _uniform,
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
)
from numbatorch.tensor import Tensor


class ContinuousBernoulli(TwoForms, ExponentialFamily):
    """Density proportional to p^x (1 - p)^(1 - x) on [0, 1], p = probs.

    For p between the two `lims`, near 1/2, where the formulas lose their digits, Taylor series take their place.
    G. Loaiza-Ganem and J. P. Cunningham, NeurIPS 2019.
    """

    arg_constraints = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ):
        self._set_odds(probs, logits)
        if probs is not None:
            if validate_args is not None and not bool(constraints.unit_interval.check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """p"""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside_unstable_region(self, x: Tensor | None = None, center: float = 0.0) -> Tensor:
        low, high = self._lims
        x = self.probs if x is None else x
        return (x <= low - center) | (x > high - center)

    def _cut_probs(self) -> Tensor:
        """p, and in the unstable region a number outside."""
        return ops.where(self._outside_unstable_region(), self.probs, self._lims[0])

    def _cont_bern_log_norm(self) -> Tensor:
        """The logarithm of 2 atanh(1 - 2p) / (1 - 2p), which the density is multiplied with."""
        p = self._cut_probs()
        width = ops.where(p <= 0.5, (-2.0 * p.clamp(max=0.5)).log1p(), (2.0 * p.clamp(min=0.5) - 1.0).log())
        formula = ((-p).log1p() - p.log()).abs().log() - width
        square = (self.probs - 0.5).square()
        taylor = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * square) * square
        return ops.where(self._outside_unstable_region(), formula, taylor)

    @property
    def mean(self) -> Tensor:
        p, x = self._cut_probs(), self.probs - 0.5
        formula = p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())
        taylor = 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.square()) * x
        return ops.where(self._outside_unstable_region(), formula, taylor)

    @property
    def variance(self) -> Tensor:
        p, square = self._cut_probs(), (self.probs - 0.5).square()
        formula = p * (p - 1.0) / (1.0 - 2.0 * p).square() + 1.0 / ((-p).log1p() - p.log()).square()
        taylor = 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * square) * square
        return ops.where(self._outside_unstable_region(), formula, taylor)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(_uniform(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        likelihood = -ops.binary_cross_entropy_with_logits(logits, value)
        return likelihood + self._cont_bern_log_norm()

    def cdf(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._cut_probs()
        formula = (p**value * (1.0 - p) ** (1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = ops.where(self._outside_unstable_region(), formula, value)
        return ops.where(value <= 0.0, 0.0, ops.where(value >= 1.0, 1.0, inside))

    def icdf(self, value: Any) -> Tensor:
        p = self._cut_probs()
        lost = (-p).log1p()
        formula = ((-p + value * (2.0 * p - 1.0)).log1p() - lost) / (p.log() - lost)
        return ops.where(self._outside_unstable_region(), formula, value)

    def entropy(self) -> Tensor:
        lost = (-self.probs).log1p()
        return self.mean * (lost - self.probs.log()) - self._cont_bern_log_norm() - lost

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        outside = self._outside_unstable_region(x, center=0.5)
        cut = ops.where(outside, x, self._lims[0] - 0.5)
        taylor = 0.5 * x + x**2 / 24.0 - x**4 / 2880.0
        return ops.where(outside, cut.expm1().abs().log() - cut.abs().log(), taylor)
