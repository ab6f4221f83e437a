"""Running sums, products, maxima and minima along a dimension, on both devices.

The memory is seen as (outer, n, inner), contiguous; a line of n elements for each pair of the other two. Sums
and products of float32 are carried in float64.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.registry import Kernel

scan = Kernel(
    "scan"
)  # (out, src, outer, n, inner, how): float32, float64, int64 or complex; how is SUM or PRODUCT
extreme = Kernel(
    "extreme"
    # (out, indices, src, outer, n, inner, largest): the largest or smallest so far, and the last place where it
    # stood
)

SUM, PRODUCT = range(2)
GRAIN = 1 << 14
CARRIED = {"f4": "f8", "f8": "f8", "i8": "i8", "c8": "c16", "c16": "c16"}


def _scan(out, src, carried, how, n, inner, start, stop):
    while start < stop:
        column = start % inner
        width = min(inner - column, stop - start)
        at = start // inner * n * inner + column
        if width == 1:
            value = carried[start]
            for i in range(at, at + n * inner, inner):
                value = value + src[i] if how == SUM else value * src[i]
                out[i] = value
        else:
            for _ in range(n):
                for j in range(width):
                    value = carried[start + j]
                    value = value + src[at + j] if how == SUM else value * src[at + j]
                    carried[start + j] = value
                    out[at + j] = value
                at += inner
        start += width


def _extreme(out, indices, src, n, inner, largest, start, stop):
    for line in range(start, stop):
        at = line // inner * n * inner + line % inner
        best, place = src[at], 0
        for i in range(n):
            value = src[at + i * inner]
            if value != value or (best == best and (value >= best if largest else value <= best)):
                best, place = value, i
            out[at + i * inner] = best
            indices[at + i * inner] = place


@cache
def _scan_entry(element: str):
    return cpu.compiled(_scan, element, element, CARRIED[element], *[int] * 5)


@cache
def _extreme_entry(dtype: np.dtype):
    return cpu.compiled(_extreme, dtype, "i8", dtype, *[int] * 5)


@scan.on("cpu")
def _(out, src, outer, n, inner, how):
    element = out.dtype.str[1:]
    carried = np.full(outer * inner, how == PRODUCT, CARRIED[element])
    parallel.run(_scan_entry(element), outer * inner, max(GRAIN // n, 1), out, src, carried, how, n, inner)


@extreme.on("cpu")
def _(out, indices, src, outer, n, inner, largest):
    entry = _extreme_entry(out.dtype)
    parallel.run(entry, outer * inner, max(GRAIN // n, 1), out, indices, src, n, inner, int(largest))


@scan.on("cuda")
def _(out, src, outer, n, inner, how):
    from numbatorch_kernels.cuda import scan

    scan.scan(out, src, outer * inner, n, inner, how)


@extreme.on("cuda")
def _(out, indices, src, outer, n, inner, largest):
    from numbatorch_kernels.cuda import scan

    scan.extreme(out, indices, src, outer * inner, n, inner, int(largest))
