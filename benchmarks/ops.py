"""Time of operations here and in PyTorch, in the same process, alternating, best of many rounds: read the
ratios.

python benchmarks/ops.py                # all tables
python benchmarks/ops.py overhead       # small operations: what a call costs
python benchmarks/ops.py large          # 4M float32: what an element costs
python benchmarks/ops.py indexing       # 1M elements: order, counts, places
"""

from __future__ import annotations

import math
import sys
import timeit
from collections.abc import Callable
from typing import Any

import torch

import numbatorch

OVERHEAD = {
    "a + b": lambda a, b: lambda: a + b,
    "a * 2.0": lambda a, b: lambda: a * 2.0,
    "relu": lambda a, b: lambda: a.relu(),
    "sum": lambda a, b: lambda: a.sum(),
    "a @ b": lambda a, b: lambda: a @ b,
    "a[0]": lambda a, b: lambda: a[0],
    "view": lambda a, b: lambda: a.view(16),
}
TAPE = {
    "a + b, recorded": lambda a, b: lambda: a + b,
    "5 ops and backward": lambda a, b: lambda: ((a * b + a).relu() * b).sum().backward(),
}
LARGE = {
    "add": lambda t, x, y, c: lambda: x + y,
    "exp": lambda t, x, y, c: lambda: x.exp(),
    "tanh": lambda t, x, y, c: lambda: x.tanh(),
    "sigmoid": lambda t, x, y, c: lambda: x.sigmoid(),
    "gelu": lambda t, x, y, c: lambda: t.nn.functional.gelu(x),
    "where": lambda t, x, y, c: lambda: t.where(c, x, y),
    "softmax over rows": lambda t, x, y, c: lambda: x.softmax(1),
    "sum": lambda t, x, y, c: lambda: x.sum(),
}
INDEXING = {  # of an `Elements`
    "sort": lambda e: lambda: e.x.sort(),
    "sort int64": lambda e: lambda: e.large.sort(),
    "sort over rows": lambda e: lambda: e.matrix.sort(1),
    "argsort": lambda e: lambda: e.x.argsort(),
    "topk 10": lambda e: lambda: e.x.topk(10),
    "topk 10 over rows": lambda e: lambda: e.matrix.topk(10),
    "kthvalue": lambda e: lambda: e.x.kthvalue(300_000),
    "median": lambda e: lambda: e.x.median(),
    "unique": lambda e: lambda: e.x.unique(),
    "unique int64": lambda e: lambda: e.small.unique(),
    "cumsum over rows": lambda e: lambda: e.matrix.cumsum(1),
    "cumsum over columns": lambda e: lambda: e.matrix.cumsum(0),
    "bincount": lambda e: lambda: e.small.bincount(),
    "searchsorted": lambda e: lambda: e.library.searchsorted(e.ordered, e.x),
}


class Elements:
    """The 1M elements that the lines of INDEXING work on, as tensors of a library."""

    def __init__(self, library: Any):
        library.manual_seed(0)
        self.library = library
        self.x = library.randn(1_000_000)
        self.matrix = self.x.view(1000, 1000)
        self.ordered = self.x[:1000].sort()[0]
        self.large = library.randint(1 << 62, (1_000_000,))
        self.small = library.randint(1000, (1_000_000,))


def seconds(functions: list[Callable], number: int, rounds: int) -> list[float]:
    """The best time of a call of each function; the functions take turns, each after a while of its own: the
    threads of the other library watch for work for some time before they sleep."""
    best = [math.inf] * len(functions)
    for _ in range(rounds):
        for k, f in enumerate(functions):
            timeit.timeit(f, number=number)
            best[k] = min(best[k], timeit.timeit(f, number=number) / number)
    return best


def table(
    title: str, unit: float, word: str, rows: dict[str, tuple[Callable, Callable]], number: int, rounds: int
) -> None:
    """Measure and print; the last line is the geometric mean of the ratios."""
    print(f"{title:24s}{'numbatorch':>12s}{'PyTorch':>12s}{'ratio':>8s}")
    ratios = []
    for name, (ours, theirs) in rows.items():
        a, b = seconds([ours, theirs], number, rounds)
        ratios.append(a / b)
        print(f"{name:24s}{a / unit:9.2f} {word}{b / unit:9.2f} {word}{a / b:8.2f}")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"{'geometric mean':48s}{mean:8.2f}   worst {max(ratios):.2f}\n")


def overhead() -> None:
    """4 x 4 matrices."""
    pairs = {}
    for names, grad in ((OVERHEAD, False), (TAPE, True)):
        tensors = [[t.ones(4, 4, requires_grad=grad) for _ in range(2)] for t in (numbatorch, torch)]
        pairs |= {name: tuple(make(*ab) for ab in tensors) for name, make in names.items()}
    table("4 x 4 float32", 1e-6, "us", pairs, 5000, 15)


def large() -> None:
    """2000 x 2000 matrices."""
    sides = []
    for t in (numbatorch, torch):
        t.manual_seed(0)
        x, y = t.randn(2000, 2000), t.randn(2000, 2000)
        sides.append((t, x, y, x > 0))
    table(
        "4M float32",
        1e-3,
        "ms",
        {n: tuple(make(*side) for side in sides) for n, make in LARGE.items()},
        5,
        15,
    )


def indexing() -> None:
    """Vectors of 1M elements, and 1000 x 1000 matrices."""
    sides = Elements(numbatorch), Elements(torch)
    table(
        "1M elements",
        1e-3,
        "ms",
        {n: tuple(make(side) for side in sides) for n, make in INDEXING.items()},
        3,
        10,
    )


TABLES = {"overhead": overhead, "large": large, "indexing": indexing}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(TABLES)
    print(
        f"numbatorch {numbatorch.__version__}, PyTorch {torch.__version__}, {torch.get_num_threads()} "
        f"threads each\n"
    )
    for name in wanted:
        TABLES[name]()
