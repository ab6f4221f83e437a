"""Rows of a table, taken bag by bag: their sum, mean or maximum.

Bag b holds the rows numbered index[bounds[b]] to index[bounds[b + 1] - 1]; a number equal to `padding` stands
for nothing. The table is contiguous, (rows, columns), `index` and `bounds` are int64. On CUDA the table is
float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels import parallel
from numbatorch_kernels.codes import MAXIMUM, MEAN
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import alike, element, reinterpret
from numbatorch_kernels.gemm.pack import vector_lanes
from numbatorch_kernels.gemm.tile import registers
from numbatorch_kernels.gemm.tile import store as store_vector
from numbatorch_kernels.half import store, wide_vectors
from numbatorch_kernels.local import local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.registry import Kernel

bag = Kernel("bag")
# (out, sizes, largest, table, index, bounds, scale or None, padding, how, missed, bfloat): the result for each
# bag, how many rows it has and, for MAXIMUM, which row each element comes from, 0 where there is none. `scale` has
# a factor for each index, for SUM. missed[0] becomes the place of an index, plus one, that names no row.

GRAIN = 1 << 14  # elements worth a thread
TILE = 64  # elements of a row that are looked at together, at most: what is made of them stays in registers
VECTORS = TILE * 4 // registers().bytes


class _Rows:
    """Some neighbours of each row of a bag, as LLVM. A loop over them would be unrolled before LLVM makes vectors of it,
    and what it makes would go through memory with every row."""

    def __init__(self, builder, vector: ir.VectorType, vectors: int, element: types.Type, bfloat):
        self.builder, self.vector, self.element, self.bfloat = builder, vector, element, bfloat
        self.places = [ir.IntType(64)(v * vector.count) for v in range(vectors)]

    def variables(self, kind: ir.VectorType) -> list:
        """Places in registers for what is made of the vectors: at first zeros."""
        zeros, made = ir.Constant(kind, None), []
        for _ in self.places:
            made.append(cgutils.alloca_once(self.builder, kind))
            self.builder.store(zeros, made[-1])
        return made

    def visit(self, table, columns, index, first, last, padding, body: Callable) -> None:
        """body(k, row, vectors) for the rows index[first:last] that are no padding."""
        builder = self.builder
        with cgutils.for_range_slice(builder, first, last, first.type(1), inc=True) as (k, _):
            row = builder.load(builder.gep(index, [k]))
            with builder.if_then(builder.icmp_signed("!=", row, padding), likely=True):
                begin = builder.gep(table, [builder.mul(row, columns)])
                body(k, row, self.load([builder.gep(begin, [p]) for p in self.places], self.vector.count))

    def load(self, pointers: list, count: int) -> list:
        return wide_vectors(self.builder, pointers, count, self.element, self.bfloat)

    def repeat(self, value):
        """A vector of the same in every lane."""
        kind, lane = ir.VectorType(value.type, self.vector.count), ir.IntType(32)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, lane(0))
        return self.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(lane, kind.count), None))

    def put(self, variables: list, pointer, element: types.Type) -> None:
        for variable, place in zip(variables, self.places):
            vector = self.builder.load(variable)
            store_vector(self.builder, vector, self.builder.gep(pointer, [place]), element)


def _emit(body: Callable, context, builder, made: types.Type, table: types.Type, width, bfloat):
    """body(rows) for each width that there is, to run where it is `width`: that of a tile, of a vector, and 1."""
    scalar, most = context.get_value_type(made.dtype), registers().bytes * 8 // made.dtype.bitwidth
    for lanes, vectors in ((most, VECTORS), (most, 1), (1, 1)):
        with builder.if_then(builder.icmp_signed("==", width, width.type(lanes * vectors))):
            body(_Rows(builder, ir.VectorType(scalar, lanes), vectors, table.dtype, bfloat))
    return context.get_dummy_value()


@intrinsic
def _add_rows(typingctx, sums, width, table, columns, index, first, last, padding, scale, scaled, bfloat):
    """sums = the first `width` columns of rows index[first:last], each row times its element of `scale` if `scaled`."""

    def codegen(context, builder, signature, args):
        sums_, width, table_, columns, index, first, last, padding, scale_, scaled, bfloat = args

        def of(rows: _Rows) -> None:
            totals = rows.variables(rows.vector)

            def add(k, row, values):
                for total, value in zip(totals, values):
                    builder.store(builder.fadd(builder.load(total), value), total)

            def add_scaled(k, row, values):
                (factor,) = rows.load([builder.gep(scale_, [k])], 1)
                factor = rows.repeat(builder.extract_element(factor, ir.IntType(32)(0)))
                add(k, row, [builder.fmul(factor, value) for value in values])

            with builder.if_else(builder.icmp_signed("!=", scaled, scaled.type(0))) as branches:
                for branch, body in zip(branches, (add_scaled, add)):
                    with branch:
                        rows.visit(table_, columns, index, first, last, padding, body)
            rows.put(totals, sums_, sums.dtype)

        return _emit(of, context, builder, sums, table, width, bfloat)

    size = types.intp
    return types.void(sums, size, table, size, index, size, size, size, scale, size, size), codegen


@intrinsic
def _largest_rows(typingctx, best, places, width, table, columns, index, first, last, padding, bfloat):
    """best = the largest of each of the first `width` columns of rows index[first:last], places = the row that has it."""

    def codegen(context, builder, signature, args):
        best_, places_, width, table_, columns, index, first, last, padding, bfloat = args
        empty = cgutils.alloca_once(builder, ir.IntType(1))

        def of(rows: _Rows) -> None:
            largest = rows.variables(rows.vector)
            where = rows.variables(ir.VectorType(ir.IntType(64), rows.vector.count))
            builder.store(ir.IntType(1)(1), empty)

            def compare(k, row, values):
                number, none = rows.repeat(row), rows.repeat(builder.load(empty))
                for found, place, value in zip(largest, where, values):
                    old = builder.load(found)
                    new = builder.or_(none, builder.fcmp_ordered(">", value, old))
                    builder.store(builder.select(new, value, old), found)
                    builder.store(builder.select(new, number, builder.load(place)), place)
                builder.store(ir.IntType(1)(0), empty)

            rows.visit(table_, columns, index, first, last, padding, compare)
            rows.put(largest, best_, best.dtype)
            rows.put(where, places_, places.dtype)

        return _emit(of, context, builder, best, table, width, bfloat)

    size = types.intp
    return types.void(best, places, size, table, size, index, size, size, size, size), codegen


def bag_kernel(
    out, sizes, largest, table, index, bounds, scale, scaled, padding, how, bfloat, rows, columns, missed,
    start, stop,
):  # fmt: skip
    wrong = 0
    for k in range(bounds[start], bounds[stop]):
        if index[k] < 0 or index[k] >= rows:
            wrong += 1
    if wrong:
        for k in range(bounds[start], bounds[stop]):
            if index[k] < 0 or index[k] >= rows:
                missed[0] = k + 1
        return
    made = local_like(table, TILE)
    lanes = vector_lanes(made)
    for b in range(start, stop):
        first, last = bounds[b], bounds[b + 1]
        size = last - first
        if padding >= 0:
            for k in range(first, last):
                size -= index[k] == padding
        sizes[b] = size
        c = 0
        while c < columns:
            width = VECTORS * lanes
            if columns - c < width:
                width = lanes if columns >= lanes else 1
                c = min(c, columns - width)  # the last may overlap those before, and make the same again
            of, to = offset(table, c), offset(out, b * columns + c)
            direct = alike(out, made)
            into = reinterpret(to, made) if direct else made
            if how == MAXIMUM:
                places = offset(largest, b * columns + c)
                _largest_rows(into, places, width, of, columns, index, first, last, padding, bfloat)
            else:
                _add_rows(into, width, of, columns, index, first, last, padding, scale, scaled, bfloat)
            if how == MEAN and size > 1:
                divisor = element(made, size)
                for j in range(width):
                    into[j] /= divisor
            if not direct:
                for j in range(width):
                    store(to, j, made[j], bfloat)
            c += width


@cache
def _entry(dtype: np.dtype) -> Callable:
    kinds = [dtype, "i8", "i8", dtype, "i8", "i8", dtype, *[int] * 6, "i8", int, int]
    return compiled(bag_kernel, *kinds)


@bag.on("cpu")
def _bag(out, sizes, largest, table, index, bounds, scale, padding, how, missed, bfloat):
    rows, columns = table.shape
    bags = bounds.size - 1
    each = max(1, index.size * columns // max(bags, 1))
    factors = (table, 0) if scale is None else (scale, 1)
    parallel.run(
        _entry(table.dtype),
        bags,
        max(1, GRAIN // each),
        out,
        sizes,
        largest,
        table,
        index,
        bounds,
        *factors,
        padding,
        how,
        bfloat,
        rows,
        columns,
        missed,
    )


@bag.on("cuda")
def _bag_on_cuda(*args):
    from numbatorch_kernels.cuda import bag as cuda

    cuda.bag(*args)
