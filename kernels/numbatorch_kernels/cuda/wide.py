"""Memory of a block or of a thread by its address, and four neighbours of it at a time."""

from __future__ import annotations

from numbatorch_kernels.cuda import compat

if compat.SIMULATED:

    def raw(array):
        """The memory of an array of one dimension, as a pointer: no index counts from its end."""
        return array

    def offset(memory, count):
        """The memory from element `count` on."""
        return memory[count:]

    def load4(memory, i):
        """memory[i] to memory[i + 3], at once. `i` is a multiple of four, and the memory begins at 16 bytes."""
        if i % 4:
            raise IndexError(f"four neighbours from {i} on do not begin at 16 bytes")
        return memory[i], memory[i + 1], memory[i + 2], memory[i + 3]

else:
    from llvmlite import ir

    types, intrinsic = compat.types, compat.extending.intrinsic

    @intrinsic
    def raw(typingctx, array):
        """The memory of an array of one dimension, as a pointer: no index counts from its end."""

        def codegen(context, builder, signature, args):
            return context.make_array(signature.args[0])(context, builder, args[0]).data

        return types.CPointer(array.dtype)(array), codegen

    @intrinsic
    def offset(typingctx, memory, count):
        """The memory from element `count` on."""

        def codegen(context, builder, signature, args):
            return builder.gep(args[0], [args[1]])

        return memory(memory, types.int64), codegen

    @intrinsic
    def load4(typingctx, memory, i):
        """memory[i] to memory[i + 3], at once. `i` is a multiple of four, and the memory begins at 16 bytes."""
        element = memory.dtype

        def codegen(context, builder, signature, args):
            pointer = builder.gep(args[0], [args[1]])
            if isinstance(element, types.Complex):  # no element of a vector
                places = [builder.gep(pointer, [ir.IntType(64)(k)]) for k in range(4)]
                words = [context.unpack_value(builder, element, place) for place in places]
            else:
                vector = ir.VectorType(pointer.type.pointee, 4)
                loaded = builder.load(builder.bitcast(pointer, vector.as_pointer()))
                loaded.align = min(16, element.bitwidth // 2)  # in bytes: four elements, or 16 bytes
                words = [builder.extract_element(loaded, ir.IntType(32)(k)) for k in range(4)]
            return context.make_tuple(builder, signature.return_type, words)

        return types.UniTuple(element, 4)(memory, types.int64), codegen
