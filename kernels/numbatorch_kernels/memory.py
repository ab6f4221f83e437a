"""Memory for results: small arrays from NumPy, large ones from a cache of blocks.

Fresh memory costs a page fault every 4 kB, which for a large result is more time than the arithmetic. So a
large block goes back to `_free` when the last array that uses it is gone, and the next result of that size
class takes it, with its pages in place. An array keeps its block alive as its `base`, and so does every view
of it: memory is never reused under a view.

Of medium size, where the way to a block and back would take longer than what is computed, whole arrays are kept and
handed out again once nobody else refers to them.
"""

from __future__ import annotations

import mmap
import sys
from collections import defaultdict
from functools import lru_cache
from math import prod
from sys import getrefcount
from typing import Any

import numpy as np

LARGE = 1 << 17  # bytes: from here on a result comes from the cache; malloc would give it back to the system
MEDIUM = 1 << 20  # bytes: up to here arrays are kept whole ...
KEPT = 1 << 24  # ... of so many bytes in all ...
ALIKE = 4  # ... and so many of a shape
LIMIT = 1 << 30  # bytes that the cache may hold unused

# Else a process and its forks would write to the same memory, and Linux gives large pages to no such memory.
_PRIVATE: Any = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}

_free: defaultdict[int, list[mmap.mmap]] = defaultdict(list)
_cached = 0
_arrays: dict[tuple, list[np.ndarray]] = {}
_kept = 0
_UNUSED = 3  # references to an array that only `_arrays` has, for who goes through them: list, name, argument


def _recycle(memory: mmap.mmap) -> None:
    global _cached
    size = len(memory)
    if _cached + size > LIMIT:
        _make_room(size)
    if _cached + size <= LIMIT:
        _cached += size
        _free[size].append(memory)


def _make_room(size: int) -> None:
    """Let go of blocks, of the size classes that were met first, which a program may be through with, until `size` bytes more
    are within the limit."""
    global _cached
    for blocks in list(_free.values()):
        while blocks and _cached + size > LIMIT:
            _cached -= len(blocks.pop())


class _Block(np.ndarray):
    """Memory of one size class; gives it back when the last array on it is gone."""

    # At the end of the program the names of the module are gone; the defaults are not.
    def __del__(self, recycle=_recycle, mmap=mmap.mmap, ending=sys.is_finalizing):
        memory: Any = self.base
        if type(memory) is mmap and not ending():  # and not a view of a block
            recycle(memory)


def _step(nbytes: int) -> int:
    """How far the size classes about `nbytes` are apart: at most an eighth."""
    return max(1 << 16, 1 << (nbytes.bit_length() - 4))


@lru_cache(maxsize=4096)
def _size_class(nbytes: int) -> int:
    """`nbytes` rounded up, so that similar sizes share blocks."""
    step = _step(nbytes)
    return -(-nbytes // step) * step


def _memory(size: int) -> mmap.mmap:
    global _cached
    free = _free[size]
    if not free:
        step = _step(size)
        free = _free[size + step] or _free[size + 2 * step]
    if free:
        memory = free.pop()
        _cached -= len(memory)
        return memory
    memory = mmap.mmap(-1, size, **_PRIVATE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised contiguous array."""
    nbytes = prod(shape) * dtype.itemsize
    if nbytes < LARGE:
        return np.empty(shape, dtype)
    if nbytes > MEDIUM:
        return _on_block(shape, dtype, nbytes)
    alike = _arrays.get((shape, dtype), ())
    for array in alike:
        if getrefcount(array) == _UNUSED:
            return array
    array = _on_block(shape, dtype, nbytes)
    if len(alike) < ALIKE:
        _keep(array)
    return array


def _on_block(shape: tuple[int, ...], dtype: np.dtype, nbytes: int) -> np.ndarray:
    block = np.ndarray.__new__(_Block, shape, dtype, _memory(_size_class(nbytes)))
    return block.view(np.ndarray)


def _keep(array: np.ndarray) -> None:
    """Hand this array out again when nobody uses it any more."""
    global _kept
    if _kept + array.nbytes > KEPT:
        _arrays.clear()
        _kept = 0
    _kept += array.nbytes
    _arrays.setdefault((array.shape, array.dtype), []).append(array)


class _Window:
    """Something that NumPy reads as an array with this interface; keeps `owner` alive."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, interface: dict, owner: np.ndarray):
        self.__array_interface__, self.owner = interface, owner


def strided(array, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0):
    """A view of the memory of `array` with this shape and these strides, from `offset` after its first
    element on (both in bytes)."""
    if not isinstance(array, np.ndarray):
        return array.as_strided(shape, strides, offset)
    if array.flags.c_contiguous and array.size:
        try:
            return np.ndarray(shape, array.dtype, array, offset, strides)
        except ValueError:  # it reaches beyond the array, into memory that this is a view of
            pass
    interface = dict(array.__array_interface__)
    interface["shape"], interface["strides"] = tuple(shape), strides
    interface["data"] = (interface["data"][0] + offset, False)
    return np.asarray(_Window(interface, array))


def cached_bytes() -> int:
    """How many bytes the cache holds unused."""
    return _cached + sum(a.nbytes for alike in _arrays.values() for a in alike if getrefcount(a) == _UNUSED)


def empty_cache() -> None:
    """Give all unused memory back to the operating system."""
    global _cached, _kept
    _arrays.clear()
    _free.clear()
    _cached = _kept = 0
