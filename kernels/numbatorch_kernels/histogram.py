"""How often numbers occur, and how many samples fall into each bin of a histogram.

The elements are cut into shares, each counted into a row of totals of its own; who calls adds up the rows. So
no two threads write to one place, and the result is the same every time.
"""

from __future__ import annotations

from functools import cache

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.cpu import shared
from numbatorch_kernels.registry import Kernel

occurrences = Kernel(
    "occurrences"
    # (totals, numbers, weights or None): a row of totals for each share: how often each number from 0 on occurs
    # (int64), or the sum of the weights that go with it (float64)
)
histogram = Kernel(
    "histogram"
    # (totals, samples, weights or None, edges, counts, how): a row of float64 totals of the bins for each share.
    # A sample is a row of coordinates; `edges` are those of all dimensions, one after the other, `counts` how
    # many each has. How the place between the edges is found: BISECTED; or for evenly spaced ones by division,
    # which is trusted (DIVIDED), or compared with the edges nearby (CHECKED).
)

BISECTED, DIVIDED, CHECKED = range(3)
GRAIN = 1 << 14


@shared
def edges_below(edges, first, stop, value):
    """The number of the last of the edges first..stop-1 that is not above `value`."""
    while first < stop:
        middle = (first + stop) // 2
        if edges[middle] > value:
            stop = middle
        else:
            first = middle + 1
    return first - 1


@shared
def bin_of(samples, at, edges, counts, cells, dims, how):
    """The number of the bin that the sample at `at` falls into, or -1. `cells` are `counts` - 1 in the type of
    the samples."""
    number, start = 0, 0
    for d in range(dims):
        count, value = counts[d], samples[at + d]
        low, high = edges[start], edges[start + count - 1]
        if not (low <= value and value <= high):
            return -1
        if how == BISECTED or low == high:
            place = edges_below(edges, start, start + count, value) - start
        else:
            place = int((value - low) * cells[d] / (high - low))
            if how == CHECKED:
                nearby = min(start + place + 2, start + count)
                place = edges_below(edges, start + max(place - 1, 0), nearby, value) - start
        number = number * (count - 1) + min(max(place, 0), count - 2)  # the last edge belongs to the last bin
        start += count
    return number


@shared
def tally_share(totals, share, numbers, weights, weighted, bins, each, n):
    """Count the numbers of a share of `each`, or add up their weights."""
    for k in range(share * each, min((share + 1) * each, n)):
        at = share * bins + numbers[k]
        if weighted:
            totals[at] += weights[k]
        else:
            totals[at] += 1


@shared
def bin_share(totals, share, samples, weights, weighted, edges, counts, cells, dims, how, bins, each, n):
    """Add 1, or its weight, to the bin of each sample of a share of `each`."""
    for k in range(share * each, min((share + 1) * each, n)):
        number = bin_of(samples, k * dims, edges, counts, cells, dims, how)
        if number >= 0:
            if weighted:
                totals[share * bins + number] += weights[k]
            else:
                totals[share * bins + number] += 1


def shares_of(device: str, n: int, bins: int) -> int:
    """Into how many shares n elements are cut: enough for all threads, and no more totals than elements."""
    most, grain = (parallel.get_num_threads(), GRAIN) if device == "cpu" else (1 << 14, 64)
    return max(1, min(most, n // grain, n // max(bins, 1)))


def _tally(totals, numbers, weights, weighted, bins, each, n, start, stop):
    for share in range(start, stop):
        tally_share(totals, share, numbers, weights, weighted, bins, each, n)


def _bin(totals, samples, weights, weighted, edges, counts, cells, dims, how, bins, each, n, start, stop):
    for share in range(start, stop):
        bin_share(totals, share, samples, weights, weighted, edges, counts, cells, dims, how, bins, each, n)


def tally_kinds(totals, numbers, weights) -> tuple:
    """The kinds of the arguments of a tally, up to `n`; without weights, any array stands for them."""
    return totals.dtype, numbers.dtype, totals.dtype if weights is None else weights.dtype, *[int] * 4


def bin_kinds(totals, samples, weights) -> tuple:
    """The kinds of the arguments of a histogram, up to `n`."""
    x = samples.dtype
    return totals.dtype, x, totals.dtype if weights is None else weights.dtype, int, x, "i8", x, *[int] * 5


def tally_args(totals, numbers, weights) -> tuple:
    """The arguments of a tally, up to `n`."""
    shares, bins = totals.shape
    given = (totals, 0) if weights is None else (weights, 1)
    return totals, numbers, *given, bins, -(-numbers.size // shares), numbers.size


def bin_args(totals, samples, weights, edges, counts, cells, how) -> tuple:
    """The arguments of a histogram, up to `n`."""
    (shares, bins), (n, dims) = totals.shape, samples.shape
    given = (totals, 0) if weights is None else (weights, 1)
    return totals, samples, *given, edges, counts, cells, dims, how, bins, -(-n // shares), n


@cache
def _entry(function, *kinds):
    return cpu.compiled(function, *kinds, int, int)


@occurrences.on("cpu")
def _(totals, numbers, weights):
    entry = _entry(_tally, *tally_kinds(totals, numbers, weights))
    parallel.run(entry, len(totals), 1, *tally_args(totals, numbers, weights))


@histogram.on("cpu")
def _(totals, samples, weights, edges, counts, how):
    cells = (counts - 1).astype(samples.dtype)
    entry = _entry(_bin, *bin_kinds(totals, samples, weights))
    parallel.run(entry, len(totals), 1, *bin_args(totals, samples, weights, edges, counts, cells, how))


# ---- CUDA: see cuda/histogram.py, imported late, so that a program that stays on the CPU never loads a CUDA
# compiler. ----


@occurrences.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import histogram

    histogram.occurrences(*args)


@histogram.on("cuda")
def _(*args):
    from numbatorch_kernels.cuda import histogram

    histogram.histogram(*args)
