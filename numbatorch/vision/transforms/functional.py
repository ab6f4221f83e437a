"""What transforms do, as functions: of tensors (..., C, H, W) and of images of Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from numbatorch import ops
from numbatorch.dtype import DType, get_default_dtype
from numbatorch.dtype import uint8 as uint8_
from numbatorch.pointwise import pointwise
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms import _pillow, _tensor
from numbatorch.vision.transforms.interpolation import InterpolationMode as InterpolationMode
from numbatorch.vision.transforms.interpolation import mode_of

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def _side(image: Any) -> Any:
    """The module that knows what `image` is. TypeError for what is no image."""
    if isinstance(image, Tensor):
        if image.dim() < 2:
            raise TypeError("Tensor is not a torch image.")
        return _tensor
    if _pillow.is_image(image):
        return _pillow
    raise TypeError(f"Unexpected type {type(image)}")


# ---- from and to tensors


def to_tensor(pic: Any) -> Tensor:
    """An image of Pillow, or an array (H, W, C) or (H, W), as a tensor (C, H, W). Bytes become floats from 0
    to 1; other numbers stay as they are.

    A tensor of bytes, already (C, H, W), is taken too (PyTorch's refuses it): our data sets give one where
    Pillow is missing.

    >>> to_tensor(np.full((2, 2, 3), 255, np.uint8)).shape
    torch.Size([3, 2, 2])
    """
    if isinstance(pic, Tensor) and pic.dtype is uint8_:
        image = pic
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        whole = pic if pic.ndim == 3 else pic[:, :, None]
        image = ops.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1)))
    elif _pillow.is_image(pic):
        image = _pillow.to_tensor(pic, copied=False)
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    return image / 255 if image.dtype is uint8_ else image


def pil_to_tensor(pic: Any) -> Tensor:
    """An image of Pillow as a tensor (C, H, W) of the same numbers."""
    if not _pillow.is_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return _pillow.to_tensor(pic)


def to_pil_image(pic: Tensor | np.ndarray, mode: str | None = None) -> Any:
    """An image of Pillow of a tensor (C, H, W) or an array (H, W, C). Floats are 0 to 1."""
    if isinstance(pic, Tensor):
        if pic.dim() not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.dim()} dimensions.")
        image = pic.detach().cpu()
        if image.is_floating_point() and mode != "F":
            image = image.mul(255).to(uint8_)
        array = image.numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array[:, :, None]
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic if pic.ndim == 3 else pic[:, :, None]
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if not 1 <= array.shape[2] <= 4:
        raise ValueError(f"pic should not have > 4 channels. Got {array.shape[2]} channels.")
    return _pillow.from_array(array, mode)


def convert_image_dtype(image: Tensor, dtype: DType | None = None) -> Tensor:
    """A tensor in another dtype (the default one), in which black is 0 and white is 1, or the largest integer.

    RuntimeError where float32 cannot hold the integers of `dtype`.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return _tensor.convert(image, dtype or get_default_dtype())


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """(tensor - mean) / std, channel by channel."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
            f"{tensor.size()}"
        )
    centre, spread = _statistics(_plain(mean), _plain(std), tensor.dtype, tensor.device)
    return tensor.sub_(centre).div_(spread) if inplace else _standardized(tensor, centre, spread)


@pointwise
def _standardized(x, mean, std):
    return (x - mean) / std


def _plain(numbers: Any) -> Any:
    """Numbers in a form that a cache takes: a tuple, or one number."""
    if isinstance(numbers, (Tensor, np.ndarray)):
        numbers = numbers.tolist()
    return tuple(numbers) if isinstance(numbers, (tuple, list)) else numbers


@lru_cache(maxsize=32)
def _statistics(mean: Any, std: Any, dtype: DType, device: Any) -> list[Tensor]:
    """mean and std as tensors of shape (C, 1, 1)."""
    centre, spread = (ops.tensor(numbers, dtype=dtype, device=device) for numbers in (mean, std))
    if (spread == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {dtype}, leading to division by zero.")
    return [numbers.view(-1, 1, 1) for numbers in (centre, spread)]


# ---- sizes


def get_image_size(img: Any) -> list[int]:
    """[width, height]"""
    height, width = _side(img).size(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    """How many channels there are."""
    return _side(img).channels(img)


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]"""
    side = _side(img)
    return [side.channels(img), *side.size(img)]


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode = BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image in the size (height, width); of one number, the shorter edge becomes that long, and the
    longer one at most `max_size`. Images of Pillow are always smoothed, whatever `antialias` says.

    >>> resize(torch.zeros(3, 20, 40), 10).shape
    torch.Size([3, 10, 20])
    """
    side, mode = _side(img), mode_of(interpolation)
    height, width = side.size(img)
    if isinstance(size, int) or len(size) == 1:
        wanted = _by_edge(height, width, size if isinstance(size, int) else size[0], max_size)
    elif len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, i.e. size "
                "should be an int or a sequence of length 1 in torchscript mode."
            )
        wanted = size[0], size[1]
    else:
        raise ValueError("If size is a sequence, it should have 1 or 2 values")
    if wanted == (height, width):
        return img
    if side is _tensor:
        return _tensor.resize(img, *wanted, mode, bool(antialias))
    return _pillow.resize(img, *wanted, mode)


def _by_edge(height: int, width: int, edge: int, longest: int | None) -> tuple[int, int]:
    """The (height, width) whose shorter side is `edge`."""
    short, long = sorted((height, width))
    new_short, new_long = edge, int(edge * long / short)
    if longest is not None:
        if longest <= edge:
            raise ValueError(
                f"max_size = {longest} must be strictly greater than the requested size for the smaller edge "
                f"size = {edge}"
            )
        if new_long > longest:
            new_short, new_long = int(longest * new_short / new_long), longest
    return (new_long, new_short) if width <= height else (new_short, new_long)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of the image; what lies outside of the image is black."""
    return _side(img).crop(img, top, left, height, width)


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle (height, width) of the image; a smaller image gets a black border."""
    height, width = _pair(output_size)
    h, w = _side(img).size(img)
    if width > w or height > h:
        dx, dy = max(width - w, 0), max(height - h, 0)
        img = pad(img, [dx // 2, dy // 2, (dx + 1) // 2, (dy + 1) // 2], fill=0)
        h, w = _side(img).size(img)
        if (width, height) == (w, h):
            return img
    return crop(img, round((h - height) / 2.0), round((w - width) / 2.0), height, width)


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode = BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of the image in another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: int | Sequence[int]) -> tuple:
    """The four corners and the middle: top left, top right, bottom left, bottom right, middle."""
    height, width = _pair(size)
    h, w = _side(img).size(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {[height, width]} is bigger than input size {(h, w)}")
    corners = [(0, 0), (0, w - width), (h - height, 0), (h - height, w - width)]
    return (
        *[crop(img, top, left, height, width) for top, left in corners],
        center_crop(img, [height, width]),
    )


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple:
    """`five_crop` of the image and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def pad(img: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The image with a border: one width, (left and right, top and bottom), or (left, top, right, bottom).

    padding_mode: "constant" (of colour `fill`), "edge", "reflect" or "symmetric".
    """
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    around = [padding] if isinstance(padding, int) else list(padding)
    if len(around) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(around)} element tuple"
        )
    around = around * (4 // len(around))
    return _side(img).pad(img, around, fill, padding_mode)


# ---- turning


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    return img.flip(-1) if _side(img) is _tensor else _pillow.flip(img, horizontal=True)


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    return img.flip(-2) if _side(img) is _tensor else _pillow.flip(img, horizontal=False)


def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode = NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """The image turned by `angle` degrees, against the clock; with `expand`, in a picture large enough."""
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    side, mode = _side(img), mode_of(interpolation)
    if side is _pillow:
        return _pillow.rotate(img, angle, mode, expand, center, fill)
    height, width = _tensor.size(img)
    middle = [0.0, 0.0] if center is None else [center[0] - width * 0.5, center[1] - height * 0.5]
    matrix = _inverse_affine(middle, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    shape = _tensor.expanded(matrix, height, width) if expand else None
    return _tensor.warp(img, matrix, mode, fill, shape)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode = NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """The image turned by `angle` degrees with the clock, sheared by degrees, scaled and moved, about its
    centre.
    """
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    slant = (shear, 0.0) if isinstance(shear, (int, float)) else tuple(shear)
    slant = (slant[0], 0.0) if len(slant) == 1 else slant
    side, mode = _side(img), mode_of(interpolation)
    height, width = side.size(img)
    if side is _pillow:
        middle = (width * 0.5, height * 0.5) if center is None else center
        return _pillow.warp(img, _inverse_affine(middle, angle, translate, scale, slant), mode, fill)
    middle = (0.0, 0.0) if center is None else (center[0] - width * 0.5, center[1] - height * 0.5)
    return _tensor.warp(img, _inverse_affine(middle, angle, translate, scale, slant), mode, fill)


def _inverse_affine(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> list[float]:
    """Where a pixel of the result comes from: the inverse of T C R(angle) S(shear) s C⁻¹, two rows of three
    (T moves by `translate`, C moves to `center`).
    """
    turn, sx, sy = (math.radians(x) for x in (angle, *shear))
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    a, b, c, d = d / scale, -b / scale, -c / scale, a / scale
    x, y = -center[0] - translate[0], -center[1] - translate[1]
    return [a, b, a * x + b * y + center[0], c, d, c * x + d * y + center[1]]


# ---- colours


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0 is black, 1 the image itself, 2 twice as bright."""
    if brightness_factor < 0:
        raise ValueError(f"brightness_factor ({brightness_factor}) is not non-negative.")
    if _side(img) is _pillow:
        return _pillow.enhance(img, "Brightness", brightness_factor)
    return _tensor.brightness(img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0 is a gray image, 1 the image itself."""
    if contrast_factor < 0:
        raise ValueError(f"contrast_factor ({contrast_factor}) is not non-negative.")
    if _side(img) is _pillow:
        return _pillow.enhance(img, "Contrast", contrast_factor)
    return _tensor.contrast(img, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0 is black and white, 1 the image itself."""
    if saturation_factor < 0:
        raise ValueError(f"saturation_factor ({saturation_factor}) is not non-negative.")
    if _side(img) is _pillow:
        return _pillow.enhance(img, "Color", saturation_factor)
    return _tensor.saturation(img, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """The colours moved round their circle by this share of it, from -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return _side(img).hue(img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain image^gamma, of an image from 0 to 1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return _side(img).gamma(img, gamma, gain)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """0.2989 R + 0.587 G + 0.114 B, in one channel or in three."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    return _side(img).grayscale(img, num_output_channels)


to_grayscale = rgb_to_grayscale


def invert(img: Any) -> Any:
    """The negative."""
    return _tensor.highest(img.dtype) - img if _side(img) is _tensor else _pillow.invert(img)


def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: Any = None) -> Any:
    """A Gaussian filter over kernel_size (odd) pixels; sigma 0.15 kernel_size + 0.35, unless given."""
    sizes = _pair(kernel_size)
    for size in sizes:
        if size % 2 == 0 or size < 0:
            raise ValueError(f"kernel_size should have odd and positive integers. Got {list(sizes)}")
    if sigma is None:
        spreads = [size * 0.15 + 0.35 for size in sizes]
    else:
        spreads = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma) * (2 // len(sigma))
    if min(spreads) <= 0:
        raise ValueError(f"sigma should have positive values. Got {spreads}")
    if _side(img) is _pillow:
        return to_pil_image(_tensor.blur(pil_to_tensor(img), sizes, spreads), mode=img.mode)
    return _tensor.blur(img, sizes, spreads)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """The rectangle of height h and width w at row i, column j filled with v."""
    result = img if inplace else img.clone()
    result[..., i : i + h, j : j + w] = v
    return result


def to_image(inpt: Any) -> Tensor:
    """v2: an image of Pillow or an array (H, W, C) as a tensor (C, H, W) of the same numbers."""
    if isinstance(inpt, Tensor):
        return inpt
    if isinstance(inpt, np.ndarray):
        whole = inpt if inpt.ndim == 3 else inpt[:, :, None]
        return ops.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1)))
    if _pillow.is_image(inpt):
        return _pillow.to_tensor(inpt)
    raise TypeError(
        f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead."
    )


def to_dtype(inpt: Tensor, dtype: DType | None = None, scale: bool = False) -> Tensor:
    """v2: another dtype; with `scale`, white stays white (see `convert_image_dtype`)."""
    return convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype=dtype or get_default_dtype())
