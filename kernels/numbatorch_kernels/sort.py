"""Sorting rows by radix, some bits of the keys (see keys.py) at a time from the lowest. Each pass keeps the
order of equal digits, so the sort is stable (Knuth, The Art of Computer Programming 3, 5.2.5).

A pass counts how often each digit occurs, and then moves every element, with the number of its place, to where
its digit's elements go. Bits that are the same in all keys of a row get no pass. The first pass reads the row
itself and the last one writes the results, so passes go to and fro between the results' memory and a scratch
of the same size at most. Rows are shared out among threads; a long row that there is one of, in tiles.

Where the keys of a long row have many bits, their leading ones tell nearly all elements apart: passes over these,
and an insertion sort of the few neighbours that share them, take the place of passes over all.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy import int64, uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.keys import WORD, key_of, order
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

sort = Kernel("sort")  # (values, indices, src, descending): rows in order, and where their elements were

SHORT = 32  # elements that insertion sorts faster than radix
TILES = 1 << 15  # elements of a row from which on several threads share it
LEADING = 3  # passes over leading bits that do: 2^27 values for the elements of a row
WIDEST = 9  # bits of a digit: memory that is written to in 512 places at a time stays in reach of the caches


@callee
def _varying(words, n, form, bits, infinity, descending):
    """The bits in which keys differ from the first one."""
    first, found = key_of(words[0], form, bits, infinity, descending), uint64(0)
    for j in range(n):
        found |= key_of(words[j], form, bits, infinity, descending) ^ first
    return found


@shared
def digits(varying, widest):
    """How the varying bits are cut up: the lowest of them, the number of digits, the bits of a digit."""
    low = 0
    while varying and not (varying >> uint64(low)) & uint64(1):
        low += 1
    span = 0
    while span < 64 - low and varying >> uint64(low + span):
        span += 1
    passes = (span + widest - 1) // widest
    return low, passes, (span + passes - 1) // max(passes, 1)


@callee
def _tally(counts, words, n, form, bits, infinity, descending, shift, width):
    """Add to `counts` how often each digit occurs."""
    low, mask = uint64(shift), (uint64(1) << uint64(width)) - uint64(1)
    for j in range(n):
        counts[int64(key_of(words[j], form, bits, infinity, descending) >> low & mask)] += 1


@callee
def _move(out, out_places, starts, words, places, place, n, form, bits, infinity, descending, shift, width):
    """Move elements to where the elements with their digit go; a `place` from 0 on is that of the first
    element, otherwise `places` has them."""
    low, mask = uint64(shift), (uint64(1) << uint64(width)) - uint64(1)
    for j in range(n):
        word = words[j]
        digit = int64(key_of(word, form, bits, infinity, descending) >> low & mask)
        to = starts[digit]
        starts[digit] = to + 1
        out[to] = word
        out_places[to] = places[j] if place < 0 else place + j


@callee
def _insert(values, indices, src, n, form, bits, infinity, descending):
    """Sort a short row."""
    for j in range(n):
        word, k = src[j], j
        key = key_of(word, form, bits, infinity, descending)
        while k > 0 and key_of(values[k - 1], form, bits, infinity, descending) > key:
            values[k], indices[k] = values[k - 1], indices[k - 1]
            k -= 1
        values[k], indices[k] = word, j


@callee
def sort_row(
    out, out_places, halves, source, spare, spare_places, counts, length, form, bits, infinity, descending
):  # fmt: skip
    """Sort a row. `halves` is the memory of `out_places` as uint32; the spare memory has the row's length, `counts`
    room for 1 << WIDEST."""
    if length <= SHORT:
        _insert(out, out_places, source, length, form, bits, infinity, descending)
        return
    varying = _varying(source, length, form, bits, infinity, descending)
    low, passes, width = digits(varying, 8 if length < 1 << 13 else WIDEST)
    if passes == 0:
        for j in range(length):
            out[j], out_places[j] = source[j], j
    a, p, b, q = spare, spare_places, out, halves
    if passes % 2 == 0:
        a, p, b, q = b, q, a, p  # so that the last pass reads the spare memory
    for k in range(passes):
        shift = low + k * width
        words = source if k == 0 else a
        counts[: 1 << width] = 0
        _tally(counts, words, length, form, bits, infinity, descending, shift, width)
        total = 0
        for c in range(1 << width):
            total, counts[c] = total + counts[c], total
        place = 0 if k == 0 else -1
        if k == passes - 1:
            _move(
                out, out_places, counts, words, p, place, length, form, bits, infinity, descending, shift, width
            )  # fmt: skip
        else:
            _move(b, q, counts, words, p, place, length, form, bits, infinity, descending, shift, width)
            a, p, b, q = b, q, a, p


def _sort_rows(
    values, indices, halves, src, spare, spare_places, length, rows, each, form, bits, infinity, descending, start, stop
):  # fmt: skip
    """Sort the shares start..stop of `each` rows. `halves` is the memory of `indices` as uint32; a share has a
    row's length of the spare memory."""
    counts = np.empty(1 << WIDEST, np.int64)
    for row in range(start * each, min(stop * each, rows)):
        at, beside = row * length, row // each * length
        sort_row(
            offset(values, at), offset(indices, at), offset(halves, 2 * at), offset(src, at), offset(spare, beside),
            offset(spare_places, beside), counts, length, form, bits, infinity, descending,
        )  # fmt: skip


