"""What is measured: a case is the same program for both libraries; a group of cases has figures to reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# A program for `import numbatorch as torch` and `import torch` alike: it prepares its operands and returns what
# is timed.
Program = Callable[[Any], Callable[[], Any]]


@dataclass(frozen=True)
class Case:
    """One line of the benchmark."""

    name: str
    program: Program
    bytes: float = 0  # that any program must read and write
    flops: float = 0  # additions and multiplications that any program must do
    limit: float = math.inf  # the ratio that this line may not exceed, where it has one of its own


@dataclass(frozen=True)
class Group:
    """Cases whose ratios, our time to PyTorch's, shall have a geometric mean of `mean` and none above `worst`."""

    name: str
    title: str
    cases: Sequence[Case]
    mean: float
    worst: float
    of: str = ""  # the group whose cases these are, where it is their peak memory that counts


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
