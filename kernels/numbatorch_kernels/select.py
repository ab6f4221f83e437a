"""The element of one rank in each row, and the first few elements of a row in order, without sorting the row.

Selection by radix: count the digits of the keys (see keys.py) from the highest on, and go on with the digit in
which the wanted rank falls, until one key is left or no digit. A row is read a few times and never copied.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
from numpy import int64, uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import MEDIAN, NANMEDIAN, RANK
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.keys import WORD, is_nan, key_of, order
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.sort import sort

select = Kernel(
    "select"
    # (values, indices, src, how, rank): of each row the element of a rank from 0 on (of equal ones in their
    # order), or a median, and its place; how is RANK, MEDIAN or NANMEDIAN
)
top = Kernel("top")  # (values, indices, src, largest): the first elements of the rows, were they sorted

FEW = 16  # elements that `top` keeps in order while it looks through a row
SOME, LONG = 128, 1 << 11  # elements that it collects in one pass through a row of so many
LANES = 32  # elements of a row, and columns, that it looks at together
ROOM, KEPT = 2 * SOME + LANES, FEW * LANES  # elements that it keeps
GRAIN = 1 << 13  # elements worth a thread


@shared
def rank_of(how, rank, length, numbers):
    """The rank that is looked for in a row of which `numbers` elements are not NaN. The median of an even
    number is the lower of the two in the middle; of a row with NaN, the first NaN."""
    if how == MEDIAN:
        return (length - 1) // 2 if numbers == length else numbers
    if how == NANMEDIAN:
        return max(numbers - 1, 0) // 2
    return rank


@callee
def _upper(key, low):
    """The bits of a key from number `low` on; of a 64-bit key also from bit 64 on."""
    return key >> uint64(low - 1) >> uint64(1) if low else key


@callee
def _search(counts, row, length, rank, form, bits, infinity, descending):
    """(prefix, low, left): keys whose bits from `low` on are `prefix` are those, or equal to those, that the
    wanted one is the one of number `left` among."""
    digit = 11 if length >= 1 << 13 else 8 if length >= 128 else 4
    prefix, high, left = uint64(0), bits, rank
    while high > 0:
        width = min(digit, high)
        low, mask = high - width, (uint64(1) << uint64(width)) - uint64(1)
        counts[: 1 << width] = 0
        for j in range(length):
            key = key_of(row[j], form, bits, infinity, descending)
            if _upper(key, high) == prefix:
                counts[int64(key >> uint64(low) & mask)] += 1
        c = 0
        while counts[c] <= left:
            left -= counts[c]
            c += 1
        prefix, high = (prefix << uint64(width)) | uint64(c), low
        if counts[c] == 1:
            break
    return prefix, high, left


def _select(values, indices, src, length, how, rank, form, bits, infinity, descending, start, stop):
    counts = np.empty(1 << 11, np.int64)
    for r in range(start, stop):
        row, numbers = offset(src, r * length), length
        if how != RANK:
            for j in range(length):
                numbers -= is_nan(row[j], form, bits, infinity)
        k = rank_of(how, rank, length, numbers)
        prefix, low, left = _search(counts, row, length, k, form, bits, infinity, descending)
        for j in range(length):
            if _upper(key_of(row[j], form, bits, infinity, descending), low) == prefix:
                if left == 0:
                    values[r], indices[r] = row[j], j
                    break
                left -= 1


@callee
def _insert(best, indices, apart, found, key, j):
    """`key` of element j among the `found` best, in order, whose places are `apart` in memory."""
    k = found
    while k > 0 and best[k - 1] > key:
        best[k], indices[k * apart] = best[k - 1], indices[(k - 1) * apart]
        k -= 1
    best[k], indices[k * apart] = key, j


def _top_few(values, indices, src, best, length, few, form, bits, infinity, descending, start, stop):
    """The first few elements, in order: those seen so far are kept sorted."""
    for r in range(start, stop):
        first, out, found = r * length, r * few, 0
        for j in range(length):
            key = key_of(src[first + j], form, bits, infinity, descending)
            if found == few and key >= best[out + few - 1]:
                continue
            _insert(offset(best, out), offset(indices, out), 1, min(found, few - 1), key, j)
            found += found < few
        for k in range(out, out + few):
            values[k] = src[first + indices[k]]


@callee
def _before(keys, places, k, key, place):
    """Whether one of those found comes before an element."""
    return keys[k] < key or (keys[k] == key and places[k] < place)


@callee
def _part(keys, places, count, few):
    """Put the first few, were they sorted, of `count` elements in front (Hoare's selection)."""
    low, high = 0, count - 1
    while low < high:
        middle, i, j = (low + high) // 2, low, high
        key, place = keys[middle], places[middle]
        while i <= j:
            while _before(keys, places, i, key, place):
                i += 1
            while keys[j] > key or (keys[j] == key and places[j] > place):
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                places[i], places[j] = places[j], places[i]
                i, j = i + 1, j - 1
        if few <= j + 1:
            high = j
        elif few > i:
            low = i
        else:
            break


def _top_some(values, indices, src, length, few, form, bits, infinity, descending, start, stop):
    """The same of long rows. Elements before the last of the best so far are collected; when there is no more room for them, the
    best of all stay."""
    keys, places = local(uint64, ROOM), local(int64, ROOM)
    for r in range(start, stop):
        row, out, count, limited, limit = offset(src, r * length), r * few, 0, False, uint64(0)
        for first in range(0, length, LANES):
            last, news = min(first + LANES, length), 0
            for j in range(first, last):  # in most pieces there are none, which vectors find out
                news += key_of(row[j], form, bits, infinity, descending) < limit
            if limited and news == 0:
                continue
            for j in range(first, last):
                key = key_of(row[j], form, bits, infinity, descending)
                if limited and key >= limit:
                    continue
                keys[count], places[count] = key, j
                count += 1
                if count == 2 * few + LANES:
                    _part(keys, places, count, few)
                    count, limited, limit = few, True, keys[0]
                    for k in range(few):
                        limit = max(limit, keys[k])
        _part(keys, places, count, few)
        for j in range(1, few):
            key, place, k = keys[j], places[j], j
            while k > 0 and not _before(keys, places, k - 1, key, place):
                keys[k], places[k] = keys[k - 1], places[k - 1]
                k -= 1
            keys[k], places[k] = key, place
        for k in range(few):
            values[out + k], indices[out + k] = row[places[k]], places[k]


def _top_few_across(
    values, indices, src, length, after, few, form, bits, infinity, descending, start, stop
):  # fmt: skip
    """As `_top_few`, of columns, which are `after` beside each other: of blocks start:stop of them, row by row."""
    best, last = local(uint64, KEPT), local(uint64, LANES)
    blocks = (after + LANES - 1) // LANES
    for block in range(start, stop):
        matrix, left = block // blocks, block % blocks * LANES
        count = min(LANES, after - left)
        columns, out = offset(src, matrix * length * after + left), matrix * few * after + left
        to, places = offset(values, out), offset(indices, out)
        for j in range(few):
            for c in range(count):
                key = key_of(columns[j * after + c], form, bits, infinity, descending)
                _insert(offset(best, c * FEW), offset(places, c), after, j, key, j)
        for c in range(count):
            last[c] = best[c * FEW + few - 1]
        for j in range(few, length):
            row, news = offset(columns, j * after), 0
            for c in range(count):  # in most rows there are none, which vectors of columns find out
                news += key_of(row[c], form, bits, infinity, descending) < last[c]
            if news == 0:
                continue
            for c in range(count):
                key = key_of(row[c], form, bits, infinity, descending)
                if key < last[c]:
                    _insert(offset(best, c * FEW), offset(places, c), after, few - 1, key, j)
                    last[c] = best[c * FEW + few - 1]
        for k in range(few):
            for c in range(count):
                to[k * after + c] = columns[places[k * after + c] * after + c]


def _top_many(values, indices, src, length, few, form, bits, infinity, descending, start, stop):
    """The first few elements, in the order of their places."""
    counts = np.empty(1 << 11, np.int64)
    for r in range(start, stop):
        row, k = offset(src, r * length), r * few
        prefix, low, left = _search(counts, row, length, few - 1, form, bits, infinity, descending)
        for j in range(length):
            part = _upper(key_of(row[j], form, bits, infinity, descending), low)
            if part < prefix or (part == prefix and left >= 0):
                left -= part == prefix
                values[k], indices[k] = row[j], j
                k += 1


@cache
def _entry(function, itemsize: int):
    word = WORD[itemsize]
    kinds = {
        _select: (word, "i8", word, *[int] * 9),
        _top_few: (word, "i8", word, "u8", *[int] * 8),
        _top_some: (word, "i8", word, *[int] * 8),
        _top_few_across: (word, "i8", word, *[int] * 9),
        _top_many: (word, "i8", word, *[int] * 8),
    }[function]
    return cpu.compiled(function, *kinds)


@select.on("cpu")
def _(values, indices, src, how, rank):
    length = src.shape[-1]
    args = values, indices, src, length, how, rank, *order(src.dtype, False)
    parallel.run(_entry(_select, src.itemsize), src.size // length, -(-GRAIN // length), *args)


@top.on("cpu")
def _(values, indices, src, largest):
    length, few = src.shape[-1], values.shape[-1]
    rows, grain, rule = src.size // length, -(-GRAIN // length), order(src.dtype, largest)
    if few <= FEW:
        best = np.empty(values.size, np.uint64)
        entry = _entry(_top_few, src.itemsize)
        parallel.run(entry, rows, grain, values, indices, src, best, length, few, *rule)
    elif few <= SOME and length >= LONG:
        parallel.run(_entry(_top_some, src.itemsize), rows, grain, values, indices, src, length, few, *rule)
    else:
        found, places, turns = np.empty_like(values), np.empty_like(indices), np.empty_like(indices)
        entry = _entry(_top_many, src.itemsize)
        parallel.run(entry, rows, grain, found, places, src, length, few, *rule)
        sort("cpu", values, turns, found, largest)
        indices[...] = np.take_along_axis(places, turns, -1)


def top_across(values: np.ndarray, indices: np.ndarray, src: np.ndarray, dim: int, largest: bool) -> None:
    """The first FEW elements at most of the columns along a dimension of contiguous `src` that is not the last."""
    length, few, after = src.shape[dim], values.shape[dim], prod(src.shape[dim + 1 :])
    blocks = src.size // (length * after) * -(-after // LANES)
    parallel.run(
        _entry(_top_few_across, src.itemsize), blocks, -(-GRAIN // (length * LANES)), values, indices, src, length,
        after, few, *order(src.dtype, largest),
    )  # fmt: skip


@select.on("cuda")
def _(values, indices, src, how, rank):
    from numbatorch_kernels.cuda import select

    select.select(values, indices, src, how, rank)


@top.on("cuda")
def _(values, indices, src, largest):
    from numbatorch_kernels.cuda import select

    select.top(values, indices, src, largest)
