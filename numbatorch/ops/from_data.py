"""New tensors from data: numbers, nested sequences, arrays, the memory of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.base import Kind, Number, TensorBase, kind_of, wrap
from numbatorch.device import CPU
from numbatorch.dtype import DType
from numbatorch.ops import copy
from numbatorch.ops.copy import cast, from_numbers, move, resolve
from numbatorch.ops.creation import finish

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- what the data are


def _infer_dtype(data: Any) -> DType:
    """The dtype of nested sequences of numbers: the class of the widest number in them."""
    found = {type(x): x for x in _leaves(data)}
    if not found:
        return dt.get_default_dtype()
    result: DType | None = None
    for x in found.values():
        if isinstance(x, TensorBase):
            own = x.kind.dtype
        elif isinstance(x, np.generic):
            own = dt.from_numpy_dtype(x.dtype)
        else:
            own = dt.number_dtype(x)
        result = own if result is None else dt.promote_types(result, own)
    assert result is not None
    return result


def _leaves(data: Any):
    stack = [data]
    while stack:
        x = stack.pop()
        if isinstance(x, list | tuple):
            stack.extend(x)
        else:
            yield x


def _nested_shape(data: Any) -> list[int]:
    """The shape of nested sequences. Raises ValueError where they are ragged, TypeError where they hold
    something else."""
    shape: list[int] = []
    while isinstance(data, list | tuple):
        shape.append(len(data))
        if not data:
            break
        data = data[0]
    return shape


def _check_nested(data: Any, shape: list[int], depth: int = 0) -> None:
    nested = isinstance(data, list | tuple)
    if depth == len(shape):
        if nested:
            raise TypeError(f"not a sequence at dim {depth}, but a sequence of length {len(data)} elsewhere")
        return
    if not nested:
        raise TypeError(f"expected sequence of length {shape[depth]} at dim {depth} (got a number)")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    for x in data:
        _check_nested(x, shape, depth + 1)


_KINDS = {int: "i", float: "f", bool: "b"}


def _from_data(data: Any, dtype: DType | None) -> Tensor:
    """A new CPU tensor from numbers, nested sequences, arrays or tensors."""
    if isinstance(data, TensorBase):
        source = move(data.detach(), CPU)  # type: ignore[attr-defined]  # a TensorBase is a Tensor
        return source.clone() if dtype is None or dtype is source.kind.dtype else cast(source, dtype)
    if isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
        own = dt.from_numpy_dtype(array.dtype)
        return from_numbers(np.array(array), dtype or own)
    if hasattr(data, "__array__") and not isinstance(data, list | tuple):
        return _from_data(np.asarray(data), dtype)
    if not isinstance(data, list | tuple | Number):
        if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, str):
            return _from_data(list(data), dtype)
        if isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    if isinstance(data, list | tuple) and len(types := set(map(type, data))) == 1 and types <= _KINDS.keys():
        flat = np.array(data)
        if flat.dtype.kind == _KINDS[types.pop()] and (dtype is None or dtype.is_floating_point):
            return from_numbers(flat, dtype or dt.number_dtype(data[0]))
    try:
        own = dtype or _infer_dtype(data)
    except TypeError as error:
        kind = next(
            type(x).__name__ for x in _leaves(data) if not isinstance(x, Number | np.generic | TensorBase)
        )
        if kind == "str":
            raise TypeError("new(): invalid data type 'str'") from None
        if kind == "ndarray":
            return _from_data(np.array(data), dtype)
        raise RuntimeError(f"Could not infer dtype of {kind}") from error
    _check_nested(data, _nested_shape(data))
    if any(isinstance(x, TensorBase) for x in _leaves(data)):
        data = _plain(data)
    wide = np.array(data, np.complex128 if own.is_complex else np.float64 if own is dt.bfloat16 else None)
    if wide.dtype.kind == "c" and not own.is_complex:
        raise TypeError("must be real number, not complex")
    if wide.dtype == object:  # integers beyond 64 bits
        wide = np.array(data, np.float64 if own.is_inexact or own is dt.bool else None)
    if not own.is_inexact and own is not dt.bool and wide.size:
        _check_range(wide, own)
    return from_numbers(wide, own)


def _check_range(numbers: np.ndarray, own: DType) -> None:
    """Raises ValueError for integers beyond int64, and RuntimeError where a number does not fit into the integer type `own`.
    Negative integers, but not floats, fit into uint8, as in C."""
    kind, limits = numbers.dtype.kind, dt.iinfo(own)
    beyond = kind == "f" and own is dt.int64 and (abs(numbers) == 2.0**63).any()  # so NumPy makes [1, 2**63]
    if kind in "uO" or beyond:
        raise ValueError("Overflow when unpacking long long")
    least = -limits.max if kind == "i" and not own.is_signed else limits.min
    if not ((numbers >= least) & (numbers <= limits.max)).all():
        raise RuntimeError(f"value cannot be converted to type {own.name} without overflow")


def _plain(data: Any) -> Any:
    if isinstance(data, list | tuple):
        return [_plain(x) for x in data]
    if isinstance(data, TensorBase):
        if data.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return data.item()  # type: ignore[attr-defined]  # a TensorBase is a Tensor
    return data


# --- tensors of them


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of `data`: a number, nested sequences of numbers, a NumPy array or a tensor.

    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    result = _from_data(data, None if dtype is None else dt.as_dtype(dtype))
    if device is None and isinstance(data, TensorBase):
        device = data.kind.device
    result = move(result, resolve(device))
    return finish(copy.pin_memory(result) if pin_memory else result, requires_grad)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of a NumPy array: a change in one shows in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    kind = Kind.of(dt.from_numpy_dtype(ndarray.dtype))
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            "not currently supported. "
            "(You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if any(s % ndarray.itemsize for s in ndarray.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to a "
            "new array first."
        )
    array = ndarray.view(np.ndarray)
    result = wrap(array, kind_of(array, kind))
    result._storage = base.Storage(array)  # shared with the array, so it is never taken for the tensor's own
    return result


def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself or on the same memory where possible, else a copy."""
    if isinstance(data, TensorBase):
        given: Any = data
        return given.to(device=device, dtype=dtype) if device is not None or dtype is not None else given
    if isinstance(data, np.ndarray):
        return move(
            cast(from_numpy(data), dt.as_dtype(dtype or dt.from_numpy_dtype(data.dtype))), resolve(device)
        )
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`obj` as a tensor, copied if `copy` is True, and only if that cannot be avoided otherwise."""
    result = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    return finish(result, requires_grad)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's tensor."""
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    return from_numpy(np.from_dlpack(ext_tensor))


class _Capsule:
    """A DLPack capsule of memory on the CPU, as the object that NumPy wants."""

    def __init__(self, capsule: Any):
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A one-dimensional tensor on the memory of an object with a buffer, such as a bytearray."""
    return finish(from_numpy(np.frombuffer(buffer, dtype.numpy, count, offset)), requires_grad)


def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A copy of `data` in this dtype and on this device."""
    return tensor(
        data,
        dtype=dtype or self.kind.dtype,
        device=self.kind.device if device is None else device,
        requires_grad=requires_grad,
    )
