"""Several tensors as one: cat, stack and their kin; and tensors brought to a common shape."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import chain
from itertools import combinations as _choose
from itertools import combinations_with_replacement as _choose_again
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.base import Kind, TensorBase, kind_of, wrap
from numbatorch.dtype import type_word
from numbatorch.ops.copy import cast, copy_, from_numbers, into, move
from numbatorch.ops.elements import zeros
from numbatorch.ops.rows import index_select
from numbatorch.ops.view import expand, narrow, reshape, select, unsqueeze
from numbatorch.shape import broadcast_pair, normalize_dim
from numbatorch_kernels.memory import LARGE

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


_SEQUENCES = (tuple, list)


def _checked(name: str, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """The argument `tensors` of a function, if it is one; TypeError otherwise."""
    if not isinstance(tensors, _SEQUENCES):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for k, tensor in enumerate(tensors):
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"expected Tensor as element {k} in argument 0, but got {type(tensor).__name__}")
    return tensors


def _kind(name: str, tensors: Sequence[Tensor]) -> Kind:
    """The kind of the result: the promoted dtype, on the device that all are on."""
    kind = tensors[0].kind.flat
    for t in tensors:
        if t.kind.flat is not kind:
            break
    else:
        return kind
    for t in tensors:
        if t.kind.device is not kind.device:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got tensors is on {t.device}, different "
                f"from other tensors on "
                f"{kind.device} (when checking argument in method wrapper_{kind.device.type}_{name})"
            )
    operands = [(t.kind.dtype, dt.DIMENSIONED if t.array.ndim else dt.ZERO_DIM) for t in tensors]
    return Kind.of(dt.result_dtype(*operands), kind.device)


def paste(part, kind: Kind, tensor: Tensor) -> None:
    """Fill `part`, a piece of an array of this kind."""
    if kind.cpu and tensor.kind.dtype is kind.dtype and tensor.array.nbytes < LARGE:
        part[...] = tensor.array
    else:
        copy_(wrap(part, kind_of(part, kind)), wrap(tensor.array, tensor.kind))


def _paste_all(whole, kind: Kind, tensors: Sequence[Tensor], dim: int) -> None:
    """Fill `whole`, an array of this kind, by the tensors one after the other along `dim`."""
    if kind.cpu and whole.nbytes < len(tensors) * LARGE:  # parts so small that no two threads are quicker
        arrays = [t.array for t in tensors if t.kind.flat is kind]
        if len(arrays) == len(tensors):
            np.concatenate(arrays, dim, whole)
            return
    before, start = (slice(None),) * dim, 0
    for tensor in tensors:
        stop = start + tensor.array.shape[dim]
        paste(whole[(*before, slice(start, stop))], kind, tensor)
        start = stop


# --- along a dimension that is there


def _cat_forward(*args):
    *tensors, (dim, shape, kind, _) = args
    result = base.empty(shape, kind)
    if result.array.size:
        _paste_all(result.array, kind, [t for t in tensors if t.array.size], dim)
    return result


def _cat_vjp(node, grad):
    dim, _, _, parts = node.params[0]
    grads, start = [], 0
    for (shape, dtype), need in zip(parts, node.needs):
        n = shape[dim] if dim < len(shape) else 0
        grads.append(cast(reshape(narrow(grad, dim, start, n), shape), dtype) if need else None)
        start += n
    return grads


_cat = Op("Cat", _cat_forward, _cat_vjp, tensors=-1)


def cat(
    tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None, out: Tensor | None = None
) -> Tensor:
    """The tensors one after the other along `dim`, in which alone their sizes may differ. An empty 1-D tensor
    fits everywhere.

    Raises RuntimeError where sizes do not match.

    >>> torch.cat((torch.tensor([[1, 2]]), torch.tensor([[3, 4], [5, 6]])))
    tensor([[1, 2],
            [3, 4],
            [5, 6]])
    """
    tensors = _checked("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    parts = [(t.array.shape, t.kind.dtype) for t in tensors]
    for k, (shape, _) in enumerate(parts):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {k}) cannot be concatenated")
    like = parts[0][0]
    if like == (0,):
        like = next((shape for shape, _ in parts if shape != (0,)), like)
    d = normalize_dim(dim if axis is None else axis, len(like)) if like != (0,) else 0
    kind = _kind("cat", tensors)
    _check_dtype(out, kind)
    total = 0
    for k, (shape, _) in enumerate(parts):
        if shape != like:
            if shape == (0,):
                continue
            _check_sizes(k, shape, like, d)
        total += shape[d]
    result = _cat(*tensors, (d, (*like[:d], total, *like[d + 1 :]), kind, parts))
    return result if out is None else into(out, cast(result, out.kind.dtype), "cat", *tensors)


def _check_dtype(out: Tensor | None, kind: Kind) -> None:
    """Raise TypeError for `out` of a dtype that the result, of this kind, is not cast to."""
    if out is not None and not dt.can_cast(kind.dtype, tensor_kind(out).dtype):
        raise TypeError(
            f"torch.cat(): input types can't be cast to the desired output type {type_word(out.kind.dtype)}"
        )


def _check_sizes(number: int, shape: tuple[int, ...], like: tuple[int, ...], dim: int) -> None:
    if len(shape) != len(like):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(like)} and {len(shape)}")
    for d, (n, expected) in enumerate(zip(shape, like)):
        if d != dim and n != expected:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected size {expected} but got "
                f"size {n} for tensor number "
                f"{number} in the list."
            )


concat = concatenate = cat


# --- along a new dimension


def _stack_forward(*args):
    *tensors, (dim, kind, _) = args
    shape, count = tensors[0].array.shape, len(tensors)
    result = base.empty((*shape[:dim], count, *shape[dim:]), kind)
    if not result.array.size:
        return result
    if dim < len(shape):  # the same as one after the other along that dimension
        _paste_all(
            result.array.reshape((*shape[:dim], count * shape[dim], *shape[dim + 1 :])), kind, tensors, dim
        )
    else:
        for k, tensor in enumerate(tensors):
            paste(result.array[(*[slice(None)] * dim, k, ...)], kind, tensor)
    return result


def _stack_vjp(node, grad):
    dim, _, dtypes = node.params[0]
    return [
        cast(select(grad, dim, k), d) if need else None for k, (d, need) in enumerate(zip(dtypes, node.needs))
    ]


_stack = Op("Stack", _stack_forward, _stack_vjp, tensors=-1)


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape side by side along a new dimension `dim`.

    >>> torch.stack((torch.tensor([1, 2]), torch.tensor([3, 4])), dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = _checked("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].array.shape
    d = normalize_dim(dim, len(shape) + 1)
    for k, tensor in enumerate(tensors):
        if tensor.array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(tensor.array.shape)} at entry {k}"
            )
    kind = _kind("stack", tensors)
    _check_dtype(out, kind)
    result = _stack(*tensors, (d, kind, [t.kind.dtype for t in tensors]))
    return result if out is None else into(out, cast(result, out.kind.dtype), "stack", *tensors)


# --- by the number of dimensions


def _each(tensors: tuple, function):
    """`function` of each tensor: of a single one the result, of several, or of a sequence, a tuple."""
    if len(tensors) == 1 and isinstance(tensors[0], TensorBase):
        return function(tensors[0])
    return tuple([function(t) for t in (tensors[0] if len(tensors) == 1 else tensors)])


def _at_least_1d(tensor: Tensor) -> Tensor:
    return tensor if tensor.array.ndim else reshape(tensor, 1)


def _at_least_2d(tensor: Tensor) -> Tensor:
    return tensor if tensor.array.ndim > 1 else unsqueeze(_at_least_1d(tensor), 0)


def _at_least_3d(tensor: Tensor) -> Tensor:
    return tensor if tensor.array.ndim > 2 else unsqueeze(_at_least_2d(tensor), -1)


def atleast_1d(*tensors):
    """Tensors of no dimensions as vectors of one element; others as they are."""
    return _each(tensors, _at_least_1d)


def atleast_2d(*tensors):
    """Tensors of fewer than two dimensions with dimensions of size one in front."""
    return _each(tensors, _at_least_2d)


def atleast_3d(*tensors):
    """Tensors of fewer than three dimensions with dimensions of size one: a matrix gets it behind, a vector
    on both sides."""
    return _each(tensors, _at_least_3d)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side: vectors along their only dimension, others along the second."""
    if not _checked("hstack", tensors):
        raise RuntimeError("hstack expects a non-empty TensorList")
    tensors = atleast_1d(*tensors) if len(tensors) > 1 else (_at_least_1d(tensors[0]),)
    return cat(tensors, 0 if tensors[0].array.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors one below the other; vectors are rows."""
    if not _checked("vstack", tensors):
        raise RuntimeError("vstack expects a non-empty TensorList")
    return cat([_at_least_2d(t) for t in tensors], 0, out=out)


row_stack = vstack


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors one behind the other, along the third dimension."""
    if not _checked("dstack", tensors):
        raise RuntimeError("dstack expects a non-empty TensorList")
    return cat([_at_least_3d(t) for t in tensors], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors side by side; vectors are columns."""
    if not _checked("column_stack", tensors):
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return hstack([t if t.array.ndim > 1 else reshape(t, t.array.size, 1) for t in tensors], out=out)


# --- matrices along a diagonal


def _block_diag_forward(*args):
    *tensors, (kind, corners, _) = args
    rows, columns = corners[-1]
    result = zeros((rows, columns), kind)
    for tensor, (r, c) in zip(tensors, corners):
        if tensor.array.size:
            m, n = tensor.array.shape
            paste(result.array[r : r + m, c : c + n], kind, tensor)
    return result


def _block_diag_vjp(node, grad):
    _, corners, dtypes = node.params[0]
    return [
        cast(grad[r:r_end, c:c_end], d) for (r, c), (r_end, c_end), d in zip(corners, corners[1:], dtypes)
    ]


_block_diag = Op("BlockDiag", _block_diag_forward, _block_diag_vjp, tensors=-1)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of a matrix of zeros. Vectors are rows, 0-d tensors are matrices of one
    element.

    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor([[3], [4]]))
    tensor([[1, 2, 0],
            [0, 0, 3],
            [0, 0, 4]])
    """
    if not tensors:
        return zeros((1, 0), Kind.of(dt.get_default_dtype()))
    for k, tensor in enumerate(_checked("block_diag", tensors)):
        if tensor.array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {k} has "
                f"{tensor.array.ndim} dimensions"
            )
    matrices = [_at_least_2d(t) for t in tensors]
    corners = [(0, 0)]
    for m in matrices:
        rows, columns = m.array.shape
        corners.append((corners[-1][0] + rows, corners[-1][1] + columns))
    return _block_diag(*matrices, (_kind("block_diag", tensors), corners, [t.kind.dtype for t in tensors]))


# --- a common shape


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of the tensors in their common shape. Raises RuntimeError where they do not fit."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    shape: tuple[int, ...] = ()
    for tensor in tensors:
        shape = broadcast_pair(shape, tensor_array(tensor).shape)
    return tuple([expand(t, shape) for t in tensors])


def meshgrid(*tensors, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For each vector a view in the shape of the grid that they span: the coordinates of its points.

    indexing  "ij": the first vector runs along the first dimension; "xy": along the second, as in a picture

    >>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4]), indexing="ij")
    (tensor([[1, 1],
            [2, 2]]), tensor([[3, 4],
            [3, 4]]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn(_MESHGRID, UserWarning, stacklevel=2)
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in tensors:
        if tensor.array.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {tensor}"
            )
        if tensor.kind.dtype is not tensors[0].kind.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swapped = indexing == "xy" and len(tensors) > 1
    if swapped:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple([t.array.size for t in tensors])
    grids = [
        expand(reshape(t, *[n if k == d else 1 for k, n in enumerate(shape)]), shape)
        for d, t in enumerate(tensors)
    ]
    return (grids[1], grids[0], *grids[2:]) if swapped else tuple(grids)


_MESHGRID = "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument."


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every choice of one element from each vector, a row for each choice.

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    for tensor in tensors:
        if tensor_array(tensor).ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor.array.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(g, -1) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of `r` elements of a vector, in order, a row for each choice."""
    if tensor_array(input).ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.array.shape)}")
    if not r:
        return index_select(input, 0, move(from_numbers(np.empty(0), dt.int64), input.kind.device))
    choose = _choose_again if with_replacement else _choose
    rows = np.fromiter(chain.from_iterable(choose(range(input.array.size), r)), np.int64)
    index = move(from_numbers(rows, dt.int64), input.kind.device)
    return reshape(index_select(input, 0, index), -1, r)
