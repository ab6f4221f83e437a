"""The absolute value of a Cauchy number."""

from __future__ import annotations

import math
from typing import Any

from numbatorch import ops
from numbatorch.distributions.cauchy import Cauchy
from numbatorch.distributions.half import Half
from numbatorch.tensor import Tensor


class HalfCauchy(Half):
    """Density 2 / (π scale (1 + (x / scale)²)), x >= 0."""

    whole = Cauchy

    @property
    def mean(self) -> Tensor:
        return ops.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value = ops.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device)
        return ops.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)
