"""The kernels of ../sort.py on CUDA: radix sort, a digit at a time from the lowest. A block has a tile of a
row, and finds for each of its elements how many with the same digit come before it.

A row of one tile is sorted by one block in one launch, all digits after each other, its order in shared memory. Of longer
rows, each digit takes three launches. The tiles count their digits: the counts lie row by row, in a row digit by digit and
then tile by tile, so that, added up in this order, they say where each tile's elements of each digit go. Then the tiles
sort themselves by the digit and go there; neighbours in a tile are neighbours in memory then, too.

The threads of a warp that hold the same digit find each other by one instruction, and so know their order; a warp has
counters of its own for all that it has seen before. (D. Merrill and A. Grimshaw, "High performance and scalable radix
sorting", 2011; A. Adinets and D. Merrill, "Onesweep: a faster least significant digit radix sort for GPUs", 2022.)
"""

from __future__ import annotations

from numpy import int16, int32, int64, uint32, uint64

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, WARP, cuda, device_function
from numbatorch_kernels.cuda.launch import BLOCK, compiled, threads_of
from numbatorch_kernels.cuda.scan import starts_of
from numbatorch_kernels.cuda.warp import ALL
from numbatorch_kernels.keys import WORD, key_of, order

WIDTH = 4 if SIMULATED else 8  # bits of a digit
DIGITS = 1 << WIDTH
BINS = DIGITS + 1  # of a warp: the last is for threads that have no element
TILE = (2 if SIMULATED else 16) * BLOCK  # elements that a block puts in order
SIDES = 2 * TILE  # of an order: one is read, the other one written
COUNTERS = BLOCK // WARP * BINS
PER_LANE = DIGITS // WARP  # digits that a thread of the first warp adds up

key = device_function(key_of)


@device_function
def digit_of(word, shift, form, bits, infinity, descending):
    return int64(key(word, form, bits, infinity, descending) >> uint64(shift) & uint64(DIGITS - 1))


