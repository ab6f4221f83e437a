"""`Update`: a step of an optimizer, as a formula for one element.

Formulas keep PyTorch's order of operations, fused multiply-adds included, so that training curves can be compared
number by number. `optim` makes kernels of them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from numbatorch_kernels import optim as kernels
from numbatorch_kernels.expr import constant, symbol
from numbatorch_kernels.lift import Program

Numbers = tuple[float, ...]


class Update:
    """What a step does to one element.

    formula(p, g, *states, *numbers) returns (p, *states) after the step. A state that a variant of the optimizer
    does without is None, there and in the result.
    """

    def __init__(self, formula: Callable, states: int):
        self.name, self.formula, self.states = formula.__name__.strip("_"), formula, states
        self.numbers = formula.__code__.co_argcount - 2 - states
        self.programs: dict[tuple[bool, ...], Program] = {}

    def program(self, present: tuple[bool, ...]) -> Program:
        """The formula with these states, as a program of p, g, the states that there are, and the numbers."""
        program = self.programs.get(present)
        if program is None:
            symbols = map(symbol, count())
            given = [next(symbols) if there else None for there in (True, True, *present)]
            numbers = [next(symbols) for _ in range(self.numbers)]
            results = self.formula(*given, *numbers)
            outputs = tuple(
                [constant(r) for r, there in zip(results, (True, *present), strict=True) if there]
            )
            program = Program(f"{self.name}_step", outputs, 2 + sum(present) + self.numbers)
            self.programs[present] = program
        return program

    def __call__(
        self, device: str, columns: list[list[Any] | None], element: str, numbers: list[Numbers]
    ) -> None:
        """Update the parameters: `columns` are the lists of parameters, gradients, and each state (None for one
        that is not there), contiguous arrays of one element type. `numbers` are one tuple for all parameters, or
        one for each.
        """
        program = self.program(tuple([column is not None for column in columns[2:]]))
        lists = [column for column in columns if column is not None]
        launch = kernels.on_cpu if device == "cpu" else kernels.on_cuda
        launch(program, lists, element, numbers)
