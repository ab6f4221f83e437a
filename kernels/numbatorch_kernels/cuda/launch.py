"""From a Python function to a launch on the GPU.

    kernel = compiled(add, "f4", "f4", "f4", int)       # what the arguments are, as for `cpu.compiled`
    kernel(grid, block, out, a, b, n)                   # arrays and numbers; returns at once
    launcher(add, "f4", "f4", "f4", int)(out, a, b, n)  # grid-stride: as many threads as n elements need

A kernel is compiled at its first launch, for the device of its first argument, and runs on that device's current stream.
A later launch looks up what is ready, turns the arguments into addresses and numbers, and calls the driver: no types
are worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from numbatorch_kernels.cuda import compat, memory
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.driver import driver
from numbatorch_kernels.cuda.pointer import argument
from numbatorch_kernels.cuda.stream import Stream, current

BLOCK = 8 if compat.SIMULATED else 256  # threads of a block, where nothing else is called for
_WAVES = (
    4  # blocks of 256 threads, times 8 for a multiprocessor full of them, that a grid-stride launch may have
)


class Kernel:
    """A compiled kernel. Calling it launches it; the first argument is an array."""

    def __init__(self, function: Callable, kinds: tuple):
        self.function, self.kinds = function, kinds
        self.variants: dict[int, Any] = {}  # machine code, by device
        self.configured: dict[
            tuple, tuple
        ] = {}  # launch configuration and machine code, by device, grid and block
        self.convert = _simulated if compat.SIMULATED else _native

    def __call__(self, grid: int | tuple[int, ...], block: int | tuple[int, ...], *args) -> None:
        stream = current(args[0].device)
        ready = self.configured.get((stream.device, grid, block))
        if ready is None:
            ready = self.configured[stream.device, grid, block] = (
                driver.configuration(stream.device, grid, block),
                self.compiled(stream.device),
            )
        driver.launch(stream.device, stream.handle, *ready, self.convert(args, self.kinds, stream))

    def compiled(self, device: int) -> Any:
        """The machine code for device number `device`."""
        kernel = self.variants.get(device)
        if kernel is None:
            kernel = self.function
            if not compat.SIMULATED:
                kernel = compat.compile_kernel(kernel, self.signature(), device)
            self.variants[device] = kernel
        return kernel

    def signature(self) -> tuple:
        """The Numba types of the arguments."""
        return tuple(map(argument, self.kinds))


def _native(args: Sequence, kinds: Sequence, stream: Stream) -> list:
    """Arguments as the driver takes them: an address or an int64 as an int, a float64 as a float, a complex number as
    two of those; numbers of other types as NumPy's."""
    values: list[Any] = []
    for value, kind in zip(args, kinds):
        if value.__class__ is DeviceArray:
            values.append(value._pointer or value.pointer)
        elif value.__class__ is kind is int:
            values.append(value)
        elif kind is int:
            values.append(int(value))
        elif kind is float:
            values.append(float(value))
        elif kind is complex:
            values += (float(value.real), float(value.imag))
        elif type(value) is np.ndarray:
            values.append(_geometry(value, stream).pointer)
        else:  # a number of a Numba type
            number = _number(value, kind)
            values += (number.real, number.imag) if number.dtype.kind == "c" else (number,)
    return values


def _simulated(args: Sequence, kinds: Sequence, stream: Stream) -> tuple:
    """Arguments as the simulator passes them on: numbers become NumPy's of the kernel's types, which compute as C does;
    complex elements that the kernel takes as pairs of reals become those."""
    values: list[Any] = []
    for value, kind in zip(args, kinds, strict=True):
        if type(value) is DeviceArray:
            values.append(
                value.pointer if value.dtype.kind != "c" else value.pointer.viewed_as(np.dtype(kind))
            )
        elif type(value) is np.ndarray:
            values.append(_geometry(value, stream).pointer)
        else:
            # A list is a table of arrays.
            values.append(value if type(value) is list else _number(value, kind))
    return tuple(values)


def _number(value: Any, kind: Any) -> Any:
    """A number as NumPy has it, of the kernel's type."""
    return np.dtype(kind if kind in _PYTHON else kind.name).type(value)


def _geometry(numbers: np.ndarray, stream: Stream) -> DeviceArray:
    """`geometry` for a launch on `stream`; a graph that is captured keeps it."""
    found = geometry(numbers, stream.device)
    found.buffer.used_on(stream)
    if stream.capture is not None:
        stream.capture.kept.append(found)
    return found


_PYTHON = (int, float, complex)


@cache
def compiled(function: Callable, *kinds) -> Kernel:
    """`function` as a kernel for these kinds of arguments (see `pointer.argument`). The same object every
    time."""
    return Kernel(function, kinds)


def launcher(function: Callable, *kinds) -> Callable:
    """`function`, a grid-stride kernel whose last argument is the number of elements, as launch(*args, n)."""
    kernel = compiled(function, *kinds)

    def launch(*args) -> None:
        if n := args[-1]:
            kernel(*grid_stride(n), *args)

    return launch


def making(launch: Callable, dtype: np.dtype, device: int, outputs: int) -> Callable:
    """As `numbatorch_kernels.making.making`, a function that makes the results of arrays of one shape and calls
    launch(*outs, *arguments, n); None where the shapes differ. Results may have any size."""
    allocate, in_memory, size = memory.cache(device).allocate, DeviceArray.in_memory, dtype.itemsize

    def make_and_launch(x, *more):
        shape, n = x.layout.shape, x.layout.size
        for y in more:
            if y.__class__ is DeviceArray and y.layout.shape != shape:
                return None
        if outputs == 1:
            out = in_memory(allocate(n * size), shape, dtype)
            launch(out, x, *more, n)
            return out
        outs = tuple([in_memory(allocate(n * size), shape, dtype) for _ in range(outputs)])
        launch(*outs, x, *more, n)
        return outs

    return make_and_launch


@lru_cache(maxsize=4096)
def grid_stride(n: int) -> tuple[int, int]:
    """Blocks, and threads of a block, for a grid-stride kernel over n elements: what they need or fills the
    device."""
    if compat.SIMULATED:
        return (1, n) if n <= 4 else (2, 4)
    return min(-(-n // BLOCK), 8 * _WAVES * compat.multiprocessors()), BLOCK


def threads_of(length: int) -> int:
    """Of a block for a line of this length: whole warps, each thread with some elements, if there are so many."""
    return min(BLOCK, max(compat.WARP, 1 << (length // 4).bit_length()))


@lru_cache(maxsize=4096)
def _uploaded(data: bytes, device: int) -> DeviceArray:
    return DeviceArray.from_host(np.frombuffer(data, np.int64), device)


def geometry(numbers: np.ndarray, device: int) -> DeviceArray:
    """An int64 array of shapes and strides on the device, uploaded when it is first seen."""
    return _uploaded(numbers.tobytes(), device)
