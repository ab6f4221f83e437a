"""The kernels of ../grid.py on CUDA: a thread for each point, for which the functions of the CPU find the neighbours and
their weights, as for a block of one point.

Many points may give to one element of a picture. For its gradient the places of all points' neighbours are sorted, and a
thread adds up what goes to one of them, in its order, so the result is the same every time.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy import int64

from numbatorch_kernels import grid as cpu
from numbatorch_kernels.codes import BICUBIC, BILINEAR, NEAREST
from numbatorch_kernels.cuda import vecmath
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.clear import clear
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.sort import sort
from numbatorch_kernels.cuda.variants import ByDtype, copies, with_globals
from numbatorch_kernels.cuda.wide import offset, raw

PIECE = 1 << 20  # neighbours that are sorted together

# Globals of the kernels, which have their own for each mode, number of directions and type of elements.
ELEMENT, MODE, DIMS, TAPS = np.float32, BILINEAR, 2, 2
FOUND, PLACES = 4, 6  # neighbours of a point, and together with those in one direction
# Where in a thread's memory the other numbers begin, behind the weights, and how much there is.
OWN, SLOPES, AHEAD, SPARE, ROOM = 4, 8, 12, 14, 15
_neighbours, _of_points = cpu._neighbours, cpu._of_points


def element(_, number):
    return ELEMENT(number)


def neighbours(room, index, grid, sizes, at, padding, align):
    """A point's neighbours, and the weights and whatever else `_neighbours` finds, in `room`."""
    _neighbours(
        room, index, offset(room, OWN), offset(room, SLOPES), offset(room, AHEAD), offset(index, FOUND),
        offset(room, SPARE), grid, sizes, DIMS, at, 1, TAPS, MODE, padding, align,
    )  # fmt: skip


def sample_grid(out, x, grid, sizes, channels, elements, points, padding, align, n):
    room, index = raw(cuda.local.array(ROOM, ELEMENT)), raw(cuda.local.array(PLACES, int64))
    for at in range(cuda.grid(1), n, cuda.gridsize(1)):
        neighbours(room, index, grid, sizes, at, padding, align)
        picture, p = split(at, points)
        for c in range(picture * channels, (picture + 1) * channels):
            total = ELEMENT(0)
            for k in range(FOUND):
                if index[k] >= 0:
                    total += room[k] * x[c * elements + index[k]]
            out[c * points + p] = total


def gradient_grid(dgrid, grad, x, grid, sizes, channels, elements, points, padding, align, n):
    room, index = raw(cuda.local.array(ROOM, ELEMENT)), raw(cuda.local.array(PLACES, int64))
    dots, total = raw(cuda.local.array(FOUND, ELEMENT)), raw(cuda.local.array(1, ELEMENT))
    for at in range(cuda.grid(1), n, cuda.gridsize(1)):
        neighbours(room, index, grid, sizes, at, padding, align)
        picture, p = split(at, points)
        for k in range(FOUND):
            dots[k] = ELEMENT(0)
        for c in range(picture * channels, (picture + 1) * channels):
            g = grad[c * points + p]
            for k in range(FOUND):
                if index[k] >= 0:
                    dots[k] += g * x[c * elements + index[k]]
        _of_points(
            dgrid, dots, offset(room, OWN), offset(room, SLOPES), offset(room, AHEAD), total, offset(room, SPARE), DIMS,
            at, 1, FOUND, TAPS, MODE,
        )  # fmt: skip


def places_grid(places, weights, grid, sizes, elements, points, padding, align, first, beyond, n):
    """For each neighbour of the points from `first` on: where it is in the pictures of one channel, or `beyond` if there
    is none, and its weight."""
    room, index = raw(cuda.local.array(ROOM, ELEMENT)), raw(cuda.local.array(PLACES, int64))
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        neighbours(room, index, grid, sizes, first + i, padding, align)
        picture, _ = split(first + i, points)
        for k in range(FOUND):
            places[i * FOUND + k] = picture * elements + index[k] if index[k] >= 0 else beyond
            weights[i * FOUND + k] = room[k]


