"""Fourier transforms and windows against PyTorch: values, dtypes, shapes, gradients, errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_equal, outcome

import numbatorch

# "R" makes a tensor of ones.
CALLS = [
    "L.fft.fft(R(4).half())",
    "L.fft.fft(R(4).bfloat16())",
    "L.fft.fft(R(4).int())",
    "L.fft.fft(R(4).bool())",
    "L.fft.rfft(R(4)+0j)",
    "L.fft.irfft(R(4))",
    "L.fft.irfft(R(3).double())",
    "L.fft.hfft(R(3))",
    "L.fft.ihfft(R(4))",
    "L.fft.ihfft(R(4)+0j)",
    "L.fft.fft(R(4), n=0)",
    "L.fft.fft(R(4), n=-1)",
    "L.fft.fft(R(4), n=6, norm='x')",
    "L.fft.fft(R(4), dim=3)",
    "L.fft.fft(R(()))",
    "L.fft.fft(R(0))",
    "L.fft.fft(R(0), n=3)",
    "L.fft.irfft(R(1))",
    "L.fft.irfft(R(1), n=0)",
    "L.fft.fft2(R(4))",
    "L.fft.fft2(R(2, 3), s=(2, ))",
    "L.fft.fftn(R(2, 3), s=(2, 4))",
    "L.fft.fftn(R(2, 3), dim=(0, 0))",
    "L.fft.fftn(R(2, 3), s=(1, 2, 3))",
    "L.fft.fftn(R(2, 3), s=(1, 2), dim=(0, ))",
    "L.fft.fftn(R(2, 3), s=(-1, 2))",
    "L.fft.fftn(R(2, 3), s=(0, 2))",
    "L.fft.rfftn(R(2, 3)+0j)",
    "L.fft.irfftn(R(2, 3))",
    "L.fft.irfftn(R(()))",
    "L.fft.rfftn(R(()))",
    "L.fft.fftn(R(()))",
    "L.fft.rfftn(R(2, 3), dim=())",
    "L.fft.fftn(R(2, 3), dim=())",
    "L.fft.hfft2(R(2, 3)+0j)",
    "L.fft.ihfft2(R(2, 3))",
    "L.fft.ihfft2(R(2, 3)+0j)",
    "L.fft.fftn(R(2, 3), dim=(0, 5))",
    "L.fft.irfftn(R(2, 3), dim=())",
    "L.fft.hfftn(R(2, 3), dim=())",
    "L.fft.ihfftn(R(2, 3), dim=())",
    "L.fft.fftfreq(4)",
    "L.fft.fftfreq(5, d=2.)",
    "L.fft.rfftfreq(5)",
    "L.fft.rfftfreq(0)",
    "L.fft.fftfreq(0)",
    "L.fft.fftfreq(4, dtype=L.float64)",
    "L.fft.fftfreq(4, dtype=L.int64)",
    "L.fft.fftfreq(4, d=0.)",
    "L.fft.fftshift(R(3))",
    "L.fft.fftshift(R(3, 2), dim=0)",
    "L.fft.fftshift(R(3, 2), dim=(0, 5))",
    "L.fft.ifftshift(R(()))",
    "L.fft.fft(R(4), out=R(4)+0j)",
    "L.fft.fft(R(4), out=R(4))",
    "L.fft.fft(R(4), out=R(2)+0j)",
    "L.fft.rfft(R(4), out=R(3).to(L.complex128))",
    "L.fft.irfft(R(3), out=R(4).double())",
    "L.fft.fftn(R(2, 2), out=R(2, 2).double())",
    "L.fft.fftfreq(4, out=R(4))",
    "L.fft.fftfreq(4, out=R(3))",
    "L.fft.irfftn(R(2, 2), out=R(2).to(L.complex64))",
    "L.fft.fftfreq(-1)",
    "L.fft.fftfreq(4, dtype=L.float16)",
    "L.hann_window(0)",
    "L.hann_window(1)",
    "L.hann_window(5)",
    "L.hann_window(5, periodic=False)",
    "L.hann_window(-1)",
    "L.hann_window(5, dtype=L.float64)",
    "L.hann_window(5, dtype=L.int32)",
    "L.hann_window(5, dtype=L.float16)",
    "L.hann_window(5, dtype=L.complex64)",
    "L.hann_window(5.5)",
    "L.hamming_window(5)",
    "L.hamming_window(5, True, 0.5)",
    "L.hamming_window(5, False, 0.5, 0.4)",
    "L.hamming_window(1)",
    "L.blackman_window(5)",
    "L.blackman_window(5, False, dtype=L.float64)",
    "L.bartlett_window(5)",
    "L.bartlett_window(6, False)",
    "L.bartlett_window(2)",
    "L.bartlett_window(1)",
    "L.kaiser_window(5)",
    "L.kaiser_window(6, False, 5.0)",
    "L.kaiser_window(1)",
    "L.kaiser_window(0)",
    "L.kaiser_window(-2)",
    "L.kaiser_window(5, dtype=L.int32)",
    "L.bartlett_window(-2)",
    "L.hann_window(5, requires_grad=True)",
    "L.hann_window(3, dtype=L.bfloat16)",
    "L.hann_window(5, dtype=L.bool)",
    "L.stft(R(20), 8)",
    "L.stft(R(20), 8, return_complex=True)",
    "L.stft(R(20), 8, return_complex=False)",
    "L.stft(R(2, 20), 8, return_complex=True)",
    "L.stft(R(2, 2, 20), 8, return_complex=True)",
    "L.stft(R(20), 8, hop_length=0, return_complex=True)",
    "L.stft(R(20), 0, return_complex=True)",
    "L.stft(R(20), 8, win_length=10, return_complex=True)",
    "L.stft(R(20), 8, win_length=0, return_complex=True)",
    "L.stft(R(20), 8, window=R(7), return_complex=True)",
    "L.stft(R(20), 8, window=R(8), return_complex=True)",
    "L.stft(R(20), 8, window=R(8), center=False, return_complex=True)",
    "L.stft(R(3), 8, center=False, return_complex=True)",
    "L.stft(R(3), 8, return_complex=True)",
    "L.stft(R(20).int(), 8, return_complex=True)",
    "L.stft(R(20)+0j, 8, window=R(8), return_complex=True)",
    "L.stft(R(20)+0j, 8, window=R(8), onesided=True, return_complex=True)",
    "L.stft(R(20), 8, window=R(8)+0j, onesided=None, return_complex=True)",
    "L.stft(R(20), 8, window=R(8), onesided=False, return_complex=True)",
    "L.stft(R(20), 8, window=R(8), normalized=True, return_complex=True)",
    "L.stft(R(20), 8, window=R(8), pad_mode='constant', return_complex=True)",
    "L.stft(R(20).double(), 8, window=R(8), return_complex=True)",
    "L.stft(R(20), 8, window=R(8, 1), return_complex=True)",
    "L.stft(R(20), 8, window=R(8), align_to_window=True, return_complex=True)",
    "L.stft(R(20), 8, window=R(8), center=False, align_to_window=True, win_length=8, return_complex=True)",
    "L.istft(R(5, 11)+0j, 8)",
    "L.istft(R(5, 11)+0j, 8, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, window=R(8), length=20)",
    "L.istft(R(5, 11)+0j, 8, window=R(8), length=10)",
    "L.istft(R(5, 11)+0j, 8, window=R(8), length=40)",
    "L.istft(R(2, 5, 11)+0j, 8, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, window=R(8), center=False)",
    "L.istft(R(5, 11), 8, window=R(8))",
    "L.istft(R(5, 11)+0j, 9, window=R(8))",
    "L.istft(R(4, 11)+0j, 8, window=R(8))",
    "L.istft(R(5, 0)+0j, 8, window=R(8))",
    "L.istft(R(8, 11)+0j, 8, window=R(8), onesided=False)",
    "L.istft(R(8, 11)+0j, 8, window=R(8), onesided=False, return_complex=True)",
    "L.istft(R(5, 11)+0j, 8, window=R(8), return_complex=True)",
    "L.istft(R(5, 11)+0j, 8, window=R(7))",
    "L.istft(R(5, 11)+0j, 8, hop_length=9, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, hop_length=0, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, win_length=9, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, window=0*R(8))",
    "L.istft(R(2, 2, 5, 11)+0j, 8, window=R(8))",
    "L.istft(R(5)+0j, 8, window=R(8))",
    "L.istft(R(5, 11)+0j, 8, window=R(8), normalized=True)",
    "L.istft(R(5, 11)+0j, 8, window=L.hann_window(8), center=False)",
    "L.istft(R(5, 11)+0j, 8, window=R(8)+0j)",
    "L.istft(R(8, 11)+0j, 8, window=R(8)+0j, return_complex=True)",
    "L.istft(R(8, 11)+0j, 8, window=R(8)+0j, return_complex=True, onesided=False)",
    "L.istft(R(5, 11).to(L.complex128), 8, window=R(8))",
    "L.istft(R(5, 1)+0j, 8, window=R(8))",
]

NUMBERS = np.random.default_rng(0).standard_normal((3, 4, 6))
TRANSFORMS = [
    f"L.fft.{name}({x}, {args})"
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    for x in ("x", "x.mT", "z[0]", "x[:, :, ::2]")
    for args in ("", "5", "9, 0", "dim=1, norm='ortho'", "n=3, norm='forward'", "7, norm='backward'")
    if not (x.startswith("z") and name in ("rfft", "ihfft")) and not (x == "z[0]" and "dim=1" in args)
] + [
    f"L.fft.{name}({x}, {args})"
    for name in ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2", "fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")
    for x in ("x", "z.mT")
    for args in ("", "(3, 7)", "(-1, 4), norm='ortho'", "dim=(0, 2), norm='forward'", "(2, 3), (1, 0), 'backward'", "s=(5,), dim=(1,)")
    if not ((x.startswith("z") and name[0] in "r") or (x.startswith("z") and name.startswith("ihfft")))
] + [f"L.fft.{name}(x, {dim})" for name in ("fftshift", "ifftshift") for dim in ("", "1", "(0, 2)", "-1")] + [
    f"L.fft.{name}({n}, {d}, dtype=L.float64)" for name in ("fftfreq", "rfftfreq") for n in (1, 2, 7, 8) for d in (1.0, 0.3)
]  # fmt: skip


def same(case: str, tolerance: float, **names) -> None:
    """Values and errors; some of PyTorch's warnings come once in a process."""
    found = []
    for library in (numbatorch, torch):
        operands = {name: library.from_numpy(value.copy()) for name, value in names.items()}
        found.append(outcome(library, case.replace("R(", "L.ones("), **operands)[0])
    assert_equal(*found, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CALLS)
