"""Packing: a block of an operand is copied into the order in which `tile` reads it.

A block of `lanes` rows of a, or columns of b, and `depth` steps of k becomes strips of `width` lanes, each
k by k:

      lanes                         strip 0       strip 1
    0 1 2 3 4 5 6                   0 1 2 3       4 5 6 -
    . . . . . . .  k = 0     ->     . . . .       . . . .  k = 0
    . . . . . . .  k = 1            . . . .       . . . .  k = 1

The source has any strides. Where lanes are neighbours in memory, a row of a strip is moved at once, and of a last strip
one by one; otherwise small squares go through the registers and are transposed there. They are as wide as a cache line
where the processor can do that well: rows a power of two apart share one place in the L1 cache, and would be driven out
before the rest of their lines is read. float16 and bfloat16 become float32 on the way.
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


def _lanes_together(element: types.Type) -> int:
    """How many lanes are transposed together: a vector's worth, or fewer where a strip of rows is narrower."""
    return min(_lanes(element), 1 << (tile.registers().rows - 1).bit_length())


def _steps_together(element: types.Type) -> int:
    """How many steps of k are transposed together: a square's, or with AVX-512, which takes any elements of two registers
    into one, a whole register's, which is a cache line."""
    return _lanes(element) if tile.registers().bytes == 64 else _side(element)


side_of_square = tile.constant(_side)
vector_lanes = tile.constant(_lanes)
lanes_together = tile.constant(_lanes_together)
steps_together = tile.constant(_steps_together)


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
    """`rows`, vectors of `side` elements each, transposed: the first elements of all rows, then the second ones and so on,
    in vectors of as many elements as there are rows, or as `side`, whichever is more. Both are powers of two."""

    def shuffle(one, other, indices):
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)
        return builder.shuffle_vector(one, other, mask)

    vectors, count = [], len(rows)  # square beside square: lanes i, i + side, i + 2 * side ... in one vector
    for i in range(min(side, count)):
        beside = rows[i::side]
        while len(beside) > 1:
            pairs = zip(beside[::2], beside[1::2])
            beside = [shuffle(one, other, list(range(2 * one.type.count))) for one, other in pairs]
        vectors += beside
    # To riffle one half of the rows with the other, as one does with cards, log2(side) times transposes.
    length, half = max(side, count), len(vectors) // 2
    low = [square + i // 2 + i % 2 * length for square in range(0, length, side) for i in range(side)]
    high = [index + side // 2 for index in low]
    for _ in range(half.bit_length()):
        pairs = zip(vectors[:half], vectors[half:])
        vectors = [shuffle(one, other, mask) for one, other in pairs for mask in (low, high)]
    return vectors


def _store_turned(builder, to, width, rows: list, element: types.Type) -> None:
    """to[k, i] = rows[i][k], where the rows of `to` lie `width` apart."""
    lanes, k = len(rows), 0
    for vector in columns_of_rows(builder, rows, rows[0].type.count):
        for begin in range(0, vector.type.count, lanes):
            mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(begin, begin + lanes)))
            place = builder.gep(to, [builder.mul(width, width.type(k))])
            tile.store(builder, builder.shuffle_vector(vector, vector, mask), place, element)
            k += 1


def _lane_pointers(builder, source, lane, lanes, element: types.Type) -> list:
    """Where the lanes that are transposed together begin; the last of `lanes` stands in for more."""
    last = builder.sub(lanes, lanes.type(1))
    numbers = [tile.smaller(builder, lane.type(i), last) for i in range(_lanes_together(element))]
    return [builder.gep(source, [builder.mul(number, lane)]) for number in numbers]


@intrinsic
def transpose(typingctx, to, width, source, lane, lanes):
    """to[k, i] = source[i, k] for the lanes i and the steps k that are transposed together; the steps are neighbours.

    The rows of `to` lie `width` apart. Nothing is read of lanes from `lanes` on: others stand in for them.
    """

    def codegen(context, builder, signature, args):
        to_, width, source_, lane, lanes = args
        steps, pointers = _steps_together(to.dtype), _lane_pointers(builder, source_, lane, lanes, to.dtype)
        # Of a cache line, which is wanted again: the next strip's are asked for too.
        if steps < _lanes(to.dtype):
            for pointer in pointers:
                tile.prefetch(builder, builder.gep(pointer, [builder.mul(width, lane)]))
        rows = [_load(builder, context, pointer, source.dtype, to.dtype, steps) for pointer in pointers]
        _store_turned(builder, to_, width, rows, to.dtype)
        return context.get_dummy_value()

    size = types.intp
    return types.void(to, size, source, size, size), codegen


@intrinsic
def gather(typingctx, to, width, source, lane, step, lanes, depth):
    """The same for the steps of a square, which lie `step` elements apart; of steps from `depth` on nothing is read."""

    def codegen(context, builder, signature, args):
        to_, width, source_, lane, step, lanes, depth = args
        side, last = _side(to.dtype), builder.sub(depth, depth.type(1))
        places = [builder.mul(tile.smaller(builder, step.type(k), last), step) for k in range(side)]
        rows = []
        for pointer in _lane_pointers(builder, source_, lane, lanes, to.dtype):
            row = ir.Constant(ir.VectorType(context.get_value_type(to.dtype), side), ir.Undefined)
            for k, place in enumerate(places):
                one = _load(builder, context, builder.gep(pointer, [place]), source.dtype, to.dtype, 1)
                row = builder.insert_element(row, builder.extract_element(one, step.type(0)), step.type(k))
            rows.append(row)
        _store_turned(builder, to_, width, rows, to.dtype)
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
    together, first = lanes_together(to), 0
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
    neighbours = step == 1 and depth >= steps_together(to)
    side = steps_together(to) if neighbours else side_of_square(to)
    for strip in range(first, lanes, width):
        for i in range(0, width, together):
            # The last may overlap those before, and write the same again.
            i = max(min(i, width - together), 0)
            for k in range(0, depth, side):
                k = max(min(k, depth - side), 0)
                begin = offset(to, strip * depth + k * width + i)
                block = offset(source, (strip + i) * lane + k * step)
                there = min(lanes - strip, width) - i
                if neighbours:
                    transpose(begin, width, block, lane, there)
                else:
                    gather(begin, width, block, lane, step, there, depth - k)
