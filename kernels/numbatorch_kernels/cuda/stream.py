"""Streams: orders of work on a device, and which of them this thread gives its work to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from numbatorch_kernels.cuda.driver import driver, require

POOL = 32  # streams of a device and priority, which are handed out in turn


class Stream:
    """An order of work. `capture` is the graph that is being made of what the stream is given."""

    __slots__ = ("__weakref__", "capture", "device", "handle", "pool", "priority")

    def __init__(self, device: int, handle: Any, priority: int = 0):
        self.device, self.handle, self.priority = device, handle, priority
        self.capture: Any = None
        self.pool: Any = None  # of memory, see memory.py


class _Here(threading.local):
    """Of this thread: the streams that are not the default ones, by device."""

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}


_here = _Here()
_defaults: dict[int, Stream] = {}


def default(device: int) -> Stream:
    """The stream in which work is done where nobody says otherwise."""
    found = _defaults.get(device)
    if found is None:
        require(device)
        found = _defaults.setdefault(device, Stream(device, driver.default_stream(device)))
    return found


def current(device: int) -> Stream:
    """The stream that this thread gives its work on the device to."""
    return _here.streams.get(device) or _defaults.get(device) or default(device)


def use(stream: Stream) -> None:
    """Make `stream` the current one of its device in this thread."""
    _here.streams[stream.device] = stream


@contextmanager
def using(stream: Stream) -> Iterator[None]:
    """The same within a block."""
    before = current(stream.device)
    use(stream)
    try:
        yield
    finally:
        use(before)


class _Pool:
    """Streams of one device and priority."""

    def __init__(self, device: int, priority: int):
        self.device, self.priority, self.next = device, priority, 0
        self.made: list[Stream] = []

    def take(self) -> Stream:
        if len(self.made) < POOL:
            handle = driver.stream(self.device, self.priority)
            self.made.append(Stream(self.device, handle, self.priority))
            return self.made[-1]
        self.next += 1
        return self.made[self.next % POOL]


@cache
def _pool(device: int, priority: int) -> _Pool:
    return _Pool(device, priority)


def another(device: int, priority: int = 0) -> Stream:
    """One of the device's other streams. There are 32 of a priority, and then they come again."""
    require(device)
    return _pool(device, priority).take()
