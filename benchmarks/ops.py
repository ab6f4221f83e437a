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
PLACES = {  # of an `Elements`
    "gather, dim 0": lambda e: lambda: e.matrix.gather(0, e.places),
    "gather, dim 1": lambda e: lambda: e.matrix.gather(1, e.places),
    "scatter_add, dim 0": lambda e: lambda: e.sums.scatter_add_(0, e.places, e.matrix),
    "scatter_add, dim 1": lambda e: lambda: e.sums.scatter_add_(1, e.places, e.matrix),
    "index_select, rows": lambda e: lambda: e.matrix.index_select(0, e.rows),
    "index_select, columns": lambda e: lambda: e.matrix.index_select(1, e.rows),
    "index_put, accumulate": lambda e: lambda: e.sums.view(-1).index_put_((e.small,), e.x, accumulate=True),
    "masked_select": lambda e: lambda: e.matrix.masked_select(e.mask),
    "masked_fill": lambda e: lambda: e.matrix.masked_fill(e.mask, 1.0),
    "where": lambda e: lambda: e.library.where(e.mask, e.matrix, 0.0),
    "nonzero": lambda e: lambda: e.mask.nonzero(),
    "nonzero float32": lambda e: lambda: e.matrix.nonzero(),
    "cat, dim 0": lambda e: lambda: e.library.cat((e.matrix, e.sums), 0),
    "cat, dim 1": lambda e: lambda: e.library.cat((e.matrix, e.sums), 1),
    "flip": lambda e: lambda: e.matrix.flip(1),
    "roll": lambda e: lambda: e.matrix.roll(3, 1),
    "repeat_interleave": lambda e: lambda: e.matrix.repeat_interleave(2, 1),
}


class Elements:
    """The 1M elements that the lines of INDEXING and PLACES work on, as tensors of a library."""

    def __init__(self, library: Any):
        library.manual_seed(0)
        self.library = library
        self.x = library.randn(1_000_000)
        self.matrix = self.x.view(1000, 1000)
        self.ordered = self.x[:1000].sort()[0]
        self.large = library.randint(1 << 62, (1_000_000,))
        self.small = library.randint(1000, (1_000_000,))
        self.places, self.rows = self.small.view(1000, 1000), self.small[:1000]
        self.mask, self.sums = self.matrix > 0, library.zeros(1000, 1000)


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


def elements(title: str, lines: dict[str, Callable]) -> None:
    """Vectors of 1M elements, and 1000 x 1000 matrices."""
    sides = Elements(numbatorch), Elements(torch)
    table(title, 1e-3, "ms", {n: tuple(make(side) for side in sides) for n, make in lines.items()}, 3, 10)


def indexing() -> None:
    """Order and counts, then reading and writing by place."""
    elements("1M elements: order", INDEXING)
    elements("1M elements: places", PLACES)


TABLES = {"overhead": overhead, "large": large, "indexing": indexing}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(TABLES)
    print(
        f"numbatorch {numbatorch.__version__}, PyTorch {torch.__version__}, {torch.get_num_threads()} "
        f"threads each\n"
    )
    for name in wanted:
        TABLES[name]()
