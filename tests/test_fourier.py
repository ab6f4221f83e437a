"""Fourier transforms: NumPy's values, gradients to second order, both devices, many threads."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels.cuda.array import DeviceArray

rng = np.random.default_rng(0)
TRANSFORMS = [
    "fft",
    "ifft",
    "rfft",
    "irfft",
    "hfft",
    "ihfft",
    "fftn",
    "ifftn",
    "rfftn",
    "irfftn",
    "hfftn",
    "ihfftn",
]
OF_REAL = ("rfft", "ihfft", "rfftn", "ihfftn")


def parts(x):
    """A complex tensor as real numbers."""
    return torch.view_as_real(x) if x.is_complex() else x


def call(name: str, numbers: torch.Tensor, **how) -> torch.Tensor:
    """The transform of real numbers, or of complex ones whose parts `numbers` are."""
    x = numbers[..., 0] if name in OF_REAL else torch.view_as_complex(numbers.contiguous())
    return parts(getattr(torch.fft, name)(x, **how))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_gradients(name):
    x = torch.tensor(rng.standard_normal((2, 5, 2)), requires_grad=True)
    for how in (
        {},
        {"norm": "ortho"},
        {"s" if name.endswith("n") else "n": (3, 6) if name.endswith("n") else 6},
    ):
        assert torch.autograd.gradcheck(lambda x, how=how: call(name, x, **how), (x,))
        assert torch.autograd.gradgradcheck(lambda x, how=how: call(name, x, **how), (x,))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_cuda_transforms_what_the_cpu_does(name):
    numbers = rng.standard_normal((3, 4, 2)).astype(np.float32)
    found = []
    for device in ("cpu", "cuda"):
        x = torch.tensor(numbers).to(device).requires_grad_()
        y = call(name, x)
        assert y.device.type == device
        (y * y * y).sum().backward()
        found.append((y.detach().cpu().numpy(), x.grad.cpu().numpy()))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [1, 14, 16, 30, 100, 270, 320])
def test_cuda_transforms_any_length(n):
    """Of the simulated device 16 elements are a line (8 in float64), 7 is a large factor and makes it a convolution."""
    for shape, axis in (((n,), 0), ((3, n), 1), ((2, n, 3), 1)):
        x = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        for dtype, tolerance in ((torch.complex64, 1e-6), (torch.complex128, 1e-15)):
            z = torch.tensor(x, device="cuda").to(dtype)
            for y, expected in (
                (torch.fft.fft(z, dim=axis), np.fft.fft(x, axis=axis)),
                (torch.fft.ifft(z, dim=axis, norm="ortho"), np.fft.ifft(x, axis=axis, norm="ortho")),
                (torch.fft.fft(z.real, dim=axis), np.fft.fft(x.real, axis=axis)),
                (torch.fft.rfft(z.real, dim=axis), np.fft.rfft(x.real, axis=axis)),
                (torch.fft.irfft(z, 2 * n - 1, axis), np.fft.irfft(x, 2 * n - 1, axis)),
            ):
                assert y.shape == expected.shape
                error = np.abs(y.cpu().numpy() - expected).max()
                assert error <= 3 * tolerance * np.abs(expected).max()


def test_a_large_transform_is_shared_between_threads():
    x = rng.standard_normal((300, 1024))
    for y, expected in (
        (torch.fft.fft(torch.tensor(x + 0j)), np.fft.fft(x)),
        (torch.fft.rfft(torch.tensor(x), dim=0), np.fft.rfft(x, axis=0)),
        (torch.fft.irfft(torch.tensor(x + 0j)), np.fft.irfft(x)),
        (torch.fft.ifft2(torch.tensor(x + 0j)), np.fft.ifft2(x)),
    ):
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_istft_is_the_inverse_of_stft(device):
    signal = torch.tensor(rng.standard_normal((2, 24)), device=device, requires_grad=True)
    window = torch.hann_window(8, dtype=torch.float64, device=device)
    back = torch.istft(torch.stft(signal, 8, window=window, return_complex=True), 8, window=window)
    np.testing.assert_allclose(back.detach().cpu().numpy(), signal.detach().cpu().numpy(), atol=1e-12)
    back.square().sum().backward()
    np.testing.assert_allclose(signal.grad.cpu().numpy(), 2 * signal.detach().cpu().numpy(), atol=1e-12)


def test_windows_and_frequencies_are_made_on_the_device(monkeypatch):
    """Nothing is brought along from the host."""
    makers = (
        lambda device: torch.hann_window(6, device=device),
        lambda device: torch.kaiser_window(5, False, device=device, dtype=torch.float64),
        lambda device: torch.bartlett_window(1, device=device),
        lambda device: torch.fft.fftfreq(5, 0.5, device=device),
        lambda device: torch.fft.rfftfreq(6, device=device),
    )
    expected = [make("cpu") for make in makers]
    with monkeypatch.context() as patch:
        patch.delattr(DeviceArray, "from_host")
        made = [make("cuda") for make in makers]
    for a, b in zip(made, expected):
        np.testing.assert_allclose(a.cpu().numpy(), b.numpy(), rtol=1e-6)
