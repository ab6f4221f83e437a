"""The kernels of ../fourier.py on CUDA, for any length and any place of the dimension in memory.

A block brings some lines of n elements into shared memory and transforms them there: n is a product of small factors, and
each of them takes one pass over the line (T. Stockham, "High-speed convolution and correlation", 1966). Longer lines
are tables of `first` rows: their columns are transformed, turned, and then the rows, which are written as columns
(D. Bailey, "FFTs in external or hierarchical memory", 1990); columns that are too long themselves are such tables. A
length with a large prime factor is a convolution with a chirp, of a length that has none (L. Bluestein, 1970):

    jk = (j² + k² - (k - j)²) / 2      so, with c_j = exp(-πi j² / n),      y_k = c_k Σ_j (c_j x_j) / c_(k-j)

What is done to elements on their way in and out (`End`) costs no pass of its own: real ones are read as complex, halves of
lines mirrored, all turned, scaled and cut. Backward transforms are the conjugates of those of conjugates.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import isqrt
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled
from numbatorch_kernels.cuda.variants import ByDtype, with_globals

LONGEST = {"c8": 16, "c16": 8} if SIMULATED else {"c8": 2048, "c16": 1024}  # line in shared memory
LARGEST = 5 if SIMULATED else 61  # prime factor of a length that is no convolution
FINE = 16 if SIMULATED else 4096  # roots of unity that are in one table
TOGETHER = 8 if SIMULATED else 1024  # elements that a block should have,
NEIGHBOURS = 2 if SIMULATED else 8  # and lines, which may be neighbours in memory

# What becomes of element e of a line, on its way in or out: nothing; times exp(-πi e² / n), or, on its way out, the
# conjugate of that; as one of a column, times the root of unity to the power of its row and column; times number e of a table
PLAIN, CHIRP, TURN, TABLE = range(4)

# What `geometry` has: lines; how many there are side by side, and of each group of those; elements; lines of a block. Of each
# end, how far apart elements and groups are in the line, whether neighbouring lines are neighbours in memory, and its
# numbers; then the factors of a length.
LINES, INNER, GROUPS, LENGTH, TILE, FACTORS, SOURCE, TARGET, RADIX = 0, 1, 2, 3, 4, 5, 6, 16, 26
STEP, APART, BESIDE, STORED, COUNT, SPAN, UNIT, RULE, OF, FLIP = range(10)


class End(NamedTuple):
    """Where elements come from or go to: `stored` of the `terms` that a line has. They are every span-th of whole
    lines, which lie `unit` side by side."""

    array: DeviceArray
    stored: int
    terms: int
    unit: int
    span: int = 1
    rule: int = PLAIN
    table: DeviceArray | None = None
    of: int = 0  # CHIRP: the order of the roots; TURN: how many lines there are in a column
    flip: bool = False  # conjugate them, first when they come and last when they go

    def numbers(self) -> list[int]:
        return [self.stored, self.terms, self.span, self.unit, self.rule, self.of, int(self.flip)]


# ---- kernels; ELEMENT, ROOM and `part` are each one's own ----

ELEMENT, ROOM = np.complex64, 2 * (LONGEST["c8"] * 9 // 8)


def whole(value):
    """What of an element is stored: all of it,"""
    return value


def real_part(value):
    """or its real part."""
    return value.real


part = device_function(whole)


@device_function
def root(table, power):
    """exp(-2πi power / order): of an order up to FINE as it is in the table, else of two that are."""
    coarse, fine = split(power, FINE)
    return table[fine] if coarse == 0 else table[fine] * table[FINE + coarse - 1]


@device_function
def place_of(geometry, end, line, k):
    """Which element of its whole line the k-th of a block's line is; where in memory; and its line of those side by side."""
    group, c = split(line, geometry[INNER])
    outer, b = split(group, geometry[GROUPS])
    across, i = split(c, geometry[end + UNIT])
    e = (k * geometry[end + STEP] + b * geometry[end + APART]) * geometry[end + SPAN] + across
    return e, outer * geometry[end + STORED], i, c


@device_function
def in_tile(geometry, end, f):
    """Line and element of the f-th of a tile, for neighbouring threads to have neighbours in memory."""
    if geometry[end + BESIDE]:
        k, line = split(f, geometry[TILE])
        return line, k
    return split(f, geometry[LENGTH])


