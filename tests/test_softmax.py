"""Softmax and log_softmax: values, edges, layouts, gradients; and the losses of classes made of them."""

from math import inf, log

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.nn import functional as F


def exact(array, dim):
    """Softmax in float64."""
    array = array.astype("float64")
    powers = np.exp(array - array.max(dim, keepdims=True))
    return powers / powers.sum(dim, keepdims=True)


@pytest.mark.parametrize("shape", [(1,), (4,), (3, 5), (5, 3), (2, 3, 4), (3, 1030), (1030, 3), (2, 70, 9)])
def test_values(shape):
    array = (np.random.default_rng(0).standard_normal(shape) * 5).astype("float32")
    x = torch.tensor(array)
    for dim in range(len(shape)):
        wanted = exact(array, dim)
        np.testing.assert_allclose(x.softmax(dim).numpy(), wanted, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(x.log_softmax(dim).numpy(), np.log(wanted), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(x.double().softmax(dim - len(shape)).numpy(), wanted, rtol=1e-13)


def test_on_every_device(device):
    array = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]], "float32")
    x = torch.tensor(array).to(device)
    for dim in (0, 1):
        np.testing.assert_allclose(x.softmax(dim).cpu().numpy(), exact(array, dim), rtol=1e-6)
        np.testing.assert_allclose(x.log_softmax(dim).cpu().numpy(), np.log(exact(array, dim)), rtol=1e-5)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 1e-3), (torch.bfloat16, 8e-3)])
def test_halves_are_computed_in_float32(dtype, tolerance):
    x = torch.linspace(-8, 8, 600).to(dtype)
    wanted = exact(x.float().numpy(), 0)
    assert x.softmax(0).dtype is dtype
    np.testing.assert_allclose(x.softmax(0).float().numpy(), wanted, rtol=tolerance, atol=1e-7)
    assert torch.softmax(x, 0, dtype=torch.float32).dtype is torch.float32


def test_infinities():
    assert torch.tensor([-inf, 0.0, -inf]).softmax(0).tolist() == [0.0, 1.0, 0.0]
    assert torch.tensor([-inf, -inf]).softmax(0).isnan().all()
    assert torch.tensor([inf, 0.0]).softmax(0).isnan().all()
    masked = torch.cat([torch.full((2000,), -inf), torch.zeros(2)])
    assert masked.softmax(0)[-2:].tolist() == [0.5, 0.5]
    assert torch.tensor([1e30, 1e30]).softmax(0).tolist() == [0.5, 0.5]


def test_views():
    x = torch.arange(24.0).reshape(2, 3, 4)
    for view in (x.permute(2, 0, 1), x[:, ::2], x[..., 1:].transpose(0, 2)):
        for dim in range(3):
            np.testing.assert_allclose(view.softmax(dim).numpy(), exact(view.numpy(), dim), rtol=1e-6)
            assert view.softmax(dim).is_contiguous()


def test_shapes_without_elements_or_dimensions():
    assert torch.zeros(0, 3).softmax(0).shape == (0, 3)
    assert torch.zeros(3, 0).log_softmax(1).shape == (3, 0)
    assert torch.tensor(2.0).softmax(0).item() == 1.0


def test_errors():
    with pytest.raises(IndexError, match="Dimension out of range"):
        torch.ones(2).softmax(1)
    with pytest.raises(
        NotImplementedError, match="\"softmax_lastdim_kernel_impl\" not implemented for 'Long'"
    ):
        torch.ones(2, dtype=torch.int64).softmax(0)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("function", [torch.softmax, torch.log_softmax])
def test_gradients(function, dim):
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((2, 3, 2))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(x, dim), x)
    assert torch.autograd.gradgradcheck(lambda x: function(x, dim), x)


# --- losses of classes


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 2, 2)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nll(shape, weighted, reduction, device):
    rng = np.random.default_rng(0)
    array, target = rng.standard_normal(shape), rng.integers(0, 3, shape[:1] + shape[2:])
    target.flat[0] = -100
    weight = np.array([0.5, 1.0, 2.0]) if weighted else np.ones(3)
    places = np.where(target < 0, 0, target)
    weights = np.where(target < 0, 0.0, weight[places])
    picked = np.take_along_axis(array, places[:, None], 1)[:, 0]
    losses = -weights * picked
    wanted = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / weights.sum()}[reduction]
    x = torch.tensor(array).to(device).requires_grad_()
    given = torch.tensor(weight).to(device) if weighted else None
    loss = F.nll_loss(x, torch.tensor(target).to(device), given, reduction=reduction)
    np.testing.assert_allclose(loss.detach().cpu().numpy(), wanted, rtol=1e-12)
    loss.sum().backward()
    factor = weights / weights.sum() if reduction == "mean" else weights
    slope = -factor[:, None] * (target[:, None] == np.arange(3).reshape(1, 3, *[1] * (len(shape) - 2)))
    np.testing.assert_allclose(x.grad.cpu().numpy(), slope, rtol=1e-12)


def test_nll_of_many_and_of_a_wrong_class():
    x = torch.randn(40_000, 7)
    target = torch.randint(0, 7, (40_000,))
    wanted = -np.take_along_axis(x.double().numpy(), target.numpy()[:, None], 1).mean()
    assert F.nll_loss(x, target).item() == pytest.approx(wanted, rel=1e-5, abs=1e-7)
    target[30_000] = 7
    for reduction in ("mean", "none"):
        with pytest.raises(IndexError, match=r"Target 7 is out of bounds\."):
            F.nll_loss(x, target, reduction=reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("wrong", [3, -1])
def test_a_gpu_says_later_that_a_class_was_wrong(reduction, wrong):
    F.cross_entropy(
        torch.zeros(2, 3, device="cuda"), torch.tensor([0, wrong], device="cuda"), reduction=reduction
    )
    with pytest.raises(torch.AcceleratorError, match="nll_loss: an index or a value was out of range"):
        torch.cuda.synchronize()


def test_cross_entropy_of_even_scores():
    loss = F.cross_entropy(torch.zeros(5, 4), torch.tensor([0, 1, 2, 3, 0]))
    assert loss.item() == pytest.approx(log(4))
    assert F.cross_entropy(torch.zeros(2, 4), torch.tensor([-100, -100])).isnan().item()
