"""Running a reduction: what a combination of element types, shape and strides decides is decided once, in a plan.

    plan = plan_for("cpu", table.sum, ("f4",), ("f4",), "f4", walk((4, 6), (6, 1), (1,)))
    plan([out], [array])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod

import numpy as np

from numbatorch_kernels import lift, parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.text import BLOCK, ROWS, source, state_types
from numbatorch_kernels.reduce.walk import Walk

GRAIN = 1 << 16  # elements that are worth a thread
SHARE = 1 << 16  # elements of a share of a long reduction
TILE = 512  # columns that are reduced side by side
NEAR = 1 << 16  # elements of a tile that is gone through again for `emit`


@cache
def _kernels(reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, columns: bool, unit: bool) -> tuple[Callable, Callable]:
    """The compiled kernel, and a function that compiles `gather`."""
    module = lift.module(source(reduction, inputs, outputs, compute, columns, unit), reduction.name)
    state = state_types(reduction, compute)
    outs, ins = ([_WORDS.get(e, e) for e in group] for group in (outputs, inputs))
    parts = list(state) if reduction.finish else []
    numbers = [float] * reduction.numbers
    kernel = compiled(module.kernel, *outs, *parts, *ins, "i8", *numbers, int, int)
    return kernel, lambda: compiled(module.gather, *outs, *state, int, int, *numbers, int, int)


_WORDS = {"bf": "u2"}


class CpuPlan:
    """How a reduction of one kind of array runs on the CPU. `plan(outs, ins, *numbers)` does it.

    Long reductions to few results are cut into shares of a fixed number of elements, whose states are merged in order: the result is
    the same whatever the number of threads.
    """

    def __init__(self, reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, walk: Walk):
        self.count, self.results = walk.count, walk.results
        self.state = [np.dtype(e) for e in state_types(reduction, compute)]
        self.parts = len(self.state) if reduction.finish else 0
        runs = prod([n for n, _ in walk.reduced])
        others = prod([n for n, _, _ in walk.kept])
        tile = TILE
        if walk.columns:
            if reduction.emit:
                tile = max(ROWS, min(TILE, NEAR // max(1, runs) // ROWS * ROWS))
            tiles, pieces, unit = -(-walk.length // tile), runs, min(walk.length, tile)
            units = others * tiles
        else:
            tiles = -(-walk.length // BLOCK)
            pieces, unit, units = tiles * runs, min(walk.length, BLOCK), others
        self.splits, share = 1, pieces
        if reduction.finish and units < 16 and pieces * unit >= 2 * SHARE:
            share = SHARE // unit
            self.splits = -(-pieces // share)
        self.units = units * self.splits
        self.grain = max(1, GRAIN // max(1, share * unit))
        head = [len(walk.kept), len(walk.reduced), walk.length, walk.step, walk.out, tiles, pieces, share, self.splits, walk.count, tile]
        kept = [d[k] for k in range(3) for d in walk.kept]
        self.geometry = np.array([*head, *kept, *[d[k] for k in range(2) for d in walk.reduced]], np.int64)
        self.entry, self.gather = _kernels(reduction, inputs, outputs, compute, walk.columns, walk.step == 1)

    def __call__(self, outs: Sequence[np.ndarray], ins: Sequence[np.ndarray], *numbers: float) -> None:
        if self.splits == 1:
            parts = [self.geometry] * self.parts  # arguments that are not used
            if self.units < 2 * self.grain:
                self.entry(*outs, *parts, *ins, self.geometry, *numbers, 0, self.units)
            else:
                parallel.run(self.entry, self.units, self.grain, *outs, *parts, *ins, self.geometry, *numbers)
            return
        parts = [np.empty(self.results * self.splits, dtype) for dtype in self.state]
        parallel.run(self.entry, self.units, self.grain, *outs, *parts, *ins, self.geometry, *numbers)
        parallel.run(self.gather(), self.results, max(1, GRAIN // self.splits), *outs, *parts, self.splits, self.count, *numbers)


PLANS = {"cpu": CpuPlan}


def plan_for(device: str, reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, walk: Walk):
    """The plan of a reduction of arrays of these element types, on a device; `compute` is the element type to compute in."""
    return PLANS[device](reduction, inputs, outputs, compute, walk)
