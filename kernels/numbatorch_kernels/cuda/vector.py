"""Neighbours in memory that a thread writes at once. (Written one by one, those of a warp would be far apart each time.)"""

from __future__ import annotations

from numbatorch_kernels.cuda import compat

WIDEST = 16  # bytes that a thread writes at once

if compat.SIMULATED:

    def store(out, first, values):
        """out[first], out[first + 1] ... = values"""
        for k, value in enumerate(values):
            out[first + k] = value

else:
    from llvmlite import ir

    types = compat.types

    @compat.extending.intrinsic
    def store(typingctx, out, first, values):
        """out[first], out[first + 1] ... = values, which have one type; at once where the address allows it."""
        element = out.dtype

        def codegen(context, builder, signature, args):
            pointer, place, group = args
            given = signature.args[2].dtype
            numbers = [
                context.cast(builder, builder.extract_value(group, k), given, element)
                for k in range(len(values))
            ]
            size = element.bitwidth // 8
            width = min(len(numbers), WIDEST // size)
            begin = builder.gep(pointer, [place])
            ends = builder.and_(
                builder.ptrtoint(begin, ir.IntType(64)), ir.Constant(ir.IntType(64), width * size - 1)
            )
            with builder.if_else(builder.icmp_unsigned("==", ends, ir.Constant(ends.type, 0))) as (
                then,
                other,
            ):
                with then:
                    vectors = builder.bitcast(begin, ir.VectorType(numbers[0].type, width).as_pointer())
                    for first_of in range(0, len(numbers), width):
                        vector = ir.Constant(ir.VectorType(numbers[0].type, width), ir.Undefined)
                        for k in range(width):
                            lane = ir.Constant(ir.IntType(32), k)
                            vector = builder.insert_element(vector, numbers[first_of + k], lane)
                        place_of = builder.gep(vectors, [ir.Constant(ir.IntType(64), first_of // width)])
                        builder.store(vector, place_of, align=width * size)
                with other:
                    for k, number in enumerate(numbers):
                        builder.store(number, builder.gep(begin, [ir.Constant(ir.IntType(64), k)]))
            return context.get_dummy_value()

        return types.void(out, types.int64, values), codegen


@compat.device_function
def put(out, first, n, values):
    """As `store`, but what is behind the last of the n elements stays unwritten."""
    if first + len(values) <= n:
        store(out, first, values)
    else:
        for k in range(n - first):
            out[first + k] = values[k]
