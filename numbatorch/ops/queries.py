"""Questions about a tensor whose answer is no tensor: functions of the names that methods have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.arguments import tensor_array, tensor_kind, unfit
from numbatorch.autograd.node import type_name
from numbatorch.base import Number, TensorBase, weighed
from numbatorch.dtype import DType
from numbatorch.storage import TypedStorage, UntypedStorage

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, TensorBase)


def is_storage(obj: Any) -> bool:
    """Whether `obj` is the memory of a tensor."""
    return isinstance(obj, UntypedStorage | TypedStorage)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return tensor_array(input).size


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex."""
    return tensor_kind(input).dtype.is_complex


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point type."""
    return tensor_kind(input).dtype.is_floating_point


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has a sign."""
    return tensor_kind(input).dtype.is_signed


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero. Raises RuntimeError if there are more or fewer."""
    tensor_array(input)  # a number has a truth value, too
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return tensor_array(input).shape == tensor_array(other).shape


def get_device(input: Tensor) -> int:
    """The index of the GPU, -1 on the CPU."""
    device = tensor_kind(input).device
    return -1 if device.type == "cpu" else device.index or 0


def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> DType:
    """The dtype that an arithmetic operation on the two has.

    >>> torch.result_type(torch.tensor([1, 2]), 1.0)
    torch.float32
    """
    if not all([isinstance(value, TensorBase | Number) for value in (tensor1, tensor2)]):
        signatures = (
            "(Tensor tensor, Tensor other)",
            "(Number scalar, Tensor tensor)",
            "(Tensor tensor, Number other)",
            "(Number scalar1, Number scalar2)",
        )
        raise unfit("result_type", tensor1, tensor2, signatures=signatures)
    return dt.result_dtype(weighed(tensor1), weighed(tensor2))


def typename(obj: Any) -> str:
    """The name of the type of a tensor ("torch.FloatTensor"), or the qualified name of a class or object."""
    if isinstance(obj, TensorBase):
        return type_name(obj.kind)
    if not hasattr(obj, "__qualname__"):
        obj = type(obj)
    module = getattr(obj, "__module__", None) or ""
    return obj.__qualname__ if module in ("", "builtins") else f"{module}.{obj.__qualname__}"
