"""The kernels of ../index.py on CUDA: a thread for each element of the small tensor.

Where several elements of the small tensor go to one place of the big one (`add`, `reduce`), a thread has a
place and combines them in their order, so the result is the same every time; the host sorts the places, which
it has to look at anyway to know how many there are.
"""

from __future__ import annotations

import numpy as np

from numbatorch_kernels import index as cpu
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
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


def add_grid(dst, src, places, starts, sources, free, n):
    """dst[place p + q] += every src[s + q], for s in sources[starts[p]:starts[p + 1]] and q in the free
    dimensions, which `free` describes."""
    columns = free[1]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        p = k // columns
        small, big, _ = row_starts(free, k % columns)
        place = places[p] + big
        value = dst[place]
        for s in range(starts[p], starts[p + 1]):
            value = value + src[sources[s] + small]
        dst[place] = value


def reduce_grid(dst, src, places, starts, sources, free, how, n):
    columns = free[1]
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        p = k // columns
        small, big, _ = row_starts(free, k % columns)
        place = places[p] + big
        value = dst[place]
        for s in range(starts[p], starts[p + 1]):
            value = combined(how, value, src[sources[s] + small])
        dst[place] = value


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
    launch = launcher(add_grid, dst.dtype, dst.dtype, "i8", "i8", "i8", "i8", int)
    places, starts, sources, free = _grouped(index, walk)
    launch(dst, src, places, starts, sources, free, places.size * int(free[1]))


def reduce(dst, src, index, walk: Walk, how: int) -> None:
    launch = launcher(reduce_grid, dst.dtype, dst.dtype, "i8", "i8", "i8", "i8", int, int)
    places, starts, sources, free = _grouped(index, walk)
    launch(dst, src, places, starts, sources, free, how, places.size * int(free[1]))


def _grouped(index: DeviceArray, walk: Walk) -> tuple[DeviceArray, DeviceArray, DeviceArray, np.ndarray]:
    """The different places that the index names, where the sources of each begin, the sources, and the
    geometry of the dimensions that the index does not depend on: their number, their size, and so on as in a
    walk."""
    numbers = walk.geometry.tolist()
    length, wrap, step = numbers[1], numbers[3], numbers[4]
    dims = [numbers[at : at + 4] for at in range(8, len(numbers), 4)] + [[length, *numbers[5:8]]]
    named, free = [d for d in dims if d[3]], [d for d in dims if not d[3]]
    shape = [d[0] for d in named]
    values = index.as_strided(shape, [d[3] * 8 for d in named]).copy_to_host()
    small, big = (sum_of(shape, [d[k] for d in named]) for k in (1, 2))
    big = (big + np.where(values < 0, values + wrap, values) * step).reshape(-1)
    order = np.argsort(big, kind="stable")
    places, starts = np.unique(big[order], return_index=True)
    arrays = places, np.append(starts, big.size), small.reshape(-1)[order]
    columns = 1
    for d in free:
        columns *= d[0]
    geometry = np.array([len(free), columns, *[0] * 6, *[n for d in free for n in d]], np.int64)
    there = [DeviceArray.from_host(a.astype(np.int64), index.device) for a in arrays]
    return there[0], there[1], there[2], geometry


def sum_of(shape: list[int], strides: list[int]) -> np.ndarray:
    """Where each element of a tensor with this geometry is."""
    result = np.zeros(shape, np.int64)
    for d, (n, stride) in enumerate(zip(shape, strides, strict=True)):
        result += (np.arange(n) * stride).reshape([n if k == d else 1 for k in range(len(shape))])
    return result


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
