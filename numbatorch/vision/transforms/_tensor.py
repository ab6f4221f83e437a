"""What transforms do with images that are tensors: (..., C, H, W), floats from 0 to 1 or integers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from numbatorch import ops
from numbatorch.dtype import DType, float32, iinfo, int32, int64
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms.interpolation import InterpolationMode, blur_weights, nearest, weights


def size(image: Tensor) -> tuple[int, int]:
    """(height, width)"""
    return image.shape[-2], image.shape[-1]


def channels(image: Tensor) -> int:
    """How many channels there are; 1 of a picture without that dimension."""
    return image.shape[-3] if image.dim() > 2 else 1


# ---- geometry


def crop(image: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A part of the image; what lies outside of it is 0."""
    h, w = size(image)
    bottom, right = top + height, left + width
    if top < 0 or left < 0 or bottom > h or right > w:
        around = [max(-left, 0), max(-top, 0), max(right - w, 0), max(bottom - h, 0)]
        image = pad(image, around)
        top, left = max(top, 0), max(left, 0)
    return image[..., top : top + height, left : left + width]


def pad(
    image: Tensor, around: Sequence[int], fill: float | Sequence[float] = 0, mode: str = "constant"
) -> Tensor:
    """`around`: left, top, right, bottom; negative numbers crop."""
    left, top, right, bottom = around
    h, w = size(image)
    if mode == "constant":
        if min(around) < 0:
            image = image[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
            left, top, right, bottom = (max(n, 0) for n in around)
        whole = ops.empty(
            (*image.shape[:-2], image.shape[-2] + top + bottom, image.shape[-1] + left + right),
            dtype=image.dtype,
            device=image.device,
        )
        whole[...] = _of_channels(fill, image)
        whole[..., top : top + image.shape[-2], left : left + image.shape[-1]] = image
        return whole
    rows = np.pad(np.arange(h), (top, bottom), mode=mode)  # type: ignore[call-overload]
    columns = np.pad(np.arange(w), (left, right), mode=mode)  # type: ignore[call-overload]
    return _picked(image, rows, columns)


def resize(image: Tensor, height: int, width: int, mode: InterpolationMode, antialias: bool) -> Tensor:
    """The image in another size."""
    h, w = size(image)
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        exact = mode is InterpolationMode.NEAREST_EXACT
        return _picked(image, nearest(h, height, exact), nearest(w, width, exact))
    if mode not in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        raise ValueError(f"This interpolation mode is unsupported with Tensor input: {mode.value}")
    return _between(image, weights(h, height, mode, antialias), weights(w, width, mode, antialias))


def blur(image: Tensor, kernel_size: Sequence[int], sigma: Sequence[float]) -> Tensor:
    """A Gaussian filter; kernel_size and sigma for x and for y."""
    h, w = size(image)
    return _between(
        image, blur_weights(h, kernel_size[1], sigma[1]), blur_weights(w, kernel_size[0], sigma[0])
    )


def _between(image: Tensor, rows: np.ndarray, columns: np.ndarray) -> Tensor:
    """rows @ image @ columns.T, rounded where the image has integers."""
    exact = image if image.is_floating_point() else image.float()
    left = ops.as_tensor(rows, exact.dtype, exact.device)
    right = ops.as_tensor(columns, exact.dtype, exact.device)
    return _back(left @ exact @ right.mT, image.dtype, round_to=True)


def _picked(image: Tensor, rows: np.ndarray, columns: np.ndarray) -> Tensor:
    device = image.device
    return image.index_select(-2, ops.as_tensor(rows, device=device)).index_select(
        -1, ops.as_tensor(columns, device=device)
    )


def warp(
    image: Tensor,
    matrix: Sequence[float],
    mode: InterpolationMode,
    fill: float | Sequence[float] | None,
    shape: tuple[int, int] | None = None,
) -> Tensor:
    """The image (or, of another `shape`, its surroundings) through an affine map: the pixel at (x, y) from
    the centre comes from (m₀ x + m₁ y + m₂, m₃ x + m₄ y + m₅). What comes from outside is `fill`, or 0.
    """
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"This interpolation mode is unsupported with Tensor input: {mode.value}")
    h, w = size(image)
    height, width = shape or (h, w)
    x = np.arange(width) - (width - 1) * 0.5
    y = np.arange(height)[:, None] - (height - 1) * 0.5
    source_x = matrix[0] * x + matrix[1] * y + matrix[2] + (w - 1) * 0.5
    source_y = matrix[3] * x + matrix[4] * y + matrix[5] + (h - 1) * 0.5
    if mode is InterpolationMode.NEAREST:
        column, row = np.rint(source_x).astype(np.int64), np.rint(source_y).astype(np.int64)
        found, inside = _pixels(image, row, column)
        mask = ops.as_tensor(inside, device=image.device)
        return ops.where(mask, found, _of_channels(fill or 0, image))
    exact = image if image.is_floating_point() else image.float()
    column, row = np.floor(source_x), np.floor(source_y)
    result, covered = ops.zeros((), dtype=exact.dtype, device=image.device), np.zeros((height, width))
    for dy in (0, 1):
        for dx in (0, 1):
            share = (1 - np.abs(source_y - row - dy)) * (1 - np.abs(source_x - column - dx))
            found, inside = _pixels(exact, (row + dy).astype(np.int64), (column + dx).astype(np.int64))
            share = share * inside
            covered += share
            result = result + found * ops.as_tensor(share, exact.dtype, image.device)
    if fill is not None:
        rest = ops.as_tensor(1 - covered, exact.dtype, image.device)
        result = result + rest * _of_channels(fill, exact)
    return _back(result, image.dtype, round_to=True)


