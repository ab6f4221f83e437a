"""Pictures in another size: each element of the result is a weighted sum of those near its place in the input.

Along a direction with n elements, o of them in the result, place i of the result is place

    (i + 1/2) n / o - 1/2,   or   i (n - 1) / (o - 1)  with align_corners

of the input; where a scale factor was given, its inverse stands for n / o.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch.ops.pooling import resampling
from numbatorch.rules import COMPLEX, HALF, refuse
from numbatorch_kernels.window import Grid, Taps

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

NAMES = {
    "nearest": "Nearest",
    "nearest-exact": "NearestExact",
    "linear": "Linear",
    "bilinear": "Bilinear",
    "trilinear": "Trilinear",
    "bicubic": "Bicubic",
    "bilinear-aa": "Bilinear2DAa",
    "bicubic-aa": "Bicubic2DAa",
    "lanczos-aa": "Lanczos2DAa",
}
_ROWS = {
    (mode, n): resampling(f"Upsample{name}" + ("" if mode.endswith("aa") else f"{n}D"))
    for mode, name in NAMES.items()
    for n in (1, 2, 3)
}


# --- the taps of one direction. Places are computed in the precision of the weights, as PyTorch's are.


def _ratio(size: int, count: int, align: bool, scale: float | None, number: type) -> np.floating:
    """How far apart places in the input are."""
    if align:
        return number(size - 1) / number(count - 1) if count > 1 else number(0)
    return number(1 / scale) if scale is not None and scale > 0 else number(size) / number(count)


def _places(size: int, count: int, align: bool, scale: float | None, number: type) -> np.ndarray:
    ratio = _ratio(size, count, align, scale, number)
    i: np.ndarray = np.arange(count, dtype=number)
    return ratio * i if align else ratio * (i + number(0.5)) - number(0.5)


def _nearest(size: int, count: int, align: bool, scale: float | None, number: type) -> Taps:
    if size == count:
        return Taps.plain(size)
    ratio, i = _ratio(size, count, False, scale, np.float32), np.arange(count, dtype=np.float32)
    places = np.arange(count) // 2 if count == 2 * size else np.floor(i * ratio).astype(np.int64)
    return _one(size, places)


def _nearest_exact(size: int, count: int, align: bool, scale: float | None, number: type) -> Taps:
    ratio, i = _ratio(size, count, False, scale, np.float32), np.arange(count, dtype=np.float32)
    return _one(size, np.floor((i + np.float32(0.5)) * ratio).astype(np.int64))


def _one(size: int, places: np.ndarray) -> Taps:
    ones = np.ones((1, len(places)))
    return Taps(size, np.minimum(places, size - 1), np.ones(len(places), np.int64), ones)


def _linear(size: int, count: int, align: bool, scale: float | None, number: type) -> Taps:
    if size == count:
        return Taps.plain(size)
    places = np.maximum(_places(size, count, align, scale, number), 0)
    firsts = np.minimum(places.astype(np.int64), size - 1)
    rest = np.clip(places - firsts.astype(number), 0, 1)
    return _within(size, firsts, np.stack([1 - rest, rest]))


def _cubic(size: int, count: int, align: bool, scale: float | None, number: type) -> Taps:
    """Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", a = -3/4."""
    places = _places(size, count, align, scale, number)
    centers = np.minimum(np.floor(places).astype(np.int64), size - 1)
    t = np.clip(places - centers.astype(number), 0, 1)
    weights = [_keys(x, number(-0.75)) for x in (t + 1, t, 1 - t, 2 - t)]
    return _within(size, centers - 1, np.stack(weights))


def _keys(x: np.ndarray, a: np.floating | float) -> np.ndarray:
    """Keys's function of |x| below 2."""
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)


