"""The logistic-normal distribution on the simplex."""

from __future__ import annotations

from numbatorch.distributions import constraints
from numbatorch.distributions.normal import Normal
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.transforms import StickBreakingTransform
from numbatorch.tensor import Tensor


class LogisticNormal(TransformedDistribution):
    """The distribution of `StickBreakingTransform` of a vector of normal numbers."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None):
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the normal numbers."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviations of the normal numbers."""
        return self.base_dist.base_dist.scale
