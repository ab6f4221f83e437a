"""CPython's C API, as compiled code calls it: objects are addresses, int64. The GIL must be held.

Offsets of fields are those of CPython 3.11 to 3.13 and of NumPy's stable ABI.
"""

from __future__ import annotations

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
error = types.ExternalFunction("PyErr_Occurred", _word())
bad_argument = types.ExternalFunction("PyErr_BadArgument", types.int32())
no_memory = types.ExternalFunction("PyErr_NoMemory", _word())
release_gil = types.ExternalFunction("PyEval_SaveThread", _word())
acquire_gil = types.ExternalFunction("PyEval_RestoreThread", types.void(_word))

# In words: struct { refcount; type; char *data; ... } PyArrayObject,
# struct { refcount; type; size; PyObject **items; ... } PyListObject.
ARRAY_DATA, LIST_ITEMS = 2, 3
