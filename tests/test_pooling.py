"""Pooling and resampling, without PyTorch: against plain NumPy, both devices, the same in every run."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.nn import functional as F


def windows(x, kernel, stride, padding, fill):
    """Each window of pictures, as a last dimension."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2, constant_values=fill)
    found = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (-2, -1))
    return found[..., ::stride, ::stride, :, :].reshape(*found[..., ::stride, ::stride, 0, 0].shape, -1)


@pytest.mark.parametrize("width", [3, 16, 33, 64, 70, 131])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2), (2, 1, 0)]
)
def test_maxima_and_means(width, kernel, stride, padding):
    """Rows shorter and longer than what the kernels keep close by."""
    x = np.random.default_rng(0).standard_normal((3, 5, width)).astype(np.float32)
    if kernel > width:
        return
    largest = windows(x, kernel, stride, padding, -np.inf).max(-1)
    means = windows(x, kernel, stride, padding, 0).mean(-1)
    tensor = torch.tensor(x)
    np.testing.assert_array_equal(F.max_pool2d(tensor, kernel, stride, padding).numpy(), largest)
    values, indices = F.max_pool2d(tensor, kernel, stride, padding, return_indices=True)
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(3, -1), indices.numpy().reshape(3, -1), 1), values.reshape(3, -1).numpy()
    )
    np.testing.assert_allclose(
        F.avg_pool2d(tensor, kernel, stride, padding).numpy(), means, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_gradient_of_maxima_is_the_same_in_every_run(stride):
    """Windows overlap, and several have the same largest element."""
    x = torch.rand(8, 16, 20, 20).requires_grad_()
    grads = []
    for _ in range(3):
        x.grad = None
        F.max_pool2d(x, 3, stride).square().sum().backward()
        grads.append(x.grad.numpy())
    assert all((g == grads[0]).all() for g in grads)
    y = F.max_pool2d(x, 3, stride, return_indices=True)
    index = y[1].flatten(2)
    expected = torch.zeros(8, 16, 400).scatter_add(2, index, 2 * y[0].detach().flatten(2))
    np.testing.assert_allclose(grads[0].reshape(8, 16, 400), expected.numpy(), rtol=1e-6)


def test_fractional_pooling_is_the_same_on_both_devices():
    samples = torch.rand(2, 3, 2)
    found = []
    for device in ("cpu", "cuda"):
        x = torch.arange(2 * 3 * 7 * 8.0).cos().view(2, 3, 7, 8).to(device).requires_grad_()
        y, index = F.fractional_max_pool2d(
            x, 2, (4, 3), return_indices=True, _random_samples=samples.to(device)
        )
        (y * y).sum().backward()
        found.append([t.detach().cpu().numpy() for t in (y, index, x.grad)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_constant_picture_stays_so():
    x = torch.full((1, 2, 7, 9), 3.0)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        y = F.interpolate(x, (5, 20), mode=mode)
        np.testing.assert_allclose(y.numpy(), np.full((1, 2, 5, 20), 3.0), rtol=1e-6)
    grid = F.affine_grid(torch.tensor([[[1.0, 0, 0], [0, 1.0, 0]]]), (1, 2, 7, 9), align_corners=False)
    np.testing.assert_allclose(F.grid_sample(x, grid, align_corners=False).numpy(), x.numpy(), rtol=1e-5)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize(
    ("mode", "dims"), [("bilinear", 2), ("nearest", 2), ("bicubic", 2), ("bilinear", 3), ("nearest", 3)]
)
def test_grid_sample_on_both_devices(mode, dims, padding, align, monkeypatch):
    """The same text on both devices; on CUDA the places of some points at a time are sorted."""
    from numbatorch_kernels.cuda import grid as kernels

    monkeypatch.setattr(kernels, "PIECE", 40)
    random, found = np.random.default_rng(0), []
    pictures = random.standard_normal((2, 3, 4, 5, 2)[: dims + 2])
    places = random.uniform(-1.4, 1.4, (*(2, 3, 4, 2)[: dims + 1], dims))
    for device in ("cpu", "cuda"):
        x, grid = (torch.tensor(t, device=device, requires_grad=True) for t in (pictures, places))
        y = F.grid_sample(x, grid, mode, padding, align)
        (y * y).sum().backward()
        found.append([t.detach().cpu().numpy() for t in (y, x.grad, grid.grad)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_modules_undo_each_other():
    x = torch.rand(2, 8, 4, 6)
    assert torch.equal(nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(x)), x)
    assert torch.equal(nn.ChannelShuffle(4)(nn.ChannelShuffle(2)(x)), x)
    pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    y, index = pool(x)
    assert torch.equal(pool(unpool(y, index))[0], y)
    assert torch.equal(nn.ZeroPad2d(-1)(nn.ReflectionPad2d(1)(x)), x)
