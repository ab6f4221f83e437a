"""`Parameter` and `Buffer`: tensors that a module notices when they become its attributes."""

from __future__ import annotations

from typing import Any

from numbatorch.ops import empty
from numbatorch.tensor import Tensor


class Parameter(Tensor):
    """A tensor to be trained: as an attribute of a module it is found by `Module.parameters()`.

    It shares memory with `data` and requires a gradient, whatever the gradient mode, unless `requires_grad=False`.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        return Tensor._make_subclass(cls, empty(0) if data is None else data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (self.data, self.requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that belongs to a module but is not trained: the same as `Module.register_buffer` by assignment."""

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        buffer = Tensor._make_subclass(cls, empty(0) if data is None else data, False)
        buffer.persistent = persistent
        return buffer
