"""Elements that an index names: the kernels behind `x[index]`, gather, scatter, embedding, nonzero.

A kernel walks through the shape of a small tensor. Beside the element of the small one at position p stands

    big[p . big's strides + index[p . index's strides] * step]

of a big one, where big's strides are 0 along the dimensions that the index replaces, and the index's along
those that it does not depend on. `take` copies from big to small, `put` from small to big, `add` and `reduce`
combine the two in big. All strides are free, so the same kernels serve every layout and every broadcast, of
all three. Copies move words, whatever they mean: a compile an itemsize, not a dtype.

Where negative indices are allowed they count from the end. `take`, `offsets` and `check` note an index that is
out of range. The others are given none on the CPU, and on a GPU, for which nobody waits, do nothing there. The
indexed dimension is not empty.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy import uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import MAXIMUM, PRODUCT, SUM
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

take = Kernel(
    "take"
)  # (out, src, index, walk, missed): out = the elements of src; missed[0] = 1 if an index is out of range
put = Kernel("put")  # (dst, src, index, walk): the elements of dst = src
add = Kernel("add")  # (dst, src, index, walk): the elements of dst += src, as often as the index names them
reduce = Kernel(
    "reduce"
    # (dst, src, index, walk, how): *= src, or the larger or smaller of both; how is PRODUCT, MAXIMUM or MINIMUM
)
check = Kernel(
    "check"
)  # (index, low, high, missed): missed[0] = 1 if an index, in contiguous memory, is not in low..high-1
offsets = Kernel("offsets")  # (out, index, walk, missed): out += index * step
starts = Kernel(
    "starts"
)  # (starts, words, bits): how many words before each block of them, and how many in all, have one of these bits
positions = Kernel("positions")  # (out, words, bits, starts): where they are; block k fills from starts[k] on
coordinates = Kernel(
    "coordinates"
)  # (out, words, bits, starts, shape): the same as a row of indices in `shape` for each
deal = Kernel(
    "deal"
)  # (dst, src, words, bits, starts): the elements of dst that lie there = those of src, one after another
unravel = Kernel(
    "unravel"
)  # (out, flat, shape): column d of out: the index in dimension d of the elements numbered `flat`
spread = Kernel(
    "spread"
)  # (out, src, times, length): every piece of `length` elements of src, so many times in a row

rotate = Kernel(
    "rotate"
)  # (out, src, length, shift): every piece of `length` elements of src, the last `shift` of them in front

GRAIN = 1 << 14  # elements worth a thread: a random read costs more than arithmetic does
BLOCK = {"cpu": 1 << 12, "cuda": 1 << 8}  # words that a thread counts, on CUDA a warp
WORD = {1: "u1", 2: "u2", 4: "u4", 8: "u8", 16: "c16"}


class Walk(NamedTuple):
    """How a kernel goes through a small tensor, a big one and an index.

    geometry  int64: the number of outer dimensions, the length of a row, the size of the dimension that is
              indexed, what is added to a negative index, the step of an index; along a row the strides of the
              three; for each outer dimension its size and the three strides
    size      that of the indexed dimension
    total     the number of elements of the small tensor
    grain     how many of them are worth a thread
    rows      the number of rows
    unit      how many rows one thread must do alone, lest two threads write the same element; 0 if threads
              may share out the columns
    """

    geometry: np.ndarray
    size: int
    total: int
    grain: int
    rows: int
    unit: int


def walk(
    shape: list[int], length: int, strides: list[list[int]], size: int, step: int, negative: bool = True
) -> Walk:
    """The walk through outer dimensions of this shape and rows of this length; `strides` are those of the
    three, outer ones first."""
    geometry = [len(shape), length, size, size if negative else 0, step, *[s[-1] for s in strides]]
    for d, n in enumerate(shape):
        geometry += (n, *[s[d] for s in strides])
    rows = 1
    for n in shape:
        rows *= n
    big = strides[1]
    if shape and big[0]:
        unit = rows // shape[0] if shape[0] else 0
    else:
        unit = 0 if big[-1] and length >= 128 else rows
    # Pieces are copied faster than single elements.
    grain = GRAIN if strides[2][-1] else GRAIN * max(1, min(8, length // 8))
    return Walk(np.array(geometry, np.int64), size, rows * length, grain, rows, unit)


# ---- one row, on both devices ----


def row_starts(geometry, row):
    """Where row number `row` starts in the small tensor, the big one and the index."""
    small = big = index = 0
    for at in range(4 + 4 * geometry[0], 7, -4):
        n = geometry[at]
        k = row if at == 8 else row % n
        row //= n
        small += k * geometry[at + 1]
        big += k * geometry[at + 2]
        index += k * geometry[at + 3]
    return small, big, index


def combined(how, a, b):
    """a + b, a * b, the larger, or the smaller of both; NaN if either is. (Of complex numbers the first two.)"""
    if how == SUM:
        return a + b
    if how == PRODUCT:
        return a * b
    if how == MAXIMUM:
        return b if b.real > a.real or b != b else a
    return b if b.real < a.real or b != b else a


_BLOCK = BLOCK["cpu"]
_row_starts = callee(row_starts)
_combined = callee(combined)


# ---- CPU ----


@intrinsic
def copy(typingctx, target, source, count):
    """Copy `count` elements between places that do not overlap."""

    def codegen(context, builder, signature, args):
        itemsize = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        cgutils.raw_memcpy(builder, *args, itemsize)

    return types.void(target, source, types.intp), codegen


@callee
def _reversed(out, src, n):
    """The elements from src backwards. (A function of its own is vectorised.)"""
    for j in range(n):
        out[j] = src[-j]


def _take(out, src, index, missed, geometry, start, stop):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    s, b, x = geometry[5], geometry[6], geometry[7]
    wrong: bool | np.bool = False
    for row in range(start // length, (stop - 1) // length + 1):
        small, big, at = _row_starts(geometry, row)
        first, last = max(start - row * length, 0), min(stop - row * length, length)
        if x == 0:  # the row is one piece of the big tensor
            i = index[at]
            if uint64(i) >= uint64(size):  # negative, or wrong
                i += wrap
                if uint64(i) >= uint64(size):
                    wrong = True
                    continue
            big += i * step
            if s == 1 and b == 1:
                copy(offset(out, small + first), offset(src, big + first), last - first)
            elif s == 1 and b == -1:
                _reversed(offset(out, small + first), offset(src, big - first), last - first)
            else:
                for j in range(first, last):
                    out[small + j * s] = src[big + j * b]
        elif s == 1 and x == 1 and b == 0:
            for j in range(first, last):
                i = index[at + j]
                if uint64(i) >= uint64(size):
                    i += wrap
                    if uint64(i) >= uint64(size):
                        wrong = True
                        continue
                out[small + j] = src[big + i * step]
        else:
            for j in range(first, last):
                i = index[at + j * x]
                if uint64(i) >= uint64(size):
                    i += wrap
                    if uint64(i) >= uint64(size):
                        wrong = True
                        continue
                out[small + j * s] = src[big + j * b + i * step]
    if wrong:
        missed[0] = 1


@callee
def _share(geometry, rows, unit, start, stop):
    """First and last row, first and last column, of the share start..stop: of groups of `unit` rows, or of
    columns if unit is 0."""
    return (start * unit, stop * unit, 0, geometry[1]) if unit else (0, rows, start, stop)


def _put(dst, src, index, geometry, rows, unit, start, stop):
    wrap, step = geometry[3], geometry[4]
    s, b, x = geometry[5], geometry[6], geometry[7]
    first_row, last_row, first, last = _share(geometry, rows, unit, start, stop)
    for row in range(first_row, last_row):
        small, big, at = _row_starts(geometry, row)
        if x == 0:
            i = index[at]
            big += (i + wrap if i < 0 else i) * step
            if s == 1 and b == 1:
                copy(offset(dst, big + first), offset(src, small + first), last - first)
            else:
                for j in range(first, last):
                    dst[big + j * b] = src[small + j * s]
        elif s == 1 and x == 1 and b == 0:
            for j in range(first, last):
                i = index[at + j]
                dst[big + (i + wrap if i < 0 else i) * step] = src[small + j]
        else:
            for j in range(first, last):
                i = index[at + j * x]
                dst[big + j * b + (i + wrap if i < 0 else i) * step] = src[small + j * s]


def _add(dst, src, index, geometry, rows, unit, start, stop):
    wrap, step = geometry[3], geometry[4]
    s, b, x = geometry[5], geometry[6], geometry[7]
    first_row, last_row, first, last = _share(geometry, rows, unit, start, stop)
    for row in range(first_row, last_row):
        small, big, at = _row_starts(geometry, row)
        if x == 0:
            i = index[at]
            big += (i + wrap if i < 0 else i) * step
            if s == 1 and b == 1:
                for j in range(first, last):
                    dst[big + j] = dst[big + j] + src[small + j]
            else:
                for j in range(first, last):
                    dst[big + j * b] = dst[big + j * b] + src[small + j * s]
        elif s == 1 and x == 1 and b == 0:
            for j in range(first, last):
                i = index[at + j]
                place = big + (i + wrap if i < 0 else i) * step
                dst[place] = dst[place] + src[small + j]
        else:
            for j in range(first, last):
                i = index[at + j * x]
                place = big + j * b + (i + wrap if i < 0 else i) * step
                dst[place] = dst[place] + src[small + j * s]


def _reduce(dst, src, index, geometry, how, rows, unit, start, stop):
    wrap, step = geometry[3], geometry[4]
    s, b, x = geometry[5], geometry[6], geometry[7]
    first_row, last_row, first, last = _share(geometry, rows, unit, start, stop)
    for row in range(first_row, last_row):
        small, big, at = _row_starts(geometry, row)
        for j in range(first, last):
            i = index[at + j * x]
            place = big + j * b + (i + wrap if i < 0 else i) * step
            dst[place] = _combined(how, dst[place], src[small + j * s])


def _check(index, low, high, missed, start, stop):
    wrong = False
    for k in range(start, stop):
        wrong |= (index[k] < low) | (index[k] >= high)
    if wrong:
        missed[0] = 1


def _offsets(out, index, missed, geometry, start, stop):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    s, x = geometry[5], geometry[7]
    for row in range(start // length, (stop - 1) // length + 1):
        small, _, at = _row_starts(geometry, row)
        for j in range(max(start - row * length, 0), min(stop - row * length, length)):
            i = index[at + j * x]
            i += wrap & (i >> 63)
            if uint64(i) >= uint64(size):
                missed[0] = 1
            else:
                out[small + j * s] = out[small + j * s] + i * step


def _count(counts, words, bits, n, start, stop):
    for block in range(start, stop):
        found = 0
        for i in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            found += (words[i] & bits[0]) != 0
        counts[block] = found


def _positions(out, words, bits, starts, start, stop):
    for block in range(start, stop):
        i, k, end = block * _BLOCK, starts[block], starts[block + 1]
        while k < end:  # no branch on the word: a position is written over by the next one unless it counts
            out[k] = i
            k += (words[i] & bits[0]) != 0
            i += 1


def _deal(dst, src, words, bits, starts, start, stop):
    for block in range(start, stop):
        i, k, end = block * _BLOCK, starts[block], starts[block + 1]
        # No branch on the word: the element of src is the next one's too unless this one counts.
        while k < end:
            found = (words[i] & bits[0]) != 0
            dst[i] = src[k] if found else dst[i]
            k += found
            i += 1


def _coordinates(out, words, bits, starts, shape, ndim, start, stop):
    columns = shape[ndim - 1]
    for block in range(start, stop):
        i, k, end = block * _BLOCK, starts[block], starts[block + 1]
        while k < end:  # a row of the tensor, or what the block has of it
            rest = i // columns
            j, first = i - rest * columns, k
            while j < columns and k < end:
                out[k * ndim + ndim - 1] = j
                k += (words[i] & bits[0]) != 0
                i += 1
                j += 1
            for d in range(ndim - 2, -1, -1):
                above = rest // shape[d]
                for row in range(first, k):
                    out[row * ndim + d] = rest - above * shape[d]
                rest = above


def _unravel(out, flat, shape, ndim, start, stop):
    for k in range(start, stop):
        rest = flat[k]
        for d in range(ndim - 1, -1, -1):
            out[k * ndim + d] = rest % shape[d]
            rest //= shape[d]


def _spread(out, src, times, length, start, stop):
    if length == 1:
        for i in range(start, stop):
            for k in range(i * times, (i + 1) * times):
                out[k] = src[i]
    else:
        for i in range(start, stop):
            for k in range(i * times, (i + 1) * times):
                copy(offset(out, k * length), offset(src, i * length), length)


def _rotate(out, src, length, shift, start, stop):
    for at in range(start // length * length, stop, length):
        first, last = max(start - at, 0), min(stop - at, length)
        cut = min(max(first, shift), last)
        copy(offset(out, at + first), offset(src, at + first + length - shift), cut - first)
        copy(offset(out, at + cut), offset(src, at + cut - shift), last - cut)


@cache
def _mover(function, itemsize: int):
    """The entry of a kernel that copies words."""
    more = ("i8", "i8", int, int) if function is _take else ("i8", int, int, int, int)
    return cpu.compiled(function, WORD[itemsize], WORD[itemsize], "i8", *more)


@cache
def _combiner(function, dtype: np.dtype):
    """The entry of a kernel that computes."""
    return cpu.compiled(function, dtype, dtype, "i8", "i8", *[int] * (4 if function is _add else 5))


@cache
def _entry(function, *kinds):
    return cpu.compiled(function, *kinds, int, int)


def _run(entry, n: int, *args) -> None:
    """Call `entry` for 0..n, on several threads if there is enough to do."""
    if n < 2 * GRAIN:
        entry(*args, 0, n)
    else:
        parallel.run(entry, n, GRAIN, *args)


def _run_shares(entry, walk: Walk, *args) -> None:
    """Call `entry` for the whole walk, on several threads where none of them can write what another one
    does."""
    unit, rows = walk.unit, walk.rows
    if walk.total < 2 * walk.grain or unit == rows:
        entry(*args, rows, rows, 0, 1)
    elif unit:
        parallel.run(
            entry, rows // unit, max(walk.grain // (walk.total // rows * unit), 1), *args, rows, unit
        )
    else:
        parallel.run(entry, walk.total // rows, max(walk.grain // rows, 64), *args, rows, unit)


@take.on("cpu")
def _(out, src, index, walk, missed):
    entry = _mover(_take, out.itemsize)
    if walk.total < 2 * walk.grain:
        entry(out, src, index, missed, walk.geometry, 0, walk.total)
    else:
        parallel.run(entry, walk.total, walk.grain, out, src, index, missed, walk.geometry)


@put.on("cpu")
def _(dst, src, index, walk):
    _run_shares(_mover(_put, dst.itemsize), walk, dst, src, index, walk.geometry)


@add.on("cpu")
def _(dst, src, index, walk):
    _run_shares(_combiner(_add, dst.dtype), walk, dst, src, index, walk.geometry)


@reduce.on("cpu")
def _(dst, src, index, walk, how):
    _run_shares(_combiner(_reduce, dst.dtype), walk, dst, src, index, walk.geometry, how)


@check.on("cpu")
def _(index, low, high, missed):
    _run(_entry(_check, "i8", int, int, "i8"), index.size, index, low, high, missed)


@offsets.on("cpu")
def _(out, index, walk, missed):
    _run(_entry(_offsets, "i8", "i8", "i8", "i8"), walk.total, out, index, missed, walk.geometry)


@starts.on("cpu")
def _(starts, words, bits):
    entry = _entry(_count, "i8", words.dtype, words.dtype, int)
    parallel.run(
        entry, starts.size - 1, 4 * GRAIN // _BLOCK, starts[1:], words, _mask(bits, words), words.size
    )
    starts[0] = 0
    np.cumsum(starts, out=starts)


def _mask(bits: int, words: np.ndarray) -> np.ndarray:
    """Bits as a word."""
    return np.array([bits]).astype(words.dtype)


@positions.on("cpu")
def _(out, words, bits, starts):
    entry = _entry(_positions, "i8", words.dtype, words.dtype, "i8")
    parallel.run(entry, starts.size - 1, 4 * GRAIN // _BLOCK, out, words, _mask(bits, words), starts)


@deal.on("cpu")
def _(dst, src, words, bits, starts):
    entry = _entry(_deal, WORD[dst.itemsize], WORD[dst.itemsize], words.dtype, words.dtype, "i8")
    parallel.run(entry, starts.size - 1, 4 * GRAIN // _BLOCK, dst, src, words, _mask(bits, words), starts)


@coordinates.on("cpu")
def _(out, words, bits, starts, shape):
    entry = _entry(_coordinates, "i8", words.dtype, words.dtype, "i8", "i8", int)
    args = out, words, _mask(bits, words), starts, np.array(shape, np.int64), len(shape)
    parallel.run(entry, starts.size - 1, 4 * GRAIN // _BLOCK, *args)


@spread.on("cpu")
def _(out, src, times, length):
    entry = _entry(_spread, WORD[out.itemsize], WORD[out.itemsize], int, int)
    grain = max(1, GRAIN // (times * length))
    parallel.run(entry, src.size // length, grain, out, src, times, length)


@rotate.on("cpu")
def _(out, src, length, shift):
    entry = _entry(_rotate, WORD[out.itemsize], WORD[out.itemsize], int, int)
    parallel.run(entry, out.size, 4 * GRAIN, out, src, length, shift)


@unravel.on("cpu")
def _(out, flat, shape):
    _run(_entry(_unravel, "i8", "i8", "i8", int), flat.size, out, flat, np.array(shape, np.int64), len(shape))


# ---- CUDA: see cuda/index.py. It is imported late, so that a program that stays on the CPU never loads a
# CUDA compiler. ----


def _on_cuda(kernel: Kernel) -> None:
    @kernel.on("cuda")
    def _(*args):
        from numbatorch_kernels.cuda import index

        getattr(index, kernel.name)(*args)


for kernel in (
    take,
    put,
    add,
    reduce,
    check,
    offsets,
    starts,
    positions,
    deal,
    coordinates,
    unravel,
    spread,
    rotate,
):
    _on_cuda(kernel)
