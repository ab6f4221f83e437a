"""Fourier transforms: NumPy's, which is pocketfft (M. Reinecke), in the precision of the operands. Lines are shared
between threads. Arrays on CUDA travel to the host and back.

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

complex_to_complex = Kernel("fft_complex_to_complex")  # (out, x, axes, forward, norm)
real_to_complex = Kernel("fft_real_to_complex")  # (out, x, axis, norm): the first n // 2 + 1 terms
complex_to_real = Kernel("fft_complex_to_real")  # (out, x, axis, norm): from those terms

GRAIN = 1 << 16  # elements worth a thread: to start one takes some 100 us


def _along(transform: Callable, out: np.ndarray, x: np.ndarray, axis: int, norm: str) -> None:
    """A transform along one axis. The longest of the others is shared between threads: NumPy has no
    GIL meanwhile."""
    n = out.shape[axis] if transform is np.fft.irfft else x.shape[axis]
    others = [d for d in range(x.ndim) if d != axis]
    if not others:
        transform(x, n, axis, norm, out)
        return
    across = max(others, key=lambda d: x.shape[d])

    def share(start: int, stop: int) -> None:
        part: tuple[Any, ...] = (*[slice(None)] * across, slice(start, stop))
        transform(x[part], n, axis, norm, out[part])

    count = x.shape[across]
    shares = max(1, min(get_num_threads(), out.size // GRAIN, count))
    bounds = [count * k // shares for k in range(shares + 1)]
    helpers = [threading.Thread(target=share, args=pair) for pair in pairwise(bounds[1:])]
    for helper in helpers:
        helper.start()
    share(0, bounds[1])
    for helper in helpers:
        helper.join()


@complex_to_complex.on("cpu")
def _complex_to_complex(out, x, axes, forward, norm):
    if not axes:
        out[...] = x
    for axis in axes:
        _along(np.fft.fft if forward else np.fft.ifft, out, x, axis, norm)
        x = out


@real_to_complex.on("cpu")
def _real_to_complex(out, x, axis, norm):
    _along(np.fft.rfft, out, x, axis, norm)


@complex_to_real.on("cpu")
def _complex_to_real(out, x, axis, norm):
    _along(np.fft.irfft, out, x, axis, norm)


def _by_host(kernel: Callable) -> Callable:
    """The kernel for arrays on a GPU."""

    def through_the_host(out, x, *args) -> None:
        result = np.empty(out.shape, out.dtype)
        kernel(result, x.copy_to_host(), *args)
        out.copy_from_host(result)

    return through_the_host


complex_to_complex.on("cuda")(_by_host(_complex_to_complex))
real_to_complex.on("cuda")(_by_host(_real_to_complex))
complex_to_real.on("cuda")(_by_host(_complex_to_real))
