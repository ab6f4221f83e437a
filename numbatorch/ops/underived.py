"""What PyTorch has no derivative for: using it is no mistake, a backward pass that comes to it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbatorch.apply import Op, RowNode, attach
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import edges
from numbatorch.base import TensorBase, alias
from numbatorch.elementwise import Pointwise


def refusing(name: str) -> Callable:
    """The vjp of an op that has none: it raises NotImplementedError."""

    def refuse(node, grad):
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")

    return refuse


def _refuse(node, grad):
    raise node.params[0]


_underived = Op("NotImplemented", lambda tensor, error: alias(tensor), _refuse)
_underived.shown_as.__name__ = "NotImplemented"  # as PyTorch prints it


def underived(operand: Any, error: Exception) -> Any:
    """`operand` itself, but a backward pass that comes to it raises `error`."""
    return _underived(operand, error) if isinstance(operand, TensorBase) else operand


def without_derivative(result: Any, name: str, *operands: Any) -> Any:
    """`result`, which was computed from `operands` without the tape: a backward pass that comes to it raises."""
    if state.enabled:
        for operand in operands:
            if isinstance(operand, TensorBase) and operand._requires_grad:
                _underived.record(
                    result, (operand, RuntimeError(f"derivative for aten::{name} is not implemented"))
                )
                break
    return result


class _Underived(RowNode):
    """What a call of an `Underived` leaves: it raises."""

    __slots__ = ("text",)

    text: str

    def backward(self, grad):
        raise RuntimeError(self.text)


class Underived(Pointwise):
    """A pointwise operation without a derivative."""

    def __init__(self, name: str, *args, **options):
        super().__init__(name, *args, **options)
        self.shown_as = type(
            "NotImplemented", (_Underived,), {"__slots__": (), "__module__": "numbatorch.autograd"}
        )

    def kept(self, inputs, out):
        return inputs

    def record(self, results, inputs, plan, changed=None):
        node = _Underived(edges(inputs)[0])
        node.row = self
        node.text = f"derivative for aten::{self.name}{'' if changed is None else '_'} is not implemented"
        if changed is None:
            attach(node, results)
        return node


class UnderivedFirst(Pointwise):
    """A pointwise operation without a derivative for its first operand, the `parameter`: a backward pass that comes to it
    raises NotImplementedError, also where that operand is overwritten."""

    def __init__(self, name: str, *args, parameter: str, **options):
        super().__init__(name, *args, **options)
        self.parameter = parameter

    def record(self, results, inputs, plan, changed=None):
        error = NotImplementedError(f"the derivative for '{self.parameter}' is not implemented.")
        return super().record(results, (underived(inputs[0], error), *inputs[1:]), plan, changed)
