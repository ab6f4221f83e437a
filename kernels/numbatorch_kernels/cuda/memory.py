"""Device memory: a cache of blocks, one cache for each device.

Asking the driver for memory waits for the device, so a block is kept when the last array on it is gone, for
the next array of its size class on the same stream: what is then written to it comes later in that order than
whatever was still going on with the old array, so nothing needs to be waited for. Where other streams have used
the block too (`Buffer.used_on`), its own waits for them before it is given away again. A graph that is being
captured has a pool of its own, because its replays write to the same addresses again.
"""

from __future__ import annotations

import gc
import threading
from collections import defaultdict, deque
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from numbatorch_kernels.cuda.driver import driver, require
from numbatorch_kernels.cuda.errors import CAPTURING, AcceleratorError, OutOfMemoryError
from numbatorch_kernels.cuda.stream import Stream, current, default

LARGEST = 5  # live tensors that an OutOfMemoryError names


class Block:
    """Memory from the driver. `memory` are its bytes as NumPy takes them; the host may read those of the simulator alone."""

    __slots__ = ("address", "memory", "pool", "size", "users")

    def __init__(self, pool: Pool, size: int):
        self.pool, self.size = pool, size
        self.address, self.memory = driver.allocate(pool.cache.device, size)
        self.users: set[Stream] = set()  # streams other than the pool's that have used it


class Pool:
    """Blocks that nobody uses, of one order of work."""

    def __init__(self, cache: Cache, stream: Stream | None):
        self.cache, self.stream = cache, stream
        self.free: dict[int, list[Block]] = defaultdict(list)  # by size
        self.aside: list[Block] = []  # of a graph, which other streams have used: free when the graph is gone
        self.graphs = 0  # that work on the memory
        self.heir: Pool | None = None  # who takes the blocks when this pool's graph is gone

    def take(self, fitting: tuple[int, ...]) -> Block | None:
        """A block of one of these sizes, if there is one."""
        for size in fitting:
            if blocks := self.free.get(size):
                return blocks.pop()
        return None

    def put(self, block: Block) -> None:
        if self.heir is not None:
            block.pool = self.heir
            self.heir.put(block)
            return
        if not block.users:
            self.free[block.size].append(block)
        elif self.stream is None:
            self.aside.append(block)
        else:
            for user in block.users:
                driver.wait(self.cache.device, self.stream.handle, user.handle)
            block.users.clear()
            self.free[block.size].append(block)

    def retire(self, heir: Pool) -> None:
        """Hand everything over."""
        self.heir = heir
        for block in (*chain(*self.free.values()), *self.aside):
            self.put(block)
        self.free.clear()
        self.aside.clear()


class Buffer:
    """`nbytes` bytes of device memory from `address` on. With the last reference to this they go back to the
    cache."""

    __slots__ = ("address", "block", "cache", "nbytes")

    def __init__(self, cache: Cache, block: Block, nbytes: int):
        self.cache, self.block, self.nbytes = cache, block, nbytes
        self.address = block.address

    def __del__(self):
        # No more than this: the garbage collector may run this in the middle of anything.
        self.cache.returned.append((self.block, self.nbytes))

    def used_on(self, stream: Stream) -> None:
        """A stream other than that of the allocation uses the memory."""
        if stream is not self.block.pool.stream:
            self.block.users.add(stream)

    def upload(self, offset: int, data: np.ndarray, wait: bool = True) -> None:
        """Copy host memory, an array of bytes, to the device."""
        if data.nbytes:
            stream = current(self.cache.device)
            if stream.capture is not None:
                raise AcceleratorError(CAPTURING)
            driver.upload(stream.device, self.block, offset, data, stream.handle, wait)

    def download(self, offset: int, data: np.ndarray) -> None:
        """Fill host memory, an array of bytes, from the device."""
        if data.nbytes:
            stream = current(self.cache.device)
            if stream.capture is not None:
                raise AcceleratorError(CAPTURING)
            driver.download(stream.device, self.block, offset, data, stream.handle)
            self.cache.waited()

    def copy(self, offset: int, source: Buffer, of: int, size: int) -> None:
        """Copy from device memory, of this or another device."""
        if size:
            stream = current(self.cache.device)
            if source.cache is not self.cache:  # what wrote to it went to another device's stream
                other = current(source.cache.device)
                driver.wait(stream.device, stream.handle, other.handle)
                source.used_on(stream)
            driver.copy(stream.device, self.block, offset, source.block, of, size, stream.handle)


class Tally:
    """An amount, the most that it has been, and all that was ever added."""

    __slots__ = ("current", "peak", "total")

    def __init__(self) -> None:
        self.current = self.peak = self.total = 0

    def add(self, amount: int) -> None:
        self.total += amount
        self.current += amount
        if self.current > self.peak:
            self.peak = self.current

    def reset_peak(self) -> None:
        self.peak = self.current

    def reset_total(self) -> None:
        self.total = self.current

    def counters(self) -> dict[str, int]:
        """By PyTorch's names."""
        freed = self.total - self.current
        return {"current": self.current, "peak": self.peak, "allocated": self.total, "freed": freed}


