"""Packing: a block of an operand is copied into the order in which `tile` reads it.

A block of `lanes` rows of a (or columns of b) and `depth` steps of k becomes strips of `width` lanes, each strip k by k:

      lanes                       strip 0        strip 1 (padded with zeros)
    0 1 2 3 4 5 6                 0 1 2 3        4 5 6 .
    . . . . . . .  k = 0    ->    . . . .  k=0   . . . 0  k=0
    . . . . . . .  k = 1          . . . .  k=1   . . . 0  k=1

The source has any strides. Where lanes are neighbours in memory a strip's row is moved at once; where steps of k are, small squares are
transposed in registers; otherwise elements go one by one. float16 and bfloat16 become float32 on the way.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from numbatorch_kernels.gemm.matrix import BFLOAT16, FLOAT16
from numbatorch_kernels.gemm.tile import columns_of, constant, rows_of, tile_rows
from numbatorch_kernels.pointer import offset


def _square(element: types.Type) -> int:
    """The side of the squares that are transposed: as many elements as every vector unit holds, 16 bytes."""
    return 16 // (element.bitwidth // 8)


def _load(builder, context, pointer, source: types.Type, target: types.Type, count: int):
    """`count` neighbours of type `source` as one vector of type `target`."""
    value = builder.load(builder.bitcast(pointer, ir.VectorType(context.get_value_type(source), count).as_pointer()))
    value.align = source.bitwidth // 8
    wide = ir.VectorType(context.get_value_type(target), count)
    if source == FLOAT16:
        return builder.fpext(builder.bitcast(value, ir.VectorType(ir.HalfType(), count)), wide)
    if source == BFLOAT16:  # the upper half of a float32
        words = ir.VectorType(ir.IntType(32), count)
        return builder.bitcast(builder.shl(builder.zext(value, words), ir.Constant(words, [16] * count)), wide)
    return value


def _store(builder, value, pointer, element: types.Type):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = element.bitwidth // 8


def _mover(count):
    """An intrinsic `f(to, source)` that moves `count(element)` neighbours."""

    def typer(typingctx, to, source):
        def codegen(context, builder, signature, args):
            value = _load(builder, context, args[1], source.dtype, to.dtype, count(to.dtype))
            _store(builder, value, args[0], to.dtype)
            return context.get_dummy_value()

        return types.void(to, source), codegen

    return intrinsic(typer)


square = constant(_square)
move_rows = _mover(rows_of)
move_columns = _mover(columns_of)
move_one = _mover(lambda element: 1)


@intrinsic
def transpose(typingctx, to, to_row, source, source_row):
    """to[i, j] = source[j, i] for one square; rows lie `to_row` and `source_row` elements apart."""

    def codegen(context, builder, signature, args):
        to_, to_row_, source_, source_row_ = args
        n, integer = _square(to.dtype), to_row_.type

        def row(pointer, step, i):
            return builder.gep(pointer, [builder.mul(step, integer(i))])

        vectors = [_load(builder, context, row(source_, source_row_, i), source.dtype, to.dtype, n) for i in range(n)]
        # Riffling the rows of one half with those of the other, as with a pack of cards, log2(n) times transposes the square.
        indices = ir.VectorType(ir.IntType(32), n)
        riffle = [ir.Constant(indices, [part + i // 2 + i % 2 * n for i in range(n)]) for part in (0, n // 2)]
        for _ in range(n.bit_length() - 1):
            pairs = zip(vectors[: n // 2], vectors[n // 2 :])
            vectors = [builder.shuffle_vector(one, other, half) for one, other in pairs for half in riffle]
        for i, vector in enumerate(vectors):
            _store(builder, vector, row(to_, to_row_, i), to.dtype)
        return context.get_dummy_value()

    return types.void(to, types.intp, source, types.intp), codegen


@njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def pack(to, width, source, lane, step, first, lanes, depth):
    """Lanes first:lanes of `source` as strips at `to`, `first` a multiple of `width`. Strip s lies at to[s * width * depth].

    Neighbouring lanes lie `lane` elements apart in `source`, neighbouring k `step`.
    """
    side = square(to)
    regular = max(first, lanes // width * width) if lane == 1 or (step == 1 and depth >= side) else first
    if lane == 1:
        for near in range(0, depth, 8):  # a few steps at a time: reads run along rows, and writes stay near each other
            for strip in range(first, regular, width):
                for k in range(near, min(near + 8, depth)):
                    if width == tile_rows(to):
                        move_rows(offset(to, strip * depth + k * width), offset(source, k * step + strip))
                    else:
                        move_columns(offset(to, strip * depth + k * width), offset(source, k * step + strip))
    else:
        for strip in range(first, regular, width):
            for i in range(0, width, side):
                i = min(i, width - side)  # the last squares overlap those before, and write the same again
                for k in range(0, depth, side):
                    k = min(k, depth - side)
                    square_at = offset(to, strip * depth + k * width + i)
                    transpose(square_at, width, offset(source, (strip + i) * lane + k), lane)
    for strip in range(regular, lanes, width):
        for i in range(width):
            for k in range(depth):
                if strip + i < lanes:
                    move_one(offset(to, strip * depth + k * width + i), offset(source, (strip + i) * lane + k * step))
                else:
                    to[strip * depth + k * width + i] = 0
