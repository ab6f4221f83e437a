"""LAPACK's routines, in the library that NumPy is linked with, called on memory of our own.

NumPy's own functions work on copies of their operands, and give copies of the results; here a routine overwrites
what it is given. There is no second way for want of a library: whatever NumPy is installed from has one, and
`routine` says so if it does not find it.

Fortran takes everything by its address, numbers and letters too. So a call is a list of addresses, and to call a
routine for each matrix of a stack is to move some of them on. Threads share a stack; each has workspace of its own.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import types

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.local import local
from numbatorch_kernels.machine import ARGUMENTS, address_of, call_with
from numbatorch_kernels.pointer import ArrayList, array_in

# What libraries call the routine "dgesdd", and how large its integers are.
_NAMES = [
    ("scipy_{}_64_", np.int64),  # OpenBLAS in NumPy's wheels
    ("{}$NEWLAPACK$ILP64", np.int64),  # Accelerate, in those for new versions of macOS
    ("{}_64_", np.int64),
    ("scipy_{}_", np.int32),
    ("{}_", np.int32),  # conda's libraries, those of Linux distributions
]
_LETTERS = {"f": "s", "d": "d", "F": "c", "D": "z"}  # in front of names, by the character of a NumPy dtype
GRAIN = 1 << 12  # bytes of matrices worth a thread ...
CALL = 1 << 8  # ... where every call counts for so many more

Array = np.ndarray


# --- where they are


@cache
def _libraries() -> list[ctypes.CDLL]:
    """NumPy's extension module, through which its dependencies are seen; on Windows the dependencies."""
    extension = Path(np.linalg._umath_linalg.__file__)
    if sys.platform == "win32":
        folders = [Path(np.__file__).parent.parent / "numpy.libs", Path(sys.prefix) / "Library/bin"]
        files = [f for folder in folders for f in sorted(folder.glob("*.dll"))]
        files = [f for f in files if any(word in f.name for word in ("openblas", "lapack", "mkl_rt"))]
    else:
        files = [extension]
    return [ctypes.CDLL(str(file)) for file in files]


@cache
def routine(name: str) -> tuple[int, np.dtype]:
    """The address of a routine, and the type of its integers."""
    for pattern, integer in _NAMES:
        for library in _libraries():
            found = getattr(library, pattern.format(name), None)
            if found is not None:
                return ctypes.cast(found, ctypes.c_void_p).value or 0, np.dtype(integer)
    raise RuntimeError(
        f"LAPACK's {name} was not found in the library that NumPy is linked with. NumPy's own wheels and conda's "
        f"packages have one that it is found in."
    )


def integer() -> np.dtype:
    """The type of the integers of all routines."""
    return routine("dgetrf")[1]


# --- calls


def _each(arrays, offsets, steps, apart, address, count, shares, start, stop):
    """Call a routine for the matrices of shares start..stop, of `shares` of `count` matrices. Its arguments are in arrays, so
    many bytes after the first element for the first matrix, some steps on for the next, and so far apart for the next share."""
    given = local(types.int64, ARGUMENTS)
    for share in range(start, stop):
        for matrix in range(share * count // shares, (share + 1) * count // shares):
            for k in range(ARGUMENTS):
                given[k] = address_of(array_in(arrays, k)) + offsets[k] + matrix * steps[k] + share * apart[k]
            call_with(address, given)


@dataclass(frozen=True)
class Work:
    """Workspace whose length is known."""

    length: int
    dtype: np.dtype


class _Plan:
    """What calls of a routine have in common that differ in their arrays alone. Of their arguments there are here
    numbers and letters, workspaces, and in place of an array its strides."""

    def __init__(self, name: str, arguments: tuple):
        self.address, self.integer = routine(name)
        self.entry = cpu.compiled(_each, ArrayList(types.int64), "i8", "i8", "i8", *[int] * 5)
        # A letter is the first byte of its number.
        values = [ord(a) if isinstance(a, str) else a if isinstance(a, int) else 0 for a in arguments]
        beyond = [0] * (ARGUMENTS - len(values))  # the first of them is info
        numbers, nothing = np.array(values, self.integer), np.zeros(1)
        size = numbers.itemsize
        offsets = [k * size if isinstance(a, int | str) else 0 for k, a in enumerate(arguments)]
        steps = [a[0] if isinstance(a, tuple) and len(a) > 1 else 0 for a in arguments]
        self.offsets, self.steps = np.array(offsets + beyond), np.array([*steps, size, *beyond[1:]])
        self.apart = np.zeros(ARGUMENTS, np.int64)
        self.operands = [k for k, a in enumerate(arguments) if isinstance(a, tuple)]
        self.arrays = [numbers if isinstance(a, int | str) else nothing for a in arguments]
        self.arrays += [nothing for _ in beyond]
        self.grain = GRAIN // (self.steps[self.operands[0]] + CALL) + 1
        self.work = {k: a for k, a in enumerate(arguments) if isinstance(a, Work)}
        asked = {k: Work(1, a) for k, a in enumerate(arguments) if isinstance(a, np.dtype)}
        for k, work in (self.work | asked).items():
            self.arrays[k] = np.zeros(work.length, work.dtype)
        self.entry(self.arrays, self.offsets, self.steps, self.apart, self.address, 1, 1, 0, 1)
        for k, work in asked.items():
            length = int(self.arrays[k][0].real)
            self.work[k] = Work(length, work.dtype)
            if values[k + 1 : k + 2] == [-1]:
                numbers[k + 1] = length
        for k, work in self.work.items():
            self.apart[k] = work.length * work.dtype.itemsize

    def run(self, arrays: list[Array], count: int) -> None:
        """Call the routine for `count` matrices, with workspaces for each share of them."""
        shares = max(1, min(count // self.grain, parallel.get_num_threads()))
        for k, work in self.work.items():
            arrays[k] = np.empty(
                shares * work.length, work.dtype
            )  # larger than the matrices: not kept for later
        parallel.run(
            self.entry, shares, 1, arrays, self.offsets, self.steps, self.apart, self.address, count, shares
        )


_plan = lru_cache(maxsize=4096)(_Plan)


def call(name: str, dtype: np.dtype, *arguments: Any) -> Array:
    """Call a routine, named without its first letter, for each of a stack of matrices of this dtype; LAPACK's
    `info` of each. The arguments are the routine's, without info:

        a number, a letter
        an array of 2 and more dimensions    the matrices' own: one for each
        an array of 1 dimension              one for all
        Work(length, dtype)                  workspace of this length
        a dtype                              workspace of this type, as much as the routine asks for; where it wants
                                             to be told how much that is, -1 follows, which in LAPACK is the question
    """
    kinds = tuple([a.strides if isinstance(a, np.ndarray) else a for a in arguments])
    plan = _plan(_LETTERS[dtype.char] + name, kinds)
    arrays = plan.arrays.copy()
    for k in plan.operands:
        arrays[k] = arguments[k]
    count = len(arguments[plan.operands[0]])
    info = arrays[len(arguments)] = np.zeros(count, plan.integer)
    plan.run(arrays, count)
    return info
