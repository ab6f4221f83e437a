"""`Pointer(element)`: a Numba argument type for the address of an array's first element.

A kernel that takes pointers and sizes is the same text on the CPU and on the GPU, compiles once for every
rank and memory layout, and is cheap to call: `call.py` reads one word of the NumPy array object (a call with
three arrays costs 0.09 us; with Numba's own array arguments 0.24 us). Inside the kernel `p[i]` reads and
writes; nothing is checked: the caller has done that.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel.models import PointerModel, PrimitiveModel
from numba.extending import intrinsic, register_model
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.python import ARRAY_DATA, LIST_ITEMS


class Pointer(types.CPointer):
    """The address of the first of many elements of a Numba type."""


register_model(Pointer)(PointerModel)


class FromObject(types.Type):
    """A Numba type of kernel arguments that are read out of a Python object's memory."""

    def read(self, context, builder, words):
        """The LLVM value of the argument; `words` points to the object's memory, as int64."""
        raise NotImplementedError


_WORD = ir.IntType(64)


class ArrayList(FromObject):
    """The Numba type of a Python list of arrays; `array_in(list, k)` points to the k-th's first element.

    Nothing is checked, and while a kernel runs nobody may change the list.
    """

    def __init__(self, element: types.Type):
        self.element = Pointer(element)
        super().__init__(f"list of arrays of {element}")

    def read(self, context, builder, words):
        items = builder.load(builder.gep(words, [_WORD(LIST_ITEMS)]))
        return builder.inttoptr(items, _WORD.as_pointer())


@register_model(ArrayList)
class _ArrayListModel(PrimitiveModel):
    """The list's `items`, as words."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _WORD.as_pointer())


@intrinsic
def array_in(typingctx, arrays, k):
    """The pointer to the first element of array `k` of an ArrayList."""

    def codegen(context, builder, signature, args):
        words = builder.inttoptr(builder.load(builder.gep(args[0], [args[1]])), _WORD.as_pointer())
        address = builder.load(builder.gep(words, [_WORD(ARRAY_DATA)]))
        return builder.inttoptr(address, context.get_value_type(signature.return_type))

    return arrays.element(arrays, types.intp), codegen


def argument(kind) -> types.Type:
    """The Numba type of a kernel argument: `int` -> int64, `float` -> float64, `complex` -> complex128, a
    NumPy dtype -> pointer to it (bool is seen as uint8, float16 as uint16), a Numba type -> itself."""
    if kind is int:
        return types.int64
    if kind is float:
        return types.float64
    if kind is complex:
        return types.complex128
    if isinstance(kind, types.Type):
        return kind
    dtype = np.dtype(kind)
    return Pointer(_IN_MEMORY.get(dtype) or from_dtype(dtype))


# What a kernel sees of types that Numba has no pointers to, or no arithmetic for: their words in memory.
_IN_MEMORY = {np.dtype(np.float16): types.uint16, np.dtype(np.bool_): types.uint8}


@intrinsic
def offset(typingctx, pointer, count):
    """The pointer `count` elements further on."""

    def codegen(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), codegen
