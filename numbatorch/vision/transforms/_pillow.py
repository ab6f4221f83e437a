"""What transforms do with images of Pillow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from numbatorch import ops
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms.interpolation import InterpolationMode

Image = Any  # PIL.Image.Image, where there is one


def pillow() -> ModuleType:
    """PIL.Image. ImportError with the remedy where Pillow is missing."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("This needs Pillow: pip install numbatorch[vision]") from None
    return Image


def is_image(value: Any) -> bool:
    """Whether `value` is an image of Pillow; asks for nothing to be imported."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def size(image: Image) -> tuple[int, int]:
    """(height, width)"""
    return image.size[1], image.size[0]


def channels(image: Image) -> int:
    return len(image.getbands())


_BYTES = {
    "L": 1,
    "RGB": 3,
    "RGBA": 4,
    "CMYK": 4,
    "YCbCr": 3,
    "HSV": 3,
    "LAB": 3,
}  # modes of so many bytes a pixel


def to_array(image: Image, copied: bool = True) -> np.ndarray:
    """(H, W, C), a copy; if it need not be one, what may only be read."""
    if not copied and image.mode in _BYTES:
        width, height = image.size
        return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width, _BYTES[image.mode])
    if image.mode == "1":
        array = 255 * np.array(image, np.uint8)
    else:
        kinds = {"I": np.int32, "I;16": np.uint16, "F": np.float32}
        array = np.array(image, kinds.get(image.mode, np.uint8))
    return array.reshape(image.size[1], image.size[0], -1)


def to_tensor(image: Image, copied: bool = True) -> Tensor:
    """(C, H, W); of memory of its own if `copied`, else it may be that what may only be read."""
    array = to_array(image, copied)
    if array.dtype == np.uint16:
        array = array.astype(np.int32)
    return ops.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def from_array(array: np.ndarray, mode: str | None) -> Image:
    """An image of (H, W, C); the mode by the channels and the dtype, unless it is given."""
    count = array.shape[2]
    if count == 1:
        names = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
        expected: str | None = names.get(str(array.dtype))
        allowed: tuple[str | None, ...] = (expected,)
        array = array[:, :, 0]
    else:
        allowed = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}[count]
        expected = allowed[0] if array.dtype == np.uint8 else None
    if mode is not None and mode not in allowed:
        if count == 1:
            raise ValueError(
                f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {expected}"
            )
        raise ValueError(f"Only modes {list(allowed)} are supported for {count}D inputs")
    if expected is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    image = pillow().fromarray(np.ascontiguousarray(array))
    wanted = mode or expected
    return image if image.mode == wanted else pillow().frombytes(wanted, image.size, image.tobytes())


def _resampling(mode: InterpolationMode) -> int:
    name = "NEAREST" if mode is InterpolationMode.NEAREST_EXACT else mode.name
    return getattr(pillow().Resampling, name)


def _fill(fill: float | Sequence[float] | None, image: Image) -> Any:
    """A colour in the form that Pillow takes."""
    count = channels(image)
    if fill is None:
        fill = 0
    if isinstance(fill, (int, float)):
        colour = (fill,) * count
    else:
        colour = tuple(fill) * (count if len(fill) == 1 else 1)
    if len(colour) != count:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(colour)} != {count})"
        )
    if image.mode != "F":
        colour = tuple(int(c) for c in colour)
    return colour if count > 1 else colour[0]


def crop(image: Image, top: int, left: int, height: int, width: int) -> Image:
    return image.crop((left, top, left + width, top + height))


def flip(image: Image, horizontal: bool) -> Image:
    transpose = pillow().Transpose
    return image.transpose(transpose.FLIP_LEFT_RIGHT if horizontal else transpose.FLIP_TOP_BOTTOM)


def pad(image: Image, around: Sequence[int], fill: Any, mode: str) -> Image:
    from PIL import ImageOps

    left, top, right, bottom = around
    if mode == "constant":
        return ImageOps.expand(image, border=(left, top, right, bottom), fill=_fill(fill, image))
    array = np.asarray(image)
    sides: list[tuple[int, int]] = [(top, bottom), (left, right)]
    sides += [(0, 0)] * (array.ndim - 2)
    padded = pillow().fromarray(np.pad(array, sides, mode=mode))  # type: ignore[call-overload]
    if image.mode == "P":
        padded.putpalette(image.getpalette())
    return padded


def resize(image: Image, height: int, width: int, mode: InterpolationMode) -> Image:
    return image.resize((width, height), _resampling(mode))


def rotate(
    image: Image, angle: float, mode: InterpolationMode, expand: bool, center: Any, fill: Any
) -> Image:
    return image.rotate(angle, _resampling(mode), expand, center, fillcolor=_fill(fill, image))


def warp(image: Image, matrix: Sequence[float], mode: InterpolationMode, fill: Any) -> Image:
    affine = pillow().Transform.AFFINE
    return image.transform(image.size, affine, matrix, _resampling(mode), fillcolor=_fill(fill, image))


def grayscale(image: Image, count: int) -> Image:
    gray = image.convert("L")
    return pillow().merge("RGB", (gray,) * 3) if count == 3 else gray


def enhance(image: Image, what: str, factor: float) -> Image:
    """`what`: "Brightness", "Contrast" or "Color" (saturation)."""
    from PIL import ImageEnhance

    return getattr(ImageEnhance, what)(image).enhance(factor)


def hue(image: Image, factor: float) -> Image:
    mode = image.mode
    if mode in ("L", "1", "I", "F"):
        return image
    h, s, v = image.convert("HSV").split()
    turned = (np.array(h, np.int32) + int(factor * 255)).astype(np.uint8)
    return pillow().merge("HSV", (pillow().fromarray(turned), s, v)).convert(mode)


def gamma(image: Image, exponent: float, gain: float) -> Image:
    mode = image.mode
    table = [int((255 + 1 - 1e-3) * gain * (level / 255.0) ** exponent) for level in range(256)] * 3
    return image.convert("RGB").point(table).convert(mode)


def invert(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.invert(image)
