"""Fourier transforms. On the CPU NumPy's, which is pocketfft (M. Reinecke), in the precision of the operands; lines are shared
between threads. On CUDA kernels of our own.

    y_k = scale Σ_j x_j exp(∓2πi jk / n)        - forward, + backward

`norm` says which way is scaled by 1 / n: "backward", "forward", or "ortho" for both by its root.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from numbatorch_kernels.parallel import get_num_threads
from numbatorch_kernels.registry import Kernel

complex_to_complex = Kernel(
    "fft_complex_to_complex"
)  # (out, x, axes, forward, norm): x may be real; some axes
real_to_complex = Kernel("fft_real_to_complex")  # (out, x, axis, norm): the first n // 2 + 1 terms
complex_to_real = Kernel("fft_complex_to_real")  # (out, x, axis, norm): from those terms

GRAIN = 1 << 16  # elements worth a thread: to start one takes some 100 us
BLOCK = 1 << 15  # elements of lines that are transformed together, and stay in the second-level cache
OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}  # the same factor, the other way
UNSCALED = {np.fft.fft: "backward", np.fft.rfft: "backward", np.fft.ifft: "forward", np.fft.irfft: "forward"}


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
    n = out.shape[axis] if transform is np.fft.irfft else x.shape[axis]
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


def _of_real(out: np.ndarray, x: np.ndarray, axis: int, forward: bool, norm: str) -> None:
    """A whole transform of real numbers: one half of the terms are conjugates of the others."""
    n = x.shape[axis]
    terms, target = np.moveaxis(out, axis, -1), (slice(None),) * axis
    _along(np.fft.rfft, out[(*target, slice(n // 2 + 1))], x, axis, norm if forward else OPPOSITE[norm])
    first, mirrored = terms[..., : n // 2 + 1], terms[..., (n - 1) // 2 : 0 : -1]
    if forward:
        np.conjugate(mirrored, terms[..., n // 2 + 1 :])
    else:
        terms[..., n // 2 + 1 :] = mirrored
        np.conjugate(first, first)


@complex_to_complex.on("cpu")
def _complex_to_complex(out, x, axes, forward, norm):
    if x.dtype.kind != "c":
        _of_real(out, x, axes[-1], forward, norm)
        x, axes = out, axes[:-1]
    for axis in axes:
        _along(np.fft.fft if forward else np.fft.ifft, out, x, axis, norm)
        x = out


@real_to_complex.on("cpu")
def _real_to_complex(out, x, axis, norm):
    _along(np.fft.rfft, out, x, axis, norm)


@complex_to_real.on("cpu")
def _complex_to_real(out, x, axis, norm):
    _along(np.fft.irfft, out, x, axis, norm)


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