@device_function
def clear(counts):
    for k in range(cuda.threadIdx.x, cuda.blockDim.x // WARP * BINS, cuda.blockDim.x):
        counts[k] = 0
    cuda.syncthreads()


@device_function
def seen_before(counts, bin):
    """How many elements of a bin the warp has seen before this thread's. All threads of the warp come here."""
    peers = uint32(cuda.match_any_sync(ALL, int32(bin)))
    lane = uint32(cuda.threadIdx.x % WARP)
    below = cuda.popc(peers & ((uint32(1) << lane) - uint32(1)))
    at = cuda.threadIdx.x // WARP * BINS + bin
    before = counts[at]
    cuda.syncwarp()
    if below == 0:
        counts[at] = before + cuda.popc(peers)
    cuda.syncwarp()
    return before + below


@device_function
def add_up(counts, firsts):
    """The counts of each warp become the places in the tile where its elements of each digit go; `firsts` where those of
    each digit begin."""
    t = cuda.threadIdx.x
    cuda.syncthreads()
    for d in range(t, DIGITS, cuda.blockDim.x):
        total = 0
        for at in range(d, cuda.blockDim.x // WARP * BINS, BINS):
            count = counts[at]
            counts[at] = total
            total += count
        firsts[d] = total
    cuda.syncthreads()
    if t < WARP:
        total = 0
        for k in range(PER_LANE):
            total += firsts[t * PER_LANE + k]
        upto, step = total, 1
        while step < WARP:
            before = cuda.shfl_up_sync(ALL, upto, step)
            if t >= step:
                upto += before
            step *= 2
        start = upto - total
        for k in range(PER_LANE):
            count = firsts[t * PER_LANE + k]
            firsts[t * PER_LANE + k] = start
            start += count
    cuda.syncthreads()


@device_function
def sort_tile(order, side, ranks, counts, firsts, words, base, size, shift, form, bits, infinity, descending):
    """Put `order`, places of the elements of a tile from `base` on, in the order of one digit. It has two sides: one is
    read, the other one written."""
    t, share = cuda.threadIdx.x, -(-size // cuda.blockDim.x) * WARP
    begin = t // WARP * share + t % WARP
    clear(counts)
    for k in range(begin, begin + share, WARP):
        bin = DIGITS
        if k < size:
            bin = digit_of(words[base + order[side * TILE + k]], shift, form, bits, infinity, descending)
        rank = seen_before(counts, bin)
        if k < size:
            ranks[k] = rank
    add_up(counts, firsts)
    for k in range(begin, min(begin + share, size), WARP):
        place = order[side * TILE + k]
        digit = digit_of(words[base + place], shift, form, bits, infinity, descending)
        order[(1 - side) * TILE + counts[t // WARP * BINS + digit] + firsts[digit] + ranks[k]] = place
    cuda.syncthreads()


def sort_block(out, out_places, words, length, stop, form, bits, infinity, descending):
    """Sort a row of one tile by the lowest `stop` bits of its keys."""
    order, ranks = cuda.shared.array(SIDES, int16), cuda.shared.array(TILE, int16)
    counts, firsts = cuda.shared.array(COUNTERS, int32), cuda.shared.array(DIGITS, int32)
    base, side = cuda.blockIdx.x * length, 0
    for k in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        order[k] = k
    for shift in range(0, stop, WIDTH):
        sort_tile(
            order, side, ranks, counts, firsts, words, base, length, shift, form, bits, infinity, descending
        )
        side = 1 - side
    for k in range(cuda.threadIdx.x, length, cuda.blockDim.x):
        place = order[side * TILE + k]
        out[base + k] = words[base + place]
        out_places[base + k] = place


def count_block(counted, words, length, tiles, shift, form, bits, infinity, descending):
    """Count the digits of a tile of a row; `tiles`: of a row."""
    counts = cuda.shared.array(COUNTERS, int32)
    t, row, tile = cuda.threadIdx.x, cuda.blockIdx.x // tiles, cuda.blockIdx.x % tiles
    base, size = row * length + tile * TILE, min(TILE, length - tile * TILE)
    clear(counts)
    for k in range(t, -(-size // cuda.blockDim.x) * cuda.blockDim.x, cuda.blockDim.x):
        bin = DIGITS
        if k < size:
            bin = digit_of(words[base + k], shift, form, bits, infinity, descending)
        seen_before(counts, bin)
    cuda.syncthreads()
    for d in range(t, DIGITS, cuda.blockDim.x):
        total = 0
        for at in range(d, COUNTERS, BINS):
            total += counts[at]
        counted[(row * DIGITS + d) * tiles + tile] = total


def move_block(
    out, out_places, words, places, numbered, starts, length, tiles, shift, form, bits, infinity, descending
):
    """Move the elements of a tile, with their places in their row, to where their digits go."""
    order, ranks = cuda.shared.array(SIDES, int16), cuda.shared.array(TILE, int16)
    counts, firsts = cuda.shared.array(COUNTERS, int32), cuda.shared.array(DIGITS, int32)
    row, tile = cuda.blockIdx.x // tiles, cuda.blockIdx.x % tiles
    base, size = row * length + tile * TILE, min(TILE, length - tile * TILE)
    for k in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        order[k] = k
    sort_tile(order, 0, ranks, counts, firsts, words, base, size, shift, form, bits, infinity, descending)
    for k in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        place = order[TILE + k]
        word = words[base + place]
        digit = digit_of(word, shift, form, bits, infinity, descending)
        to = starts[(row * DIGITS + digit) * tiles + tile] + k - firsts[digit]
        out[to] = word
        out_places[to] = places[base + place] if numbered else tile * TILE + place


def sort(values, indices, src, descending, significant: int = 64) -> None:
    """As on the CPU. The keys may differ in this many of their lowest bits alone."""
    rule, word, length = order(src.dtype, descending), WORD[src.itemsize], src.shape[-1]
    tiles, rows, bits = -(-length // TILE), src.size // length, min(rule.bits, significant)
    words, own = src.view(word), (values.view(word), indices)
    if tiles == 1:
        kernel = compiled(sort_block, word, "i8", word, *[int] * 6)
        kernel(rows, threads_of(length), *own, words, length, bits, *rule)
        return
    counts = DeviceArray.empty((rows * DIGITS * tiles,), "i8", src.device)
    count = compiled(count_block, "i8", word, *[int] * 7)
    move = compiled(move_block, word, "i8", word, "i8", int, "i8", *[int] * 7)
    spare = DeviceArray.empty(src.shape, word, src.device), DeviceArray.empty(src.shape, "i8", src.device)
    passes, places = -(-bits // WIDTH), indices
    for k in range(passes):
        args = length, tiles, k * WIDTH, *rule
        count(rows * tiles, BLOCK, counts, words, *args)
        starts_of(counts)
        out, out_places = own if (passes - k) % 2 else spare  # the last pass writes the results
        move(rows * tiles, BLOCK, out, out_places, words, places, int(k > 0), counts, *args)
        words, places = out, out_places
