"""Images of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbatorch import ops
from numbatorch.dtype import uint8
from numbatorch.random import Generator
from numbatorch.vision.datasets.vision import VisionDataset, as_image


class FakeData(VisionDataset):
    """`size` images of noise with random classes: number i is always the same, and PyTorch's."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.size, self.image_size, self.num_classes = size, image_size, num_classes
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        source = Generator().manual_seed(index + self.random_offset)
        noise = ops.randn(*self.image_size, generator=source)
        target = int(ops.randint(0, self.num_classes, (1,), generator=source))
        return self._transformed(as_image(noise.mul(255).to(uint8).permute(1, 2, 0).numpy()), target)

    def __len__(self) -> int:
        return self.size
