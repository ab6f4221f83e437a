"""The exponential of many small matrices.

`LANES` matrices lie side by side, so that what is done to one element is done to a vector of them:

    element (0, 0) of each, element (0, 1) of each, ...

Scaling and squaring: the Taylor polynomial of degree 16 of A / 2ˢ by six products (Paterson and Stockmeyer), squared s
times. Each matrix has its own s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import factorial, inf

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy import int64

from numbatorch_kernels import parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.tile import load, store
from numbatorch_kernels.local import local, local_like
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.vecmath.values import Value, fma

LANES = 16
LARGEST = 8  # rows of a matrix, so that what is made of them stays in the cache next to the processor
ROOM = 6 * LARGEST * LARGEST * LANES  # elements that a share works in
GRAIN = 1 << 10  # elements of matrices worth a thread
_TAYLOR = np.array([1 / factorial(k) for k in range(17)])


@intrinsic
def _multiply(typingctx, c, a, b, n):
    """c = a b for `LANES` matrices side by side, n x n; c is neither of the two."""

    def codegen(context, builder, signature, args):
        c_, a_, b_, n = args
        vector = ir.VectorType(context.get_value_type(c.dtype), LANES)
        total = cgutils.alloca_once(builder, vector)

        def at(pointer, row, column):
            place = builder.add(builder.mul(row, n), column)
            return builder.gep(pointer, [builder.mul(place, n.type(LANES))])

        def value(pointer, row, column):
            return Value(builder, load(builder, at(pointer, row, column), vector, c.dtype))

        with cgutils.for_range(builder, n) as row, cgutils.for_range(builder, n) as column:
            builder.store(ir.Constant(vector, None), total)
            with cgutils.for_range(builder, n) as k:
                factors = value(a_, row.index, k.index), value(b_, k.index, column.index)
                builder.store(fma(*factors, Value(builder, builder.load(total))).llvm, total)
            store(builder, builder.load(total), at(c_, row.index, column.index), c.dtype)
        return context.get_dummy_value()

    return types.void(c, a, b, types.intp), codegen


@callee
def _halvings(matrix, n, radius):
    """How often a matrix is to be halved for its norm, the largest sum of a column, to be at most `radius`."""
    largest = element(matrix, 0)
    for j in range(n):
        total = element(matrix, 0)
        for i in range(n):
            total += abs(matrix[i * n + j])
        largest = max(largest, total)
    count = 0
    while radius < largest < inf:
        largest *= element(matrix, 0.5)
        count += 1
    return count


def exponential_kernel(out, matrices, n, radius, taylor, count, start, stop):
    """`LANES` matrices for each of start:stop, of `count` in all. They are contiguous."""
    size = n * n
    length, radius, half = size * LANES, element(out, radius), element(out, 0.5)
    first = local_like(out, ROOM)
    second, third, fourth = offset(first, length), offset(first, 2 * length), offset(first, 3 * length)
    result, product = offset(first, 4 * length), offset(first, 5 * length)
    halvings = local(int64, LANES)
    for group in range(start, stop):
        begin = group * LANES
        there, most = min(LANES, count - begin), 0
        for lane in range(LANES):
            matrix = offset(matrices, (begin + min(lane, there - 1)) * size)  # the last stands in for more
            halvings[lane] = _halvings(matrix, n, radius)
            most = max(most, halvings[lane])
            factor = element(out, 1)
            for _ in range(halvings[lane]):
                factor *= half
            for k in range(size):
                first[k * LANES + lane] = matrix[k] * factor
        _multiply(second, first, first, n)
        _multiply(third, second, first, n)
        _multiply(fourth, second, second, n)
        highest = element(out, taylor[16])
        for k in range(length):
            product[k] = fourth[k] * highest
        for step in range(4):
            low = 12 - 4 * step
            c0, c1 = element(out, taylor[low]), element(out, taylor[low + 1])
            c2, c3 = element(out, taylor[low + 2]), element(out, taylor[low + 3])
            if step:
                _multiply(product, result, fourth, n)
            for k in range(length):
                result[k] = product[k] + c1 * first[k] + c2 * second[k] + c3 * third[k]
            for i in range(n):
                for lane in range(LANES):
                    result[i * (n + 1) * LANES + lane] += c0
        for done in range(most):
            _multiply(product, result, result, n)
            for lane in range(LANES):
                if halvings[lane] > done:
                    for k in range(size):
                        result[k * LANES + lane] = product[k * LANES + lane]
        for lane in range(there):
            for k in range(size):
                out[(begin + lane) * size + k] = result[k * LANES + lane]


@cache
def _entry(code: str) -> Callable:
    return compiled(exponential_kernel, code, code, int, float, "f8", *[int] * 3)


def exponential(out: np.ndarray, matrices: np.ndarray, radius: float) -> None:
    """out = the exponentials of contiguous matrices (..., n, n) of float32 or float64, n at most `LARGEST`. Where the norm
    of a matrix is at most `radius`, the polynomial alone is exact."""
    n = matrices.shape[-1]
    count, grain = matrices.size // (n * n), max(1, GRAIN // (LANES * n * n))
    entry = _entry(matrices.dtype.char)
    parallel.run(entry, -(-count // LANES), grain, out, matrices, n, radius, _TAYLOR, count)
