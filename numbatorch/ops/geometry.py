"""Other shapes in place: the same tensor object, seen another way (squeeze_, t_), or with other memory
(resize_, set_)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch import base
from numbatorch.arguments import OMITTED, tensor_array, tensor_kind
from numbatorch.autograd import inplace
from numbatorch.autograd.mode import state
from numbatorch.base import TensorBase
from numbatorch.dtype import c_name
from numbatorch.layout import contiguous_format, permuted_strides, steps
from numbatorch.ops.view import as_strided, sizes, squeeze, t, transpose, unsqueeze
from numbatorch.shape import contiguous_strides
from numbatorch.storage import TypedStorage, UntypedStorage, offset_in_memory, reseat

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _become(self: Tensor, view: Callable[..., Tensor], *args: Any) -> Tensor:
    """Make `self` what `view(self, *args)` is, with the view's place on the tape."""
    inplace.check(self, state.enabled and self._requires_grad, True)
    before = object.__new__(type(self))
    before.__dict__.update(self.__dict__)
    shown = view(before, *args)
    if shown is before:
        return self
    self.array, self.kind = shown.array, shown.kind
    self._storage = shown._storage
    if self._base is not None:
        self._view = shown._view
    if shown._requires_grad:
        self._grad_fn, self._requires_grad = shown._grad_fn, True
    inplace.changed(self)
    self._seen = self._version
    return self


def squeeze_(self: Tensor, dim: int | Sequence[int] = OMITTED) -> Tensor:
    """`squeeze` in place."""
    return _become(self, squeeze, dim)


def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    """`unsqueeze` in place."""
    return _become(self, unsqueeze, dim)


def transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` in place.

    >>> x = torch.tensor([[1, 2], [3, 4]])
    >>> x.transpose_(0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return _become(self, transpose, dim0, dim1)


swapdims_ = transpose_


def swapaxes_(self: Tensor, axis0: int, axis1: int) -> Tensor:
    """`swapaxes` in place."""
    return transpose_(self, axis0, axis1)


def t_(self: Tensor) -> Tensor:
    """`t` in place."""
    if self.array.ndim > 2:
        raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {self.array.ndim}D")
    return _become(self, t)


def as_strided_(
    self: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """`as_strided` in place."""
    return _become(self, as_strided, size, stride, storage_offset)


# --- other memory


def resize_(self: Tensor, *args: Any, size: Sequence[int] | None = None, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape. Its memory stays as it is if that is large enough, and grows otherwise,
    with new elements that are not set; other tensors on the memory keep the old one then.

    Raises RuntimeError for tensors that require grad.

    >>> torch.arange(4).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    shape = sizes(args if size is None else (size,))
    if tensor_kind(self).inexact and self._requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if any([n < 0 for n in shape]):
        raise RuntimeError("numel: integer multiplication overflow")
    order = (memory_format or contiguous_format).order(len(shape))
    strides = permuted_strides(shape, order)
    return reseat(self, self.memory, shape, strides, offset_in_memory(self))


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(self, tensor_array(the_template).shape, memory_format=memory_format)


def set_(
    self: Tensor,
    source: Tensor | UntypedStorage | TypedStorage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Make this tensor share the memory of `source`: as that tensor is, or with the geometry given; without a
    source, an empty tensor. Memory that is too small grows. Raises RuntimeError where dtypes differ.

    >>> torch.zeros(3).set_(torch.ones(2, 2).untyped_storage(), 1, (2,))
    tensor([1., 1.])
    """
    inplace.check(self, False, True)
    if source is None:
        return reseat(self, base.empty((0,), self.kind).memory, (0,), (1,), 0)
    if isinstance(source, TensorBase):
        if self.kind.dtype is not source.kind.dtype:
            raise RuntimeError(
                f"Could not set tensor of type {c_name(source.kind.dtype)} to a tensor of type "
                f"{c_name(self.kind.dtype)}"
            )
        if size is None:
            shape, strides = source.array.shape, steps(source.array)
            return reseat(self, source.memory, shape, strides, offset_in_memory(source))
        storage = source.memory
    else:
        untyped = source.untyped() if isinstance(source, TypedStorage) else source
        storage = untyped._storage
        if size is None:
            size = (untyped.nbytes() // self.kind.numpy.itemsize,)
    shape = tuple(size)
    strides = contiguous_strides(shape) if stride is None else tuple(stride)
    return reseat(self, storage, shape, strides, storage_offset)


# --- the memory itself


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes that this tensor, and every tensor that shares memory with it, is made of."""
    return UntypedStorage(self.memory, self.kind.device)


def storage(self: Tensor) -> TypedStorage:
    """The elements that this tensor, and every tensor that shares memory with it, is made of."""
    return TypedStorage(self.memory, self.kind)
