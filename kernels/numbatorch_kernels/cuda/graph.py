"""Graphs: work of a stream that is noted once and then replayed as a whole, with one call of the driver.

graph = Graph(device)
graph.begin(stream); ...; graph.end(stream)     # nothing runs yet
graph.replay(stream)                            # again and again, on the same memory

Random numbers are new in each replay: their kernels add what a generator has come to, which is in memory by then.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.driver import driver
from numbatorch_kernels.cuda.launch import compiled
from numbatorch_kernels.cuda.memory import Pool, cache
from numbatorch_kernels.cuda.stream import Stream, using
from numbatorch_kernels.philox import STEP, Philox


def put(state, seed, offset):
    state[0], state[1] = seed, offset


class Graph:
    """What a stream was given between `begin` and `end`, and the memory that it works on."""

    def __init__(self, device: int):
        self.device = device
        self.pools: list[
            Pool
        ] = []  # of what the graph computes, and of constants that nothing in it writes to
        self.kept: list[DeviceArray] = []  # arrays that the launches read and nobody else may hold
        self.drawn: dict[
            Philox, tuple[DeviceArray, int]
        ] = {}  # of the generators that it draws from: where a replay puts their state, and how many calls it makes
        self.builder: Any = None
        self.ready: Any = None
        self.outside: Any = None

    def begin(self, stream: Stream, pool: Pool | None = None) -> None:
        """From now on, what the stream is given is noted. Memory comes from `pool`, or from one of the graph's own."""
        memory = cache(self.device)
        self.pools = [pool or memory.pool(), memory.pool()]
        for used in self.pools:
            used.graphs += 1
        self.outside, stream.pool = stream.pool, self.pools[0]
        stream.capture = self
        self.builder = driver.capture(self.device, stream.handle)

    def end(self, stream: Stream) -> None:
        """The end of it: the graph can be replayed."""
        self._leave(stream)
        self.ready = driver.captured(self.builder)

    def abandon(self, stream: Stream) -> None:
        """The end after an error: there is no graph."""
        self._leave(stream)
        driver.abandon(self.builder)

    def _leave(self, stream: Stream) -> None:
        stream.capture, stream.pool = None, self.outside

    def constant(self, array: np.ndarray) -> DeviceArray:
        """A copy on the device of what the host brings along in a capture. It is made at once, in no captured stream."""
        result = DeviceArray.in_memory(
            cache(self.device).allocate(array.nbytes, self.pools[1]), array.shape, array.dtype
        )
        if array.nbytes:
            data, aside = (
                np.ascontiguousarray(array).reshape(-1).view(np.uint8),
                driver.stream(self.device, 0),
            )
            driver.upload(self.device, result.buffer.block, 0, data, aside, True)
        self.kept.append(result)
        return result

    def draws(self, state: Philox) -> tuple[DeviceArray, int, int]:
        """As `random.place_of`, for the next call that draws from a generator."""
        memory, calls = self.drawn.get(state) or (self.constant(np.zeros(2, np.int64)), 0)
        self.drawn[state] = memory, calls + 1
        return memory, 0, STEP * calls

    def replay(self, stream: Stream) -> None:
        """Do it all."""
        with using(stream):
            for state, (memory, calls) in self.drawn.items():
                compiled(put, "i8", int, int)(1, 1, memory, *state.take(calls))
        driver.replay(self.device, self.ready, stream.handle)
        marks = cache(self.device).marks
        if marks is not None:
            marks.wanted = True

    def reset(self) -> None:
        """Give the graph and its memory up."""
        if self.pools:
            self.ready = None
            driver.finish(self.device)
            self.kept.clear()
            self.drawn.clear()
            for pool in self.pools:
                pool.graphs -= 1
                if not pool.graphs:
                    cache(self.device).retire(pool)
            self.pools = []

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.reset()
