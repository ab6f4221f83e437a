"""Places of values in sorted rows, and rows in lexicographic order: what compares elements instead of looking
at their digits."""

from __future__ import annotations

from functools import cache

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.keys import WORD, key_of, order
from numbatorch_kernels.registry import Kernel

search = Kernel(
    "search"
    # (out, rows, values, right): how many elements of its row are below each value, or with `right` not above it
)
arrange = Kernel("arrange")  # (out, rows): the numbers of the rows in lexicographic order


TOGETHER = 32  # values whose places are bisected step by step together


@shared
def bound(rows, first, length, value, right):
    """How many of the elements rows[first : first + length] stand before `value`."""
    low, high = first, first + length
    while low < high:
        middle = (low + high) // 2
        element = rows[middle]
        if (element > value) if right else (element >= value):
            high = middle
        else:
            low = middle + 1
    return low - first


@callee
def _search_together(out, rows, length, values, right, start, stop):
    """`bound` of many values in one row. A step of one value does not wait for that of another, and whether
    it goes left or right is computed and not jumped, which would be guessed wrong every other time."""
    for k in range(start, stop):
        out[k] = 0
    n = length
    while n > 0:
        half = (n + 1) // 2
        for k in range(start, stop):
            element = rows[out[k] + half - 1]
            behind = (element > values[k]) if right else (element >= values[k])
            out[k] += half * (1 - int(behind))
        n -= half


def _search(out, rows, values, length, each, right, start, stop):
    unordered = rows[length - 1] != rows[length - 1]  # NaNs, of which PyTorch's steps make what they make
    if each or unordered:  # a row for so many values
        for k in range(start, stop):
            row = k // each if each else 0
            out[k] = bound(rows, row * length, length, values[k], right)
        return
    for k in range(start, stop, TOGETHER):
        if right:
            _search_together(out, rows, length, values, True, k, min(k + TOGETHER, stop))
        else:
            _search_together(out, rows, length, values, False, k, min(k + TOGETHER, stop))


@cache
def _search_entry(dtype: np.dtype):
    return cpu.compiled(_search, "i8", dtype, dtype, *[int] * 5)


@search.on("cpu")
def _(out, rows, values, right):
    each = 0 if rows.ndim == 1 else values.shape[-1]
    args = out, rows, values, rows.shape[-1], each, int(right)
    parallel.run(_search_entry(rows.dtype), values.size, 2048, *args)


@search.on("cuda")
def _(out, rows, values, right):
    from numbatorch_kernels.cuda.search import search

    search(out, rows, values, right)


# ---- rows in order: merge sort from the bottom up, all pairs of runs of a level at once ----


@shared
def before(words, a, b, length, form, bits, infinity):
    """Whether row a comes before row b."""
    for j in range(length):
        one = key_of(words[a * length + j], form, bits, infinity, 0)
        other = key_of(words[b * length + j], form, bits, infinity, 0)
        if one != other:
            return one < other
    return False


@shared
def merge(out, source, words, n, length, width, pair, form, bits, infinity):
    """Merge pair number `pair` of neighbouring runs of `width` row numbers."""
    a = pair * 2 * width
    middle, stop = min(a + width, n), min(a + 2 * width, n)
    b = middle
    for k in range(pair * 2 * width, stop):
        if b >= stop or (
            a < middle and not before(words, source[b], source[a], length, form, bits, infinity)
        ):
            out[k] = source[a]
            a += 1
        else:
            out[k] = source[b]
            b += 1


def _merge_pairs(out, source, words, n, length, width, form, bits, infinity, start, stop):
    for pair in range(start, stop):
        merge(out, source, words, n, length, width, pair, form, bits, infinity)


@cache
def _merge_entry(itemsize: int):
    return cpu.compiled(_merge_pairs, "i8", "i8", WORD[itemsize], *[int] * 8)


@arrange.on("cpu")
def _(out, rows):
    n, length = rows.shape
    rule, entry = order(rows.dtype, False)[:3], _merge_entry(rows.itemsize)
    source, spare = out, np.empty_like(out)
    out[...] = np.arange(n)
    width = 1
    while width < n:
        grain = max(1, 2048 // width)
        parallel.run(entry, -(-n // (2 * width)), grain, spare, source, rows, n, length, width, *rule)
        source, spare, width = spare, source, 2 * width
    if source is not out:
        out[...] = source


@arrange.on("cuda")
def _(out, rows):
    from numbatorch_kernels.cuda import search

    search.arrange(out, rows)