def combine_grid(
    dx, grad, weights, places, order, channels, elements, points, found, first, beyond, length, n
):
    """What the points from `first` on give to each place, in each channel, is added there by the thread of the first that
    does."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, s = split(i, length)
        place = places[s]
        if place < beyond and (s == 0 or places[s - 1] != place):
            picture, at = split(place, elements)
            plane = picture * channels + c
            total, g = dx[plane * elements + at], plane * points + first - picture * points
            while s < length and places[s] == place:
                k, _ = split(order[s], found)
                total += weights[order[s]] * grad[g + k]
                s += 1
            dx[plane * elements + at] = total


# ---- kernels for each mode, number of directions and type of elements ----


class _Kernels(NamedTuple):
    sample_grid: Any
    gradient_grid: Any
    places_grid: Any


def _kernels(name: str, mode: int, dims: int, code: str) -> _Kernels:
    """The kernels of which the tuple `name` consists."""
    real, ending = (np.float32, "f32") if code == "f4" else (np.float64, "f64")
    taps = cpu.TAPS[mode]
    found, along = taps**dims, taps * dims
    names: dict[str, Any] = {
        "ELEMENT": real, "MODE": mode, "DIMS": dims, "TAPS": taps, "FOUND": found, "PLACES": found + taps, "BLOCK": 1,
        "OWN": found, "SLOPES": found + along, "AHEAD": found + 2 * along, "SPARE": found + 2 * along + dims,
        "ROOM": found + 2 * along + dims + 1,
        "offset": offset, "floor": getattr(vecmath, f"floor_{ending}"), "rint": getattr(vecmath, f"rint_{ending}"),
    }  # fmt: skip
    names["element"] = device_function(with_globals(element, names))
    for part in "_pad _near _far _near_slope _far_slope _along _slopes _neighbours _of_points".split():
        names[part] = device_function(with_globals(getattr(cpu, part).py_func, names))
    names["neighbours"] = device_function(with_globals(neighbours, names))
    return _Kernels(*copies(_Kernels, name, (sample_grid, gradient_grid, places_grid), names))


def _by_dtype(name: str, mode: int, dims: int) -> ByDtype:
    return ByDtype(f4=_kernels(f"{name}.f4", mode, dims, "f4"), f8=_kernels(f"{name}.f8", mode, dims, "f8"))


bilinear2, bilinear3 = _by_dtype("bilinear2", BILINEAR, 2), _by_dtype("bilinear3", BILINEAR, 3)
nearest2, nearest3 = _by_dtype("nearest2", NEAREST, 2), _by_dtype("nearest3", NEAREST, 3)
bicubic2 = _by_dtype("bicubic2", BICUBIC, 2)
_KERNELS = {
    (BILINEAR, 2): bilinear2,
    (BILINEAR, 3): bilinear3,
    (NEAREST, 2): nearest2,
    (NEAREST, 3): nearest3,
    (BICUBIC, 2): bicubic2,
}


def _of(pictures: DeviceArray, mode: int) -> _Kernels:
    return _KERNELS[mode, pictures.ndim - 2].of(pictures.dtype)


def _launch(kernel: Any, arrays: tuple, pictures: DeviceArray, padding: int, align: bool) -> None:
    """A kernel of these arrays, the grid last."""
    sizes, places, dtype = pictures.shape[2:], arrays[-1].shape[:-1], pictures.dtype
    launch = launcher(kernel, *[dtype] * len(arrays), "i8", *[int] * 6)
    numbers = pictures.shape[1], prod(sizes), prod(places[1:]), padding, int(align)
    launch(*arrays, np.array(sizes, np.int64), *numbers, prod(places))


def grid_sample(out, x, grid, mode: int, padding: int, align: bool) -> None:
    """See ../grid.py, for those below too."""
    _launch(_of(x, mode).sample_grid, (out, x, grid), x, padding, align)


def backward_for_grid(dgrid, grad, x, grid, mode: int, padding: int, align: bool) -> None:
    _launch(_of(x, mode).gradient_grid, (dgrid, grad, x, grid), x, padding, align)


def backward_for_pictures(dx, grad, grid, mode: int, padding: int, align: bool) -> None:
    sizes, dtype = dx.shape[2:], dx.dtype
    channels, elements, points = dx.shape[1], prod(sizes), prod(grid.shape[1:-1])
    found, beyond, count = cpu.TAPS[mode] ** len(sizes), len(dx) * elements, len(dx) * points
    clear(dx)
    find = launcher(_of(dx, mode).places_grid, "i8", dtype, dtype, "i8", *[int] * 7)
    combine = launcher(combine_grid, dtype, dtype, dtype, "i8", "i8", *[int] * 8)
    for first in range(0, count, PIECE // found):
        n = min(PIECE // found, count - first)
        unsorted, places, order = (DeviceArray.empty((n * found,), "i8", dx.device) for _ in range(3))
        weights = DeviceArray.empty((n * found,), dtype, dx.device)
        numbers = elements, points, padding, int(align), first, beyond, n
        find(unsorted, weights, grid, np.array(sizes, np.int64), *numbers)
        sort(places, order, unsorted, 0, beyond.bit_length())
        arrays = dx, grad, weights, places, order
        combine(*arrays, channels, elements, points, found, first, beyond, n * found, n * found * channels)
