"""Running a reduction: what element types, shape and strides decide is decided once, in a plan.

plan = plan_for("cpu", table.sum, ("f4",), ("f4",), "f4", walk((4, 6), (6, 1), (1,)))
plan([out], [array])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from numbatorch_kernels import cpu, lift, parallel
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.text import (
    FLAGS,
    TILE,
    Variant,
    gather_source,
    integers,
    source,
    state_types,
)
from numbatorch_kernels.reduce.walk import Walk

GRAIN = 1 << 15  # elements that are worth a thread
SHARE = 1 << 15  # elements that a share of a long reduction has at least ...
SHARES = 32  # ... and how many shares there are at most
ROWS = 512  # that a share of many columns has at least: the states of all shares take memory
NARROW = 64  # columns: fewer are read several rows at a time
_WORDS = {"bf": "u2"}


@cache
def _kernel(
    reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, variant: Variant
) -> Callable:
    module = lift.module(source(reduction, inputs, outputs, compute, variant), reduction.name)
    function = getattr(module, f"{reduction.name}_kernel")
    arrays = [*(state_types(reduction, compute) if variant.shares else outputs), *inputs]
    kinds = [_WORDS.get(e, e) for e in arrays] + ["i8"] * (not variant.plain)
    numbers = [int] * len(integers(variant)) + [float] * reduction.numbers
    return cpu.compiled(function, *kinds, *numbers, int, int, fastmath=False if variant.columns else FLAGS)


@cache
def _gather(reduction: Reduction, outputs: tuple[str, ...], compute: str) -> Callable:
    module = lift.module(gather_source(reduction, outputs, compute), reduction.name)
    function = getattr(module, f"{reduction.name}_gather")
    kinds = [_WORDS.get(e, e) for e in (*outputs, *state_types(reduction, compute))]
    return cpu.compiled(function, *kinds, int, int, *[float] * reduction.numbers, int, int)


class CpuPlan:
    """How a reduction of one kind of array runs on the CPU: `plan(outs, ins, *numbers)`.

    Long reductions to few results are cut into shares whose size depends on the shape alone, and the states
    of the shares are merged in order: the result is the same whatever the number of threads.

    entry, units   the kernel, and how many units of work there are
    fixed          what it takes between the arrays and the numbers
    alone          whether a single call of it, entry(*outs, *ins, *fixed, *numbers, 0, units), does it all
    """

    def __init__(
        self,
        reduction: Reduction,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        compute: str,
        walk: Walk,
    ):
        plain, emits = _is_plain(walk), reduction.emit is not None
        runs, others = prod([n for n, _ in walk.reduced]), prod([n for n, _, _ in walk.kept])
        sizes = dict(runs=runs, step=walk.step, out=walk.out, narrow=walk.results, fold=1)
        sizes |= dict(
            leap=walk.kept[0][1] if walk.kept else 0, jump=walk.reduced[0][1] if walk.reduced else 0
        )
        if walk.columns:
            foldable = plain and not walk.kept and not emits and not reduction.ordered
            fold = _fold(walk, runs, sizes["jump"]) if foldable else 1
            sizes |= dict(length=runs // fold, across=walk.length * fold, fold=fold)
            sizes["jump"] *= fold
            few = emits and others * walk.length < 8 * TILE  # and there should be work for several threads
            sizes["tile"] = TILE // 4 if few else TILE
            sizes["tiles"] = -(-sizes["across"] // sizes["tile"])
            units, pieces, piece = others * sizes["tiles"], sizes["length"], min(sizes["across"], TILE)
        else:
            sizes["length"] = walk.length
            units, (pieces, piece) = others, (walk.length, 1) if plain else (runs, walk.length)
        share, splits = max(1, pieces), 1
        if not emits and units < SHARES // 2 and pieces * piece >= 2 * SHARE:
            share = max(SHARE // piece, -(-pieces // SHARES), ROWS if piece == TILE else 1)
            splits = -(-pieces // share)
        sizes |= dict(share=share, splits=splits)
        self.units, self.grain = units * splits, max(1, GRAIN // max(1, share * piece))
        self.shares, self.walk = splits * sizes["fold"], walk
        variant = Variant(walk.columns, walk.step == 1, plain, self.shares > 1)
        geometry = [] if plain else [_geometry(walk)]
        self.fixed = (*geometry, *[sizes[name] for name in integers(variant)])
        self.entry = _kernel(reduction, inputs, outputs, compute, variant)
        self.alone = self.shares == 1 and self.units < 2 * self.grain
        if self.shares > 1:
            self.gather = _gather(reduction, outputs, compute)
            self.state = [np.dtype(e) for e in state_types(reduction, compute)]

    def __call__(self, outs: Sequence[np.ndarray], ins: Sequence[np.ndarray], *numbers: float) -> None:
        if self.alone:
            self.entry(*outs, *ins, *self.fixed, *numbers, 0, self.units)
            return
        parts = outs
        if self.shares > 1:
            parts = [np.empty(self.walk.results * self.shares, dtype) for dtype in self.state]
        parallel.run(self.entry, self.units, self.grain, *parts, *ins, *self.fixed, *numbers)
        if self.shares > 1:
            grain, rest = max(1, GRAIN // self.shares), (self.shares, self.walk.count, *numbers)
            parallel.run(self.gather, self.walk.results, grain, *outs, *parts, *rest)


def _is_plain(walk: Walk) -> bool:
    """Whether a kernel of the variant "plain" can take this walk."""
    if len(walk.kept) > 1 or len(walk.reduced) > walk.columns or (walk.columns and walk.out != 1):
        return False
    return not walk.kept or walk.kept[0][2] == (walk.length if walk.columns else 1)


def _fold(walk: Walk, rows: int, jump: int) -> int:
    """How many rows of few columns to read as one wider row, if they follow one another: a divisor. Each of them has
    states of its own, so the row is no wider than vectors want."""
    if walk.step != 1 or jump != walk.length or walk.length >= NARROW or rows * walk.length < 4 * TILE:
        return 1
    return next(fold for fold in range(TILE // 4 // walk.length, 0, -1) if rows % fold == 0)


def _geometry(walk: Walk) -> np.ndarray:
    """What kernels that are not plain read: how many dimensions of both sorts; their sizes and steps."""
    kept = [dim[k] for k in range(3) for dim in walk.kept]
    reduced = [dim[k] for k in range(2) for dim in walk.reduced]
    return np.array([len(walk.kept), len(walk.reduced), *kept, *reduced], np.int64)


# ---- plans of either device ----

COMPUTE = {"f2": "f4", "bf": "f4", "b1": "u1"}
PLANS: dict[str, Callable] = {"cpu": CpuPlan}


def computed_in(element: str) -> str:
    """The element type to compute in for elements of this one: what keeps their values, and is a number."""
    return COMPUTE.get(element, element)


def plan_for(
    device: str,
    reduction: Reduction,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    compute: str,
    walk: Walk,
) -> Any:
    """The plan of a reduction of arrays of these element types, on a device; `compute` is the element type to
    compute in."""
    if device not in PLANS:  # imported late: a program that stays on the CPU never loads the CUDA compiler
        from numbatorch_kernels.reduce.cuda import CudaPlan

        PLANS["cuda"] = CudaPlan
    return PLANS[device](reduction, inputs, outputs, compute, walk)
