"""MT19937, the generator behind PyTorch's random numbers on the CPU: a block of 624 words shows 624 numbers,
and is then replaced by the next block.

M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998). The loops below are written so that
LLVM vectorises them: drawing costs about 0.3 ns a number.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy import int64, uint32

from numbatorch_kernels import cpu
from numbatorch_kernels.callee import callee

N, M = 624, 397
_UPPER, _LOWER, _MATRIX, _ONE = uint32(0x80000000), uint32(0x7FFFFFFF), uint32(0x9908B0DF), uint32(1)
_7, _11, _15, _18 = uint32(7), uint32(11), uint32(15), uint32(18)
_MASK_B, _MASK_C = uint32(0x9D2C5680), uint32(0xEFC60000)

# The bytes of PyTorch's Generator.get_state() on the CPU (CPUGeneratorImplState): each word in 64 bits, how
# many words of the block are left (plus one) and used, the normal number kept back. The rest is not used.
_LAYOUT = np.dtype(
    {
        "names": ["seed", "left", "seeded", "used", "words", "spare", "has_spare"],
        "formats": ["u8", "i4", "i4", "u8", ("u8", N), "f8", "i4"],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040],
        "itemsize": 5056,
    }
)


class MersenneTwister:
    """The state of one generator.

    * `words`: uint32, the 624 words of the block, then how many of them are used (0: none, not even made).
    * `spare`: float64, the second normal number of a pair, kept for the next call; NaN when there is none.
    """

    __slots__ = ("initial_seed", "spare", "words")

    def __init__(self, seed: int):
        self.words = np.empty(N + 1, uint32)
        self.spare = np.empty(1)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start the sequence of `seed`, a number of 64 bits, of which 32 count."""
        self.initial_seed = seed
        word = seed & 0xFFFFFFFF
        words = [word]
        for i in range(1, N):
            word = (1812433253 * (word ^ (word >> 30)) + i) & 0xFFFFFFFF
            words.append(word)
        self.words[:N], self.words[N], self.spare[0] = words, 0, np.nan

    def draw(self, draws: np.ndarray, count: int) -> None:
        """The next `count` numbers of 32 bits into `draws`, uint32."""
        _draw()(self.words, draws, count)

    def get_state(self) -> np.ndarray:
        """5056 bytes, those of `torch.Generator.get_state()`."""
        record = np.zeros((), _LAYOUT)
        used, kept = int(self.words[N]), not np.isnan(self.spare[0])
        record["seed"], record["seeded"], record["words"] = self.initial_seed, 1, self.words[:N]
        record["left"], record["used"] = N + 1 - used if used else 1, used
        record["has_spare"], record["spare"] = kept, self.spare[0] if kept else 0.0
        return record.reshape(1).view(np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Go on from `state`, bytes of `get_state` or of PyTorch's. RuntimeError if they cannot be that."""
        if state.size != _LAYOUT.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_LAYOUT.itemsize} "
                f"but found the input RNG state size to be {state.size}"
            )
        record = np.ascontiguousarray(state).view(_LAYOUT)[0]
        if not record["seeded"] or not 0 < record["left"] <= N or record["used"] > N:
            raise RuntimeError("Invalid mt19937 state")
        self.initial_seed = int(record["seed"])
        self.words[:N], self.words[N] = record["words"], record["used"]
        self.spare[0] = record["spare"] if record["has_spare"] else np.nan


@callee
def _mix(high, low, far):
    """A word of the next block: from the word it replaces, the one after that, and the one M further on."""
    y = (high & _UPPER) | (low & _LOWER)
    return uint32(far ^ (y >> _ONE) ^ (_MATRIX if y & _ONE else uint32(0)))


@callee
def _twist(words):
    """The next block, in place. Two loops: the word M further on is first an old one, then a new one."""
    for i in range(N - M):
        words[i] = _mix(words[i], words[i + 1], words[i + M])
    for i in range(N - M, N - 1):
        words[i] = _mix(words[i], words[i + 1], words[i + M - N])
    words[N - 1] = _mix(words[N - 1], words[0], words[M - 1])


@callee
def _temper(y):
    """The number that a word of state shows. (The conversions keep Numba from going to 64 bits.)"""
    y = uint32(y ^ (y >> _11))
    y = uint32(y ^ ((y << _7) & _MASK_B))
    y = uint32(y ^ ((y << _15) & _MASK_C))
    return uint32(y ^ (y >> _18))


@callee
def next_word(words):
    """The next number of 32 bits."""
    used = int64(words[N])
    if used == 0 or used == N:
        _twist(words)
        used = int64(0)
    words[N] = uint32(used + 1)
    return _temper(words[used])


def draw_words(words, draws, count):
    done = 0
    while done < count:
        used = int64(words[N])
        if used == 0 or used == N:
            _twist(words)
            used = int64(0)
        take = min(count - done, N - used)
        for i in range(take):
            draws[done + i] = _temper(words[used + i])
        words[N] = uint32(used + take)
        done += take


@cache
def _draw():
    return cpu.compiled(draw_words, "u4", "u4", int)
