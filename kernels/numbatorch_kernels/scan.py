"""Running sums, products, maxima and minima along a dimension, on both devices.

The memory is seen as (outer, n, inner), contiguous; a line of n elements for each pair of the other two. Sums
and products of float32 are carried in float64, those of float16 and bfloat16 too: what is narrow is the result.
"""

from __future__ import annotations

from functools import cache
from math import atan2, cos, exp, isinf, isnan, log1p, sin

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.codes import LOGSUMEXP, SUM
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.half import load, store
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

scan = Kernel(
    "scan"
)  # (out, src, outer, n, inner, how): numbers; how is SUM, PRODUCT or (of floats) LOGSUMEXP
extreme = Kernel(
    "extreme"
    # (out, indices, src, outer, n, inner, largest): the largest or smallest so far, and the last place where it
    # stood
)

GRAIN = 1 << 14
START = (0, 1, -np.inf)


def carried(dtype: np.dtype) -> np.dtype:
    """The type in which the totals of elements of this dtype are carried; uint16 is bfloat16."""
    if dtype.kind == "c":
        return np.dtype(np.complex128)
    return np.dtype(np.float64 if dtype.kind == "f" or dtype.char == "H" else np.int64)


@shared
def log_add_exp(a, b):
    """log(e^a + e^b)"""
    low, high = (a, b) if a < b or b != b else (b, a)
    if isinf(low) and low == high:
        return low
    return high + log1p(exp(low - high))


@shared
def complex_log_add_exp(a, b, one, half):
    """log(e^a + e^b). Its angle goes on from that of the term with the larger real part, beyond π too. `one` and `half` are
    these numbers in the type to compute in."""
    if isnan(a.real) or isnan(a.imag) or isnan(b.real) or isnan(b.imag):
        lost = a.real + a.imag + b.real + b.imag
        return complex(lost, lost)
    low, high = (a, b) if a.real < b.real else (b, a)
    if isinf(low.real) and low.real < -low.real:
        return high if low.real < high.real else low
    size, turn = exp(low.real - high.real), low.imag - high.imag
    x, y = size * cos(turn), size * sin(turn)
    return complex(high.real + half * log1p(x * (one + one + x) + y * y), high.imag + atan2(y, one + x))


@callee
def _scan_four(out, src, carried, how, bfloat, n, at):
    """Four rows at once, from `at` on: an addition waits for the one before it, but not for other rows'."""
    a, b, c, d = carried[0], carried[1], carried[2], carried[3]
    for i in range(at, at + n):
        u, v = load(src, i, bfloat), load(src, i + n, bfloat)
        w, x = load(src, i + 2 * n, bfloat), load(src, i + 3 * n, bfloat)
        a, b = (a + u, b + v) if how == SUM else (a * u, b * v)
        c, d = (c + w, d + x) if how == SUM else (c * w, d * x)
        store(out, i, a, bfloat)
        store(out, i + n, b, bfloat)
        store(out, i + 2 * n, c, bfloat)
        store(out, i + 3 * n, d, bfloat)


def _scan(out, src, carried, how, bfloat, n, inner, start, stop):
    while start < stop:
        column = start % inner
        width = min(inner - column, stop - start)
        at = start // inner * n * inner + column
        if inner == 1 and stop - start >= 4:
            _scan_four(out, src, offset(carried, start), how, bfloat, n, at)
            width = 4
        elif width == 1:
            value = carried[start]
            for i in range(at, at + n * inner, inner):
                element = load(src, i, bfloat)
                value = value + element if how == SUM else value * element
                store(out, i, value, bfloat)
        else:
            for _ in range(n):
                for j in range(width):
                    element = load(src, at + j, bfloat)
                    value = carried[start + j]
                    value = value + element if how == SUM else value * element
                    carried[start + j] = value
                    store(out, at + j, value, bfloat)
                at += inner
        start += width


def _log_scan(out, src, bfloat, n, inner, start, stop):
    for line in range(start, stop):
        at = line // inner * n * inner + line % inner
        value = -np.inf
        for i in range(at, at + n * inner, inner):
            value = log_add_exp(value, float(load(src, i, bfloat)))
            store(out, i, value, bfloat)


def _complex_log_scan(out, src, bfloat, n, inner, start, stop):
    for line in range(start, stop):
        at = line // inner * n * inner + line % inner
        value = complex(-np.inf, 0)
        for i in range(at, at + n * inner, inner):
            value = complex_log_add_exp(complex(src[i]), value, 1.0, 0.5)
            out[i] = value


def _extreme(out, indices, src, bfloat, n, inner, largest, start, stop):
    for line in range(start, stop):
        at = line // inner * n * inner + line % inner
        best, place = load(src, at, bfloat), 0
        for i in range(n):
            value = load(src, at + i * inner, bfloat)
            if value != value or (best == best and (value >= best if largest else value <= best)):
                best, place = value, i
            store(out, at + i * inner, best, bfloat)
            indices[at + i * inner] = place


@cache
def _scan_entry(dtype: np.dtype):
    return cpu.compiled(_scan, dtype, dtype, carried(dtype), *[int] * 6)


@cache
def _log_entry(dtype: np.dtype):
    return cpu.compiled(_complex_log_scan if dtype.kind == "c" else _log_scan, dtype, dtype, *[int] * 5)


@cache
def _extreme_entry(dtype: np.dtype):
    return cpu.compiled(_extreme, dtype, "i8", dtype, *[int] * 6)


@scan.on("cpu")
def _(out, src, outer, n, inner, how):
    dtype, lines, grain = out.dtype, outer * inner, max(GRAIN // n, 1)
    bfloat = int(dtype.char == "H")
    if how == LOGSUMEXP:
        parallel.run(_log_entry(dtype), lines, max(grain // 16, 1), out, src, bfloat, n, inner)
    else:
        totals = np.full(lines, START[how], carried(dtype))
        parallel.run(_scan_entry(dtype), lines, grain, out, src, totals, how, bfloat, n, inner)


@extreme.on("cpu")
def _(out, indices, src, outer, n, inner, largest):
    entry, bfloat = _extreme_entry(out.dtype), int(out.dtype.char == "H")
    parallel.run(
        entry, outer * inner, max(GRAIN // n, 1), out, indices, src, bfloat, n, inner, int(largest)
    )  # fmt: skip


@scan.on("cuda")
def _(out, src, outer, n, inner, how):
    from numbatorch_kernels.cuda import scan

    scan.scan(out, src, outer * inner, n, inner, how)


@extreme.on("cuda")
def _(out, indices, src, outer, n, inner, largest):
    from numbatorch_kernels.cuda import scan

    scan.extreme(out, indices, src, outer * inner, n, inner, int(largest))
