"""New tensors of one value, or of none yet: by shape, like another, of any geometry. From data: from_data.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.arguments import tensor_kind
from numbatorch.base import Kind, Number, TensorBase
from numbatorch.dtype import DType, type_word
from numbatorch.layout import kept_order, preserve_format
from numbatorch.ops.copy import copy_, empty_in_order, fill_, into, resolve
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
