"""The innermost tile of a product of few columns: one vector wide, and nothing is packed for it.

The tile of `tile.py` is two vectors wide: of a matrix of 16 x 16 half of it would be empty, and the rest takes about as
long as packing b. Here the columns that do not exist are masked, so that b is read and the result written where they are.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels.gemm.lanes import Vectors
from numbatorch_kernels.gemm.tile import registers, smaller


@intrinsic
def slim_tile(
    typingctx, a, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, rows, columns, floor
):  # fmt: skip
    """c = alpha * a @ b + beta * s for one tile, of which the first `rows` x `columns` exist; what is not above `floor`
    becomes it. Nothing else is read or written.

    a, b, s and c are pointers to the first element, a_row to c_row how many elements apart neighbours lie; the columns of
    b, s and c are next to each other. s is not read where beta is 0.
    """
    element, size = c.dtype, types.intp
    signature = types.void(
        a, size, size, b, size, size, element, element, s, size, c, size, size, size, element
    )
    height = registers().rows

    def codegen(context, builder, signature, args):
        a, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, rows, columns, floor = args
        v, integer = Vectors(context, builder, element), depth.type
        there, last = v.first(columns), builder.sub(rows, integer(1))
        places = [builder.mul(a_row, smaller(builder, integer(m), last)) for m in range(height)]

        def step(k, column, row, *sums):
            right = v.load(row, there)
            numbers = (builder.load(builder.gep(column, [place])) for place in places)
            later = [v.fma(v.broadcast(number), right, total) for number, total in zip(numbers, sums)]
            return [builder.gep(column, [a_column]), builder.gep(row, [b_row]), *later]

        _, _, *sums = v.loop(depth, [a, b, *[v.zero] * height], step, unrolls=False)
        # By way of the stack, so that the code for a row is there once.
        whole = cgutils.alloca_once(builder, ir.ArrayType(v.type, height))
        for m, total in enumerate(sums):
            builder.store(total, cgutils.gep_inbounds(builder, whole, 0, m))
        adds = builder.fcmp_unordered("!=", beta, beta.type(0.0))
        alpha, beta, floor = v.broadcast(alpha), v.broadcast(beta), v.broadcast(floor)

        def finish(m, old, to):
            place = cgutils.gep_inbounds(builder, whole, 0, m)
            total = builder.fmul(alpha, builder.load(place))
            alone = builder.block
            with builder.if_then(adds):
                more = v.fma(beta, v.load(old, there), total)
                added = builder.block
            result = builder.phi(v.type)
            result.add_incoming(total, alone)
            result.add_incoming(more, added)
            bounded = builder.select(builder.fcmp_ordered("<=", result, floor), floor, result)
            v.store(bounded, to, there)
            return [builder.gep(old, [s_row]), builder.gep(to, [c_row])]

        v.loop(smaller(builder, rows, integer(height)), [s, c], finish, unrolls=False)
        return context.get_dummy_value()

    return signature, codegen
