"""Matrix products on CUDA: by cuBLAS where it is installed, otherwise `cuda.tiles.product` of operands with any strides."""

from __future__ import annotations

from numbatorch_kernels.cuda import blas, tiles
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.tiles import HEAD, INDEX, LARGE, LINES, kernels, lane
from numbatorch_kernels.cuda.variants import ByDtype

# Behind the head of the geometry: the size of the second axis of the batch, and the strides of out, a, b and bias in
# elements, along the two axes of the batch, rows and columns.
INNER, OUT, LEFT, RIGHT, BIAS = HEAD, HEAD + 1, HEAD + 5, HEAD + 9, HEAD + 13


def left_of(geometry, group, i, k):
    begin = group // geometry[INNER] * geometry[LEFT] + group % geometry[INNER] * geometry[LEFT + 1]
    begin += i * geometry[LEFT + 2] + k * geometry[LEFT + 3]
    return INDEX(begin), INDEX(LINES * geometry[LEFT + 2]), INDEX(geometry[LEFT + 3])


def right_of(geometry, group, j, k):
    begin = group // geometry[INNER] * geometry[RIGHT] + group % geometry[INNER] * geometry[RIGHT + 1]
    begin += k * geometry[RIGHT + 2] + j * geometry[RIGHT + 3]
    return INDEX(begin), INDEX(LINES * geometry[RIGHT + 3]), INDEX(geometry[RIGHT + 2])


def element(table, geometry, of, k, e):
    return INDEX(of[0] + e * of[1] + k * of[2])


def rows_of(geometry, group):
    one, other = group // geometry[INNER], group % geometry[INNER]
    begin, bias = (
        one * geometry[OUT] + other * geometry[OUT + 1],
        one * geometry[BIAS] + other * geometry[BIAS + 1],
    )
    return begin, geometry[OUT + 2], bias, geometry[BIAS + 2]


def column_of(geometry, j):
    return j * geometry[OUT + 3], j * geometry[BIAS + 3]


STRIDED = {
    "left_lane": lane, "left_of": left_of, "left": element, "right_lane": lane, "right_of": right_of, "right": element,
    "rows_of": rows_of, "column_of": column_of,
}  # fmt: skip

products = ByDtype(
    u1=kernels("products.u1", "u1", STRIDED),
    i1=kernels("products.i1", "i1", STRIDED),
    i2=kernels("products.i2", "i2", STRIDED),
    i4=kernels("products.i4", "i4", STRIDED),
    i8=kernels("products.i8", "i8", STRIDED),
    f2=kernels("products.f2", "f2", STRIDED, LARGE),
    u2=kernels("products.u2", "u2", STRIDED),  # bfloat16
    f4=kernels("products.f4", "f4", STRIDED, LARGE),
    f8=kernels("products.f8", "f8", STRIDED),
    c8=kernels("products.c8", "c8", STRIDED),
    c16=kernels("products.c16", "c16", STRIDED),
)


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
    if matrices := blas.operands(out, a, b):
        if bias is not out:  # cuBLAS adds to what is there
            gemm(out, a[..., :0], b[..., :0, :], bias)
        blas.product(matrices, out, a.shape[-1], alpha, beta)
        return
    outer, inner, m, n = (1, 1, *out.shape)[-4:]
    of_out, of_a, of_b, of_bias = map(_strides, (out, a, b, bias))
    numbers = [of_a[3], of_b[2], inner, *of_out, *of_a, *of_b, *of_bias]
    tiles.run(
        products.of(out.dtype), out, a, b, bias, out, (outer * inner, m, n, a.shape[-1]), numbers, alpha, beta
    )
