"""Runs of equal elements of a vector: zeros of both signs are equal, and no NaN is.

A block of elements counts the runs that begin in it; then it is known where each block puts what it finds.
"""

from __future__ import annotations

from functools import cache

from numpy import uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.keys import FLOAT, WORD, is_nan, order
from numbatorch_kernels.registry import Kernel

count = Kernel("count_runs")  # (counts, values): how many runs begin in each block
collect = Kernel(
    "collect_runs"
    # (found, first, number, values, places, before): the first element of each run, and where it stands; and at
    # `places` (or, where that is None, its own place) the number of each element's run. `first` and `number` may
    # be None; `before` has how many runs begin before each block
)

BLOCK = 1 << 12


@shared
def differs(words, i, form, bits, infinity):
    """Whether element i is not as the one before it."""
    word, other = uint64(words[i]), uint64(words[i - 1])
    if form == FLOAT:
        rest = (uint64(1) << uint64(bits - 1)) - uint64(1)
        zeros = (word | other) & rest == uint64(0)
        return ((word != other) | is_nan(word, form, bits, infinity)) & (not zeros)
    return word != other


@shared
def count_block(words, n, block, size, form, bits, infinity):
    """How many runs begin in this block of `size` elements."""
    total = int(block == 0)
    for i in range(max(1, block * size), min((block + 1) * size, n)):
        total += int(differs(words, i, form, bits, infinity))
    return total


@shared
def collect_block(
    found,
    first,
    number,
    words,
    places,
    before,
    n,
    placed,
    numbered,
    ordered,
    block,
    size,
    form,
    bits,
    infinity,
):
    """What `collect` says, for one block."""
    k = before[block]
    for i in range(block * size, min((block + 1) * size, n)):
        if i == 0 or differs(words, i, form, bits, infinity):
            found[k] = words[i]
            if placed:
                first[k] = i
            k += 1
        if numbered:
            number[places[i] if ordered else i] = k - 1


def _count(counts, words, n, form, bits, infinity, start, stop):
    for block in range(start, stop):
        counts[block] = count_block(words, n, block, BLOCK, form, bits, infinity)


def _collect(
    found,
    first,
    number,
    words,
    places,
    before,
    n,
    placed,
    numbered,
    ordered,
    form,
    bits,
    infinity,
    start,
    stop,
):
    for block in range(start, stop):
        collect_block(
            found, first, number, words, places, before, n, placed, numbered, ordered, block, BLOCK, form, bits,
            infinity,
        )  # fmt: skip


@cache
def _entry(function, itemsize: int):
    word = WORD[itemsize]
    kinds = {
        _count: ("i8", word, *[int] * 6),
        _collect: (word, "i8", "i8", word, "i8", "i8", *[int] * 9),
    }[function]
    return cpu.compiled(function, *kinds)


def as_words(found, first, number, values, places, before) -> tuple:
    """What the kernels take for the arguments of `collect`: arrays, and which of them there are."""
    word = WORD[values.itemsize]
    arrays = [before if x is None else x for x in (first, number, places)]
    flags = [int(x is not None) for x in (first, number, places)]
    return (found.view(word), *arrays[:2], values.view(word), arrays[2], before, values.size, *flags)


@count.on("cpu")
def _(counts, values):
    rule = order(values.dtype, False)[:3]
    parallel.run(_entry(_count, values.itemsize), counts.size, 8, counts, values, values.size, *rule)


@collect.on("cpu")
def _(found, first, number, values, places, before):
    args = as_words(found, first, number, values, places, before)
    rule = order(values.dtype, False)[:3]
    parallel.run(_entry(_collect, values.itemsize), before.size, 4, *args, *rule)


@count.on("cuda")
def _(counts, values):
    from numbatorch_kernels.cuda import runs

    runs.count(counts, values)


@collect.on("cuda")
def _(found, first, number, values, places, before):
    from numbatorch_kernels.cuda import runs

    runs.collect(found, first, number, values, places, before)