def _settle_tiles(settled, values, indices, tile, n, form, bits, infinity, descending, low, start, stop):
    """Put elements in order that are in order of the bits from `low` on. A run of equal ones belongs to the tile
    where it begins; a long one that is out of order is left, and `settled` of the tile is 0."""
    lead = uint64(low)
    for t in range(start, stop):
        settled[t], j, end = 1, t * tile, min(t * tile + tile, n)
        key = key_of(values[j], form, bits, infinity, descending)
        if t > 0:
            before = key_of(values[j - 1], form, bits, infinity, descending) >> lead
            while j < n and key >> lead == before:
                j += 1
                key = key_of(values[min(j, n - 1)], form, bits, infinity, descending)
        while j < end:
            first, ordered, run = j, True, key >> lead
            while True:
                j += 1
                previous = key
                key = key_of(values[min(j, n - 1)], form, bits, infinity, descending)
                if j == n or key >> lead != run:
                    break
                ordered &= previous <= key
            if ordered:
                continue
            if j - first > SHORT:
                settled[t] = 0
                break
            for i in range(first + 1, j):
                word, place, k = values[i], indices[i], i
                own = key_of(word, form, bits, infinity, descending)
                while k > first and key_of(values[k - 1], form, bits, infinity, descending) > own:
                    values[k], indices[k] = values[k - 1], indices[k - 1]
                    k -= 1
                values[k], indices[k] = word, place


def _varying_tiles(found, words, tile, n, form, bits, infinity, descending, start, stop):
    for t in range(start, stop):
        first = t * tile
        key = key_of(words[first], form, bits, infinity, descending)
        found[2 * t] = key
        count = min(tile, n - first)
        found[2 * t + 1] = _varying(offset(words, first), count, form, bits, infinity, descending)


def _tally_tiles(counts, words, tile, n, form, bits, infinity, descending, shift, width, start, stop):
    for t in range(start, stop):
        first = t * tile
        mine = offset(counts, t << width)
        _tally(
            mine, offset(words, first), min(tile, n - first), form, bits, infinity, descending, shift, width
        )


def _move_tiles(
    out,
    out_places,
    starts,
    words,
    places,
    numbered,
    tile,
    n,
    form,
    bits,
    infinity,
    descending,
    shift,
    width,
    start,
    stop,
):
    for t in range(start, stop):
        first = t * tile
        _move(
            out,
            out_places,
            offset(starts, t << width),
            offset(words, first),
            offset(places, first),
            -1 if numbered else first,
            min(tile, n - first),
            form,
            bits,
            infinity,
            descending,
            shift,
            width,
        )


