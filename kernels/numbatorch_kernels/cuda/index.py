"""The kernels of ../index.py on CUDA: a thread for each element of the small tensor.

Where several elements of the small tensor go to one place of the big one (`add`, `reduce`), the places are sorted, and a
thread combines what goes to one of them, in its order, so the result is the same every time.
"""

from __future__ import annotations

from math import prod

import numpy as np

from numbatorch_kernels import index as cpu
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.sort import sort
from numbatorch_kernels.index import BLOCK, WORD, Walk

row_starts = device_function(cpu.row_starts)
combined = device_function(cpu.combined)


def take_grid(out, src, index, missed, geometry, n):
    length, size, wrap, step = geometry[1], geometry[2], geometry[3], geometry[4]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        small, big, at = row_starts(geometry, k // length)
        j = k % length
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        if i < 0 or i >= size:
            missed[0] = 1
        else:
            out[small + j * geometry[5]] = src[big + j * geometry[6] + i * step]


def put_grid(dst, src, index, geometry, n):
    length, wrap, step = geometry[1], geometry[3], geometry[4]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        small, big, at = row_starts(geometry, k // length)
        j = k % length
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        dst[big + j * geometry[6] + i * step] = src[small + j * geometry[5]]


def places_grid(places, sources, index, named, wrap, step, n):
    """For each element of the index, the place in the big tensor that it names and the place in the small one."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        small, big, at = row_starts(named, k)
        i = index[at]
        places[k] = big + (i + wrap if i < 0 else i) * step
        sources[k] = small


def add_grid(dst, src, places, order, sources, free, length, n):
    """dst[place + q] += every src[source + q] of that place, for q in the free dimensions, which `free` describes. The thread
    of the first source of a place does it, in the order of the sources."""
    columns = free[1]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        s = k // columns
        place = places[s]
        if s == 0 or places[s - 1] != place:
            small, big, _ = row_starts(free, k % columns)
            value = dst[place + big]
            while s < length and places[s] == place:
                value = value + src[sources[order[s]] + small]
                s += 1
            dst[place + big] = value


def reduce_grid(dst, src, places, order, sources, free, how, length, n):
    columns = free[1]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        s = k // columns
        place = places[s]
        if s == 0 or places[s - 1] != place:
            small, big, _ = row_starts(free, k % columns)
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
        small, _, at = row_starts(geometry, k // length)
        j = k % length
        i = index[at + j * geometry[7]]
        if i < 0:
            i += wrap
        if i < 0 or i >= size:
            missed[0] = 1
        else:
            place = small + j * geometry[5]
            out[place] = out[place] + i * step


def count_grid(counts, words, bits, length, n):
    for block in range(cuda.grid(1), n, cuda.gridsize(1)):
        found = 0
        for i in range(block * BLOCK, min(length, (block + 1) * BLOCK)):
            if (words[i] & bits[0]) != 0:
                found += 1
        counts[block] = found


def positions_grid(out, words, bits, starts, n):
    for block in range(cuda.grid(1), n, cuda.gridsize(1)):
        i, k = block * BLOCK, starts[block]
        while k < starts[block + 1]:
            if (words[i] & bits[0]) != 0:
                out[k] = i
                k += 1
            i += 1


def coordinates_grid(out, words, bits, starts, shape, ndim, n):
    for block in range(cuda.grid(1), n, cuda.gridsize(1)):
        i, k = block * BLOCK, starts[block]
        while k < starts[block + 1]:
            if (words[i] & bits[0]) != 0:
                rest = i
                for d in range(ndim - 1, -1, -1):
                    out[k * ndim + d] = rest % shape[d]
                    rest //= shape[d]
                k += 1
            i += 1


def spread_grid(out, src, times, length, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[k] = src[k // (times * length) * length + k % length]


def rotate_grid(out, src, length, shift, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        j = k % length
        out[k] = src[k - shift if j >= shift else k - shift + length]


def unravel_grid(out, flat, shape, ndim, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest = flat[k]
        for d in range(ndim - 1, -1, -1):
            out[k * ndim + d] = rest % shape[d]
            rest //= shape[d]


# ---- launchers, as in ../index.py ----


class _Flag:
    """A number on the device that the host looks at when the `with` block ends; or one that is on the device already,
    for somebody else to look at."""

    def __init__(self, number: np.ndarray | DeviceArray, device: int):
        self.number = number
        self.array = DeviceArray.from_host(number, device) if isinstance(number, np.ndarray) else number

    def __enter__(self) -> DeviceArray:
        return self.array

    def __exit__(self, *exception) -> None:
        if isinstance(self.number, np.ndarray):
            self.number[...] = self.array.copy_to_host()


def take(out, src, index, walk: Walk, missed: np.ndarray | DeviceArray) -> None:
    word = WORD[out.itemsize]
    with _Flag(missed, out.device) as flag:
        launcher(take_grid, word, word, "i8", "i8", "i8", int)(
            out, src, index, flag, walk.geometry, walk.total
        )


def put(dst, src, index, walk: Walk) -> None:
    word = WORD[dst.itemsize]
    launcher(put_grid, word, word, "i8", "i8", int)(dst, src, index, walk.geometry, walk.total)


def add(dst, src, index, walk: Walk) -> None:
    launch = launcher(add_grid, dst.dtype, dst.dtype, *["i8"] * 4, int, int)
    places, order, sources, free = _grouped(dst, index, walk)
    launch(dst, src, places, order, sources, free, places.size, places.size * int(free[1]))


def reduce(dst, src, index, walk: Walk, how: int) -> None:
    launch = launcher(reduce_grid, dst.dtype, dst.dtype, *["i8"] * 4, int, int, int)
    places, order, sources, free = _grouped(dst, index, walk)
    launch(dst, src, places, order, sources, free, how, places.size, places.size * int(free[1]))


def _grouped(dst, index: DeviceArray, walk: Walk) -> tuple[DeviceArray, DeviceArray, DeviceArray, np.ndarray]:
    """The places that the index names, sorted; which element of the index each is of; for each of these the place in the
    small tensor; and the geometry of the dimensions that the index does not depend on: their number, their size, and so on
    as in a walk."""
    numbers = walk.geometry.tolist()
    length, wrap, step = numbers[1], numbers[3], numbers[4]
    dims = [numbers[at : at + 4] for at in range(8, len(numbers), 4)] + [[length, *numbers[5:8]]]
    named, free = _dimensions([d for d in dims if d[3]]), _dimensions([d for d in dims if not d[3]])
    n, device = int(named[1]), index.device
    found, sources, places, order = (DeviceArray.empty((n,), "i8", device) for _ in range(4))
    launch = launcher(places_grid, "i8", "i8", "i8", "i8", int, int, int)
    launch(found, sources, index, named, wrap, step, n)
    if n:
        sort(places, order, found, 0, (dst.buffer.nbytes // dst.itemsize).bit_length())
    return places, order, sources, free


def _dimensions(dims: list[list[int]]) -> np.ndarray:
    """Their number, how many elements they have, and so on as in a walk."""
    return np.array(
        [len(dims), prod([d[0] for d in dims]), *[0] * 6, *[n for d in dims for n in d]], np.int64
    )


def check(index, low: int, high: int, missed: np.ndarray) -> None:
    with _Flag(missed, index.device) as flag:
        launcher(check_grid, "i8", int, int, "i8", int)(index, low, high, flag, index.size)


def offsets(out, index, walk: Walk, missed: np.ndarray | DeviceArray) -> None:
    with _Flag(missed, out.device) as flag:
        launcher(offsets_grid, "i8", "i8", "i8", "i8", int)(out, index, flag, walk.geometry, walk.total)


def count(counts, words, bits: np.ndarray) -> None:
    launch = launcher(count_grid, "i8", words.dtype, words.dtype, int, int)
    launch(counts, words, DeviceArray.from_host(bits, words.device), words.size, counts.size)


def positions(out, words, bits: np.ndarray, starts: np.ndarray) -> None:
    launch = launcher(positions_grid, "i8", words.dtype, words.dtype, "i8", int)
    there = [DeviceArray.from_host(a, out.device) for a in (bits, starts)]
    launch(out, words, *there, starts.size - 1)


def coordinates(out, words, bits: np.ndarray, starts: np.ndarray, shape: tuple[int, ...]) -> None:
    launch = launcher(coordinates_grid, "i8", words.dtype, words.dtype, "i8", "i8", int, int)
    there = [DeviceArray.from_host(a, out.device) for a in (bits, starts)]
    launch(out, words, *there, np.array(shape, np.int64), len(shape), starts.size - 1)


def spread(out, src, times: int, length: int) -> None:
    word = WORD[out.itemsize]
    launcher(spread_grid, word, word, int, int, int)(out, src, times, length, out.size)


def rotate(out, src, length: int, shift: int) -> None:
    word = WORD[out.itemsize]
    launcher(rotate_grid, word, word, int, int, int)(out, src, length, shift, out.size)


def unravel(out, flat, shape: tuple[int, ...]) -> None:
    launch = launcher(unravel_grid, "i8", "i8", "i8", int, int)
    launch(out, flat, np.array(shape, np.int64), len(shape), flat.size)
