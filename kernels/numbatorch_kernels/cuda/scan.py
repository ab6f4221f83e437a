"""The kernels of ../scan.py on CUDA: a thread for each line; or, of few and long ones, for each chunk of a line, once more
after the totals of the chunks have been scanned in the same way. Also how counts become the places where what was counted
starts."""

from collections.abc import Callable
from types import FunctionType

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.scan import log_add_exp

CHUNK = 4 if SIMULATED else 64  # counts, or elements of a line, that one thread adds up
LINES = 4 if SIMULATED else 1 << 14  # threads that keep the device busy

log_add = device_function(log_add_exp)


@device_function
def add(a, b):
    return a + b


@device_function
def multiply(a, b):
    return a * b


combine = add  # of two neighbours: each kernel has its own


def total_grid(totals, src, n, inner, size, lines, count):
    """What each chunk of a line makes together; those of one place in their line lie side by side."""
    for item in range(cuda.grid(1), count, cuda.gridsize(1)):
        line, chunk = item % lines, item // lines
        at = line // inner * n * inner + line % inner
        value = src[at + chunk * size * inner]
        for i in range(chunk * size + 1, min(n, (chunk + 1) * size)):
            value = combine(value, src[at + i * inner])
        totals[item] = value


def scan_grid(out, src, before, n, inner, size, lines, count):
    """The elements of each chunk, beginning with what the chunks before it make."""
    for item in range(cuda.grid(1), count, cuda.gridsize(1)):
        line, chunk = item % lines, item // lines
        at = line // inner * n * inner + line % inner
        value = src[at + chunk * size * inner]
        if chunk > 0:
            value = combine(before[item - lines], value)
        out[at + chunk * size * inner] = value
        for i in range(chunk * size + 1, min(n, (chunk + 1) * size)):
            value = combine(value, src[at + i * inner])
            out[at + i * inner] = value


def _of(kernel: Callable, operation: Callable, name: str) -> FunctionType:
    function = FunctionType(kernel.__code__, kernel.__globals__ | {"combine": operation}, kernel.__name__)
    function.__qualname__ = name
    return function


sum_totals, sum_scan = _of(total_grid, add, "sum_totals"), _of(scan_grid, add, "sum_scan")
product_totals, product_scan = (
    _of(total_grid, multiply, "product_totals"),
    _of(scan_grid, multiply, "product_scan"),
)
log_totals, log_scan = _of(total_grid, log_add, "log_totals"), _of(scan_grid, log_add, "log_scan")


def extreme_grid(out, indices, src, n, inner, largest, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        best, place = src[at], 0
        for i in range(n):
            value = src[at + i * inner]
            if value != value or (best == best and (value >= best if largest else value <= best)):
                best, place = value, i
            out[at + i * inner] = best
            indices[at + i * inner] = place


def scan(out, src, lines: int, n: int, inner: int, how: int) -> None:
    totals, kernel = ((sum_totals, sum_scan), (product_totals, product_scan), (log_totals, log_scan))[how]
    size = n if lines >= LINES else min(n, CHUNK)
    chunks = -(-n // size)
    before = out
    if chunks > 1:
        before, found = (DeviceArray.empty((chunks * lines,), out.dtype, out.device) for _ in range(2))
        count = chunks * lines
        launcher(totals, out.dtype, src.dtype, *[int] * 5)(found, src, n, inner, size, lines, count)
        scan(before, found, lines, chunks, lines, how)
    launch = launcher(kernel, out.dtype, src.dtype, out.dtype, *[int] * 5)
    launch(out, src, before, n, inner, size, lines, chunks * lines)


def extreme(out, indices, src, lines: int, n: int, inner: int, largest: int) -> None:
    launch = launcher(extreme_grid, out.dtype, "i8", src.dtype, int, int, int, int)
    launch(out, indices, src, n, inner, largest, lines)


def count_totals_grid(totals, counts, n, chunks):
    """The sum of each chunk."""
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        total = 0
        for k in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            total += counts[k]
        totals[chunk] = total


def start_grid(counts, starts, n, chunks):
    """Each count of a chunk becomes the start of its chunk and the sum of those before it."""
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        total = starts[chunk] if chunk > 0 else 0
        for k in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            count = counts[k]
            counts[k] = total
            total += count


def starts_of(counts) -> None:
    """Each count becomes the sum of those before it: sums of chunks first, and of them in turn."""
    n = counts.size
    chunks = -(-n // CHUNK)
    starts = DeviceArray.empty((chunks,), "i8", counts.device)
    if chunks > 1:
        launcher(count_totals_grid, "i8", "i8", int, int)(starts, counts, n, chunks)
        starts_of(starts)
    launcher(start_grid, "i8", "i8", int, int)(counts, starts, n, chunks)