def test_calls(case):
    same(case, 1e-3 if "16" in case else 2e-6)


def test_values():
    x, z = NUMBERS, NUMBERS + 1j * NUMBERS[::-1]
    for case in TRANSFORMS:
        same(case, 1e-11, x=x, z=z)
        same(case, 2e-6, x=x.astype(np.float32), z=z.astype(np.complex64))


def test_gradients():
    x, z = NUMBERS, NUMBERS + 1j * NUMBERS[::-1]
    for case in TRANSFORMS[:-16]:
        leaf = "z" if "(z" in case else "x"
        leafed = case.replace(f"({leaf}", f"({leaf}.requires_grad_()", 1)
        loss = f"[y * y.conj().detach() * (y * y).detach() for y in [{leafed}]][0].sum().abs()"
        same(f"L.autograd.grad({loss}, {leaf})[0]", 1e-8, x=x, z=z)


SPECTRA = [
    "L.stft(x[0], 4, window=L.hann_window(4, dtype=x.dtype), return_complex=True)",
    "L.stft(x, 4, 2, 3, window=L.hamming_window(3, dtype=x.dtype), return_complex=True)",
    "L.stft(x, 4, 1, window=w[:4], center=False, normalized=True, return_complex=True)",
    "L.stft(x, 5, 3, 2, window=w[:2], pad_mode='constant', onesided=False, return_complex=True)",
    "L.stft(x + 1j * x, 4, window=w[:4], return_complex=True)",
    "L.istft(L.fft.rfft(x).mT, 6, 2, window=w[:6].abs() + 1)",
    "L.istft(L.fft.rfft(x[:, :5]).mT, 5, 2, 5, window=w[:5].abs() + 1, normalized=True, length=9)",
    "L.istft(L.fft.fft(x[:, :4])[None].mT, 4, 1, window=w[:4].abs() + 1, return_complex=True, onesided=False, center=False)",
]  # fmt: skip


@pytest.mark.parametrize("case", SPECTRA)
def test_short_spectra(case):
    x, w = NUMBERS[0], NUMBERS[1].reshape(-1)
    same(case, 1e-11, x=x, w=w)
    same(
        f"L.autograd.grad([y * y.conj().detach() * y.real.detach() for y in [{case.replace('x', 'x.requires_grad_()', 1)}]][0].sum().abs(), x)[0]",
        1e-8,
        x=x,
        w=w,
    )
