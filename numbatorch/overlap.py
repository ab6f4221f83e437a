"""Operands that share memory with what a call overwrites, and results whose elements share it with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numbatorch.arguments import tensor_array
from numbatorch.base import TensorBase, address
from numbatorch.layout import dense_order

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

_REFUSED = "unsupported operation: {} to a single memory location. Please clone() the tensor before performing the operation."


def refuse_repeated(target: Tensor) -> None:
    """Raise RuntimeError if elements of `target`, which is to be overwritten, are one and the same."""
    array = target.array
    if not target.kind.contiguous and array.size:
        if any([stride == 0 and n > 1 for stride, n in zip(array.strides, array.shape)]):
            raise RuntimeError(_REFUSED.format("more than one element of the written-to tensor refers"))


def apart(inputs: tuple[Tensor | Number, ...], out: Tensor) -> tuple:
    """`inputs` of a call that writes into `out` and reads element by element: those that overlap it without being the very
    same elements are copied first, where they have gaps. Raises RuntimeError where neither has, as PyTorch does."""
    target = tensor_array(out)
    return tuple(
        [
            x.clone()
            if isinstance(x, TensorBase)
            and x is not out
            and x._storage is not None
            and x._storage is out._storage
            and _entangled(x.array, target)
            else x
            for x in inputs
        ]
    )


def _entangled(array, target) -> bool:
    """Whether arrays of one memory overlap, or may, but not element for element. Raises RuntimeError where they certainly
    do."""
    if not array.size or not target.size:
        return False
    start, other = address(array), address(target)
    if start == other and array.shape == target.shape and array.strides == target.strides:
        return False
    if dense_order([array]) is None or dense_order([target]) is None:
        return True
    bytes_, others = array.size * array.itemsize, target.size * target.itemsize
    if start == other and bytes_ == others and array.strides == target.strides:
        return False  # PyTorch's rule has no look at the shapes
    if start < other + others and other < start + bytes_:
        raise RuntimeError(
            _REFUSED.format("some elements of the input tensor and the written-to tensor refer")
        )
    return False
