"""Rounding, and the other functions of floats that are single instructions: LLVM intrinsics under the names
that kernels use."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _llvm(name: str, arity: int, element: types.Float):
    """The LLVM intrinsic `llvm.<name>` on float32 or float64."""

    def build(typingctx, *args):
        def codegen(context, builder, signature, values):
            word = context.get_value_type(element)
            suffix = "f32" if element is types.float32 else "f64"
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(word, [word] * arity), f"llvm.{name}.{suffix}"
            )
            return builder.call(function, values)

        return element(*[element] * arity), codegen

    if arity == 1:
        return intrinsic(lambda typingctx, x: build(typingctx, x))
    if arity == 2:
        return intrinsic(lambda typingctx, x, y: build(typingctx, x, y))
    return intrinsic(lambda typingctx, x, y, z: build(typingctx, x, y, z))


floor_f32, floor_f64 = _llvm("floor", 1, types.float32), _llvm("floor", 1, types.float64)
ceil_f32, ceil_f64 = _llvm("ceil", 1, types.float32), _llvm("ceil", 1, types.float64)
trunc_f32, trunc_f64 = _llvm("trunc", 1, types.float32), _llvm("trunc", 1, types.float64)
rint_f32, rint_f64 = _llvm("rint", 1, types.float32), _llvm("rint", 1, types.float64)
copysign_f32, copysign_f64 = _llvm("copysign", 2, types.float32), _llvm("copysign", 2, types.float64)
maximum_f32, maximum_f64 = (
    _llvm("maximum", 2, types.float32),
    _llvm("maximum", 2, types.float64),
)  # NaN if either is
minimum_f32, minimum_f64 = _llvm("minimum", 2, types.float32), _llvm("minimum", 2, types.float64)

fma_f32, fma_f64 = _llvm("fmuladd", 3, types.float32), _llvm("fmuladd", 3, types.float64)


def _remainder(element: types.Float):
    """C's fmod: the remainder with the sign of the dividend."""

    @intrinsic
    def fmod(typingctx, x, y):
        return element(element, element), lambda context, builder, signature, values: builder.frem(*values)

    return fmod


fmod_f32, fmod_f64 = _remainder(types.float32), _remainder(types.float64)
