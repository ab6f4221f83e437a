"""Kernels whose text depends on the type of their elements: on a GPU, shared memory has a type that the text must name."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

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


class Variants(NamedTuple):
    """One text for each type of element. In each, the global ELEMENT is its real type, and `joined` makes an element."""

    f4: FunctionType
    f8: FunctionType
    c8: FunctionType
    c16: FunctionType

    def of(self, dtype: np.dtype) -> FunctionType:
        return getattr(self, dtype.str[1:])


def variants(name: str, text: Any) -> Variants:
    """The variants of the kernel `text`, which its module calls `name`."""

    def variant(dtype: str, real: type, join: Any) -> FunctionType:
        own = {"ELEMENT": real, "joined": device_function(join)}
        copy = with_globals(text, own)
        copy.__qualname__ = f"{name}.{dtype}"
        return copy

    return Variants(
        variant("f4", np.float32, joined),
        variant("f8", np.float64, joined),
        variant("c8", np.float32, _pair),
        variant("c16", np.float64, _pair),
    )
