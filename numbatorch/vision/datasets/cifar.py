"""CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numbatorch.vision.datasets.download import download, is_intact, untar
from numbatorch.vision.datasets.vision import ArrayDataset


class CIFAR10(ArrayDataset):
    """Photographs of ten kinds of things: 50,000 images of 32 x 32 to train with, 10,000 to test with.

    The files of the Python version lie in `root`/cifar-10-batches-py. With `download`, the archive is fetched
    from the first of the `mirrors` that has it (folders, as URLs), if it is not there.

    data: the images, a NumPy array of bytes of shape (N, 32, 32, 3).
    targets: the numbers of their classes, a list.

    RuntimeError where files are missing or damaged.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
    """

    base_folder = "cifar-10-batches-py"
    filename = "cifar-10-python.tar.gz"
    tgz_md5: str | None = "c58f30108f718f92721af3b95e74349a"
    mirrors = ("https://www.cs.toronto.edu/~kriz/",)
    train_list: list[tuple[str, str | None]] = [
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ]
    test_list: list[tuple[str, str | None]] = [("test_batch", "40351d587109b95175f43aff81a1287e")]
    meta: tuple[str, str, str | None] = ("batches.meta", "label_names", "5ff9c542aee3614f3951f8cda6e48888")

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
        if not self._is_intact():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to download it")
        parts = [
            read_pickle(self._folder / name) for name, _ in (self.train_list if train else self.test_list)
        ]
        pixels = np.vstack([part["data"] for part in parts]).reshape(-1, 3, 32, 32)
        self.data = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
        self.targets = [
            int(n) for part in parts for n in part["labels" if "labels" in part else "fine_labels"]
        ]
        name, key, _ = self.meta
        self.classes: list[str] = read_pickle(self._folder / name)[key]
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    @property
    def _folder(self) -> Path:
        assert self.root is not None
        return self.root / self.base_folder

    def _is_intact(self) -> bool:
        files = [*self.train_list, *self.test_list, (self.meta[0], self.meta[2])]
        return all(is_intact(self._folder / name, md5) for name, md5 in files)

    def download(self, mirrors: Sequence[str]) -> None:
        """Fetch and unpack the archive, unless its files are there."""
        if not self._is_intact():
            archive = self._folder.parent / self.filename
            download(self.filename, archive, self.tgz_md5, mirrors)
            untar(archive)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """Photographs of a hundred kinds of things, 600 of each: as CIFAR10, in `root`/cifar-100-python."""

    base_folder = "cifar-100-python"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [("train", "16019d7e3df5f24257cddd939b257f8d")]
    test_list = [("test", "f0ef6b0ae62326f3e7ffdfab6717acfc")]
    meta = ("meta", "fine_label_names", "7973b15100ade9c7d40fb424638fde48")


class _Reader(pickle.Unpickler):
    """Reads NumPy arrays in containers, and nothing else: no file can make it call anything."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _reconstruct
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of images")


def _reconstruct(cls: type, shape: tuple, kind: bytes) -> np.ndarray:
    if cls is not np.ndarray:
        raise pickle.UnpicklingError("only plain arrays have a place in a file of images")
    return np.ndarray(shape, "b")


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


def read_pickle(path: Path) -> dict:
    """The dictionary in a file of CIFAR. RuntimeError where it is damaged, or holds more than arrays."""
    try:
        content = _Reader(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__} where a dictionary should be")
    except Exception as error:
        raise RuntimeError(f"{path} is damaged: {error}") from error
    return content
