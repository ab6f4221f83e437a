"""Choices and loops as functions, as PyTorch's compiler wants them; here they run as Python would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.base import TensorBase

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def cond(pred: bool | Tensor, true_fn: Callable, false_fn: Callable, operands: Sequence[Any] = ()) -> Any:
    """true_fn(*operands) if `pred` holds, else false_fn(*operands).

    >>> torch.cond(torch.tensor(True), lambda x: x + 1, lambda x: x - 1, (torch.ones(2),))
    tensor([2., 2.])
    """
    if not isinstance(pred, bool | TensorBase):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, TensorBase) and pred.array.size != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    return (true_fn if pred else false_fn)(*operands)


def while_loop(cond_fn: Callable, body_fn: Callable, carried_inputs: Sequence[Any]) -> tuple:
    """`carried_inputs`, replaced by body_fn(*carried_inputs) as long as cond_fn(*carried_inputs) holds.

    >>> torch.while_loop(lambda i: i < 3, lambda i: (i + 2,), (torch.tensor(0),))
    (tensor(4),)
    """
    carried = tuple(carried_inputs)
    while cond_fn(*carried):
        carried = tuple(body_fn(*carried))
    return carried
