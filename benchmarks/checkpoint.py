"""Saving and loading 64 MB of parameters, here and in PyTorch.

    python benchmarks/checkpoint.py

Best of many, the two alternating. numbatorch's `save` waits until the file is on the disk, PyTorch's does not; so
there is a line for PyTorch with a flush after it, and one for a file in memory, where no disk has a say.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable

import torch as theirs

import numbatorch as ours

ROUNDS = 9


def measure(*actions: Callable[[], object]) -> list[float]:
    """The best time of each, in milliseconds."""
    best = [float("inf")] * len(actions)
    for _ in range(ROUNDS):
        for k, action in enumerate(actions):
            start = time.perf_counter()
            action()
            best[k] = min(best[k], 1e3 * (time.perf_counter() - start))
    return best


def flushed(path: str, state: dict) -> None:
    """PyTorch's save, and then what makes the file safe."""
    theirs.save(state, path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def compare(title: str, shape: tuple[int, int], count: int, folder: str) -> None:
    """Print a table for `count` parameters of this shape."""
    a, b, c = (os.path.join(folder, name) for name in ("ours.pt", "theirs.pt", "flushed.pt"))
    mine = {f"layer.{k}.weight": ours.randn(shape) for k in range(count)}
    other = {f"layer.{k}.weight": theirs.randn(shape) for k in range(count)}
    lines = {
        "save": (lambda: ours.save(mine, a), lambda: theirs.save(other, b)),
        "save, both flushed": (lambda: ours.save(mine, a), lambda: flushed(c, other)),
        "save to memory": (lambda: ours.save(mine, io.BytesIO()), lambda: theirs.save(other, io.BytesIO())),
        "load": (lambda: ours.load(a), lambda: theirs.load(b)),
        "load, mapped": (lambda: ours.load(a, mmap=True), lambda: theirs.load(b, mmap=True)),
    }
    print(f"{title:20}      here   PyTorch   ratio")
    for name, actions in lines.items():
        here, there = measure(*actions)
        print(f"{name:20}{here:8.1f} ms{there:7.1f} ms{here / there:8.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare("16 of 1024 x 1024", (1024, 1024), 16, folder)
        compare("1 of 4096 x 4096", (4096, 4096), 1, folder)


if __name__ == "__main__":
    main()
