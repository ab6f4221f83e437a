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
from numbatorch_kernels.gemm.tile import columns_of, constant, prefetch, registers, rows_of, tile_rows
from numbatorch_kernels.pointer import offset


def _side(element: types.Type) -> int:
    """The side of the squares that are transposed: what 16 bytes hold, within which every processor shuffles cheaply."""
    return 16 // (element.bitwidth // 8)


def _lanes(element: types.Type) -> int:
    """How many elements a vector register holds."""
    return registers().bytes // (element.bitwidth // 8)


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
    """An intrinsic `f(to, source, ahead)` that moves `count(element)` neighbours, and fetches those `ahead` elements further on."""

    def typer(typingctx, to, source, ahead):
        def codegen(context, builder, signature, args):
            prefetch(builder, builder.gep(args[1], [args[2]]))
            value = _load(builder, context, args[1], source.dtype, to.dtype, count(to.dtype))
            _store(builder, value, args[0], to.dtype)
            return context.get_dummy_value()

        return types.void(to, source, types.intp), codegen

    return intrinsic(typer)


side_of_square = constant(_side)
vector_lanes = constant(_lanes)
move_rows = _mover(rows_of)
move_columns = _mover(columns_of)
move_one = _mover(lambda element: 1)


@intrinsic
def transpose(typingctx, to, width, source, lane, lanes, ahead):
    """to[k, i] = source[i, k] for a vector of lanes i and a few steps k; rows lie `width` and `lane` elements apart.

    Reads no more than `lanes` lanes, the last as often as need be. Fetches the elements `ahead` further on.
    """

    def codegen(context, builder, signature, args):
        to_, width, source_, lane, lanes, ahead = args
        side, count, integer = _side(to.dtype), _lanes(to.dtype), lane.type

        def shuffle(one, other, indices):
            return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), list(indices)))

        rows = []
        for i in range(count):
            index = builder.select(builder.icmp_signed("<", integer(i), lanes), integer(i), builder.sub(lanes, integer(1)))
            row = builder.gep(source_, [builder.mul(index, lane)])
            prefetch(builder, builder.gep(row, [ahead]))
            rows.append(_load(builder, context, row, source.dtype, to.dtype, side))
        vectors = []  # square beside square: lanes i, i + side, i + 2 * side ... in one vector
        for i in range(side):
            beside = rows[i::side]
            while len(beside) > 1:
                pairs = zip(beside[::2], beside[1::2])
                beside = [shuffle(one, other, range(2 * one.type.count)) for one, other in pairs]
            vectors += beside
        # Riffling one half of the rows with the other, as with a pack of cards, log2(side) times transposes every square.
        starts = [(start, start + side // 2) for start in range(0, count, side)]
        low, high = ([start[half] + i // 2 + i % 2 * count for start in starts for i in range(side)] for half in (0, 1))
        for _ in range(side.bit_length() - 1):
            pairs = zip(vectors[: side // 2], vectors[side // 2 :])
            vectors = [shuffle(one, other, half) for one, other in pairs for half in (low, high)]
        for k, vector in enumerate(vectors):
            _store(builder, vector, builder.gep(to_, [builder.mul(width, integer(k))]), to.dtype)
        return context.get_dummy_value()

    size = types.intp
    return types.void(to, size, source, size, size, size), codegen


@intrinsic
def reinterpret(typingctx, pointer, like):
    """The same address as a pointer to another type."""
    return like(pointer, like), lambda context, builder, signature, args: builder.bitcast(args[0], args[1].type)


@intrinsic
def alike(typingctx, one, other):
    """Whether two pointers point to the same type."""
    same = one.dtype == other.dtype
    return types.boolean(one, other), lambda context, builder, signature, args: context.get_constant(types.boolean, same)


@njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def pack(to, width, source, lane, step, lanes, depth):
    """The `lanes` of `source` as strips at `to`; neighbouring lanes lie `lane` elements apart, neighbouring k `step`.

    Writes up to a vector of rubbish behind the last strip.
    """
    vector, side = vector_lanes(to), side_of_square(to)
    whole = lanes // width * width if lane == 1 or (step == 1 and depth >= side) else 0
    if lane == 1:
        for near in range(0, depth, 8):  # a few steps at a time: reads run along rows, and writes stay near each other
            for strip in range(0, whole, width):
                for k in range(near, min(near + 8, depth)):
                    if width == tile_rows(to):
                        move_rows(offset(to, strip * depth + k * width), offset(source, k * step + strip), 8 * step)
                    else:
                        move_columns(offset(to, strip * depth + k * width), offset(source, k * step + strip), 8 * step)
    else:
        for strip in range(0, whole, width):
            for i in range(0, width, vector):
                i = max(min(i, width - vector), 0)  # the last vector overlaps that before, and writes the same again
                for k in range(0, depth, side):
                    k = min(k, depth - side)
                    begin = offset(to, strip * depth + k * width + i)
                    transpose(begin, width, offset(source, (strip + i) * lane + k), lane, width, width * lane)
    for strip in range(whole, lanes, width):
        for i in range(width):
            for k in range(depth):
                if strip + i < lanes:
                    move_one(offset(to, strip * depth + k * width + i), offset(source, (strip + i) * lane + k * step), 0)
                else:
                    to[strip * depth + k * width + i] = 0

