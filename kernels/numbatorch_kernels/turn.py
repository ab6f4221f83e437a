"""A transposed copy: rows become columns, a vector register's worth of rows at a time.

An element of the source, taken in the order of the result, lies a row away from the one before: of every cache line that
is read for it, one element is used. Where rows are a power of two apart, as they often are, these lines even share one
place in the cache and drive each other out. So a square of elements is read in pieces of lines, transposed in registers
and written in whole lines; and a block of several lines' width is read before the next rows, for the sake of pages.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbatorch_kernels import cpu
from numbatorch_kernels.gemm import tile
from numbatorch_kernels.gemm.pack import columns_of_rows, side_of_square, vector_lanes
from numbatorch_kernels.pointer import offset

LEAST = 16  # rows and columns of a matrix from which on this pays: no vector register holds more elements
BLOCK = 64  # elements of a source row that are read together


def turns(itemsize: int, outer: list[int], length: int, to: list[int], source: list[int]) -> bool:
    """Whether this is a copy for `turned`, of a walk as `lift` describes it: from rows of these strides to others."""
    large = len(outer) > 0 and min(outer[-1], length) >= LEAST
    return large and itemsize in (4, 8) and to[-1] == source[-2] == 1


def entry(itemsize: int) -> Callable:
    """`turned` for elements of so many bytes."""
    element = f"u{itemsize}"
    return cpu.compiled(turned, element, element, element, "i8", int, int)


@intrinsic
def square(typingctx, to, to_row, source, source_row):
    """to[k, i] = source[i, k] for as many i as a vector register has lanes, and as many k as 16 bytes hold."""

    def codegen(context, builder, signature, args):
        to_, to_row, source_, source_row = args
        count, integer = tile.registers().bytes // (to.dtype.bitwidth // 8), to_row.type
        side = 16 // (to.dtype.bitwidth // 8)
        row = ir.VectorType(context.get_value_type(to.dtype), side)
        places = [builder.gep(source_, [builder.mul(source_row, integer(i))]) for i in range(count)]
        rows = [tile.load(builder, place, row, to.dtype) for place in places]
        for k, vector in enumerate(columns_of_rows(builder, rows, side)):
            tile.store(builder, vector, builder.gep(to_, [builder.mul(to_row, integer(k))]), to.dtype)
        return context.get_dummy_value()

    return types.void(to, types.intp, source, types.intp), codegen


def turned(out, _, a, geometry, start, stop):
    """out = a, where neighbours in a row of `out` are a row of `a` apart, and the other way round: elements start:stop.

    The arguments are those of a copy's kernel that `lift` writes: the second is `out` again.
    """
    outer, length = geometry[0], geometry[1]
    side = geometry[1 + outer]
    out_row, lane = geometry[1 + 2 * outer], geometry[4 + 4 * outer]
    lanes, steps = vector_lanes(out), side_of_square(out)
    # A row belongs to its first element.
    first, last = (start + length - 1) // length, (stop + length - 1) // length
    while first < last:
        matrix = first // side
        begin, end = first - matrix * side, min(last - matrix * side, side)
        to, source, rest = 0, 0, matrix
        for d in range(outer - 2, -1, -1):
            k = rest % geometry[2 + d]
            rest //= geometry[2 + d]
            to += k * geometry[2 + outer + d]
            source += k * geometry[4 + 3 * outer + d]
        first = (matrix + 1) * side if end == side else last
        if end - begin < steps:
            for i in range(begin, end):
                for j in range(length):
                    out[to + i * out_row + j] = a[source + i + j * lane]
            continue
        for top in range(begin, end, BLOCK):
            for left in range(0, length, lanes):
                # The last ones may overlap those before, and write the same again.
                left = min(left, length - lanes)
                for i in range(top, min(top + BLOCK, end), steps):
                    i = min(i, end - steps)
                    block = offset(a, source + i + left * lane)
                    square(offset(out, to + i * out_row + left), out_row, block, lane)
