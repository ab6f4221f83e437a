"""What is measured: a case is the same program for both libraries; a group of cases has figures to reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# A program for `import numbatorch as torch` and `import torch` alike: it prepares its operands and returns what
# is timed. Of a group that is measured alone it gets the library's name, and returns the figure.
Program = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """One line of the benchmark."""

    name: str
    program: Program
    bytes: float = 0  # that any program must read and write
    flops: float = 0  # additions and multiplications that any program must do
    limit: float = math.inf  # the ratio that this line may not exceed, where it has one of its own
    of_peak: float = 0  # the part of the machine's peak of `flops` that it shall reach
    size: float = 0  # where the line is a point of a curve: how large the problem is


@dataclass(frozen=True)
class Group:
    """Cases whose ratios, our time to PyTorch's, shall have a geometric mean of `mean` and none above `worst`."""

    name: str
    title: str
    cases: Sequence[Case]
    mean: float = math.inf
    worst: float = math.inf
    alone: Callable[[str, Case], float] | None = None  # measures a case of a library, where a worker does not
    unit: str = "s"  # or "B", bytes
    axis: str = ""  # where the cases are points of a curve: what their size is


@dataclass(frozen=True)
class Line:
    """A case as it was measured: seconds (or bytes) here and in PyTorch."""

    case: Case
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def geometric_mean(lines: Sequence[Line]) -> float:
    return math.exp(sum(math.log(line.ratio) for line in lines) / len(lines))


def exponents(lines: Sequence[Line]) -> tuple[float, float]:
    """The powers of the size with which times grow, ours and PyTorch's: fitted to the larger half of the sizes, where
    what every call costs counts for little."""
    larger = lines[len(lines) // 2 :]
    sizes = [math.log(line.case.size) for line in larger]

    def slope(times: Sequence[float]) -> float:
        logs = [math.log(time) for time in times]
        middle, level = sum(sizes) / len(sizes), sum(logs) / len(logs)
        rise = sum((x - middle) * (y - level) for x, y in zip(sizes, logs, strict=True))
        return rise / sum((x - middle) ** 2 for x in sizes)

    return slope([line.ours for line in larger]), slope([line.theirs for line in larger])


def slopes(lines: Sequence[Line]) -> tuple[float, float]:
    """What another unit of size costs, ours and PyTorch's, over the larger half of the sizes: what every call costs has no part
    in it."""
    first, last = lines[len(lines) // 2], lines[-1]
    more = last.case.size - first.case.size
    return (last.ours - first.ours) / more, (last.theirs - first.theirs) / more


def with_backward(make):
    """A program that calls a function of a library on tensors that want gradients, and sends ones back.

    `make(torch)` gives the function and the shapes of its tensors.
    """

    def program(torch):
        function, shapes = make(torch)
        inputs = [torch.randn(*shape, requires_grad=True) for shape in shapes]
        ones = torch.ones_like(function(*inputs))

        def call():
            for x in inputs:
                x.grad = None
            function(*inputs).backward(ones)

        return call

    return program


def forward(make):
    """The same without gradients."""

    def program(torch):
        function, shapes = make(torch)
        inputs = [torch.randn(*shape) for shape in shapes]
        return lambda: function(*inputs)

    return program


def both_ways(name, make) -> list[Case]:
    """The two lines of a function: forward, and with its gradients."""
    return [Case(name, forward(make)), Case(f"{name}, and backward", with_backward(make))]
