"""One value in all elements of an array, whatever their type: memory is written a word of eight bytes at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled

WORD = 8  # bytes
GRAIN = 1 << 15  # words worth a thread


def fill_kernel(words, word, start, stop):
    for k in range(start, stop):
        words[k] = word


@cache
def _entry() -> Callable:
    return compiled(fill_kernel, "i8", int, int, int)


def fill(array: np.ndarray, value) -> None:
    """Set all elements of a contiguous array."""
    if array.nbytes < 2 * GRAIN * WORD or array.itemsize > WORD:
        array.fill(value)
        return
    word = np.full(WORD // array.itemsize, value, array.dtype).view(np.int64).item()
    words = array.nbytes // WORD
    parallel.run(_entry(), words, GRAIN, array, word)
    array.reshape(-1)[words * WORD // array.itemsize :].fill(value)
