"""Whole slices named by an index vector: index_select, index_add, index_copy, index_fill, embedding; and
single elements: take, one_hot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.base import Kind, TensorBase
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import div, mul
from numbatorch.ops.copy import cast, clone, clone_contiguous, copy_, host, into
from numbatorch.ops.elements import (
    Rule,
    broadcast_value,
    first_outside,
    number_like,
    placing,
    read,
    selecting,
    selecting_vjp,
    zeros,
)
from numbatorch.ops.extrema import amax
from numbatorch.ops.scatter import scatter_, scatter_reduce
from numbatorch.ops.view import expand, native_type_text, reshape, unsqueeze, view
from numbatorch.rules import refuse
from numbatorch.shape import normalize_dim

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _integers(index: Tensor, error: Exception) -> Tensor:
    """An index of int32 or int64 as int64; raises `error` for other dtypes."""
    if index.kind.dtype is dt.int64:
        return index
    if index.kind.dtype is not dt.int32:
        raise error
    return cast(index, dt.int64)


def _vector(tensor: Tensor) -> Tensor:
    """A 0-d tensor as one of a single element."""
    return tensor if tensor.array.ndim else view(tensor, 1)


# --- reading


def _not_there(value: int, which: int, dim: int, size: int) -> Exception:
    if dim == 1:
        return RuntimeError(f"INDICES element is out of DATA bounds, id={value} axis_dim={size}")
    return IndexError("index out of range in self")


def _check_unread(source: Tensor, d: int, index: Tensor) -> None:
    """The check of an index of slices without elements: nothing is read, so that nobody else looks at it."""
    size = source.array.shape[d]
    if source.array.size or not index.array.size:
        return
    if not size:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    values = host(index)
    absent = values[(values < 0) | (values >= size)]
    if absent.size:
        raise RuntimeError(f"INDICES element is out of DATA bounds, id={absent[0]} axis_dim={size}")


SELECTING = Rule(False, _not_there, "index_select")
EMBEDDING = Rule(False, lambda value, which, dim, size: IndexError("index out of range in self"), "embedding")
TAKING = Rule(
    True,
    lambda value, which, dim, size: IndexError(
        f"out of range: tried to access index {value} on a tensor of {size} elements."
    ),
    "take",
)

_index_select = selecting("IndexSelect", SELECTING)
_take = selecting("Take", TAKING)


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of dimension `dim` that a vector of indices names, as a new tensor.

    >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    if tensor_array(index).ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    index = _vector(_integers(index, RuntimeError("index_select(): Expected dtype int32 or int64 for index")))
    d = normalize_dim(dim, tensor_array(input).ndim)
    source = _vector(input)
    shape = source.array.shape
    if shape == (0,) and index.array.size:
        raise IndexError("index out of range in self")
    _check_unread(source, d, index)
    if source is not input and index.array.size != 1:
        raise RuntimeError(
            f"index_select(): Index to scalar can have only 1 value, got {index.array.size} value(s)"
        )
    result = _index_select(source, index, (((d, 1),), shape))
    result = result if source is input else reshape(result, ())
    return result if out is None else into(out, result, "index_select", input, index)


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements that `index` numbers in row-major order, in the shape of `index`; negative numbers count
    from the end.

    >>> torch.take(torch.tensor([[4, 3], [2, 1]]), torch.tensor([0, -1]))
    tensor([4, 1])
    """
    if tensor_kind(index).dtype is not dt.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {type_word(index.kind.dtype)}")
    if not tensor_array(input).size and index.array.size:
        raise IndexError("take(): tried to take from an empty tensor")
    flat = reshape(input, -1)
    result = _take(flat, index, (((0, 1),), flat.array.shape))
    return result if out is None else into(out, result, "take", input, index)


def _embedding_forward(weight, indices, params):
    return read(weight, (indices,), ((0, 1),), EMBEDDING)


def _embedding_vjp(node, grad):
    (indices,) = node.unpack()
    _blocks, shape, padding, by_frequency = node.params[0]
    if by_frequency:
        ones = number_like(1, grad).expand(indices.array.shape)
        count = index_add(zeros(shape[:1], grad.kind), 0, reshape(indices, -1), reshape(ones, -1))
        grad = div(
            grad, unsqueeze(reshape(index_select(count, 0, reshape(indices, -1)), indices.array.shape), -1)
        )
    for_weight, _ = selecting_vjp(node, grad)
    if padding >= 0:
        for_weight[padding] = 0
    return (for_weight, None)


