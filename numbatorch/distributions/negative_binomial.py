"""The negative binomial distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.autograd.mode import no_grad
from numbatorch.distributions import constraints
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.gamma import Gamma
from numbatorch.distributions.utils import TwoForms, lazy_property
from numbatorch.nn.functional import logsigmoid
from numbatorch.tensor import Tensor


class NegativeBinomial(TwoForms, Distribution):
    """The number of successes, each with probability `probs`, before failure number `total_count`."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ):
        (count,) = self._set_odds(probs, logits, total_count)
        self.total_count = count.to(self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    @lazy_property
    def _gamma(self) -> Gamma:
        """The distribution of the rate of a Poisson number that is distributed as this one."""
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)  # the count may be 0

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return ops.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        likelihood = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        choices = (n + value).lgamma() - (1.0 + value).lgamma() - n.lgamma()
        return likelihood + choices.masked_fill(n + value == 0.0, 0.0)
