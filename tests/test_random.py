"""Generators and random tensors, on both devices. What the numbers are is in test_random_kernels.py."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import random
from numbatorch.ops import distributions

pytestmark = pytest.mark.usefixtures("seeded")


def test_the_numbers_of_the_tutorials():
    for expected, make in (
        ([0.4963, 0.7682, 0.0885, 0.1320], lambda: torch.rand(4)),
        ([1.5410, -0.2934, -2.1788, 0.5684], lambda: torch.randn(4)),
        ([4, 9, 3, 0, 3, 9, 7, 3, 7, 3], lambda: torch.randint(10, (10,))),
        ([4, 1, 7, 5, 3, 9, 0, 8, 6, 2], lambda: torch.randperm(10)),
        ([1, 0, 1, 1, 1, 0, 1, 0, 1, 0], lambda: torch.bernoulli(torch.full((10,), 0.5))),
    ):
        torch.manual_seed(0)
        np.testing.assert_allclose(make().tolist(), expected, atol=5e-5)


MAKERS = {
    "rand": lambda **k: torch.rand(3, 4, **k),
    "randn": lambda **k: torch.randn(3, 4, **k),
    "randint": lambda **k: torch.randint(2, 9, (3, 4), **k),
    "randperm": lambda **k: torch.randperm(12, **k).reshape(3, 4),
    "normal": lambda **k: torch.normal(2.0, 3.0, (3, 4), **k),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_seed_gives_the_same_numbers(name, device):
    make = MAKERS[name]
    torch.manual_seed(5)
    first, second = make(device=device), make(device=device)
    torch.manual_seed(5)
    assert make(device=device).tolist() == first.tolist() != second.tolist()
    generator = torch.Generator(device).manual_seed(5)
    assert make(device=device, generator=generator).tolist() == first.tolist()
    assert first.device.type == device


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16", "complex64"])
def test_dtypes_and_shapes(name, device):
    dtype = getattr(torch, name)
    for make in (torch.rand, torch.randn):
        assert make(dtype=dtype, device=device, size=()).shape == ()
        assert make(2, 0, dtype=dtype, device=device).shape == (2, 0)
        x = make((2, 3), dtype=dtype, device=device, requires_grad=True)
        assert (x.shape, x.dtype, x.requires_grad) == ((2, 3), dtype, True)
    assert torch.rand_like(x).dtype is dtype
    assert torch.randn_like(x, dtype=torch.float32).dtype is torch.float32
    assert torch.randint_like(torch.zeros(3, device=device), 5).shape == (3,)


def test_uniform_stays_in_its_range(device):
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        x = distributions.uniform_(torch.empty(500, dtype=dtype, device=device), -1, 1).double().tolist()
        assert -1 <= min(x) < -0.9 < 0.9 < max(x) < 1


def test_distributions_have_their_means(device):
    n = 800
    for name, args, mean in (
        ("uniform_", (1, 3), 2),
        ("normal_", (5, 1), 5),
        ("exponential_", (2,), 0.5),
        ("geometric_", (0.5,), 2),
        ("log_normal_", (0, 0.5), 1.133),
        ("bernoulli_", (0.25,), 0.25),
        ("random_", (3, 8), 5),
    ):
        x = getattr(distributions, name)(torch.empty(n, device=device), *args)
        assert abs(np.mean(x.tolist()) - mean) < 0.25, name
    x = distributions.cauchy_(torch.empty(n, device=device), 3.0, 2.0).tolist()
    assert abs(np.median(x) - 3) < 0.6


def test_views_are_filled_and_nothing_else(device):
    x = torch.zeros(4, 6, device=device)
    for name in ("uniform_", "normal_", "exponential_"):
        y = torch.zeros(4, 6, device=device)
        getattr(distributions, name)(y.t()[1:3])
        assert [[x != 0 for x in row] for row in y.tolist()] == [[False, True, True, False, False, False]] * 4
    distributions.bernoulli_(x[::2], torch.ones(6, device=device))
    assert x.tolist() == [[1.0] * 6, [0.0] * 6] * 2


def test_out(device):
    x = torch.empty(0, device=device)
    assert torch.empty(0, 4, device=device).uniform_().shape == (0, 4)
    assert torch.rand(3, out=x) is x
    assert x.shape == (3,)
    y = torch.empty(4, dtype=torch.int64, device=device)
    assert sorted(torch.randperm(4, out=y).tolist()) == [0, 1, 2, 3]
    assert torch.bernoulli(torch.ones(2, device=device), out=y).tolist() == [1, 1]


def test_multinomial(device):
    weights = torch.tensor([[0.0, 1.0, 1.0, 0.0], [5.0, 0.0, 0.0, 0.0]], device=device)
    x = torch.multinomial(weights, 6, replacement=True)
    assert x.device.type == device
    assert set(x[0].tolist()) <= {1, 2}
    assert x[1].tolist() == [0] * 6
    assert sorted(torch.multinomial(weights[0], 2).tolist()) == [1, 2]


def test_numbers_drawn_by_rejection(device):
    """Their means and variances, for parameters on both sides of where the method changes."""
    n = 4000 if device == "cpu" else 250

    def moments(draw, *parameters):
        x = draw(*[torch.tensor(p, device=device).expand(n, len(p)) for p in parameters])
        assert x.device.type == device
        x = x.cpu().double().numpy()
        return x.mean(0), x.var(0)

    few = 1 if device == "cpu" else 3  # times the tolerance
    rate = [0.5, 3.0, 20.0, 100.0]
    for found in moments(torch.poisson, rate):
        np.testing.assert_allclose(found, rate, rtol=0.15 * few)
    count, p = np.array([5.0, 10.0, 100.0, 1000.0]), np.array([0.5, 0.3, 0.3, 0.9])
    mean, variance = moments(torch.binomial, count.tolist(), p.tolist())
    np.testing.assert_allclose(mean, count * p, rtol=0.1 * few)
    np.testing.assert_allclose(variance, count * p * (1 - p), rtol=0.15 * few)
    shape = [0.5, 1.0, 3.0, 30.0]
    mean, variance = moments(torch._standard_gamma, shape)
    np.testing.assert_allclose(mean, shape, rtol=0.15 * few)
    np.testing.assert_allclose(variance, shape, rtol=0.25 * few)
    mean, _ = moments(torch._sample_dirichlet, shape)
    np.testing.assert_allclose(mean, np.array(shape) / sum(shape), rtol=0.15 * few)


def test_gradients_of_gamma_and_dirichlet_numbers(device):
    """dx/da at constant F(x; a): of Beta(a, 1), F = x^a, -x log(x) / a; of Gamma(1), by mpmath."""
    shape = torch.tensor([0.3, 1.0, 4.0], dtype=torch.float64, device=device)
    x = torch.tensor([0.2, 0.9, 0.5], dtype=torch.float64, device=device)
    found = torch._dirichlet_grad(x, shape, shape + 1) * (1 - x)
    np.testing.assert_allclose(found.cpu().numpy(), (-x * x.log() / shape).cpu().numpy(), rtol=1e-9)
    one = torch.ones(2, dtype=torch.float64, device=device)
    values = torch.tensor([0.5, 3.0], dtype=torch.float64, device=device)
    found = torch._standard_gamma_grad(one, values).cpu().numpy()
    np.testing.assert_allclose(found, [0.80697911682532, 1.937911693825], rtol=1e-9)
    shape.requires_grad_()
    torch._standard_gamma(shape).sum().backward()
    assert shape.grad.shape == (3,)
    assert (shape.grad > 0).all()


def test_changes_in_place_are_counted_and_end_gradients(device):
    leaf = torch.ones(3, device=device, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        distributions.uniform_(leaf)
    x = leaf * 2
    saved = x * x
    distributions.normal_(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        saved.backward(torch.ones(3, device=device))
    x = leaf * 2
    distributions.uniform_(x)
    x.backward(torch.ones(3, device=device))
    assert leaf.grad is None or leaf.grad.tolist() == [0.0, 0.0, 0.0]


def test_states_come_back(device):
    generator = torch.Generator(device).manual_seed(3)
    torch.randn(5, device=device, generator=generator)
    state = generator.get_state()
    assert (state.dtype, state.shape) == (torch.uint8, ((5056,) if device == "cpu" else (16,)))
    copies = [copy.deepcopy(generator), pickle.loads(pickle.dumps(generator)), generator.clone_state()]
    expected = torch.randn(5, device=device, generator=generator).tolist()
    assert generator.set_state(state) is generator
    for source in (generator, *copies):
        assert torch.randn(5, device=device, generator=source).tolist() == expected


def test_fork_rng(device):
    torch.rand(1, device=device)
    before = random.get_rng_state().tolist()
    with random.fork_rng():
        inside = torch.rand(3, device=device).tolist()
    assert random.get_rng_state().tolist() == before
    assert torch.rand(3, device=device).tolist() == inside
    with random.fork_rng(enabled=False):
        inside = torch.rand(3, device=device).tolist()
    assert torch.rand(3, device=device).tolist() != inside


def test_seeds():
    generator = torch.Generator()
    assert generator.initial_seed() == 67280421310721
    assert generator.seed() == generator.initial_seed() != torch.Generator().seed()
    assert torch.manual_seed(7) is random.default_generator
    assert random.initial_seed() == 7
    assert random.seed() == random.initial_seed()
    state = random.get_rng_state()
    x = torch.rand(3).tolist()
    random.set_rng_state(state)
    assert torch.rand(3).tolist() == x


def test_a_generator_of_another_device_is_refused(device):
    other = "cuda" if device == "cpu" else "cpu"
    with pytest.raises(RuntimeError, match=f"a '{device}' device type for generator but found '{other}"):
        torch.rand(3, device=device, generator=torch.Generator(other))
    with pytest.raises(TypeError):
        torch.rand(3, device=device, generator=5)


def test_threads_share_a_generator_and_no_number_comes_twice():
    generator, drawn = torch.Generator().manual_seed(0), []

    def draw():
        for _ in range(50):
            drawn.append(torch.randint(2**62, (100,), generator=generator).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [x for numbers in drawn for x in numbers]
    expected = torch.randint(2**62, (20_000,), generator=torch.Generator().manual_seed(0)).tolist()
    assert sorted(found) == sorted(expected)
