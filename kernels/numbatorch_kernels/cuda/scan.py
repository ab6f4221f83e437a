"""The kernels of ../scan.py on CUDA; and how counts become the places where what was counted starts.

Where there are few lines they are cut into chunks: first the total of each is found, then each is scanned, beginning with
what those before it make together. So an element is read once or twice and written once.

Neighbouring threads have neighbours in memory. Where many lines lie side by side, a thread has a chunk of a line. Else a
block has it: a thread takes EACH elements that follow each other, and the threads find out together what those before
them make (W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986). Everything is added up in an order that
depends on the sizes alone.
"""

from __future__ import annotations

from math import inf, isqrt
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import BLOCK, compiled, launcher, threads_of
from numbatorch_kernels.cuda.variants import ByDtype, copies, with_globals
from numbatorch_kernels.scan import complex_log_add_exp, log_add_exp

EACH = 2 if SIMULATED else 4  # neighbours that a thread of a block adds up
SHARES = 2 * BLOCK
LEAST = 4 if SIMULATED else 4096  # elements that a block should have
LINES = 4 if SIMULATED else 1 << 14  # threads that keep the device busy,
BLOCKS = 8  # and blocks that a multiprocessor does
APART = 8  # elements that are fetched together: as many lines must lie side by side


# Each kernel has its own ELEMENT, START, LARGEST, `element`, `combine` and `put`; these are those of sums.
ELEMENT, START, LARGEST = np.float32, 0, True
ONE, HALF = np.float64(1), np.float64(0.5)  # of complex logarithms


def element(src, place):
    """What is scanned: an element,"""
    return src[place]


def itself(src, place):
    """or where it is, of those that are compared."""
    return place


def combine(src, a, b):
    return a + b


def multiply(src, a, b):
    return a * b


log_add_of, complex_log_add_of = device_function(log_add_exp), device_function(complex_log_add_exp)


def log_add(src, a, b):
    return log_add_of(a, b)


def complex_log_add(src, a, b):
    return complex_log_add_of(b, a, ONE, HALF)


def better(src, a, b):
    """The place of the larger element (unless LARGEST the smaller), or of one that is NaN; of equal ones the later; -1 is
    none."""
    if a < 0 or b < 0:
        return max(a, b)
    x, y = src[a], src[b]
    if x == y or (x != x and y != y):
        return max(a, b)
    return a if x != x or (y == y and (x > y) == LARGEST) else b


def put(out, places, src, at, inner, to, before, value):
    """What becomes of an element: the running total,"""
    out[to] = value


def keep_before(out, places, src, at, inner, to, before, value):
    """that without the element itself,"""
    out[to] = before


def keep_chosen(out, places, src, at, inner, to, before, value):
    """or the element that was chosen, and where in its line it is."""
    out[to] = src[value]
    places[to], _ = split(value - at, inner)


def running(src, value, shares):
    """What the values of all threads before this one make together, and those of all. All threads come here."""
    t, width, side, step = cuda.threadIdx.x, cuda.blockDim.x, 0, 1
    shares[t] = value
    cuda.syncthreads()
    while step < width:
        if t >= step:
            value = combine(src, shares[side + t - step], value)
        side = width - side
        shares[side + t] = value
        cuda.syncthreads()
        step *= 2
    before = shares[side + t - 1] if t > 0 else ELEMENT(START)
    total = shares[side + width - 1]
    cuda.syncthreads()  # nobody writes before everybody has read
    return before, total


def total_grid(totals, src, n, inner, size, lines, count):
    """What each chunk of a line makes together; those of one place in their line lie side by side."""
    for item in range(cuda.grid(1), count, cuda.gridsize(1)):
        chunk, line = split(item, lines)
        outer, place = split(line, inner)
        at = outer * n * inner + place
        value = ELEMENT(START)
        for i in range(chunk * size, min(n, (chunk + 1) * size)):
            value = combine(src, value, element(src, at + i * inner))
        totals[item] = value


def scan_grid(out, places, src, totals, n, inner, size, lines, count):
    """The elements of each chunk, beginning with what the chunks before it make."""
    for item in range(cuda.grid(1), count, cuda.gridsize(1)):
        chunk, line = split(item, lines)
        outer, place = split(line, inner)
        at = outer * n * inner + place
        value = ELEMENT(START)
        for other in range(line, item, lines):
            value = combine(src, value, totals[other])
        for i in range(chunk * size, min(n, (chunk + 1) * size)):
            before, to = value, at + i * inner
            value = combine(src, value, element(src, to))
            put(out, places, src, at, inner, to, before, value)


def total_block(totals, src, n, inner, size, chunks):
    """What each chunk of a line makes together; those of a line lie side by side."""
    shares = cuda.shared.array(SHARES, ELEMENT)
    line, chunk = split(cuda.blockIdx.x, chunks)
    outer, place = split(line, inner)
    at = outer * n * inner + place
    value = ELEMENT(START)
    for i in range(chunk * size + cuda.threadIdx.x, min(n, (chunk + 1) * size), cuda.blockDim.x):
        value = combine(src, value, element(src, at + i * inner))
    _, total = running(src, value, shares)
    if cuda.threadIdx.x == 0:
        totals[cuda.blockIdx.x] = total


