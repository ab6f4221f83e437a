"""The kernels of ../index.py on CUDA: a thread for each element of the small tensor, a warp for each block of a mask.

Where several elements of the small tensor go to one place of the big one (`reduce`), the places are sorted, and a
thread combines what goes to one of them, in its order, so the result is the same every time.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy import int32, uint32, uint64

from numbatorch_kernels import index as cpu
from numbatorch_kernels.codes import SUM
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import WARP, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.scan import starts_of
from numbatorch_kernels.cuda.sort import sort
from numbatorch_kernels.cuda.warp import ALL, warp_sum
from numbatorch_kernels.index import WORD, Walk

BLOCK = cpu.BLOCK["cuda"]

row_starts = device_function(cpu.row_starts)
combined = device_function(cpu.combined)


def take_grid(out, src, index, missed, geometry, n):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, j = split(k, length)
        small, big, at = row_starts(geometry, row)
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        if i < 0 or i >= size:
            missed[0] = 1
        else:
            out[small + j * geometry[5]] = src[big + j * geometry[6] + i * step]


def put_grid(dst, src, index, geometry, n):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, j = split(k, length)
        small, big, at = row_starts(geometry, row)
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        if 0 <= i < size:
            dst[big + j * geometry[6] + i * step] = src[small + j * geometry[5]]


def places_grid(places, sources, index, named, size, wrap, step, beyond, n):
    """For each element of the index, the place in the big tensor that it names, or one `beyond` if it is out of range, and
    the place in the small one."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        small, big, at = row_starts(named, k)
        i = index[at]
        if i < 0:
            i += wrap
        places[k] = big + i * step if 0 <= i < size else beyond
        sources[k] = small


def combine_grid(dst, src, places, order, sources, free, how, beyond, length, n):
    """dst[place + q] is combined with every src[source + q] of that place, for q in the free dimensions, which `free`
    describes. The thread of the first source of a place does it, in the order of the sources."""
    columns = free[1]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        s, column = split(k, columns)
        place = places[s]
        if place < beyond and (s == 0 or places[s - 1] != place):
            small, big, _ = row_starts(free, column)
            value = dst[place + big]
            while s < length and places[s] == place:
                value = combined(how, value, src[sources[order[s]] + small])
                s += 1
            dst[place + big] = value


