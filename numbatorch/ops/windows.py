"""Windows for spectra: computed in float64, and rounded once.

`periodic` windows are those of length n + 1 without the last number: what follows them is their beginning again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.dtype import c_name
from numbatorch.ops.copy import cast, resolve
from numbatorch.ops.creation import ones_like
from numbatorch.ops.sequences import arange
from numbatorch.ops.special import i0
from numbatorch.rules import not_implemented

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _window(
    name: str,
    values: Callable[[Tensor], Tensor],
    length: int,
    periodic: bool,
    options: dict[str, Any],
) -> Tensor:
    """`values` of the places of a window, which run from 0 to 1."""
    dtype = options.pop("dtype", None)
    dtype = dt.get_default_dtype() if dtype is None else dt.as_dtype(dtype)
    device, requires_grad = resolve(options.get("device")), options.get("requires_grad", False)
    if isinstance(length, float):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not float")
    if dtype.is_complex:
        raise not_implemented("arange_cpu", dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={c_name(dtype)}, device={device}, "
            "layout=Strided (default), requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
        )
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    places = arange(length, dtype=dt.float64, device=device)
    wide = values(places / (length - (not periodic))) if length > 1 else ones_like(places)
    result = cast(wide, dtype)
    return result.requires_grad_() if requires_grad else result


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """½ - ½ cos(2πt), t from 0 to 1.

    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("hann_window", lambda t: _cosines(t, 0.5, 0.5), window_length, periodic, options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """alpha - beta cos(2πt), t from 0 to 1."""
    return _window("hamming_window", lambda t: _cosines(t, alpha, beta), window_length, periodic, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.42 - ½ cos(2πt) + 0.08 cos(4πt), t from 0 to 1."""
    return _window(
        "blackman_window", lambda t: _cosines(t, 0.42, 0.5, 0.08), window_length, periodic, options
    )


def _cosines(t: Tensor, first: float, *factors: float) -> Tensor:
    """A number and cosines of rising frequency, added and subtracted in turn."""
    return first + sum((-1) ** k * a * (2 * pi * k * t).cos() for k, a in enumerate(factors, 1))


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """1 - |2t - 1|, t from 0 to 1.

    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("bartlett_window", lambda t: 1 - (2 * t - 1).abs(), window_length, periodic, options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """I₀(beta √(1 - (2t - 1)²)) / I₀(beta), t from 0 to 1, I₀ the modified Bessel function."""

    def values(t: Tensor) -> Tensor:
        return i0(beta * (1 - (2 * t - 1) ** 2).clamp(min=0).sqrt()) / float(np.i0(beta))

    return _window("kaiser_window", values, window_length, periodic, options)