def scan_block(out, places, src, totals, n, inner, size, chunks):
    """The elements of each chunk, beginning with what the chunks before it make."""
    shares = cuda.shared.array(SHARES, ELEMENT)
    t, width = cuda.threadIdx.x, cuda.blockDim.x
    line, chunk = split(cuda.blockIdx.x, chunks)
    outer, place = split(line, inner)
    at, stop = outer * n * inner + place, min(n, (chunk + 1) * size)
    value = ELEMENT(START)
    for other in range(t, chunk, width):
        value = combine(src, value, totals[line * chunks + other])
    _, carried = running(src, value, shares)
    for first in range(chunk * size, stop, width * EACH):
        begin, end = first + t * EACH, min(first + t * EACH + EACH, stop)
        value = ELEMENT(START)
        for i in range(begin, end):
            value = combine(src, value, element(src, at + i * inner))
        before, total = running(src, value, shares)
        value = combine(src, carried, before)
        for i in range(begin, end):
            before, to = value, at + i * inner
            value = combine(src, value, element(src, to))
            put(out, places, src, at, inner, to, before, value)
        carried = combine(src, carried, total)


# ---- a kernel of each text for each type of numbers ----


class _Texts(NamedTuple):
    total_grid: FunctionType
    scan_grid: FunctionType
    total_block: FunctionType
    scan_block: FunctionType


def _texts(name: str, number: type, start: float = 0, **own: Any) -> _Texts:
    """The kernels of which the tuple `name` consists, with these globals of their `own`."""
    names: dict[str, Any] = {"ELEMENT": number, "START": start, **own}
    for hook in (element, combine, put, running):
        function = own.get(hook.__name__, hook)
        names[hook.__name__] = device_function(with_globals(function, names))
    return _Texts(*copies(_Texts, name, (total_grid, scan_grid, total_block, scan_block), names))


def _by_dtype(name: str, start: float = 0, **own: Any) -> ByDtype:
    return ByDtype(
        i8=_texts(f"{name}.i8", np.int64, start, **own),
        f4=_texts(f"{name}.f4", np.float32, start, **own),
        f8=_texts(f"{name}.f8", np.float64, start, **own),
        c8=_texts(f"{name}.c8", np.complex64, start, **own),
        c16=_texts(f"{name}.c16", np.complex128, start, **own),
    )


sums, products = _by_dtype("sums"), _by_dtype("products", 1, combine=multiply)
single = {"ONE": np.float32(1), "HALF": np.float32(0.5)}
logs = ByDtype(
    f4=_texts("logs.f4", np.float32, -inf, combine=log_add),
    f8=_texts("logs.f8", np.float64, -inf, combine=log_add),
    c8=_texts("logs.c8", np.complex64, -inf, combine=complex_log_add, **single),
    c16=_texts("logs.c16", np.complex128, -inf, combine=complex_log_add),
)
choice = {"combine": better, "element": itself, "put": keep_chosen}
largest_places = _texts("largest_places", np.int64, -1, **choice)
smallest_places = _texts("smallest_places", np.int64, -1, LARGEST=False, **choice)
running_sum = device_function(
    with_globals(running, {"ELEMENT": np.int64, "combine": device_function(combine)})
)
starts = _texts("starts", np.int64, put=keep_before)


def _run(of: _Texts, code: str, out, places, src, lines: int, n: int, inner: int) -> None:
    """`places` is read by kernels that choose."""
    by_block = inner < APART and n > compat.WARP
    if by_block:
        chunks = min(n // LEAST, BLOCKS * compat.multiprocessors(out.device) // lines)
    else:
        chunks = min(isqrt(n), LINES // lines)  # each reads the totals of those before it
    size = -(-n // max(chunks, 1))
    chunks = -(-n // size)
    totals = DeviceArray.empty((chunks * lines,), code, out.device)
    kinds = (out.dtype, "i8", src.dtype, code)
    if by_block:
        grid, block = chunks * lines, threads_of(size)
        if chunks > 1:
            total = compiled(of.total_block, code, src.dtype, *[int] * 4)
            total(grid, block, totals, src, n, inner, size, chunks)
        each = compiled(of.scan_block, *kinds, *[int] * 4)
        each(grid, block, out, places, src, totals, n, inner, size, chunks)
    else:
        count = chunks * lines
        if chunks > 1:
            launcher(of.total_grid, code, src.dtype, *[int] * 5)(totals, src, n, inner, size, lines, count)
        launch = launcher(of.scan_grid, *kinds, *[int] * 5)
        launch(out, places, src, totals, n, inner, size, lines, count)


def scan(out, src, lines: int, n: int, inner: int, how: int) -> None:
    code = out.dtype.str[1:] if out.dtype.kind in "fc" else "i8"
    _run(getattr((sums, products, logs)[how], code), code, out, out, src, lines, n, inner)


def extreme(out, indices, src, lines: int, n: int, inner: int, largest: int) -> None:
    _run(largest_places if largest else smallest_places, "i8", out, indices, src, lines, n, inner)


def starts_of(counts) -> None:
    """Each count becomes the sum of those before it."""
    _run(starts, "i8", counts, counts, counts, 1, counts.size, 1)
