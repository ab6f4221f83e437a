"""A kernel's call that makes the array for its result: all that a small operation takes, in one native call.

The Python callable of a kernel gets its result from outside, `entry(out, a, b, 0, n)`: to ask for shapes, allocate and
pass the arguments takes Python longer than a few hundred elements take the machine. `making(entry, dtype)` is the
same kernel as `call(a, b)`, which gives a new array, or a tuple of them; or None where the call is not so simple.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod

import numpy as np
from numba import types

from numbatorch_kernels import python
from numbatorch_kernels.call import ARRAY, COUNT, ENTRY, LETTERS, NONE, SLOTS, builtin, fill, outcome
from numbatorch_kernels.callee import callee
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import address_of, call, letters, words

SMALL = 1 << 14  # elements of a result; the GIL is kept meanwhile

# Words behind the letters of `self`, which begin on a whole word: how many results and of what dtype; their shape, if
# it is known: elements, dimensions, sizes.
_OUTPUTS, _DTYPE, _SIZE, _NDIM, _SIZES = range(5)
_UNKNOWN = -1


@callee
def _common_size(kinds, items, count):
    """The elements of each of the arrays, all of one shape; -1 where there are several shapes."""
    first = words(items[0])
    ndim, sizes = letters(items[0] + 8 * python.ARRAY_NDIM)[0], words(first[python.ARRAY_SIZES])
    size = 1
    for d in range(ndim):
        size *= sizes[d]
    for k in range(1, count):
        if kinds[k] == ARRAY:
            other = words(words(items[k])[python.ARRAY_SIZES])
            if letters(items[k] + 8 * python.ARRAY_NDIM)[0] != ndim:
                return -1
            for d in range(ndim):
                if other[d] != sizes[d]:
                    return -1
    return size


def make(bytes_, arguments, count):
    """Call the kernel that `bytes_` tells of with a new array for its result: a METH_FASTCALL function of CPython."""
    self = python.bytes_data(bytes_)
    if count != words(self)[COUNT]:
        python.bad_argument()
        return 0
    items, result = words(arguments), words(self + 8 * LETTERS + (count + 7) // 8 * 8)
    size, ndim, sizes = result[_SIZE], result[_NDIM], address_of(result) + 8 * _SIZES
    if size == _UNKNOWN:
        size = _common_size(letters(self + 8 * LETTERS), items, count)
        if size < 0 or size > SMALL:
            return outcome(self, 0)
        ndim = letters(items[0] + 8 * python.ARRAY_NDIM)[0]
        sizes = words(items[0])[python.ARRAY_SIZES]
    slots = local(types.int64, SLOTS)
    outputs = result[_OUTPUTS]
    answer = python.new_tuple(outputs) if outputs > 1 else 0
    for k in range(outputs):
        python.count_reference(result[_DTYPE])
        out = python.new_array(ndim, sizes, result[_DTYPE], 0)
        if out == 0:
            if answer != 0:
                python.drop_reference(answer)
            return 0
        slots[k] = words(out)[python.ARRAY_DATA]
        if outputs > 1:
            python.set_item(answer, k, out)
        else:
            answer = out
    used = outputs + fill(words(address_of(slots) + 8 * outputs), self, items, count)
    slots[used], slots[used + 1] = 0, size
    if python.error() != 0 or call(words(self)[ENTRY], address_of(slots)) != 0:
        python.drop_reference(answer)
        return 0 if python.error() != 0 else python.no_memory()
    return answer


def making(
    entry: Callable, dtype: np.dtype, shape: tuple[int, ...] | None = None, outputs: int = 1
) -> Callable:
    """The kernel `entry(*outs, *arguments, start, stop)` as a callable of the arguments that makes `outs`, arrays of this
    dtype and shape. Without a shape they are shaped like the arrays among the arguments, the first of which is one; where
    these have several shapes, or more than SMALL elements, the answer is None and nothing is done."""
    self: bytes = entry.__self__  # type: ignore[attr-defined]  # of a builtin
    point, none = (struct.unpack_from("q", self, 8 * word)[0] for word in (ENTRY, NONE))
    told = self[8 * LETTERS + outputs : -2]
    size, shape = (_UNKNOWN, ()) if shape is None else (prod(shape), shape)
    result = struct.pack(f"{4 + len(shape)}q", outputs, id(dtype), size, len(shape), *shape)
    return builtin(make, struct.pack("qqq", point, none, len(told)) + told + bytes(-len(told) % 8) + result)
