"""`Variable`: PyTorch's old name for a tensor on the tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numbatorch.base import TensorBase, alias

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class _IsTensor(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TensorBase)


class Variable(metaclass=_IsTensor):
    """`Variable(x, requires_grad=True)` is a tensor on the memory of x; every tensor is a Variable."""

    def __new__(  # type: ignore[misc]  # there is no instance of this class
        cls, data: Tensor, requires_grad: bool = False, volatile: bool = False
    ) -> Tensor:
        return alias(data).requires_grad_(requires_grad)
