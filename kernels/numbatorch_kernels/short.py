"""Short vectors, for loops that wait for memory.

LLVM has a loop compute four vectors a turn: with AVX-512 four lines of 64 bytes are read, then four are written. Where the
last cache, or memory, is the limit, two lines a turn are quicker: the cores and the prefetchers disturb each other less.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic


@intrinsic
def short_vectors(typingctx):
    """Have the function that this is called in compiled with vectors of at most 32 bytes."""

    def codegen(context, builder, signature, args):
        # llvmlite's own `add` knows no attributes that have a value.
        set.add(builder.function.attributes, '"prefer-vector-width"="256"')
        return context.get_dummy_value()

    return types.void(), codegen
