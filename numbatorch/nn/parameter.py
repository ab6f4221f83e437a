"""`Parameter` and `Buffer`: tensors that a module notices when they become its attributes."""

from __future__ import annotations

from typing import Any

from numbatorch.ops import empty
from numbatorch.tensor import Tensor


class Parameter(Tensor):
    """A tensor to be trained: as an attribute of a module it is found by `Module.parameters()`.

    It shares memory with `data` and requires a gradient, whatever the gradient mode, unless
    `requires_grad=False`.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        parameter = _on_memory_of(empty(0) if data is None else data, cls)
        if requires_grad and not (parameter.is_floating_point() or parameter.is_complex()):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        parameter._requires_grad = requires_grad
        return parameter

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(
                self.data.clone(), self.requires_grad
            )  # without the gradient, as in PyTorch
        return memo[id(self)]

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that belongs to a module but is not trained: assigning it does what `Module.register_buffer`
    does.
    """

    persistent: bool = True

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        buffer = _on_memory_of(empty(0) if data is None else data, cls)
        buffer.persistent = persistent
        return buffer


def _on_memory_of(data: Tensor, cls: type) -> Any:
    """A tensor of class `cls` on the memory of `data`, off the tape; changes in place count for both."""
    made: Any = object.__new__(cls)
    made.array, made.kind, made._storage = data.array, data.kind, data.memory
    return made
