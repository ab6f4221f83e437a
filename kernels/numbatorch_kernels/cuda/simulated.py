"""GPUs without a driver: the methods of `hardware.Hardware` on memory of the host.

What a stream is given is done at once, so every stream and every event is always finished; a capture notes what
would be done, and a replay does it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from numbatorch_kernels.cuda import simulator
from numbatorch_kernels.cuda.properties import Properties


class Simulated:
    """All simulated GPUs. `devices` and `total`, the bytes of each, may be set: tests do."""

    devices = 1
    total = 4 << 30
    failure = None

    def __init__(self) -> None:
        self.sizes: dict[int, dict[int, int]] = {}  # of what is allocated: by device, by address

    # ---- devices ----

    def count(self) -> int:
        return self.devices

    def version(self) -> None:
        return None

    def enter(self, index: int) -> None:
        pass

    def properties(self, index: int) -> Properties:
        return Properties(
            "CUDA simulator", 0, 0, self.total, 4, 4, 1024, 1024, 65536, 49152, 49152, 65536, 1 << 20, 0, 0, 0, 0, 0, 0,
            1, 0, f"{index:08x}-0000-0000-0000-000000000000", "CUDA simulator",
        )  # fmt: skip

    def can_access_peer(self, index: int, peer: int) -> bool:
        return True

    # ---- memory ----

    def memory_info(self, index: int) -> tuple[int, int]:
        return self.total - sum(self.sizes.get(index, {}).values()), self.total

    def allocate(self, index: int, size: int) -> tuple[int, np.ndarray]:
        if size > self.memory_info(index)[0]:
            raise MemoryError("the simulated GPU is out of memory")
        memory = np.full(size, 0xFF, np.uint8)  # NaN, so that nothing can rely on zeros
        self.sizes.setdefault(index, {})[memory.ctypes.data] = size
        return memory.ctypes.data, memory

    def free(self, index: int, address: int) -> None:
        del self.sizes[index][address]

    def pinned(self, size: int) -> bytearray:
        return bytearray(size)

    def unpin(self, memory: bytearray) -> None:
        pass

    def upload(self, index: int, block: Any, offset: int, data: np.ndarray, stream: Any, wait: bool) -> None:
        block.memory[offset : offset + data.nbytes] = data

    def download(self, index: int, block: Any, offset: int, data: np.ndarray, stream: Any) -> None:
        data[:] = block.memory[offset : offset + data.nbytes]

    def copy(self, index: int, target: Any, at: int, source: Any, of: int, size: int, stream: Any) -> None:
        self.do(stream, np.copyto, target.memory[at : at + size], source.memory[of : of + size])

    # ---- streams and events ----

    def default_stream(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(noted=None)

    def stream(self, index: int, priority: int) -> SimpleNamespace:
        return SimpleNamespace(noted=None)

    def external(self, index: int, handle: int) -> SimpleNamespace:
        return SimpleNamespace(noted=None)

    def handle(self, stream: SimpleNamespace) -> int:
        return id(stream)

    def finish(self, index: int, stream: Any = None) -> None:
        pass

    def done(self, index: int, stream: Any) -> bool:
        return True

    def wait(self, index: int, stream: Any, other: Any) -> None:
        pass

    def event(self, index: int, timing: bool, blocking: bool) -> SimpleNamespace:
        return SimpleNamespace(time=0.0)

    def record(self, index: int, event: SimpleNamespace, stream: Any) -> None:
        event.time = time.perf_counter()

    def event_done(self, event: Any) -> bool:
        return True

    def finish_event(self, event: Any) -> None:
        pass

    def elapsed(self, start: SimpleNamespace, end: SimpleNamespace) -> float:
        return 1e3 * (end.time - start.time)

    # ---- kernels and graphs ----

    def configuration(self, index: int, grid: int | tuple[int, ...], block: int | tuple[int, ...]) -> tuple:
        return grid, block

    def launch(self, index: int, stream: Any, configuration: tuple, kernel: Callable, args: tuple) -> None:
        self.do(stream, simulator.launch, kernel, *configuration, args)

    def do(self, stream: SimpleNamespace, function: Callable, *args) -> None:
        """Call a function now, or note the call if `stream` is captured."""
        if stream.noted is None:
            function(*args)
        else:
            stream.noted.append((function, args))

    def capture(self, index: int, stream: SimpleNamespace) -> SimpleNamespace:
        stream.noted = []
        return stream

    def captured(self, stream: SimpleNamespace) -> list:
        noted, stream.noted = stream.noted, None
        return noted

    abandon = captured

    def replay(self, index: int, graph: list, stream: SimpleNamespace) -> None:
        for function, args in graph:
            function(*args)
