"""The Pareto distribution."""

from __future__ import annotations

from numbatorch.distributions import constraints
from numbatorch.distributions.exponential import Exponential
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.transforms import AffineTransform, ExpTransform
from numbatorch.distributions.utils import broadcast_all
from numbatorch.tensor import Tensor


class Pareto(TransformedDistribution):
    """Density alpha scale^alpha / x^(alpha + 1), x >= scale."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Tensor | float, alpha: Tensor | float, validate_args: bool | None = None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        transforms = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, transforms, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)  # from there down it is infinite
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)  # from there down it is infinite
        return self.scale.square() * a / ((a - 1).square() * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
