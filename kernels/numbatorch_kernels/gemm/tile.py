"""The innermost tile of the matrix product, as vector LLVM IR: the one place of the package that writes machine vectors by hand.

    tile:  c (ROWS x COLUMNS)  =  alpha * a (ROWS x depth) @ b (depth x COLUMNS)  +  beta * s (ROWS x COLUMNS)

                       b: for every k, one row of VECTORS machine vectors
                      +-----------+-----------+
                      |  vector 0 |  vector 1 |
                      +-----------+-----------+
    a: for every k   +-+-----------+-----------+
    one column of    |.| register  | register  |   The accumulators fill most of the register file and stay in it
    ROWS scalars,    |.| register  | register  |   over the whole loop on k. A step loads VECTORS vectors and ROWS
    each broadcast   |.|    ...    |    ...    |   scalars for ROWS * VECTORS fused multiply-adds, so that arithmetic
    to a vector      |.| register  | register  |   and not loading is what takes the time.
                     +-+-----------+-----------+

Numba cannot be told to keep an array in registers, so the loop is built here with llvmlite; LLVM assigns the registers, orders and unrolls.
The shape is chosen for the registers of the host. Source of the scheme: Goto and van de Geijn, "Anatomy of High-Performance Matrix
Multiplication", ACM TOMS 34 (2008); Van Zee and van de Geijn, "BLIS", ACM TOMS 41 (2015).
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from typing import NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


FETCH_BEFORE = 64


class Registers(NamedTuple):
    """How a tile uses the vector registers of a processor."""

    bytes: int  # of one vector register
    rows: int
    vectors: int  # in a row


@functools.cache
def registers() -> Registers:
    """The tile for this host: rows * vectors accumulators, `vectors` registers for b and one or two for a."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return Registers(64, 12, 2)  # 24 of 32
    if features.get("avx2") and features.get("fma"):
        return Registers(32, 6, 2)  # 12 of 16
    if platform.machine().lower() in ("arm64", "aarch64"):
        return Registers(16, 8, 3)  # 24 of 32
    return Registers(16, 4, 2)  # 8 of 16


def rows_of(element: types.Type) -> int:
    """The rows of a tile."""
    return registers().rows


def columns_of(element: types.Type) -> int:
    """The columns of a tile: a whole number of vectors."""
    return registers().vectors * registers().bytes // (element.bitwidth // 8)


def constant(value: Callable[[types.Type], int]):
    """An intrinsic `f(pointer)` that the compiler knows to be the number `value(element type)`."""

    def typer(typingctx, pointer):
        def codegen(context, builder, signature, args):
            return context.get_constant(types.intp, value(pointer.dtype))

        return types.intp(pointer), codegen

    return intrinsic(typer)


def prefetch(builder, pointer, writes=False):
    """Ask for the cache line at `pointer`; an address outside all memory is ignored."""
    byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
    function = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
    function = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(pointer, byte), flag(int(writes)), flag(3), flag(1)])


tile_rows = constant(rows_of)
tile_columns = constant(columns_of)


