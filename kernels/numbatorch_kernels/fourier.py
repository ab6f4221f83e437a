"""Fourier transforms. On the CPU NumPy's, which is pocketfft (M. Reinecke), in the precision of the operands; lines are shared
between threads. On CUDA kernels of our own.

    y_k = scale Σ_j x_j exp(∓2πi jk / n)        - forward, + backward

`norm` says which way is scaled by 1 / n: "backward", "forward", or "ortho" for both by its root.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from numbatorch_kernels import memory
from numbatorch_kernels.parallel import get_num_threads
from numbatorch_kernels.registry import Kernel

# All take (out, x, axes, forward, norm).
complex_to_complex = Kernel("fft_complex_to_complex")  # x may be real
real_to_complex = Kernel("fft_real_to_complex")  # the first n // 2 + 1 terms along the last of the axes
complex_to_real = Kernel("fft_complex_to_real")  # from those terms

GRAIN = 1 << 16  # elements worth a thread: to start one takes some 100 us
BLOCK = 1 << 15  # elements of lines that are transformed together, and stay in the second-level cache
# The same factor, the other way; the values are literals of NumPy's types.
OPPOSITE: dict[str, Any] = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _hfft(x: np.ndarray, n: int, axis: int, norm: str, out: np.ndarray | None = None) -> np.ndarray:
    """NumPy's own does nothing with `out`."""
    return np.fft.irfft(np.conjugate(x), n, axis, OPPOSITE[norm], out)


TO_REAL = {_hfft, np.fft.irfft}
UNSCALED = {
    **dict.fromkeys([np.fft.fft, np.fft.rfft, _hfft], "backward"),
    **dict.fromkeys([np.fft.ifft, np.fft.irfft, np.fft.ihfft], "forward"),
}


def _lines(transform: Callable, out: np.ndarray, x: np.ndarray, n: int, axis: int, norm: str) -> None:
    """A transform along one axis. Of float32 without a factor, NumPy 2.4 makes float64 in copies of everything:
    that is scaled, and scaled back."""
    back = None
    if norm == UNSCALED[transform] and out.real.dtype == np.float32:
        norm, back = OPPOSITE[norm], np.float32(n)
    if out.strides[axis] == out.itemsize:
        transform(x, n, axis, norm, out)
        _scale(out, back)
    else:
        made = transform(np.moveaxis(x, axis, -1).copy(), n, -1, norm)  # elements as neighbours: faster
        _scale(made, back)
        out[...] = np.moveaxis(made, -1, axis)


def _scale(x: np.ndarray, factor: np.float32 | None) -> None:
    if factor is not None:
        for part in (x.real, x.imag) if x.dtype.kind == "c" else (x,):
            np.multiply(part, factor, part)


def _along(transform: Callable, out: np.ndarray, x: np.ndarray, axis: int, norm: str) -> None:
    """`_lines`, a block at a time. The longest of the other axes is shared between threads: NumPy has no GIL
    meanwhile."""
    n = out.shape[axis] if transform in TO_REAL else x.shape[axis]
    others = [d for d in range(x.ndim) if d != axis]
    if not others:
        _lines(transform, out, x, n, axis, norm)
        return
    across = max(others, key=lambda d: x.shape[d])
    count = x.shape[across]
    step = max(1, BLOCK * count // out.size)

    def share(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            part: tuple[Any, ...] = (*[slice(None)] * across, slice(first, min(first + step, stop)))
            _lines(transform, out[part], x[part], n, axis, norm)

    shares = max(1, min(get_num_threads(), out.size // GRAIN, count))
    bounds = [count * k // shares for k in range(shares + 1)]
    helpers = [threading.Thread(target=share, args=pair) for pair in pairwise(bounds[1:])]
    for helper in helpers:
        helper.start()
    share(0, bounds[1])
    for helper in helpers:
        helper.join()


def _half(out: np.ndarray, x: np.ndarray, axis: int, forward: bool, norm: str) -> None:
    """The first n // 2 + 1 terms of real numbers."""
    _along(np.fft.rfft if forward else np.fft.ihfft, out, x, axis, norm)


def _whole(out: np.ndarray, x: np.ndarray, axis: int, forward: bool, norm: str) -> None:
    """All terms of real numbers: the others are conjugates of those."""
    n, target = x.shape[axis], (slice(None),) * axis
    _half(out[(*target, slice(n // 2 + 1))], x, axis, forward, norm)
    terms = np.moveaxis(out, axis, -1)
    np.conjugate(terms[..., (n - 1) // 2 : 0 : -1], terms[..., n // 2 + 1 :])


def _each(out: np.ndarray, x: np.ndarray, axes: Sequence[int], forward: bool, norm: str) -> None:
    """Complex numbers along one axis after the other, from the second on in place."""
    for axis in axes:
        _along(np.fft.fft if forward else np.fft.ifft, out, x, axis, norm)
        x = out


@complex_to_complex.on("cpu")
def _complex_to_complex(out, x, axes, forward, norm):
    if x.dtype.kind == "c":
        _each(out, x, axes, forward, norm)
    else:
        _whole(out, x, axes[-1], forward, norm)
        _each(out, out, axes[:-1], forward, norm)


@real_to_complex.on("cpu")
def _real_to_complex(out, x, axes, forward, norm):
    _half(out, x, axes[-1], forward, norm)
    _each(out, out, axes[:-1], forward, norm)


@complex_to_real.on("cpu")
def _complex_to_real(out, x, axes, forward, norm):
    if len(axes) > 1:
        terms = memory.empty(x.shape, x.dtype)
        _each(terms, x, axes[:-1], forward, norm)
        x = terms
    _along(_hfft if forward else np.fft.irfft, out, x, axes[-1], norm)


@complex_to_complex.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import fourier

    fourier.complex_to_complex(*args)


@real_to_complex.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import fourier

    fourier.real_to_complex(*args)


@complex_to_real.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import fourier

    fourier.complex_to_real(*args)
