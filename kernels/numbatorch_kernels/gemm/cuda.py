"""Matrix products on CUDA: a block of threads computes a tile of the result, one element a thread.

    for every k, TILE at a time:                 +-----+
        each thread puts one element of a        |  b  |  TILE x TILE in shared memory
        and one of b into shared memory;         +-----+
        then each adds up TILE products    +-----+-----+
        from there.                        |  a  | out |
                                           +-----+-----+

So an element that comes from memory is used TILE times. Tiles go beyond the edges of the matrices, where
zeros stand in. Both operands have any strides: neighbouring threads read what lies next to each other in
memory.

There is one text, `product`, and a kernel of it for each dtype: shared memory needs to know what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType

import numpy as np
from numba.np.numpy_support import from_dtype

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.half import from_bfloat16, from_float16, to_bfloat16, to_float16
from numbatorch_kernels.cuda.launch import Kernel, compiled

TILE = 4 if compat.SIMULATED else 16
AREA = TILE * TILE
WAVES = 16  # tiles at a time for each multiprocessor: more than it can hold


@device_function
def same(x):
    """What is stored is what is computed with."""
    return x


ELEMENT, load, store = np.float32, same, same  # of the dtype: each kernel has its own


def product(out, a, b, bias, geometry, alpha, beta):
    """out = alpha * a @ b + beta * bias; bias is not read where beta is 0.

    `geometry` has the sizes of the two axes of the batch, m, n, k, and for out, a, b and bias the strides in
    elements along the axes of the batch, rows and columns.
    """
    shared_a = cuda.shared.array(AREA, ELEMENT)
    shared_b = cuda.shared.array(AREA, ELEMENT)
    batches, inner, m, n, k = geometry[0], geometry[1], geometry[2], geometry[3], geometry[4]
    a_row, a_column, b_row, b_column = geometry[11], geometry[12], geometry[15], geometry[16]
    thread = cuda.threadIdx.x
    row, column = thread // TILE, thread % TILE
    # Which element of its tile of a and b a thread fetches: the next thread's is the next in memory.
    a_i, a_k = (row, column) if a_column == 1 else (column, row)
    b_k, b_j = (row, column) if b_column == 1 else (column, row)
    across = (n + TILE - 1) // TILE
    tiles = (m + TILE - 1) // TILE * across
    for tile in range(cuda.blockIdx.x, batches * inner * tiles, cuda.gridDim.x):
        one, other = tile // tiles // inner, tile // tiles % inner
        i0, j0 = tile % tiles // across * TILE, tile % across * TILE
        a_begin = one * geometry[9] + other * geometry[10] + (i0 + a_i) * a_row
        b_begin = one * geometry[13] + other * geometry[14] + (j0 + b_j) * b_column
        total = ELEMENT(0)
        for k0 in range(0, k, TILE):
            left, right = ELEMENT(0), ELEMENT(0)
            if i0 + a_i < m and k0 + a_k < k:
                left = load(a[a_begin + (k0 + a_k) * a_column])
            if j0 + b_j < n and k0 + b_k < k:
                right = load(b[b_begin + (k0 + b_k) * b_row])
            shared_a[a_i * TILE + a_k] = left
            shared_b[b_k * TILE + b_j] = right
            cuda.syncthreads()
            for step in range(TILE):
                total += shared_a[row * TILE + step] * shared_b[step * TILE + column]
            cuda.syncthreads()
        i, j = i0 + row, j0 + column
        if i < m and j < n:
            value = ELEMENT(alpha) * total
            if beta != 0:
                place = one * geometry[17] + other * geometry[18] + i * geometry[19] + j * geometry[20]
                value += ELEMENT(beta) * load(bias[place])
            place = one * geometry[5] + other * geometry[6] + i * geometry[7] + j * geometry[8]
            out[place] = store(value)


def _product(name: str, element: type, load: Callable = same, store: Callable = same) -> FunctionType:
    """`product` for one dtype: `load` makes an `element` of what is in memory, `store` the reverse."""
    names = product.__globals__ | {"ELEMENT": element, "load": load, "store": store}
    kernel = FunctionType(product.__code__, names, product.__name__)
    kernel.__qualname__ = name
    return kernel


product_u1 = _product("product_u1", np.uint8)
product_i1 = _product("product_i1", np.int8)
product_i2 = _product("product_i2", np.int16)
product_i4 = _product("product_i4", np.int32)
product_i8 = _product("product_i8", np.int64)
product_f2 = _product("product_f2", np.float32, from_float16, to_float16)
product_u2 = _product("product_u2", np.float32, from_bfloat16, to_bfloat16)
product_f4 = _product("product_f4", np.float32)
product_f8 = _product("product_f8", np.float64)
product_c8 = _product("product_c8", np.complex64)
product_c16 = _product("product_c16", np.complex128)


@cache
def _kernel(dtype: np.dtype) -> tuple[Kernel, type]:
    """The kernel for a dtype, and the Python type of the numbers that it takes. uint16 is bfloat16."""
    function = globals()[f"product_{dtype.str[1:]}"]
    number = from_dtype(np.dtype(function.__globals__["ELEMENT"]))
    kind = {"f": float, "c": complex, "u": int, "i": int}["f" if dtype.str[1:] == "u2" else dtype.kind]
    return compiled(function, *[dtype] * 4, "i8", number, number), kind


def _strides(array: DeviceArray) -> list[int]:
    """In elements, along the axes of the batch, rows and columns; 0 for axes that there are not, and for those of
    a batch of size 1, which repeat."""
    steps = [stride // array.itemsize for stride in array.strides]
    steps[:-2] = [0 if size == 1 else step for size, step in zip(array.shape[:-2], steps)]
    return [0] * (4 - array.ndim) + steps


def gemm(out: DeviceArray, a: DeviceArray, b: DeviceArray, bias: DeviceArray | None = None, alpha=1, beta=1):
    """As `gemm` on the CPU; out and bias have any strides too."""
    if not out.size:
        return
    if bias is None:
        bias, beta = out, 0
    m, n = out.shape[-2:]
    sizes = [*(1, 1, *out.shape)[-4:], a.shape[-1]]
    geometry = np.array(sum(map(_strides, (out, a, b, bias)), sizes), np.int64)
    kernel, number = _kernel(out.dtype)
    tiles = out.size // (m * n) * -(-m // TILE) * -(-n // TILE)
    blocks = min(tiles, WAVES * compat.multiprocessors(out.device))
    kernel(blocks, AREA, out, a, b, bias, geometry, number(alpha), number(beta))
