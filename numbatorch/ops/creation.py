"""New tensors: from data, of one value, of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.arguments import tensor_kind
from numbatorch.base import Kind, Number, TensorBase, kind_of, wrap
from numbatorch.device import CPU
from numbatorch.dtype import DType, type_word
from numbatorch.layout import kept_order, preserve_format
from numbatorch.ops import copy
from numbatorch.ops.copy import cast, copy_, empty_in_order, fill_, from_numbers, into, move, resolve
from numbatorch.ops.view import sizes
from numbatorch.storage import reseat, resize_out

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _kind(dtype: DType | None, device: Any) -> Kind:
    """The kind of a new tensor, from the arguments `dtype` and `device`."""
    return Kind.of(dt.get_default_dtype() if dtype is None else dt.as_dtype(dtype), resolve(device))


def _shape(args: tuple, size: Any = None) -> tuple[int, ...]:
    shape = sizes((size,) if size is not None else args)
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return shape


def finish(tensor: Tensor, requires_grad: bool) -> Tensor:
    return tensor.requires_grad_() if requires_grad else tensor


def _filled(shape: tuple[int, ...], kind: Kind, value: Number) -> Tensor:
    return _fill(base.empty(shape, kind), value)


def _fill(result: Tensor, value: Number) -> Tensor:
    """A new tensor with all elements set."""
    kind = result.kind
    if value.__class__ is not int or value not in (0, 1):
        value = dt.fitting(value, kind.dtype)
    if kind.cpu and not (value and kind.element in ("f2", "bf")):  # which NumPy warns of, or has not
        if kind.contiguous:
            base.fill(result.array, value)
        else:
            result.array.fill(value)
        return result
    return fill_(result, value) if result.array.size else result


# --- from data


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


# --- of one value


def empty(
    *args: Any,
    size: Sequence[int] | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor whose elements are not set."""
    shape = _shape(args, size)
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    kind = _kind(dtype, device)
    if memory_format is None:
        result = base.empty(shape, kind)
    else:
        result = empty_in_order(shape, kind, memory_format.order(len(shape)))
    result = finish(result, requires_grad)
    return result if out is None else into(out, result, "empty")


