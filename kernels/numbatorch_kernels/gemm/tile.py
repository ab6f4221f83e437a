"""The innermost tile of the matrix product, as vector LLVM IR.

                         b: for every k, one row of VECTORS machine vectors
                        +------------+------------+
                        |  vector 0  |  vector 1  |
                        +------------+------------+
    a: for every k,   +-+------------+------------+
    one column of     |.|  register  |  register  |    The sums fill most of the register file, and stay in
    ROWS scalars,     |.|  register  |  register  |    it over the whole loop on k. A step loads VECTORS
    each broadcast    |.|    ...     |    ...     |    vectors and ROWS scalars for ROWS * VECTORS fused
    to a vector       |.|  register  |  register  |    multiply-adds: arithmetic, not loading, takes the time.
                      +-+------------+------------+

Numba cannot be told to keep an array in registers, so the loop is built here with llvmlite; LLVM assigns the
registers, and orders and unrolls the instructions. The shape is chosen for the registers of the host.

Source of the scheme: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS
34 (2008); Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS Functionality", ACM
TOMS 41 (2015).
"""

from __future__ import annotations

import functools
import math
import platform
from collections.abc import Callable
from typing import NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64  # bytes in a cache line
FETCH_BEFORE = 128  # steps before the end of the loop, out's cache lines are asked for


class Registers(NamedTuple):
    """How a tile uses the vector registers of a processor."""

    bytes: int  # of one register
    rows: int
    vectors: int  # in a row