_embedding = Op("Embedding", _embedding_forward, _embedding_vjp, saves=(1,), tensors=-1)


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `indices` name, in the shape (*indices.shape, columns).

    padding_idx         this row gets no gradient
    scale_grad_by_freq  a row's gradient is divided by how often the row is named
    sparse              taken for PyTorch's sake; gradients are dense
    """
    if tensor_array(weight).ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    error = (
        "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but "
        "got "
        f"{native_type_text(indices)} instead (while checking arguments for embedding)"
    )
    indices = _integers(indices, RuntimeError(error))
    _check_unread(weight, 0, indices)
    return _embedding(weight, indices, (((0, 1),), weight.array.shape, padding_idx, scale_grad_by_freq))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Zeros and, at the place that each class number names, a one: shape (*tensor.shape, num_classes). By
    default as many as are needed.

    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]), 4)
    tensor([[1, 0, 0, 0],
            [0, 0, 1, 0]])
    """
    if tensor_kind(tensor).dtype is not dt.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not tensor.array.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return zeros((*tensor.array.shape, num_classes), tensor.kind.flat)
    if tensor.kind.cpu:
        least, largest = int(tensor.array.min()), int(tensor.array.max())
        if least < 0:
            raise RuntimeError("Class values must be non-negative.")
        if largest >= num_classes != -1:
            raise RuntimeError("Class values must be smaller than num_classes.")
    elif num_classes == -1:  # others are checked where they are written, without waiting for the device
        largest = int(amax(tensor).item())
    if num_classes == -1:
        num_classes = largest + 1
    return scatter_(
        zeros((*tensor.array.shape, num_classes), Kind.of(dt.int64, tensor.kind.device)),
        -1,
        unsqueeze(tensor, -1),
        1,
    )


# --- writing


ADDING = EMBEDDING
ADDING_TO_MATRIX = Rule(
    False,
    lambda value, which, dim, size: RuntimeError(
        f"index {value} is out of bounds for dimension {dim} with size {size}"
    ),
)
COPYING = Rule(
    False,
    lambda value, which, dim, size: IndexError(
        f"index_copy_(): index {value} is out of bounds for dimension {dim} with size {size}"
    ),
)
FILLING = Rule(
    True,
    lambda value, which, dim, size: IndexError(
        f"index {value} is out of bounds for dimension {dim} with size {size}"
    ),
)

_index_add = placing("IndexAdd", ADDING)
_index_add_to_matrix = placing("IndexAdd", ADDING_TO_MATRIX)
_index_copy = placing("IndexCopy", COPYING)
_index_fill = placing("IndexFill", FILLING)


def _added(
    name: str, self: Tensor, dim: int, index: Tensor, source: Tensor
) -> tuple[Tensor, int, Tensor, Tensor]:
    """The operands of index_add_ and index_reduce_, 0-d ones as vectors. Raises where they do not fit."""
    d = normalize_dim(dim, tensor_array(self).ndim)
    word = type_word(tensor_kind(index).dtype)
    if index.array.ndim > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.array.ndim} with type: {word} and "
            f"size: {list(index.array.shape)}"
        )
    error = f"{name}(): Expected dtype int32/int64 for index but got: {word}"
    index = _vector(_integers(index, RuntimeError(error)))
    if self.kind.dtype is not source.kind.dtype:
        raise RuntimeError(
            f"{name}(): self ({type_word(self.kind.dtype)}) and source ({type_word(source.kind.dtype)}) "
            f"must have the same scalar type"
        )
    own, given = self.array.shape, source.array.shape
    if d and d >= len(given):
        raise RuntimeError(
            f"{name}(): Indexing dim {d} is out of bounds of the source tensor with dim {len(given)}"
        )
    if index.array.size != (given[d] if given else 1):
        if not given:
            raise IndexError(f"Dimension specified as {d} but tensor has no dimensions")
        raise RuntimeError(
            f"{name}(): Number of indices ({index.array.size}) should be equal to source.size(dim): "
            f"({given[d]}), for dim: {d}"
        )
    if len(own) != len(given) or own[:d] + own[d + 1 :] != given[:d] + given[d + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
            f"self.shape = {list(own)} source.shape = {list(given)}"
        )
    return _vector(self), d, index, _vector(source)


def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """Add alpha times slice k of `source` to the slice index[k] of this tensor along `dim`, for every k.

    >>> torch.zeros(3).index_add_(0, torch.tensor([0, 2, 2]), torch.ones(3))
    tensor([1., 0., 2.])
    """
    target, d, index, source = _added("index_add_", self, dim, index, source)
    row = _index_add_to_matrix if target.array.ndim == 2 else _index_add
    alpha = dt.fitting(alpha, self.kind.dtype)
    row(target, source if alpha == 1 else mul(source, alpha), index, (((d, 1),), True))
    return self


