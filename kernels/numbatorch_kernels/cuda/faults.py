"""What kernels find wrong: they cannot raise, so they leave a mark, and who next waits for the device reads it.

A kernel that meets an index out of range does nothing there and writes to the mark of its op; every op has its own,
so the error can name it. The marks of a device are one small array, which is read only after some op has asked for one.
"""

from __future__ import annotations

import numpy as np

from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.driver import driver
from numbatorch_kernels.cuda.errors import CAPTURING, AcceleratorError
from numbatorch_kernels.cuda.memory import cache
from numbatorch_kernels.cuda.stream import Stream, current

MARKS = 64  # ops that may leave one


class _Marks:
    """The marks of one device."""

    def __init__(self, device: int):
        self.array = DeviceArray.from_host(np.zeros(MARKS, np.int64), device)
        self.names: list[str] = []
        self.wanted = False  # whether some kernel may have left one since they were last read

    def of(self, name: str) -> DeviceArray:
        if name not in self.names:
            self.names.append(name)
        self.wanted = True
        place = self.names.index(name)
        return self.array[place : place + 1]

    def read(self) -> None:
        self.wanted = False
        found = self.array.copy_to_host()
        if found.any():
            self.array.copy_from_host(np.zeros(MARKS, np.int64))
            names = ", ".join(self.names[k] for k in found.nonzero()[0])
            raise AcceleratorError(
                f"CUDA error: device-side assert triggered. {names}: an index or a value was out of range. Kernels report at the next "
                "synchronization: what was computed since may rest on wrong elements. The same call on the CPU names "
                "it"
            )


def mark(name: str, device: int) -> DeviceArray:
    """Where kernels of the op `name` report: they write a number that is not zero."""
    memory = cache(device)
    if memory.marks is None:
        memory.marks = _Marks(device)
    return memory.marks.of(name)


def synchronize(device: int, stream: Stream | None = None) -> None:
    """Wait for a stream, or for the whole device, and raise what kernels have reported."""
    if current(device).capture is not None:
        raise AcceleratorError(CAPTURING)
    driver.finish(device, None if stream is None else stream.handle)
    cache(device).waited()
