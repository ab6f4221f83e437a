"""Random numbers on CUDA: a thread calls Philox for a group of neighbours, four of 32 bits or two of 64.

An element depends on the seed, the call and its own place alone. Arguments `state` to `offset` of a kernel are what
`place_of` returns; the last one is the number of elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy import float32, float64, int32, int64, uint32, uint64

from numbatorch_kernels import philox as generator
from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import compiled, grid_stride
from numbatorch_kernels.cuda.sort import sort
from numbatorch_kernels.cuda.stream import current
from numbatorch_kernels.cuda.vecmath import log_f32, log_f64, sqrt_f32, sqrt_f64
from numbatorch_kernels.cuda.vector import put
from numbatorch_kernels.philox import MASK, Philox

philox = device_function(generator.philox)
if compat.SIMULATED:

    def cospi_f64(x):
        """cos(pi x). The cosine of any angle would drag in float64 arithmetic for large ones."""
        return type(x)(math.cos(math.pi * x))

    def sinpi_f64(x):
        """sin(pi x)."""
        return type(x)(math.sin(math.pi * x))

    cospi_f32, sinpi_f32 = cospi_f64, sinpi_f64
else:
    cospi_f32, cospi_f64 = compat.libdevice.cospif, compat.libdevice.cospi
    sinpi_f32, sinpi_f64 = compat.libdevice.sinpif, compat.libdevice.sinpi
_SCALE_24, _ONE, _TWO, _MINUS_TWO = float32(2**-24), float32(1), float32(2), float32(-2)
_LOW_24, _LOW_32, _LOW_53, _32 = uint32(2**24 - 1), uint64(MASK), uint64(2**53 - 1), uint64(32)
_OUTSIDE = np.zeros(2, np.int64)  # of graphs: nothing to add


@device_function
def source_of(state, seed, offset):
    """What all groups of a call share: two words of the counter and two of the key."""
    key, call = uint64(state[0]) + uint64(seed), uint64(state[1]) + uint64(offset)
    return call & _LOW_32, call >> _32, key & _LOW_32, key >> _32


@device_function
def draws(group, source):
    """The four draws of a group."""
    return philox(group & MASK, group >> 32, *source)


@device_function
def bits_64(high, low):
    """Two draws as one number."""
    return (uint64(high) << _32) | uint64(low)


@device_function
def unit_24(draw):
    """The low 24 bits of a draw as a float32 in [0, 1)."""
    return float32(int32(draw & _LOW_24)) * _SCALE_24


@device_function
def unit_53(high, low):
    """53 bits of two draws as a float64 in [0, 1)."""
    return float64(int64(bits_64(high, low) & _LOW_53)) * 2.0**-53


@device_function
def box_muller_f32(a, b):
    """Two normal numbers of two draws."""
    radius, turn = sqrt_f32(_MINUS_TWO * log_f32(_ONE - unit_24(a))), _TWO * unit_24(b)
    return radius * cospi_f32(turn), radius * sinpi_f32(turn)


@device_function
def between(unit, low, high):
    """A number in [low, high) from one in [0, 1)."""
    x = unit * (high - low) + low
    return low if x >= high else x


@device_function
def below(draw, size, low):
    """low + draw % size; size 0 stands for 2^64."""
    return int64(draw % uint64(size) if size != 0 else draw) + low


def uniform_f4(out, low, high, state, seed, offset, n):
    bottom, top = float32(low), float32(high)
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 3) // 4, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        first, second = between(unit_24(a), bottom, top), between(unit_24(b), bottom, top)
        third, fourth = between(unit_24(c), bottom, top), between(unit_24(d), bottom, top)
        put(out, 4 * group, n, (first, second, third, fourth))


def uniform_f8(out, low, high, state, seed, offset, n):
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 1) // 2, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        put(out, 2 * group, n, (between(unit_53(a, b), low, high), between(unit_53(c, d), low, high)))


def normal_f4(out, mean, std, state, seed, offset, n):
    center, scale = float32(mean), float32(std)
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 3) // 4, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        first, second = box_muller_f32(a, b)
        third, fourth = box_muller_f32(c, d)
        numbers = (
            first * scale + center,
            second * scale + center,
            third * scale + center,
            fourth * scale + center,
        )
        put(out, 4 * group, n, numbers)


def normal_f8(out, mean, std, state, seed, offset, n):
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 1) // 2, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        radius, turn = sqrt_f64(-2.0 * log_f64(1.0 - unit_53(a, b))), 2.0 * unit_53(c, d)
        put(out, 2 * group, n, (radius * cospi_f64(turn) * std + mean, radius * sinpi_f64(turn) * std + mean))


def integers_64(out, low, size, state, seed, offset, n):
    """low + a number of 64 bits % size; size 0 stands for 2^64."""
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 1) // 2, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        put(out, 2 * group, n, (below(bits_64(a, b), size, low), below(bits_64(c, d), size, low)))


def bernoulli_32(out, threshold, one, state, seed, offset, n):
    """The word `one` with probability threshold / 2^32, else 0."""
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 3) // 4, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        words = (
            one if a < threshold else 0,
            one if b < threshold else 0,
            one if c < threshold else 0,
            one if d < threshold else 0,
        )
        put(out, 4 * group, n, words)


def bernoulli_f4(out, p, one, state, seed, offset, n):
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 3) // 4, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        first, last = 4 * group, n - 1
        words = (
            one if unit_24(a) < p[first] else 0,
            one if unit_24(b) < p[min(first + 1, last)] else 0,
            one if unit_24(c) < p[min(first + 2, last)] else 0,
            one if unit_24(d) < p[min(first + 3, last)] else 0,
        )
        put(out, first, n, words)


def bernoulli_f8(out, p, one, state, seed, offset, n):
    source = source_of(state, seed, offset)
    for group in range(cuda.grid(1), (n + 1) // 2, cuda.gridsize(1)):
        a, b, c, d = draws(group, source)
        first, last = 2 * group, n - 1
        words = (
            one if unit_53(a, b) < p[first] else 0,
            one if unit_53(c, d) < p[min(first + 1, last)] else 0,
        )
        put(out, first, n, words)


# ------------------------------------------------------------------------------------------------------------
# launching: `out` is contiguous, and not of a type of 16 bits unless it is made of integers


def place_of(state: Philox, device: int) -> tuple:
    """What tells a kernel how far the generator is: memory, and a seed and an offset to add to the two numbers there. A
    graph has memory of its own, where each replay puts what the generator has come to."""
    capture = current(device).capture
    return (_OUTSIDE, *state.take()) if capture is None else capture.draws(state)


def _launch(kernel: Callable, group: int, kinds: tuple, out: DeviceArray, state: Philox, *args) -> None:
    """Launch `kernel`, whose threads make groups of this many elements; `kinds` are those of `args`."""
    place = place_of(state, out.device)
    if out.size:
        entry = compiled(kernel, out.dtype, *kinds, "i8", int, int, int)
        entry(*grid_stride(-(-out.size // group)), out, *args, *place, out.size)


def uniform(out: DeviceArray, state: Philox, low: float, high: float) -> None:
    kernel, group = (uniform_f8, 2) if out.dtype == float64 else (uniform_f4, 4)
    _launch(kernel, group, (float, float), out, state, low, high)


def normal(out: DeviceArray, state: Philox, mean: float, std: float) -> None:
    kernel, group = (normal_f8, 2) if out.dtype == float64 else (normal_f4, 4)
    _launch(kernel, group, (float, float), out, state, mean, std)


def integers(out: DeviceArray, state: Philox, low: int, size: int) -> None:
    _launch(integers_64, 2, (int, int), out, state, low, size - 2**64 if size >= 2**63 else size)


def bernoulli(out: DeviceArray, state: Philox, p: float, one: int) -> None:
    """`out` is of unsigned words, and `one` the word that stands for success."""
    _launch(bernoulli_32, 4, (int, int), out, state, math.ceil(p * 2.0**32), one)


def bernoulli_each(out: DeviceArray, state: Philox, p: DeviceArray, one: int) -> None:
    kernel, group = (bernoulli_f8, 2) if p.dtype == float64 else (bernoulli_f4, 4)
    _launch(kernel, group, (p.dtype, int), out, state, p, one)


def permutation(out: DeviceArray, state: Philox) -> None:
    """The order of as many numbers of 64 bits."""
    keys, spare = (DeviceArray.empty(out.shape, "i8", out.device) for _ in range(2))
    integers(keys, state, 0, 2**64)
    if out.size:
        sort(spare, out, keys, 0)
