"""A CUDA device made of Python: kernels run as they are written, on the CPU, thread by thread.

`cuda` here stands for `numba.cuda` inside kernels, as far as the kernels of this package use it. One simulated thread runs at a time, until
it ends or comes to a barrier, so a run is the same every time and can be stepped through; a kernel without barriers does not even
leave the calling Python thread, where `breakpoint()` works as usual. It finds what a GPU would not tell:

* an index outside of the memory that the kernel was given (see pointer.py);
* a use of shared memory before anything was put there: it starts as NaN;
* threads of a block that wait at different barriers, for ever;
* a barrier too few: at each barrier the order in which threads run is turned round.

Numba's own simulator does none of the last three, has no warps, polls (a block of 8 threads with 9 barriers took it 118 ms, and takes 1 ms
here), and is gone in numba-cuda's successor.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from itertools import product
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

WARP = 4  # threads: few, so that small blocks have several warps


class Dim3(NamedTuple):
    x: int
    y: int
    z: int


def _dim3(size: int | tuple[int, ...]) -> Dim3:
    size = size if isinstance(size, tuple) else (size,)
    return Dim3(*size, *(1,) * (3 - len(size)))


class _Block:
    """What the threads of a block share."""

    def __init__(self, grid: Dim3, block: Dim3, index: Dim3):
        self.grid, self.block, self.index = grid, block, index
        self.shared: dict[tuple, np.ndarray] = {}  # by the line that asked for it
        self.lanes: dict[int, Any] = {}  # what each thread shows the others of its warp

    def threads(self) -> Iterator[_Thread]:
        for number, (z, y, x) in enumerate(product(*map(range, reversed(self.block)))):
            yield _Thread(self, Dim3(x, y, z), number)


class _Thread:
    """A simulated thread."""

    def __init__(self, block: _Block, index: Dim3, number: int):
        self.block, self.index, self.number = block, index, number
        self.waits: tuple | None = None  # at a barrier: (warp number or None, file and line)
        self.turn: threading.Lock | None = None  # released when it may run; a thread without one cannot wait
        self.alive, self.abort = True, False
        self.error: BaseException | None = None

    def wait(self, warp: int | None, frame: Any) -> None:
        """Let the other threads come to this barrier."""
        if self.turn is None:
            raise RuntimeError(
                "a barrier in a function that was passed to the kernel: the simulator finds those in its globals alone"
            )
        self.waits = (warp, frame.f_code.co_filename, frame.f_lineno)
        _device.scheduler.release()
        self.turn.acquire()
        if self.abort:
            raise SystemExit

    def run(self, kernel: Callable, args: tuple) -> None:
        """In a Python thread of its own: the kernel, when it is its turn."""
        self.turn.acquire()
        try:
            with np.errstate(all="ignore"):
                kernel(*args)
        except SystemExit:
            pass
        except BaseException as error:
            self.error = error
        self.alive, self.waits = False, None
        _device.scheduler.release()


class _Device:
    """What runs at the moment."""

    def __init__(self):
        self.busy = threading.Lock()  # held while a kernel runs
        self.scheduler = threading.Lock()  # released when the running thread ends or waits
        self.scheduler.acquire()
        self.thread: _Thread | None = None


_device = _Device()


def launch(kernel: Callable, grid: int | tuple[int, ...], block: int | tuple[int, ...], args: tuple) -> None:
    """Run every thread of every block, one block after the other. An error in a kernel names the thread."""
    grid, block = _dim3(grid), _dim3(block)
    run = _run_with_barriers if has_barriers(kernel) else _run
    with _device.busy, np.errstate(all="ignore"):
        try:
            for z, y, x in product(*map(range, reversed(grid))):
                run(kernel, args, _Block(grid, block, Dim3(x, y, z)))
        finally:
            _device.thread = None


def _run(kernel: Callable, args: tuple, block: _Block) -> None:
    for thread in block.threads():
        _device.thread = thread
        try:
            kernel(*args)
        except Exception as error:
            error.add_note(
                f"in thread {tuple(thread.index)} of block {tuple(block.index)} of the simulated kernel {kernel.__name__}"
            )
            raise


def _run_with_barriers(kernel: Callable, args: tuple, block: _Block) -> None:
    threads = list(block.threads())
    for thread in threads:
        thread.turn = threading.Lock()
        thread.turn.acquire()
        threading.Thread(target=thread.run, args=(kernel, args), daemon=True).start()
    ready = threads
    try:
        while ready:
            for thread in ready:
                _give_turn(thread)
                if thread.error is not None:
                    thread.error.add_note(
                        f"in thread {tuple(thread.index)} of block {tuple(block.index)} of the simulated kernel {kernel.__name__}"
                    )
                    raise thread.error
            ready = _released(threads)
            ready.reverse()
            threads.reverse()
    finally:
        for thread in threads:
            if thread.alive:
                thread.abort = True
                _give_turn(thread)


def _give_turn(thread: _Thread) -> None:
    _device.thread = thread
    thread.turn.release()
    _device.scheduler.acquire()


def _released(threads: list[_Thread]) -> list[_Thread]:
    """The threads whose barrier everyone who must has come to. (Threads that have ended need not come.)"""
    alive = [t for t in threads if t.alive]
    ready = []
    for thread in alive:
        warp = thread.waits[0]
        company = alive if warp is None else [t for t in alive if t.number // WARP == warp]
        if all(t.waits == thread.waits for t in company):
            ready.append(thread)
    if alive and not ready:
        places = sorted({f"{t.waits[1]}:{t.waits[2]}" for t in alive})
        raise RuntimeError(f"deadlock: threads of a block wait at different barriers, {' and '.join(places)}")
    return ready


_BARRIERS = {"syncthreads", "syncwarp", "shfl_sync", "shfl_down_sync", "shfl_xor_sync"}


def has_barriers(function: Callable, seen: frozenset = frozenset()) -> bool:
    """Whether `function`, or one that it calls, waits for other threads."""
    if not isinstance(function, FunctionType) or function in seen:
        return False
    names = function.__code__.co_names
    called = [function.__globals__.get(name) for name in names] + [
        cell.cell_contents for cell in function.__closure__ or ()
    ]
    return not _BARRIERS.isdisjoint(names) or any(has_barriers(f, seen | {function}) for f in called)


# ---- what a kernel sees ----


def _array(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Memory in which every float is NaN."""
    array = np.empty(shape, np.dtype(dtype if isinstance(dtype, type) else str(dtype)))
    array.view(np.uint8).fill(0xFF)
    return array


