"""Joining tensors: one after the other, or as slices of a new dimension."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from numbatorch import dtype as dt
from numbatorch.apply import Op
from numbatorch.autograd.mode import no_grad
from numbatorch.base import Kind, TensorBase, empty, wrap
from numbatorch.ops.copy import cast, copy_
from numbatorch.ops.view import expand, narrow, reshape, select, unsqueeze
from numbatorch.shape import broadcast_shapes, normalize_dim

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _owned(result: Tensor) -> Tensor:
    """`result`, which was filled through views, as a tensor whose memory nobody else sees."""
    return wrap(result.array, result.kind)


def _cat_forward(*args):
    *tensors, (dim, lengths) = args
    shape = list(tensors[0].array.shape)
    shape[dim] = builtins.sum(lengths)
    result, start = empty(tuple(shape), tensors[0].kind), 0
    with no_grad():
        for tensor, n in zip(tensors, lengths, strict=True):
            if tensor.array.size:
                copy_(narrow(result, dim, start, n), tensor)
            start += n
    return _owned(result)


def _cat_vjp(node, grad):
    ((dim, lengths),) = node.params
    parts, start = [], 0
    for n, wanted in zip(lengths, node.needs, strict=True):
        parts.append(narrow(grad, dim, start, n) if wanted else None)
        start += n
    return tuple(parts)


_cat = Op("Cat", _cat_forward, _cat_vjp, tensors=-1)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors one after the other along `dim`; their other sizes are equal, their dtypes are promoted.

    >>> torch.cat([torch.ones(1, 2), torch.zeros(2, 2)])
    tensor([[1., 1.],
            [0., 0.],
            [0., 0.]])
    """
    parts = _checked("cat", tensors)
    given = [t for t in parts if t.array.shape != (0,)]  # PyTorch's old rule: an empty vector fits anything
    if not given:
        return parts[0].clone()
    ndim = given[0].array.ndim
    for position, tensor in enumerate(parts):
        if tensor.array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
        if tensor.array.ndim != ndim and tensor.array.shape != (0,):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {ndim} and {tensor.array.ndim}")
    d = normalize_dim(dim, ndim)
    first = given[0].array.shape
    for position, tensor in enumerate(parts):
        shape = tensor.array.shape
        if shape != (0,) and shape[:d] + shape[d + 1 :] != first[:d] + first[d + 1 :]:
            wrong = next(k for k in range(ndim) if k != d and shape[k] != first[k])
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {d}. Expected size {first[wrong]} but got size {shape[wrong]} for tensor "
                f"number {position} in the list."
            )
    result = _cat(*_promoted(given, parts), (d, tuple([t.array.shape[d] for t in given])))
    return result if out is None else copy_(out, result)


concat = concatenate = cat


def _promoted(tensors: list, say: list) -> list:
    common = say[0].kind.dtype
    for t in say[1:]:
        common = dt.promote_types(common, t.kind.dtype)
    return [cast(t, common) for t in tensors]


def _checked(name: str, tensors: Sequence[Tensor]) -> list:
    if isinstance(tensors, TensorBase) or not isinstance(tensors, Sequence):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
    if not tensors:
        raise (ValueError if name == "cat" else RuntimeError)(
            "expected a non-empty list of Tensors" if name == "cat" else f"{name} expects a non-empty TensorList"
        )
    for position, tensor in enumerate(tensors):
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(tensor).__name__}")
    devices = {t.kind.device: None for t in tensors}
    if len(devices) > 1:
        first, second = list(devices)[:2]
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {first} and {second}!")
    return list(tensors)


def _stack_forward(*args):
    *tensors, dim = args
    shape = tensors[0].array.shape
    result = empty((*shape[:dim], len(tensors), *shape[dim:]), Kind.of(tensors[0].kind.dtype, tensors[0].kind.device))
    with no_grad():
        if result.array.size:
            for k, tensor in enumerate(tensors):
                copy_(select(result, dim, k), tensor)
    return _owned(result)


def _stack_vjp(node, grad):
    (dim,) = node.params
    return tuple([select(grad, dim, k) if wanted else None for k, wanted in enumerate(node.needs)])


_stack = Op("Stack", _stack_forward, _stack_vjp, tensors=-1)


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, of one shape, as the slices of a new dimension `dim`."""
    parts = _checked("stack", tensors)
    shape = parts[0].array.shape
    for position, tensor in enumerate(parts):
        if tensor.array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(tensor.array.shape)} at entry {position}"
            )
    result = _stack(*_promoted(parts, parts), normalize_dim(dim, len(shape) + 1))
    return result if out is None else copy_(out, result)


def atleast_1d(*tensors: Tensor):
    """Each tensor with at least one dimension."""
    return _each(tensors, lambda t: reshape(t, 1) if t.array.ndim == 0 else t)


def atleast_2d(*tensors: Tensor):
    """Each tensor with at least two dimensions; a vector becomes a row."""
    return _each(tensors, lambda t: reshape(t, 1, -1) if t.array.ndim < 2 else t)


def atleast_3d(*tensors: Tensor):
    """Each tensor with at least three dimensions."""

    def deepen(t: Tensor) -> Tensor:
        return reshape(t, 1, -1, 1) if t.array.ndim < 2 else unsqueeze(t, -1) if t.array.ndim == 2 else t

    return _each(tensors, deepen)


def _each(tensors: tuple, change):
    if len(tensors) == 1:
        return change(tensors[0]) if isinstance(tensors[0], TensorBase) else tuple([change(t) for t in tensors[0]])
    return tuple([change(t) for t in tensors])


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side: along the second dimension, vectors along the first."""
    parts = [atleast_1d(t) for t in _checked("hstack", tensors)]
    return cat(parts, 0 if parts[0].array.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors one below the other; vectors are rows."""
    return cat([atleast_2d(t) for t in _checked("vstack", tensors)], 0, out=out)


row_stack = vstack


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors one behind the other, along the third dimension."""
    return cat([atleast_3d(t) for t in _checked("dstack", tensors)], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side; vectors are columns."""
    return cat([reshape(t, -1, 1) if t.array.ndim < 2 else t for t in _checked("column_stack", tensors)], 1, out=out)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of the tensors in the shape to which they all broadcast."""
    shape = broadcast_shapes(*[tuple(t.array.shape) for t in tensors])
    return tuple([expand(t, *shape) for t in tensors])
