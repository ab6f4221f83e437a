"""An optimiser's step over many parameters, saving and loading, epochs of a loader."""

import io
import os
import tempfile
from pathlib import Path

from benchmarks.case import Case, Group


def adam(torch):
    """One step over 5M parameters, in tensors of many sizes."""
    parameters = [torch.randn(n, n, requires_grad=True) for n in (32, 64, 128, 256, 512, 1024, 1536)]
    parameters += [torch.randn(1024, requires_grad=True) for _ in range(600)]
    for p in parameters:
        p.grad = torch.randn_like(p)
    return torch.optim.Adam(parameters).step


def files(action):
    """An action on 64 MB of parameters and a file; `action(torch, state, path)` returns what is timed."""

    def program(torch):
        folder = tempfile.TemporaryDirectory()
        state = {f"layer{k}.weight": torch.randn(1024, 1024) for k in range(16)}
        path = Path(folder.name) / "state.pt"
        torch.save(state, path)
        timed = action(torch, state, path)
        return lambda folder=folder: timed()

    return program


def _flushed(torch, state, path):
    """What numbatorch's `save` does always: the file is on the disk before it returns."""

    def call():
        torch.save(state, path)
        with open(path, "rb") as file:
            os.fsync(file.fileno())

    return call


def epoch(dataset):
    """An epoch over 60,000 images of 28 x 28 in shuffled batches; `dataset(torch, images, labels)` makes the set."""

    def program(torch):
        images, labels = (
            torch.randint(256, (60_000, 1, 28, 28), dtype=torch.uint8),
            torch.randint(10, (60_000,)),
        )
        loader = torch.utils.data.DataLoader(dataset(torch, images, labels), batch_size=128, shuffle=True)

        def call():
            for _ in loader:
                pass

        return call

    return program


class Transformed:
    """A dataset as people write it: an image, made ready when it is asked for, and its label."""

    def __init__(self, torch, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return (self.images[index].float() / 255 - 0.1307) / 0.3081, int(self.labels[index])


WHOLE = Group(
    "whole",
    "optimiser, files, data",
    [
        Case("Adam, 5M parameters", adam),
        Case("save 64 MB", files(lambda t, state, path: lambda: t.save(state, path))),
        Case("save 64 MB, flushed", files(_flushed)),
        Case("save 64 MB to memory", files(lambda t, state, path: lambda: t.save(state, io.BytesIO()))),
        Case("load 64 MB", files(lambda t, state, path: lambda: t.load(path))),
        Case("load 64 MB, mapped", files(lambda t, state, path: lambda: t.load(path, mmap=True))),
        Case(
            "an epoch, TensorDataset", epoch(lambda t, x, y: t.utils.data.TensorDataset(x.float() / 255, y))
        ),
        Case("an epoch, with a transform", epoch(Transformed)),
    ],
    mean=0.8,
    worst=0.8,
)
