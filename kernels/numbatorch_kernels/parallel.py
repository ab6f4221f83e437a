"""Sharing one kernel call between threads.

A CPU kernel does a share of its work, `kernel(*arrays, start, stop)`. `run` gives the whole range to the
calling thread when it is small; otherwise it cuts the range into pieces, which the caller and its helpers take
one after another, without the GIL: `team.py`. So

* one compiled kernel serves both cases (Numba's parallel=True compiles a second one, three times as long);
* nothing depends on a threading layer: no OpenMP spinning beside BLAS, no abort under concurrent callers, no
  hang after fork;
* a helper that is late delays nobody.

The helpers are Python threads. To wake one that sleeps takes 50 us, so that after a job they watch for the next
one for a while before they go to sleep. Concurrent callers are safe: whoever finds the team busy computes its
range alone.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from numbatorch_kernels import call, team

PIECES = 4  # for each thread
LOOKS = 8192  # at the board, before a helper goes to sleep: 150 us, or 300 where a pause is longer

_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _serve() -> Callable:
    """`team.serve`, without the GIL."""
    address = call.native(team.serve, words=3)
    return ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(address)


class _Helper(threading.Thread):
    """Serves the team, sleeps when there is nothing to do, and begins again when its alarm rings."""

    def __init__(self, its_team: _Team):
        super().__init__(name="numbatorch-kernel", daemon=True)
        self.team = its_team
        self.alarm: SimpleQueue = SimpleQueue()
        self.start()

    def run(self) -> None:
        serve, board, number = self.team.serve, self.team.board.ctypes.data, 0
        while not self.team.over:
            number = serve(board, number, LOOKS if len(self.team.helpers) < _CORES else 1)
            self.team.asleep.append(self)
            self.alarm.get()


class _Team:
    """The helpers of this process and where they meet."""

    def __init__(self):
        self.busy = threading.Lock()
        self.board = np.zeros(team.BOARD + 8, np.int64)
        skip = -self.board.ctypes.data % team.LINE // 8
        self.board = self.board[skip : skip + team.BOARD]
        self.helpers: list[_Helper] = []
        self.asleep: list[_Helper] = []
        self.over = False
        self.share = call.builtin(team.share, b"")
        self.serve = _serve()  # by a helper, a fork meanwhile would leave Numba locked in the child

    def wake(self) -> None:
        while self.asleep:
            self.asleep.pop().alarm.put(None)

    def end(self) -> None:
        """Let the helpers go before the interpreter does: the machine code that they run goes with it."""
        self.over = True
        for helper in self.helpers:
            helper.alarm.put(None)
        for helper in self.helpers:
            helper.join(timeout=1)


_CORES = _threads
_team: _Team | None = None


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
    if n < 2 * grain or _threads == 1:
        entry(*args, 0, n)
        return
    ours = _team or _gather()
    if not ours.busy.acquire(False):
        entry(*args, 0, n)
        return
    try:
        helpers, step = _cut(n, grain, _threads)
        while len(ours.helpers) < helpers:
            ours.helpers.append(_Helper(ours))
        if ours.asleep:
            ours.wake()
        ours.share(ours.board, entry, helpers, n, step, *args)
    finally:
        ours.busy.release()


@functools.lru_cache(maxsize=4096)
def _cut(n: int, grain: int, threads: int) -> tuple[int, int]:
    """How many helpers the caller has, and how long the pieces of 0..n are."""
    pieces = n // grain
    step = -(-n // min(pieces, PIECES * threads))
    if step >= 64:
        step = -(-step // 16) * 16  # whole cache lines: no two threads write one
    return min(pieces, threads) - 1, step


def _gather() -> _Team:
    """The team of this process, made when it is first needed."""
    global _team
    _team = _Team()
    atexit.register(_team.end)
    return _team


def _after_fork_in_child() -> None:
    """Threads do not survive a fork; the child gathers a team of its own."""
    global _team
    _team = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
