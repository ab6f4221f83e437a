"""CRC-32 of large records, by several threads: in pieces, whose checksums then become one. The kernel of `crc.py` checksums
what is worth the loading of Numba, zlib the rest.

The checksum of two pieces follows from those of each: crc(a + b) = crc(a) x^(8 |b|) + crc(b), in polynomials over
GF(2) modulo CRC-32's own (Mark Adler, https://stackoverflow.com/a/23126768).
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np

from numbatorch_kernels import crc as kernels
from numbatorch_kernels.parallel import get_num_threads

PIECE = 8 << 20  # bytes that one thread takes at a time
_LARGE = 4 << 20  # bytes of a record that the kernel checksums
_POLYNOMIAL = 0xEDB88320  # bits in reverse: the highest is the coefficient of x^0


def combine(crc: int, following: int, length: int) -> int:
    """The checksum of bytes with checksum `crc` and `length` bytes with checksum `following` after them."""
    return _times(_power(length), crc) ^ following


def _times(a: int, b: int) -> int:
    product, bit = 0, 1 << 31
    while bit:
        if a & bit:
            product ^= b
        bit >>= 1
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


@functools.cache
def _power(length: int) -> int:
    """x^(8 length)"""
    result, square = 1 << 31, 1 << 23  # 1 and x^8
    while length:
        if length & 1:
            result = _times(square, result)
        length >>= 1
        square = _times(square, square)
    return result


class Jobs:
    """Threads that checksum records, or read and checksum them, while the caller goes on."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def crc32(self, size: int, piece: Callable[[int, int], int]) -> Callable[[], int]:
        """The checksum of `size` bytes, once it is asked for: `piece(start, stop)` gives that of a part, in any thread."""
        if size < PIECE // 16:  # quicker than a thread begins
            result = piece(0, size)
            return lambda: result
        if self._pool is None:
            self._pool = ThreadPoolExecutor(get_num_threads())
        pieces = [
            (min(PIECE, size - start), self._pool.submit(piece, start, min(start + PIECE, size)))
            for start in range(0, size, PIECE)
        ]
        return lambda: _joined((length, job.result()) for length, job in pieces)


def _joined(pieces: Iterable[tuple[int, int]]) -> int:
    """The checksum of pieces one after another, of which lengths and checksums are given."""
    (_, crc), *others = pieces
    for length, following in others:
        crc = combine(crc, following, length)
    return crc


def _native(size: int) -> bool:
    """Whether the kernel checksums a record of this size, not zlib."""
    return size >= _LARGE and kernels.available()


def crc32_for(size: int) -> Callable[[memoryview, int], int]:
    """What continues a checksum with the bytes of a view, for parts of a record of `size` bytes."""
    if not _native(size):
        return zlib.crc32
    return lambda view, crc: kernels.crc32(np.frombuffer(view, np.uint8), crc)


def crc32_of(view: memoryview) -> Callable[[int, int], int]:
    """For `Jobs.crc32`: checksums of parts of these bytes."""
    crc32 = crc32_for(len(view))
    return lambda start, stop: crc32(view[start:stop], 0)


def read_checked(file: int, places: Sequence[tuple[np.ndarray, int]]) -> list[int] | None:
    """Fill arrays of bytes, each from its place in a file, an open descriptor; their checksums. None, and not all read, where
    the kernel cannot do that, or there is too little to do."""
    if not _native(sum([len(array) for array, _ in places])):
        return None
    parts = [
        [(array[k : k + PIECE], start + k) for k in range(0, len(array) or 1, PIECE)]
        for array, start in places
    ]
    checksums = kernels.read(file, list(chain(*parts)))
    if checksums is None:
        return None
    following = iter(checksums)
    return [_joined([(len(piece), next(following)) for piece, _ in pieces]) for pieces in parts]
