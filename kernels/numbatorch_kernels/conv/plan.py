"""What a convolution does, in numbers for the kernels.

A `Direction` is one of the three of an image: how many places the result has, and what each tap reads. That of a
convolution is one; a transposed one of stride s is s of them, for the places p, p + s, p + 2 s ... of its result are
reached by the same taps, at steps of one in the image: nothing is multiplied by a zero, nothing is added twice.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import gcd, prod
from typing import NamedTuple

import numpy as np

from numbatorch_kernels.gemm.blocked import BYTES_OF_A, DEPTH
from numbatorch_kernels.gemm.tile import registers

COLUMNS = 1024  # of a piece, about
OF_PLANE = 4096  # of a piece of one without a matrix product
OF_BAND = 1 << 16  # of all of its channels
OF_IMAGES = 1 << 19  # elements of images, and results, with which one of images.py is in the caches
SHARE = 1 << 19  # multiplications worth a thread
FEW = 8  # channels: with fewer, threads share places
ROWS = 3  # channels of the result of a group: with no more, a tile would be mostly empty
CHUNKS = 8  # of these


def _up(n: int, by: int) -> int:
    """n / by, rounded up."""
    return -(-n // by)


class Direction(NamedTuple):
    """Place m of `places`, of the result `first + m * every`, reads at m * step + shifts[i] with tap taps[i]."""

    places: int
    step: int
    shifts: tuple[int, ...]
    taps: tuple[int, ...]
    first: int = 0
    every: int = 1

    @property
    def span(self) -> int:
        """How far the taps of a place are apart."""
        return max(self.shifts) - min(self.shifts)


def forward_direction(count: int, kernel: int, stride: int, padding: int, dilation: int) -> Direction:
    """Of a convolution."""
    taps = tuple(range(kernel))
    return Direction(count, stride, tuple([t * dilation - padding for t in taps]), taps)


def transposed_directions(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> list[Direction]:
    """Of a transposed convolution with a result of `size`: one for each remainder, also where no tap goes."""
    found = []
    for first in range(min(stride, size)):
        taps = tuple([t for t in range(kernel) if (first + padding - t * dilation) % stride == 0])
        shifts = tuple([(first + padding - t * dilation) // stride for t in taps])
        found.append(Direction(_up(size - first, stride), 1, shifts, taps, first, stride))
    return found


class Layout(NamedTuple):
    """An array (N, channels, depth, height, width), or weights: its sizes and strides, in elements."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]


class Plan(NamedTuple):
    """What the kernels of one convolution need: see the names in `plan_of`."""

    table: np.ndarray
    weights: np.ndarray  # for pack_weights
    regions: int  # of packed weights, and how large each is
    region: int
    scratch: int  # elements of a share
    shares: int
    bias: tuple[int, int, int]  # groups, rows of a group, as many equal numbers
    kind: str  # "matrix", "direct" or "images": for implicit.py, direct.py or images.py


def _written(directions: tuple[Direction, Direction, Direction], out: Layout) -> list[int]:
    """Where in `out` the first element is written, and how far apart images, channels and places in each direction lie."""
    strides = out.strides[2:]
    start = sum(d.first * s for d, s in zip(directions, strides))
    return [start, *out.strides[:2], *[d.every * s for d, s in zip(directions, strides)]]


def _in_tiles(rows: int, pieces: int, height: int) -> tuple[int, int]:
    """How many pieces, about `pieces`, the rows of a group are cut into, and the rows of one: whole tiles."""
    each = _up(_up(rows, pieces), height) * height
    return _up(rows, each), each


