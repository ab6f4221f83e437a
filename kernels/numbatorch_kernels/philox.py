"""Philox4x32-10, the generator behind random numbers on CUDA: a function of a counter and a key.

J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The key is
the seed; the counter is the number of the call and that of a group of four draws in it. So an element depends
on the seed, the call and its own place alone, never on how a kernel was launched.
"""

from __future__ import annotations

import numpy as np
from numpy import uint32, uint64

MASK = 0xFFFFFFFF
STEP = 4  # that a kernel call moves the offset on
_LOW, _32 = uint64(MASK), uint64(32)
_M0, _M1, _W0, _W1 = uint64(0xD2511F53), uint64(0xCD9E8D57), uint64(0x9E3779B9), uint64(0xBB67AE85)
_LAYOUT = np.dtype([("seed", "u8"), ("offset", "u8")])


def philox(c0, c1, c2, c3, k0, k1):
    """Four numbers of 32 bits from a counter of four such words and a key of two. For Python and for kernels.

    (The conversions keep Numba at 32 bits, where a product is one instruction of a GPU, and NumPy quiet.)
    """
    c0, c1, c2, c3, k0, k1 = uint32(c0), uint32(c1), uint32(c2), uint32(c3), uint32(k0), uint32(k1)
    for _ in range(10):
        p0, p1 = uint64(c0) * _M0, uint64(c2) * _M1
        c0, c2 = uint32(uint32(p1 >> _32) ^ c1 ^ k0), uint32(uint32(p0 >> _32) ^ c3 ^ k1)
        c1, c3 = uint32(p1 & _LOW), uint32(p0 & _LOW)
        k0, k1 = uint32((uint64(k0) + _W0) & _LOW), uint32((uint64(k1) + _W1) & _LOW)
    return c0, c1, c2, c3


def _signed(word: int) -> int:
    return word - (word >> 63 << 64)


class Philox:
    """The state of one generator: its seed, and how far it is, which PyTorch counts in fours."""

    __slots__ = ("initial_seed", "offset")

    def __init__(self, seed: int):
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start the sequence of `seed`, a number of 64 bits."""
        self.initial_seed, self.offset = seed, 0

    def take(self, calls: int = 1) -> tuple[int, int]:
        """What the next kernel calls, this many, start from: the seed and the offset, as int64."""
        offset = self.offset
        self.offset = (offset + STEP * calls) & 0xFFFFFFFFFFFFFFFF
        return _signed(self.initial_seed), _signed(offset)

    def get_state(self) -> np.ndarray:
        """16 bytes, those of PyTorch's `torch.cuda.get_rng_state()`: seed and offset."""
        return np.array([(self.initial_seed, self.offset)], _LAYOUT).view(np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Go on from `state`, bytes of `get_state`. Raises RuntimeError if they cannot be that."""
        if state.size not in (8, 16):
            raise RuntimeError("RNG state is wrong size")
        words = np.ascontiguousarray(state).view(np.uint64)
        if words.size == 2 and words[1] % 4:
            raise RuntimeError("offset must be a multiple of 4")
        self.initial_seed, self.offset = int(words[0]), int(words[1]) if words.size == 2 else 0
