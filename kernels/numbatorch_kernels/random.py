"""Random numbers on the CPU: PyTorch's stream, and PyTorch's way from it to each distribution, bit for bit.

Two steps. `MersenneTwister.draw` makes numbers of 32 bits, one after another, a chunk at a time; a kernel
makes the chunk's elements of them: of the low 24 bits of one draw, or of the low 53 bits of two.

A launcher takes `out`, a contiguous array, and the generator's state. float16 and bfloat16 are computed as
float32 and rounded, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy import float32, float64, int32, int64, uint32, uint64

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.box_muller import box_muller_f4, box_muller_f8, fma
from numbatorch_kernels.callee import callee
from numbatorch_kernels.half import to_bfloat16
from numbatorch_kernels.mersenne import MersenneTwister
from numbatorch_kernels.real import logarithm
from numbatorch_kernels.registry import Kernel
from numbatorch_kernels.select import top

uniform = Kernel("uniform")
normal = Kernel("normal")  # contiguous memory
normal_apart = Kernel("normal_apart")  # fewer than 16 elements, or memory that is not contiguous
integers = Kernel("integers")
bernoulli = Kernel("bernoulli")
bernoulli_each = Kernel("bernoulli_each")
exponential = Kernel("exponential")
cauchy = Kernel("cauchy")
geometric = Kernel("geometric")
log_normal = Kernel("log_normal")
permutation = Kernel("permutation")

CHUNK = 1 << 15  # elements at a time: what is drawn stays in the second-level cache
ALONE, SHARED = CHUNK, 1 << 11  # elements worth a thread: of kernels as fast as memory (never), and of others
HALF = (np.dtype(np.float16), np.dtype(np.uint16))  # uint16 is how bfloat16 is stored
compiled = cache(cpu.compiled)  # finds an entry again in half the time
WORD = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}

# ------------------------------------------------------------------------------------------------------------
# one element


_SCALE_24, _LOW_24, _LOW_53 = float32(2**-24), uint32(2**24 - 1), uint64(2**53 - 1)
_32, _TOP_BIT = uint64(32), uint32(2**31)


@callee
def unit_24(draw):
    """The low 24 bits of a draw as a float32 in [0, 1)."""
    return float32(int32(draw & _LOW_24)) * _SCALE_24


@callee
def bits_64(pair):
    """Two draws, side by side in memory, as one number: the first is the high half."""
    return (pair << _32) | (pair >> _32)


@callee
def unit_53(pair):
    """The low 53 bits of two draws as a float64 in [0, 1): in halves, because int32 converts fast."""
    high, low = int32(pair & uint64(2**21 - 1)), int32(uint32(pair >> _32) ^ _TOP_BIT)
    return (float64(high) * 2.0**32 + (float64(low) + 2.0**31)) * 2.0**-53


# ------------------------------------------------------------------------------------------------------------
# kernels: elements start .. stop of `out` from as many draws (uint32) or pairs of draws (uint64)


def uniform_f4(out, draws, low, high, start, stop):
    bottom, top = float32(low), float32(high)
    span = top - bottom
    for i in range(start, stop):
        x = fma(unit_24(draws[i]), span, bottom)
        out[i] = bottom if x == top else x


def uniform_f8(out, pairs, low, high, start, stop):
    span = high - low
    for i in range(start, stop):
        x = fma(unit_53(pairs[i]), span, low)
        out[i] = low if x == high else x


def normal_f4(out, draws, mean, std, start, stop):
    """Blocks of 16 elements, 8 cosines and 8 sines. (Shares of a range start at multiples of 16.)"""
    center, scale = float32(mean), float32(std)
    for i in range(start, stop):
        out[i] = unit_24(draws[i])
    for block in range(start, stop - 15, 16):
        for i in range(8):  # in place: from other memory LLVM would not vectorise so short a loop
            cosine, sine = box_muller_f4(out[block + i], out[block + 8 + i])
            out[block + i] = fma(cosine, scale, center)
            out[block + 8 + i] = fma(sine, scale, center)


def normal_f8(out, pairs, mean, std, start, stop):
    for i in range(start, stop):
        out[i] = unit_53(pairs[i])
    for block in range(start, stop - 15, 16):
        for i in range(block, block + 8):
            cosine, sine = box_muller_f8(out[i], out[i + 8])
            out[i] = fma(cosine, std, mean)
            out[i + 8] = fma(sine, std, mean)


@callee
def _next_normal(pairs, drawn, spare):
    """A normal number, and the pairs used so far. Two are made at a time: `spare` keeps one, or NaN."""
    x = spare[0]
    spare[0] = math.nan
    if not math.isnan(x):
        return x, drawn
    angle = 2.0 * math.pi * unit_53(pairs[drawn])
    radius = math.sqrt(-2.0 * math.log1p(-unit_53(pairs[drawn + 1])))
    spare[0] = radius * math.sin(angle)
    return radius * math.cos(angle), drawn + 2


def normal_one_by_one(out, pairs, spare, mean, std, start, stop):
    drawn = 0
    for i in range(start, stop):
        x, drawn = _next_normal(pairs, drawn, spare)
        out[i] = fma(x, std, mean)


def log_normal_one_by_one(out, pairs, spare, mean, std, start, stop):
    drawn = 0
    for i in range(start, stop):
        x, drawn = _next_normal(pairs, drawn, spare)
        out[i] = math.exp(fma(x, std, mean))


def integers_32(out, draws, size, reciprocal, base, start, stop):
    """base + draw % size. `reciprocal`, (2^32 - 1) // size, gives the quotient, or one less."""
    divisor, factor = uint32(size), uint64(reciprocal)
    for i in range(start, stop):
        quotient = uint32((uint64(draws[i]) * factor) >> _32)
        rest = uint32(draws[i] - uint32(quotient * divisor))
        if rest >= divisor:
            rest = uint32(rest - divisor)
        out[i] = int64(rest) + base


