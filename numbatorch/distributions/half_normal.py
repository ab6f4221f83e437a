"""The absolute value of a normal number."""

from __future__ import annotations

import math
from typing import Any

from numbatorch import ops
from numbatorch.distributions.half import Half
from numbatorch.distributions.normal import Normal
from numbatorch.tensor import Tensor


class HalfNormal(Half):
    """Density √2 exp(-(x / scale)² / 2) / (scale √π), x >= 0."""

    whole = Normal

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (1 - 2 / math.pi)

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)
