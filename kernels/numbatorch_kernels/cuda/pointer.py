"""How kernels reach memory: `p[i]`, from the first element on.

A kernel takes the address of an array's first element, and its geometry, where it needs it, as numbers: the
same text for every rank and layout, and a launch has one parameter an array instead of seven. On a GPU `p` is
a pointer; in the simulator it is a SimulatedPointer, which checks every index.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch_kernels.cuda import compat

if TYPE_CHECKING:
    from numbatorch_kernels.cuda.array import DeviceArray


def words(dtype: np.dtype) -> np.dtype:
    """The dtype as which a kernel sees elements of `dtype`: itself, or uint16 for float16."""
    return np.dtype(np.uint16) if dtype == np.float16 else dtype


class SimulatedPointer:
    """The memory of an array's buffer, from the array's first element on; IndexError outside of it."""

    __slots__ = ("elements",)

    def __init__(self, elements: np.ndarray):
        self.elements = elements

    def __getitem__(self, i):
        if i < 0:
            raise IndexError(f"a kernel reads element {i}, before the start of its memory")
        return self.elements[i]

    def __setitem__(self, i, value):
        if i < 0:
            raise IndexError(f"a kernel writes element {i}, before the start of its memory")
        self.elements[i] = value


def pointer(array: DeviceArray) -> Any:
    """What a kernel gets for `array`."""
    if not compat.SIMULATED:
        return array.address
    memory = array.buffer.block[array.offset : array.buffer.nbytes]
    dtype = words(array.dtype)
    return SimulatedPointer(memory[: memory.nbytes // dtype.itemsize * dtype.itemsize].view(dtype))


def argument(kind) -> Any:
    """The Numba type of a kernel argument: int -> int64, float -> float64, a Numba type -> itself, a dtype ->
    pointer."""
    types = compat.types
    if kind is int:
        return types.int64
    if kind is float:
        return types.float64
    if isinstance(kind, types.Type):
        return kind
    name = words(np.dtype(kind)).name
    return Pointer(types.boolean if name == "bool" else getattr(types, name))


if not compat.SIMULATED:
    types, extending = compat.types, compat.extending
    CPointer: Any = types.CPointer

    class Pointer(CPointer):
        """The address of the first of many elements. (Numba's own type cannot point to booleans.)"""

    extending.register_model(Pointer)(extending.core_models.PointerModel)

    @extending.lower_builtin(operator.getitem, Pointer, types.Integer)
    def _load(context, builder, signature, args):
        return context.unpack_value(builder, signature.return_type, builder.gep(args[0], [args[1]]))

    @extending.lower_builtin(operator.setitem, Pointer, types.Integer, types.Any)
    def _store(context, builder, signature, args):
        context.pack_value(builder, signature.args[2], args[2], builder.gep(args[0], [args[1]]))
