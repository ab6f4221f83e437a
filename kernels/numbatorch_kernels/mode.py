"""The most frequent element of each row: a row is put in order, and its runs of equal elements are counted.

A thread needs memory for the one row that it works on, and no more.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.keys import WORD, is_nan, key_of, order
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.sort import TILES, WIDEST, sort_row


def _modes(
    values, indices, src, ordered, places, halves, spare, spare_places, length, rows, each, form, bits, infinity,
    descending, start, stop,
):  # fmt: skip
    """Of the shares start..stop of `each` rows: the smallest of the most frequent elements, and its last place. NaN
    equals nothing. A share has a row's length of what is between `src` and `length`."""
    counts = np.empty(1 << WIDEST, np.int64)
    for row in range(start * each, min(stop * each, rows)):
        beside = row // each * length
        line, its_places = offset(ordered, beside), offset(places, beside)
        sort_row(
            line, its_places, offset(halves, 2 * beside), offset(src, row * length), offset(spare, beside),
            offset(spare_places, beside), counts, length, form, bits, infinity, descending,
        )  # fmt: skip
        before = key_of(line[0], form, bits, infinity, descending)
        first = longest = last = 0
        for j in range(1, length):
            key = key_of(line[j], form, bits, infinity, descending)
            if key != before or is_nan(line[j], form, bits, infinity):
                before, first = key, j
            if j - first > longest:
                longest, last = j - first, j
        values[row], indices[row] = line[last], its_places[last]


@cache
def _entry(itemsize: int):
    word = WORD[itemsize]
    return cpu.compiled(_modes, word, "i8", word, word, "i8", "u4", word, "u4", *[int] * 9)


def modes(values: np.ndarray, indices: np.ndarray, src: np.ndarray) -> None:
    """Of each row of `src` (..., length) the most frequent element and its place."""
    length = src.shape[-1]
    rows = src.size // length
    shares = max(min(parallel.get_num_threads(), src.size // TILES, rows), 1)
    room = shares * length
    places = np.empty(room, np.int64)
    scratch = np.empty(room, src.dtype), places, places.view(np.uint32), np.empty(room, src.dtype)
    each = -(-rows // shares)
    parallel.run(
        _entry(src.itemsize), shares, 1, values, indices, src, *scratch, np.empty(room, np.uint32), length, rows, each,
        *order(src.dtype, False),
    )  # fmt: skip