class Cache:
    """The memory of one device."""

    def __init__(self, device: int):
        require(device)
        self.device = device
        self.lock = threading.RLock()  # the collection before an OutOfMemoryError may come back here
        self.pools: list[Pool] = []
        self.returned: deque[tuple[Block, int]] = deque()  # that nobody uses any more, not yet in a pool
        self.limit: int | None = None  # bytes, where less than all there is may be used
        self.tallies = {
            "allocated_bytes": Tally(), "requested_bytes": Tally(), "allocation": Tally(), "reserved_bytes": Tally(),
            "segment": Tally(),
        }  # fmt: skip
        self.live = [self.tallies[name] for name in ("allocated_bytes", "requested_bytes", "allocation")]
        self.retries = self.failures = 0
        self.marks: Any = None  # what kernels report, see faults.py

    def pool(self, stream: Stream | None = None) -> Pool:
        """A new pool; of a stream, its only one."""
        made = Pool(self, stream)
        self.pools.append(made)
        if stream is not None:
            stream.pool = made
        return made

    def retire(self, pool: Pool) -> None:
        """Hand the blocks of a graph's pool over to that of the default stream."""
        stream = default(self.device)
        with self.lock:
            self.pools.remove(pool)
            pool.retire(stream.pool or self.pool(stream))

    def allocate(self, nbytes: int, pool: Pool | None = None) -> Buffer:
        """Memory with any content, from a pool or from that of the current stream. Raises OutOfMemoryError."""
        stream = current(self.device)
        fitting = sizes(nbytes)
        with self.lock:
            if self.returned:
                self.settle()
            if pool is None:
                pool = stream.pool or self.pool(stream)
            block = pool.take(fitting) or self._new(pool, fitting, stream.capture is None)
            for tally, amount in zip(self.live, (block.size, nbytes, 1)):  # `add`, without the calls
                tally.total += amount
                tally.current = now = tally.current + amount
                if now > tally.peak:
                    tally.peak = now
        return Buffer(self, block, nbytes)

    def settle(self) -> Cache:
        """Take note of all arrays that are gone; itself."""
        with self.lock:
            while self.returned:
                block, nbytes = self.returned.popleft()
                for tally, amount in zip(self.live, (block.size, nbytes, 1)):
                    tally.current -= amount
                block.pool.put(block)
        return self

    def waited(self) -> None:
        """The device has done what it was given: raise what its kernels have reported."""
        if self.marks is not None and self.marks.wanted:
            self.marks.read()

    def empty(self) -> None:
        """Give the blocks that nobody uses back to the driver. (A graph keeps its own.)"""
        with self.lock:
            self.settle()
            for pool in self.pools:
                if pool.stream is not None:
                    self._release(pool)

    def _release(self, pool: Pool) -> None:
        for blocks in pool.free.values():
            for block in blocks:
                driver.free(self.device, block.address)
                self.tallies["reserved_bytes"].current -= block.size
                self.tallies["segment"].current -= 1
        pool.free.clear()

    def _new(self, pool: Pool, fitting: tuple[int, ...], can_free: bool) -> Block:
        """A new block from the driver. Where there is none, one more try without garbage and without the cache
        (except in a capture, where memory cannot be freed)."""
        try:
            block = self._take(pool, fitting[0])
        except MemoryError:
            self.retries += 1
            if can_free:
                gc.collect()
                self.empty()
            try:
                block = pool.take(fitting) or self._take(pool, fitting[0])
            except MemoryError:
                self.failures += 1
                raise OutOfMemoryError(self._shortage(fitting[0])) from None
        return block

    def _take(self, pool: Pool, size: int) -> Block:
        if self.limit is not None and self.tallies["reserved_bytes"].current + size > self.limit:
            raise MemoryError("more than this process may use")
        block = Block(pool, size)
        self.tallies["reserved_bytes"].add(size)
        self.tallies["segment"].add(1)
        return block

    def _shortage(self, size: int) -> str:
        """What an OutOfMemoryError says: PyTorch's words, and which tensors take the most."""
        free, total = driver.memory_info(self.device)
        allocated, reserved = (self.tallies[name].current for name in ("allocated_bytes", "reserved_bytes"))
        allowed = "" if self.limit is None else f"{in_words(self.limit)} allowed; "
        text = (
            f"CUDA out of memory. Tried to allocate {in_words(size)}. GPU {self.device} has a total capacity of "
            f"{in_words(total)} of which {in_words(free)} is free. {allowed}Of the allocated memory "
            f"{in_words(allocated)} is allocated by numbatorch, and {in_words(reserved - allocated)} is reserved by "
            "numbatorch but unallocated."
        )
        if largest := self.largest():
            text += "\nThe largest live tensors: " + "; ".join(largest)
        return text + "\nDelete what is no longer needed (a notebook keeps results in Out[] and _)."

    def largest(self) -> list[str]:
        """The arrays that keep the most memory, in words."""
        from numbatorch_kernels.cuda.array import DeviceArray

        arrays: dict[int, DeviceArray] = {}  # by buffer, the one that shows most of it
        for array in [x for x in gc.get_objects() if type(x) is DeviceArray and x.buffer.cache is self]:
            shown = arrays.get(id(array.buffer))
            if shown is None or array.nbytes > shown.nbytes:
                arrays[id(array.buffer)] = array
        most = sorted(arrays.values(), key=lambda array: -array.buffer.nbytes)[:LARGEST]
        return [f"{in_words(a.buffer.nbytes)} {a.dtype}{list(a.shape)}" for a in most]


@lru_cache(maxsize=4096)
def sizes(nbytes: int) -> tuple[int, ...]:
    """The size of a new block for `nbytes` bytes, and those that will do. They are at most an eighth of it apart, and at
    least 512 bytes."""
    nbytes = max(nbytes, 512)
    step = max(512, 1 << (nbytes.bit_length() - 4))
    size = -(-nbytes // step) * step
    return size, size + step, size + 2 * step


def in_words(nbytes: int) -> str:
    """An amount of memory as PyTorch writes it."""
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


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    for found in list(_caches.values()):
        found.empty()
