"""What a convolution does, in numbers for the kernels.

A `Direction` is one of the three of an image: how many places the result has, and what each tap reads. That of a
convolution is one; a transposed one of stride s is s of them, for the places p, p + s, p + 2 s ... of its result are
reached by the same taps, at steps of one in the image: nothing is multiplied by a zero, nothing is added twice.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from numbatorch_kernels.gemm.blocked import BYTES_OF_A, DEPTH
from numbatorch_kernels.gemm.tile import registers

COLUMNS = 512  # of a piece, about
SHARE = 1 << 19  # multiplications worth a thread


def _up(n: int, by: int) -> int:
    """n / by, rounded up."""
    return -(-n // by)


class Direction(NamedTuple):
    """Place m of `count`, of the result `first + m * every`, reads at m * step + shifts[i] with tap taps[i]."""

    count: int
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
    counts, steps = tuple([d.count for d in directions]), tuple([d.step for d in directions])
    least = [min(d.shifts) for d in directions]
    taps = [len(d.taps) for d in directions]
    inside = all(
        low >= 0 and (d.count - 1) * d.step + low + d.span < size
        for d, low, size in zip(directions, least, x.sizes[2:])
    )
    in_place = plain and inside and steps[2] == 1

    # pieces of the result, and threads
    runs, k = images * counts[0], channels * prod(taps)
    work = out.sizes[1] * images * prod(counts) * k
    shares = max(1, min(threads, work // SHARE))
    candidates = [_pieces(counts, runs, target, width) for target in range(COLUMNS, 63, -64)]

    def cost(piece: tuple[int, int, int]) -> int:
        rounds = _up(groups * _count(counts, runs, piece), shares)
        return rounds * (_up(prod(piece), width) * width + width)

    piece = min(candidates, key=cost)
    count = groups * _count(counts, runs, piece)
    m_pieces = min(_up(rows, height), _up(shares, count))
    m_rows = _up(_up(rows, m_pieces), height) * height
    m_pieces = _up(rows, m_rows)
    shares = min(shares, count * m_pieces)
    blocks = _up(k, DEPTH)
    depth = _up(k, blocks)

    # the band
    spans = [d.span for d in directions]
    q = piece[2] + spans[2] // steps[2] + 1
    lines = (piece[1] - 1) * steps[1] + spans[1] + 1
    of_line = steps[2] * q
    of_slice = lines * of_line
    plane = x.strides[1] if in_place else piece[0] * taps[0] * of_slice
    band = 0 if in_place else (_up(depth - 1, prod(taps)) + 1) * plane + 2 * width
    if in_place:
        places = [
            sum(s * t for s, t in zip(shifts, x.strides[2:]))
            for shifts in product(*[d.shifts for d in directions])
        ]
    else:
        down, right = least[1:]
        places = [
            a * of_slice + (h - down) * of_line + (v - right) % steps[2] * q + (v - right) // steps[2]
            for a in range(taps[0])
            for h in directions[1].shifts
            for v in directions[2].shifts
        ]
    kept = rows_kept(itemsize, height)
    strips = _up(prod(piece), width) if m_rows > kept else 1
    packed = strips * depth * width + 2 * width
    whole = height * width
    scratch = band + packed + whole
    padded_rows = _up(rows, height) * height
    region = padded_rows * depth + 1024
    start = sum(d.first * s for d, s in zip(directions, out.strides[2:]))
    every = [d.every * s for d, s in zip(directions, out.strides[2:])]
    reach = 1 + sum((n - 1) * s for n, s in zip(x.sizes, x.strides))
    table = [
        groups, rows, channels, biased, in_place, *counts, *steps, *x.sizes[2:], *x.strides,
        start, *out.strides[:2], *every, runs, *piece, m_pieces, m_rows, depth, k, max(places), *taps, reach,
        least[1], least[2], lines, q, spans[1] + 1, plane, scratch, band, packed, region,
        *directions[0].shifts, *places,
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
    )


def rows_kept(itemsize: int, height: int) -> int:
    """How many rows of weights stay in the cache while strips go by."""
    return BYTES_OF_A // (DEPTH * itemsize) // height * height
