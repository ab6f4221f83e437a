"""Lists of arrays, as kernels get them: a table of their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.launch import geometry

if compat.SIMULATED:

    def array_in(table, k, element):
        """A pointer to the first element, of the type `element`, of the k-th array of a table."""
        return table[k]

else:
    types = compat.types

    @compat.extending.intrinsic
    def array_in(typingctx, table, k, element):
        """A pointer to the first element, of the type `element`, of the k-th array of a table."""
        pointer = types.CPointer(element.dtype)

        def codegen(context, builder, signature, args):
            address = builder.load(builder.gep(args[0], [args[1]]))
            return builder.inttoptr(address, context.get_value_type(pointer))

        return pointer(table, types.int64, element), codegen


def table_of(arrays: Sequence[DeviceArray]) -> Any:
    """The table of these arrays, which are on one device."""
    if compat.SIMULATED:
        return [array.pointer for array in arrays]
    return geometry(np.array([array.address for array in arrays], np.int64), arrays[0].device)
