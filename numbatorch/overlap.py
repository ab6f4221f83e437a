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
_SHARED = _REFUSED.format("some elements of the input tensor and the written-to tensor refer")


def repeats(array) -> bool:
    """Whether elements of an array are one and the same, by a stride of 0."""
    return array.size > 0 and any([stride == 0 and n > 1 for stride, n in zip(array.strides, array.shape)])


def refuse_repeated(target: Tensor) -> None:
    """Raise RuntimeError if elements of `target`, which is to be overwritten, are one and the same."""
    if not target.kind.contiguous and repeats(target.array):
        raise RuntimeError(_REFUSED.format("more than one element of the written-to tensor refers"))


def refuse_shared(target: Tensor, *others: Tensor) -> None:
    """Raise RuntimeError if `target`, which is to be overwritten here and there, overlaps with `others`, which are read
    meanwhile: where that is plain, as PyTorch does."""
    for x in others:
        if x is target or (_of_one_memory(x, target) and _shared(x.array, target.array)):
            raise RuntimeError(_SHARED)


def apart(inputs: tuple[Tensor | Number, ...], out: Tensor) -> tuple:
    """`inputs` of a call that writes into `out` and reads element by element: those that overlap it without being the very
    same elements are copied first, where they have gaps. Raises RuntimeError where neither has, as PyTorch does."""
    target = tensor_array(out)
    return tuple(
        [
            x.clone()
            if isinstance(x, TensorBase)
            and x is not out
            and _of_one_memory(x, out)
            and _entangled(x.array, target)
            else x
            for x in inputs
        ]
    )


def _of_one_memory(a: Tensor, b: Tensor) -> bool:
    return a._storage is not None and a._storage is b._storage


def _entangled(array, target) -> bool:
    """Whether arrays of one memory overlap, or may, but not element for element. Raises RuntimeError where they certainly
    do."""
    shared = _shared(array, target)
    alike = address(array) == address(target) and array.strides == target.strides
    if shared is None:
        return not (alike and array.shape == target.shape)
    if shared and not (alike and array.size == target.size):  # PyTorch's rule has no look at the shapes
        raise RuntimeError(_SHARED)
    return False


def _shared(array, target) -> bool | None:
    """Whether arrays of one memory overlap; None where they have gaps, in which the other may lie."""
    if not array.size or not target.size:
        return False
    if dense_order([array]) is None or dense_order([target]) is None:
        return None
    start, other = address(array), address(target)
    return start < other + target.size * target.itemsize and other < start + array.size * array.itemsize