def integers_64(out, pairs, size, base, start, stop):
    """The same of two draws; size 0 stands for 2^64."""
    divisor = uint64(size)
    for i in range(start, stop):
        value = bits_64(pairs[i])
        out[i] = int64(value % divisor if divisor else value) + base


def bernoulli_53(out, pairs, threshold, one, start, stop):
    """The word `one` with probability threshold / 2^53, else 0."""
    for i in range(start, stop):
        out[i] = one if int64(bits_64(pairs[i]) & _LOW_53) < threshold else 0


def bernoulli_f4(out, draws, p, one, start, stop):
    for i in range(start, stop):
        out[i] = one if unit_24(draws[i]) < p[i] else 0


def bernoulli_f8(out, pairs, p, one, start, stop):
    for i in range(start, stop):
        out[i] = one if unit_53(pairs[i]) < p[i] else 0


def exponential_f4(out, pairs, rate, start, stop):
    """1 - u is exact, so that its log, rounded to float32, is log1p of -u, for which there is no vector."""
    scale = -1.0 / rate
    for i in range(start, stop):
        out[i] = scale * logarithm(1.0 - unit_53(pairs[i]))


def exponential_f8(out, pairs, rate, start, stop):
    scale = -1.0 / rate
    for i in range(start, stop):
        out[i] = scale * math.log1p(-unit_53(pairs[i]))


def cauchy_53(out, pairs, median, sigma, start, stop):
    for i in range(start, stop):
        out[i] = fma(sigma, math.tan(math.pi * (unit_53(pairs[i]) - 0.5)), median)


def geometric_53(out, pairs, p, start, stop):
    scale = math.log1p(-p)
    for i in range(start, stop):
        out[i] = math.ceil(math.log(unit_53(pairs[i])) / scale)


def round_bfloat16(out, values, start, stop):
    for i in range(start, stop):
        out[i] = to_bfloat16(values[i])


def count_up(out, start, stop):
    for i in range(start, stop):
        out[i] = i


def widen(out, words, start, stop):
    """`words` may be the second half of the memory of `out`: each is read before it is written over."""
    for i in range(start, stop):
        out[i] = int64(words[i])


def shuffle_32(out, draws, n, start, stop):
    """Steps start .. stop of a shuffle of n elements: each swaps with one not before it. The draws become the places of those:
    all at first, as vectors, because a division of integers takes longer than a swap. In float64 the quotient of a draw and b
    errs by less than 2^-20 / b, and is 1 / b away from the next integer unless it is one: its whole part is right."""
    for i in range(start, stop):
        draw, left = draws[i - start], uint32(n - i)
        draws[i - start] = uint32(i) + draw - uint32(int64(float64(draw) / float64(left))) * left
    for i in range(start, stop):
        j = int64(draws[i - start])
        out[i], out[j] = out[j], out[i]


def shuffle_64(out, pairs, n, start, stop):
    """The same for long arrays, of 64 bits a step: each swaps with one not after it."""
    for i in range(start, stop):
        j = int64(bits_64(pairs[i - start]) % uint64(i + 1))
        out[i], out[j] = out[j], out[i]


def search(out, pairs, cumulative, n, start, stop):
    """The first of the n cumulative weights that is not below a uniform number."""
    for i in range(start, stop):
        u = unit_53(pairs[i])
        left, right = 0, n
        while left < right:
            middle = (left + right) // 2
            if cumulative[middle] < u:
                left = middle + 1
            else:
                right = middle
        out[i] = left


# ------------------------------------------------------------------------------------------------------------
# launching