def _within(size: int, firsts: np.ndarray, weights: np.ndarray) -> Taps:
    """Neighbours from `firsts` on with these weights; those outside count for the outermost elements."""
    taps, count = weights.shape
    starts, ends = np.clip(firsts, 0, size - 1), np.clip(firsts + taps, 1, size)
    moved = np.zeros_like(weights)
    windows = np.arange(count)
    for t in range(taps):
        np.add.at(moved, (np.clip(firsts + t, 0, size - 1) - starts, windows), weights[t])
    counts = ends - starts
    return Taps(size, starts, counts, moved[: counts.max(initial=1)])


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _keys_smooth(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    return np.where(x < 2, _keys(x, -0.5), 0)


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _smooth(kernel: Callable[[np.ndarray], np.ndarray], reach: int) -> Callable[..., Taps]:
    """Taps of an image that is smoothed before it becomes smaller: as many as `kernel`, stretched, reaches."""

    def taps(size: int, count: int, align: bool, scale: float | None, number: type) -> Taps:
        ratio = _ratio(size, count, align, scale, number)
        wide = max(ratio, number(1))
        centers, support = ratio * (np.arange(count, dtype=number) + number(0.5)), number(reach) * wide
        firsts = np.maximum((centers - support + number(0.5)).astype(np.int64), 0)
        ends = np.minimum((centers + support + number(0.5)).astype(np.int64), size)
        counts = np.maximum(ends - firsts, 0)
        t = np.arange(max(counts.max(initial=1), 1))[:, None]
        weights = kernel(((t + firsts) - centers + number(0.5)) / wide)
        weights = np.where(t < counts, weights, 0)
        total = weights.sum(0)
        return Taps(size, firsts, counts, weights / np.where(total == 0, 1, total))

    return taps


_TAPS: dict[str, Callable[..., Taps]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
    "bilinear-aa": _smooth(_triangle, 1),
    "bicubic-aa": _smooth(_keys_smooth, 2),
    "lanczos-aa": _smooth(_lanczos, 3),
}


@lru_cache(maxsize=1024)
def _grid(mode: str, size: tuple, count: tuple, align: bool, scales: tuple, double: bool) -> Grid:
    taps = [Taps.plain(1)] * (3 - len(size))
    number = np.float64 if double else np.float32
    taps += [_TAPS[mode](n, o, align, scale, number) for n, o, scale in zip(size, count, scales)]
    return Grid(*taps)


# --- the op


def _kernel(mode: str, size: Sequence[int]) -> str:
    """PyTorch's name of what computes."""
    if mode.endswith("aa"):
        return "compute_index_ranges_weights"
    plain = "nearest" if "nearest" in mode else "cubic" if mode == "bicubic" else "linear"
    if len(size) == 2 and sum(size) <= 128 and plain != "cubic":
        return f"upsample_{'nearest' if plain == 'nearest' else 'bilinear'}2d_channels_last"
    return f"compute_indices_weights_{plain}"


def upsample_to(
    input: Tensor,
    mode: str,
    output_size: Sequence[int] | None,
    scale_factors: Sequence[float] | None,
    align_corners: bool = False,
) -> Tensor:
    """Pictures (batch, channels, ...) in the size `output_size`, or in as many times their own as `scale_factors` says.

    mode   "nearest", "nearest-exact"; "linear", "bilinear", "trilinear" for one, two, three dimensions; "bicubic";
           with "-aa" behind "bilinear", "bicubic" or "lanczos", smoothed before it becomes smaller
    """
    shape = input.array.shape
    size, n = shape[2:], len(shape) - 2
    if output_size is None:
        assert scale_factors is not None
        output_size = [math.trunc(d * scale) for d, scale in zip(size, scale_factors)]
    if min(size) <= 0 or min(output_size) <= 0:
        had, has = (", ".join(f"{a}: {d}" for a, d in zip("DHW"[-n:], s)) for s in (size, output_size))
        joined = " and " if n == 1 else " "
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({had}){joined}output ({has})"
        )
    if shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes {list(shape)}"
        )
    dtype = input.kind.dtype
    refuse(_kernel(mode, output_size), *_REFUSED[mode.endswith("aa")], *_bytes(mode, n))(dtype)
    scales: tuple = (None,) * n if scale_factors is None else tuple(map(float, scale_factors))
    count, align, double = tuple(output_size), bool(align_corners), dtype is dt.float64
    if dtype is dt.uint8 and "nearest" not in mode:  # PyTorch rounds between the directions
        across = _grid(mode, size, (size[0], count[1]), align, (None, scales[1]), double)
        input, size, scales = _ROWS[mode, n](input, across, n), (size[0], count[1]), (scales[0], None)
    return _ROWS[mode, n](input, _grid(mode, size, count, align, scales, double), n)


_REFUSED = {
    False: ("bool", "int8", "int16", "int32", "int64", *COMPLEX),
    True: ("bool", "int8", "int16", "int32", "int64", *COMPLEX, *HALF),
}


def _bytes(mode: str, n: int) -> tuple[str, ...]:
    return ("uint8",) if mode in ("linear", "trilinear") else ()
