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


side_of_square = constant(_side)
vector_lanes = constant(_lanes)


@intrinsic
def not_inlined(typingctx):
    """Have the compiler keep the calling function in one piece: it is large, and called from several places."""

    def codegen(context, builder, signature, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def move(typingctx, to, source, width, ahead):
    """to[:width] = source[:width], where `width` is that of a tile, up or across. Fetches what lies `ahead` elements on."""

    def codegen(context, builder, signature, args):
        to_, source_, width, ahead = args
        prefetch(builder, builder.gep(source_, [ahead]))
        upright = builder.icmp_signed("==", width, width.type(rows_of(to.dtype)))
        with builder.if_else(upright) as branches:
            for branch, count in zip(branches, (rows_of(to.dtype), columns_of(to.dtype))):
                with branch:
                    _store(builder, _load(builder, context, source_, source.dtype, to.dtype, count), to_, to.dtype)
        return context.get_dummy_value()

    return types.void(to, source, types.intp, types.intp), codegen


@intrinsic
def transpose(typingctx, to, width, source, lane, step, lanes, depth):
    """to[k, i] = source[i, k] for a vector of lanes i and a few steps k, rows of `to` `width` elements apart.

    Neither lanes from `lanes` on nor steps from `depth` on are read: others stand in for them.
    """

    def codegen(context, builder, signature, args):
        to_, width, source_, lane, step, lanes, depth = args
        side, count, integer = _side(to.dtype), _lanes(to.dtype), lane.type
        narrow = ir.VectorType(context.get_value_type(to.dtype), side)

        def at_most(index, most):
            return builder.select(builder.icmp_signed("<", index, most), index, builder.sub(most, integer(1)))

        def shuffle(one, other, indices):
            return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices))

        rows = [builder.gep(source_, [builder.mul(at_most(integer(i), lanes), lane)]) for i in range(count)]
        neighbours = builder.and_(
            builder.icmp_signed("==", step, integer(1)), builder.icmp_signed(">=", depth, integer(side))
        )
        with builder.if_else(neighbours) as (at_once, one_by_one):
            with at_once:
                for row in rows:  # those of the next strip
                    prefetch(builder, builder.gep(row, [builder.mul(width, lane)]))
                whole = [_load(builder, context, row, source.dtype, to.dtype, side) for row in rows]
                loaded = builder.block
            with one_by_one:
                steps = [builder.mul(at_most(integer(k), depth), step) for k in range(side)]
                gathered = []
                for row in rows:
                    vector = ir.Constant(narrow, ir.Undefined)
                    for k in range(side):
                        one = _load(builder, context, builder.gep(row, [steps[k]]), source.dtype, to.dtype, 1)
                        one = builder.extract_element(one, integer(0))
                        vector = builder.insert_element(vector, one, integer(k))
                    gathered.append(vector)
                collected = builder.block
        rows = []
        for one, other in zip(whole, gathered):
            phi = builder.phi(narrow)
            phi.add_incoming(one, loaded)
            phi.add_incoming(other, collected)
            rows.append(phi)
        vectors = []  # square beside square: lanes i, i + side, i + 2 * side ... in one vector
        for i in range(side):
            beside = rows[i::side]
            while len(beside) > 1:
                pairs = zip(beside[::2], beside[1::2])
                beside = [shuffle(one, other, list(range(2 * one.type.count))) for one, other in pairs]
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
    return types.void(to, size, source, size, size, size, size), codegen


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

    What a last strip has too much is not zero but any other lane again. Writes up to a few vectors of rubbish behind it.
    """
    not_inlined()
    vector, side = vector_lanes(to), side_of_square(to)
    first = 0
    if lane == 1:
        first = lanes // width * width
        for near in range(0, depth, 8):  # a few steps at a time: reads run along rows, and writes stay near each other
            for strip in range(0, first, width):
                for k in range(near, min(near + 8, depth)):
                    move(offset(to, strip * depth + k * width), offset(source, k * step + strip), width, 8 * step)
    for strip in range(first, lanes, width):
        for i in range(0, width, vector):
            i = max(min(i, width - vector), 0)  # the last vector and square overlap those before, and write the same again
            for k in range(0, depth, side):
                k = max(min(k, depth - side), 0)
                begin, block = offset(to, strip * depth + k * width + i), offset(source, (strip + i) * lane + k * step)
                transpose(begin, width, block, lane, step, min(lanes - strip, width) - i, depth - k)
