"""The names of torchvision.transforms.v2: the same transforms, and those that it adds.

An image may come with other things, `transform(image, label)` or `transform((image, label))`: what is no
image goes through. (Boxes and masks are not known here.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numbatorch import nn
from numbatorch.dtype import DType
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms import _pillow, random, transforms
from numbatorch.vision.transforms import functional as functional
from numbatorch.vision.transforms.functional import InterpolationMode as InterpolationMode


def _is_image(value: Any) -> bool:
    return _pillow.is_image(value) or (isinstance(value, Tensor) and value.dim() > 1)


class _OfImages:
    """In front of a transform: applies it to the image among several things."""

    def __call__(self, *inputs: Any) -> Any:
        return self._in(inputs[0] if len(inputs) == 1 else inputs)

    def _in(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._in(item) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)([self._in(item) for item in value])
        return super().__call__(value) if self._takes(value) else value  # type: ignore[misc]

    def _takes(self, value: Any) -> bool:
        return _is_image(value)


class Compose(transforms.Compose):
    """One transform after the other."""

    def __call__(self, *inputs: Any) -> Any:
        return super().__call__(inputs[0] if len(inputs) == 1 else inputs)


class Transform(_OfImages, nn.Module):
    """Base class of one's own: a subclass defines `transform(inpt, params)`."""

    def forward(self, inpt: Any) -> Any:
        return self.transform(inpt, {})

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        raise NotImplementedError


class ToImage(Transform):
    """An image of Pillow or an array (H, W, C) as a tensor (C, H, W) of the same numbers."""

    def _takes(self, value: Any) -> bool:
        return _is_image(value) or hasattr(value, "__array__")

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return functional.to_image(inpt)


class ToDtype(Transform):
    """Another dtype; with `scale`, white stays white: `ToDtype(torch.float32, scale=True)` after `ToImage()`
    is what `ToTensor` did."""

    def __init__(self, dtype: DType, scale: bool = False) -> None:
        super().__init__()
        self.dtype, self.scale = dtype, scale

    def _takes(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dim() > 1

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        return functional.to_dtype(inpt, self.dtype, self.scale)

    def extra_repr(self) -> str:
        return f"dtype={self.dtype}, scale={self.scale}"


class Identity(Transform):
    """Nothing."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class ToPureTensor(Identity):
    """Nothing: tensors are plain already."""


class ToTensor(_OfImages, transforms.ToTensor):
    """Of old; use `ToImage` and `ToDtype`."""

    def _takes(self, value: Any) -> bool:
        return _is_image(value) or hasattr(value, "__array__")


class PILToTensor(_OfImages, transforms.PILToTensor):
    """An image of Pillow as a tensor."""


class ToPILImage(_OfImages, transforms.ToPILImage):
    """A tensor as an image of Pillow."""

    def _takes(self, value: Any) -> bool:
        return _is_image(value) or hasattr(value, "__array__")


class Lambda(transforms.Lambda):
    """Any function."""


class Normalize(_OfImages, transforms.Normalize):
    """(image - mean) / std"""


class Resize(_OfImages, transforms.Resize):
    """Another size"""


class CenterCrop(_OfImages, transforms.CenterCrop):
    """The middle"""


class FiveCrop(_OfImages, transforms.FiveCrop):
    """The corners and the middle"""


class TenCrop(_OfImages, transforms.TenCrop):
    """Those of the mirror image, too"""


class Pad(_OfImages, transforms.Pad):
    """A border"""


class Grayscale(_OfImages, transforms.Grayscale):
    """Black and white"""


class ConvertImageDtype(_OfImages, transforms.ConvertImageDtype):
    """Of old; use `ToDtype(dtype, scale=True)`."""


class RandomHorizontalFlip(_OfImages, random.RandomHorizontalFlip):
    """Left and right exchanged, sometimes"""


class RandomVerticalFlip(_OfImages, random.RandomVerticalFlip):
    """Top and bottom exchanged, sometimes"""


class RandomInvert(_OfImages, random.RandomInvert):
    """The negative, sometimes"""


class RandomGrayscale(_OfImages, random.RandomGrayscale):
    """Black and white, sometimes"""


class RandomCrop(_OfImages, random.RandomCrop):
    """A part, somewhere"""


class RandomResizedCrop(_OfImages, random.RandomResizedCrop):
    """A part of some size, somewhere"""


class RandomRotation(_OfImages, random.RandomRotation):
    """Turned"""


class RandomAffine(_OfImages, random.RandomAffine):
    """Turned, moved, scaled and sheared"""


class ColorJitter(_OfImages, random.ColorJitter):
    """Other colours"""


class GaussianBlur(_OfImages, random.GaussianBlur):
    """Blurred"""


class RandomErasing(_OfImages, random.RandomErasing):
    """A rectangle erased"""


class RandomApply(random.RandomApply):
    """Several transforms, sometimes"""


class RandomChoice(random.RandomChoice):
    """One of several transforms"""


class RandomOrder(random.RandomOrder):
    """Several transforms in some order"""
