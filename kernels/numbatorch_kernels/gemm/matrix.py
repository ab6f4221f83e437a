"""`Matrix(element)`: a kernel argument that brings sizes and strides along, read from the NumPy array itself.

A product has three operands of two or three dimensions: some twenty numbers a call. As a Matrix each costs
what a pointer costs, and one compiled kernel serves every rank and layout. Axes count from the end:
`size(a, 1)` is the number of columns, `size(a, 2)` of rows, `size(a, 3)` and `size(a, 4)` those of a batch of
matrices. An axis that an array lacks has size 1 and stride 0: a vector is a row which repeats, a matrix is a
batch which repeats.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, make_attribute_wrapper, models, register_model
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import python
from numbatorch_kernels.callee import callee
from numbatorch_kernels.pointer import FromObject, Pointer, offset

_WORD = ir.IntType(64)

# words of float16 and bfloat16: the same bits to Numba, told apart by the names of their types
FLOAT16 = types.Integer("float16_word", 16, signed=False)
BFLOAT16 = types.Integer("bfloat16_word", 16, signed=False)
_WORDS = {np.dtype(np.float16): FLOAT16, np.dtype(np.uint16): BFLOAT16}


class Matrix(FromObject):
    """The address, sizes and strides (in bytes) of an array of one element type."""

    def __init__(self, element: types.Type):
        self.element = element
        super().__init__(f"Matrix({element})")

    def read(self, context, builder, words):
        def word(index, of):
            return builder.load(builder.bitcast(builder.gep(words, [_WORD(index)]), of.as_pointer()))

        value = cgutils.create_struct_proxy(self)(context, builder)
        value.data = word(python.ARRAY_DATA, context.get_value_type(Pointer(self.element)))
        value.ndim = builder.zext(word(python.ARRAY_NDIM, ir.IntType(32)), _WORD)
        value.sizes = word(python.ARRAY_SIZES, _WORD.as_pointer())
        value.strides = word(python.ARRAY_STRIDES, _WORD.as_pointer())
        return value._getvalue()


def matrix(dtype: np.dtype) -> Matrix:
    """The argument type for arrays of `dtype`; uint16 is how bfloat16 is stored."""
    return Matrix(_WORDS.get(dtype) or from_dtype(dtype))


@register_model(Matrix)
class _MatrixModel(models.StructModel):
    def __init__(self, manager, matrix):
        sizes = types.CPointer(types.intp)
        super().__init__(manager, matrix, [
            ("data", Pointer(matrix.element)), ("ndim", types.intp), ("sizes", sizes), ("strides", sizes),
        ])  # fmt: skip


make_attribute_wrapper(Matrix, "data", "data")


def _axis(context, builder, signature, args, member):
    """The value for one axis in a table of sizes or strides, and whether the array has that axis."""
    array = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
    index = builder.sub(array.ndim, args[1])
    exists = builder.icmp_signed(">=", index, index.type(0))
    there = builder.gep(getattr(array, member), [builder.select(exists, index, index.type(0))])
    return builder.load(there), exists


@intrinsic
def size(typingctx, array, axis):
    """How long axis 1 (columns), 2 (rows) or 3 (batch) of an array is; 1 where it has no such axis."""

    def codegen(context, builder, signature, args):
        value, exists = _axis(context, builder, signature, args, "sizes")
        return builder.select(exists, value, value.type(1))

    return types.intp(array, types.intp), codegen


@intrinsic
def stride(typingctx, array, axis):
    """How many elements apart neighbours on an axis lie; 0 where the array has no such axis."""

    def codegen(context, builder, signature, args):
        value, exists = _axis(context, builder, signature, args, "strides")
        elements = builder.sdiv(value, value.type(array.element.bitwidth // 8))
        return builder.select(exists, elements, value.type(0))

    return types.intp(array, types.intp), codegen


@callee
def matrices(array):
    """How many matrices there are in a batch."""
    return size(array, 4) * size(array, 3)


@callee
def nth(array, batch, out):
    """Where the matrix begins that belongs to matrix number `batch` of `out`; along axes of size 1, and those
    that `array` lacks, the same one repeats."""
    start, inner = 0, batch
    if size(out, 4) > 1:  # seldom: to divide takes as long as to multiply small matrices
        inner = batch % size(out, 3)
        start = batch // size(out, 3) * stride(array, 4) if size(array, 4) > 1 else 0
    return offset(array.data, start + inner * stride(array, 3) if size(array, 3) > 1 else start)


@intrinsic
def element(typingctx, pointer, number):
    """`number` as an element of what `pointer` points to."""
    return pointer.dtype(pointer, pointer.dtype), lambda context, builder, sig, args: args[1]


@intrinsic
def alike(typingctx, one, other):
    """Whether two pointers point to the same type."""
    same = one.dtype == other.dtype
    return types.boolean(one, other), lambda context, builder, sig, args: ir.IntType(1)(int(same))


@intrinsic
def reinterpret(typingctx, pointer, like):
    """The same address as a pointer to what `like` points to."""
    return like(pointer, like), lambda context, builder, sig, args: builder.bitcast(args[0], args[1].type)
