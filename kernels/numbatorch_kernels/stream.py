"""Stores past the caches: for results so large that nothing of them would still be there when they are read.

A plain store first fetches the line that it is about to overwrite; one that goes past the caches does not, which saves a
third of the traffic of y = f(x), a quarter of that of z = x + y. Neighbours must come together and lines be whole, so a
kernel computes a room of elements that stays in the first cache and then sends it off.

"Intel 64 and IA-32 Architectures Optimization Reference Manual", 9.4.1, Non-Temporal Stores.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LINE = 64  # bytes of a line of the caches
ROOM = 128  # elements that a kernel computes before it sends them off: few, so that they leave while the next are computed


def store_past(builder, value, place, size):
    """The code of a store of `size` bytes to a place that is a multiple of as many."""
    stored = builder.store(value, place, align=size)
    stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))


@intrinsic
def room_for(typingctx, out):
    """A pointer to ROOM elements on the stack, of the type that `out` points to."""

    def codegen(context, builder, signature, args):
        return cgutils.alloca_once(builder, context.get_value_type(out.dtype), size=ROOM)

    return out(out), codegen


@intrinsic
def send(typingctx, out, room, count):
    """Copy `count` elements to `out`: past the caches, where a line begins there."""

    def codegen(context, builder, signature, args):
        out, room, count = args
        word, line = ir.IntType(64), ir.VectorType(ir.IntType(8), LINE)
        size = context.get_abi_sizeof(context.get_value_type(signature.args[0].dtype))
        begins = builder.icmp_unsigned(
            "==", builder.and_(builder.ptrtoint(out, word), word(LINE - 1)), word(0)
        )
        lines = builder.select(begins, builder.udiv(count, word(LINE // size)), word(0))

        def place(start, index):
            return builder.gep(builder.bitcast(start, line.as_pointer()), [index])

        with cgutils.for_range(builder, lines) as loop:
            value = builder.load(place(room, loop.index), align=1)
            store_past(builder, value, place(out, loop.index), LINE)
        with cgutils.for_range(builder, count, builder.mul(lines, word(LINE // size))) as loop:
            builder.store(builder.load(builder.gep(room, [loop.index])), builder.gep(out, [loop.index]))
        return context.get_dummy_value()

    return types.void(out, room, types.intp), codegen
