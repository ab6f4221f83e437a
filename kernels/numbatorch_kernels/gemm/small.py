"""The product of two small matrices: one native call from Python makes the result and multiplies.

To ask for shapes, allocate and pass a dozen arguments takes Python as long as a matrix of 50 x 50 takes the machine.
`product(a, b)` and `layer(x, weight, bias)` are the kernel of `blocked.py` without that; the answer is None where the
operands are anything but small matrices that fit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from math import inf

import numpy as np
from numba import types

from numbatorch_kernels import memory, python
from numbatorch_kernels.call import ENTRY, builtin, outcome
from numbatorch_kernels.callee import callee
from numbatorch_kernels.gemm.blocked import SCRATCH_BYTES
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import address_of, bits, call, letters, words

SMALL = 1 << 18  # multiplications: some 5 us, in which the GIL is kept and one scratch serves all threads
_WHOLE = 1 << 28  # rows and columns of a piece that is the whole matrix

_DTYPE, _SCRATCH = 2, 3  # words of `self`, behind ENTRY and NONE
_FIELDS = 6  # of an array object: see `python.ARRAY_DATA`


@callee
def _sizes(array):
    """Where the sizes of a matrix are; 0 if the array is none."""
    matrix = letters(array + 8 * python.ARRAY_NDIM)[0] == 2
    return words(array)[python.ARRAY_SIZES] if matrix else 0


@callee
def _multiply(self, a, b, bias, m, n, k):
    """A new array with the product of two arrays, which are matrices, and the sum with another, unless that is 0."""
    own = words(self)
    if m < 2 or n < 2 or k < 1 or m * n * k > SMALL:  # vectors have a kernel of their own
        return outcome(self, 0)
    sizes = local(types.int64, 2)
    sizes[0], sizes[1] = m, n
    python.count_reference(own[_DTYPE])
    out = python.new_array(2, address_of(sizes), own[_DTYPE], 0)
    if out == 0:
        return 0
    slots = local(types.int64, 13)
    slots[0], slots[1], slots[2], slots[3] = out, a, b, bias if bias != 0 else out
    slots[4], slots[5], slots[6] = bits(1.0), bits(1.0 if bias != 0 else 0.0), bits(-inf)
    slots[7], slots[8], slots[9] = _WHOLE, _WHOLE, own[_SCRATCH]
    slots[10], slots[11], slots[12] = 1, 0, 1
    call(own[ENTRY], address_of(slots))
    return out


def _product(bytes_, arguments, count):
    """product(a, b): a METH_FASTCALL function of CPython."""
    self, items = python.bytes_data(bytes_), words(arguments)
    if count != 2:
        python.bad_argument()
        return 0
    x, y = _sizes(items[0]), _sizes(items[1])
    if x == 0 or y == 0 or words(x)[1] != words(y)[0]:
        return outcome(self, 0)
    return _multiply(self, items[0], items[1], 0, words(x)[0], words(y)[1], words(x)[1])


def _layer(bytes_, arguments, count):
    """layer(x, weight, bias): a METH_FASTCALL function of CPython."""
    self, items = python.bytes_data(bytes_), words(arguments)
    if count != 3:
        python.bad_argument()
        return 0
    x, y, bias = _sizes(items[0]), _sizes(items[1]), items[2]
    if x == 0 or y == 0 or words(x)[1] != words(y)[1]:
        return outcome(self, 0)
    if (
        letters(bias + 8 * python.ARRAY_NDIM)[0] != 1
        or words(words(bias)[python.ARRAY_SIZES])[0] != words(y)[0]
    ):
        return outcome(self, 0)
    # The weight's transpose, as an array object of which only what a kernel reads is there.
    fields, turned = local(types.int64, _FIELDS), local(types.int64, 4)
    steps = words(words(items[1])[python.ARRAY_STRIDES])
    turned[0], turned[1], turned[2], turned[3] = words(y)[1], words(y)[0], steps[1], steps[0]
    fields[python.ARRAY_DATA], fields[python.ARRAY_NDIM] = words(items[1])[python.ARRAY_DATA], 2
    fields[python.ARRAY_SIZES], fields[python.ARRAY_STRIDES] = address_of(turned), address_of(turned) + 16
    return _multiply(self, items[0], address_of(fields), bias, words(x)[0], words(y)[0], words(x)[1])


@cache
def _scratch() -> np.ndarray:
    return memory.empty((SCRATCH_BYTES,), np.dtype(np.uint8))


def _callable(function: Callable, entry: Callable, dtype: np.dtype) -> Callable:
    own: bytes = entry.__self__  # type: ignore[attr-defined]  # of a builtin
    fields = (*struct.unpack_from("qq", own), id(dtype), _scratch().ctypes.data)
    return builtin(function, struct.pack("4q", *fields))


def product(entry: Callable, dtype: np.dtype) -> Callable:
    """`product(a, b)` of arrays of this dtype: a new array, or None. `entry` is `blocked_product` for the dtype."""
    return _callable(_product, entry, dtype)


def layer(entry: Callable, dtype: np.dtype) -> Callable:
    """`layer(x, weight, bias)`, which is x @ weight.T + bias, of arrays of this dtype: a new array, or None."""
    return _callable(_layer, entry, dtype)
