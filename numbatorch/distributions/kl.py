"""Kullback-Leibler divergences: KL(p || q), the expected value under p of log p(x) - log q(x).

Between different families it is the cross entropy, the expected value of -log q(x), less the entropy of p. What
the cross entropy needs of p are a few expected values: `_mean_log`, `_mean_exp` and the moments.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from numbatorch import linalg, ops
from numbatorch.distributions.bernoulli import Bernoulli
from numbatorch.distributions.beta import Beta
from numbatorch.distributions.binomial import Binomial
from numbatorch.distributions.categorical import Categorical
from numbatorch.distributions.cauchy import Cauchy
from numbatorch.distributions.continuous_bernoulli import ContinuousBernoulli
from numbatorch.distributions.dirichlet import Dirichlet
from numbatorch.distributions.distribution import Distribution
from numbatorch.distributions.exp_family import ExponentialFamily
from numbatorch.distributions.exponential import Exponential
from numbatorch.distributions.gamma import Gamma
from numbatorch.distributions.geometric import Geometric
from numbatorch.distributions.gumbel import Gumbel
from numbatorch.distributions.half_normal import HalfNormal
from numbatorch.distributions.independent import Independent
from numbatorch.distributions.laplace import Laplace
from numbatorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from numbatorch.distributions.multivariate_normal import (
    MultivariateNormal,
    _batch_mahalanobis,
    _half_log_det,
)
from numbatorch.distributions.normal import Normal
from numbatorch.distributions.one_hot_categorical import OneHotCategorical
from numbatorch.distributions.pareto import Pareto
from numbatorch.distributions.poisson import Poisson
from numbatorch.distributions.transformed_distribution import TransformedDistribution
from numbatorch.distributions.uniform import Uniform
from numbatorch.distributions.utils import _sum_rightmost, euler_constant
from numbatorch.nn.functional import softplus
from numbatorch.tensor import Tensor

_registry: dict[tuple[type, type], Callable] = {}
_found: dict[tuple[type, type], Callable | None] = {}  # what look-ups in the registry have given


def register_kl(type_p: type, type_q: type) -> Callable[[Callable], Callable]:
    """Decorator: the function computes kl_divergence(p, q) for these classes and their subclasses.

    Of several functions that fit, the one for the closest classes is taken.
    """
    kinds: list[tuple[str, Any]] = [("p", type_p), ("q", type_q)]
    for name, kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected type_{name} to be a Distribution subclass but got {kind}")

    def register(function: Callable) -> Callable:
        _registry[type_p, type_q] = function
        _found.clear()
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), in the shape of the batches. Raises NotImplementedError for classes that have no formula.

    >>> from numbatorch.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _found:
        _found[pair] = _look_up(*pair)
    function = _found[pair]
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return function(p, q)


def _look_up(type_p: type, type_q: type) -> Callable | None:
    """The function for the closest classes: closest to p's first, which should be as close to q's first."""
    fitting = [pair for pair in _registry if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not fitting:
        return None
    distance = lambda pair: (type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1]))  # noqa: E731
    left, right = min(fitting, key=distance), min(fitting, key=lambda pair: distance(pair)[::-1])
    if _registry[left] is not _registry[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({left[0].__name__}, {right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _registry[left]


# ------------------------------------------------------------------------------------------------------------
# the same family


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    one = one.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0)
    return one + zero.masked_fill(q.probs == 1, math.inf).masked_fill(p.probs == 1, 0)


@register_kl(Beta, Beta)
def _(p, q):
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _(p, q):
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return (p.total_count * each).masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Categorical, Categorical)
def _(p, q):
    terms = (p.probs * (p.logits - q.logits)).masked_fill(q.probs == 0, math.inf)
    return terms.masked_fill(p.probs == 0, 0).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Dirichlet, Dirichlet)
def _(p, q):
    a, b = p.concentration, q.concentration
    total_a, total_b = a.sum(-1), b.sum(-1)
    expected = a.digamma() - total_a.digamma().unsqueeze(-1)  # log x
    normalizers = total_a.lgamma() - total_b.lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return normalizers + ((a - b) * expected).sum(-1)


@register_kl(Exponential, Exponential)
def _(p, q):
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p, q):
    """F(q) - F(p) - <q - p, grad F(p)> of natural parameters: a Bregman divergence."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "                            be computed using Bregman divergences"
        )
    parameters, normalizer, gradients = p._log_normalizer_gradient()
    result = q._log_normalizer(*q._natural_params) - normalizer
    for ours, theirs, gradient in zip(parameters, q._natural_params, gradients, strict=True):
        result = result - _sum_rightmost((theirs - ours) * gradient, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _(p, q):
    a, b = p.concentration, q.concentration
    shapes = b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return b * (p.rate / q.rate).log() + shapes + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _(p, q):
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p, q):
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return apart / q.scale - ratio.log() + ratio * (-apart / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _(p, q):
    ratio, apart = (p.scale / q.scale).square(), ((p.loc - q.loc) / q.scale).square()
    return 0.5 * (ratio + apart - 1 - ratio.log())


@register_kl(Cauchy, Cauchy)
def _(p, q):
    """F. Chyzak and F. Nielsen, arXiv:1905.10965."""
    joint = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return joint.log() - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _(p, q):
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return result.masked_fill(p.scale < q.scale, math.inf)


@register_kl(Poisson, Poisson)
def _(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return result.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ------------------------------------------------------------------------------------------------------------
# normal vectors: (log |Σq| - log |Σp| + trace(Σq⁻¹ Σp) + the squared distance of the means - n) / 2


def _squares(matrix: Tensor) -> Tensor:
    """trace(X Xᵀ)"""
    return matrix.square().sum((-2, -1))


def _normal_kl(kind: str) -> Callable:
    """Decorator: events must be of one shape; the function gives log |Σq| - log |Σp|, the trace, the distance."""

    def make(function: Callable) -> Callable:
        def divergence(p, q):
            if p.event_shape != q.event_shape:
                raise ValueError(
                    f"KL-divergence between two {kind}Multivariate Normals with"
                    "                          different event shapes cannot be computed"
                )
            log_dets, trace, distance = function(p, q)
            return 0.5 * (log_dets + trace + distance - p.event_shape[0])

        return divergence

    return make


def _whitened(q: LowRankMultivariateNormal) -> Tensor:
    """A with Σq⁻¹ = Dq⁻¹ - Aᵀ A."""
    factor, diagonal = q._parts
    return linalg.solve_triangular(q._capacitance_tril, factor.mT / diagonal.unsqueeze(-2), upper=False)


@register_kl(MultivariateNormal, MultivariateNormal)
@_normal_kl("")
def _(p, q):
    ours, theirs = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = _squares(linalg.solve_triangular(theirs, ours, upper=False))
    log_dets = 2 * (_half_log_det(theirs) - _half_log_det(ours))
    return log_dets, trace, _batch_mahalanobis(theirs, q.loc - p.loc)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@_normal_kl("Low Rank ")
def _(p, q):
    (factor, diagonal), (_, theirs), solved = p._parts, q._parts, _whitened(q)
    trace = (diagonal / theirs).sum(-1) + _squares(factor * theirs.rsqrt().unsqueeze(-1))
    trace = trace - _squares(solved * diagonal.sqrt().unsqueeze(-2)) - _squares(solved @ factor)
    return q._log_det() - p._log_det(), trace, q._distance(q.loc - p.loc)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@_normal_kl("(Low Rank) ")
def _(p, q):
    ours, (_, diagonal) = p._unbroadcasted_scale_tril, q._parts
    trace = _squares(ours * diagonal.rsqrt().unsqueeze(-1)) - _squares(_whitened(q) @ ours)
    return q._log_det() - 2 * _half_log_det(ours), trace, q._distance(q.loc - p.loc)


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@_normal_kl("(Low Rank) ")
def _(p, q):
    (factor, diagonal), theirs = p._parts, q._unbroadcasted_scale_tril
    trace = _squares(linalg.solve_triangular(theirs, factor, upper=False))
    trace = trace + _squares(linalg.solve_triangular(theirs, diagonal.sqrt().diag_embed(), upper=False))
    log_dets = 2 * _half_log_det(theirs) - p._log_det()
    return log_dets, trace, _batch_mahalanobis(theirs, q.loc - p.loc)


# ------------------------------------------------------------------------------------------------------------
# different families: cross entropy less entropy


def _mean_log(p: Any) -> Tensor:
    """The expected value of log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -p.rate.log() - euler_constant
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _mean_log_between(p.low, p.high)


def _mean_log_between(low: Tensor, high: Tensor) -> Tensor:
    """The expected value of log x for a uniform x."""
    return (ops.xlogy(high, high) - ops.xlogy(low, low)) / (high - low) - 1


def _mean_exp(p: Any, t: Tensor) -> Tensor:
    """The expected value of exp(t x), t < 0."""
    if isinstance(p, Exponential):
        return p.rate / (p.rate - t)
    if isinstance(p, Gamma):
        return (1 - t / p.rate).pow(-p.concentration)
    if isinstance(p, Normal):
        return (p.loc * t + 0.5 * (p.scale * t).square()).exp()
    if isinstance(p, Gumbel):
        return (p.loc * t + (1 - p.scale * t).lgamma()).exp()
    return ((p.high * t).exp() - (p.low * t).exp()) / ((p.high - p.low) * t)


def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return -p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log()


def _to_gamma(p: Any, q: Gamma) -> Tensor:
    c = q.concentration
    return c.lgamma() - c * q.rate.log() - (c - 1) * _mean_log(p) + q.rate * p.mean


def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    place = q.loc / q.scale
    return q.scale.log() + p.mean / q.scale - place + place.exp() * _mean_exp(p, -q.scale.reciprocal())


def _to_normal(p: Any, q: Normal) -> Tensor:
    square = (p.variance + (p.mean - q.loc).square()) / q.scale.square()
    return 0.5 * (math.log(2 * math.pi) + square) + q.scale.log()


def _to_laplace(p: Normal, q: Laplace) -> Tensor:
    """By the mean of a folded normal number."""
    apart = p.loc - q.loc
    z = apart / p.scale
    distance = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.square()).exp() + apart * (z * 0.5**0.5).erf()
    return (2 * q.scale).log() + distance / q.scale


def _to_uniform(p: Any, q: Uniform) -> Tensor:
    return (q.high - q.low).log()


def _to_pareto(p: Uniform, q: Pareto) -> Tensor:
    return (q.alpha + 1) * _mean_log(p) - q.alpha.log() - q.alpha * q.scale.log()


def _to_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    likelihood = (a - 1) * _mean_log(p) + (b - 1) * _mean_log_between(1 - p.high, 1 - p.low)
    return a.lgamma() + b.lgamma() - (a + b).lgamma() - likelihood


def _to_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log()


def _below_support(p: Any, q: Any) -> Tensor:
    return p.low < q.support.lower_bound


# p, q, the cross entropy, and where (if anywhere) p has values that q cannot have
_CROSS: list[tuple[type, type, Callable, Callable | None]] = [
    (Bernoulli, Poisson, _to_poisson, None),
    (Beta, ContinuousBernoulli, _to_continuous_bernoulli, None),
    (Beta, Exponential, _to_exponential, None),
    (Beta, Gamma, _to_gamma, None),
    (Beta, Normal, _to_normal, None),
    (Beta, Uniform, _to_uniform, lambda p, q: (q.low > 0) | (q.high < 1)),
    (ContinuousBernoulli, Exponential, _to_exponential, None),
    (ContinuousBernoulli, Normal, _to_normal, None),
    (ContinuousBernoulli, Uniform, _to_uniform, lambda p, q: (q.low >= 0) | (q.high <= 1)),  # as in PyTorch
    (Exponential, Gamma, _to_gamma, None),
    (Exponential, Gumbel, _to_gumbel, None),
    (Exponential, Normal, _to_normal, None),
    (Gamma, Exponential, _to_exponential, None),
    (Gamma, Gumbel, _to_gumbel, None),
    (Gamma, Normal, _to_normal, None),
    (Gumbel, Gumbel, _to_gumbel, None),
    (Gumbel, Normal, _to_normal, None),
    (ContinuousBernoulli, ContinuousBernoulli, _to_continuous_bernoulli, None),
    (Laplace, Normal, _to_normal, None),
    (Normal, Gumbel, _to_gumbel, None),
    (Normal, Laplace, _to_laplace, None),
    (Pareto, Exponential, _to_exponential, None),
    (Pareto, Gamma, _to_gamma, None),
    (Pareto, Normal, _to_normal, None),
    (Uniform, Beta, _to_beta, lambda p, q: (p.high > 1) | (p.low < 0)),
    (Uniform, ContinuousBernoulli, _to_continuous_bernoulli, lambda p, q: (p.high >= 1) | (p.low <= 0)),
    (Uniform, Exponential, _to_exponential, _below_support),
    (Uniform, Gamma, _to_gamma, _below_support),
    (Uniform, Gumbel, _to_gumbel, None),
    (Uniform, Normal, _to_normal, None),
    (Uniform, Pareto, _to_pareto, _below_support),
]

# p that always have values outside the support of q
_OUTSIDE: list[tuple[type, tuple[type, ...]]] = [
    (Beta, (Pareto,)),
    (ContinuousBernoulli, (Pareto,)),
    (Exponential, (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Laplace, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Pareto, (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, (Bernoulli, Binomial)),
]


def _less_entropy(cross: Callable, outside: Callable | None) -> Callable:
    def divergence(p, q):
        result = cross(p, q) - p.entropy()
        return result if outside is None else result.masked_fill(outside(p, q), math.inf)

    return divergence


def _infinite(p: Any, q: Any) -> Tensor:
    return ops.full_like(p.mean, math.inf)


for _p, _q, _cross, _outside in _CROSS:
    register_kl(_p, _q)(_less_entropy(_cross, _outside))
for _p, _others in _OUTSIDE:
    for _q in _others:
        register_kl(_p, _q)(_infinite)
