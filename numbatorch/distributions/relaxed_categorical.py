"""The relaxed one-hot categorical distribution (Gumbel-softmax), and that of its logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch.distributions import constraints
from numbatorch.distributions.categorical import Categorical
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.transforms import ExpTransform
from numbatorch.distributions.utils import OfCategorical, _uniform, broadcast_all, clamp_probs
from numbatorch.tensor import Tensor


class ExpRelaxedCategorical(OfCategorical, Distribution):
    """log_softmax((logits + g) / temperature) of Gumbel numbers g: the logarithm of RelaxedOneHotCategorical."""

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    support = constraints.real_vector
    has_rsample = True
    _shared = ("temperature",)

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        super().__init__(self._categorical.batch_shape, self.param_shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        u = clamp_probs(_uniform(self._extended_shape(sample_shape), self.logits))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        score = logits - value * self.temperature
        score = (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1)
        return score + (math.lgamma(k) + self.temperature.log() * (k - 1))


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex that for a `temperature` near 0 lie at its corners, as those of OneHotCategorical
    do, and that gradients go through (C. Maddison and others, arXiv:1611.00712)."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """How far from the corners the points lie."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities of the corners."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities of the corners."""
        return self.base_dist.probs
