"""What the data sets of images have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numbatorch.dtype import float32, uint8
from numbatorch.ops import from_numpy, tensor
from numbatorch.tensor import Tensor
from numbatorch.utils.data import Dataset
from numbatorch.vision.transforms import _pillow, transforms, v2


class VisionDataset(Dataset):
    """Images with targets, in a folder `root`: `transform` changes the images, `target_transform` the
    targets, `transforms` both at once."""

    _repr_indent = 4

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Callable | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
    ) -> None:
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = Path(root).expanduser() if isinstance(root, str) else root
        self.transform, self.target_transform, self.transforms = transform, target_transform, transforms

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """What else the text of the data set says."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        lines += [f"Root location: {self.root}"] if self.root is not None else []
        lines += self.extra_repr().splitlines()
        if self.transform is not None or self.target_transform is not None:
            lines.append("StandardTransform")
        lines = [f"Dataset {type(self).__name__}", *(" " * self._repr_indent + line for line in lines)]
        for name, transform in (("Transform", self.transform), ("Target transform", self.target_transform)):
            if transform is not None:
                first, *rest = repr(transform).splitlines()
                lines += [f"{name}: {first}", *(" " * (len(name) + 2) + line for line in rest)]
        return "\n".join(lines)


class ArrayDataset(VisionDataset):
    """Images that are all in memory, as bytes: `data`, (N, H, W) or (N, H, W, C), with `targets`.

    A sample is an image of Pillow, or, where Pillow is missing, a tensor of bytes (C, H, W). Where `transform`
    is no more than `ToTensor` and `Normalize`, a loader makes a batch at once, without single images.
    """

    data: Any
    targets: Any

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(as_image(np.asarray(self.data[index])), int(self.targets[index]))

    @property
    def makes_batches(self) -> bool:
        """Whether `batch` gives what collating single samples would."""
        plain = type(self).__getitem__ is ArrayDataset.__getitem__
        return (
            plain and self.transforms is None and self.target_transform is None and self._steps() is not None
        )

    def _steps(self) -> list[Any] | None:
        """The `Normalize`s of a transform that is `ToTensor` and such; None of any other."""
        whole: Any = self.transform
        steps: list[Any] = list(whole.transforms) if isinstance(whole, transforms.Compose) else [whole]
        if type(whole) not in (transforms.ToTensor, transforms.Compose, v2.Compose) or not steps:
            return None
        first, *rest = steps
        if type(first) is v2.ToImage and rest and type(rest[0]) is v2.ToDtype:
            scaling = rest.pop(0)
            if scaling.dtype is not float32 or not scaling.scale:
                return None
        elif type(first) not in (transforms.ToTensor, v2.ToTensor):
            return None
        return rest if all(type(s) in (transforms.Normalize, v2.Normalize) for s in rest) else None

    def batch(self, indices: Sequence[int]) -> list[Tensor]:
        """The samples with these numbers as a batch of images (B, C, H, W) and of targets."""
        if isinstance(self.data, Tensor):
            images = self.data[tensor(indices)]
        else:
            images = from_numpy(self.data[np.asarray(indices)])
        images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()
        images = images.to(float32).div(255)
        for step in self._steps() or []:
            images = step(images)
        return [images, tensor([int(self.targets[i]) for i in indices])]


def as_image(pixels: np.ndarray) -> Any:
    """Bytes (H, W) or (H, W, C) as an image of Pillow; a tensor (C, H, W) where Pillow is missing."""
    whole = pixels if pixels.ndim == 3 else pixels[:, :, None]
    try:
        return _pillow.from_array(whole, None)
    except ImportError:
        return from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1))).to(uint8)
