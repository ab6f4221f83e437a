"""float16 and bfloat16 in CUDA kernels, as in `numbatorch_kernels.half`: 16 bits in memory, float32 in
registers."""

from __future__ import annotations

import numpy as np

from numbatorch_kernels.cuda import compat

if compat.SIMULATED:

    def from_float16(word):
        """The value of a float16 word, as float32."""
        return np.float32(word.view(np.float16))

    def to_float16(x):
        """A float32 rounded to the nearest float16 word."""
        return np.float16(x).view(np.uint16)

    def from_bfloat16(word):
        """The value of a bfloat16 word, as float32: its 16 bits are the upper half of a float32."""
        return (np.uint32(word) << np.uint32(16)).view(np.float32)

    def to_bfloat16(x):
        """A float32 rounded to the nearest bfloat16 word, ties to even; NaN stays NaN."""
        bits = int(x.view(np.uint32))
        return np.uint16(0x7FC0) if x != x else np.uint16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)

else:
    from llvmlite import ir

    types, intrinsic = compat.types, compat.extending.intrinsic

    @intrinsic
    def from_float16(typingctx, word):
        """The value of a float16 word, as float32."""

        def codegen(context, builder, signature, args):
            return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

        return types.float32(types.uint16), codegen

    @intrinsic
    def to_float16(typingctx, x):
        """A float32 rounded to the nearest float16 word."""

        def codegen(context, builder, signature, args):
            return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

        return types.uint16(types.float32), codegen

    @intrinsic
    def from_bfloat16(typingctx, word):
        """The value of a bfloat16 word, as float32: its 16 bits are the upper half of a float32."""

        def codegen(context, builder, signature, args):
            i32 = ir.IntType(32)
            return builder.bitcast(builder.shl(builder.zext(args[0], i32), i32(16)), ir.FloatType())

        return types.float32(types.uint16), codegen

    @intrinsic
    def to_bfloat16(typingctx, x):
        """A float32 rounded to the nearest bfloat16 word, ties to even; NaN stays NaN."""

        def codegen(context, builder, signature, args):
            i16, i32 = ir.IntType(16), ir.IntType(32)
            bits = builder.bitcast(args[0], i32)
            odd = builder.and_(builder.lshr(bits, i32(16)), i32(1))
            rounded = builder.lshr(builder.add(bits, builder.add(odd, i32(0x7FFF))), i32(16))
            is_nan = builder.fcmp_unordered("uno", args[0], args[0])
            return builder.select(is_nan, i16(0x7FC0), builder.trunc(rounded, i16))

        return types.uint16(types.float32), codegen
