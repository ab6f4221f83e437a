"""From a call in Python to the machine code of a kernel.

Every compiled kernel has one C entry point that takes the address of its arguments: words that hold addresses,
integers and float64s. `invoke`, itself compiled once for all kernels, fills the words from Python objects,
releases the GIL and calls the entry point. It stands behind the Python callable that `callable_of` makes. With
the same entry point and words, any thread can do a share of a call: see `team.py`; and a call can make the array
for its result: see `making.py`.

A call with one array costs 0.09 us (through Numba's own wrapper 0.15 us).
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import typed_passes
from numba.core.ccallback import CFunc
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower

from numbatorch_kernels import cache, python
from numbatorch_kernels.callee import callee
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import address_of, bits, call, letters, words
from numbatorch_kernels.overloads import KernelCache
from numbatorch_kernels.part import Compiler
from numbatorch_kernels.pointer import FromObject, Pointer

SLOTS = 64  # words for arguments: more than any kernel takes
ARRAY, _OBJECT, _INTEGER, _FLOAT, _COMPLEX = range(5)

# ---- the entry point ----

_WORD, _DOUBLE = ir.IntType(64), ir.DoubleType()


class _Lower(Lower):
    """Adds our entry point where Numba adds one that takes Python objects."""

    def create_cpython_wrapper(self, release_gil=False):
        context, fndesc = self.context, self.fndesc
        module = context.create_module("entry")
        convention = context.call_conv
        kernel = ir.Function(
            module, convention.get_function_type(fndesc.restype, fndesc.argtypes), fndesc.llvm_func_name
        )
        entry = ir.Function(module, ir.FunctionType(_WORD, [_WORD]), fndesc.llvm_cpython_wrapper_name)
        builder = ir.IRBuilder(entry.append_basic_block())
        slot = builder.inttoptr(entry.args[0], _WORD.as_pointer())
        values = []
        for kind in fndesc.argtypes:
            target = context.get_value_type(kind)
            if isinstance(kind, types.Complex):
                parts = builder.bitcast(slot, target.as_pointer())
                values.append(builder.load(parts))
                slot = builder.gep(slot, [_WORD(2)])
                continue
            word = builder.load(slot)
            slot = builder.gep(slot, [_WORD(1)])
            if isinstance(kind, FromObject):
                words_of = builder.inttoptr(word, _WORD.as_pointer())
                values.append(kind.read(context, builder, words_of))
            elif isinstance(kind, types.Float):
                number = builder.bitcast(word, _DOUBLE)
                values.append(number if target == _DOUBLE else builder.fptrunc(number, target))
            elif isinstance(target, ir.PointerType):
                values.append(builder.inttoptr(word, target))
            else:
                values.append(word if target == _WORD else builder.trunc(word, target))
        status, _ = convention.call_function(
            builder, kernel, fndesc.restype, fndesc.argtypes, values, attrs=("noinline",)
        )
        builder.ret(builder.zext(status.code, _WORD))
        self.library.add_ir_module(module)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):
    _name = "kernel_lowering"

    @property
    def lowering_class(self):
        return _Lower


class KernelCompiler(Compiler):
    """With our entry point."""

    lowering = _Lowering


def _letter(kind: types.Type) -> int:
    """How `fill` reads an argument of this kind."""
    if isinstance(kind, Pointer):
        return ARRAY
    if isinstance(kind, FromObject):
        return _OBJECT
    if isinstance(kind, types.Float):
        return _FLOAT
    return _COMPLEX if isinstance(kind, types.Complex) else _INTEGER


# ---- from objects to words, in native code; `self` of a kernel's callable is bytes: see `callable_of` ----

ENTRY, NONE, COUNT, LETTERS = range(4)  # words of `self`


@callee
def fill(slots, self, items, count):
    """Put the words of `count` Python objects, arguments of the kernel `self`, into slots; how many."""
    kinds, used = letters(self + 8 * LETTERS), 0
    for k in range(count):
        item, kind = items[k], kinds[k]
        if kind == ARRAY:
            slots[used] = words(item)[python.ARRAY_DATA]
        elif kind == _OBJECT:
            slots[used] = item
        elif kind == _INTEGER:
            slots[used] = python.integer(item)
        elif kind == _FLOAT:
            slots[used] = bits(python.floating(item))
        else:
            slots[used] = bits(python.real(item))
            used += 1
            slots[used] = bits(python.imaginary(item))
        used += 1
    return used


@callee
def outcome(self, failed):
    """What a call of the kernel `self` gives Python: None, or the error of a kernel that found no memory."""
    if failed:
        return python.no_memory()
    none = words(self)[NONE]
    python.count_reference(none)
    return none


def invoke(bytes_, arguments, count):
    """Call the kernel that `bytes_` tells of: a METH_FASTCALL function of CPython."""
    self = python.bytes_data(bytes_)
    if count != words(self)[COUNT]:
        python.bad_argument()
        return 0
    slots = local(types.int64, SLOTS)
    fill(slots, self, words(arguments), count)
    if python.error() != 0:
        return 0
    state = python.release_gil()
    failed = call(words(self)[ENTRY], address_of(slots))
    python.acquire_gil(state)
    return outcome(self, failed)


# ---- callables ----

_METH_FASTCALL = 0x0080
_keep: list = []  # what C code points to


def native(function: Callable, words: int) -> int:
    """The address of `function` compiled to a C function of so many words that returns a word."""
    signature = (types.int64,) * words, types.int64
    compiled: Any = CFunc(function, signature, {}, {"error_model": "numpy", "fastmath": False}, Compiler)
    if cache.folder() is not None:
        compiled._cache = KernelCache(function)
    compiled.compile()
    _keep.append(compiled)
    return compiled.address


@functools.cache
def method(function: Callable) -> int:
    """The address of a PyMethodDef for the METH_FASTCALL function that `function` compiles to."""
    name = ctypes.create_string_buffer(b"kernel")
    table = ctypes.create_string_buffer(
        struct.pack("PPiP", ctypes.addressof(name), native(function, words=3), _METH_FASTCALL, 0)
    )
    _keep.extend([name, table])
    return ctypes.addressof(table)


def builtin(function: Callable, self: bytes) -> Callable:
    """A Python callable that calls the METH_FASTCALL function that `function` compiles to."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(method(function), self, None)


def callable_of(made) -> Callable:
    """The Python callable of a kernel; `made` is what Numba's compiler, with KernelCompiler, gives."""
    entry = made.library.get_pointer_to_function(made.fndesc.llvm_cpython_wrapper_name)
    told = bytes(map(_letter, made.signature.args))
    wide = sum(isinstance(kind, types.Complex) for kind in made.signature.args)
    if len(told) + wide > SLOTS:
        raise TypeError(f"a kernel takes at most {SLOTS} words of arguments, this one {len(told) + wide}")
    return builtin(invoke, struct.pack("qqq", entry, id(None), len(told)) + told)
