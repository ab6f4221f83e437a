"""Packing: a block of an operand is copied into the order in which `tile` reads it.

A block of `lanes` rows of a, or columns of b, and `depth` steps of k becomes strips of `width` lanes, each
k by k:

      lanes                         strip 0       strip 1
    0 1 2 3 4 5 6                   0 1 2 3       4 5 6 -
    . . . . . . .  k = 0     ->     . . . .       . . . .  k = 0
    . . . . . . .  k = 1            . . . .       . . . .  k = 1

The source has any strides. Where lanes are neighbours in memory, a row of a strip is moved at once, and of a last strip
one by one; otherwise small squares go through the registers and are transposed there. float16 and bfloat16 become
float32 on the way.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbatorch_kernels.callee import callee
from numbatorch_kernels.gemm import tile
from numbatorch_kernels.gemm.matrix import BFLOAT16, FLOAT16
from numbatorch_kernels.pointer import offset


def _side(element: types.Type) -> int:
    """The side of a square that is transposed: 16 bytes, within which every processor shuffles cheaply."""
    return 16 // (element.bitwidth // 8)


def _lanes(element: types.Type) -> int:
    """How many elements a vector register holds."""
    return tile.registers().bytes // (element.bitwidth // 8)


side_of_square = tile.constant(_side)
vector_lanes = tile.constant(_lanes)


def _load(builder, context, pointer, source: types.Type, target: types.Type, count: int):
    """`count` neighbours of type `source`, as a vector of type `target`."""
    narrow = ir.VectorType(context.get_value_type(source), count)
    wide = ir.VectorType(context.get_value_type(target), count)
    value = tile.load(builder, pointer, narrow, source)
    if source == FLOAT16:
        return builder.fpext(builder.bitcast(value, ir.VectorType(ir.HalfType(), count)), wide)
    if source == BFLOAT16:  # the upper half of a float32
        words = ir.VectorType(ir.IntType(32), count)
        upper = builder.shl(builder.zext(value, words), ir.Constant(words, [16] * count))
        return builder.bitcast(upper, wide)
    return value


@intrinsic
def move(typingctx, to, source, width, ahead):
    """to[:width] = source[:width], where `width` is the rows or the columns of a tile.

    Asks for what lies `ahead` elements further on.
    """

    def codegen(context, builder, signature, args):
        to_, source_, width, ahead = args
        tile.prefetch(builder, builder.gep(source_, [ahead]))
        rows, columns = tile.rows_of(to.dtype), tile.columns_of(to.dtype)
        with builder.if_else(builder.icmp_signed("==", width, width.type(rows))) as branches:
            for branch, count in zip(branches, (rows, columns)):
                with branch:
                    value = _load(builder, context, source_, source.dtype, to.dtype, count)
                    tile.store(builder, value, to_, to.dtype)
        return context.get_dummy_value()

    return types.void(to, source, types.intp, types.intp), codegen


@intrinsic
def convert(typingctx, to, source):
    """to[0] = source[0]"""

    def codegen(context, builder, signature, args):
        to_, source_ = args
        tile.store(builder, _load(builder, context, source_, source.dtype, to.dtype, 1), to_, to.dtype)
        return context.get_dummy_value()

    return types.void(to, source), codegen


def columns_of_rows(builder, rows: list, side: int) -> list:
    """`rows`, vectors of `side` elements each, transposed: `side` vectors with an element of each row."""

    def shuffle(one, other, indices):
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)
        return builder.shuffle_vector(one, other, mask)

    vectors, count = [], len(rows)  # square beside square: lanes i, i + side, i + 2 * side ... in one vector
    for i in range(side):
        beside = rows[i::side]
        while len(beside) > 1:
            pairs = zip(beside[::2], beside[1::2])
            beside = [shuffle(one, other, list(range(2 * one.type.count))) for one, other in pairs]
        vectors += beside
    # To riffle one half of the rows with the other, as one does with cards, log2(side) times transposes.
    low = [square + i // 2 + i % 2 * count for square in range(0, count, side) for i in range(side)]
    high = [index + side // 2 for index in low]
    for _ in range(side.bit_length() - 1):
        pairs = zip(vectors[: side // 2], vectors[side // 2 :])
        vectors = [shuffle(one, other, half) for one, other in pairs for half in (low, high)]
    return vectors


@intrinsic
def transpose(typingctx, to, width, source, lane, step, lanes, depth):
    """to[k, i] = source[i, k] for a vector of lanes i and the steps k of a square.

    The rows of `to` lie `width` apart. Nothing is read of lanes from `lanes` on, nor of steps from `depth`
    on: others stand in for them.
    """

    def codegen(context, builder, signature, args):
        to_, width, source_, lane, step, lanes, depth = args
        side, count, integer = _side(to.dtype), _lanes(to.dtype), lane.type
        row_type = ir.VectorType(context.get_value_type(to.dtype), side)
        last_lane, last_step = builder.sub(lanes, integer(1)), builder.sub(depth, integer(1))
        lane_places = [builder.mul(tile.smaller(builder, integer(i), last_lane), lane) for i in range(count)]
        step_places = [builder.mul(tile.smaller(builder, integer(k), last_step), step) for k in range(side)]
        pointers = [builder.gep(source_, [place]) for place in lane_places]

        def gather(pointer):
            """A row whose elements do not lie next to each other."""
            row = ir.Constant(row_type, ir.Undefined)
            for k, place in enumerate(step_places):
                one = _load(builder, context, builder.gep(pointer, [place]), source.dtype, to.dtype, 1)
                row = builder.insert_element(row, builder.extract_element(one, integer(0)), integer(k))
            return row

        neighbours = builder.icmp_signed("==", step, integer(1))
        enough = builder.icmp_signed(">=", depth, integer(side))
        with builder.if_else(builder.and_(neighbours, enough)) as (together, apart):
            with together:
                for pointer in pointers:
                    tile.prefetch(builder, builder.gep(pointer, [builder.mul(width, lane)]))  # the next strip
                loaded = [_load(builder, context, p, source.dtype, to.dtype, side) for p in pointers]
                after_loads = builder.block
            with apart:
                gathered = [gather(pointer) for pointer in pointers]
                after_gathers = builder.block
        rows = [builder.phi(row_type) for _ in pointers]
        for row, one, other in zip(rows, loaded, gathered):
            row.add_incoming(one, after_loads)
            row.add_incoming(other, after_gathers)

        vectors = columns_of_rows(builder, rows, side)
        for k, vector in enumerate(vectors):
            tile.store(builder, vector, builder.gep(to_, [builder.mul(width, integer(k))]), to.dtype)
        return context.get_dummy_value()

    size = types.intp
    return types.void(to, size, source, size, size, size, size), codegen


@intrinsic
def out_of_line(typingctx):
    """Have the compiler keep the calling function in one place: it is large, and has several callers."""

    def codegen(context, builder, signature, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@callee
def pack(to, width, source, lane, step, lanes, depth):
    """`lanes` lanes of `source` as strips at `to`; lanes lie `lane` elements apart, steps of k `step`.

    What a last strip has too much is a copy of another lane. Writes up to a square's worth of rubbish
    behind it.
    """
    out_of_line()
    vector, side = vector_lanes(to), side_of_square(to)
    first = 0
    if lane == 1:
        first = lanes // width * width
        for near in range(0, depth, 8):  # a few steps: reads run along rows, writes stay near each other
            for strip in range(0, first, width):
                for k in range(near, min(near + 8, depth)):
                    begin = offset(to, strip * depth + k * width)
                    move(begin, offset(source, k * step + strip), width, 8 * step)
        if first < lanes:
            for k in range(depth):
                begin, row = offset(to, first * depth + k * width), offset(source, k * step + first)
                for i in range(width):
                    convert(offset(begin, i), offset(row, min(i, lanes - first - 1)))
        first = lanes
    for strip in range(first, lanes, width):
        for i in range(0, width, vector):
            i = max(min(i, width - vector), 0)  # the last may overlap those before, and write the same again
            for k in range(0, depth, side):
                k = max(min(k, depth - side), 0)
                begin = offset(to, strip * depth + k * width + i)
                block = offset(source, (strip + i) * lane + k * step)
                transpose(begin, width, block, lane, step, min(lanes - strip, width) - i, depth - k)
