"""Building the IR of loops over vectors of the host's width; the last may be the first elements of one."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from numbatorch_kernels.gemm import tile


class Vectors:
    """Building IR on vectors of the host's width."""

    def __init__(self, context, builder, element):
        self.builder, self.element = builder, element
        self.lanes = tile.registers().bytes // (element.bitwidth // 8)
        self.type = ir.VectorType(context.get_value_type(element), self.lanes)
        self.mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.zero, self.align = ir.Constant(self.type, None), ir.IntType(32)(element.bitwidth // 8)
        self.suffix = f"v{self.lanes}f{element.bitwidth}"

    def call(self, name: str, result, *arguments):
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def broadcast(self, value):
        first = self.builder.insert_element(self.zero, value, ir.IntType(64)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(first, first, zeros)

    def first(self, count):
        """A mask of the first `count` elements."""
        count = self.builder.trunc(count, ir.IntType(32))
        wide = ir.VectorType(count.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(wide, None), count, ir.IntType(64)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        every = self.builder.shuffle_vector(one, one, zeros)
        return self.builder.icmp_signed("<", ir.Constant(wide, list(range(self.lanes))), every)

    def load(self, pointer, mask):
        if mask is None:
            return tile.load(self.builder, pointer, self.type, self.element)
        pointer = self.builder.bitcast(pointer, self.type.as_pointer())
        return self.call(
            f"llvm.masked.load.{self.suffix}.p0", self.type, pointer, self.align, mask, self.zero
        )

    def store(self, value, pointer, mask):
        if mask is None:
            tile.store(self.builder, value, pointer, self.element)
            return
        pointer = self.builder.bitcast(pointer, self.type.as_pointer())
        self.call(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(), value, pointer, self.align, mask)

    def fma(self, a, b, c):
        return self.call(f"llvm.fmuladd.{self.suffix}", self.type, a, b, c)

    def loop(self, steps, state, step, unrolls=True):
        """`step(k, *state)`, which gives the next state, for k < steps: the last state. A loop of few steps had better not
        be unrolled by the compiler: what that saves in many steps is work before the first."""
        builder, none = self.builder, ir.IntType(64)(0)
        before = builder.block
        check, body, after = (builder.append_basic_block(name) for name in ("check", "body", "after"))
        builder.branch(check)
        builder.position_at_end(check)
        first = [none, *state]
        phis = [builder.phi(value.type) for value in first]
        builder.cbranch(builder.icmp_signed("<", phis[0], steps), body, after)
        builder.position_at_end(body)
        later = [builder.add(phis[0], none.type(1)), *step(*phis)]
        for phi, value, following in zip(phis, first, later):
            phi.add_incoming(value, before)
            phi.add_incoming(following, builder.block)
        again = builder.branch(check)
        if not unrolls:
            never = builder.module.add_metadata(["llvm.loop.unroll.disable"])
            loop = ir.MDValue(builder.module, (), str(len(builder.module.metadata)))
            loop.operands = loop, never  # that it names itself is what makes it a loop's
            again.set_metadata("llvm.loop", loop)
        builder.position_at_end(after)
        return phis[1:]