def check_grid(index, low, high, missed, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        if index[k] < low or index[k] >= high:
            missed[0] = 1


def offsets_grid(out, index, missed, geometry, n):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, j = split(k, length)
        small, _, at = row_starts(geometry, row)
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        if i < 0 or i >= size:
            missed[0] = 1
        else:
            place = small + j * geometry[5]
            out[place] = out[place] + i * step


@device_function
def marked(word, bits):
    return uint64(word) & uint64(bits) != uint64(0)


@device_function
def marked_before(mark):
    """How many lanes before this one have a mark, and how many of the warp, all of which come here."""
    peers = uint32(cuda.match_any_sync(ALL, int32(mark)))
    below = cuda.popc(peers & ((uint32(1) << uint32(cuda.threadIdx.x % WARP)) - uint32(1)))
    alike = cuda.popc(peers)
    return below, alike if mark else WARP - alike


# A warp for each block of words, whose neighbours read neighbours; n threads in all.


def count_grid(counts, words, bits, length, n):
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        block, lane = split(thread, WARP)
        found = 0
        for i in range(block * BLOCK + lane, min(length, (block + 1) * BLOCK), WARP):
            found += 1 if marked(words[i], bits) else 0
        found = warp_sum(found)
        if lane == 0:
            counts[block] = found


def positions_grid(out, words, bits, starts, length, n):
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        block, lane = split(thread, WARP)
        i, k = block * BLOCK + lane, starts[block]
        while k < starts[block + 1]:
            mark = i < length and marked(words[i], bits)
            before, found = marked_before(mark)
            if mark:
                out[k + before] = i
            i, k = i + WARP, k + found


def deal_grid(dst, src, words, bits, starts, length, n):
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        block, lane = split(thread, WARP)
        i, k = block * BLOCK + lane, starts[block]
        while k < starts[block + 1]:
            mark = i < length and marked(words[i], bits)
            before, found = marked_before(mark)
            if mark:
                dst[i] = src[k + before]
            i, k = i + WARP, k + found


def coordinates_grid(out, words, bits, starts, shape, ndim, length, n):
    for thread in range(cuda.grid(1), n, cuda.gridsize(1)):
        block, lane = split(thread, WARP)
        i, k = block * BLOCK + lane, starts[block]
        while k < starts[block + 1]:
            mark = i < length and marked(words[i], bits)
            before, found = marked_before(mark)
            if mark:
                rest = i
                for d in range(ndim - 1, -1, -1):
                    rest, out[(k + before) * ndim + d] = split(rest, shape[d])
            i, k = i + WARP, k + found


def spread_grid(out, src, times, length, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest, j = split(k, length)
        row, _ = split(rest, times)
        out[k] = src[row * length + j]


def rotate_grid(out, src, length, shift, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        _, j = split(k, length)
        out[k] = src[k - shift if j >= shift else k - shift + length]


def unravel_grid(out, flat, shape, ndim, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest = flat[k]
        for d in range(ndim - 1, -1, -1):
            out[k * ndim + d] = rest % shape[d]
            rest //= shape[d]


# ---- launchers, as in ../index.py ----


def take(out, src, index, walk: Walk, missed: DeviceArray) -> None:
    word = WORD[out.itemsize]
    launch = launcher(take_grid, word, word, "i8", "i8", "i8", int)
    launch(out, src, index, missed, walk.geometry, walk.total)


def put(dst, src, index, walk: Walk) -> None:
    word = WORD[dst.itemsize]
    launcher(put_grid, word, word, "i8", "i8", int)(dst, src, index, walk.geometry, walk.total)


def add(dst, src, index, walk: Walk) -> None:
    reduce(dst, src, index, walk, SUM)


def reduce(dst, src, index, walk: Walk, how: int) -> None:
    numbers = walk.geometry.tolist()
    length, size, wrap, step = numbers[1:5]
    dims = [numbers[at : at + 4] for at in range(8, len(numbers), 4)] + [[length, *numbers[5:8]]]
    named, free = _dimensions([d for d in dims if d[3]]), _dimensions([d for d in dims if not d[3]])
    n, beyond = int(named[1]), dst.buffer.nbytes // dst.itemsize
    found, sources, places, order = (DeviceArray.empty((n,), "i8", dst.device) for _ in range(4))
    launch = launcher(places_grid, "i8", "i8", "i8", "i8", *[int] * 5)
    launch(found, sources, index, named, size, wrap, step, beyond, n)
    if n:
        sort(places, order, found, 0, beyond.bit_length())
    launch = launcher(combine_grid, dst.dtype, dst.dtype, *["i8"] * 4, *[int] * 4)
    launch(dst, src, places, order, sources, free, how, beyond, n, n * int(free[1]))


def _dimensions(dims: list[list[int]]) -> np.ndarray:
    """The geometry of these dimensions: their number, how many elements they have, and so on as in a walk."""
    return np.array(
        [len(dims), prod([d[0] for d in dims]), *[0] * 6, *[n for d in dims for n in d]], np.int64
    )


def check(index, low: int, high: int, missed: DeviceArray) -> None:
    launcher(check_grid, "i8", int, int, "i8", int)(index, low, high, missed, index.size)


def offsets(out, index, walk: Walk, missed: DeviceArray) -> None:
    launch = launcher(offsets_grid, "i8", "i8", "i8", "i8", int)
    launch(out, index, missed, walk.geometry, walk.total)


def starts(starts, words, bits: int) -> None:
    launch = launcher(count_grid, "i8", words.dtype, int, int, int)
    launch(starts, words, bits, words.size, WARP * starts.size)  # of the block behind the last: none
    starts_of(starts)


def positions(out, words, bits: int, starts) -> None:
    launch = launcher(positions_grid, "i8", words.dtype, int, "i8", int, int)
    launch(out, words, bits, starts, words.size, WARP * (starts.size - 1))


def deal(dst, src, words, bits: int, starts) -> None:
    word = WORD[dst.itemsize]
    launch = launcher(deal_grid, word, word, words.dtype, int, "i8", int, int)
    launch(dst, src, words, bits, starts, words.size, WARP * (starts.size - 1))


def coordinates(out, words, bits: int, starts, shape: tuple[int, ...]) -> None:
    launch = launcher(coordinates_grid, "i8", words.dtype, int, "i8", "i8", int, int, int)
    numbers = np.array(shape, np.int64), len(shape), words.size, WARP * (starts.size - 1)
    launch(out, words, bits, starts, *numbers)


def spread(out, src, times: int, length: int) -> None:
    word = WORD[out.itemsize]
    launcher(spread_grid, word, word, int, int, int)(out, src, times, length, out.size)


def rotate(out, src, length: int, shift: int) -> None:
    word = WORD[out.itemsize]
    launcher(rotate_grid, word, word, int, int, int)(out, src, length, shift, out.size)


def unravel(out, flat, shape: tuple[int, ...]) -> None:
    launch = launcher(unravel_grid, "i8", "i8", "i8", int, int)
    launch(out, flat, np.array(shape, np.int64), len(shape), flat.size)
