"""CRC-32 by carry-less multiplication: the checksum of zip files, at four to eight times zlib's speed.

A message is a polynomial over GF(2), its checksum the rest of a division by CRC-32's own. Eight lanes of 128 bits hold what the
message so far is congruent to; a step moves them by 1024 bits, which is a multiplication of each half by a constant, and
adds the next 128 bytes. At the end zlib takes the rest of the eight lanes.

A file is read and checksummed at once, piece by piece. Pieces come to the end of the room that is to be filled, which stays
in the core's own cache, and from there through the checksum's registers to their place past the caches (stream.py says why).

V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import zlib
from collections.abc import Sequence

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import ARGUMENTS, call_with, letters
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.stream import LINE, store_past

BLOCK = 128  # bytes that one step takes
PIECE = 1 << 18  # bytes of a file that are read at a time
_POLYNOMIAL = 0x104C11DB7
_REVERSED = int(
    f"{_POLYNOMIAL & 0xFFFFFFFF:032b}"[::-1], 2
)  # its rest: the highest bit is the coefficient of x^0


def _constant(power: int) -> int:
    """x^power modulo the polynomial, as the multiplication takes it: bits in reverse, moved by one."""
    rest = 1
    for _ in range(power):
        rest <<= 1
        rest ^= _POLYNOMIAL * (rest >> 32)
    return int(f"{rest:032b}"[::-1], 2) << 1


@functools.cache
def _has(*features: str) -> bool:
    found = binding.get_host_cpu_features()
    return all(found.get(feature) for feature in features)


@intrinsic
def _fold(typingctx, state, data, blocks, out):
    """Take `blocks` blocks of `data` into the registers at `state`; unless `out` is None, copy them there, where a line begins,
    past the caches."""

    def codegen(context, builder, signature, args):
        state, data, blocks, to = args
        size = 16 if not _has("vpclmulqdq", "avx2") else 64 if _has("avx512f") else 32  # bytes of a register
        halves = ir.VectorType(ir.IntType(64), size // 8)
        moves = [_constant(8 * BLOCK + 32), _constant(8 * BLOCK - 32)]
        constants = ir.Constant(halves, moves * (size // 16))
        which = ir.IntType(8)
        kind = ir.FunctionType(halves, [halves, halves, which])
        name = "llvm.x86.pclmulqdq" + f".{8 * size}" * (size > 16)
        multiply = cgutils.get_or_insert_function(builder.module, kind, name)

        def place(start, register):
            return builder.bitcast(builder.gep(start, [ir.IntType(64)(size * register)]), halves.as_pointer())

        def read(start, register):
            return builder.load(place(start, register), align=1)

        registers = [cgutils.alloca_once_value(builder, read(state, k)) for k in range(BLOCK // size)]
        with cgutils.for_range(builder, blocks) as loop:
            moved = [builder.mul(loop.index, ir.IntType(64)(BLOCK))]
            for k, register in enumerate(registers):
                held, new = builder.load(register), read(builder.gep(data, moved), k)
                low, high = (builder.call(multiply, [held, constants, which(half)]) for half in (0x00, 0x11))
                builder.store(builder.xor(builder.xor(low, high), new), register)
                if out is not types.none:
                    store_past(builder, new, place(builder.gep(to, moved), k), size)
        for k, register in enumerate(registers):
            builder.store(builder.load(register), place(state, k), align=1)
        return context.get_dummy_value()

    return types.void(state, data, types.int64, out), codegen


def fold_kernel(state, data, blocks):
    """`_fold`"""
    _fold(state, data, blocks, None)


def read_kernel(states, table, pread, file, first, last):
    """Read parts of a file, whole blocks, and take each into registers of its own, at `states`. A row of `table` is a part:
    where its bytes go, where they are in the file, how many there are, and then how many came. `pread` is the address of
    the C function."""
    words = local(types.int64, ARGUMENTS)
    words[0] = file
    for row in range(first, last):
        out, start, size, reached = table[4 * row], table[4 * row + 1], table[4 * row + 2], 0
        state = offset(states, row * BLOCK)
        for begin in range(0, size, PIECE):
            stop = min(begin + PIECE, size)
            through = stop + PIECE <= size and out % LINE == 0
            room = out + (size - PIECE if through else begin)
            while reached < stop:
                words[1], words[2], words[3] = room + (reached - begin), stop - reached, start + reached
                count = call_with(pread, words)
                if count <= 0:
                    table[4 * row + 3] = reached
                    return
                reached += count
            blocks = (stop - begin) // BLOCK
            if through:
                _fold(state, letters(room), blocks, letters(out + begin))
            else:
                _fold(state, letters(room), blocks, None)
        table[4 * row + 3] = reached


@functools.cache
def available() -> bool:
    """Whether this machine multiplies so."""
    return platform.machine() in ("x86_64", "AMD64") and _has("pclmul")


def crc32(data: np.ndarray, crc: int = 0) -> int:
    """zlib.crc32 of contiguous bytes; other threads may run meanwhile."""
    blocks = len(data) // BLOCK
    if blocks < 2:
        return zlib.crc32(data.data, crc)
    state = _registers(crc)
    state ^= data[:BLOCK]
    compiled(fold_kernel, "u1", "u1", int)(state, data[BLOCK:], blocks - 1)
    return zlib.crc32(data[blocks * BLOCK :].data, zlib.crc32(state.data, 0xFFFFFFFF))


def _registers(crc: int) -> np.ndarray:
    """The registers of a message that goes on from a checksum, before its first block."""
    state = np.zeros(BLOCK, np.uint8)
    state[:4] = np.frombuffer((~crc & 0xFFFFFFFF).to_bytes(4, "little"), np.uint8)
    return state


@functools.cache
def _before() -> np.ndarray:
    """The registers that a step turns into those of a message that begins: the checksum's begin, divided by x^1024."""
    rest = 0xFFFFFFFF
    for _ in range(8 * BLOCK):
        rest = (rest ^ _REVERSED) << 1 & 0xFFFFFFFF | 1 if rest >> 31 else rest << 1
    return _registers(~rest)


@functools.cache
def _pread() -> int:
    """The address of C's function, 0 where there is none."""
    function = getattr(ctypes.CDLL(None), "pread", None) if os.name == "posix" else None
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function is not None else 0


def read(file: int, parts: Sequence[tuple[np.ndarray, int]]) -> list[int] | None:
    """Fill arrays of bytes, each from its place in a file, an open descriptor, with all threads; the zlib.crc32 of each, or
    None where the file did not give all at once."""
    if not _pread():
        return None
    table = np.array(
        [
            (array.__array_interface__["data"][0], start, len(array) // BLOCK * BLOCK, 0)
            for array, start in parts
        ],
        np.int64,
    )
    states = np.empty((len(parts), BLOCK), np.uint8)
    states[:] = _before()
    kernel = compiled(read_kernel, "u1", "i8", int, int, int, int)
    parallel.run(kernel, len(parts), 1, states, table, _pread(), file)
    if (table[:, 3] < table[:, 2]).any():
        return None
    result, registers = [], states.tobytes()
    for k, (array, start) in enumerate(parts):
        whole = len(array) // BLOCK * BLOCK
        crc = zlib.crc32(registers[k * BLOCK : (k + 1) * BLOCK], 0xFFFFFFFF) if whole else 0
        if whole < len(array):
            tail = array[whole:]
            if os.preadv(file, [tail.data], start + whole) < len(tail):
                return None
            crc = zlib.crc32(tail.data, crc)
        result.append(crc)
    return result
