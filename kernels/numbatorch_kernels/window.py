"""Where windows lie on lines, pictures and volumes, as tables that kernels read; made of NumPy alone.

There are always three directions, depth, height and width; a line or a flat picture has sizes of 1 in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np

SPAN = 1024  # elements of a row that `resample` keeps close by
Three = tuple[int, int, int]


class Windows:
    """Where the windows on pictures of `size` lie, `count` of them in each of three directions.

    Along a direction, window o has its first tap at `origins[o]`, which may lie before the picture, and `taps` of
    them, `dilation` apart; those in the picture are numbers `firsts[o]` to before `lasts[o]`.
    `stride` is how far apart the windows of a row lie, 0 where that varies.
    """

    def __init__(
        self,
        size: Three,
        taps: Three,
        dilation: Three,
        stride: int,
        origins: Sequence[np.ndarray],
        ends: Sequence[np.ndarray] | None = None,
    ):
        """`origins` of one row of windows for each plane have two dimensions. `ends`: before which element windows
        of different sizes end; none has more than `taps` taps."""
        self.size, self.taps, self.dilation, self.stride = size, taps, dilation, stride
        self.count: Three = tuple([o.shape[-1] for o in origins])  # three
        self.origins, self.lasts, parts = [], [], []
        for k, (o, n, t, d) in enumerate(zip(origins, size, taps, dilation)):
            first = np.maximum(-(o // d), 0)
            last = np.minimum(t if ends is None else ends[k] - o, -((o - n) // d))
            empty = last <= first
            parts += [np.where(empty, 0, o), np.where(empty, 0, first), np.where(empty, 0, last)]
        self.origins, self.lasts = parts[::3], parts[2::3]
        planes = max([p.shape[0] if p.ndim == 2 else 0 for p in parts])
        lead = (planes,) if planes else ()
        self.table = np.concatenate([np.broadcast_to(p, lead + p.shape[-1:]) for p in parts], -1)
        self.step = self.table.shape[-1] if planes else 0
        self.place = np.dtype(np.uint8 if prod(taps) <= 256 else np.int32)

    @cached_property
    def tiled(self) -> bool:
        """Whether the windows lie side by side, from the first element on, in every plane alike."""
        side_by_side = zip(self.origins, self.lasts, self.taps, self.dilation)
        return not self.step and all(
            d == 1 and np.array_equal(o, np.arange(len(o)) * t) and (last == t).all()
            for o, last, t, d in side_by_side
        )

    def offsets(self) -> np.ndarray:
        """For each place in a window: how far the element lies behind the window's first tap."""
        d, h, w = (np.arange(t) * k for t, k in zip(self.taps, self.dilation))
        return ((d[:, None, None] * self.size[1] + h[:, None]) * self.size[2] + w).reshape(-1)

    def covering(self) -> np.ndarray:
        """For each place of each direction: the first window that may reach it, then for each, past the last."""
        found = []
        for o, last, n, d in zip(self.origins, self.lasts, self.size, self.dilation):
            places = np.arange(n)
            found += [np.searchsorted(o + (last - 1) * d, places), np.searchsorted(o, places, "right")]
        return np.concatenate(found)


class Taps:
    """The windows along one direction of `size` elements: window o begins at `firsts[o]` and has `counts[o]`
    taps; neither where they begin nor where they end ever decreases. `weights[t, o]` is tap t's, and `lengths[o]` what a
    sum is divided by."""

    def __init__(
        self,
        size: int,
        firsts: np.ndarray,
        counts: np.ndarray,
        weights: np.ndarray,
        lengths: np.ndarray | None = None,
    ):
        self.size, self.firsts, self.counts, self.weights = size, firsts, counts, weights
        self.lengths = np.ones(len(firsts)) if lengths is None else lengths

    @staticmethod
    def plain(size: int) -> Taps:
        """Windows of one element each: nothing happens in this direction."""
        return Taps(size, np.arange(size), np.ones(size, np.int64), np.ones((1, size)))

    @cached_property
    def transposed(self) -> Taps:
        """Of the gradient: which windows an element is in, and with what weight."""
        count, places = len(self.firsts), np.arange(self.size)
        ends = self.firsts + self.counts
        firsts, lasts = np.searchsorted(ends, places, "right"), np.searchsorted(self.firsts, places, "right")
        counts = np.maximum(lasts - firsts, 0)
        windows = firsts + np.arange(max(counts.max(initial=0), 1))[:, None]
        inside = np.arange(len(windows))[:, None] < counts
        windows = np.where(inside, windows, 0)
        taps = np.where(inside, places - self.firsts[windows] if count else 0, 0)
        weights = np.where(inside, self.weights[taps, windows] / self.lengths[windows] if count else 0.0, 0.0)
        return Taps(count, firsts, counts, weights)


class Grid:
    """Taps in each of three directions."""

    def __init__(self, *taps: Taps):
        self.taps = taps
        self.size = tuple([t.size for t in taps])
        self.count = tuple([len(t.firsts) for t in taps])
        self.most = tuple([len(t.weights) for t in taps])
        self.table = np.concatenate([part for t in taps for part in (t.firsts, t.counts)]).astype(np.int64)
        self.divided = any(bool((t.lengths != 1).any()) for t in taps)
        self._weights: dict[np.dtype, np.ndarray] = {}
        self.whole, self.stride = _regular(taps[2])

    @cached_property
    def transposed(self) -> Grid:
        """Of the gradient."""
        return Grid(*[t.transposed for t in self.taps])

    def weights(self, dtype: np.dtype) -> np.ndarray:
        """Weights of each direction, tap by tap, and then lengths."""
        found = self._weights.get(dtype)
        if found is None:
            parts = [t.weights.reshape(-1) for t in self.taps] + [t.lengths for t in self.taps]
            found = self._weights[dtype] = np.concatenate(parts).astype(dtype)
        return found

    @cached_property
    def chunks(self) -> np.ndarray:
        """Cuts of a row of windows: those between two cuts reach no further than SPAN elements, or are one window."""
        taps, cuts, begin = self.taps[2], [0], 0
        ends = taps.firsts + taps.counts
        while begin < len(ends):
            begin = max(begin + 1, int(np.searchsorted(ends, taps.firsts[begin] + SPAN, "right")))
            begin = min(begin, cuts[-1] + SPAN)
            cuts.append(begin)
        return np.array(cuts, np.int64)


def _regular(taps: Taps) -> tuple[tuple[int, int], int]:
    """The longest run of windows that have the largest number of taps and lie one stride apart, and that stride."""
    full = np.flatnonzero(taps.counts == len(taps.weights))
    if len(full) < 2 or full[-1] - full[0] != len(full) - 1:
        return (0, 0), 0
    steps = np.diff(taps.firsts[full])
    if (steps == steps[0]).all() and steps[0] > 0:
        return (int(full[0]), int(full[-1]) + 1), int(steps[0])
    return (int(full[0]), int(full[-1]) + 1), 0
