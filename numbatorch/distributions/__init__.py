"""Probability distributions, as in `torch.distributions`: samples, densities, moments, entropies, divergences.

On the CPU samples are PyTorch's: the same seed gives the same numbers, up to rounding. (Not those of Wishart:
PyTorch 2.13 takes its good samples for singular ones, and draws them again.)

>>> from numbatorch.distributions import Normal
>>> Normal(torch.zeros(2), 1.0).log_prob(torch.tensor([0.0, 1.0]))
tensor([-0.9189, -1.4189])
"""

from numbatorch.distributions import constraints as constraints
from numbatorch.distributions import transforms as transforms
from numbatorch.distributions.bernoulli import Bernoulli as Bernoulli
from numbatorch.distributions.beta import Beta as Beta
from numbatorch.distributions.binomial import Binomial as Binomial
from numbatorch.distributions.categorical import Categorical as Categorical
from numbatorch.distributions.cauchy import Cauchy as Cauchy
from numbatorch.distributions.chi2 import Chi2 as Chi2
from numbatorch.distributions.constraint_registry import biject_to as biject_to
from numbatorch.distributions.constraint_registry import transform_to as transform_to
from numbatorch.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from numbatorch.distributions.dirichlet import Dirichlet as Dirichlet
from numbatorch.distributions.distribution import Distribution as Distribution
from numbatorch.distributions.exp_family import ExponentialFamily as ExponentialFamily
from numbatorch.distributions.exponential import Exponential as Exponential
from numbatorch.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
from numbatorch.distributions.gamma import Gamma as Gamma
from numbatorch.distributions.generalized_pareto import GeneralizedPareto as GeneralizedPareto
from numbatorch.distributions.geometric import Geometric as Geometric
from numbatorch.distributions.gumbel import Gumbel as Gumbel
from numbatorch.distributions.half_cauchy import HalfCauchy as HalfCauchy
from numbatorch.distributions.half_normal import HalfNormal as HalfNormal
from numbatorch.distributions.independent import Independent as Independent
from numbatorch.distributions.inverse_gamma import InverseGamma as InverseGamma
from numbatorch.distributions.kl import kl_divergence as kl_divergence
from numbatorch.distributions.kl import register_kl as register_kl
from numbatorch.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
from numbatorch.distributions.laplace import Laplace as Laplace
from numbatorch.distributions.lkj_cholesky import LKJCholesky as LKJCholesky
from numbatorch.distributions.log_normal import LogNormal as LogNormal
from numbatorch.distributions.logistic_normal import LogisticNormal as LogisticNormal
from numbatorch.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal as LowRankMultivariateNormal,
)
from numbatorch.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from numbatorch.distributions.multinomial import Multinomial as Multinomial
from numbatorch.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from numbatorch.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
from numbatorch.distributions.normal import Normal as Normal
from numbatorch.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
from numbatorch.distributions.one_hot_categorical import (
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from numbatorch.distributions.pareto import Pareto as Pareto
from numbatorch.distributions.poisson import Poisson as Poisson
from numbatorch.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from numbatorch.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from numbatorch.distributions.studentT import StudentT as StudentT
from numbatorch.distributions.transformed_distribution import (
    TransformedDistribution as TransformedDistribution,
)
from numbatorch.distributions.transforms import AbsTransform as AbsTransform
from numbatorch.distributions.transforms import AffineTransform as AffineTransform
from numbatorch.distributions.transforms import CatTransform as CatTransform
from numbatorch.distributions.transforms import ComposeTransform as ComposeTransform
from numbatorch.distributions.transforms import CorrCholeskyTransform as CorrCholeskyTransform
from numbatorch.distributions.transforms import (
    CumulativeDistributionTransform as CumulativeDistributionTransform,
)
from numbatorch.distributions.transforms import ExpTransform as ExpTransform
from numbatorch.distributions.transforms import IndependentTransform as IndependentTransform
from numbatorch.distributions.transforms import LowerCholeskyTransform as LowerCholeskyTransform
from numbatorch.distributions.transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from numbatorch.distributions.transforms import PowerTransform as PowerTransform
from numbatorch.distributions.transforms import ReshapeTransform as ReshapeTransform
from numbatorch.distributions.transforms import SigmoidTransform as SigmoidTransform
from numbatorch.distributions.transforms import SoftmaxTransform as SoftmaxTransform
from numbatorch.distributions.transforms import SoftplusTransform as SoftplusTransform
from numbatorch.distributions.transforms import StackTransform as StackTransform
from numbatorch.distributions.transforms import StickBreakingTransform as StickBreakingTransform
from numbatorch.distributions.transforms import TanhTransform as TanhTransform
from numbatorch.distributions.transforms import Transform as Transform
from numbatorch.distributions.transforms import identity_transform as identity_transform
from numbatorch.distributions.uniform import Uniform as Uniform
from numbatorch.distributions.von_mises import VonMises as VonMises
from numbatorch.distributions.weibull import Weibull as Weibull
from numbatorch.distributions.wishart import Wishart as Wishart
