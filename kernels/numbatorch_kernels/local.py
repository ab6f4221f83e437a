"""Small arrays on the stack of a CPU kernel."""

from __future__ import annotations

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels.pointer import Pointer


@intrinsic(prefer_literal=True)
def local(typingctx, element, count):
    """A pointer to `count` elements (a plain number) of a NumPy type, not initialised. They live as long as
    the call of the kernel."""
    pointer = Pointer(element.instance_type)

    def codegen(context, builder, signature, args):
        return cgutils.alloca_once(builder, context.get_data_type(pointer.dtype), size=count.literal_value)

    return pointer(element, count), codegen


@intrinsic(prefer_literal=True)
def local_like(typingctx, array, count):
    """`local`, of the type in which a kernel computes with elements that `array` points to: float32 for the words of
    float16 and bfloat16."""
    pointer = Pointer(types.float32 if array.dtype == types.uint16 else array.dtype)

    def codegen(context, builder, signature, args):
        return cgutils.alloca_once(builder, context.get_data_type(pointer.dtype), size=count.literal_value)

    return pointer(array, count), codegen
