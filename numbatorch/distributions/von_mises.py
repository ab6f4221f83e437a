"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch import ops, special
from numbatorch.autograd.mode import no_grad
from numbatorch.distributions import constraints
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.utils import _uniform, broadcast_all, lazy_property
from numbatorch.dtype import bool as boolean_type
from numbatorch.dtype import float64
from numbatorch.tensor import Tensor


class VonMises(Distribution):
    """Density exp(concentration cos(x - loc)) / (2π I₀(concentration)), of angles in [-π, π).

    Samples are drawn by rejection (D. J. Best and N. I. Fisher, Applied Statistics 28, 1979), in float64.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Tensor, concentration: Tensor, validate_args: bool | None = None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """1 - I₁(c) / I₀(c): that of points on the circle."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        c = self.concentration
        return c * (value - self.loc).cos() - math.log(2 * math.pi) - (special.i0e(c).log() + c)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        """The parameter of the wrapped Cauchy distribution that proposes."""
        c = self.concentration.to(float64)
        tau = 1 + (1 + 4 * c.square()).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * c)
        return ops.where(c < 1e-5, 1 / c + c, (1 + rho.square()) / (2 * rho))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            loc, c, r = self.loc.to(float64), self.concentration.to(float64), self._proposal_r
            x = ops.empty(shape, dtype=float64, device=loc.device)
            done = ops.zeros(shape, dtype=boolean_type, device=loc.device)
            while not bool(done.all()):
                u, v, side = _uniform((3, *shape), loc).unbind()  # type: ignore[arg-type]
                z = (math.pi * u).cos()
                cosine = (1 + r * z) / (r + z)
                gap = c * (r - cosine)
                accepted = (gap * (2 - gap) - v > 0) | ((gap / v).log() + 1 - gap >= 0)
                x = ops.where(accepted, (side - 0.5).sign() * cosine.acos(), x)
                done = done | accepted
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
