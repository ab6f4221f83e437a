"""The kernels of ../scan.py on CUDA: a thread for each line. Also how counts become the places where what was
counted starts."""

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.scan import log_add_exp

CHUNK = 4 if SIMULATED else 64  # counts that one thread adds up

log_add = device_function(log_add_exp)


def sum_grid(out, src, n, inner, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        value = src[at]
        out[at] = value
        for i in range(1, n):
            value += src[at + i * inner]
            out[at + i * inner] = value


def product_grid(out, src, n, inner, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        value = src[at]
        out[at] = value
        for i in range(1, n):
            value *= src[at + i * inner]
            out[at + i * inner] = value


def log_grid(out, src, n, inner, lines):
    for line in range(cuda.grid(1), lines, cuda.gridsize(1)):
        at = line // inner * n * inner + line % inner
        value = src[at]
        out[at] = value
        for i in range(1, n):
            value = log_add(value, src[at + i * inner])
            out[at + i * inner] = value


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
    kernel = (sum_grid, product_grid, log_grid)[how]
    launcher(kernel, out.dtype, src.dtype, int, int, int)(out, src, n, inner, lines)


def extreme(out, indices, src, lines: int, n: int, inner: int, largest: int) -> None:
    launch = launcher(extreme_grid, out.dtype, "i8", src.dtype, int, int, int, int)
    launch(out, indices, src, n, inner, largest, lines)


def total_grid(totals, counts, n, chunks):
    """The sum of each chunk."""
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        total = 0
        for k in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            total += counts[k]
        totals[chunk] = total


def start_grid(counts, starts, n, chunks):
    """Each count of a chunk becomes the start of its chunk and the sum of those before it."""
    for chunk in range(cuda.grid(1), chunks, cuda.gridsize(1)):
        total = starts[chunk]
        for k in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            count = counts[k]
            counts[k] = total
            total += count


def starts_of(counts) -> None:
    """Each count becomes the sum of those before it: sums of chunks first, and of them in turn."""
    n = counts.size
    chunks = -(-n // CHUNK)
    starts = DeviceArray.from_host(np.zeros(chunks, np.int64), counts.device)
    if chunks > 1:
        launcher(total_grid, "i8", "i8", int, int)(starts, counts, n, chunks)
        starts_of(starts)
    launcher(start_grid, "i8", "i8", int, int)(counts, starts, n, chunks)
