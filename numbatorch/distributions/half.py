"""The absolute value of a number whose density is symmetric about 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from numbatorch import ops
from numbatorch.distributions import constraints
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.transforms import AbsTransform
from numbatorch.tensor import Tensor


class Half(TransformedDistribution):
    """Twice the density of `whole(0, scale)`, x >= 0."""

    whole: ClassVar[Callable]  # the distribution of the symmetric number
    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None):
        base = type(self).whole(0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """The scale of the symmetric number."""
        return self.base_dist.scale

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.scale)

    def cdf(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
