"""What pooling asks of its arguments, and the sizes and windows that follow from them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from numbatorch.arguments import is_whole, words
from numbatorch_kernels.window import Grid, Taps, Windows

Sizes = int | Sequence[int]
_NUMBERS = {1: "one int", 2: "two ints", 3: "three ints"}


def integers(name: str, argument: str, position: int, value: Any) -> tuple[int, ...]:
    """The sizes that an argument lists; PyTorch's TypeError where it is no int and lists none."""
    listed = value if isinstance(value, tuple | list) else (value,)
    if not all(map(is_whole, listed)):
        raise TypeError(words(name, argument, position, value, "tuple of ints"))
    return tuple(map(operator.index, listed))


class Pool:
    """The windows of a pooling: kernel, stride, padding and dilation in each direction."""

    def __init__(
        self,
        name: str,
        spatial: int,
        kernel_size: Sizes,
        stride: Sizes | None,
        padding: Sizes,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
    ):
        self.name, self.spatial, self.ceil_mode = name, spatial, ceil_mode
        if ceil_mode is not True and ceil_mode is not False:
            position = 6 if name.startswith("max") else 5
            raise TypeError(words(name, "ceil_mode", position, ceil_mode, "bool"))
        self.kernel = self.expanded("kernel_size", 2, kernel_size)
        given = () if stride is None else integers(name, "stride", 3, stride)
        self.stride = self.expanded("stride", 3, given) if given else self.kernel
        self.padding = self.expanded("padding", 4, padding)
        self.dilation = self.expanded("dilation", 5, dilation)

    def expanded(self, argument: str, position: int, value: Sizes) -> tuple[int, ...]:
        """One int for each direction."""
        sizes, n = integers(self.name, argument, position, value), self.spatial
        if len(sizes) == 1:
            return sizes * n
        if len(sizes) != n:
            raise RuntimeError(self.complaint(argument, len(sizes)))
        return sizes

    def complaint(self, argument: str, got: int) -> str:
        """PyTorch's text for so many sizes."""
        name, ints = self.name, _NUMBERS[self.spatial]
        if name == "max_pool1d":
            lists = "an int, list of ints or tuple of ints" if "k" in argument or "l" in argument else ""
            lists = "an int, list of ints, or tuple of ints" if argument == "padding" else lists
            lists = "None, an int, list of ints, or tuple of ints" if argument == "stride" else lists
            return f"{name}() {argument} must be {lists} of size 1 but got size {got}"
        if self.spatial == 1:
            return f"{name}() argument '{argument}' should contain one int (got {got})"
        either = "be" if name == "avg_pool3d" else "be either" if argument == "dilation" else "either be"
        omitted = " omitted," if argument == "stride" else ""
        return f"{name}: {argument} must {either}{omitted} a single int, or a tuple of {ints}"

    def lifted(self) -> Pool:
        """The pooling of lines as one of pictures of height 1."""
        pool = object.__new__(Pool)
        pool.name, pool.spatial, pool.ceil_mode = self.name, 2, self.ceil_mode
        pool.kernel, pool.stride = (1, *self.kernel), (1, *self.stride)
        pool.padding, pool.dilation = (0, *self.padding), (1, *self.dilation)
        return pool

    def count(self, size: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are in each direction."""
        counts = []
        for n, k, s, p, d in zip(size, self.kernel, self.stride, self.padding, self.dilation):
            if s == 0:
                raise RuntimeError("stride should not be zero")
            if p < 0:
                raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
            if p > ((k - 1) * d + 1) // 2:
                raise RuntimeError(
                    f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                    f"dilation={d}"
                )
            count = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if self.ceil_mode else 0)) // s + 1
            counts.append(count - (self.ceil_mode and (count - 1) * s >= n + p))
        return tuple(counts)

    def check(self, shape: tuple[int, ...]) -> None:
        """RuntimeError for numbers that make no windows, and for pictures that have none."""
        n, count = self.spatial, self.count(shape[-self.spatial :])
        names = "THW"[-n:]
        axes = [name.lower() for name in names]
        for text, name, sizes in (
            ("kernel size", "k", self.kernel),
            ("stride", "d", self.stride),
            ("dilation", "dilation", self.dilation),
        ):
            if min(sizes) <= 0:
                got = " ".join(f"{name}{axis.upper()}: {size}" for axis, size in zip(axes, sizes))
                raise RuntimeError(f"{text} should be greater than zero, but got {got}")
        given = f"[{', '.join(map(str, shape))}]"
        if n == 2 and (len(shape) not in (3, 4) or 0 in shape[-3:]):
            raise RuntimeError(
                "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
                + given
            )
        if n == 3 and 0 in shape[-4:]:
            name = "max_pool3d_with_indices_out_cpu_template" if self.name == "max_pool3d" else self.name
            raise RuntimeError(
                f"{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
                f"{given} and non-batch dimension 0 has length zero!"
            )
        planes, size = shape[-n - 1], shape[-n:]
        if self.name == "avg_pool3d" and any(s < k for s, k in zip(size, self.kernel)):
            image, kernel = (
                " ".join(f"{before}{axis}: {s}" for axis, s in zip(names, sizes))
                for before, sizes in (("", size), ("k", self.kernel))
            )
            raise RuntimeError(f"input image ({image}) smaller than kernel size ({kernel})")
        if min(count) < 1:
            had, has = ("x".join(map(str, (planes, *sizes))) for sizes in (size, count))
            raise RuntimeError(
                f"Given input size: ({had}). Calculated output size: ({has}). Output size is too small"
            )

    def check_lines(self, shape: tuple[int, ...]) -> None:
        """As `max_pool1d` checks lines."""
        if len(shape) not in (2, 3) or 0 in shape[-2:]:
            raise RuntimeError(
                "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
                f"got:[{', '.join(map(str, shape))}]"
            )
        (k,), (s,), (p,), (d,) = self.kernel, self.stride, self.padding, self.dilation
        for name, value in (("kernel_size", k), ("stride", s)):
            if value <= 0:
                raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
        if p < 0:
            raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
        if p > k // 2:
            raise RuntimeError(
                f"max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={k}"
            )
        if d <= 0:
            raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d}")
        if (count := self.count(shape[-1:])[0]) < 1:
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {count}")

    def windows(self, size: tuple[int, ...]) -> Windows:
        """The windows of maxima on pictures of this size."""
        return _windows(size, self.count(size), self.kernel, self.stride, self.padding, self.dilation)

    def grid(self, size: tuple[int, ...], include_padding: bool, divisor: int | None) -> Grid:
        """The windows of means."""
        return _means(
            size, self.count(size), self.kernel, self.stride, self.padding, include_padding, divisor
        )


def three(size: tuple[int, ...], fill: int) -> tuple[int, int, int]:
    """The sizes of three directions, the missing ones in front."""
    return (fill,) * (3 - len(size)) + size  # type: ignore[return-value]  # three


@lru_cache(maxsize=1024)
def _windows(size, count, kernel, stride, padding, dilation) -> Windows:
    counts, strides, paddings = three(count, 1), three(stride, 1), three(padding, 0)
    origins = [np.arange(o) * s - p for o, s, p in zip(counts, strides, paddings)]
    return Windows(three(size, 1), three(kernel, 1), three(dilation, 1), strides[2], origins)


@lru_cache(maxsize=1024)
def _means(size, count, kernel, stride, padding, include_padding, divisor) -> Grid:
    taps = [Taps.plain(1)] * (3 - len(size))
    for n, o, k, s, p in zip(size, count, kernel, stride, padding):
        origins = np.arange(o) * s - p
        firsts, ends = np.clip(origins, 0, n), np.clip(origins + k, 0, n)
        lengths = np.minimum(origins + k, n + p) - origins if include_padding else ends - firsts
        if divisor is not None:
            lengths = np.full(o, divisor if len(taps) == 2 else 1)
        taps.append(_means_along(n, firsts, ends, np.where(lengths == 0, 1, lengths)))
    return Grid(*taps)


def _means_along(size: int, firsts: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> Taps:
    counts = np.maximum(ends - firsts, 0)
    weights = (np.arange(max(counts.max(initial=1), 1))[:, None] < counts).astype(np.float64)
    return Taps(size, firsts, counts, weights, lengths.astype(np.float64))


# --- windows that share a picture out among so many results


def adaptive(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where `count` windows begin and end: o size / count rounded down, (o + 1) size / count rounded up."""
    o = np.arange(count)
    return o * size // max(count, 1), -((-(o + 1) * size) // max(count, 1))


@lru_cache(maxsize=1024)
def adaptive_windows(size: tuple[int, ...], count: tuple[int, ...]) -> Windows:
    """Of maxima."""
    sizes, counts = three(size, 1), three(count, 1)
    bounds = [adaptive(n, o) for n, o in zip(sizes, counts)]
    taps = tuple([int((b - a).max(initial=1)) for a, b in bounds])
    stride = sizes[2] // counts[2] if counts[2] and sizes[2] % counts[2] == 0 else 0
    return Windows(sizes, taps, (1, 1, 1), stride, [a for a, _ in bounds], [b for _, b in bounds])  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def adaptive_grid(size: tuple[int, ...], count: tuple[int, ...]) -> Grid:
    """Of means."""
    taps = [Taps.plain(1)] * (3 - len(size))
    for n, o in zip(size, count):
        firsts, ends = adaptive(n, o)
        taps.append(_means_along(n, firsts, ends, ends - firsts))
    return Grid(*taps)


def fractional_windows(
    size: tuple[int, ...], count: tuple[int, ...], kernel: tuple[int, ...], samples: np.ndarray
) -> Windows:
    """Of maxima, whose places differ from plane to plane: `samples` (planes, directions) has a number in [0, 1) for
    each.

    Source: Graham 2014, "Fractional Max-Pooling".
    """
    origins: list[np.ndarray] = [np.zeros(1, np.int64)] * (3 - len(size))
    for d, (n, o, k) in enumerate(zip(size, count, kernel)):
        u = samples[:, d, None]
        starts = np.full((len(samples), o), n - k)
        if o > 1:
            alpha = (
                u.dtype.type((n - k) / (o - 1))
                if u.dtype == np.float64
                else u.dtype.type(n - k) / u.dtype.type(o - 1)
            )
            steps = np.arange(o - 1, dtype=u.dtype)
            starts[:, :-1] = ((steps + u) * alpha).astype(np.int64) - (u * alpha).astype(np.int64)
        origins.append(starts)
    return Windows(three(size, 1), three(kernel, 1), (1, 1, 1), 0, origins)