def _stream(out, state: MersenneTwister, width: int, grain: int, entry: Callable, *args, along=()) -> None:
    """Fill `out` from the stream, `width` draws an element; of arrays `along`, `entry` gets the same part."""
    draws = np.empty(min(out.size, CHUNK), uint32 if width == 1 else uint64)
    for start in range(0, out.size, CHUNK):
        chunk = out[start : start + CHUNK]
        state.draw(draws, width * chunk.size)
        parallel.run(entry, chunk.size, grain, chunk, draws, *[a[start:] for a in along], *args)


def _rounded(out: np.ndarray, work: str, fill: Callable[[np.ndarray], None]) -> None:
    """Let `fill`, which writes numbers of type `work`, fill `out`: in chunks where it is of another type."""
    if out.dtype == work:
        fill(out)
        return
    scratch = np.empty(min(out.size, CHUNK), work)
    for start in range(0, out.size, CHUNK):
        chunk = out[start : start + CHUNK]
        values = scratch[: chunk.size]
        fill(values)
        store(chunk, values)


def store(out: np.ndarray, values: np.ndarray) -> None:
    """Convert `values` to the type of `out`; to float16 and bfloat16 by way of float32, as PyTorch does."""
    if out.dtype in HALF:
        values = values.astype(float32, copy=False)
    if out.dtype == np.uint16:
        compiled(round_bfloat16, "u2", "f4", int, int)(out, values, 0, out.size)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            np.copyto(out, values, casting="unsafe")


def word(number: float, dtype: np.dtype) -> int:
    """The bits of `number` as an element of type `dtype`."""
    cell = np.empty(1, dtype)
    store(cell, np.array([number]))
    return int(cell.view(WORD[cell.itemsize])[0])


def _work(out: np.ndarray) -> tuple[str, str, int]:
    """The type that elements of `out` are computed in, and what is drawn for one: type, number of draws."""
    return ("f8", "u8", 2) if out.dtype == float64 else ("f4", "u4", 1)


@uniform.on("cpu")
def _(out, state, low, high):
    work, drawn, width = _work(out)
    entry = compiled(uniform_f4 if work == "f4" else uniform_f8, work, drawn, float, float, int, int)
    _rounded(out, work, lambda values: _stream(values, state, width, ALONE, entry, low, high))
    if out.dtype in HALF:  # what was below `high` may have been rounded up to it
        words = out.view("u2")
        words[words == word(high, out.dtype)] = word(low, out.dtype)


@normal.on("cpu")
def _(out, state, mean, std):
    if out.size < 16:
        return normal_apart("cpu", out, state, mean, std)
    work, drawn, width = _work(out)
    entry = compiled(normal_f4 if work == "f4" else normal_f8, work, drawn, float, float, int, int)

    def fill(blocks):
        _rounded(blocks, work, lambda values: _stream(values, state, width, SHARED, entry, mean, std))

    rest = out.size % 16
    fill(out[: out.size - rest])
    if rest:  # the last 16 are made again, from new draws
        if out.dtype == work:
            state.draw(np.empty(width * rest, uint32), width * rest)  # PyTorch draws these, to no end
        fill(out[-16:])