def _pieces(counts: tuple[int, ...], runs: int, target: int, width: int) -> tuple[int, int, int]:
    """Runs, lines and columns of pieces with about `target` places."""
    _, lines, columns = counts
    if columns >= target:
        columns = _up(columns, _up(columns, target))
        return 1, 1, _up(columns, width) * width
    most = min(lines, target // columns)
    if most < lines:
        return 1, _up(lines, _up(lines, most)), columns
    most = min(runs, max(1, target // (columns * lines)))
    return _up(runs, _up(runs, most)), lines, columns


def _count(counts: tuple[int, ...], runs: int, piece: tuple[int, int, int]) -> int:
    return prod(_up(n, m) for n, m in zip((runs, *counts[1:]), piece))


class Band(NamedTuple):
    """The part of an image that a piece of the result reads: see band.py."""

    plane: int  # elements of a channel
    lines: int  # of a run and a tap in depth
    hand: int  # elements of a line that one hand has
    span: int  # lines that the taps of a place reach over
    least: tuple[int, int]  # the smallest shift of lines and columns
    taps: list[int]  # where each tap reads, in the band or in the image


def inside(directions: tuple[Direction, Direction, Direction], x: Layout) -> bool:
    """Whether the image, if it is contiguous, will do as its own band: nothing is read outside, and neighbours are
    neighbours."""
    return directions[2].step == 1 and all(
        min(d.shifts) >= 0 and (d.places - 1) * d.step + max(d.shifts) < size
        for d, size in zip(directions, x.sizes[2:])
    )


def band_of(
    directions: tuple[Direction, Direction, Direction], x: Layout, piece: tuple[int, int, int], in_place: bool
) -> Band:
    """For pieces of so many runs, lines and columns."""
    far, down, right = [d.shifts for d in directions]
    step, up, left = directions[2].step, min(down), min(right)
    span = directions[1].span + 1
    lines = (piece[1] - 1) * directions[1].step + span
    hand = piece[2] + directions[2].span // step + 1
    if in_place:
        taps = [sum(s * t for s, t in zip(at, x.strides[2:])) for at in product(far, down, right)]
        return Band(x.strides[1], lines, hand, span, (up, left), taps)
    taps = [
        (a * lines + h - up) * step * hand + (v - left) % step * hand + (v - left) // step
        for a in range(len(far))
        for h in down
        for v in right
    ]
    return Band(piece[0] * len(far) * lines * step * hand, lines, hand, span, (up, left), taps)


@lru_cache(maxsize=512)
def plan_of(
    directions: tuple[Direction, Direction, Direction],
    x: Layout,
    w: Layout,
    out: Layout,
    groups: int,
    transposed: bool,
    biased: bool,
    plain: bool,
    itemsize: int,
    threads: int,
) -> Plan:
    """The plan for a result `out` (N, groups * rows, ...) from x (N, groups * channels, ...), rows and channels being
    the first two dimensions of w, or if transposed the other way round. `plain` if x is contiguous."""
    tile = registers()
    height, width = tile.rows, tile.vectors * tile.bytes // itemsize
    images, rows, channels = x.sizes[0], out.sizes[1] // groups, x.sizes[1] // groups
    counts, steps = tuple([d.places for d in directions]), tuple([d.step for d in directions])
    taps = [len(d.taps) for d in directions]
    neighbours = counts[2] if max(steps[1:]) > 1 else counts[1] * counts[2]
    direct = rows <= ROWS and (neighbours >= width or (channels == 1 and groups >= FEW))
    in_place = plain and inside(directions, x) and not direct

    # pieces of the result, and threads
    runs, k = images * counts[0], channels * prod(taps)
    work = out.sizes[1] * images * prod(counts) * k
    shares = max(1, min(threads, work // SHARE))
    of_plane = min(OF_PLANE, OF_BAND // channels)
    targets = (of_plane, of_plane // 2) if direct else range(COLUMNS, 63, -64)
    candidates = [_pieces(counts, runs, target, width) for target in targets]

    def cost(piece: tuple[int, int, int]) -> int:
        rounds = _up(groups * _count(counts, runs, piece), shares)
        return rounds * (_up(prod(piece), width) * width + width)

    piece = min(candidates, key=cost)
    count = groups * _count(counts, runs, piece)
    m_pieces = 1 if direct else min(_up(rows, height), _up(shares, count))
    m_pieces, m_rows = _in_tiles(rows, m_pieces, height)
    shares = min(shares, count * m_pieces)
    blocks = 1 if direct else _up(k, DEPTH)
    depth = _up(k, blocks)

    band = band_of(directions, x, piece, in_place)
    of_band = 0 if in_place else (_up(depth - 1, prod(taps)) + 1) * band.plane + 4 * width
    kept = rows_kept(itemsize, height)
    strips = _up(prod(piece), width) if m_rows > kept else 1
    packed = (piece[1] * steps[1] * steps[2] * band.hand if direct else strips * depth * width) + 4 * width
    whole = height * width
    scratch = of_band + packed + whole
    padded_rows = _up(rows, height) * height
    region = padded_rows * depth + 1024
    reach = 1 + sum((n - 1) * s for n, s in zip(x.sizes, x.strides))
    table = [
        groups, rows, channels, biased, in_place, *counts, *steps, *x.sizes[2:], *x.strides,
        *_written(directions, out), runs, *piece, m_pieces, m_rows, depth, k, max(band.taps), *taps, reach,
        *band.least, band.lines, band.hand, band.span, band.plane, scratch, of_band, packed, region,
        *directions[0].shifts, *band.taps,
    ]  # fmt: skip
    row, channel = (w.strides[1], w.strides[0]) if transposed else w.strides[:2]
    of_w = [sum(t * s for t, s in zip(at, w.strides[2:])) for at in product(*[d.taps for d in directions])]
    group = w.sizes[0] // groups * w.strides[0]
    weights = [rows, k, depth, blocks, region, group, row, channel, len(of_w), *of_w]
    return Plan(
        np.array(table, np.int64),
        np.array(weights, np.int64),
        groups * blocks,
        region,
        scratch,
        shares,
        (groups, padded_rows, width),
        "direct" if direct else "matrix",
    )


@lru_cache(maxsize=512)
def images_of(
    directions: tuple[Direction, Direction, Direction],
    x: Layout,
    w: Layout,
    out: Layout,
    groups: int,
    transposed: bool,
    biased: bool,
    itemsize: int,
    threads: int,
) -> Plan | None:
    """The same for images.py; None where it would not be faster: for few or large images, or where taps are not
    neighbours."""
    tile = registers()
    height, width = tile.rows, tile.vectors * tile.bytes // itemsize
    images, rows, channels = x.sizes[0], out.sizes[1] // groups, x.sizes[1] // groups
    counts, sizes = tuple([d.places for d in directions]), x.sizes[2:]
    shifts = [sorted(d.shifts) for d in directions]
    taps = [len(s) for s in shifts]
    inside = [
        sum(0 <= m * d.step + shift < size for m in range(d.places) for shift in d.shifts)
        for d, size in zip(directions, sizes)
    ]
    items, padded_rows = groups * _up(images, width), _up(rows, height) * height
    multiplied = prod(inside) * _up(images, width) * width
    turned, made = prod(sizes) * channels * width + 4 * width, padded_rows * prod(counts) * width
    contiguous = (taps[1] * taps[2], taps[2], 1)
    regular = (
        shifts[2][-1] - shifts[2][0] == taps[2] - 1
        and taps == list(w.sizes[2:])
        and all(n == count or t == 1 for n, count, t in zip(w.strides[2:], contiguous, taps))
    )
    fits = turned + made <= OF_IMAGES and channels >= FEW and rows >= height
    if not (regular and fits and multiplied <= images * prod(counts) * prod(taps)):
        return None
    row, channel = (w.strides[1], w.strides[0]) if transposed else w.strides[:2]
    k = channels * prod(taps)
    m_pieces = min(_up(rows, height), _up(threads, items))
    m_pieces, m_rows = _in_tiles(rows, m_pieces, height)
    shares = max(1, min(threads, items * m_pieces, multiplied * channels * rows * groups // SHARE))
    region = padded_rows * k + 1024
    table = [
        groups, rows, channels, biased, images, *counts, *[d.step for d in directions], *sizes, *x.strides,
        *_written(directions, out), *taps, turned, turned + made, region, m_pieces, m_rows,
        *shifts[0], *shifts[1], *shifts[2],
    ]  # fmt: skip
    group, last = w.sizes[0] // groups * w.strides[0], prod(taps) - 1
    of_w = [c * channel + (last if transposed else 0) for c in range(channels)]
    weights = [rows, k, k, 1, region, group, row, -1 if transposed else 1, channels, *of_w]
    tables = np.array(table, np.int64), np.array(weights, np.int64)
    return Plan(*tables, groups, region, turned + made, shares, (groups, padded_rows, width), "images")


def rows_kept(itemsize: int, height: int) -> int:
    """How many rows of weights stay in the cache while strips go by."""
    return BYTES_OF_A // (DEPTH * itemsize) // height * height


class Comparison(NamedTuple):
    """What the kernels of a gradient for weights need."""

    table: np.ndarray  # as that of a Plan, as far as it goes
    more: np.ndarray  # how the work is shared; see the names in `comparison_of`
    items: int  # and how many sums each has
    sums: int
    scratch: int
    lines: int
    shares: int
    direct: bool  # for direct.py


@lru_cache(maxsize=512)
def comparison_of(
    directions: tuple[Direction, Direction, Direction],
    x: Layout,
    y: Layout,
    groups: int,
    plain: bool,
    itemsize: int,
    threads: int,
) -> Comparison:
    """The plan for the gradient for weights from y (N, groups * rows, ...) and x (N, groups * channels, ...)."""
    tile = registers()
    height, width = tile.rows, tile.vectors * tile.bytes // itemsize
    images, rows, channels = x.sizes[0], y.sizes[1] // groups, x.sizes[1] // groups
    counts, steps = tuple([d.places for d in directions]), tuple([d.step for d in directions])
    taps = [len(d.taps) for d in directions]
    count = prod(taps)
    in_place = plain and inside(directions, x)
    runs = images * counts[0]
    direct = channels == 1 and 2 * rows <= width and groups * rows >= FEW
    piece = _pieces(counts, runs, OF_PLANE if direct else DEPTH, width)
    pieces = _count(counts, runs, piece)
    band = band_of(directions, x, piece, in_place)

    # Threads have channels of their own or, where these are few, chunks of the pieces.
    work = y.sizes[1] * images * prod(counts) * channels * count
    shares = max(1, min(threads, work // SHARE))
    even = height // gcd(height, count)  # so many channels fill whole tiles
    chunks = c_pieces = 1
    if channels * groups >= FEW:
        c_pieces = min(_up(channels, even), _up(shares, groups))
    elif groups < CHUNKS:
        chunks = max(1, min(CHUNKS, pieces, work // SHARE))
    c_count = _up(_up(channels, c_pieces), even) * even
    c_pieces = _up(channels, c_count)
    some = max(1, BYTES_OF_A // itemsize // (band.plane if not in_place else prod(piece)) // even) * even
    some = min(some, c_count)
    items = groups * (rows if direct else c_pieces * chunks)
    shares = min(shares, items)
    of_item = _up(c_count * count, height) * _up(rows, width) * height * width
    packed = _up(rows, width) * width * prod(piece) + 1024
    scratch = packed + (0 if in_place else some * band.plane) + 2 * width
    table = [
        groups, rows, channels, 0, in_place, *counts, *steps, *x.sizes[2:], *x.strides,
        *[0] * 6, runs, *piece, *[0] * 5, *taps, 0,
        *band.least, band.lines, band.hand, band.span, band.plane, scratch, 0, 0, 0,
        *directions[0].shifts, *band.taps,
    ]  # fmt: skip
    lines = piece[0] * piece[1]
    more = [chunks, c_pieces, c_count, some, of_item, packed, *y.strides[:2], lines]
    tables = np.array(table, np.int64), np.array(more, np.int64)
    return Comparison(*tables, items, of_item, scratch, lines, shares, direct)
