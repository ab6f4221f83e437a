"""Device memory: a cache of blocks, one cache for each device.

Asking the driver for memory waits for the device, so a block is kept when the last array on it is gone, for
the next array of its size class. What is then written to it comes later on the stream than whatever was still
going on with the old array, so nothing needs to be waited for.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from numbatorch_kernels.cuda import compat


class OutOfMemoryError(RuntimeError):
    """The device has no more memory to give."""


class Buffer:
    """`nbytes` bytes of device memory from `address` on. With the last reference to this they go back to the
    cache."""

    __slots__ = ("address", "block", "cache", "nbytes")

    def __init__(self, cache: Cache, block: Any, nbytes: int):
        self.cache, self.block, self.nbytes = cache, block, nbytes
        self.address = _address(block)

    def __del__(self):
        self.cache.returned.append(
            self.block
        )  # and no more: the garbage collector may run this in the middle of anything

    def upload(self, offset: int, data: np.ndarray) -> None:
        """Copy host memory, an array of bytes, to the device."""
        if data.nbytes:
            target = self.block[offset : offset + data.nbytes]
            if compat.SIMULATED:
                target[:] = data
            else:
                target.copy_to_device(data)

    def download(self, offset: int, data: np.ndarray) -> None:
        """Fill host memory, an array of bytes, from the device."""
        if data.nbytes:
            source = self.block[offset : offset + data.nbytes]
            if compat.SIMULATED:
                data[:] = source
            else:
                source.copy_to_host(data)


def _address(block: Any) -> int:
    return block.ctypes.data if compat.SIMULATED else block.__cuda_array_interface__["data"][0]


class Cache:
    """The memory of one device."""

    def __init__(self, device: int):
        compat.require(device)
        self.device = device
        self.lock = threading.Lock()
        self.free: dict[int, list[Any]] = {}  # by size
        self.returned: deque[Any] = deque()  # blocks that nobody uses any more, not yet in `free`
        self.allocated = self.reserved = self.peak = (
            0  # bytes in use, bytes taken from the driver, the most ever in use
        )

    def allocate(self, nbytes: int) -> Buffer:
        """Memory with any content. Raises OutOfMemoryError."""
        size = size_class(nbytes)
        with self.lock:
            self._settle()
            blocks = self.free.get(size)
            block = blocks.pop() if blocks else self._take(size)
            self.allocated += size
            self.peak = max(self.peak, self.allocated)
        return Buffer(self, block, nbytes)

    def empty(self) -> None:
        """Give the blocks that nobody uses back to the driver."""
        with self.lock:
            self._settle()
            self._release()

    def settled(self) -> Cache:
        """Itself, with exact counters."""
        with self.lock:
            self._settle()
        return self

    def _settle(self) -> None:
        while self.returned:
            block = self.returned.popleft()
            self.free.setdefault(block.nbytes, []).append(block)
            self.allocated -= block.nbytes

    def _release(self) -> None:
        self.reserved -= sum(size * len(blocks) for size, blocks in self.free.items())
        self.free.clear()

    def _take(self, size: int) -> Any:
        """A new block from the driver; where there is none, one more try without the cache."""
        try:
            block = _new(size, self.device)
        except MemoryError:
            self._release()
            try:
                block = _new(size, self.device)
            except MemoryError:
                raise OutOfMemoryError(
                    f"CUDA out of memory. Tried to allocate {_in_words(size)}. Tensors of this process have "
                    f"{_in_words(self.allocated)} of GPU {self.device} in use, and the driver has no more to "
                    "give. Delete what is no longer needed (a notebook keeps results in Out[] and _)"
                ) from None
        self.reserved += size
        return block


def _new(size: int, device: int) -> Any:
    if compat.SIMULATED:
        return np.full(size, 0xFF, np.uint8)  # NaN, so that nothing can rely on zeros
    with compat.on_device(device):
        try:
            return compat.cuda.device_array(size, np.uint8)
        except Exception as error:
            if "OUT_OF_MEMORY" in str(error):
                raise MemoryError from error
            raise


def size_class(nbytes: int) -> int:
    """The size of the block for `nbytes` bytes: rounded up by at most an eighth, and to 512 bytes."""
    nbytes = max(nbytes, 512)
    step = max(512, 1 << (nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _in_words(nbytes: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if nbytes >= size:
            return f"{nbytes / size:.2f} {unit}"
    return f"{nbytes} bytes"


_caches: dict[int, Cache] = {}


def cache(device: int = 0) -> Cache:
    """The memory of device number `device`. Raises RuntimeError where there is no such device."""
    found = _caches.get(device)
    if found is None:
        found = _caches.setdefault(device, Cache(device))
    return found


def memory_allocated(device: int = 0) -> int:
    """Bytes in use by arrays, size classes included."""
    return cache(device).settled().allocated


def max_memory_allocated(device: int = 0) -> int:
    """The most bytes that were ever in use, since the start or `reset_peak_memory_stats`."""
    return cache(device).peak


def reset_peak_memory_stats(device: int = 0) -> None:
    """Count `max_memory_allocated` from now on."""
    found = cache(device).settled()
    found.peak = found.allocated


def memory_reserved(device: int = 0) -> int:
    """Bytes taken from the driver: in use, or waiting in the cache."""
    return cache(device).reserved


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    for found in _caches.values():
        found.empty()
