"""Host memory that the device reads and writes by itself, while the program goes on ("pinned", page-locked).

Asking for it is slow, so blocks are kept and reused, each as soon as the copies that were under way are done.
"""

from __future__ import annotations

from collections import deque
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch_kernels.cuda import driver as devices
from numbatorch_kernels.cuda import memory as cache

if TYPE_CHECKING:
    from numbatorch_kernels.cuda.stream import Stream


class _Memory:
    """A block, and the copies that may still be reading it."""

    __slots__ = ("bytes", "copies", "size")

    def __init__(self, size: int):
        self.size, self.bytes = size, devices.driver.pinned(size)
        self.copies: list[Any] = []  # events

    def idle(self) -> bool:
        """Whether no copy is under way."""
        self.copies = [event for event in self.copies if not devices.driver.event_done(event)]
        return not self.copies


class _Pinned(np.ndarray):
    """All of a block; gives it back when the last array on it is gone."""

    memory: _Memory | None = None

    def __del__(self) -> None:
        if self.memory is not None:
            _returned.append(self.memory)


_returned: deque[_Memory] = deque()
_free: dict[int, list[_Memory]] = {}


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array with any content in pinned memory. Raises RuntimeError where there is no device."""
    devices.require()
    nbytes = prod(shape) * dtype.itemsize
    size = cache.sizes(nbytes)[0]
    while _returned:
        memory = _returned.popleft()
        _free.setdefault(memory.size, []).append(memory)
    idle = next((memory for memory in _free.get(size, ()) if memory.idle()), None)
    if idle is None:
        idle = _Memory(size)
    else:
        _free[size].remove(idle)
    # Its base is no array, so NumPy keeps it as a base.
    whole = np.ndarray.__new__(_Pinned, (size,), np.uint8, idle.bytes)
    whole.memory = idle
    return np.ndarray(shape, dtype, whole)


def _owner(array: Any) -> _Memory | None:
    while array is not None:
        if type(array) is _Pinned and array.memory is not None:
            return array.memory
        array = getattr(array, "base", None)
    return None


def is_pinned(array: np.ndarray) -> bool:
    """Whether the memory of an array is pinned."""
    return _owner(array) is not None


def copying(array: np.ndarray, stream: Stream) -> None:
    """A copy from this pinned array is under way on `stream`."""
    memory = _owner(array)
    if memory is not None:
        event = devices.driver.event(stream.device, False, False)
        devices.driver.record(stream.device, event, stream.handle)
        memory.copies.append(event)


def empty_cache() -> None:
    """Give blocks that nobody uses back to the operating system."""
    while _returned:
        memory = _returned.popleft()
        _free.setdefault(memory.size, []).append(memory)
    for blocks in _free.values():
        for memory in blocks:
            devices.driver.unpin(memory.bytes)
    _free.clear()
