"""Copying neighbours, or every second one, a vector at a time."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbatorch_kernels.gemm import tile
from numbatorch_kernels.gemm.lanes import Vectors


def _copy(pace: int):
    """An intrinsic that copies elements of which `pace` lie from one to the next, 1 or 2."""

    @intrinsic
    def copy(typingctx, to, source, count):
        """to[i] = source[i * pace] for i < count"""
        number, size = to.dtype, types.intp

        def codegen(context, builder, signature, args):
            to, source, count = args
            v, integer = Vectors(context, builder, number), count.type
            # Of two vectors the second begins an element early: nothing is read behind the last.
            shifts = [integer(i * (v.lanes - 1)) for i in range(pace)]
            places = [i * pace + (i * pace >= v.lanes) for i in range(v.lanes)]
            every = ir.Constant(ir.VectorType(ir.IntType(32), v.lanes), places)

            def move(begin, mask, masks):
                here = builder.gep(source, [builder.mul(begin, integer(pace))])
                parts = [v.load(builder.gep(here, [shift]), m) for shift, m in zip(shifts, masks)]
                value = parts[0] if pace == 1 else builder.shuffle_vector(*parts, every)
                v.store(value, builder.gep(to, [begin]), mask)

            lanes = integer(v.lanes)
            enough = builder.icmp_signed(">=", count, lanes)
            with builder.if_else(enough) as (many, few):
                with many:  # the last vector may overlap the one before, and write the same again
                    last = builder.sub(count, lanes)

                    def one(k):
                        move(tile.smaller(builder, builder.mul(k, lanes), last), None, [None] * pace)
                        return []

                    v.loop(builder.sdiv(builder.add(count, integer(v.lanes - 1)), lanes), [], one)
                with few:
                    reach = builder.sub(builder.mul(count, integer(pace)), integer(pace - 1))
                    move(integer(0), v.first(count), [v.first(builder.sub(reach, s)) for s in shifts])
            return context.get_dummy_value()

        return types.void(to, source, size), codegen

    return copy


copy, copy_every_second = _copy(1), _copy(2)
