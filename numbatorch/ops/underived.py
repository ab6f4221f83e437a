"""Operands that PyTorch has no derivative for: using them is no mistake, a gradient that would reach them is."""

from __future__ import annotations

from typing import Any

from numbatorch.apply import Op
from numbatorch.base import TensorBase, alias


def _refuse(node, grad):
    raise node.params[0]


_underived = Op("NotImplemented", lambda tensor, error: alias(tensor), _refuse)


def underived(operand: Any, error: Exception) -> Any:
    """`operand` itself, but a backward pass that comes to it raises `error`."""
    return _underived(operand, error) if isinstance(operand, TensorBase) else operand
