"""Elements as keys: unsigned numbers in the same order, NaN last and both zeros equal; turned round for a
descending order. What sorts and selects by digits works on these."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import uint64

from numbatorch_kernels.cpu import shared

UNSIGNED, SIGNED, FLOAT = range(3)
WORD = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}  # elements as words in memory, whatever they mean


class Order(NamedTuple):
    """How words become keys: the kind of number, its bits, the word of infinity, whether larger numbers come
    first."""

    form: int
    bits: int
    infinity: int
    descending: int


def order(dtype: np.dtype, descending: bool) -> Order:
    """The order of numbers of this dtype; uint16 is how bfloat16 is stored."""
    bits = 8 * dtype.itemsize
    if dtype.kind in "bu" and bits != 16:
        return Order(UNSIGNED, bits, 0, int(descending))
    if dtype.kind == "i":
        return Order(SIGNED, bits, 0, int(descending))
    infinity = {"e": 0x7C00, "H": 0x7F80, "f": 0x7F800000, "d": 0x7FF0 << 48}[dtype.char]
    return Order(FLOAT, bits, infinity, int(descending))


@shared
def key_of(word, form, bits, infinity, descending):
    """The key of an element."""
    sign = uint64(1) << uint64(bits - 1)
    rest = sign - uint64(1)
    key = uint64(word)
    if form == FLOAT:
        size = key & rest
        key = rest if size > uint64(infinity) else key  # one NaN for all
        key = uint64(0) if size == uint64(0) else key  # one zero
        key ^= sign | rest * (key >> uint64(bits - 1))  # negative: every bit turned, else the sign
    elif form == SIGNED:
        key ^= sign
    return key ^ (sign | rest) if descending else key


@shared
def is_nan(word, form, bits, infinity):
    """Whether an element is NaN."""
    return form == FLOAT and (uint64(word) & ((uint64(1) << uint64(bits - 1)) - uint64(1))) > uint64(infinity)