def lines_block(out, x, before, after, roots, geometry, scale):
    """Transform a tile of lines."""
    data = cuda.shared.array(ROOM, ELEMENT)
    t, width, tile, n = cuda.threadIdx.x, cuda.blockDim.x, geometry[TILE], geometry[LENGTH]
    first, lines, pitch, side = cuda.blockIdx.x * tile, geometry[LINES], n | 1, 0
    stored, count, unit = geometry[SOURCE + STORED], geometry[SOURCE + COUNT], geometry[SOURCE + UNIT]
    for f in range(t, tile * n, width):
        line, k = in_tile(geometry, SOURCE, f)
        value = ELEMENT(0)
        if first + line < lines:
            e, begin, i, _ = place_of(geometry, SOURCE, first + line, k)
            mirrored = e >= stored
            if e < count:
                value = ELEMENT(x[(begin + (count - e if mirrored else e)) * unit + i])
                if mirrored != (geometry[SOURCE + FLIP] != 0):
                    value = value.conjugate()
                if geometry[SOURCE + RULE] == CHIRP:
                    value *= root(before, split(e * e, geometry[SOURCE + OF])[1])
        data[line * pitch + k] = value
    done = 1  # transformed lines within a line: so long they are
    for factor in range(geometry[FACTORS]):
        radix, to = geometry[RADIX + factor], ROOM // 2 - side
        apart, turn = n // radix, n // (radix * done)
        cuda.syncthreads()
        if radix == 4:
            for item in range(t, tile * apart, width):
                line, j = split(item, apart)
                group, k = split(j, done)
                at = side + line * pitch + j
                a, b = data[at], data[at + apart] * roots[k * turn]
                c, d = data[at + 2 * apart] * roots[2 * k * turn], data[at + 3 * apart] * roots[3 * k * turn]
                even, odd, sums, turned = (
                    a + c,
                    a - c,
                    b + d,
                    ELEMENT(complex(d.imag - b.imag, b.real - d.real)),
                )
                at = to + line * pitch + 4 * done * group + k
                data[at] = even + sums
                data[at + done] = odd - turned
                data[at + 2 * done] = even - sums
                data[at + 3 * done] = odd + turned
        else:
            for item in range(t, tile * n, width):
                line, o = split(item, n)
                group, k = split(o, radix * done)
                at, power, value = side + line * pitch + group * done + split(k, done)[1], 0, ELEMENT(0)
                for q in range(radix):
                    value += data[at + q * apart] * roots[power * turn]
                    power = power + k if power + k < radix * done else power + k - radix * done
                data[to + line * pitch + o] = value
        side, done = to, done * radix
    cuda.syncthreads()
    stored, unit, rule = geometry[TARGET + STORED], geometry[TARGET + UNIT], geometry[TARGET + RULE]
    for f in range(t, tile * n, width):
        line, k = in_tile(geometry, TARGET, f)
        if first + line < lines:
            e, begin, i, c = place_of(geometry, TARGET, first + line, k)
            value = data[side + line * pitch + k]
            if rule == TURN:
                value *= root(after, e * split(c, geometry[TARGET + OF])[0])
            elif rule == TABLE:
                value *= after[e]
            elif rule == CHIRP and e < stored:
                value *= root(after, split(e * e, geometry[TARGET + OF])[1]).conjugate()
            value *= ELEMENT(scale)
            if geometry[TARGET + FLIP]:
                value = value.conjugate()
            if e < stored:
                out[(begin + e) * unit + i] = part(value)


