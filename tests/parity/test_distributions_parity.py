"""torch.distributions against PyTorch's: samples from the same seed, densities, moments, divergences, gradients,
transforms, texts.

A distribution is a row: how it is made, as an expression of `D` (the distributions), `L` (the library) and `t` (a
float64 tensor from numbers); a value that it can have; what PyTorch's samples are not comparable for.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from parity.expressions import assert_equal, outcome

import numbatorch
from numbatorch import distributions

torch = pytest.importorskip("torch")

PAIR = "t([[2.0, 0.5], [0.5, 1.0]])"
LOW = "t([[1.0, 0.0], [0.5, 0.8]])"
ROWS: dict[str, tuple[str, str]] = {
    "Bernoulli": ("D.Bernoulli(t([0.2, 0.7]))", "t([1.0, 0.0])"),
    "Bernoulli of logits": ("D.Bernoulli(logits=t([-1.0, 2.0]))", "t([1.0, 0.0])"),
    "Beta": ("D.Beta(t([0.5, 2.0, 9.0]), t([0.7, 3.0, 7.0]))", "t([0.2, 0.9, 0.5])"),
    "Binomial": ("D.Binomial(9, t([0.2, 0.7]))", "t([1.0, 8.0])"),
    "Binomial of logits": ("D.Binomial(t([3.0, 50.0]), logits=t([0.0, 0.7]))", "t([1.0, 8.0])"),
    "Categorical": ("D.Categorical(t([[0.2, 0.7, 0.5], [1.0, 1.0, 0.0]]))", "t([1.0, 0.0])"),
    "Categorical of logits": ("D.Categorical(logits=t([0.2, -0.7, 0.5]))", "t([1.0, 0.0])"),
    "Cauchy": ("D.Cauchy(t([0.2, -3.0]), t([1.0, 0.5]))", "t([1.0, -8.0])"),
    "Chi2": ("D.Chi2(t([0.5, 3.0]))", "t([1.0, 8.0])"),
    "ContinuousBernoulli": ("D.ContinuousBernoulli(t([0.2, 0.5, 0.9]))", "t([0.2, 0.9, 0.5])"),
    "ContinuousBernoulli of logits": ("D.ContinuousBernoulli(logits=t([0.2, -3.0]))", "t([0.2, 0.9])"),
    "Dirichlet": ("D.Dirichlet(t([[0.5, 2.0, 9.0], [0.2, 0.5, 0.7]]))", "t([0.2, 0.5, 0.3])"),
    "Exponential": ("D.Exponential(t([0.5, 3.0]))", "t([1.0, 0.2])"),
    "FisherSnedecor": ("D.FisherSnedecor(t([1.5, 3.0]), t([5.0, 3.0]))", "t([1.0, 0.2])"),
    "Gamma": ("D.Gamma(t([0.5, 3.0]), t([1.0, 2.0]))", "t([1.0, 0.2])"),
    "GeneralizedPareto": ("D.GeneralizedPareto(L.tensor([0.5, 1.0, 0.0]), 2.0, L.tensor([0.2, 0.0, -1.0]))", "L.tensor(1.5)"),
    "Geometric": ("D.Geometric(t([0.5, 0.1]))", "t([1.0, 7.0])"),
    "Geometric of logits": ("D.Geometric(logits=t([0.5, -1.1]))", "t([1.0, 7.0])"),
    "Gumbel": ("D.Gumbel(t([0.5, -1.0]), t([1.0, 3.0]))", "t([1.0, -7.0])"),
    "HalfCauchy": ("D.HalfCauchy(t([0.5, 3.0]))", "t([1.0, 7.0])"),
    "HalfNormal": ("D.HalfNormal(t([0.5, 3.0]))", "t([1.0, 7.0])"),
    "Independent": ("D.Independent(D.Normal(t([[0.5, 3.0], [1.0, 0.0]]), 1.0), 1)", "t([1.0, 7.0])"),
    "InverseGamma": ("D.InverseGamma(t([0.5, 3.0]), t([1.0, 2.0]))", "t([1.0, 0.2])"),
    "Kumaraswamy": ("D.Kumaraswamy(t([0.5, 3.0]), t([1.0, 2.0]))", "t([0.7, 0.2])"),
    "LKJCholesky": ("D.LKJCholesky(3, t([0.5, 2.0]))", "t([[1.0, 0, 0], [0.6, 0.8, 0], [0, 0.6, 0.8]])"),
    "Laplace": ("D.Laplace(t([0.5, 3.0]), t([1.0, 2.0]))", "t([-0.7, 0.2])"),
    "LogNormal": ("D.LogNormal(t([0.5, 1.0]), t([1.0, 0.2]))", "t([0.7, 3.0])"),
    "LogisticNormal": ("D.LogisticNormal(t([0.5, 1.0]), t([1.0, 0.2]))", "t([0.2, 0.5, 0.3])"),
    "LowRankMultivariateNormal": (
        "D.LowRankMultivariateNormal(t([0.5, 1.0]), t([[1.0], [0.2]]), t([[1.0, 0.5], [0.1, 3.0]]))",
        "t([0.7, 3.0])",
    ),
    "MixtureSameFamily": (
        "D.MixtureSameFamily(D.Categorical(t([[0.2, 0.8], [1, 1]])), D.Normal(t([0.5, 1.0]), t([[1.0], [3.0]])))",
        "t([0.7, 3.0])",
    ),
    "mixture of vectors": (
        "D.MixtureSameFamily(D.Categorical(t([0.2, 0.8])),"
        " D.Independent(D.Normal(t([[0.5, 1.0, 2.0], [0.0, 1.0, 0.0]]), 2.0), 1))",
        "t([0.7, 3.0, 1.0])",
    ),
    "Multinomial": ("D.Multinomial(9, t([[0.2, 0.7, 0.5], [1.0, 1.0, 0.0]]))", "t([[2.0, 3.0, 4.0], [5, 4, 0]])"),
    "MultivariateNormal": (f"D.MultivariateNormal(t([[0.5, 1.0], [0, 0]]), {PAIR})", "t([0.7, 3.0])"),
    "MultivariateNormal by L": (f"D.MultivariateNormal(t([0.5, 1.0]), scale_tril={LOW})", "t([[0.7, 3.0], [0, 1]])"),
    "MultivariateNormal by the inverse": (
        f"D.MultivariateNormal(t([0.5, 1.0]), precision_matrix=L.stack([{PAIR}, 2 * {PAIR}]))", "t([0.7, 3.0])",
    ),
    "NegativeBinomial": ("D.NegativeBinomial(t([0.5, 5.0]), t([0.2, 0.9]))", "t([1.0, 7.0])"),
    "NegativeBinomial of logits": ("D.NegativeBinomial(3.0, logits=t([-2.0, 2.0]))", "t([1.0, 7.0])"),
    "Normal": ("D.Normal(t([0.5, 5.0]), t([0.2, 0.9]))", "t([1.0, 7.0])"),
    "Normal of numbers": ("D.Normal(0.5, 2)", "L.tensor(0.3)"),
    "OneHotCategorical": ("D.OneHotCategorical(t([0.5, 5.0, 1.0]))", "t([[1.0, 0.0, 0.0], [0, 0, 1]])"),
    "OneHotCategoricalStraightThrough": (
        "D.OneHotCategoricalStraightThrough(logits=t([[0.5, -5.0, 1.0]]))", "t([[1.0, 0.0, 0.0], [0, 0, 1]])",
    ),
    "Pareto": ("D.Pareto(t([0.5, 5.0]), t([0.2, 2.9]))", "t([1.0, 7.0])"),
    "Poisson": ("D.Poisson(t([0.5, 50.0, 0.0]))", "t([1.0, 47.0, 0.0])"),
    "RelaxedBernoulli": ("D.RelaxedBernoulli(t(0.7), t([0.2, 0.9]))", "t([0.3, 0.8])"),
    "RelaxedOneHotCategorical": ("D.RelaxedOneHotCategorical(t(0.7), t([0.2, 0.9, 0.3]))", "t([0.3, 0.5, 0.2])"),
    "StudentT": ("D.StudentT(t([0.5, 1.5, 5.0]), 1.0, t([0.2, 0.9, 2.0]))", "t([1.0, 7.0, -3.0])"),
    "TransformedDistribution": (
        "D.TransformedDistribution(D.Normal(t([0.5, 1.0]), 1.0), [D.TanhTransform(), D.AffineTransform(1.0, 2.0)])",
        "t([1.3, 0.2])",
    ),
    "Uniform": ("D.Uniform(t([0.5, -1.0]), t([2.0, 7.0]))", "t([1.0, 6.0])"),
    "VonMises": ("D.VonMises(t([0.5, -1.0]), t([0.2, 7.0]))", "t([1.0, -1.0])"),
    "Weibull": ("D.Weibull(t([0.5, 1.0]), t([0.7, 7.0]))", "t([1.0, 1.1])"),
    "Wishart": (f"D.Wishart(t([3.0, 5.5]), {PAIR})", PAIR),
}  # fmt: skip
LOOSE = {  # PyTorch's Bessel functions have seven digits, its factorial in float32; a row in float32
    "VonMises": 2e-6, "Multinomial": 1e-7, "GeneralizedPareto": 3e-6,
}  # fmt: skip


def names(library: Any) -> dict[str, Any]:
    return {
        "D": library.distributions,
        "t": lambda numbers: library.tensor(numbers, dtype=library.float64),
        "C": library.distributions.constraints,
    }


def same(case: str, rtol: float = 1e-9, atol: float = 1e-10) -> None:
    """`case` does with both libraries the same; random numbers start from the same seed."""
    found = []
    for library in (numbatorch, torch):
        library.manual_seed(7)
        result, warned = outcome(library, case, **names(library))
        if type(result) is tuple and isinstance(result[-1], str):  # an error: class and text
            result = result[0], result[1].replace("numbatorch.", "torch.")
        found.append((result, [text.replace("numbatorch.", "torch.") for text in warned]))
    (ours, our_warnings), (theirs, their_warnings) = found
    try:
        assert_equal(ours, theirs, rtol, atol)
        assert our_warnings == their_warnings
    except AssertionError as error:
        raise AssertionError(f"{case}: {ours!r} against {theirs!r}") from error


def evaluate(library: Any, case: str, **more: Any) -> Any:
    return eval(case, {"L": library, **names(library), **more})


@pytest.mark.parametrize("row", ROWS)
def test_properties(row):
    make, _value = ROWS[row]
    tolerance = LOOSE.get(row, 1e-9)
    for name in ("mean", "mode", "variance", "stddev", "batch_shape", "event_shape", "has_rsample",
                 "has_enumerate_support", "support"):  # fmt: skip
        same(f"{make}.{name}", rtol=tolerance)
    same(make)
    for call in ("entropy()", "perplexity()", "enumerate_support()", "enumerate_support(False)"):
        same(f"{make}.{call}", rtol=tolerance)


@pytest.mark.parametrize("row", ROWS)
def test_values(row):
    make, value = ROWS[row]
    tolerance = LOOSE.get(row, 1e-9)
    same(f"{make}.log_prob({value})", rtol=tolerance)
    same(f"{make}.cdf({value})", rtol=tolerance)
    same(f"{make}.icdf(t([[0.2], [0.7]]))", rtol=tolerance)
    same(f"{make}.log_prob(0.5)")
    same(f"{make}.log_prob(t([float('nan')] * 7))")
    same(f"{make}.log_prob({value} - 0.37)", rtol=tolerance)  # mostly outside the support


@pytest.mark.parametrize("row", [row for row in ROWS if row != "Wishart"])
def test_samples(row):
    make = ROWS[row][0]
    for call in ("sample()", "sample((3,))", "sample(L.Size([2, 50]))", "rsample((4,))"):
        same(f"{make}.{call}", rtol=LOOSE.get(row, 1e-9))


@pytest.mark.parametrize("row", ROWS)
def test_expand(row):
    make, value = ROWS[row]
    for attribute in ("batch_shape", "event_shape", "mean"):
        same(f"(lambda d: d.expand((3, *d.batch_shape)).{attribute})({make})", rtol=LOOSE.get(row, 1e-9))
    same(f"(lambda d: d.expand((3, *d.batch_shape)).log_prob({value}))({make})", rtol=LOOSE.get(row, 1e-9))
    if row != "Wishart":
        same(f"(lambda d: d.expand((3, *d.batch_shape)).sample((2,)))({make})", rtol=LOOSE.get(row, 1e-9))


def gradients(library: Any, make: str, call: str) -> list[np.ndarray] | str:
    """The gradients of the sum of `call` for the numbers in `make`."""
    leaves: list[Any] = []

    def leaf(numbers):
        leaves.append(library.tensor(numbers, dtype=library.float64, requires_grad=True))
        return leaves[-1]

    library.manual_seed(7)
    t = names(library)["t"]
    try:
        result = eval(call, {"d": evaluate(library, make, t=leaf), "L": library, "t": t})
        result.sum().backward()
    except (NotImplementedError, RuntimeError) as error:
        return type(error).__name__
    return [np.zeros(0) if x.grad is None else x.grad.numpy() for x in leaves]


@pytest.mark.parametrize("row", [row for row in ROWS if row != "Wishart"])
def test_gradients(row):
    make, value = ROWS[row]
    for call in (
        f"d.log_prob({value})",
        "d.entropy()",
        "d.rsample((5,))",
        "d.rsample((5,)).square()",
        "d.mean",
    ):
        ours, theirs = gradients(numbatorch, make, call), gradients(torch, make, call)
        if isinstance(theirs, str):
            continue  # of samples that are not differentiable, and where PyTorch changes a leaf in place
        assert not isinstance(ours, str), f"{call}: {ours}"
        implicit = "rsample" in call and row in IMPLICIT
        for a, b in zip(ours, theirs, strict=True):
            rtol = 3e-3 if implicit else max(LOOSE.get(row, 0), 1e-8)  # PyTorch approximates these
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-9 + implicit * 1e-4, err_msg=call)


IMPLICIT = ("Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT")

KINDS = {  # for divergences; all parameters within the support of all
    "Bernoulli": ("D.Bernoulli(t([0.2, 0.7, 1.0]))", "D.Bernoulli(logits=t([-1.0, 2.0, 0.0]))"),
    "Beta": ("D.Beta(t([0.5, 2.0]), t([0.7, 3.0]))", "D.Beta(t([1.5, 0.2]), t([0.3, 3.0]))"),
    "Binomial": ("D.Binomial(9, t([0.2, 0.7]))", "D.Binomial(t([9.0, 5.0]), t([0.3, 0.6]))"),
    "Categorical": ("D.Categorical(t([0.2, 0.0, 0.5]))", "D.Categorical(t([[0.5, 0.2, 0.0], [1, 1, 1]]))"),
    "Cauchy": ("D.Cauchy(t([0.2, -3.0]), t([1.0, 0.5]))", "D.Cauchy(t([0.0, -2.0]), t([1.5, 0.5]))"),
    "ContinuousBernoulli": ("D.ContinuousBernoulli(t([0.2, 0.5]))", "D.ContinuousBernoulli(t([0.3, 0.9]))"),
    "Dirichlet": ("D.Dirichlet(t([0.5, 2.0, 9.0]))", "D.Dirichlet(t([[1.5, 2.0, 0.9], [1, 1, 1]]))"),
    "Exponential": ("D.Exponential(t([0.5, 3.0]))", "D.Exponential(t([1.5, 2.0]))"),
    "Gamma": ("D.Gamma(t([0.5, 3.0]), t([1.0, 2.0]))", "D.Gamma(t([1.5, 0.3]), t([1.0, 0.7]))"),
    "Geometric": ("D.Geometric(t([0.5, 0.1]))", "D.Geometric(t([0.3, 0.9]))"),
    "Gumbel": ("D.Gumbel(t([0.5, -1.0]), t([1.0, 3.0]))", "D.Gumbel(t([0.0, -2.0]), t([2.0, 0.7]))"),
    "HalfNormal": ("D.HalfNormal(t([0.5, 3.0]))", "D.HalfNormal(t([1.5, 1.0]))"),
    "Independent": ("D.Independent(D.Normal(t([0.5, 3.0]), 1.0), 1)", "D.Independent(D.Normal(t([0, 1.0]), 2.0), 1)"),
    "Laplace": ("D.Laplace(t([0.5, 3.0]), t([1.0, 2.0]))", "D.Laplace(t([-0.5, 1.0]), t([2.0, 0.7]))"),
    "LogNormal": ("D.LogNormal(t([0.5, 1.0]), t([1.0, 0.2]))", "D.LogNormal(t([0.0, 2.0]), t([0.7, 0.9]))"),
    "LowRank": (
        "D.LowRankMultivariateNormal(t([0.5, 1.0]), t([[1.0], [0.2]]), t([1.0, 0.5]))",
        "D.LowRankMultivariateNormal(t([0.0, 2.0]), t([[0.3, 0.1], [0.9, 0.2]]), t([0.1, 3.0]))",
    ),
    "Multivariate": (
        f"D.MultivariateNormal(t([0.5, 1.0]), {PAIR})",
        f"D.MultivariateNormal(t([[0.0, 2.0], [1, 1]]), scale_tril={LOW})",
    ),
    "Normal": ("D.Normal(t([0.5, 5.0]), t([0.2, 0.9]))", "D.Normal(t([0.0, 4.0]), t([0.7, 0.4]))"),
    "OneHot": ("D.OneHotCategorical(t([0.5, 5.0, 1.0]))", "D.OneHotCategorical(t([0.9, 1.0, 1.0]))"),
    "Pareto": ("D.Pareto(t([0.5, 5.0]), t([0.2, 2.9]))", "D.Pareto(t([0.4, 6.0]), t([1.2, 0.9]))"),
    "Poisson": ("D.Poisson(t([0.5, 50.0]))", "D.Poisson(t([1.5, 47.0]))"),
    "Uniform": ("D.Uniform(t([0.5, -1.0]), t([0.9, 7.0]))", "D.Uniform(t([-0.5, -2.0]), t([1.0, 6.0]))"),
}  # fmt: skip


@pytest.mark.parametrize("p", KINDS)
def test_divergence(p):
    for q in KINDS:
        same(f"D.kl_divergence({KINDS[p][0]}, {KINDS[q][1]})")


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("LowRank", "Multivariate")])
def test_gradients_of_divergences(kind):
    for other in ("Normal", "Gamma", "Gumbel", kind):
        make = f"L.stack([t(0.0).detach() + D.kl_divergence({KINDS[kind][0]}, {KINDS[other][1]})])"
        ours, theirs = (gradients(library, make, "d.nan_to_num(0, 0, 0)") for library in (numbatorch, torch))
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True) if not isinstance(ours, str) else ():
            finite = np.isfinite(a) & np.isfinite(b) if a.shape == b.shape else ...
            np.testing.assert_allclose(a[finite], b[finite], rtol=1e-7, atol=1e-9, err_msg=other)


TRANSFORMS = {
    "AbsTransform()": "t([0.5, -2.0])",
    "AffineTransform(1.0, -2.0)": "t([0.5, -2.0])",
    "AffineTransform(t([1.0, 2.0]), t([[3.0], [-1.0]]), event_dim=1)": "t([0.5, -2.0]).expand(2, 2)",
    "CatTransform([D.ExpTransform(), D.SigmoidTransform()], dim=-1, lengths=[1, 2])": "t([0.5, -2.0, 1.0])",
    "ComposeTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)])": "t([0.5, -2.0])",
    "ComposeTransform([D.AffineTransform(1.0, 2.0), D.StickBreakingTransform()])": "t([[0.5, -2.0]])",
    "CorrCholeskyTransform()": "t([[0.5, -2.0, 0.3]])",
    "CumulativeDistributionTransform(D.Normal(t(0.5), 2.0))": "t([0.5, -2.0])",
    "ExpTransform()": "t([0.5, -2.0])",
    "ExpTransform().inv": "t([0.5, 2.0])",
    "IndependentTransform(D.ExpTransform(), 1)": "t([[0.5, -2.0]])",
    "LowerCholeskyTransform()": "t([[0.5, -2.0], [0.3, 0.7]])",
    "PositiveDefiniteTransform()": "t([[0.5, -2.0], [0.3, 0.7]])",
    "PowerTransform(t([2.0, -0.5]))": "t([0.5, 2.0])",
    "ReshapeTransform((2, 3), (6,))": "t([[[0.5, 2.0, 1.0], [0, 1, 2]]])",
    "SigmoidTransform()": "t([0.5, -2.0, 50.0])",
    "SoftmaxTransform()": "t([0.5, -2.0])",
    "SoftplusTransform()": "t([0.5, -2.0, 30.0])",
    "StackTransform([D.ExpTransform(), D.SigmoidTransform()], dim=1)": "t([[0.5, -2.0]])",
    "StickBreakingTransform()": "t([[0.5, -2.0], [1.0, 3.0]])",
    "TanhTransform()": "t([0.5, -2.0])",
    "transforms.identity_transform": "t([0.5, -2.0])",
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms(transform):
    x = TRANSFORMS[transform]
    for case in ("f", "f(x)", "f.inv(f(x))", "f.log_abs_det_jacobian(x, f(x))", "f.inv", "f.domain", "f.codomain",
                 "f.inv.log_abs_det_jacobian(f(x), x)", "f.inv.inv is f", "f.bijective", "f.sign", "f.event_dim",
                 "f.forward_shape(x.shape)", "f.inverse_shape(f(x).shape)", "f == f", "f.inv == f",
                 "f.with_cache()(x)", "(lambda g: g.inv(g(x)) is x)(f.with_cache())", "f.forward_shape(L.Size([]))",
                 "f.domain.event_dim", "f.codomain.check(f(x))", "f.domain.check(x)"):  # fmt: skip
        same(f"(lambda f, x: {case})(D.{transform}, {x})")
    ours, theirs = (
        gradients(library, f"(lambda f, x: f(x))(D.{transform}, {x})", "d.square()")
        for library in (numbatorch, torch)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


CONSTRAINTS = {
    "boolean": "t([0, 1, 2])", "one_hot": "t([[0, 1], [1, 1], [0, 2]])", "real": "t([1, float('nan')])",
    "nonnegative_integer": "t([0, 1.5, -1])", "positive_integer": "t([0, 1, 2])", "integer_interval(1, 3)": "t([0, 1, 3, 4])",
    "real_vector": "t([[1, float('nan')], [1, 2]])", "positive": "t([0, 1])", "nonnegative": "t([0, -1])",
    "greater_than(1)": "t([1, 2])", "greater_than_eq(1.5)": "t([1, 2])", "less_than(1)": "t([1, 0])",
    "multinomial(3)": "t([[1, 2], [2, 2]])", "unit_interval": "t([0, 1, 1.1])", "interval(-1, 2)": "t([0, 2, 2.1])",
    "half_open_interval(-1, 2)": "t([0, 2, 2.1])", "simplex": "t([[0.5, 0.5], [0.5, 0.6]])",
    "lower_triangular": "t([[1, 0], [1, 1]])", "lower_cholesky": "t([[1, 0], [1, -1]])",
    "corr_cholesky": "t([[1, 0], [0.6, 0.8]])", "square": "t([[1, 0, 3], [1, -1, 2]])",
    "symmetric": "t([[1, 0], [0.6, 0.8]])", "positive_semidefinite": "t([[1, 1], [1, 1]]) + 1e-9 * L.eye(2)",
    "positive_definite": "t([[1, 0.5], [0.5, 0.1]])", "independent(C.positive, 1)": "t([[1, 0], [1, 2]])",
    "cat([C.positive, C.real], 0, [1, 2])": "t([0, 1, -1])", "stack([C.positive, C.real], 0)": "t([0, 1])",
    "dependent": "t([1])", "dependent(is_discrete=True)": "t([1])", "_IntegerLessThan(2)": "t([1, 2, 3, 0.5])",
}  # fmt: skip


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_constraints(constraint):
    for case in ("c", "c.check(x)", "c.is_discrete", "c.event_dim", "C.is_dependent(c)", "D.biject_to(c)",
                 "D.transform_to(c)"):  # fmt: skip
        same(f"(lambda c, x: {case})(C.{constraint}, {CONSTRAINTS[constraint]})")


MISTAKES = [
    "D.Normal(t([0.0]), t([-1.0]))", "D.Normal('a', 1.0)", "D.Normal(t([0.0, 1.0]), t([1.0] * 3))",
    "D.Normal(float('nan'), 1.0)", "D.Uniform(1.0, 0.0)", "D.Bernoulli(1.5)", "D.Bernoulli()",
    "D.Bernoulli(0.5, 0.5)", "D.Categorical(t(1.0))", "D.Categorical(logits=t(1.0))", "D.Categorical(t([-1.0, 2.0]))",
    "D.Geometric(0.0)", "D.Dirichlet(t(1.0))", "D.Dirichlet(t([1.0, -1.0]))", "D.Beta(-1.0, 1.0)",
    "D.ContinuousBernoulli(1.5, validate_args=True)", "D.Binomial(-1, 0.5)", "D.Binomial(2.5, t([0.5]))",
    "D.Multinomial(2.5, t([0.5]))", "D.Multinomial(t([2]), t([0.5]))", "D.MultivariateNormal(t(1.0), L.eye(1))",
    "D.MultivariateNormal(t([1.0]))", "D.MultivariateNormal(t([1.0]), t([1.0]))",
    "D.MultivariateNormal(t([1.0]), scale_tril=t([1.0]))", "D.MultivariateNormal(t([1.0, 2.0]), -L.eye(2))",
    "D.LowRankMultivariateNormal(t(1.0), t([1.0]), t([1.0]))", "D.LowRankMultivariateNormal(t([1.0]), t([1.0]), t([1.0]))",
    "D.LowRankMultivariateNormal(t([1.0]), t([[1.0], [2.0]]), t([1.0]))",
    "D.LowRankMultivariateNormal(t([1.0]), t([[1.0]]), t([1.0, 2.0]))",
    "D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0))", "D.MixtureSameFamily(D.Categorical(t([1.0])), 3)",
    "D.MixtureSameFamily(D.Categorical(t([1.0, 2.0])), D.Normal(t([1.0] * 3), 1.0))",
    "D.MixtureSameFamily(D.Categorical(L.ones(2, 3)), D.Normal(L.zeros(4, 3), 1.0))",
    "D.Independent(D.Normal(0.0, 1.0), 1)", "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [3])",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())",
    "D.LKJCholesky(1)", "D.Wishart(1.0)", f"D.Wishart(0.5, {PAIR})", "D.Wishart(3.0, t([1.0]))",
    "D.Normal(0.0, 1.0).log_prob(t(float('nan')))", "D.Gamma(1.0, 1.0).log_prob(t(-1.0))",
    "D.Normal(t([0.0, 1.0]), 1.0).log_prob(t([1.0] * 3))", "D.Categorical(t([1.0, 2.0])).log_prob(t(2))",
    "D.Dirichlet(t([1.0, 2.0])).log_prob(t([0.5] * 3))", "D.OneHotCategorical(t([1.0, 2.0])).log_prob(t([1.0, 1.0]))",
    "D.Binomial(t([2, 3]), 0.5).entropy()", "D.Binomial(t([2, 3]), 0.5).enumerate_support()",
    "D.Independent(D.Bernoulli(t([0.5])), 1).enumerate_support()", "D.Distribution().mean",
    "D.Distribution(validate_args=False).mode", "D.Distribution(validate_args=False).sample()",
    "D.Distribution.set_default_validate_args(3)", "D.Transform(cache_size=2)", "D.Transform()(t(1.0))",
    "D.biject_to.register(3, lambda c: None)", "D.biject_to(C.dependent)", "D.biject_to(C.lower_cholesky)",
    "D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0))", "D.kl_divergence(D.VonMises(t(0.0), t(1.0)), D.Normal(0.0, 1.0))",
    f"D.kl_divergence(D.MultivariateNormal(t([1.0]), L.eye(1).double()), D.MultivariateNormal(t([1.0, 2.0]), {PAIR}))",
    "D.kl_divergence(D.Independent(D.Normal(t([1.0]), 1.0), 1), D.Independent(D.Normal(t([1.0]), 1.0), 0))",
    "D.ReshapeTransform((2,), (3,))", "D.ReshapeTransform((2,), (1, 2)).forward_shape(L.Size([3]))",
    "D.CorrCholeskyTransform().forward_shape(L.Size([2]))", "D.CorrCholeskyTransform().inverse_shape(L.Size([2, 3]))",
    "D.Normal(0.0, 1.0, validate_args=False).log_prob(0.5)", "D.Normal(0.0, 1.0).sample_n(2)", "D.Poisson(-1.0)",
    "D.RelaxedBernoulli(t(0.5))", "D.HalfCauchy(-1.0)", "D.Gumbel(0.0, -1.0)", "D.Weibull(-1.0, 1.0)",
    "D.LogNormal(0.0, -1.0)", "D.Kumaraswamy(-1.0, 1.0)", "D.StudentT(-1.0)", "D.Chi2(-1.0)", "D.Chi2(t([1, 2]))",
    "D.Normal(0, 1).sample((2,)).dtype", "D.Bernoulli(L.tensor([0.5])).sample((2,)).dtype",
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    same(mistake)


def test_every_name_is_there():
    missing = [n for n in torch.distributions.__all__ if not hasattr(distributions, n)]
    assert not missing
    theirs = torch.distributions
    for module in (
        "constraints",
        "transforms",
        "kl",
        "utils",
        "normal",
        "categorical",
        "constraint_registry",
    ):
        public = [
            n for n in getattr(theirs, module).__all__ if not hasattr(getattr(distributions, module), n)
        ]
        assert not public, module


def test_wishart_samples_have_their_moments():
    torch_matrix = [[2.0, 0.5], [0.5, 1.0]]
    d = numbatorch.distributions.Wishart(5.0, numbatorch.tensor(torch_matrix))
    numbatorch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = d.sample((20_000,)).numpy()
    np.testing.assert_allclose(x.mean(0), d.mean.numpy(), rtol=0.05)
    np.testing.assert_allclose(x.var(0), d.variance.numpy(), rtol=0.1)
