"""Compiling a Python function into a CPU kernel."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
from numba import types
from numba.extending import overload, register_jitable

from numbatorch_kernels import cache
from numbatorch_kernels.call import KernelCompiler, callable_of
from numbatorch_kernels.callee import SHARED
from numbatorch_kernels.overloads import KernelCache
from numbatorch_kernels.part import PartCompiler
from numbatorch_kernels.pointer import argument

log = logging.getLogger("numbatorch.kernels")
_entries: dict[tuple, Callable] = {}


def shared(function: Callable | None = None, **options: Any) -> Any:
    """Decorator: a function that kernels call, left as it is, for kernels of CUDA to compile too. `options` are more of
    those that `numba.njit` takes."""
    if function is None:
        return partial(shared, **options)
    options = SHARED | options
    part = options | {"pipeline_class": PartCompiler}
    overload(function, jit_options=part, strict=False, target="cpu")(lambda *args: function)
    return register_jitable(**options)(function)


SLOW_COMPILE = 0.5  # seconds after which a compile is worth a line of notice


def compiled(function: Callable, *kinds, fastmath: bool | set[str] = False) -> Callable:
    """The machine code of `function` for these argument kinds (see `pointer.argument`), as a callable: see
    `call.py`.

    Compiled at most once a process, kept on disk between processes. The function returns None, holds no GIL
    while it runs and divides as C does (no ZeroDivisionError).

        entry = compiled(kernel, "f4", "f4", int, int)
        entry(out, a, start, stop)
    """
    key = (function, kinds)
    entry = _entries.get(key)
    if entry is None:
        entry = _entries[key] = _compile(function, types.void(*map(argument, kinds)), fastmath)
    return entry


def _compile(function: Callable, signature, fastmath) -> Callable:
    dispatcher = numba.njit(error_model="numpy", fastmath=fastmath, pipeline_class=KernelCompiler)(function)
    if cache.folder() is not None:
        dispatcher._cache = KernelCache(function)
    began = time.perf_counter()
    dispatcher.compile(signature)
    if (seconds := time.perf_counter() - began) > SLOW_COMPILE:
        log.warning(
            "compiled the kernel %s in %.1f s; later runs find it in %s",
            function.__name__,
            seconds,
            cache.root(),
        )
    dispatcher.disable_compile()
    return callable_of(dispatcher.overloads[signature.args])
