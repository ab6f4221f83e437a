"""Small arrays on the stack of a CPU kernel."""

from __future__ import annotations

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
