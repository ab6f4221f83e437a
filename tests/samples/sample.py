"""A row of the table of samples, and what the tests make of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
REAL = (*FLOATS, *INTEGERS, "bool")
COMPLEX = ("complex64", "complex128")

# Shapes of the operands: plain, 0-d, empty, odd, broadcast.
ONE = (((5,),), ((3, 4),), ((),), ((0, 3),), ((2, 3, 7),))
TWO = (((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3)), ((2, 1, 5), (3, 1)))
THREE = (((3, 4), (3, 4), (3, 4)), ((3, 1), (4,), ()), ((2, 1), (1, 3), (2, 3)))


@dataclass(frozen=True)
class Sample:
    """One op.

    name     where to find it, in numbatorch as in torch: "add", "nn.functional.gelu", or "Tensor.view" for a
             method
    shapes   cases: the shapes of the tensor operands
    args     further positional arguments, kwargs: keyword arguments
    low/high the range that operands are drawn from, for floating-point numbers
    dtypes   the dtypes tried against PyTorch (both must take them or both must refuse)
    order    how often it can be differentiated; 0 for not at all
    mixed    try pairs of different dtypes
    tol      factor on the tolerance, for functions whose values are large
    integers the range that integer operands are drawn from
    prepare  what makes the drawn operands fit: a positive definite matrix, for example

    An array among args and kwargs becomes a tensor of its own dtype: indices, for example.
    """

    name: str
    shapes: tuple = ONE
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0
    dtypes: tuple[str, ...] = REAL
    order: int = 2
    mixed: bool = False
    tol: float = 1.0
    integers: tuple[int, int] = (-5, 6)
    prepare: Callable[..., Sequence[np.ndarray]] | None = None

    @property
    def id(self) -> str:
        """The name of the row in test reports."""
        more = [_text(a) for a in self.args] + [f"{k}={_text(v)}" for k, v in self.kwargs.items()]
        name = f"{self.name}[complex]" if self.complex else self.name
        return f"{name}({', '.join(more)})" if more else name

    @property
    def complex(self) -> bool:
        """Whether the row is one of complex operands."""
        return self.dtypes[0] in COMPLEX

    @property
    def wide(self) -> str:
        """The dtype that gradients are tested in."""
        return "complex128" if self.complex else "float64"

    def function(self, library: Any) -> Callable:
        """The op in numbatorch or torch."""
        found = library
        for part in self.name.split("."):
            found = getattr(found, part)
        return found

    def arrays(self, shapes: tuple, dtype: str, second: str | None = None) -> list[np.ndarray]:
        """Operands as NumPy arrays, the same in every run."""
        rng = np.random.default_rng(zlib.crc32(f"{self.id}{shapes}".encode()))
        drawn = [self._array(rng, shape, second or dtype if k else dtype) for k, shape in enumerate(shapes)]
        return list(self.prepare(*drawn)) if self.prepare else drawn

    def _array(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        if dtype == "bool":
            return rng.random(shape) < 0.5
        if dtype in INTEGERS:
            low, high = self.integers
            return rng.integers(max(low, 0) if dtype == "uint8" else low, high, shape).astype(dtype)
        if dtype in COMPLEX:
            return (
                rng.uniform(self.low, self.high, shape) + 1j * rng.uniform(self.low, self.high, shape)
            ).astype(dtype)
        values = rng.uniform(self.low, self.high, shape)
        return values.astype("float32" if dtype in ("float16", "bfloat16") else dtype)

    def call(self, library: Any, tensors: list) -> Any:
        """The op applied to tensors of `library`, or to what stands in their place."""
        device = getattr(tensors[0], "device", "cpu")

        def operand(value: Any) -> Any:
            return library.tensor(value).to(device) if isinstance(value, np.ndarray) else value

        return self.function(library)(
            *tensors, *map(operand, self.args), **{k: operand(v) for k, v in self.kwargs.items()}
        )


def _text(value: Any) -> str:
    return str(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


def tensors(
    library: Any, arrays: list[np.ndarray], dtypes: tuple[str, ...], transposed: bool = False
) -> list:
    """NumPy arrays as tensors of a library. `transposed`: of the same values, but with the dimensions in
    reverse order in memory."""
    made = []
    for array, dtype in zip(arrays, dtypes, strict=True):
        tensor = library.tensor(array.T.copy() if transposed else array).to(getattr(library, dtype))
        made.append(tensor.permute(*range(array.ndim)[::-1]) if transposed and array.ndim > 1 else tensor)
    return made


def results(value: Any) -> Iterator[Any]:
    """The tensors in the result of an op."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from results(item)
    else:
        yield value