def _pixels(image: Tensor, rows: np.ndarray, columns: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """The pixels at these places, and which of them lie inside."""
    h, w = size(image)
    inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    place = ops.as_tensor(np.where(inside, rows * w + columns, 0).reshape(-1), device=image.device)
    found = image.reshape(*image.shape[:-2], h * w).index_select(-1, place)
    return found.reshape(*image.shape[:-2], *rows.shape), inside


def _of_channels(fill: float | Sequence[float], image: Tensor) -> Tensor:
    """A colour in the shape (C, 1, 1), or one number."""
    values = ops.tensor(fill, dtype=image.dtype, device=image.device)
    return values.reshape(-1, 1, 1) if values.dim() else values


# ---- colours


def highest(dtype: DType) -> float:
    """What white is: 1 for floats, the largest number for integers."""
    if dtype.is_floating_point:
        return 1.0
    return iinfo(dtype).max


def _back(image: Tensor, dtype: DType, round_to: bool = False) -> Tensor:
    """In its own dtype again; integers round, or are cut off."""
    if image.dtype is dtype or dtype.is_floating_point:
        return image.to(dtype)
    limits = iinfo(dtype)
    return (image.round() if round_to else image).clamp(limits.min, limits.max).to(dtype)


def convert(image: Tensor, dtype: DType) -> Tensor:
    """Black and white stay black and white in another dtype."""
    if image.dtype is dtype:
        return image
    old, new = highest(image.dtype), highest(dtype)
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        unsafe = dtype is int64 or (dtype is int32 and image.dtype is float32)
        if unsafe:
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return (image * (new + 1.0 - 1e-3)).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / old
    if old > new:
        return ops.div(image, int((old + 1) // (new + 1)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((new + 1) // (old + 1))


def grayscale(image: Tensor, count: int = 1) -> Tensor:
    """0.2989 R + 0.587 G + 0.114 B, `count` times."""
    if channels(image) == 1:
        gray = image
    else:
        r, g, b = image.unbind(-3)
        gray = (0.2989 * r + 0.587 * g + 0.114 * b).to(image.dtype).unsqueeze(-3)
    return gray.expand(*image.shape[:-3], count, *image.shape[-2:]) if count > 1 else gray


def blend(image: Tensor, other: Tensor, share: float) -> Tensor:
    """share image + (1 - share) other, within black and white."""
    return (share * image + (1.0 - share) * other).clamp(0, highest(image.dtype)).to(image.dtype)


def brightness(image: Tensor, factor: float) -> Tensor:
    return blend(image, ops.zeros_like(image), factor)


def contrast(image: Tensor, factor: float) -> Tensor:
    exact = image.dtype if image.is_floating_point() else float32
    return blend(image, grayscale(image).to(exact).mean((-3, -2, -1), keepdim=True), factor)


def saturation(image: Tensor, factor: float) -> Tensor:
    return image if channels(image) == 1 else blend(image, grayscale(image), factor)


def hue(image: Tensor, factor: float) -> Tensor:
    """The colours further round their circle."""
    if channels(image) == 1:
        return image
    h, s, v = _to_hsv(convert(image, float32))
    return convert(_from_hsv((h + factor) % 1.0, s, v), image.dtype)


def gamma(image: Tensor, exponent: float, gain: float) -> Tensor:
    exact = image if image.is_floating_point() else convert(image, float32)
    return convert((gain * exact**exponent).clamp(0, 1), image.dtype)


def _to_hsv(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value, after A. R. Smith, "Color gamut transform pairs" (1978)."""
    r, g, b = image.unbind(-3)
    high, low = image.amax(-3), image.amin(-3)
    gray = high == low
    width = high - low
    s = width / ops.where(gray, 1.0, high)
    width = ops.where(gray, 1.0, width)
    rc, gc, bc = (high - r) / width, (high - g) / width, (high - b) / width
    sector = ops.where(high == r, bc - gc, ops.where(high == g, 2.0 + rc - bc, 4.0 + gc - rc))
    return ops.fmod(sector / 6.0 + 1.0, 1.0), s, high


def _from_hsv(h: Tensor, s: Tensor, v: Tensor) -> Tensor:
    sector = (h * 6.0).floor()
    f = h * 6.0 - sector
    p, q, t = (x.clamp(0, 1) for x in (v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))))
    sector = sector.to(int64) % 6
    choices = ((v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q))
    result = []
    for place in range(3):
        value = choices[5][place]
        for k in range(4, -1, -1):
            value = ops.where(sector == k, choices[k][place], value)
        result.append(value)
    return ops.stack(result, -3)


def expanded(matrix: Sequence[float], height: int, width: int) -> tuple[int, int]:
    """How large a picture must be to hold the whole of this one after the map."""
    corners = np.array(
        [(-0.5 * width, -0.5 * height), (-0.5 * width, 0.5 * height), (0.5 * width, 0.5 * height)]
    )
    corners = np.vstack([corners, -corners[1:2]])
    x = corners @ np.array(matrix[0:2]) + matrix[2]
    y = corners @ np.array(matrix[3:5]) + matrix[5]
    spans = [
        math.ceil(math.trunc(c.max() / 1e-4) * 1e-4) - math.floor(math.trunc(c.min() / 1e-4) * 1e-4)
        for c in (x, y)
    ]
    return spans[1], spans[0]
