"""Convolutions on CUDA: matrix products, as in ../gemm/cuda.py, one operand of which is no matrix in memory: its element
is looked up in the image, with zeros outside.

                rows                        columns                      k, what is added up
    forward     channels of y               places of y, all images      channels of x, taps
    for_input   channels of x               places of x, all images      channels of y, taps
    for_weight  channels of y               channels of x, taps          places of y, all images

There is one text, `product`, and a kernel of it for each of these and each dtype. The numbers are those of
`conv.table_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from types import FunctionType

import numpy as np

from numbatorch_kernels.codes import Geometry
from numbatorch_kernels.conv import table_of
from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import Kernel, compiled
from numbatorch_kernels.gemm.cuda import AREA, TILE, WAVES

NUMBERS = 22  # of table_of; behind them: rows, columns, k, columns of an image, its elements, whether there is a bias


@device_function
def weight(w, table, group, channel, k, zero):
    """Channel of y by k."""
    rows, depth = table[NUMBERS], table[NUMBERS + 2]
    return w[(group * rows + channel) * depth + k]


@device_function
def weight_transposed(w, table, group, channel, k, zero):
    """Channel of x by k."""
    taps = table[9] * table[10] * table[11]
    return w[((group * (table[1] // table[0]) + k // taps) * table[2] + channel) * taps + k % taps]


@device_function
def gradient(y, table, group, channel, k, zero):
    """Channel of y by place."""
    places = table[3] * table[4] * table[5]
    return y[(k // places * table[1] + group * table[NUMBERS] + channel) * places + k % places]


@device_function
def patch(x, table, group, k, place, zero):
    """(Channel of x, tap) by place of y."""
    taps, places = table[9] * table[10] * table[11], table[3] * table[4] * table[5]
    tap, p = k % taps, place % places
    d = p // (table[4] * table[5]) * table[12] - table[15] + tap // (table[10] * table[11]) * table[18]
    h = p // table[5] % table[4] * table[13] - table[16] + tap // table[11] % table[10] * table[19]
    w = p % table[5] * table[14] - table[17] + tap % table[11] * table[20]
    if d < 0 or d >= table[6] or h < 0 or h >= table[7] or w < 0 or w >= table[8]:
        return zero
    plane = (place // places * table[0] + group) * table[2] + k // taps
    return x[((plane * table[6] + d) * table[7] + h) * table[8] + w]


@device_function
def patch_by_place(x, table, group, place, k, zero):
    return patch(x, table, group, k, place, zero)


@device_function
def reached(y, table, group, k, place, zero):
    """(Channel of y, tap) by place of x."""
    taps, places = table[9] * table[10] * table[11], table[6] * table[7] * table[8]
    tap, p = k % taps, place % places
    d = p // (table[7] * table[8]) + table[15] - tap // (table[10] * table[11]) * table[18]
    h = p // table[8] % table[7] + table[16] - tap // table[11] % table[10] * table[19]
    w = p % table[8] + table[17] - tap % table[11] * table[20]
    if d < 0 or h < 0 or w < 0 or d % table[12] or h % table[13] or w % table[14]:
        return zero
    d, h, w = d // table[12], h // table[13], w // table[14]
    if d >= table[3] or h >= table[4] or w >= table[5]:
        return zero
    plane = place // places * table[1] + group * (table[1] // table[0]) + k // taps
    return y[((plane * table[3] + d) * table[4] + h) * table[5] + w]


ELEMENT, left, right = np.float32, weight, patch  # each kernel has its own


def product(out, a, b, bias, table):
    """out[column // places, row, column % places] = the product, plus the bias of the row."""
    shared_a = cuda.shared.array(AREA, ELEMENT)
    shared_b = cuda.shared.array(AREA, ELEMENT)
    m, n, depth = table[NUMBERS], table[NUMBERS + 1], table[NUMBERS + 2]
    places, image, biased = table[NUMBERS + 3], table[NUMBERS + 4], table[NUMBERS + 5]
    row, column = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    across = (n + TILE - 1) // TILE
    tiles = (m + TILE - 1) // TILE * across
    zero = ELEMENT(0)
    for index in range(cuda.blockIdx.x, table[0] * tiles, cuda.gridDim.x):
        group = index // tiles
        i, j = index % tiles // across * TILE + row, index % tiles % across * TILE + column
        total = zero
        for k0 in range(0, depth, TILE):
            one, other = zero, zero
            if i < m and k0 + column < depth:
                one = left(a, table, group, i, k0 + column, zero)
            if j < n and k0 + row < depth:
                other = right(b, table, group, k0 + row, j, zero)
            shared_a[row * TILE + column] = one
            shared_b[row * TILE + column] = other
            cuda.syncthreads()
            for step in range(TILE):
                total += shared_a[row * TILE + step] * shared_b[step * TILE + column]
            cuda.syncthreads()
        if i < m and j < n:
            channel = group * m + i
            if biased:
                total += bias[channel]
            out[j // places * image + channel * places + j % places] = total


def _kernel(name: str, element: type, left: Callable, right: Callable) -> FunctionType:
    """`product` for one dtype and two operands."""
    names = product.__globals__ | {"ELEMENT": element, "left": left, "right": right}
    kernel = FunctionType(product.__code__, names, product.__name__)
    kernel.__qualname__ = name
    return kernel


forward_f4 = _kernel("forward_f4", np.float32, weight, patch)
forward_f8 = _kernel("forward_f8", np.float64, weight, patch)
forward_i8 = _kernel("forward_i8", np.int64, weight, patch)
for_input_f4 = _kernel("for_input_f4", np.float32, weight_transposed, reached)
for_input_f8 = _kernel("for_input_f8", np.float64, weight_transposed, reached)
for_input_i8 = _kernel("for_input_i8", np.int64, weight_transposed, reached)
for_weight_f4 = _kernel("for_weight_f4", np.float32, gradient, patch_by_place)
for_weight_f8 = _kernel("for_weight_f8", np.float64, gradient, patch_by_place)


@cache
def _compiled(name: str, dtype: np.dtype) -> Kernel:
    return compiled(globals()[f"{name}_{dtype.str[1:]}"], *[dtype] * 4, "i8")


def _launch(
    name: str, out: DeviceArray, a: DeviceArray, b: DeviceArray, bias: DeviceArray | None, numbers: list
) -> None:
    """`numbers`: the table of shapes and what is named at NUMBERS."""
    if not out.size:
        return
    rows, columns = numbers[NUMBERS], numbers[NUMBERS + 1]
    tiles = numbers[0] * -(-rows // TILE) * -(-columns // TILE)
    blocks = min(tiles, WAVES * compat.multiprocessors(out.device))
    table = np.array([*numbers, bias is not None], np.int64)
    _compiled(name, out.dtype)(blocks, AREA, out, a, b, a if bias is None else bias, table)


def forward(out: DeviceArray, x: DeviceArray, w: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    table = table_of(geometry, out.shape, x.shape, w.shape)
    places, rows = prod(out.shape[2:]), w.shape[0] // geometry.groups
    numbers = [rows, out.shape[0] * places, prod(w.shape[1:]), places, out.shape[1] * places]
    _launch("forward", out, w, x, bias, [*table, *numbers])


def for_input(out: DeviceArray, y: DeviceArray, w: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    table = table_of(geometry, y.shape, out.shape, w.shape)
    places, depth = prod(out.shape[2:]), w.shape[0] // geometry.groups * prod(w.shape[2:])
    numbers = [w.shape[1], out.shape[0] * places, depth, places, out.shape[1] * places]
    _launch("for_input", out, w, y, bias, [*table, *numbers])


def for_weight(out: DeviceArray, y: DeviceArray, x: DeviceArray, bias, geometry: Geometry) -> None:
    """As on the CPU; all arrays are contiguous."""
    table = table_of(geometry, y.shape, x.shape, out.shape)
    columns = prod(out.shape[1:])
    numbers = [out.shape[0] // geometry.groups, columns, y.shape[0] * prod(y.shape[2:]), columns, 0]
    _launch("for_weight", out, y, x, None, [*table, *numbers])