def _features() -> set[str]:
    """The instruction sets that kernels are compiled for: the host's, or what NUMBA_CPU_FEATURES says."""
    if config.CPU_FEATURES is not None:
        return {name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+")}
    return {name for name, there in llvm.get_host_cpu_features().items() if there}


@functools.cache
def registers() -> Registers:
    """The tile for this processor: rows * vectors registers hold sums, the others what is loaded."""
    features = _features()
    if "avx512f" in features:
        return Registers(64, 8, 2)  # 16 sums, 32 registers
    if {"avx2", "fma"} <= features:
        return Registers(32, 6, 2)  # 12, 16
    if platform.machine().lower() in ("arm64", "aarch64"):
        return Registers(16, 8, 3)  # 24, 32
    return Registers(16, 4, 2)  # 8, 16


def rows_of(element: types.Type) -> int:
    """The rows of a tile."""
    return registers().rows


def columns_of(element: types.Type) -> int:
    """The columns of a tile: whole vectors."""
    return registers().vectors * registers().bytes // (element.bitwidth // 8)


def constant(value: Callable[[types.Type], int]):
    """An intrinsic `f(pointer)`, to the compiler the number `value(element type)`."""

    def typer(typingctx, pointer):
        def codegen(context, builder, signature, args):
            return context.get_constant(types.intp, value(pointer.dtype))

        return types.intp(pointer), codegen

    return intrinsic(typer)


tile_rows = constant(rows_of)
tile_columns = constant(columns_of)


def load(builder, pointer, vector: ir.VectorType, element: types.Type):
    """The neighbours at `pointer` that fill `vector`."""
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    value.align = element.bitwidth // 8
    return value


def store(builder, value, pointer, element: types.Type) -> None:
    """Put a vector at `pointer`."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = element.bitwidth // 8


def prefetch(builder, pointer, writes: bool = False) -> None:
    """Ask for the cache line at `pointer`; an address where there is no memory is ignored."""
    byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
    function = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
    function = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(pointer, byte), flag(int(writes)), flag(3), flag(1)])


def smaller(builder, one, other):
    """The smaller of two signed integers."""
    return builder.select(builder.icmp_signed("<", one, other), one, other)


@intrinsic
def tile(
    typingctx, a, a_rows, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, rows, columns, floor=None
):  # fmt: skip
    """c = alpha * a @ b + beta * s for one tile, of which the first `rows` x `columns` exist; what is not above `floor`,
    where that is given, becomes it.

    a, b, s and c are pointers to the first element, a_row to c_row how many elements apart neighbours lie;
    the columns of b, s and c are next to each other. Of a, `a_rows` rows can be read: the last one stands
    in for more. b can be read for a whole tile. s is not read where beta is 0.
    """
    element, size = c.dtype, types.intp
    least = types.none if floor is None else element
    sizes = size, size, size
    signature = types.void(a, *sizes, b, size, size, element, element, s, size, c, *sizes, least)
    shape = registers()

    def codegen(context, builder, signature, args):
        a, a_rows, a_row, a_column, b, b_row, depth, alpha, beta, s, s_row, c, c_row, *ends = args
        rows, columns, floor = ends
        scalar, integer = context.get_value_type(element), depth.type
        lanes = shape.bytes // (element.bitwidth // 8)
        vector = ir.VectorType(scalar, lanes)
        height, width = integer(shape.rows), integer(shape.vectors * lanes)
        everywhere = [(m, v) for m in range(shape.rows) for v in range(shape.vectors)]
        fma = f"llvm.fmuladd.v{lanes}f{element.bitwidth}"
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), fma)

        def at(pointer, row, m, v):
            """Where vector v of row m begins."""
            return builder.gep(pointer, [builder.add(builder.mul(row, integer(m)), integer(v * lanes))])

        def broadcast(value):
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, integer(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
            return builder.shuffle_vector(first, first, zeros)

        def multiply(steps, column, row, sums):
            """The loop over `steps` columns of a and rows of b: where the next ones lie, and the sums."""
            before = builder.block
            check, body, after = (builder.append_basic_block(name) for name in ("k", "step", "done"))
            builder.branch(check)
            builder.position_at_end(check)
            first = [integer(0), column, row, *sums]
            state = [builder.phi(value.type) for value in first]
            k, column, row, *sums = state
            builder.cbranch(builder.icmp_signed("<", k, steps), body, after)
            builder.position_at_end(body)
            vectors = [load(builder, at(row, b_row, 0, v), vector, element) for v in range(shape.vectors)]
            later = []  # loads stand where they are used: all of them first would need more registers
            for place in places:
                number = broadcast(builder.load(builder.gep(column, [place])))
                row_sums, sums = sums[: shape.vectors], sums[shape.vectors :]
                later += [builder.call(fma, [number, b, t]) for b, t in zip(vectors, row_sums)]
            sums = later
            column, row = builder.gep(column, [a_column]), builder.gep(row, [b_row])
            for phi, value, later in zip(state, first, [builder.add(k, integer(1)), column, row, *sums]):
                phi.add_incoming(value, before)
                phi.add_incoming(later, body)
            builder.branch(check)
            builder.position_at_end(after)
            return state[1], state[2], state[3:]

        def copy_existing(to, to_row, source, source_row):
            """The rows and columns of a tile that exist."""
            with cgutils.for_range(builder, rows) as loop:
                to = builder.gep(to, [builder.mul(loop.index, to_row)])
                source = builder.gep(source, [builder.mul(loop.index, source_row)])
                itemsize = element.bitwidth // 8
                cgutils.raw_memcpy(builder, to, source, columns, itemsize, itemsize)

        # c's lines are asked for a little before they are needed: earlier, and a and b would drive them out.
        last = builder.sub(a_rows, integer(1))
        places = [builder.mul(a_row, smaller(builder, integer(m), last)) for m in range(shape.rows)]
        late = smaller(builder, depth, integer(FETCH_BEFORE))
        none = [ir.Constant(vector, None)] * len(everywhere)
        column, row, sums = multiply(builder.sub(depth, late), a, b, none)
        for m in range(shape.rows):
            for v in range(0, shape.vectors, max(1, LINE // shape.bytes)):
                prefetch(builder, at(c, c_row, m, v), writes=True)
        _, _, sums = multiply(late, column, row, sums)

        # A tile over the edge of the matrix goes by way of a whole one on the stack.
        rows, columns = smaller(builder, rows, height), smaller(builder, columns, width)
        over = builder.icmp_signed("<", builder.mul(rows, columns), builder.mul(height, width))
        adds = builder.fcmp_unordered("!=", beta, scalar(0.0))
        whole = cgutils.alloca_once(builder, ir.ArrayType(scalar, len(everywhere) * lanes))
        whole = builder.bitcast(whole, c.type)
        with builder.if_then(builder.and_(over, adds), likely=False):
            copy_existing(whole, width, s, s_row)
        s, s_row = builder.select(over, whole, s), builder.select(over, width, s_row)
        to, to_row = builder.select(over, whole, c), builder.select(over, width, c_row)
        alpha, beta = broadcast(alpha), broadcast(beta)
        with builder.if_else(adds) as (added, alone):
            with added:
                for (m, v), total in zip(everywhere, sums):
                    old = builder.fmul(beta, load(builder, at(s, s_row, m, v), vector, element))
                    total = builder.call(fma, [alpha, total, old])
                    store(builder, total, at(to, to_row, m, v), element)
            with alone:
                for (m, v), total in zip(everywhere, sums):
                    store(builder, builder.fmul(alpha, total), at(to, to_row, m, v), element)
        if least is element:
            bounded = builder.fcmp_ordered(">", floor, scalar(-math.inf))
            with builder.if_then(bounded, likely=False):
                floor = broadcast(floor)
                for m, v in everywhere:
                    total = load(builder, at(to, to_row, m, v), vector, element)
                    below = builder.fcmp_ordered("<=", total, floor)
                    store(builder, builder.select(below, floor, total), at(to, to_row, m, v), element)
        with builder.if_then(over, likely=False):
            copy_existing(c, c_row, whole, width)
        return context.get_dummy_value()

    return signature, codegen
