"""How kernels reach memory: `p[i]`, from the first element on.

A kernel takes the address of an array's first element, and its geometry, where it needs it, as numbers: the
same text for every rank and layout, and a launch has one parameter an array instead of seven. On a GPU `p` is
a pointer; in the simulator it is a SimulatedPointer, which checks every index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch_kernels.cuda import compat, simulator

if TYPE_CHECKING:
    from numbatorch_kernels.cuda.array import DeviceArray


def words(dtype: np.dtype) -> np.dtype:
    """The dtype as which a kernel sees elements of `dtype`: bool and float16 as unsigned integers."""
    return np.dtype({"?": np.uint8, "e": np.uint16}.get(dtype.char, dtype))


def pointer(array: DeviceArray) -> Any:
    """What a kernel gets for `array`."""
    if not compat.SIMULATED:
        return array.address
    memory = array.buffer.block.memory[array.offset : array.buffer.nbytes]
    dtype = words(array.dtype)
    return simulator.SimulatedPointer(memory[: memory.nbytes // dtype.itemsize * dtype.itemsize].view(dtype))


def argument(kind) -> Any:
    """The Numba type of a kernel argument, as of CPU kernels: int, float and complex -> those numbers in 64
    bits a part, a Numba type -> itself, a dtype -> a pointer to elements of it."""
    types = compat.types
    numbers = {int: types.int64, float: types.float64, complex: types.complex128}
    if kind in numbers:
        return numbers[kind]
    if isinstance(kind, types.Type):
        return kind
    return types.CPointer(getattr(types, words(np.dtype(kind)).name))
