"""The normal distribution of vectors whose covariance is W Wᵀ + D, W a narrow matrix and D diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numbatorch import linalg, ops
from numbatorch.distributions import constraints
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.multivariate_normal import _batch_mahalanobis, _batch_mv, _half_log_det
from numbatorch.distributions.utils import _standard_normal, lazy_property
from numbatorch.tensor import Tensor


def _plus_identity(matrix: Tensor) -> Tensor:
    return matrix + ops.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


class LowRankMultivariateNormal(Distribution):
    """MultivariateNormal of covariance W Wᵀ + D, W = cov_factor (n, m), D = cov_diag (n): what would take an
    n x n matrix takes one of m x m, the capacitance C = I + Wᵀ D⁻¹ W."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _shared = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            center, self.cov_factor, diagonal = ops.broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = center[..., 0], diagonal[..., 0]
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        capacitance = _plus_identity((cov_factor.mT / cov_diag.unsqueeze(-2)) @ cov_factor)
        self._capacitance_tril = linalg.cholesky(capacitance)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    @property
    def _parts(self) -> tuple[Tensor, Tensor]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _square(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    def _log_det(self) -> Tensor:
        """log |W Wᵀ + D| = log |C| + log |D|"""
        return 2 * _half_log_det(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def _distance(self, x: Tensor) -> Tensor:
        """xᵀ (W Wᵀ + D)⁻¹ x, by Woodbury's identity."""
        factor, diagonal = self._parts
        inner = _batch_mv(factor.mT / diagonal.unsqueeze(-2), x)
        return (x.square() / diagonal).sum(-1) - _batch_mahalanobis(self._capacitance_tril, inner)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The diagonal of the covariance."""
        factor, diagonal = self._parts
        return (factor.square().sum(-1) + diagonal).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance, that of I + D^-1/2 W Wᵀ D^-1/2 scaled: no eigenvalue of this
        lies below 1."""
        factor, diagonal = self._parts
        root = diagonal.sqrt().unsqueeze(-1)
        return self._square(root * linalg.cholesky(_plus_identity((factor / root) @ (factor / root).mT)))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W Wᵀ + D"""
        factor, diagonal = self._parts
        return self._square(factor @ factor.mT + diagonal.diag_embed())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """D⁻¹ - D⁻¹ W C⁻¹ Wᵀ D⁻¹"""
        factor, diagonal = self._parts
        half = linalg.solve_triangular(
            self._capacitance_tril, factor.mT / diagonal.unsqueeze(-2), upper=False
        )
        return self._square(diagonal.reciprocal().diag_embed() - half.mT @ half)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape, (factor, diagonal) = self._extended_shape(sample_shape), self._parts
        common = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], self.loc)
        own = _standard_normal(shape, self.loc)
        return self.loc + _batch_mv(factor, common) + diagonal.sqrt() * own

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        terms = self._log_det() + self._distance(value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + terms)

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (0.5 * (constant + self._log_det())).expand(self._batch_shape)
