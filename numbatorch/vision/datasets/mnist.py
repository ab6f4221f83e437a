"""MNIST and the data sets in its format."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from numbatorch.ops import from_numpy
from numbatorch.tensor import Tensor
from numbatorch.vision.datasets.download import download, unzip
from numbatorch.vision.datasets.vision import ArrayDataset

_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class MNIST(ArrayDataset):
    """Handwritten digits: 60,000 images of 28 x 28 to train with, 10,000 to test with.

    The files lie in `root`/MNIST/raw, as the original IDX files or packed (.gz). With `download`, what is
    missing is fetched from the first of the `mirrors` that has it (folders, as URLs).

    data: the images, uint8 of shape (N, 28, 28).
    targets: the digits, int64 of shape (N,).

    RuntimeError where files are missing or damaged.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
    """

    mirrors: tuple[str, ...] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    checksums: tuple[str | None, ...] = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )
    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        mirrors: Sequence[str] | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download(self.mirrors if mirrors is None else mirrors)
        if not all(self._has(name) for name in self._names):
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        images, labels = (self._read(name) for name in self._names)
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise RuntimeError(f"{len(images)} images and {len(labels)} labels do not belong together")
        self.data: Tensor = from_numpy(images)
        self.targets: Tensor = from_numpy(labels.astype(np.int64))

    @property
    def _names(self) -> tuple[str, ...]:
        return _NAMES[:2] if self.train else _NAMES[2:]

    @property
    def raw_folder(self) -> Path:
        """Where the files lie."""
        assert self.root is not None
        return self.root / type(self).__name__ / "raw"

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: number for number, name in enumerate(self.classes)}

    def _has(self, name: str) -> bool:
        return any((self.raw_folder / file).is_file() for file in (name, f"{name}.gz"))

    def _read(self, name: str) -> np.ndarray:
        if not (self.raw_folder / name).is_file():
            unzip(self.raw_folder / f"{name}.gz")
        return read_idx(self.raw_folder / name)

    def download(self, mirrors: Sequence[str]) -> None:
        """Fetch the files that are missing."""
        for name, md5 in zip(_NAMES, self.checksums):
            if not (self.raw_folder / name).is_file():
                packed = self.raw_folder / f"{name}.gz"
                download(packed.name, packed, md5, mirrors)
                unzip(packed)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Zalando's clothes, in the format of MNIST: 60,000 and 10,000 images of 28 x 28.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST" (2017).
    """

    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    checksums = (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    )
    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """Cursive Japanese characters, in the format of MNIST: 60,000 and 10,000 images of 28 x 28.

    Source: T. Clanuwat and others, "Deep Learning for Classical Japanese Literature" (2018).
    """

    mirrors = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    checksums = (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    )
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """An array in LeCun's IDX format: two zeros, the type, how many dimensions, their sizes, the numbers.

    RuntimeError where the file is damaged.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise RuntimeError(f"{path} is no IDX file")
    dtype, rank = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    shape = [int.from_bytes(content[k : k + 4], "big") for k in range(4, start, 4)]
    if len(content) != start + math.prod(shape) * dtype.itemsize:
        raise RuntimeError(f"{path} is damaged: it should hold numbers of shape {shape}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