def _one_by_one(kernel: Callable, out: np.ndarray, state: MersenneTwister, mean: float, std: float) -> None:
    """Fill `out` by a kernel that takes `spare`."""
    work = _work(out)[0]
    entry = compiled(kernel, work, "u8", "f8", float, float, int, int)

    def fill(values):
        for start in range(0, values.size, CHUNK):
            chunk = values[start : start + CHUNK]
            drawn = 2 * ((chunk.size + math.isnan(state.spare[0])) // 2)
            pairs = np.empty(drawn, uint64)
            state.draw(pairs, 2 * drawn)
            entry(chunk, pairs, state.spare, mean, std, 0, chunk.size)

    _rounded(out, work, fill)


@normal_apart.on("cpu")
def _(out, state, mean, std):
    _one_by_one(normal_one_by_one, out, state, mean, std)


@log_normal.on("cpu")
def _(out, state, mean, std):
    _one_by_one(log_normal_one_by_one, out, state, mean, std)


@integers.on("cpu")
def _(out, state, low, size, wide):
    """low + a number below `size`, of two draws if `wide`, of one otherwise."""
    floating = out.dtype in HALF or out.dtype.kind == "f"
    work = "f4" if out.dtype in HALF else out.dtype.str[1:] if floating else WORD[out.itemsize]
    if wide:
        entry = compiled(integers_64, work, "u8", int, int, int, int)
        sizes = [size - 2**64 if size >= 2**63 else size]  # the same 64 bits
    else:
        entry = compiled(integers_32, work, "u4", int, int, int, int, int)
        sizes = [size, (2**32 - 1) // size]
    elements = out if floating else out.view(work)
    _rounded(elements, work, lambda values: _stream(values, state, 1 + wide, ALONE, entry, *sizes, low))


@bernoulli.on("cpu")
def _(out, state, p, one):
    """`one` with probability p, else 0: the noise of dropout has one = 1 / p."""
    words = out.view(WORD[out.itemsize])
    entry = compiled(bernoulli_53, words.dtype, "u8", int, int, int, int)
    _stream(words, state, 2, ALONE, entry, math.ceil(p * 2.0**53), word(one, out.dtype))


@bernoulli_each.on("cpu")
def _(out, state, p):
    """1 with the probability in the same place of `p`, float32 or float64, else 0."""
    words, exact = out.view(WORD[out.itemsize]), p.dtype == float64
    entry = compiled(
        bernoulli_f8 if exact else bernoulli_f4, words.dtype, "u8" if exact else "u4", p.dtype, int, int, int
    )
    _stream(words, state, 1 + exact, ALONE, entry, word(1, out.dtype), along=(p,))


def _of_unit_53(function: Callable, out: np.ndarray, state: MersenneTwister, *parameters: float) -> None:
    """Fill `out` by a function of one uniform float64."""
    work = "f4" if out.dtype == float32 or out.dtype in HALF else "f8"
    entry = compiled(function, work, "u8", *[float] * len(parameters), int, int)
    _rounded(out, work, lambda values: _stream(values, state, 2, SHARED, entry, *parameters))


@exponential.on("cpu")
def _(out, state, rate):
    _of_unit_53(exponential_f8 if out.dtype == float64 else exponential_f4, out, state, rate)


@cauchy.on("cpu")
def _(out, state, median, sigma):
    _of_unit_53(cauchy_53, out, state, median, sigma)


@geometric.on("cpu")
def _(out, state, p):
    _of_unit_53(geometric_53, out, state, p)


@permutation.on("cpu")
def _(out, state):
    n = out.size
    wide = n >= (2**32 - 1) // 20
    within = out.dtype == int64 and not wide  # in the second half of the result's memory
    order = out.view(uint32)[n:] if within else np.empty(n, uint64 if wide else uint32)
    compiled(count_up, order.dtype, int, int)(order, 0, n)
    entry = compiled(shuffle_64 if wide else shuffle_32, order.dtype, "u8" if wide else "u4", int, int, int)
    draws = np.empty(min(n, CHUNK), order.dtype)
    last = n if wide else n - 1
    for start in range(0, last, CHUNK):
        stop = min(start + CHUNK, last)
        state.draw(draws, (stop - start) * (1 + wide))
        entry(order, draws, n, start, stop)
    if within:
        compiled(widen, "i8", "u4", int, int)(out, order, 0, n)
    else:
        store(out, order)


def multinomial(out, state, weights, one_by_one):
    """Indices into the rows of `weights` (rows, categories), float32 or float64, to `out` (rows, samples)."""
    rows, samples = out.shape
    if one_by_one:
        entry = compiled(search, "i8", "u8", weights.dtype, int, int, int)
        for row in range(rows):
            cumulative = np.add.accumulate(weights[row])
            cumulative /= cumulative[-1]
            cumulative[-1] = 1
            _stream(out[row], state, 2, SHARED, entry, cumulative, cumulative.size)
        return
    # The largest of weight / exponential number: the first to arrive of clocks with these rates.
    score = np.empty_like(weights)
    exponential("cpu", score.reshape(-1), state, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(weights, score, out=score)
    if samples == 1:
        np.argmax(score, axis=1, keepdims=True, out=out)
    else:
        top("cpu", np.empty(out.shape, score.dtype), out, score, True)


# ------------------------------------------------------------------------------------------------------------
# CUDA: see cuda/random.py, imported late, so that a program that stays on the CPU never loads a CUDA compiler


@uniform.on("cuda")
def _(out, state, low, high):
    from numbatorch_kernels.cuda import random

    random.uniform(out, state, low, high)


@normal_apart.on("cuda")
@normal.on("cuda")
def _(out, state, mean, std):
    from numbatorch_kernels.cuda import random

    random.normal(out, state, mean, std)


@integers.on("cuda")
def _(out, state, low, size, wide):
    from numbatorch_kernels.cuda import random

    random.integers(out, state, low, size)


@bernoulli.on("cuda")
def _(out, state, p, one):
    from numbatorch_kernels.cuda import random

    random.bernoulli(out.view(WORD[out.itemsize]), state, p, word(one, out.dtype))


@bernoulli_each.on("cuda")
def _(out, state, p):
    from numbatorch_kernels.cuda import random

    random.bernoulli_each(out.view(WORD[out.itemsize]), state, p, word(1, out.dtype))


@permutation.on("cuda")
def _(out, state):
    from numbatorch_kernels.cuda import random

    random.permutation(out, state)