def _shared(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    frame, shared = sys._getframe(1), _device.thread.block.shared
    place = (frame.f_code, frame.f_lineno)
    if place not in shared:
        shared[place] = _array(shape, dtype)
    return shared[place]


class _Cuda:
    """`numba.cuda`, as a kernel uses it."""

    shared = SimpleNamespace(array=_shared)
    local = SimpleNamespace(array=_array)

    @property
    def threadIdx(self) -> Dim3:
        return _device.thread.index

    @property
    def blockIdx(self) -> Dim3:
        return _device.thread.block.index

    @property
    def blockDim(self) -> Dim3:
        return _device.thread.block.block

    @property
    def gridDim(self) -> Dim3:
        return _device.thread.block.grid

    def grid(self, ndim: int):
        """This thread's index in the grid."""
        index = tuple(b * n + t for b, n, t in zip(self.blockIdx, self.blockDim, self.threadIdx))
        return index[0] if ndim == 1 else index[:ndim]

    def gridsize(self, ndim: int):
        """How many threads the grid has along each dimension."""
        size = tuple(n * b for n, b in zip(self.gridDim, self.blockDim))
        return size[0] if ndim == 1 else size[:ndim]

    def syncthreads(self) -> None:
        """Wait for all threads of the block."""
        _device.thread.wait(None, sys._getframe(1))

    def syncwarp(self, mask: int = 0xFFFFFFFF) -> None:
        """Wait for all threads of the warp."""
        _device.thread.wait(_device.thread.number // WARP, sys._getframe(1))

    def shfl_down_sync(self, mask: int, value, delta: int):
        """The value of the thread `delta` further on in the warp; one's own where there is none."""
        return self._shuffle(value, _device.thread.number % WARP + delta, sys._getframe(1))

    def shfl_xor_sync(self, mask: int, value, lane_mask: int):
        """The value of the thread whose number differs in the bits of `lane_mask`."""
        return self._shuffle(value, _device.thread.number % WARP ^ lane_mask, sys._getframe(1))

    def shfl_sync(self, mask: int, value, lane: int):
        """The value of the thread number `lane` of the warp."""
        return self._shuffle(value, lane, sys._getframe(1))

    def _shuffle(self, value, lane: int, frame: Any):
        thread = _device.thread
        warp, lanes = thread.number // WARP, thread.block.lanes
        lanes[thread.number] = value
        thread.wait(warp, frame)
        result = lanes.get(warp * WARP + int(lane), value) if lane < WARP else value
        thread.wait(warp, frame)
        return result


cuda = _Cuda()
