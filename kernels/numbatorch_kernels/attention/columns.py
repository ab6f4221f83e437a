"""What happens to the scores of attention, in vector registers: keys follow each other, queries lie side by side.

Each function serves as many queries as a tile of gemm/tile.py has columns, and goes down `count` keys, which lie
`step` elements apart. It is vector LLVM IR for the same reason as the tile: a loop over a few neighbours is unrolled
before LLVM would make vectors of it.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels.gemm.tile import load, registers, store
from numbatorch_kernels.vecmath.exponential import exp_normal
from numbatorch_kernels.vecmath.values import Value, where


class _Columns:
    """The vectors of a tile's row, in memory at a pointer."""

    def __init__(self, context, builder, element: types.Type):
        shape = registers()
        self.builder, self.element, self.count = builder, element, shape.vectors
        self.lanes = shape.bytes // (element.bitwidth // 8)
        self.vector = ir.VectorType(context.get_value_type(element), self.lanes)

    def _at(self, pointer, v: int):
        return self.builder.gep(pointer, [ir.Constant(ir.IntType(64), v * self.lanes)])

    def load(self, pointer) -> list[Value]:
        return [
            Value(self.builder, load(self.builder, self._at(pointer, v), self.vector, self.element))
            for v in range(self.count)
        ]

    def store(self, values: list[Value], pointer) -> None:
        for v, value in enumerate(values):
            store(self.builder, value.llvm, self._at(pointer, v), self.element)

    def variables(self, values: list[Value]) -> list[ir.Value]:
        """Places in registers for what changes from key to key."""
        return [cgutils.alloca_once_value(self.builder, value.llvm) for value in values]

    def read(self, variables: list[ir.Value]) -> list[Value]:
        return [Value(self.builder, self.builder.load(variable)) for variable in variables]

    def write(self, values: list[Value], variables: list[ir.Value]) -> None:
        for value, variable in zip(values, variables, strict=True):
            self.builder.store(value.llvm, variable)


def _down(builder, step, count, body: Callable) -> None:
    """body(offset) for each of `count` keys."""
    with cgutils.for_range(builder, count) as loop:
        body(builder.mul(loop.index, step))


@intrinsic
def columns_largest(typingctx, s, step, count, largest):
    """largest = the largest of itself and what is in its column of s; NaN counts for nothing."""

    def codegen(context, builder, signature, args):
        s_, step, count, largest_ = args
        columns = _Columns(context, builder, s.dtype)
        found = columns.variables(columns.load(largest_))

        def body(offset):
            new = columns.load(builder.gep(s_, [offset]))
            columns.write([where(a > b, a, b) for a, b in zip(new, columns.read(found))], found)

        _down(builder, step, count, body)
        columns.store(columns.read(found), largest_)
        return context.get_dummy_value()

    return types.void(s, types.intp, types.intp, largest), codegen


@intrinsic
def columns_weights(typingctx, s, step, count, shift, total):
    """s = exp(s - shift), added up in total; shift is not less than s."""

    def codegen(context, builder, signature, args):
        s_, step, count, shift_, total_ = args
        columns = _Columns(context, builder, s.dtype)
        shifts, sums = columns.load(shift_), columns.variables(columns.load(total_))

        def body(offset):
            place = builder.gep(s_, [offset])
            weights = [exp_normal(x - y) for x, y in zip(columns.load(place), shifts)]
            columns.store(weights, place)
            columns.write([a + b for a, b in zip(columns.read(sums), weights)], sums)

        _down(builder, step, count, body)
        columns.store(columns.read(sums), total_)
        return context.get_dummy_value()

    return types.void(s, types.intp, types.intp, shift, total), codegen


@intrinsic
def columns_slopes(typingctx, p, ds, step, count, log_sums, inner):
    """p = exp(p - log_sums) and ds = p (ds - inner)."""

    def codegen(context, builder, signature, args):
        p_, ds_, step, count, log_sums_, inner_ = args
        columns = _Columns(context, builder, p.dtype)
        sums, means = columns.load(log_sums_), columns.load(inner_)

        def body(offset):
            place, slope = builder.gep(p_, [offset]), builder.gep(ds_, [offset])
            weights = [exp_normal(x - y) for x, y in zip(columns.load(place), sums)]
            columns.store(weights, place)
            slopes = zip(weights, columns.load(slope), means)
            columns.store([w * (x - y) for w, x, y in slopes], slope)

        _down(builder, step, count, body)
        return context.get_dummy_value()

    return types.void(p, ds, types.intp, types.intp, log_sums, inner), codegen


@intrinsic
def columns_add(typingctx, s, step, count, mask):
    """s += mask, which has its keys one behind the other."""

    def codegen(context, builder, signature, args):
        s_, step, count, mask_ = args
        columns = _Columns(context, builder, s.dtype)
        width = count.type(columns.count * columns.lanes)
        with cgutils.for_range(builder, count) as loop:
            place = builder.gep(s_, [builder.mul(loop.index, step)])
            more = columns.load(builder.gep(mask_, [builder.mul(loop.index, width)]))
            columns.store([a + b for a, b in zip(columns.load(place), more)], place)
        return context.get_dummy_value()

    return types.void(s, types.intp, types.intp, mask), codegen
