"""The chi-squared distribution."""

from __future__ import annotations

from numbatorch.distributions import constraints
from numbatorch.distributions.gamma import Gamma
from numbatorch.tensor import Tensor


class Chi2(Gamma):
    """The sum of the squares of `df` normal numbers: gamma of concentration df / 2 and rate 1 / 2."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Tensor | float, validate_args: bool | None = None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
