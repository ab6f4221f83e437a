"""Convolutions on CUDA: `tiles.product`, one operand of which is no matrix in memory: its element is looked up in the
image, with zeros outside.

                rows                        columns                      k, what is added up
    forward     channels of y               places of y, all images      channels of x, taps
    for_input   channels of x               places of x, all images      channels of y, taps
    for_weight  channels of y               channels of x, taps          places of y, all images

What a thread needs of its place it works out once; what it needs of each channel and tap is in a table: how far from the
place its element is, in memory and in each direction. float16 and bfloat16 are read and written as they are, and computed
with in float32.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from numbatorch_kernels.codes import Geometry
from numbatorch_kernels.conv import table_of
from numbatorch_kernels.cuda import tiles
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.tiles import HEAD, INDEX, LARGE, LINES, kernels, lane, lane_along
from numbatorch_kernels.cuda.variants import ByDtype

# Behind the head of the geometry: of the result, how far apart rows are and how many places an image has; its channels;
# channels of the image that is looked up, of a group of them; its size, the size of what its places are those of, stride
# and padding; taps.
PLACES, CHANNELS, SOURCES, PART, SIZE, OTHER, STRIDE, PADDING, TAPS = [
    HEAD + n for n in (0, 1, 2, 3, 4, 7, 10, 13, 16)
]
ENTRY = 5  # numbers of a channel and tap: how far its element is, in memory; the tap's in each direction; its weight's place


def weight_of(geometry, group, i, k):
    begin = (group * geometry[tiles.ROWS] + i) * geometry[tiles.LENGTH] + k
    return INDEX(begin), INDEX(LINES * geometry[tiles.LENGTH])


def weight(table, geometry, of, k, e):
    """Channel of y by k."""
    return INDEX(of[0] + e * of[1] + k)


def turned_weight_of(geometry, group, i, k):
    channels, taps = geometry[PART] * geometry[tiles.ROWS], geometry[TAPS]
    return INDEX((group * channels + i) * taps), INDEX(LINES * taps), INDEX(k)


def turned_weight(table, geometry, of, k, e):
    """Channel of x by k."""
    return INDEX(of[0] + e * of[1] + table[(of[2] + k) * ENTRY + 4])


def gradient_of(geometry, group, i, k):
    places = geometry[OTHER] * geometry[OTHER + 1] * geometry[OTHER + 2]
    return INDEX((group * geometry[tiles.ROWS] + i) * places), INDEX(LINES * places), INDEX(k)


def gradient(table, geometry, of, k, e):
    """Channel of y by place."""
    places = geometry[OTHER] * geometry[OTHER + 1] * geometry[OTHER + 2]
    image, place = split(of[2] + k, places)
    return INDEX(of[0] + e * of[1] + image * geometry[tiles.GROUPS] * geometry[tiles.ROWS] * places + place)


def corner(geometry, group, place):
    """Where the window of a place begins: the element there, were it inside, and its place in each direction."""
    rest, w = split(place, geometry[OTHER + 2])
    rest, h = split(rest, geometry[OTHER + 1])
    image, d = split(rest, geometry[OTHER])
    d = d * geometry[STRIDE] - geometry[PADDING]
    h = h * geometry[STRIDE + 1] - geometry[PADDING + 1]
    w = w * geometry[STRIDE + 2] - geometry[PADDING + 2]
    plane = image * geometry[SOURCES] + group * geometry[PART]
    begin = ((plane * geometry[SIZE] + d) * geometry[SIZE + 1] + h) * geometry[SIZE + 2] + w
    return INDEX(begin), INDEX(d), INDEX(h), INDEX(w)


def window_of(geometry, group, j, k):
    begin, d, h, w = corner(geometry, group, j)
    return begin, d, h, w, INDEX(k)


def window(table, geometry, of, k, e):
    """(Channel of x, tap) by place of y."""
    at = (of[4] + k) * ENTRY
    d, h, w = of[1] + table[at + 1], of[2] + table[at + 2], of[3] + table[at + 3]
    if d < 0 or d >= geometry[SIZE] or h < 0 or h >= geometry[SIZE + 1] or w < 0 or w >= geometry[SIZE + 2]:
        return INDEX(-1)
    return INDEX(of[0] + table[at])


def tap_of(geometry, group, j, k):
    return INDEX(group), INDEX(j * ENTRY), INDEX(k)


def tap(table, geometry, of, k, e):
    """Place of y by (channel of x, tap)."""
    begin, d, h, w = corner(geometry, of[0], of[2] + k)
    d, h, w = d + table[of[1] + 1], h + table[of[1] + 2], w + table[of[1] + 3]
    if d < 0 or d >= geometry[SIZE] or h < 0 or h >= geometry[SIZE + 1] or w < 0 or w >= geometry[SIZE + 2]:
        return INDEX(-1)
    return INDEX(begin + table[of[1]])


def reached_of(geometry, group, j, k):
    rest, w = split(j, geometry[OTHER + 2])
    rest, h = split(rest, geometry[OTHER + 1])
    image, d = split(rest, geometry[OTHER])
    plane = image * geometry[SOURCES] + group * geometry[PART]
    d, h, w = d + geometry[PADDING], h + geometry[PADDING + 1], w + geometry[PADDING + 2]
    return INDEX(plane), INDEX(d), INDEX(h), INDEX(w), INDEX(k)


def reached(table, geometry, of, k, e):
    """(Channel of y, tap) by place of x."""
    at = (of[4] + k) * ENTRY
    d, h, w = of[1] - table[at + 1], of[2] - table[at + 2], of[3] - table[at + 3]
    if d < 0 or h < 0 or w < 0:
        return INDEX(-1)
    (d, of_d), (h, of_h) = split(d, geometry[STRIDE]), split(h, geometry[STRIDE + 1])
    w, of_w = split(w, geometry[STRIDE + 2])
    if of_d + of_h + of_w > 0 or d >= geometry[SIZE] or h >= geometry[SIZE + 1] or w >= geometry[SIZE + 2]:
        return INDEX(-1)
    return INDEX(((of[0] * geometry[SIZE] + d) * geometry[SIZE + 1] + h) * geometry[SIZE + 2] + w + table[at])


def rows_of(geometry, group):
    first = group * geometry[tiles.ROWS]
    return first * geometry[PLACES], geometry[PLACES], first, 1


def column_of(geometry, j):
    image, place = split(j, geometry[PLACES])
    return image * geometry[CHANNELS] * geometry[PLACES] + place, 0


RESULT = {"left_lane": lane, "right_lane": lane_along, "rows_of": rows_of, "column_of": column_of}
FORWARD = RESULT | {"left_of": weight_of, "left": weight, "right_of": window_of, "right": window}
FOR_INPUT = RESULT | {
    "left_of": turned_weight_of,
    "left": turned_weight,
    "right_of": reached_of,
    "right": reached,
}
FOR_WEIGHT = RESULT | {"left_of": gradient_of, "left": gradient, "right_of": tap_of, "right": tap}

forward_kernels = ByDtype(
    f4=kernels("forward_kernels.f4", "f4", FORWARD, LARGE),
    f8=kernels("forward_kernels.f8", "f8", FORWARD),
    i8=kernels("forward_kernels.i8", "i8", FORWARD),
    f2=kernels("forward_kernels.f2", "f2", FORWARD, LARGE),
    u2=kernels("forward_kernels.u2", "u2", FORWARD),  # bfloat16
)
input_kernels = ByDtype(
    f4=kernels("input_kernels.f4", "f4", FOR_INPUT),
    f8=kernels("input_kernels.f8", "f8", FOR_INPUT),
    i8=kernels("input_kernels.i8", "i8", FOR_INPUT),
    f2=kernels("input_kernels.f2", "f2", FOR_INPUT),
    u2=kernels("input_kernels.u2", "u2", FOR_INPUT),  # bfloat16
)
weight_kernels = ByDtype(
    f4=kernels("weight_kernels.f4", "f4", FOR_WEIGHT),
    f8=kernels("weight_kernels.f8", "f8", FOR_WEIGHT),
    f2=kernels("weight_kernels.f2", "f2", FOR_WEIGHT),
    u2=kernels("weight_kernels.u2", "u2", FOR_WEIGHT),  # bfloat16
)


@lru_cache(maxsize=256)
def _taps(
    channels: int,
    turned: int,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    dilation: tuple[int, ...],
    device: int,
) -> DeviceArray:
    """The entry of each channel and tap. A place in memory counts the steps of the tap only where the window is read from
    its corner on; `turned` is how many weights a channel of y has, where those of one of x are read."""
    channel, *at = np.meshgrid(*map(np.arange, (channels, *kernel)), indexing="ij")
    steps = [a * n for a, n in zip(at, dilation)]
    numbers = np.empty((*channel.shape, ENTRY), np.int64)
    numbers[..., 0] = channel * prod(size)
    if not turned:
        numbers[..., 0] += (steps[0] * size[1] + steps[1]) * size[2] + steps[2]
    numbers[..., 1], numbers[..., 2], numbers[..., 3] = steps
    numbers[..., 4] = channel * turned + np.arange(prod(kernel)).reshape(kernel)
    return DeviceArray.from_host(numbers.reshape(-1), device)


def _run(
    of: tiles.Kernels,
    out,
    a,
    b,
    bias,
    shapes: list,
    transposed: bool,
    sizes: tuple,
    places: int,
    channels: int,
) -> None:
    """`shapes` are the numbers of `table_of`; the taps look into y if `transposed`, else into x."""
    if not out.size:
        return
    groups, of_y, part, (y, x, kernel, stride, padding, dilation) = (
        *shapes[:3],
        [shapes[3 + 3 * n : 6 + 3 * n] for n in range(6)],
    )
    source, other = (y, x) if transposed else (x, y)
    sources, each = (of_y, of_y // groups) if transposed else (part * groups, part)
    turned = part * prod(kernel) if transposed else 0
    table = _taps(each, turned, tuple(source), tuple(kernel), tuple(dilation), out.device)
    numbers = [1, 1, places, channels, sources, each, *source, *other, *stride, *padding, prod(kernel)]
    tiles.run(of, out, a, b, a if bias is None else bias, table, sizes, numbers, 1, int(bias is not None))


def forward(out: DeviceArray, x: DeviceArray, w: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    shapes, places = table_of(geometry, out.shape, x.shape, w.shape).tolist(), prod(out.shape[2:])
    sizes = (geometry.groups, w.shape[0] // geometry.groups, out.shape[0] * places, prod(w.shape[1:]))
    _run(forward_kernels.of(out.dtype), out, w, x, bias, shapes, False, sizes, places, out.shape[1])


def for_input(out: DeviceArray, y: DeviceArray, w: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    shapes, places = table_of(geometry, y.shape, out.shape, w.shape).tolist(), prod(out.shape[2:])
    length = w.shape[0] // geometry.groups * prod(w.shape[2:])
    sizes = (geometry.groups, w.shape[1], out.shape[0] * places, length)
    _run(input_kernels.of(out.dtype), out, w, y, bias, shapes, True, sizes, places, out.shape[1])


def for_weight(out: DeviceArray, y: DeviceArray, x: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    shapes, columns = table_of(geometry, y.shape, x.shape, out.shape).tolist(), prod(out.shape[1:])
    sizes = (geometry.groups, out.shape[0] // geometry.groups, columns, y.shape[0] * prod(y.shape[2:]))
    _run(weight_kernels.of(out.dtype), out, y, x, None, shapes, False, sizes, columns, 0)
