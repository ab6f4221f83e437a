"""Time of one epoch of loading 60,000 images of 28 x 28, here and in PyTorch, in the same process,
alternating, best of several epochs: read the ratios.

python benchmarks/data.py
"""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils.data
from PIL import Image

import numbatorch
from numbatorch import vision

COUNT, BATCH, EPOCHS = 60_000, 64, 2


class Images:
    """A dataset as people write it: raw bytes, a transform, a label."""

    def __init__(self, library: Any, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = library.from_numpy(images), library.from_numpy(labels)
        self.transform = lambda image: (image.unsqueeze(0).float() / 255 - 0.1307) / 0.3081

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.images[index]), int(self.labels[index])


class Arrays:
    """The same with NumPy inside."""

    def __init__(self, library: Any, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = images, labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return (self.images[index].astype(np.float32) / 255 - 0.1307) / 0.3081, self.labels[index]


def tensors(library: Any, images: np.ndarray, labels: np.ndarray) -> Any:
    """All images in one tensor."""
    pixels = images.reshape(COUNT, 1, 28, 28).astype(np.float32) / 255
    return library.utils.data.TensorDataset(library.from_numpy(pixels), library.from_numpy(labels))


class PyTorchMnist(Images):
    """What torchvision's MNIST does with ToTensor and Normalize, in PyTorch's own operations."""

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(image, np.uint8, copy=True)).view(28, 28, 1)
        tensor = pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        mean, std = (torch.as_tensor(m, dtype=torch.float32).view(-1, 1, 1) for m in ((0.1307,), (0.3081,)))
        return tensor.clone().sub_(mean).div_(std), int(self.labels[index])


def mnist(library: Any, images: np.ndarray, labels: np.ndarray) -> Any:
    """The files of MNIST, read by its class."""
    if library is torch:
        return PyTorchMnist(torch, images, labels)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (raw / f"train-{name}-ubyte").write_bytes(head + array.tobytes())
        steps = [vision.transforms.ToTensor(), vision.transforms.Normalize((0.1307,), (0.3081,))]
        return vision.datasets.MNIST(folder, transform=vision.transforms.Compose(steps))


def epoch(loader: Iterable) -> float:
    """Seconds of one pass."""
    began = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - began


def compare(name: str, make: Callable, **options: Any) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, COUNT)
    loaders = [
        library.utils.data.DataLoader(make(library, images, labels), BATCH, shuffle=True, **options)
        for library in (numbatorch, torch)
    ]
    for loader in loaders:
        next(iter(loader))
    best = [float("inf")] * 2
    for _ in range(EPOCHS):
        best = [min(old, epoch(loader)) for old, loader in zip(best, loaders)]
    print(
        f"{name:34} {best[0] * 1e3:8.1f} ms   PyTorch {best[1] * 1e3:8.1f} ms   ratio {best[0] / best[1]:.2f}"
    )


if __name__ == "__main__":
    compare("TensorDataset", tensors)
    compare("__getitem__ and transform, tensors", Images)
    compare("__getitem__ and transform, arrays", Arrays)
    compare("MNIST, ToTensor and Normalize", mnist)
