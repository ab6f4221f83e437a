"""The distribution of Lewandowski, Kurowicka and Joe, of Cholesky factors of correlation matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.distributions import constraints
from numbatorch.distributions.beta import Beta
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.utils import broadcast_all
from numbatorch.dtype import finfo
from numbatorch.tensor import Tensor


class LKJCholesky(Distribution):
    """Factors L, dim x dim, such that L Lᵀ has a density proportional to |L Lᵀ|^(concentration - 1).

    By the onion method of "Generating random correlation matrices based on vines and extended onion method",
    Journal of Multivariate Analysis 100 (2009): row by row, the length of what is below the diagonal is a beta
    number, its direction uniform.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = c = broadcast_all(concentration)
        below = ops.arange(dim - 1, dtype=c[0].dtype, device=c[0].device)
        below = ops.cat([below.new_zeros((1,)), below])
        rest = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * below
        self._beta = Beta(below + 0.5, rest)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        square = self._beta.sample(sample_shape).unsqueeze(-1)
        shape = self._extended_shape(sample_shape)
        normal = ops.randn(shape, dtype=square.dtype, device=square.device).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        direction[..., 0, :] = 0.0  # of nothing
        below = square.sqrt() * direction
        diagonal = (1 - below.square().sum(-1)).clamp(min=finfo(below.dtype).tiny).sqrt()
        return below + diagonal.diag_embed()

    def log_prob(self, value: Any) -> Tensor:
        """∑ order_i log L_ii, order_i = 2 (concentration - 1) + dim - i, less the normaliser of page 1999."""
        if self._validate_args:
            self._validate_sample(value)
        steps = self.dim - 1
        order = ops.arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        logs = value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()
        alpha = self.concentration + 0.5 * steps
        gammas = ops.mvlgamma(alpha - 0.5, steps) - alpha.lgamma() * steps
        return (order * logs).sum(-1) - (0.5 * steps * math.log(math.pi) + gammas)
