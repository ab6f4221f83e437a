"""How a reduction walks through memory, whatever the shape, the strides and the dimensions: one of two ways.

rows      what is reduced lies closest together: each result is made along runs of `length` elements
columns   what is kept does: neighbouring results are made side by side, a row of elements at a time

(4, 6) over dim 1: 4 rows of one run of 6         (4, 6) over dim 0: 6 columns of 4 rows
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

SHORT = 8  # runs below this are columns if they can: LLVM vectorises along a run


class Walk(NamedTuple):
    """A reduction of an array to a contiguous result. Steps are in elements.

    columns  which of the two ways
    length   of the inner dimension: reduced for rows, kept for columns
    step     of the inner dimension through the array ...
    out      ... and, for columns, through the result
    kept     the other dimensions that are kept: size, step through the array, step through the result
    reduced  the other dimensions that are reduced: size, step
    results  how many results there are
    count    how many elements become one
    """

    columns: bool
    length: int
    step: int
    out: int
    kept: tuple[tuple[int, int, int], ...]
    reduced: tuple[tuple[int, int], ...]
    results: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


def walk(shape: Sequence[int], steps: Sequence[int], dims: Sequence[int], ordered: bool = False) -> Walk:
    """The walk over an array of this shape and these steps that reduces `dims`; `ordered` if it must meet the
    reduced elements in their order."""
    kept, reduced, out = [], [], 1
    for d in range(len(shape) - 1, -1, -1):
        if d in dims:
            reduced.append((shape[d], steps[d]))
        else:
            kept.append((shape[d], steps[d], out))
            out *= shape[d]
    results, count = out, prod([n for n, _ in reduced])
    if not ordered:
        reduced.sort(key=lambda dim: dim[1])
    kept.sort(key=lambda dim: dim[1])
    rows, columns = _collapse(reduced), _collapse(kept)  # from here on the innermost dimension comes first
    near = rows[0] if rows else (1, 1)
    if columns and (columns[0][1] < near[1] or near[0] < SHORT <= columns[0][0]):
        length, step, out = columns.pop(0)
        return Walk(True, length, step, out, tuple(columns[::-1]), tuple(rows[::-1]), results, count)
    length, step = near
    return Walk(False, length, step, 0, tuple(columns[::-1]), tuple(rows[:0:-1]), results, count)


def _collapse(dims: Sequence[tuple[int, ...]]) -> list[Any]:
    """The same walk in as few dimensions as possible; innermost first."""
    merged: list[tuple[int, ...]] = []
    for dim in dims:
        if dim[0] == 1:
            continue
        if merged and all(step == inner * merged[-1][0] for step, inner in zip(dim[1:], merged[-1][1:])):
            merged[-1] = (merged[-1][0] * dim[0], *merged[-1][1:])
        else:
            merged.append(dim)
    return merged
