"""New tensors: from data, of one value, of a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.base import Kind, Number, TensorBase, kind_of, wrap
from numbatorch.device import CPU
from numbatorch.dtype import DType
from numbatorch.ops.copy import cast, copy_, fill_, from_numbers, move, resolve
from numbatorch.ops.view import sizes

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


def _finish(tensor: Tensor, requires_grad: bool) -> Tensor:
    return tensor.requires_grad_() if requires_grad else tensor


def _filled(shape: tuple[int, ...], kind: Kind, value: Number) -> Tensor:
    result = base.empty(shape, kind)
    if value.__class__ is not int or value not in (0, 1):
        value = dt.fitting(value, kind.dtype)
    if kind.cpu and not (value and kind.element in ("f2", "bf")):  # which NumPy warns of, or has not
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
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
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
    try:
        wide = (
            np.array(data, dtype=np.float64 if own is dt.bfloat16 else None)
            if not own.is_complex
            else np.array(data, np.complex128)
        )
        if own.numpy.kind in "iu" and own is not dt.bfloat16 and wide.dtype.kind in "iu" and wide.size:
            limits = dt.iinfo(own)
            low, high = wide.min(), wide.max()
            if (
                own is not dt.int64
                and (low < limits.min or high > limits.max)
                and not (own is dt.uint8 and low >= -128)
            ):
                raise RuntimeError(f"value cannot be converted to type {own.name}_t without overflow")
        if wide.dtype == object:
            raise RuntimeError("Overflow when unpacking long long")
    except OverflowError:
        raise RuntimeError("Overflow when unpacking long long") from None
    return from_numbers(wide, own)


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
    return _finish(move(result, resolve(device)), requires_grad)


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
    result._storage = base.Storage()  # shared with the array, so it is never taken for the tensor's own
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
    return _finish(result, requires_grad)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's tensor."""
    return from_numpy(np.from_dlpack(ext_tensor))


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A one-dimensional tensor on the memory of an object with a buffer, such as a bytearray."""
    return _finish(from_numpy(np.frombuffer(buffer, dtype.numpy, count, offset)), requires_grad)


# --- of one value


def empty(
    *size,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A new tensor whose elements are not set."""
    return _finish(base.empty(_shape(size, ignored.pop("size", None)), _kind(dtype, device)), requires_grad)


def zeros(
    *size,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A new tensor of zeros.

    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _into(
        out, _finish(_filled(_shape(size, ignored.pop("size", None)), _kind(dtype, device), 0), requires_grad)
    )


def ones(
    *size,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A new tensor of ones."""
    return _into(
        out, _finish(_filled(_shape(size, ignored.pop("size", None)), _kind(dtype, device), 1), requires_grad)
    )


def full(
    size: Sequence[int],
    fill_value: Tensor | Number,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A new tensor filled with `fill_value`, whose type decides the dtype unless it is given."""
    value: Number = fill_value.item() if isinstance(fill_value, TensorBase) else fill_value
    kind = _kind(dtype or dt.number_dtype(value), device)
    return _into(out, _finish(_filled(_shape((tuple(size),)), kind, value), requires_grad))


def _into(out: Tensor | None, result: Tensor) -> Tensor:
    return result if out is None else copy_(out, result)


def empty_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A new tensor of the shape, dtype and device of `input`, not set."""
    return _finish(base.empty(input.array.shape, _kind_like(input, dtype, device)), requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """Zeros in the shape, dtype and device of `input`."""
    return _finish(_filled(input.array.shape, _kind_like(input, dtype, device), 0), requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """Ones in the shape, dtype and device of `input`."""
    return _finish(_filled(input.array.shape, _kind_like(input, dtype, device), 1), requires_grad)


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
    **ignored: Any,
) -> Tensor:
    """`fill_value` in the shape, dtype and device of `input`."""
    return _finish(_filled(input.array.shape, _kind_like(input, dtype, device), fill_value), requires_grad)


def _kind_like(input: Tensor, dtype: DType | None, device: Any) -> Kind:
    if dtype is None and device is None:
        return input.kind.flat
    return Kind.of(
        input.kind.dtype if dtype is None else dt.as_dtype(dtype),
        input.kind.device if device is None else resolve(device),
    )


def new_empty(
    self: Tensor,
    *size,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """A tensor of this dtype and device, not set."""
    return _finish(
        base.empty(_shape(size, ignored.pop("size", None)), _kind_like(self, dtype, device)), requires_grad
    )


def new_zeros(
    self: Tensor,
    *size,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """Zeros of this dtype and device."""
    return _finish(
        _filled(_shape(size, ignored.pop("size", None)), _kind_like(self, dtype, device), 0), requires_grad
    )


def new_ones(
    self: Tensor,
    *size,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """Ones of this dtype and device."""
    return _finish(
        _filled(_shape(size, ignored.pop("size", None)), _kind_like(self, dtype, device), 1), requires_grad
    )


def new_full(
    self: Tensor,
    size: Sequence[int],
    fill_value: Number,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """`fill_value` in this dtype and on this device."""
    return _finish(
        _filled(_shape((tuple(size),)), _kind_like(self, dtype, device), fill_value), requires_grad
    )


def new_tensor(
    self: Tensor, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of `data` in this dtype and on this device."""
    return tensor(
        data,
        dtype=dtype or self.kind.dtype,
        device=self.kind.device if device is None else device,
        requires_grad=requires_grad,
    )


# --- of a sequence


def arange(
    start: Tensor | float,
    end: Tensor | float | None = None,
    step: Tensor | float = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """start, start + step, ... below end. Integers give int64, else the default dtype.

    >>> torch.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, TensorBase) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = dt.int64 if all(isinstance(x, int) for x in (start, end, step)) else dt.get_default_dtype()
    n = (
        math.ceil((end - start) / step)
        if not all(isinstance(x, int) for x in (start, end, step))
        else -(-(end - start) // step)
    )
    values = np.arange(n) * step + start if n else np.empty(0)
    return _into(out, _finish(move(from_numbers(values, dt.as_dtype(dtype)), resolve(device)), requires_grad))


def linspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """`steps` numbers from start to end, evenly spaced, both included."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    start, end = (x.item() if isinstance(x, TensorBase) else x for x in (start, end))
    own = dt.as_dtype(dtype or dt.get_default_dtype())
    width: Any = np.float32 if own in (dt.float32, dt.float16, dt.bfloat16) else np.float64
    index = np.arange(steps, dtype=width)
    gap = width((end - start) / (steps - 1)) if steps > 1 else width(0)
    values = np.where(
        index < steps // 2, width(start) + gap * index, width(end) - gap * (width(steps - 1) - index)
    ).astype(width)
    if steps == 1:
        values = np.array([start], width)
    return _into(out, _finish(move(from_numbers(values, own), resolve(device)), requires_grad))


def logspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
) -> Tensor:
    """base^start to base^end in `steps` steps, evenly spaced in the exponent."""
    exponents = linspace(start, end, steps, dtype=dt.float64)
    return _into(
        out,
        _finish(
            (base**exponents).to(device=resolve(device), dtype=dt.as_dtype(dtype or dt.get_default_dtype())),
            requires_grad,
        ),
    )


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    **ignored: Any,
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
    return _into(out, _finish(result, requires_grad))


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """real + imag i"""
    return _into(out, real.to(real.dtype.to_complex()) + imag.to(imag.dtype.to_complex()) * 1j)
