"""Sorting rows, the largest elements of rows, and places in sorted rows.

Elements are sorted by keys: unsigned numbers in the same order (NaN last, both zeros equal), turned round for
a descending order. Rows of some length are sorted by radix, a few bits at a time from the lowest; each pass
keeps the order of equal digits, so the sort is stable.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy import int64, uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.cpu import callee
from numbatorch_kernels.registry import Kernel

sort = Kernel(
    "sort"
)  # (values, indices, src, descending): the rows of src in order, and where their elements were
top = Kernel("top")  # (values, indices, src, largest): the first few elements of the sorted rows
search = Kernel(
    "search"
    # (out, rows, values, right): how many elements of its row are below each value, or with `right` not above it
)

SHORT = 32  # elements that insertion sorts faster than radix
FEW = 64  # elements that `top` keeps in order while it looks through a row
UNSIGNED, SIGNED, FLOAT = range(3)


class Order(NamedTuple):
    """How words become keys: the kind of number, its bits, the word of infinity, whether larger numbers come
    first."""

    form: int
    bits: int
    infinity: int
    descending: int


def order(dtype: np.dtype, descending: bool) -> Order:
    """The order of numbers of this dtype; uint16 is how bfloat16 is stored."""
    bits = 8 * dtype.itemsize
    if dtype.kind in "bu" and bits != 16:
        return Order(UNSIGNED, bits, 0, int(descending))
    if dtype.kind == "i":
        return Order(SIGNED, bits, 0, int(descending))
    infinity = {"e": 0x7C00, "H": 0x7F80, "f": 0x7F800000, "d": 0x7FF0 << 48}[dtype.char]
    return Order(FLOAT, bits, infinity, int(descending))


# ---- CPU ----


@callee
def key_of(word, form, bits, infinity, descending):
    """The key of an element."""
    sign = uint64(1) << uint64(bits - 1)
    rest = sign - uint64(1)
    key = uint64(word)
    if form == FLOAT:
        size = key & rest
        key = rest if size > uint64(infinity) else key  # one NaN for all
        key = uint64(0) if size == uint64(0) else key  # one zero
        key ^= sign | (
            uint64(0) - (key >> uint64(bits - 1)) & rest
        )  # negative: every bit turned, else the sign
    elif form == SIGNED:
        key ^= sign
    return key ^ (sign | rest) if descending else key


def _sort(
    values,
    indices,
    src,
    keys,
    spare_keys,
    places,
    spare_places,
    length,
    form,
    bits,
    infinity,
    descending,
    start,
    stop,
):
    digit = 8 if length < 1 << 13 else 11
    counts = np.empty(1 << digit, np.int64)
    mask = uint64((1 << digit) - 1)
    for row in range(start, stop):
        first = row * length
        for j in range(length):
            keys[first + j] = key_of(src[first + j], form, bits, infinity, descending)
            places[first + j] = j
        a, p, b, q = keys, places, spare_keys, spare_places
        if length <= SHORT:
            for j in range(first + 1, first + length):
                key, place, k = a[j], p[j], j
                while k > first and a[k - 1] > key:
                    a[k], p[k] = a[k - 1], p[k - 1]
                    k -= 1
                a[k], p[k] = key, place
        else:
            for low in range(0, bits, digit):
                shift = uint64(low)
                for c in range(1 << digit):
                    counts[c] = 0
                for j in range(first, first + length):
                    counts[int64((uint64(a[j]) >> shift) & mask)] += 1
                if counts[int64((uint64(a[first]) >> shift) & mask)] == length:
                    continue  # all the same
                total = first
                for c in range(1 << digit):
                    total, counts[c] = total + counts[c], total
                for j in range(first, first + length):
                    bucket = int64((uint64(a[j]) >> shift) & mask)
                    to = counts[bucket]
                    counts[bucket] = to + 1
                    b[to], q[to] = a[j], p[j]
                a, p, b, q = b, q, a, p
        for j in range(first, first + length):
            place = int64(p[j])
            indices[j] = place
            values[j] = src[first + place]


def _top(values, indices, src, best, length, few, form, bits, infinity, descending, start, stop):
    for row in range(start, stop):
        first, out, found = row * length, row * few, 0
        for j in range(length):
            key = key_of(src[first + j], form, bits, infinity, descending)
            if found == few and key >= uint64(best[out + few - 1]):
                continue
            k = out + (found if found < few else few - 1)
            while k > out and uint64(best[k - 1]) > key:
                best[k], indices[k] = best[k - 1], indices[k - 1]
                k -= 1
            best[k], indices[k] = key, j
            found += found < few
        for k in range(out, out + few):
            values[k] = src[first + indices[k]]


def bound(rows, first, length, value, right):
    """How many of the elements rows[first : first + length] stand before `value`."""
    low, high = 0, length
    while low < high:
        middle = (low + high) // 2
        element = rows[first + middle]
        if (element > value) if right else (element >= value):
            high = middle
        else:
            low = middle + 1
    return low


_bound = callee(bound)


def _search(out, rows, values, length, each, right, start, stop):
    for k in range(start, stop):
        out[k] = _bound(rows, k // each * length, length, values[k], right)


_KEY = {1: "u4", 2: "u4", 4: "u4", 8: "u8"}
_WORD = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}


@cache
def _sort_entry(itemsize: int):
    word, key = _WORD[itemsize], _KEY[itemsize]
    return cpu.compiled(_sort, word, "i8", word, key, key, "u4", "u4", *[int] * 7)


@cache
def _top_entry(itemsize: int):
    word = _WORD[itemsize]
    return cpu.compiled(_top, word, "i8", word, _KEY[itemsize], *[int] * 8)


@cache
def _search_entry(dtype: np.dtype):
    return cpu.compiled(_search, "i8", dtype, dtype, *[int] * 5)


@sort.on("cpu")
def _(values, indices, src, descending):
    length = src.shape[-1]
    keys = [np.empty(src.size, _KEY[src.itemsize]) for _ in range(2)]
    places = [np.empty(src.size, np.uint32) for _ in range(2)]
    entry, rule = _sort_entry(src.itemsize), order(src.dtype, descending)
    parallel.run(
        entry, src.size // length, -(-4096 // length), values, indices, src, *keys, *places, length, *rule
    )


@top.on("cpu")
def _(values, indices, src, largest):
    length, few = src.shape[-1], values.shape[-1]
    if few <= FEW:
        best = np.empty(values.size, _KEY[src.itemsize])
        entry, rule = _top_entry(src.itemsize), order(src.dtype, largest)
        parallel.run(
            entry, src.size // length, -(-8192 // length), values, indices, src, best, length, few, *rule
        )
    else:
        every, places = np.empty_like(src), np.empty(src.shape, np.int64)
        sort("cpu", every, places, src, largest)
        values[...], indices[...] = every[..., :few], places[..., :few]


@search.on("cpu")
def _(out, rows, values, right):
    length = rows.shape[-1]
    each = values.size if rows.ndim == 1 else values.shape[-1]
    parallel.run(_search_entry(rows.dtype), values.size, 2048, out, rows, values, length, each, int(right))


# ---- CUDA: sorted on the CPU; see cuda/search.py for `search` ----


def _on_the_cpu(kernel: Kernel) -> None:
    @kernel.on("cuda")
    def _(values, indices, src, descending):
        found = np.empty(values.shape, values.dtype), np.empty(indices.shape, np.int64)
        kernel("cpu", *found, src.copy_to_host(), descending)
        values.copy_from_host(found[0])
        indices.copy_from_host(found[1])


for kernel in (sort, top):
    _on_the_cpu(kernel)


@search.on("cuda")
def _(out, rows, values, right):
    from numbatorch_kernels.cuda.search import search

    search(out, rows, values, right)
