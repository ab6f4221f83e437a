"""Words of memory, atomic operations and calls by address: what `call.py` and `team.py` are written with.

An address is an int64, as everything else here is.
"""

from __future__ import annotations

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels.pointer import Pointer

ARGUMENTS = 20  # words that `call_with` passes: more than any routine of LAPACK takes

_WORD = ir.IntType(64)
# The machine's instruction for "this is a loop that waits", as an LLVM intrinsic and its arguments.
_ARM = ("llvm.aarch64.hint", [ir.Constant(ir.IntType(32), 1)])
_X86: tuple[str, list] = ("llvm.x86.sse2.pause", [])
_PAUSE = {"x86_64": _X86, "AMD64": _X86, "aarch64": _ARM, "arm64": _ARM}.get(platform.machine())


def _at(builder, address):
    return builder.inttoptr(address, _WORD.as_pointer())


@intrinsic
def words(typingctx, address):
    """The memory at `address` as a pointer to int64."""

    def codegen(context, builder, signature, args):
        return _at(builder, args[0])

    return Pointer(types.int64)(types.int64), codegen


@intrinsic
def letters(typingctx, address):
    """The memory at `address` as a pointer to uint8."""

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return Pointer(types.uint8)(types.int64), codegen


@intrinsic
def address_of(typingctx, pointer):
    """The address of what a pointer points to."""

    def codegen(context, builder, signature, args):
        return builder.ptrtoint(args[0], _WORD)

    return types.int64(pointer), codegen


@intrinsic
def bits(typingctx, number):
    """The word that holds a float64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _WORD)

    return types.int64(types.float64), codegen


@intrinsic
def look(typingctx, address):
    """The word at `address`, as all threads see it."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_at(builder, args[0]), "seq_cst", 8)

    return types.int64(types.int64), codegen


@intrinsic
def put(typingctx, address, word):
    """Store a word for all threads to see."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], _at(builder, args[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def add(typingctx, address, number):
    """Add to the word at `address` in one step; what it was before."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", _at(builder, args[0]), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def exchange(typingctx, address, before, after):
    """Make the word `before` at `address` the word `after` in one step; whether it was `before`."""

    def codegen(context, builder, signature, args):
        found = builder.cmpxchg(_at(builder, args[0]), args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Wait a moment: some ten nanoseconds."""

    def codegen(context, builder, signature, args):
        if _PAUSE:
            name, operands = _PAUSE
            kind = ir.FunctionType(ir.VoidType(), [o.type for o in operands])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def call(typingctx, address, argument):
    """Call the C function at `address`, which takes a word and gives one."""

    def codegen(context, builder, signature, args):
        function = ir.FunctionType(_WORD, [_WORD])
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), [args[1]])

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def call_with(typingctx, address, arguments):
    """Call the C function at `address` with the `ARGUMENTS` words that `arguments` points to; what it gives, if it gives
    a word. One that takes fewer does not see the others."""

    def codegen(context, builder, signature, args):
        function = ir.FunctionType(_WORD, [_WORD] * ARGUMENTS)
        given = [builder.load(builder.gep(args[1], [_WORD(k)])) for k in range(ARGUMENTS)]
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), given)

    return types.int64(types.int64, arguments), codegen
