"""Kernels whose text depends on the type of their elements: on a GPU, shared memory has a type that the text must name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from numbatorch_kernels.cuda.compat import device_function


def joined(real, imag):
    """An element of its parts; of real elements there is one."""
    return real


def _pair(real, imag):
    return complex(real, imag)


def with_globals(function: Callable, names: dict[str, Any]) -> FunctionType:
    """The function with these globals."""
    return FunctionType(function.__code__, function.__globals__ | names, function.__name__)


def copies(kind: Any, name: str, texts: Sequence[Callable], names: dict[str, Any]) -> list[FunctionType]:
    """These kernels with these globals, for a tuple of that kind, which their module calls `name`."""
    made = [with_globals(text, names) for text in texts]
    for field, copy in zip(kind._fields, made):
        copy.__qualname__ = f"{name}.{field}"
    return made


class ByDtype(SimpleNamespace):
    """A kernel, or a tuple of them, for each type of element, under its code: f4, c16, u2 (bfloat16)."""

    def of(self, dtype: np.dtype) -> Any:
        return getattr(self, dtype.str[1:])


def variants(name: str, text: Any) -> ByDtype:
    """The variants of the kernel `text`, which its module calls `name`. In each, the global ELEMENT is the real type of its
    elements, and `joined` makes one."""

    def variant(dtype: str, real: type, join: Any) -> FunctionType:
        own = {"ELEMENT": real, "joined": device_function(join)}
        copy = with_globals(text, own)
        copy.__qualname__ = f"{name}.{dtype}"
        return copy

    return ByDtype(
        f4=variant("f4", np.float32, joined),
        f8=variant("f8", np.float64, joined),
        c8=variant("c8", np.float32, _pair),
        c16=variant("c16", np.float64, _pair),
    )
