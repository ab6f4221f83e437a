"""Sharing one kernel call between threads.

A CPU kernel does a share of its work, `kernel(*arrays, start, stop)`, and releases the GIL. `run` gives the
whole range to the calling thread when it is small, and otherwise splits it into one share a thread. The
threads are ordinary Python threads that wait on a lock, so:

* one compiled kernel serves both cases (Numba's parallel=True compiles a second one, three times as long);
* nothing depends on a threading layer: no OpenMP spinning beside BLAS, no abort under concurrent callers, no
hang after fork;
* handing over costs about 14 us (measured, 2 cores), which `grain` makes negligible.

Concurrent callers are safe: whoever finds the helpers busy computes its range alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


class _Helper(threading.Thread):
    """A thread that waits for a share, computes it, says so, and waits again."""

    share: tuple[Callable, tuple, int, int]

    def __init__(self):
        super().__init__(name="numbatorch-kernel", daemon=True)
        self.go, self.done = threading.Lock(), threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.error: BaseException | None = None
        self.start()

    def run(self):
        while True:
            self.go.acquire()
            entry, args, start, stop = self.share
            try:
                entry(*args, start, stop)
            except BaseException as error:
                self.error = error
            del entry, args, self.share
            self.done.release()


_helpers: list[_Helper] = []
_busy = threading.Lock()
_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def get_num_threads() -> int:
    """How many threads a large kernel is split over."""
    return _threads


def set_num_threads(count: int) -> None:
    """Split large kernels over `count` threads from now on."""
    global _threads
    if not isinstance(count, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _threads = count


def run(entry: Callable, n: int, grain: int, *args) -> None:
    """Call `entry(*args, start, stop)` over 0..n; below 2 * `grain` units of work, or alone, in one call."""
    shares = min(_threads, n // grain)
    if shares < 2 or not _busy.acquire(blocking=False):
        entry(*args, 0, n)
        return
    try:
        while len(_helpers) < shares - 1:
            _helpers.append(_Helper())
        step = -(-n // shares)
        used: list[_Helper] = []
        step = (
            -(-step // 16) * 16 if n >= 64 * shares else step
        )  # whole cache lines: no two threads write one
        start = step
        while start < n:
            helper = _helpers[len(used)]
            helper.share = (entry, args, start, min(start + step, n))
            helper.go.release()
            used.append(helper)
            start += step
        try:
            entry(*args, 0, min(step, n))
        finally:
            for helper in used:
                helper.done.acquire()
        for helper in used:
            if helper.error is not None:
                error, helper.error = helper.error, None
                raise error
    finally:
        _busy.release()


def _after_fork_in_child() -> None:
    """Threads do not survive a fork; the child starts its own when it needs them."""
    global _busy
    _helpers.clear()
    _busy = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