@intrinsic
def tile(typingctx, a, a_rows, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, rows, columns):
    """c = alpha * a @ b + beta * s for one tile, of which the first `rows` x `columns` exist; s is not read where beta is 0.

    a, b, s, c are pointers to the first element, a_row ... c_row element strides; the columns of b, s and c are neighbours. depth >= 1.
    Of a, `a_rows` rows can be read; further ones are taken to be like the last. b can be read for a whole tile.
    """
    element, size = c.dtype, types.intp
    signature = types.void(a, size, size, size, b, size, size, element, element, s, size, c, size, size, size)
    shape, align = registers(), element.bitwidth // 8

    def codegen(context, builder, signature, args):
        a, a_rows, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, rows, columns = args
        scalar, integer = context.get_value_type(element), depth.type
        lanes = shape.bytes // align
        vector, width = ir.VectorType(scalar, lanes), integer(shape.vectors * lanes)
        everywhere = [(m, v) for m in range(shape.rows) for v in range(shape.vectors)]

        fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{lanes}f{element.bitwidth}"
        )

        def vector_at(pointer, row, m, v):
            """Where vector v of row m begins."""
            index = builder.add(builder.mul(row, integer(m)), integer(v * lanes))
            return builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())

        def load(pointer):
            value = builder.load(pointer)
            value.align = align
            return value

        def store(value, pointer):
            builder.store(value, pointer).align = align

        def broadcast(value):
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, integer(0))
            return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))

        def copy_existing(to, to_row, source, source_row):
            """Copy the part of a tile that exists."""
            with cgutils.for_range(builder, rows) as loop:
                into = builder.gep(to, [builder.mul(loop.index, to_row)])
                cgutils.raw_memcpy(
                    builder, into, builder.gep(source, [builder.mul(loop.index, source_row)]), columns, align, align
                )

        def multiply(steps, column, row, sums):
            """The loop on k: `steps` further columns of a and rows of b; where the next ones lie, and the sums."""
            before, check, body, after = (builder.block, *(builder.append_basic_block(name) for name in ("k", "step", "end")))
            builder.branch(check)
            builder.position_at_end(check)
            values = [integer(0), column, row, *sums]
            state = [builder.phi(value.type) for value in values]
            k, column, row, *sums = state
            builder.cbranch(builder.icmp_signed("<", k, steps), body, after)
            builder.position_at_end(body)
            vectors = [load(vector_at(row, integer(0), 0, v)) for v in range(shape.vectors)]
            scalars = [broadcast(builder.load(builder.gep(column, [row_of_a]))) for row_of_a in rows_of_a]
            later = [
                builder.add(k, integer(1)), builder.gep(column, [a_column]), builder.gep(row, [b_row]),
                *(builder.call(fma, [scalars[m], vectors[v], total]) for (m, v), total in zip(everywhere, sums)),
            ]  # fmt: skip
            for phi, first, following in zip(state, values, later):
                phi.add_incoming(first, before)
                phi.add_incoming(following, body)
            builder.branch(check)
            builder.position_at_end(after)
            return column, row, sums

        last = builder.sub(a_rows, integer(1))
        rows_of_a = [builder.mul(a_row, builder.select(builder.icmp_signed("<", integer(m), last), integer(m), last)) for m in range(shape.rows)]

        # The lines of c are fetched a little before they are needed: any earlier, and a and b would drive them out again.
        early = builder.sub(depth, integer(FETCH_BEFORE))
        zero = ir.Constant(vector, None)
        column, row, sums = multiply(early, a, b, [zero for _ in everywhere])
        for m in range(shape.rows):
            prefetch(builder, vector_at(c, c_row, m, 0), writes=True)
        early = builder.select(builder.icmp_signed("<", early, integer(0)), integer(0), early)
        _, _, sums = multiply(builder.sub(depth, early), column, row, sums)
        products = dict(zip(everywhere, sums))

        # A tile over the edge of the matrix goes by way of a whole one on the stack.
        spare = cgutils.alloca_once(builder, ir.ArrayType(scalar, shape.rows * shape.vectors * lanes))
        spare = builder.bitcast(spare, c.type)
        rows, columns = (builder.select(builder.icmp_signed("<", left, most), left, most) for left, most in ((rows, integer(shape.rows)), (columns, width)))
        over = builder.or_(builder.icmp_signed("<", rows, integer(shape.rows)), builder.icmp_signed("<", columns, width))
        adds = builder.fcmp_unordered("!=", beta, scalar(0.0))
        with builder.if_then(builder.and_(over, adds), likely=False):
            copy_existing(spare, width, s, s_row)
        s, s_row = builder.select(over, spare, s), builder.select(over, width, s_row)
        to, to_row = builder.select(over, spare, c), builder.select(over, width, c_row)
        with builder.if_else(adds) as (sum_, product):
            with sum_:
                for m, v in everywhere:
                    scaled = builder.fmul(broadcast(beta), load(vector_at(s, s_row, m, v)))
                    store(builder.call(fma, [broadcast(alpha), products[m, v], scaled]), vector_at(to, to_row, m, v))
            with product:
                for m, v in everywhere:
                    store(builder.fmul(broadcast(alpha), products[m, v]), vector_at(to, to_row, m, v))
        with builder.if_then(over, likely=False):
            copy_existing(c, c_row, spare, width)
        return context.get_dummy_value()

    return signature, codegen
