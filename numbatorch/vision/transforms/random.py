"""Transforms that draw random numbers: PyTorch's, in the same order."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from numbatorch import nn, ops
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms import functional as F
from numbatorch.vision.transforms.functional import BILINEAR, NEAREST, InterpolationMode
from numbatorch.vision.transforms.transforms import TWO, Compose, _sizes


def _uniform(low: float, high: float) -> float:
    """A number from `low` to `high`."""
    return float(ops.empty(1).uniform_(float(low), float(high)).item())


def _below(limit: int) -> int:
    """A whole number below `limit`."""
    return int(ops.randint(0, limit, (1,)).item())


def _happens(p: float) -> bool:
    """True with probability p."""
    return bool(ops.rand(1) < p)


class _Sometimes(nn.Module):
    """A transform that happens with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomHorizontalFlip(_Sometimes):
    """Left and right exchanged, with probability p."""

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if _happens(self.p) else img


class RandomVerticalFlip(_Sometimes):
    """Top and bottom exchanged, with probability p."""

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if _happens(self.p) else img


class RandomInvert(_Sometimes):
    """The negative, with probability p."""

    def forward(self, img: Any) -> Any:
        return F.invert(img) if _happens(self.p) else img


class RandomGrayscale(_Sometimes):
    """Black and white, in as many channels as before, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def forward(self, img: Any) -> Any:
        count = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, count) if _happens(self.p) else img


class RandomCrop(nn.Module):
    """A part of this size at a random place; the image gets a border of `padding` before, and with
    `pad_if_needed` as much as it needs."""

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = _sizes(size, TWO)
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """top, left, height, width"""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(h, w)}")
        if (h, w) == (height, width):
            return 0, 0, h, w
        return _below(h - height + 1), _below(w - width + 1), height, width

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values)


class RandomResizedCrop(nn.Module):
    """A part of random size (`scale`, as a share of the area) and shape (`ratio`, width to height), in the
    size wanted: the usual way to train on photographs."""

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode = BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = _sizes(size, TWO)
        if not isinstance(scale, Sequence):
            raise TypeError("Scale should be a sequence")
        if not isinstance(ratio, Sequence):
            raise TypeError("Ratio should be a sequence")
        self.scale, self.ratio = scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """top, left, height, width: ten tries, then the middle in the nearest shape allowed"""
        _, height, width = F.get_dimensions(img)
        area = height * width
        low, high = ops.log(ops.tensor(ratio)).tolist()
        for _ in range(10):
            wanted = area * _uniform(*scale)
            shape = ops.exp(ops.empty(1).uniform_(low, high)).item()
            w, h = round(math.sqrt(wanted * shape)), round(math.sqrt(wanted / shape))
            if 0 < w <= width and 0 < h <= height:
                return _below(height - h + 1), _below(width - w + 1), h, w
        shape = width / height
        if shape < min(ratio):
            w, h = width, round(width / min(ratio))
        elif shape > max(ratio):
            w, h = round(height * max(ratio)), height
        else:
            w, h = width, height
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, scale={_rounded(self.scale)}, ratio="
            f"{_rounded(self.ratio)}, interpolation={F.mode_of(self.interpolation).value}, "
            f"antialias={self.antialias})"
        )


def _angles(degrees: Any, name: str) -> list[float]:
    """(-degrees, degrees) of one number; two or more as they are."""
    if isinstance(degrees, (int, float)):
        if degrees < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [-float(degrees), float(degrees)]
    if not isinstance(degrees, Sequence):
        raise TypeError(f"{name} should be a sequence of length 2.")
    if len(degrees) != 2 and not (name == "shear" and len(degrees) == 4):
        raise ValueError(f"{name} should be a sequence of length 2.")
    return [float(d) for d in degrees]


class RandomRotation(nn.Module):
    """The image turned by a random angle, in degrees: from -degrees to degrees, or in a range of two."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode = NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = _angles(degrees, "degrees")
        self.interpolation, self.expand, self.center = interpolation, expand, center
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """The angle"""
        return _uniform(*degrees)

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, _colour(img, self.fill))

    def __repr__(self) -> str:
        middle = f", center={self.center}" if self.center is not None else ""
        return (
            f"{type(self).__name__}(degrees={self.degrees}, interpolation="
            f"{F.mode_of(self.interpolation).value}, expand={self.expand}{middle}, fill={self.fill})"
        )


def _colour(img: Any, fill: Any) -> Any:
    """`fill` for each channel of a tensor."""
    if isinstance(img, Tensor):
        count = F.get_image_num_channels(img)
        return [float(fill)] * count if isinstance(fill, (int, float)) else [float(f) for f in fill]
    return fill