def _text(name: str, element: type, hook: Any) -> FunctionType:
    room = 2 * (LONGEST[np.dtype(element).str[1:]] * 9 // 8)
    names = {"ELEMENT": element, "ROOM": room, "part": device_function(hook)}
    copy = with_globals(lines_block, names)
    copy.__qualname__ = name
    return copy


lines_into = ByDtype(
    c8=_text("lines_into.c8", np.complex64, whole),
    c16=_text("lines_into.c16", np.complex128, whole),
    f4=_text("lines_into.f4", np.complex64, real_part),
    f8=_text("lines_into.f8", np.complex128, real_part),
)


@cache
def _kernel(out: np.dtype, x: np.dtype):
    pair = np.result_type(out, np.complex64)
    number = from_dtype(np.dtype(pair.char.lower()))
    return compiled(lines_into.of(out), out, x, pair, pair, pair, "i8", number)


# ---- what a length calls for ----


@cache
def _factors(n: int) -> tuple[int, ...]:
    """Fours and prime factors of which n is the product; none where one of them is too large."""
    found, factor = [], 4
    while n > 1:
        while n % factor == 0:
            found.append(factor)
            n //= factor
        factor = {4: 2, 2: 3}.get(factor, factor + 2)
        if factor > LARGEST:
            break
    return tuple(found) if n == 1 else ()


@cache
def _row(n: int, longest: int) -> int:
    """How long the rows are into which a line is cut: the largest divisor up to the root of its length, and `longest`."""
    return next(k for k in range(min(longest, isqrt(n)), 0, -1) if n % k == 0)


def unit_roots(powers: np.ndarray, order: int) -> np.ndarray:
    """exp(-2πi power / order). Quarters of a turn are taken off as integers, so no angle is rounded by more than π / 4 is."""
    quarters = (8 * powers + order) // (2 * order)
    angles = np.pi / 2 * (4 * powers - quarters * order) / order
    return (np.cos(angles) - 1j * np.sin(angles)) * np.array([1, -1j, -1, 1j])[quarters % 4]


@lru_cache(maxsize=64)
def _roots(order: int, dtype: np.dtype, device: int) -> DeviceArray:
    """The table that `root` reads."""
    powers = [np.arange(min(order, FINE)), np.arange(FINE, order, FINE)]
    return DeviceArray.from_host(unit_roots(np.concatenate(powers), order).astype(dtype), device)


@lru_cache(maxsize=16)
def _chirp(n: int, length: int, dtype: np.dtype, device: int) -> DeviceArray:
    """The transform, of this length, of 1 / c_j from j = 1 - n to n - 1."""
    chirp = np.zeros(length, np.complex128)
    chirp[:n] = unit_roots(np.arange(n) ** 2 % (2 * n), 2 * n).conj()
    chirp[length - n + 1 :] = chirp[n - 1 : 0 : -1]
    return DeviceArray.from_host(np.fft.fft(chirp).astype(dtype), device)


# ---- launches ----


def _launch(source: End, target: End, sizes: tuple, apart: tuple, beside: tuple, scale: float) -> None:
    """One launch: of `sizes` (outer, groups, n, inner) the third dimension is transformed. `apart`: of either end, the steps of
    elements and groups in a line; `beside`: whether lines are neighbours."""
    outer, groups, n, inner = sizes
    out, x = target.array, source.array
    pair, device, lines = np.result_type(out.dtype, np.complex64), out.device, outer * groups * inner
    room, wanted = LONGEST[pair.str[1:]] * 9 // 8, max(TOGETHER // n, NEIGHBOURS)
    tile = max(1, min(room // (n | 1), lines, wanted))
    ends = [
        number
        for end, steps, side in zip((source, target), apart, beside)
        for number in (*steps, side, *end.numbers())
    ]
    factors, roots = _factors(n), _roots(n, pair, device)
    geometry = np.array([lines, inner, groups, n, tile, len(factors), *ends, *factors])
    tables = [roots if end.table is None else end.table for end in (source, target)]
    number = np.dtype(pair.char.lower()).type(scale)
    _kernel(out.dtype, x.dtype)(-(-lines // tile), BLOCK, out, x, *tables, roots, geometry, number)


def _lines(source: End, target: End, outer: int, n: int, inner: int, scale: float) -> None:
    """Transform the middle one of three dimensions, of a length without large factors."""
    pair, device = np.result_type(target.array.dtype, np.complex64), target.array.device
    longest = LONGEST[pair.str[1:]]
    if n <= longest:
        beside = int(inner > 1)
        _launch(source, target, (outer, 1, n, inner), ((1, 0), (1, 0)), (beside, beside), scale)
        return
    second = _row(n, longest)
    first = n // second
    between = DeviceArray.empty((outer, n, inner), pair, device)
    turned = End(between, first, first, second * inner, 1, TURN, _roots(n, pair, device), inner)
    _lines(source._replace(span=source.span * second), turned, outer, first, second * inner, 1)
    rows, beside = End(between, n, n, inner), int(inner > 1)
    _launch(rows, target, (outer, first, second, inner), ((1, second), (first, 1)), (beside, 1), scale)


def _transform(out: DeviceArray, x: DeviceArray, axis: int, forward: bool, norm: str) -> None:
    """Along one axis: what is complex or real, whole or half is told by dtypes and sizes."""
    shape = x.shape if out.dtype.kind == "c" else out.shape
    n, pair, device = shape[axis], np.result_type(out.dtype, np.complex64), out.device
    inner = out.size // (outer := int(np.prod(shape[:axis]))) // out.shape[axis]
    scale = n**-0.5 if norm == "ortho" else 1 / n if (norm == "forward") == forward else 1
    source = End(x, x.shape[axis], n, inner, flip=not forward)
    target = End(out, out.shape[axis], n, inner, flip=not forward)
    if n == 1 or _factors(n):
        _lines(source, target, outer, n, inner, scale)
        return
    length = 1 << (2 * n - 2).bit_length()
    chirp, turns = _chirp(n, length, pair, device), _roots(2 * n, pair, device)
    spectrum = DeviceArray.empty((outer, length, inner), pair, device)
    within = End(spectrum, length, length, inner)
    source = source._replace(rule=CHIRP, table=turns, of=2 * n)
    _lines(source, within._replace(rule=TABLE, table=chirp), outer, length, inner, 1)
    target = target._replace(rule=CHIRP, table=turns, of=2 * n, flip=forward)
    _lines(within._replace(flip=True), target, outer, length, inner, scale / length)


def complex_to_complex(out, x, axes, forward, norm) -> None:
    """As on the CPU; all arrays are contiguous."""
    for axis in reversed(axes):
        _transform(out, x, axis, forward, norm)
        x = out


real_to_complex = complex_to_complex


def complex_to_real(out, x, axes, forward, norm) -> None:
    """As on the CPU; all arrays are contiguous."""
    if len(axes) > 1:
        terms = DeviceArray.empty(x.shape, x.dtype, x.device)
        complex_to_complex(terms, x, axes[:-1], forward, norm)
        x = terms
    _transform(out, x, axes[-1], forward, norm)
