"""Elements on their way from device memory to that of a block, past the registers, while the thread goes on."""

from __future__ import annotations

from numbatorch_kernels.cuda import compat

if compat.SIMULATED:

    def fetch(memory, i, source, j, inside):
        """Have memory[i] become source[j], of 4 or 8 bytes, or zero unless it is `inside`; `arrived` waits for it."""
        memory[i] = source[j] if inside else 0

    def arrived():
        """Wait for all that this thread has fetched. The others of the block see it behind the next barrier."""

else:
    from llvmlite import ir

    types, intrinsic = compat.types, compat.extending.intrinsic

    @intrinsic
    def fetch(typingctx, memory, i, source, j, inside):
        """Have memory[i] become source[j], of 4 or 8 bytes, or zero unless it is `inside`; `arrived` waits for it."""
        size = memory.dtype.bitwidth // 8

        def codegen(context, builder, signature, args):
            memory, i, source, j, inside = args
            word = ir.IntType(32)
            target = builder.gep(memory, [i])
            shared = builder.addrspacecast(target, target.type.pointee.as_pointer(3))
            given = builder.select(inside, word(size), word(0))  # of so many bytes, the rest are zero
            text = f"cp.async.ca.shared.global [$0], [$1], {size}, $2;"
            kind = ir.FunctionType(ir.VoidType(), [word, ir.IntType(64), word])
            code = ir.InlineAsm(kind, text, "r,l,r,~{memory}", side_effect=True)
            address = builder.ptrtoint(builder.gep(source, [j]), ir.IntType(64))
            builder.call(code, [builder.ptrtoint(shared, word), address, given])
            return context.get_dummy_value()

        return types.void(memory, types.int64, source, types.int64, types.boolean), codegen

    @intrinsic
    def arrived(typingctx):
        """Wait for all that this thread has fetched. The others of the block see it behind the next barrier."""

        def codegen(context, builder, signature, args):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(ir.InlineAsm(kind, "cp.async.wait_all;", "~{memory}", side_effect=True), [])
            return context.get_dummy_value()

        return types.void(), codegen
