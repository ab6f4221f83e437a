"""Distributions without PyTorch: densities integrate to one, samples have their moments, on both devices. What
PyTorch gives is compared in parity/test_distributions_parity.py."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import distributions as D

pytestmark = pytest.mark.usefixtures("seeded")

CONTINUOUS = {
    "Beta": lambda: D.Beta(2.0, 3.0),
    "Gamma": lambda: D.Gamma(2.0, 3.0),
    "Gumbel": lambda: D.Gumbel(0.5, 0.7),
    "Kumaraswamy": lambda: D.Kumaraswamy(2.0, 3.0),
    "Laplace": lambda: D.Laplace(0.5, 0.3),
    "LogNormal": lambda: D.LogNormal(0.1, 0.4),
    "Normal": lambda: D.Normal(0.5, 0.7),
    "StudentT": lambda: D.StudentT(9.0),
    "Weibull": lambda: D.Weibull(1.0, 2.0),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_density_and_samples(name):
    d = CONTINUOUS[name]()
    x = torch.linspace(-30, 30, 120_001, dtype=torch.float64)
    inside = x[d.support.check(x) & (x != 0) & (x != 1)]
    density = d.log_prob(inside.float()).double().exp()
    assert abs(float(density.sum()) * 0.0005 - 1) < 1e-2
    mean = float((density * inside).sum()) * 0.0005
    assert abs(mean - float(d.mean)) < 2e-2
    samples = d.sample((20_000,))
    assert abs(float(samples.mean()) - mean) < 0.05
    assert abs(float(samples.var()) / float(d.variance) - 1) < 0.15


def test_rsample_is_differentiable(device):
    loc = torch.tensor([0.0, 1.0], device=device, requires_grad=True)
    scale = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
    x = D.Normal(loc, scale).rsample((3,))
    x.sum().backward()
    assert loc.grad.tolist() == [3.0, 3.0]
    np.testing.assert_allclose(scale.grad.tolist(), ((x - loc) / scale).sum(0).tolist(), rtol=1e-5)
    concentration = torch.tensor([0.5, 2.0], device=device, requires_grad=True)
    D.Gamma(concentration, 1.0).rsample((3,)).sum().backward()
    assert (concentration.grad > 0).all()


def test_divergence_is_learned(device):
    """Gradient descent on KL(p || q) brings p to q."""
    loc = torch.zeros(2, device=device, requires_grad=True)
    raw = torch.zeros(2, device=device, requires_grad=True)
    q = D.Normal(torch.tensor([1.0, -2.0], device=device), torch.tensor([0.5, 2.0], device=device))
    optimizer = torch.optim.Adam([loc, raw], lr=0.2)
    for _ in range(150):
        optimizer.zero_grad()
        p = D.Normal(loc, D.transform_to(D.constraints.positive)(raw))
        D.kl_divergence(p, q).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(loc.tolist(), [1.0, -2.0], atol=0.05)
    np.testing.assert_allclose(raw.exp().tolist(), [0.5, 2.0], atol=0.05)


def test_a_distribution_of_ones_own():
    class Triangle(D.Distribution):
        arg_constraints = {"width": D.constraints.positive}
        support = D.constraints.real
        has_rsample = True

        def __init__(self, width, validate_args=None):
            (self.width,) = D.utils.broadcast_all(width)
            super().__init__(self.width.shape, validate_args=validate_args)

        def rsample(self, sample_shape=()):
            u = torch.rand((2, *self._extended_shape(sample_shape)))
            return (u[0] - u[1]) * self.width

    d = Triangle(torch.tensor([1.0, 2.0])).expand((3, 2))
    assert (d.batch_shape, d.sample((5,)).shape) == ((3, 2), (5, 3, 2))
    assert repr(d) == "Triangle(width: torch.Size([3, 2]))"
    with pytest.raises(ValueError, match="to satisfy the constraint GreaterThan"):
        Triangle(-1.0)
    with pytest.raises(NotImplementedError, match="No KL"):
        D.kl_divergence(d, d)
    D.register_kl(Triangle, Triangle)(lambda p, q: p.width - q.width)
    assert D.kl_divergence(d, d).shape == (3, 2)


def test_the_package_is_loaded_when_it_is_used():
    program = (
        "import sys, numbatorch as torch; before = 'numbatorch.distributions.normal' in sys.modules; "
        "torch.distributions.Normal; print(before, 'numbatorch.distributions.normal' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).split() == ["False", "True"]