class RandomAffine(nn.Module):
    """The image turned, moved (by at most these shares of its size), scaled and sheared at random."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode = NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _angles(degrees, "degrees")
        if translate is not None and any(not 0.0 <= t <= 1.0 for t in translate):
            raise ValueError("translation values should be between 0 and 1")
        if scale is not None and any(s <= 0 for s in scale):
            raise ValueError("scale values should be positive")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _angles(shear, "shear")
        self.interpolation, self.center = interpolation, center
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """angle, translations, scale, shears; img_size is (width, height)"""
        angle = _uniform(*degrees)
        moved = (0, 0)
        if translate is not None:
            most = [float(share * size) for share, size in zip(translate, img_size)]
            moved = (round(_uniform(-most[0], most[0])), round(_uniform(-most[1], most[1])))
        scale = 1.0 if scale_ranges is None else _uniform(*scale_ranges)
        slant = (0.0, 0.0)
        if shears is not None:
            x = _uniform(shears[0], shears[1])
            slant = (x, _uniform(shears[2], shears[3]) if len(shears) == 4 else 0.0)
        return angle, moved, scale, slant

    def forward(self, img: Any) -> Any:
        params = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        return F.affine(
            img, *params, interpolation=self.interpolation, fill=_colour(img, self.fill), center=self.center
        )

    def __repr__(self) -> str:
        given = [
            f", {name}={value}"
            for name, value in (("translate", self.translate), ("scale", self.scale), ("shear", self.shear))
            if value is not None
        ]
        mode = F.mode_of(self.interpolation)
        given += [f", interpolation={mode.value}"] if mode is not NEAREST else []
        given += [f", fill={self.fill}"] if self.fill != 0 else []
        given += [f", center={self.center}"] if self.center is not None else []
        return f"{type(self).__name__}(degrees={self.degrees}{''.join(given)})"


class ColorJitter(nn.Module):
    """Brightness, contrast, saturation and hue changed at random, in random order: each by a factor from
    1 - x to 1 + x (the hue by a share from -x to x), or in a range of two."""

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        super().__init__()
        self.brightness = self._range(brightness, "brightness", 1.0, (0, float("inf")))
        self.contrast = self._range(contrast, "contrast", 1.0, (0, float("inf")))
        self.saturation = self._range(saturation, "saturation", 1.0, (0, float("inf")))
        self.hue = self._range(hue, "hue", 0.0, (-0.5, 0.5))

    @staticmethod
    def _range(
        value: Any, name: str, center: float, bound: tuple[float, float]
    ) -> tuple[float, float] | None:
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low, high = center - value, center + value
            low = max(low, 0.0) if name != "hue" else low
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = float(value[0]), float(value[1])
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= low <= high <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
        return None if low == high == center else (low, high)

    @staticmethod
    def get_params(
        brightness: Any, contrast: Any, saturation: Any, hue: Any
    ) -> tuple[Tensor, float | None, float | None, float | None, float | None]:
        """The order, and the four factors"""
        order = ops.randperm(4)
        b, c, s, h = (None if x is None else _uniform(*x) for x in (brightness, contrast, saturation, hue))
        return order, b, c, s, h

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        steps = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for k in order.tolist():
            factor = factors[k]
            if factor is not None:
                img = steps[k](img, factor)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


class GaussianBlur(nn.Module):
    """A Gaussian filter over kernel_size pixels, sigma drawn from a range."""

    def __init__(self, kernel_size: int | Sequence[int], sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = _sizes(kernel_size, "Kernel size should be a tuple/list of two integers")
        for size in self.kernel_size:
            if size <= 0 or size % 2 == 0:
                raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = (float(sigma), float(sigma)) if isinstance(sigma, (int, float)) else tuple(sigma)
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {self.sigma}")

    def forward(self, img: Any) -> Any:
        sigma = _uniform(*self.sigma)
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomErasing(nn.Module):
    """With probability p, a rectangle of random size (`scale`, a share of the area), shape (`ratio`) and
    place is filled with `value`, or with noise where that is "random". Of tensors."""

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: list[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """top, left, height, width and what to fill in: ten tries, then the image itself"""
        count, height, width = img.shape[-3:]
        low, high = ops.log(ops.tensor(ratio)).tolist()
        for _ in range(10):
            wanted = height * width * _uniform(*scale)
            shape = ops.exp(ops.empty(1).uniform_(low, high)).item()
            h, w = round(math.sqrt(wanted * shape)), round(math.sqrt(wanted / shape))
            if not (h < height and w < width):
                continue
            if value is None:
                v = ops.empty([count, h, w], dtype=img.dtype).normal_()
            else:
                v = ops.tensor(value, dtype=img.dtype)[:, None, None]
            return _below(height - h + 1), _below(width - w + 1), h, w, v
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if not _happens(self.p):
            return img
        if self.value == "random":
            value = None
        else:
            value = [float(self.value)] if isinstance(self.value, (int, float)) else list(self.value)
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(
                    "If value is a sequence, it should have either a single value or "
                    f"{img.shape[-3]} (number of input channels)"
                )
        x, y, h, w, v = self.get_params(img, self.scale, self.ratio, value)
        return F.erase(img, x, y, h, w, v, self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
            f"inplace={self.inplace})"
        )


class RandomApply(nn.Module):
    """Several transforms with probability p, all or none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        if self.p < ops.rand(1):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\n    p={self.p}" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"
        )


class RandomChoice(Compose):
    """One of several transforms, with the weights p; drawn by Python's `random`, as in PyTorch."""

    def __init__(self, transforms: Sequence[Callable], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, img: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomOrder(Compose):
    """Several transforms in a random order, which Python's `random` draws, as in PyTorch."""

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for k in order:
            img = self.transforms[k](img)
        return img
