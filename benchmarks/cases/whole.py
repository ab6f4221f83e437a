"""An optimiser's step over many parameters, saving and loading, an epoch of a loader."""

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


def _state(torch):
    return {f"layer{k}.weight": torch.randn(1024, 1024) for k in range(16)}  # 64 MB


def _save(torch):
    folder, state = tempfile.TemporaryDirectory(), _state(torch)
    return lambda folder=folder: torch.save(state, Path(folder.name) / "state.pt")


def _load(torch):
    folder = tempfile.TemporaryDirectory()
    torch.save(_state(torch), Path(folder.name) / "state.pt")
    return lambda folder=folder: torch.load(Path(folder.name) / "state.pt")


def _epoch(torch):
    data = torch.utils.data
    images, labels = torch.rand(60_000, 1, 28, 28), torch.randint(10, (60_000,))
    loader = data.DataLoader(data.TensorDataset(images, labels), batch_size=128, shuffle=True)

    def call():
        for _ in loader:
            pass

    return call


WHOLE = Group(
    "whole",
    "optimiser, files, data",
    [
        Case("Adam, 5M parameters", adam),
        Case("save 64 MB", _save),
        Case("load 64 MB", _load),
        Case("DataLoader, 60,000 of 28 x 28", _epoch),
    ],
    mean=0.8,
    worst=0.8,
)
