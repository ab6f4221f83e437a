"""The named tuples that some operations return: `torch.return_types.max` has `values` and `indices`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _text(result: tuple) -> str:
    fields = ",\n".join([f"{name}={value!r}" for name, value in zip(type(result)._fields, result)])  # type: ignore[attr-defined]
    return f"torch.return_types.{type(result).__name__}(\n{fields})"


class max(NamedTuple):
    """The largest elements and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class min(NamedTuple):
    """The smallest elements and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class aminmax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return _text(self)


class frexp(NamedTuple):
    """Mantissas and exponents."""

    mantissa: Tensor
    exponent: Tensor

    def __repr__(self) -> str:
        return _text(self)


class sort(NamedTuple):
    """The sorted elements and their old places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class topk(NamedTuple):
    """The first elements in order and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class kthvalue(NamedTuple):
    """The elements of one rank and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class cummax(NamedTuple):
    """The largest elements so far and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class cummin(NamedTuple):
    """The smallest elements so far and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)
