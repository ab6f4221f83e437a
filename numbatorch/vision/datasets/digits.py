"""The data set that comes with the package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from numbatorch.ops import from_numpy
from numbatorch.tensor import Tensor
from numbatorch.utils.data import Dataset

_DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"


class Digits(Dataset):
    """UCI's optical handwritten digits: 1,797 images of 8 x 8, each with the digit that it shows.

    data: all images, float32 of shape (N, 1, 8, 8), from 0 (paper) to 1 (ink).
    targets: the digits, int64 of shape (N,).

    The split never changes: of the images sorted by digit (those of one digit in their original order), every
    fifth is a test image. That makes 1,437 images to train with and 360 to test with, and every digit has its
    share of both.

        >>> digits = Digits(train=False)
        >>> image, label = digits[0]
        >>> image.shape, label, len(digits)
        (torch.Size([1, 8, 8]), 0, 360)

    Source: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0 (see
    data/DIGITS.md).
    """

    classes = tuple("0123456789")

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ):
        self.train, self.transform, self.target_transform = train, transform, target_transform
        with np.load(_DIGITS) as file:
            images, labels = file["images"], file["labels"]
        by_digit = np.argsort(labels, kind="stable")
        is_test = np.zeros(len(labels), dtype=bool)
        is_test[by_digit[::5]] = True
        chosen = ~is_test if train else is_test
        self.data: Tensor = from_numpy(images[chosen, None].astype(np.float32) / 16)
        self.targets: Tensor = from_numpy(labels[chosen].astype(np.int64))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = self.data[index], int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def __repr__(self) -> str:
        return f"Digits({'train' if self.train else 'test'}, {len(self)} images of 8x8)"
