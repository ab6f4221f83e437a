"""float16 and bfloat16: stored in 16 bits, computed as float32.

Numba has no CPU arithmetic for either, so kernels hold both as uint16 words and convert on the way in and
out.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import SHARED


@intrinsic
def float_bits(typingctx, x):
    """The 32 bits of a float32, as uint32."""
    return types.uint32(types.float32), lambda context, builder, sig, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@intrinsic
def bits_float(typingctx, x):
    """The float32 with these 32 bits."""
    return types.float32(types.uint32), lambda context, builder, sig, args: builder.bitcast(
        args[0], ir.FloatType()
    )


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


@callee
def from_bfloat16(word):
    """The value of a bfloat16 word, as float32: its 16 bits are the upper half of a float32."""
    return bits_float(np.uint32(word) << np.uint32(16))


@callee
def to_bfloat16(x):
    """A float32 rounded to the nearest bfloat16 word, ties to even; NaN stays NaN."""
    bits = float_bits(x)
    rounded = np.uint16(
        (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    )
    return np.uint16(0x7FC0) if x != x else rounded


@callee
def double_to_float16(x):
    """A float64 rounded to float32, and that to the nearest float16 word, by integers: LLVM would make one rounding of the two,
    for a copysign's result by a function that no library here has. After F. Giesen's float_to_half_fast3_rtne."""
    bits = float_bits(np.float32(x))
    size = np.uint32(bits & np.uint32(0x7FFFFFFF))
    odd = (size >> np.uint32(13)) & np.uint32(1)
    rounded = np.uint32(size + odd + np.uint32(0xC8000FFF))  # the exponent less 112
    normal = rounded >> np.uint32(13)
    subnormal = np.uint32(float_bits(bits_float(size) + np.float32(0.5)) - np.uint32(0x3F000000))
    word = subnormal if size < np.uint32(113 << 23) else normal
    beyond = np.uint32(0x7E00) if size > np.uint32(0x7F800000) else np.uint32(0x7C00)
    word = beyond if size >= np.uint32(143 << 23) else word
    return np.uint16(word | ((bits >> np.uint32(16)) & np.uint32(0x8000)))


def wide_vectors(builder, pointers: list, count: int, element: types.Type, bfloat) -> list:
    """LLVM: the `count` neighbours at each pointer to `element`, as a kernel computes with them; uint16 words are of
    float16, or of bfloat16 where the integer `bfloat` is not 0."""
    values = []
    for pointer in pointers:
        vector = ir.VectorType(pointer.type.pointee, count).as_pointer()
        values.append(builder.load(builder.bitcast(pointer, vector), align=element.bitwidth // 8))
    if element != types.uint16:
        return values
    half, single, double = (
        ir.VectorType(lane, count) for lane in (ir.HalfType(), ir.FloatType(), ir.IntType(32))
    )
    up = ir.Constant(double, [16] * count)
    with builder.if_else(builder.icmp_signed("!=", bfloat, bfloat.type(0))) as (upper, extended):
        with upper:
            one = [builder.bitcast(builder.shl(builder.zext(value, double), up), single) for value in values]
            after_one = builder.block
        with extended:
            other = [builder.fpext(builder.bitcast(value, half), single) for value in values]
            after_other = builder.block
    wide = [builder.phi(single) for _ in values]
    for phi, *incoming in zip(wide, one, other):
        phi.add_incoming(incoming[0], after_one)
        phi.add_incoming(incoming[1], after_other)
    return wide


def load(pointer, i, bfloat):
    """Element i of a kernel's argument: of uint16 words the value of a float16, or with `bfloat` of a
    bfloat16."""
    raise NotImplementedError("for kernels")


def store(pointer, i, value, bfloat):
    """Element i = value; the other way round."""
    raise NotImplementedError("for kernels")


@overload(load, jit_options=SHARED)
def _load(pointer, i, bfloat):
    if pointer.dtype != types.uint16:
        return lambda pointer, i, bfloat: pointer[i]
    return lambda pointer, i, bfloat: from_bfloat16(pointer[i]) if bfloat else from_float16(pointer[i])


@overload(store, jit_options=SHARED)
def _store(pointer, i, value, bfloat):
    if pointer.dtype != types.uint16:

        def plain(pointer, i, value, bfloat):
            pointer[i] = value

        return plain

    def narrow(pointer, i, value, bfloat):
        single = np.float32(value)
        pointer[i] = to_bfloat16(single) if bfloat else to_float16(single)

    return narrow
