"""The geometric distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numbatorch import ops
from numbatorch.autograd.mode import no_grad
from numbatorch.distributions import constraints
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.utils import TwoForms, broadcast_all
from numbatorch.dtype import finfo
from numbatorch.tensor import Tensor


class Geometric(TwoForms, Distribution):
    """The number of failures before the first success: (1 - probs)^k probs."""

    arg_constraints = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ):
        self._set_odds(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            value = self.probs
            raise ValueError(
                f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of "
                f"distribution {self!r} to be positive but found invalid "
                f"values:\n{value.detach()[~(value > 0)]}"
            )

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape, dtype = self._extended_shape(sample_shape), self.probs.dtype
        with no_grad():
            u = ops.empty(shape, dtype=dtype, device=self.probs.device).uniform_(finfo(dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        failing = (-probs.masked_fill((probs == 1) & (value == 0), 0)).log1p()
        return value * failing + self.probs.log()

    def entropy(self) -> Tensor:
        cross = ops.binary_cross_entropy_with_logits(self.logits, self.probs)
        return cross / self.probs
