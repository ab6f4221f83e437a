"""CPython's C API, as compiled code calls it: objects are addresses, int64. The GIL must be held.

Offsets of fields are those of CPython 3.11 to 3.13 and of NumPy's stable ABI.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import binding
from numba import types

_word = types.int64
_float = types.float64

bytes_data = types.ExternalFunction("PyBytes_AsString", _word(_word))
builtin_self = types.ExternalFunction("PyCFunction_GetSelf", _word(_word))
integer = types.ExternalFunction("PyLong_AsUnsignedLongLongMask", _word(_word))
floating = types.ExternalFunction("PyFloat_AsDouble", _float(_word))
real = types.ExternalFunction("PyComplex_RealAsDouble", _float(_word))
imaginary = types.ExternalFunction("PyComplex_ImagAsDouble", _float(_word))
count_reference = types.ExternalFunction("Py_IncRef", types.void(_word))
drop_reference = types.ExternalFunction("Py_DecRef", types.void(_word))
error = types.ExternalFunction("PyErr_Occurred", _word())
bad_argument = types.ExternalFunction("PyErr_BadArgument", types.int32())
new_tuple = types.ExternalFunction("PyTuple_New", _word(_word))
# Takes over a reference.
set_item = types.ExternalFunction("PyTuple_SetItem", types.int32(_word, _word, _word))
no_memory = types.ExternalFunction("PyErr_NoMemory", _word())
release_gil = types.ExternalFunction("PyEval_SaveThread", _word())
acquire_gil = types.ExternalFunction("PyEval_RestoreThread", types.void(_word))

# In words: struct { refcount; type; char *data; int ndim; npy_intp *sizes; npy_intp *strides; ... } PyArrayObject,
# struct { refcount; type; size; PyObject **items; ... } PyListObject.
ARRAY_DATA, ARRAY_NDIM, ARRAY_SIZES, ARRAY_STRIDES, LIST_ITEMS = 2, 3, 4, 5, 3


def _of_numpy(number: int) -> int:
    """The address of a function of NumPy's C API, by its place in the table."""
    table: Any = ctypes.pythonapi.PyCapsule_GetPointer
    table.restype, table.argtypes = ctypes.POINTER(ctypes.c_void_p), [ctypes.py_object, ctypes.c_char_p]
    return table(np._core.multiarray._ARRAY_API, None)[number]  # type: ignore[attr-defined]  # nothing public


# PyArray_Empty(ndim, sizes, dtype, fortran): a new array, not initialised. Takes over a reference to the dtype.
binding.add_symbol("numbatorch_new_array", _of_numpy(184))
new_array = types.ExternalFunction("numbatorch_new_array", _word(types.int32, _word, _word, types.int32))
