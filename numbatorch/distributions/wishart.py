"""The Wishart distribution of positive definite matrices."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from numbatorch import linalg, ops
from numbatorch.distributions import constraints
from numbatorch.distributions.chi2 import Chi2
from numbatorch.distributions.exp_family import ExponentialFamily
from numbatorch.distributions.multivariate_normal import _half_log_det, _precision_to_scale_tril
from numbatorch.distributions.utils import lazy_property
from numbatorch.dtype import finfo
from numbatorch.shape import Size, broadcast_shapes
from numbatorch.tensor import Tensor


class Wishart(ExponentialFamily):
    """The distribution of ∑ x xᵀ of `df` normal vectors of covariance Σ.

    One of three matrices is given: Σ (`covariance_matrix`), its inverse, or L with Σ = L Lᵀ (`scale_tril`).
    Samples are L A Aᵀ Lᵀ, A lower triangular with chi numbers on the diagonal and normal ones below
    (M. S. Bartlett, 1933).
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _shared = ("_unbroadcasted_scale_tril",)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions"
            )
        freedom = df if isinstance(df, Tensor) else ops.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape, event_shape = broadcast_shapes(matrix.shape[:-2], freedom.shape), matrix.shape[-2:]
        self.df = freedom.expand(batch_shape)
        n = event_shape[-1]
        if bool((self.df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        if bool((self.df < n).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._unbroadcasted_scale_tril = (
            matrix
            if name == "scale_tril"
            else linalg.cholesky(matrix)
            if name == "covariance_matrix"
            else _precision_to_scale_tril(matrix)
        )
        self._dist_chi2 = Chi2(
            self.df.unsqueeze(-1) - ops.arange(n, dtype=matrix.dtype, device=matrix.device)
        )

    def _square(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """L"""
        return self._square(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Σ = L Lᵀ"""
        factor = self._unbroadcasted_scale_tril
        return self._square(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹"""
        return self._square(ops.cholesky_inverse(self._unbroadcasted_scale_tril))

    def _times_covariance(self, number: Tensor) -> Tensor:
        return number[..., None, None] * self.covariance_matrix

    @property
    def mean(self) -> Tensor:
        return self._times_covariance(self.df)

    @property
    def mode(self) -> Tensor:
        number = self.df - self._event_shape[-1] - 1
        return self._times_covariance(number.masked_fill(number <= 0, math.nan))

    @property
    def variance(self) -> Tensor:
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        product = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (self.covariance_matrix.square() + product)

    def _bartlett(self, sample_shape: Sequence[int]) -> Tensor:
        n = self._event_shape[-1]
        chi = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = chi.clamp(min=finfo(chi.dtype).eps).diag_embed()
        i, j = ops.tril_indices(n, n, offset=-1)
        shape = Size(sample_shape) + self._batch_shape + (n * (n - 1) // 2,)
        noise[..., i, j] = ops.randn(shape, dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Sequence[int] = (), max_try_correction: int = 10) -> Tensor:
        """Random matrices. Those that rounding has made singular are drawn again, `max_try_correction` times."""
        sample = self._bartlett(sample_shape)
        for _ in range(max_try_correction):
            singular = ~self.support.check(sample)
            if not bool(singular.any()):
                break
            warnings.warn("Singular sample detected.", stacklevel=2)
            sample = ops.where(singular[..., None, None], self._bartlett(sample_shape), sample)
        return sample

    def _log_det(self) -> Tensor:
        """log |2 Σ| / 2"""
        return 0.5 * math.log(2) * self._event_shape[-1] + _half_log_det(self._unbroadcasted_scale_tril)

    def log_prob(self, value: Any) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        df, n = self.df, self._event_shape[-1]
        solved = ops.cholesky_solve(value, self._unbroadcasted_scale_tril)
        trace = solved.diagonal(dim1=-2, dim2=-1).sum(-1)
        log_det = linalg.slogdet(value)[1]
        return (df - n - 1) / 2 * log_det - trace / 2 - df * self._log_det() - ops.mvlgamma(df / 2, n)

    def entropy(self) -> Tensor:
        df, n = self.df, self._event_shape[-1]
        steps = ops.arange(n, dtype=df.dtype, device=df.device) / 2
        digammas = ((df / 2).unsqueeze(-1) - steps).digamma().sum(-1)
        gammas = ops.mvlgamma(df / 2, n) - (df - n - 1) / 2 * digammas
        return (n + 1) * self._log_det() + gammas + df * n / 2

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        return half * (math.log(2) * n - linalg.slogdet(-2 * x)[1]) + ops.mvlgamma(half, n)