def index_add(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` with the slices of `source` added: see `index_add_`."""
    result = index_add_(clone_contiguous(input), dim, index, source, alpha=alpha)
    return result if out is None else into(out, result, "index_add", source, index)


def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Overwrite the slice index[k] of this tensor along `dim` by slice k of `source`, for every k."""
    d = normalize_dim(dim, self.array.ndim)
    if tensor_array(index).ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.array.ndim})")
    if source.array.ndim and self.array.ndim and source.array.ndim != self.array.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. "
            "Source dimensionality "
            f"({source.array.ndim}), destination dimensionality ({self.array.ndim})"
        )
    if index.kind.dtype is not dt.int64:
        raise IndexError(
            "index_copy_(): Expected a long tensor for index, but got " + type_word(index.kind.dtype)
        )
    if not source.array.ndim and index.array.size != 1:
        raise IndexError(
            f"index_copy_(): When source is scalar, index should have one element (got {index.array.size})"
        )
    if self.kind.dtype is not source.kind.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{type_word(self.kind.dtype)} and (source) "
            f"{type_word(source.kind.dtype)}"
        )
    target, source, index = _vector(self), _vector(source), _vector(index)
    given = source.array.shape
    own_slice, given_slice = [shape[:d] + shape[d + 1 :] for shape in (target.array.shape, given)]
    if own_slice != given_slice:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, own_slice))} at dimension {d} and source slice shape: "
            f"{' '.join(map(str, given_slice))} at dimension 0."
        )
    if index.array.size != given[d]:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.array.size}) should be equal to source.size(dim) "
            f"({given[d]})"
        )
    _index_copy(target, source, index, (((d, 1),), False))
    return self


def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of `input` with slices overwritten: see `index_copy_`."""
    result = index_copy_(clone_contiguous(input), dim, index, source)
    return result if out is None else into(out, result, "index_copy", source, index)


def index_fill_(self: Tensor, dim: int, index: Tensor, value: Number | Tensor) -> Tensor:
    """Set the slices of this tensor along `dim` that `index` names to `value`, a number or a 0-d tensor."""
    d = normalize_dim(dim, self.array.ndim)
    if isinstance(value, TensorBase) and value.array.ndim:
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.array.ndim} "
            f"dimension(s)."
        )
    if isinstance(value, complex) and not self.kind.dtype.is_complex:
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    if tensor_kind(index).dtype is not dt.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.array.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    target, index = _vector(self), _vector(index)
    value = cast(value, self.kind.dtype) if isinstance(value, TensorBase) else number_like(value, self)
    shape = target.array.shape
    value = broadcast_value(value, (*shape[:d], index.array.size, *shape[d + 1 :]))
    _index_fill(target, value, index, (((d, 1),), False))
    return self


def index_fill(input: Tensor, dim: int, index: Tensor, value: Number | Tensor) -> Tensor:
    """A copy of `input` with slices set to `value`: see `index_fill_`."""
    return index_fill_(clone(input), dim, index, value)


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` in which the slices of `source` along `dim` that go to one place are reduced to one.

    reduce        "prod", "mean", "amax" or "amin"
    include_self  whether the slice of `input` at that place takes part

    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([2.0, 3.0]), "prod")
    tensor([6., 1.])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        )
    target, d, index, source = _added("index_reduce_", input, dim, index, source)
    refuse("index_func_", "bool")(input.kind.dtype)
    if index.kind.cpu and first_outside(index, target.array.shape[d], False) is not None:
        raise IndexError("index out of range in self")
    places = view(index, [-1 if k == d else 1 for k in range(target.array.ndim)])
    places = expand(places, source.array.shape)
    result = scatter_reduce(target, d, places, source, reduce, include_self=include_self)
    result = result if target is input else reshape(result, ())
    return result if out is None else into(out, result, "index_reduce")


def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce` in place."""
    return copy_(self, index_reduce(clone(self), dim, index, source, reduce, include_self=include_self))


# --- single elements

_put = placing("Put", TAKING)


def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Overwrite the elements that `index` numbers in row-major order by those of `source`, or add these to
    them, as often as each is named; negative numbers count from the end.

    >>> torch.zeros(2, 2).put_(torch.tensor([0, -1]), torch.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    if tensor_kind(index).dtype is not dt.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {type_word(index.kind.dtype)}")
    if self.kind.dtype is not source.kind.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{type_word(self.kind.dtype)} and source.dtype = {type_word(source.kind.dtype)}"
        )
    if source.array.size != index.array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.array.size}, index.numel() = {index.array.size}"
        )
    if not self.array.size and index.array.size:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    if not index.array.size:
        return self
    flat = self if self.array.ndim == 1 else reshape(self, -1)
    changed = _put(flat, reshape(source, -1), reshape(index, -1), (((0, 1),), accumulate))
    return self if flat._storage is self._storage else copy_(self, view(changed, self.array.shape))


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with elements overwritten, or added to: see `put_`."""
    return reshape(put_(clone_contiguous(reshape(input, -1)), index, source, accumulate), input.array.shape)
