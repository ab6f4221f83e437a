"""How pixels between pixels are made, as matrices: a resized image is W_h image W_wᵀ."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

import numpy as np


class InterpolationMode(Enum):
    """The names of the ways to make pixels between pixels. BOX, HAMMING and LANCZOS are Pillow's alone."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def mode_of(interpolation: InterpolationMode | int) -> InterpolationMode:
    """The mode itself, also of the number that Pillow has for it."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    names = ("NEAREST", "LANCZOS", "BILINEAR", "BICUBIC", "BOX", "HAMMING")
    if 0 <= interpolation < len(names):
        return InterpolationMode[names[interpolation]]
    raise TypeError(
        "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
    )


def nearest(count: int, size: int, exact: bool = False) -> np.ndarray:
    """Which of `count` pixels each of `size` is."""
    places = (np.arange(size) + (0.5 if exact else 0.0)) * (count / size)
    return np.minimum(places.astype(np.int64), count - 1)


@lru_cache(maxsize=64)
def weights(count: int, size: int, mode: InterpolationMode, antialias: bool) -> np.ndarray:
    """The matrix (size, count) that makes `size` pixels of `count`, float32.

    Pixel i of the result lies at (i + 1/2) count / size - 1/2 of the source. With `antialias`, as Pillow and
    PyTorch do it, the filter is as wide as the step, so that every source pixel counts; without, only the
    nearest 2 (bilinear) or 4 (bicubic) do, and those outside are those of the border.
    """
    step = count / size
    centers = (np.arange(size)[:, None] + 0.5) * step - 0.5
    if antialias:
        width = max(step, 1.0)
        distances = (np.arange(count) - centers) / width
        matrix = _triangle(distances) if mode is InterpolationMode.BILINEAR else _cubic(distances, -0.5)
        matrix /= matrix.sum(1, keepdims=True)
        return matrix.astype(np.float32)
    if mode is InterpolationMode.BILINEAR:
        centers = np.clip(centers, 0, count - 1)
    first = np.floor(centers).astype(np.int64)
    matrix = np.zeros((size, count))
    for offset in (0, 1) if mode is InterpolationMode.BILINEAR else (-1, 0, 1, 2):
        place = first + offset
        distance = place - centers
        share = _triangle(distance) if mode is InterpolationMode.BILINEAR else _cubic(distance, -0.75)
        np.add.at(matrix, (np.arange(size)[:, None], np.clip(place, 0, count - 1)), share)
    return matrix.astype(np.float32)


@lru_cache(maxsize=64)
def blur_weights(count: int, size: int, sigma: float) -> np.ndarray:
    """The matrix (count, count) of a Gaussian filter over `size` pixels, borders reflected, float32."""
    x = np.linspace(-(size - 1) * 0.5, (size - 1) * 0.5, size)
    bell = np.exp(-0.5 * (x / sigma) ** 2)
    bell /= bell.sum()
    sources = np.pad(np.arange(count), size // 2, mode="reflect")
    matrix = np.zeros((count, count))
    for offset, share in enumerate(bell):
        np.add.at(matrix, (np.arange(count), sources[offset : offset + count]), share)
    return matrix.astype(np.float32)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """R. Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))
