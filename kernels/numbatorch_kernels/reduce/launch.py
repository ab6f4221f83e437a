"""Running a reduction: what a combination of element types, shape and strides decides is decided once, in a plan.

    plan = plan_for("cpu", table.sum, ("f4",), ("f4",), "f4", walk((4, 6), (6, 1), (1,)))
    plan([out], [array])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from numbatorch_kernels import lift, parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.text import FLAGS, TILE, Variant, gather_source, source, state_types
from numbatorch_kernels.reduce.walk import Walk

GRAIN = 1 << 16  # elements that are worth a thread
SHARE, SHARES = 1 << 16, 32  # a result of more elements than this is made in shares, of at least so many elements, and at most so many shares
NARROW = 64  # columns: fewer are read several rows at a time


@cache
def _kernel(reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, variant: Variant, integers: int) -> Callable:
    module = lift.module(source(reduction, inputs, outputs, compute, variant), reduction.name)
    arrays = [*(state_types(reduction, compute) if variant.shares else outputs), *inputs] + ["i8"] * (not variant.plain)
    kinds = [*map(_pointer, arrays), *[int] * integers, *[float] * reduction.numbers, int, int]
    return compiled(getattr(module, f"{reduction.name}_kernel"), *kinds, fastmath=False if variant.columns else FLAGS)


@cache
def _gather(reduction: Reduction, outputs: tuple[str, ...], compute: str) -> Callable:
    module = lift.module(gather_source(reduction, outputs, compute), reduction.name)
    arrays = [*outputs, *state_types(reduction, compute)]
    return compiled(getattr(module, f"{reduction.name}_gather"), *map(_pointer, arrays), int, int, *[float] * reduction.numbers, int, int)


def _pointer(element: str) -> str:
    return "u2" if element == "bf" else element


class CpuPlan:
    """How a reduction of one kind of array runs on the CPU: `plan(outs, ins, *numbers)`.

    Long reductions to few results are cut into shares whose size depends on the shape alone, and the states of the shares are merged in
    order: the result is the same whatever the number of threads.
    """

    def __init__(self, reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, walk: Walk):
        columns, length, results = walk.columns, walk.length, walk.results
        runs, others = prod([n for n, _ in walk.reduced]), prod([n for n, _, _ in walk.kept])
        plain = len(walk.kept) <= 1 and len(walk.reduced) <= columns and (not columns or walk.out == 1)
        plain = plain and (not walk.kept or walk.kept[0][2] == (length if columns else 1))
        shareable, fold = reduction.emit is None, 1
        if columns:
            jump = walk.reduced[0][1] if walk.reduced else 0
            if shareable and plain and not walk.kept and jump == length < NARROW and walk.step == 1 and not reduction.ordered:
                fold = _fold(runs, length)
                runs, length, jump = runs // fold, length * fold, jump * fold
            tile = TILE if shareable or others * length >= 8 * TILE else TILE // 4  # so that there is work for several threads
            tiles = -(-length // tile)
            units, pieces, piece = others * tiles, runs, min(length, tile)
        else:
            units, (pieces, piece) = others, (length, 1) if plain else (runs, length)
        share, splits = max(1, pieces), 1
        if shareable and units < SHARES // 2 and pieces * piece >= 2 * SHARE:
            share = max(SHARE // piece, -(-pieces // SHARES), 1)
            splits = -(-pieces // share)
        shares = splits * fold > 1
        self.units, self.grain = units * splits, max(1, GRAIN // max(1, share * piece))
        integers = [runs if columns else length]
        integers += [] if columns or plain else [runs]
        integers += [length, tiles, tile] if columns else []
        integers += [walk.out] if columns and not plain else []
        integers += [walk.kept[0][1] if walk.kept else 0] if plain else []
        integers += [jump] if plain and columns else []
        integers += [] if walk.step == 1 else [walk.step]
        integers += [share, splits] if shares else []
        integers += [results, fold] if shares and columns and plain else []
        self.integers: list = integers
        if not plain:
            kept, reduced = ([d[k] for k in range(times) for d in dims] for times, dims in ((3, walk.kept), (2, walk.reduced)))
            self.integers = [np.array([len(walk.kept), len(walk.reduced), *kept, *reduced], np.int64), *integers]
        self.entry = _kernel(reduction, inputs, outputs, compute, Variant(columns, walk.step == 1, plain, shares), len(integers))
        self.shared: Any = None  # or what `in_shares` needs
        if shares:
            self.shared = _gather(reduction, outputs, compute), splits * fold, walk
            self.state = [np.dtype(e) for e in state_types(reduction, compute)]

    def __call__(self, outs: Sequence[np.ndarray], ins: Sequence[np.ndarray], *numbers: float) -> None:
        if self.shared is not None:
            self.in_shares(outs, ins, numbers)
        elif self.units < 2 * self.grain:
            self.entry(*outs, *ins, *self.integers, *numbers, 0, self.units)
        else:
            parallel.run(self.entry, self.units, self.grain, *outs, *ins, *self.integers, *numbers)

    def in_shares(self, outs: Sequence[np.ndarray], ins: Sequence[np.ndarray], numbers: tuple[float, ...]) -> None:
        gather, splits, walk = self.shared
        parts = [np.empty(walk.results * splits, dtype) for dtype in self.state]
        parallel.run(self.entry, self.units, self.grain, *parts, *ins, *self.integers, *numbers)
        parallel.run(gather, walk.results, max(1, GRAIN // splits), *outs, *parts, splits, walk.count, *numbers)


def _fold(rows: int, columns: int) -> int:
    """How many of so many rows to read as one wider row: a divisor."""
    if rows * columns < 4 * TILE:
        return 1
    return next(fold for fold in range(TILE // columns, 0, -1) if rows % fold == 0)


COMPUTE = {"f2": "f4", "bf": "f4", "b1": "u1"}


def computed_in(element: str) -> str:
    """The element type to compute in for elements of this one: what keeps their values, and is a number."""
    return COMPUTE.get(element, element)


PLANS: dict[str, Callable] = {"cpu": CpuPlan}


def plan_for(device: str, reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, walk: Walk):
    """The plan of a reduction of arrays of these element types, on a device; `compute` is the element type to compute in."""
    if device not in PLANS:
        from numbatorch_kernels.reduce.cuda import CudaPlan  # imported late: a program that stays on the CPU never loads the CUDA compiler

        PLANS["cuda"] = CudaPlan
    return PLANS[device](reduction, inputs, outputs, compute, walk)
