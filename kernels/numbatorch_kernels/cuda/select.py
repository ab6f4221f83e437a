"""The kernels of ../select.py on CUDA: selection by radix, a block for each row.

The threads count the digits of the keys, from the highest on, and go on with the digit in which the wanted rank falls: when
all digits are known, so is the key of that rank. Then each warp walks along its part of the row once more and gathers what
comes before that key, and as many of those that equal it as are wanted. A row is read once for each digit and twice
more, by one multiprocessor; short rows, and a few very long ones, are sorted.
"""

from __future__ import annotations

from numpy import int32, int64, uint64

from numbatorch_kernels.codes import RANK
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import SIMULATED, WARP, cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import compiled, launcher
from numbatorch_kernels.cuda.scan import running_sum
from numbatorch_kernels.cuda.sort import BINS, DIGITS, TILE, WIDTH, digit_of, key, seen_before, sort
from numbatorch_kernels.keys import WORD, is_nan, order
from numbatorch_kernels.select import rank_of

THREADS = 16 if SIMULATED else 512  # of a block: at least one for each digit
SHARES, COUNTERS = 2 * THREADS, THREADS // WARP * BINS
LONG = 1 << 18  # elements of a row, that one multiprocessor has read before all have sorted them:
FEW = 8  # unless there are more rows
BEFORE, EQUAL, BEHIND = range(3)  # where a key is

nan = device_function(is_nan)
rank_in = device_function(rank_of)


@device_function
def search(counts, found, shares, words, base, length, rank, form, bits, infinity, descending):
    """The key of a rank in a row, and how many that equal it come before it."""
    t, chosen, high, left = cuda.threadIdx.x, uint64(0), bits, rank
    while high > 0:
        low = high - WIDTH
        if t < DIGITS:
            counts[t] = 0
        cuda.syncthreads()
        for k in range(t, length, THREADS):
            word = words[base + k]
            # (in two steps, because a shift by all 64 bits is none)
            if key(word, form, bits, infinity, descending) >> uint64(high - 1) >> uint64(1) == chosen:
                cuda.atomic.add(counts, digit_of(word, low, form, bits, infinity, descending), int32(1))
        cuda.syncthreads()
        count = int64(counts[t]) if t < DIGITS else 0
        before, _ = running_sum(counts, count, shares)
        if before <= left < before + count:  # of one thread
            found[0], found[1] = t, before
        cuda.syncthreads()
        chosen = (chosen << uint64(WIDTH)) | uint64(found[0])
        left -= found[1]
        high = low
    cuda.syncthreads()  # nobody counts anything else before everybody has read
    return chosen, left


@device_function
def side_of(word, chosen, form, bits, infinity, descending):
    own = key(word, form, bits, infinity, descending)
    return BEFORE if own < chosen else EQUAL if own == chosen else BEHIND


def select_block(values, indices, words, length, few, how, rank, form, bits, infinity, descending):
    """Of a row the elements of ranks from `rank` on, `few` of them (or one, the median), and their places; those that equal
    the last come last, else in the order of their places. Other ranks than the last must come from 0 on."""
    counts, found = cuda.shared.array(COUNTERS, int32), cuda.shared.array(2, int64)
    shares = cuda.shared.array(SHARES, int64)
    t, row = cuda.threadIdx.x, cuda.blockIdx.x
    base, numbers = row * length, length
    if how != RANK:
        without = 0
        for k in range(t, length, THREADS):
            without += 1 if nan(words[base + k], form, bits, infinity) else 0
        numbers -= running_sum(counts, without, shares)[1]
    first = rank_in(how, rank, length, numbers)
    chosen, left = search(
        counts, found, shares, words, base, length, first + few - 1, form, bits, infinity, descending
    )
    share = -(-length // THREADS) * WARP
    begin, before, equal = t // WARP * share, 0, 0
    end = min(begin + share, length)
    for k in range(begin + t % WARP, end, WARP):
        side = side_of(words[base + k], chosen, form, bits, infinity, descending)
        before += 1 if side == BEFORE else 0
        equal += 1 if side == EQUAL else 0
    before, _ = running_sum(counts, before, shares)
    equal, _ = running_sum(counts, equal, shares)
    if t % WARP == 0:
        counts[t // WARP * BINS + BEFORE] = before
        counts[t // WARP * BINS + EQUAL] = first + few - 1 - left + equal
    cuda.syncwarp()
    for start in range(begin, end, WARP):
        k, side = start + t % WARP, BEHIND
        if k < end:
            side = side_of(words[base + k], chosen, form, bits, infinity, descending)
        at = seen_before(counts, side)
        if side != BEHIND and first <= at < first + few:
            values[row * few + at - first] = words[base + k]
            indices[row * few + at - first] = k


def through_grid(indices, places, turns, few, n):
    """indices = places in the order of `turns`, for each row."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, _ = split(k, few)
        indices[k] = places[row * few + turns[k]]


def ranked_grid(values, indices, words, places, length, how, rank, form, bits, infinity, n):
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


def first_grid(values, indices, words, places, length, few, n):
    """The first few elements of each sorted row."""
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, turn = split(k, few)
        at = row * length + turn
        values[k] = words[at]
        indices[k] = places[at]


def _sorted(src, largest) -> tuple[DeviceArray, DeviceArray]:
    """The words of the sorted rows, and their places."""
    values = DeviceArray.empty(src.shape, src.dtype, src.device)
    places = DeviceArray.empty(src.shape, "i8", src.device)
    sort(values, places, src, largest)
    return values.view(WORD[src.itemsize]), places


def _is_found_by_block(src) -> bool:
    length = src.shape[-1]
    return length > TILE and (length <= LONG or src.size // length >= FEW)


def _by_block(values, indices, src, few: int, how: int, rank: int, largest) -> None:
    word, length = WORD[src.itemsize], src.shape[-1]
    launch = compiled(select_block, word, "i8", word, *[int] * 8)
    numbers = (length, few, how, rank, *order(src.dtype, largest))
    launch(src.size // length, THREADS, values.view(word), indices, src.view(word), *numbers)


def select(values, indices, src, how, rank) -> None:
    """As on the CPU."""
    if _is_found_by_block(src):
        _by_block(values, indices, src, 1, how, rank, False)
        return
    word, rule = WORD[src.itemsize], order(src.dtype, False)[:3]
    launch = launcher(ranked_grid, word, "i8", word, "i8", *[int] * 7)
    launch(values.view(word), indices, *_sorted(src, False), src.shape[-1], how, rank, *rule, values.size)


def top(values, indices, src, largest) -> None:
    """As on the CPU."""
    few, word = values.shape[-1], WORD[src.itemsize]
    if _is_found_by_block(src) and few <= TILE and 4 * few <= src.shape[-1]:
        found = DeviceArray.empty(values.shape, values.dtype, values.device)
        places, turns = (DeviceArray.empty(values.shape, "i8", values.device) for _ in range(2))
        _by_block(found, places, src, few, RANK, 0, largest)
        sort(values, turns, found, largest)
        launcher(through_grid, "i8", "i8", "i8", int, int)(indices, places, turns, few, values.size)
        return
    launch = launcher(first_grid, word, "i8", word, "i8", int, int, int)
    launch(values.view(word), indices, *_sorted(src, largest), src.shape[-1], few, values.size)