def zeros(
    *args: Any,
    size: Sequence[int] | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor of zeros.

    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    shape = sizes(args if size is None else (size,))
    if any([n < 0 for n in shape]):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    result = _filled(shape, _kind(dtype, device), 0)
    return store(out, finish(result, requires_grad), dtype)


def ones(
    *args: Any,
    size: Sequence[int] | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor of ones."""
    result = _filled(_shape(args, size), _kind(dtype, device), 1)
    return store(out, finish(result, requires_grad), dtype)


def full(
    size: Sequence[int],
    fill_value: Tensor | Number,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor filled with `fill_value`, whose type decides the dtype unless it is given."""
    value: Number = fill_value.item() if isinstance(fill_value, TensorBase) else fill_value
    kind = _kind(dtype or dt.number_dtype(value), device)
    return store(out, finish(_filled(_shape((tuple(size),)), kind, value), requires_grad))


def store(out: Tensor | None, result: Tensor, dtype: DType | None = None) -> Tensor:
    """The result, or `out` resized and overwritten by it. Raises RuntimeError if `dtype`, as it was given, is
    not that of `out`."""
    if out is None:
        return result
    if dtype is not None and dtype is not out.kind.dtype:
        raise RuntimeError(
            f"dtype {type_word(dtype)} does not match dtype of out parameter ({type_word(out.kind.dtype)})"
        )
    resize_out(out, result.array.shape, warn=False)
    return copy_(out, result)


def empty_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor of the shape, dtype and device of `input`, not set."""
    return finish(_laid_out_as(input, _kind_like(input, dtype, device), memory_format), requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros in the shape, dtype and device of `input`."""
    result = _laid_out_as(input, _kind_like(input, dtype, device), memory_format)
    return finish(_fill(result, 0), requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones in the shape, dtype and device of `input`."""
    result = _laid_out_as(input, _kind_like(input, dtype, device), memory_format)
    return finish(_fill(result, 1), requires_grad)


def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """`value`, a number or a 0-d tensor, in the shape, dtype and device of `input`; a tensor gets its gradient.

    >>> torch.fill(torch.tensor([1, 2]), 2.5)
    tensor([2, 2])
    """
    return fill_(empty_like(input), value)


def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """`fill_value` in the shape, dtype and device of `input`."""
    result = _laid_out_as(input, _kind_like(input, dtype, device), memory_format)
    return finish(_fill(result, fill_value), requires_grad)


def _laid_out_as(input: Tensor, kind: Kind, format: Any) -> Tensor:
    """A new tensor of the shape of `input` whose dimensions lie in memory as its do, or in the order of a
    memory format."""
    shape = input.array.shape
    if format is None or format is preserve_format:
        return (
            base.empty(shape, kind)
            if input.kind.contiguous
            else empty_in_order(shape, kind, kept_order(input.array))
        )
    return empty_in_order(shape, kind, format.order(len(shape)))


def _kind_like(input: Tensor, dtype: DType | None, device: Any) -> Kind:
    if dtype is None and device is None:
        return tensor_kind(input).flat
    return Kind.of(
        input.kind.dtype if dtype is None else dt.as_dtype(dtype),
        input.kind.device if device is None else resolve(device),
    )


def new_empty(
    self: Tensor,
    *args: Any,
    size: Sequence[int] | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of this dtype and device, not set."""
    return finish(base.empty(_shape(args, size), _kind_like(self, dtype, device)), requires_grad)


def new_zeros(
    self: Tensor,
    *args: Any,
    size: Sequence[int] | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of this dtype and device."""
    return finish(_filled(_shape(args, size), _kind_like(self, dtype, device), 0), requires_grad)


def new_ones(
    self: Tensor,
    *args: Any,
    size: Sequence[int] | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of this dtype and device."""
    return finish(_filled(_shape(args, size), _kind_like(self, dtype, device), 1), requires_grad)


def new_full(
    self: Tensor,
    size: Sequence[int],
    fill_value: Number,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """`fill_value` in this dtype and on this device."""
    return finish(_filled(_shape((tuple(size),)), _kind_like(self, dtype, device), fill_value), requires_grad)


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


# --- of any geometry


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with these strides whose elements are not set.

    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    shape, strides = tuple(size), tuple(stride)
    if len(shape) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(strides)})"
        )
    if any([s < 0 for s in strides]):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}"
        )
    result = base.empty((0,), _kind(dtype, device))
    return finish(reseat(result, result.memory, _shape((shape,)), strides, 0), requires_grad)


def new_empty_strided(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """`empty_strided` of this dtype and device."""
    return empty_strided(
        size,
        stride,
        dtype=dtype or self.kind.dtype,
        device=self.kind.device if device is None else device,
        requires_grad=requires_grad,
    )


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor whose dimensions lie in memory in this order, outermost first, and whose elements are not
    set.

    >>> torch.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    shape, order = _shape((tuple(size),)), tuple(physical_layout)
    if len(order) != len(shape):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    return finish(empty_in_order(shape, _kind(dtype, device), order), requires_grad)


def scalar_tensor(
    s: Number,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of no dimensions, of the default dtype unless another is given.

    >>> torch.scalar_tensor(3)
    tensor(3.)
    """
    return finish(_filled((), _kind(dtype, device), s), requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """An n x m matrix (n x n by default) with ones on the diagonal and zeros elsewhere."""
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    columns = n if m is None else m
    if columns < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {columns}")
    result = _filled((n, columns), _kind(dtype, device), 0)
    if n and columns:
        fill_(result.diagonal(), 1)
    result._storage = None
    return store(out, finish(result, requires_grad))
