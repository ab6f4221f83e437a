"""The kernels of ../sort.py and ../select.py on CUDA: radix sort four bits at a time; a thread has a tile of a
row. What is selected is looked up in the sorted row.

The counts of all digits of all tiles lie row by row, in a row digit by digit and then tile by tile: added up in
this order they say where each tile's elements of each digit go.
"""

from __future__ import annotations

from numpy import int64, uint64

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.cuda.scan import starts_of
from numbatorch_kernels.keys import WORD, is_nan, key_of, order
from numbatorch_kernels.select import rank_of

WIDTH = 4  # bits of a digit
DIGITS = 1 << WIDTH
TILE = 8 if SIMULATED else 256  # elements that one thread moves in their order

key = device_function(key_of)
nan = device_function(is_nan)
rank_in = device_function(rank_of)


def count_grid(counts, words, length, tiles, shift, form, bits, infinity, descending, n):
    """Count the digits of each tile. `n` is the number of tiles, `tiles` that of a row."""
    for t in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, tile = t // tiles, t % tiles
        at = row * DIGITS * tiles + tile
        for d in range(DIGITS):
            counts[at + d * tiles] = 0
        for j in range(row * length + tile * TILE, row * length + min((tile + 1) * TILE, length)):
            digit = int64(
                key(words[j], form, bits, infinity, descending) >> uint64(shift) & uint64(DIGITS - 1)
            )
            counts[at + digit * tiles] += 1


def move_grid(
    out,
    out_places,
    words,
    places,
    numbered,
    starts,
    length,
    tiles,
    shift,
    form,
    bits,
    infinity,
    descending,
    n,
):
    """Move the elements of each tile, with their places in their row, to where their digits go."""
    for t in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, tile = t // tiles, t % tiles
        at = row * DIGITS * tiles + tile
        for j in range(tile * TILE, min((tile + 1) * TILE, length)):
            word = words[row * length + j]
            digit = int64(key(word, form, bits, infinity, descending) >> uint64(shift) & uint64(DIGITS - 1))
            to = starts[at + digit * tiles]
            starts[at + digit * tiles] = to + 1
            out[to] = word
            out_places[to] = places[row * length + j] if numbered else j


def select_grid(values, indices, words, places, length, how, rank, form, bits, infinity, n):
    """Of each sorted row the element of a rank, or a median, and its place."""
    for row in range(cuda.grid(1), n, cuda.gridsize(1)):
        low, numbers = 0, length  # NaN comes last: bisect for the first one
        while low < numbers:
            middle = (low + numbers) // 2
            if nan(words[row * length + middle], form, bits, infinity):
                numbers = middle
            else:
                low = middle + 1
        at = row * length + rank_in(how, rank, length, numbers)
        values[row] = words[at]
        indices[row] = places[at]


def top_grid(values, indices, words, places, length, few, n):
    """The first few elements of each sorted row."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        at = k // few * length + k % few
        values[k] = words[at]
        indices[k] = places[at]


def sort(values, indices, src, descending, significant: int = 64) -> None:
    """As on the CPU. The keys may differ in this many of their lowest bits alone."""
    rule, word, length = order(src.dtype, descending), WORD[src.itemsize], src.shape[-1]
    tiles, device = -(-length // TILE), src.device
    n = src.size // length * tiles
    counts = DeviceArray.empty((n * DIGITS,), "i8", device)
    count = launcher(count_grid, "i8", word, *[int] * 8)
    move = launcher(move_grid, word, "i8", word, "i8", int, "i8", *[int] * 8)
    words, places, own = src.view(word), indices, (values.view(word), indices)
    spare = DeviceArray.empty(src.shape, word, device), DeviceArray.empty(src.shape, "i8", device)
    for k in range(
        -(-min(rule.bits, significant) // (2 * WIDTH)) * 2
    ):  # even, so that the last pass writes the results
        args = length, tiles, k * WIDTH, *rule, n
        count(counts, words, *args)
        starts_of(counts)
        out, out_places = own if k % 2 else spare
        move(out, out_places, words, places, int(k > 0), counts, *args)
        words, places = out, out_places


def _sorted(src, largest) -> tuple[DeviceArray, DeviceArray]:
    """The words of the sorted rows, and their places."""
    values = DeviceArray.empty(src.shape, src.dtype, src.device)
    places = DeviceArray.empty(src.shape, "i8", src.device)
    sort(values, places, src, largest)
    return values.view(WORD[src.itemsize]), places


def select(values, indices, src, how, rank) -> None:
    word, rule = WORD[src.itemsize], order(src.dtype, False)[:3]
    launch = launcher(select_grid, word, "i8", word, "i8", *[int] * 7)
    launch(values.view(word), indices, *_sorted(src, False), src.shape[-1], how, rank, *rule, values.size)


def top(values, indices, src, largest) -> None:
    word = WORD[src.itemsize]
    launch = launcher(top_grid, word, "i8", word, "i8", int, int, int)
    found = _sorted(src, largest)
    launch(values.view(word), indices, *found, src.shape[-1], values.shape[-1], values.size)
