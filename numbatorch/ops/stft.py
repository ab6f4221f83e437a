"""The Fourier transform of short pieces of a signal, and its inverse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from numbatorch.arguments import tensor_array
from numbatorch.ops.arithmetic import div, mul, square
from numbatorch.ops.arrange import overlapping, unfold
from numbatorch.ops.complexes import view_as_real
from numbatorch.ops.creation import new_zeros
from numbatorch.ops.fourier import fft, ifft, irfft, rfft
from numbatorch.ops.pad import constant_pad_nd, pad
from numbatorch.ops.view import expand, narrow, native_type_text, reshape, transpose
from numbatorch.shape import normalize_dim

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _say(value: Any) -> str:
    """An argument as PyTorch's messages have it."""
    return "None" if value is None else str(int(value))


def _full_window(window: Tensor | None, length: int, n_fft: int, like: Tensor) -> Tensor:
    """The window, ones unless it is given, with zeros on both sides up to n_fft."""
    if window is None:
        window = new_zeros(like, (length,), dtype=like.kind.dtype.to_real()) + 1
    before = (n_fft - length) // 2
    return window if length == n_fft else constant_pad_nd(window, [before, n_fft - length - before])


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The Fourier transforms of pieces of n_fft numbers, `hop_length` (n_fft // 4) apart, times a window:

        X_ωm = Σ_k window_k input_(m hop + k) exp(-2πi ω k / n_fft)

    input (time) or (batch, time) gives (batch, frequencies, pieces). With `center`, piece m has its middle at m hop,
    and the ends are padded. `onesided` leaves out the conjugates: the default for real numbers. A window shorter
    than n_fft gets zeros on both sides. Raises RuntimeError for arguments that do not fit.

    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied,which is known to cause spectral "
            "leakage. Other windows such as torch.hann_window or torch.hamming_window are recommended to reduce "
            "spectral leakage.To suppress this warning and use a rectangular window, explicitly set "
            "`window=torch.ones(n_fft, device=<device>)`.",
            stacklevel=2,
        )
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        ends = [n_fft // 2, n_fft // 2]
        input = reshape(
            pad(reshape(input, (1,) * (3 - input.array.ndim) + input.array.shape), ends, pad_mode),
            (*input.array.shape[:-1], input.array.shape[-1] + 2 * (n_fft // 2)),
        )
    shape, own = input.array.shape, input.kind.dtype
    text = "None" if window is None else f"{native_type_text(window)}{{{list(window.array.shape)}}}"

    def fail(reason: str) -> RuntimeError:
        return RuntimeError(
            f"stft({native_type_text(input)}{list(shape)}, n_fft={n_fft}, hop_length={hop_length}, win_length={length}, "
            f"window={text}, normalized={int(normalized)}, onesided={_say(onesided)}, "
            f"return_complex={_say(return_complex)}, align_to_window={_say(align_to_window)}) : {reason}"
        )

    has_complex = own.is_complex or (window is not None and window.kind.dtype.is_complex)
    if return_complex is None and not has_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if return_complex is False:
        warnings.warn(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex "
            "tensors for all inputs, and return_complex=False will raise an error.\nNote: you can still call "
            "torch.view_as_real on the complex output to recover the old return format.",
            stacklevel=2,
        )
    if not (own.is_inexact):
        raise fail("expected a tensor of floating point or complex values")
    if len(shape) not in (1, 2):
        raise fail("expected a 1D or 2D tensor")
    if not 0 < n_fft <= shape[-1]:
        raise fail(f"expected 0 < n_fft < {shape[-1]}, but got n_fft={n_fft}")
    if hop_length <= 0:
        raise fail(f"expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < length <= n_fft:
        raise fail(f"expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and window.array.shape != (length,):
        raise fail(
            f"expected a 1D window tensor of size equal to win_length={length}, but got window with size "
            f"{list(window.array.shape)}"
        )
    if onesided and has_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    pieces = unfold(input, -1, n_fft, hop_length)
    if window is not None or length < n_fft:
        pieces = mul(pieces, _full_window(window, length, n_fft, input))
    norm = "ortho" if normalized else "backward"
    whole = has_complex if onesided is None else not onesided
    spectra = transpose((fft if whole else rfft)(pieces, norm=norm), -1, -2)
    return spectra if return_complex or return_complex is None else view_as_real(spectra)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of which `stft` with the same arguments makes `input`, (batch, frequencies, pieces): the pieces
    times the window are added up where they were, and divided by the sum of the squared windows. Raises RuntimeError
    where that is zero anywhere, and for arguments that do not fit.

    >>> window = torch.hann_window(4)
    >>> spectra = torch.stft(torch.arange(8.0), 4, window=window, return_complex=True)
    >>> torch.istft(spectra, 4, window=window)
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    shape = tensor_array(input).shape
    text = "None" if window is None else f"{native_type_text(window)}{{{list(window.array.shape)}}}"

    def fail(reason: str, colon: str = " : ") -> RuntimeError:
        return RuntimeError(
            f"istft({native_type_text(input)}{list(shape)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, window={text}, "
            f"center={int(center)}, normalized={int(normalized)}, onesided={_say(onesided)}, length={length}, "
            f"return_complex={int(return_complex)}){colon}{reason}"
        )

    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied.Please provide the same window used by "
            "stft to make the inversion lossless.To suppress this warning and use a rectangular window, explicitly "
            "set `window=torch.ones(n_fft, device=<device>)`.",
            stacklevel=2,
        )
    if not input.kind.dtype.is_complex:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if 0 in shape:
        raise fail("input tensor cannot be empty.")
    if normalize_dim(-3, len(shape) + 1) > 1:
        raise fail(f"expected a tensor with 3 or 4 dimensions, but got {len(shape) + 1}")
    frequencies, count = shape[-2:]
    half = frequencies != n_fft if onesided is None else onesided
    if frequencies != (n_fft // 2 + 1 if half else n_fft):
        which = "n_fft / 2 + 1 when onesided=True" if half else "n_fft when onesided=False"
        raise fail(
            f"expected the frequency dimension (3rd to the last) of the input tensor to match {which}, but got "
            f"{frequencies}"
        )
    if not 0 < hop <= width:
        raise fail("expected 0 < hop_length <= win_length")
    if not 0 < width <= n_fft:
        raise fail("expected 0 < win_length <= n_fft")
    if window is not None and window.array.shape != (width,):
        raise fail("Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if not return_complex and window is not None and window.kind.dtype.is_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    window = _full_window(window, width, n_fft, input)
    spectra, norm = transpose(input, -1, -2), "ortho" if normalized else "backward"
    pieces = ifft(spectra, norm=norm) if return_complex else irfft(spectra, n_fft, norm=norm)
    total = n_fft + hop * (count - 1)
    signal = _added_up(mul(pieces, window), hop, total)
    weights = _added_up(expand(square(window), (count, n_fft)), hop, total)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start
    kept = max(0, min(end, total) - start)
    weights = narrow(weights, 0, start, kept)
    if weights.abs().min().item() <= 1e-11:
        raise fail("window overlap add min: 1", " ")
    signal = div(narrow(signal, -1, start, kept), weights)
    if end > total:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded with zeros in the "
            "tail. Please check your center and hop_length settings.",
            stacklevel=2,
        )
        signal = constant_pad_nd(signal, [0, end - total])
    return signal


def _added_up(pieces: Tensor, hop: int, total: int) -> Tensor:
    """The sum of pieces (..., count, n), each `hop` behind the one before: (..., total)."""
    *batch, _, n = pieces.array.shape
    return overlapping(pieces, len(batch), n, hop, (*batch, total))