@cache
def _entry(function, itemsize: int, places: str = "i8"):
    word = WORD[itemsize]
    kinds = {
        _sort_rows: (word, "i8", "u4", word, word, "u4", *[int] * 9),
        _settle_tiles: ("u1", word, "i8", *[int] * 9),
        _varying_tiles: ("u8", word, *[int] * 8),
        _tally_tiles: ("i8", word, *[int] * 10),
        _move_tiles: (word, places, "i8", word, "u4", *[int] * 11),
    }[function]
    return cpu.compiled(function, *kinds)


@sort.on("cpu")
def _(values, indices, src, descending):
    length, rule, word = src.shape[-1], order(src.dtype, descending), src.dtype
    rows = src.size // length
    threads = parallel.get_num_threads()
    if length >= TILES and rows < threads:
        for v, i, s in zip(*(a.reshape(rows, length) for a in (values, indices, src)), strict=True):
            _sort_in_tiles(v, i, s, rule, threads)
        return
    shares = max(min(threads, src.size // TILES, rows), 1)
    spare, places = np.empty(shares * length, word), np.empty(shares * length, np.uint32)
    entry, each = _entry(_sort_rows, src.itemsize), -(-rows // shares)
    halves = indices.view(np.uint32)
    parallel.run(entry, shares, 1, values, indices, halves, src, spare, places, length, rows, each, *rule)


def _sort_in_tiles(values, indices, src, rule, tiles: int) -> None:
    """Sort one long row; a thread has a tile of it."""
    n = src.size
    tile = -(-n // tiles)
    tiles = -(-n // tile)
    found = np.empty((tiles, 2), np.uint64)
    parallel.run(_entry(_varying_tiles, src.itemsize), tiles, 1, found, src, tile, n, *rule)
    varying = np.bitwise_or.reduce(found[:, 1]) | np.bitwise_or.reduce(found[:, 0] ^ found[0, 0])
    low, passes, width = digits(varying, WIDEST)
    if passes == 0:
        values[...], indices[...] = src, np.arange(n)
    if passes > LEADING + 1:
        top = low + (passes - LEADING) * width
        _pass_over(values, indices, src, rule, top, LEADING, width, tile)
        settled = np.empty(tiles, np.uint8)
        entry = _entry(_settle_tiles, src.itemsize)
        parallel.run(entry, tiles, 1, settled, values, indices, tile, n, *rule, top)
        if settled.all():
            return
    _pass_over(values, indices, src, rule, low, passes, width, tile)


def _pass_over(values, indices, src, rule, low: int, passes: int, width: int, tile: int) -> None:
    """Sort one long row by `passes` digits from bit `low` on; a thread has a tile of it."""
    n = src.size
    tiles = -(-n // tile)
    words, places, numbered = src, np.empty(0, np.uint32), 0
    spare: tuple = ()
    if passes > 1:
        spare = np.empty(n, src.dtype), np.empty(n, np.uint32)
    own = values, indices.view(np.uint32)
    for k in range(passes):
        shift, last = low + k * width, k == passes - 1
        counts = np.zeros((tiles, 1 << width), np.int64)
        args = tile, n, *rule, shift, width
        parallel.run(_entry(_tally_tiles, src.itemsize), tiles, 1, counts, words, *args)
        ends = np.cumsum(counts.T).reshape(counts.T.shape).T
        starts = np.ascontiguousarray(ends - counts)
        out, out_places = (values, indices) if last else spare if (passes - k) % 2 == 0 else own
        move = _entry(_move_tiles, src.itemsize, "i8" if last else "u4")
        parallel.run(move, tiles, 1, out, out_places, starts, words, places, numbered, *args)
        words, places, numbered = out, out_places, 1


@sort.on("cuda")
def _(values, indices, src, descending):
    from numbatorch_kernels.cuda import sort

    sort.sort(values, indices, src, descending)
