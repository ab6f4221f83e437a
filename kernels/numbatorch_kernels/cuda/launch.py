"""From a Python function to a launch on the GPU.

    kernel = compiled(add, "f4", "f4", "f4", int)       # what the arguments are, as for `cpu.compiled`
    kernel(grid, block, out, a, b, n)                   # arrays and numbers; returns at once
    launcher(add, "f4", "f4", "f4", int)(out, a, b, n)  # grid-stride: as many threads as n elements need

A kernel is compiled at its first launch, for the device of its first array. Everything runs on the device's
default stream, one kernel after the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from numbatorch_kernels.cuda import compat, simulator
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.pointer import argument

BLOCK = 8 if compat.SIMULATED else 256  # threads of a block, where nothing else is called for
_WAVES = (
    4  # blocks of 256 threads, times 8 for a multiprocessor full of them, that a grid-stride launch may have
)


class Kernel:
    """A compiled kernel. Calling it launches it."""

    def __init__(self, function: Callable, kinds: tuple):
        self.function, self.kinds = function, kinds
        self.variants: dict[int, Any] = {}  # by device
        self.configured: dict[tuple, Callable] = {}  # by device, grid and block

    def __call__(self, grid: int | tuple[int, ...], block: int | tuple[int, ...], *args) -> None:
        device = next(a.device for a in args if type(a) is DeviceArray)
        if compat.SIMULATED:
            simulated = [_simulated(a, kind) for a, kind in zip(args, self.kinds, strict=True)]
            simulator.launch(self.function, grid, block, tuple(simulated))
            return
        launch = self.configured.get((device, grid, block))
        with compat.on_device(device):
            if launch is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Numba's, about few blocks
                    launch = self.configured[device, grid, block] = self.compiled(device)[grid, block]
            launch(
                *[
                    a.pointer
                    if type(a) is DeviceArray
                    else geometry(a, device).pointer
                    if type(a) is np.ndarray
                    else a
                    for a in args
                ]
            )

    def compiled(self, device: int) -> Any:
        """The machine code for the current device, which is number `device`."""
        kernel = self.variants.get(device)
        if kernel is None:
            kernel = self.variants[device] = compat.compile_kernel(self.function, self.signature())
        return kernel

    def signature(self) -> tuple:
        """The Numba types of the arguments."""
        return tuple(map(argument, self.kinds))


def _simulated(value: Any, kind: Any) -> Any:
    """An argument as the simulator passes it on: numbers become NumPy's, which compute as C does; complex
    elements that the kernel takes as pairs of reals become those."""
    if type(value) is DeviceArray:
        return value.pointer if value.dtype.kind != "c" else value.pointer.viewed_as(np.dtype(kind))
    if type(value) is np.ndarray:
        return geometry(value, 0).pointer
    return next((numpy(value) for python, numpy in _NUMPY_NUMBERS if isinstance(value, python)), value)


_NUMPY_NUMBERS: list[tuple] = [(int, np.int64), (float, np.float64), (complex, np.complex128)]


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


@lru_cache(maxsize=4096)
def grid_stride(n: int) -> tuple[int, int]:
    """Blocks, and threads of a block, for a grid-stride kernel over n elements: what they need or fills the
    device."""
    if compat.SIMULATED:
        return (1, n) if n <= 4 else (2, 4)
    return min(-(-n // BLOCK), 8 * _WAVES * compat.multiprocessors()), BLOCK


@lru_cache(maxsize=4096)
def _uploaded(data: bytes, device: int) -> DeviceArray:
    return DeviceArray.from_host(np.frombuffer(data, np.int64), device)


def geometry(numbers: np.ndarray, device: int) -> DeviceArray:
    """An int64 array of shapes and strides on the device, uploaded when it is first seen."""
    return _uploaded(numbers.tobytes(), device)
