"""Elements named one by one along a dimension: gather, scatter, scatter_reduce.

`index` has as many dimensions as the tensor and may be smaller. Its element at (i, j, k), with dim = 1,
stands for the place (i, index[i, j, k], k) of the tensor.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import InPlaceOp, Op
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.base import TensorBase
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import div, mul, remainder
from numbatorch.ops.comparison import eq, logical_and, masked_fill, where
from numbatorch.ops.copy import cast, clone, clone_contiguous, copy_, into
from numbatorch.ops.elements import (
    Layout,
    apart,
    check_range,
    combine,
    elsewhere,
    first_outside,
    in_elements,
    in_full,
    layout,
    number_like,
    report,
    reported,
    stretched,
    walk,
    zeros,
)
from numbatorch.ops.view import expand, reshape
from numbatorch.overlap import refuse_repeated, refuse_shared
from numbatorch.rules import refuse
from numbatorch.shape import broadcast_pair, normalize_dim
from numbatorch_kernels import index as kernels

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


# --- the kernels' side


from numbatorch_kernels.codes import MAXIMUM, MINIMUM, PRODUCT


@lru_cache(maxsize=4096)
def _along(index: Layout, small: Layout, big: Layout, itemsize: int, dim: int) -> kernels.Walk:
    """The walk through an index, beside a small tensor that broadcasts to its shape and a big one indexed
    along `dim`."""
    shape, strides = index[0], in_elements(big, itemsize)
    small_steps, index_steps = stretched(small, itemsize, shape), stretched(index, 8, shape)
    return walk(
        shape,
        small_steps,
        (*strides[:dim], 0, *strides[dim + 1 :]),
        index_steps,
        big[0][dim],
        strides[dim],
        False,
    )


def _outside(index: Tensor, dim: int, size: int) -> Exception:
    value = first_outside(index, size, False)
    return RuntimeError(f"index {value} is out of bounds for dimension {dim} with size {size}")


def _gather_forward(input, index, dim):
    if index.kind.device is not input.kind.device:
        raise elsewhere("index", index, input)
    out = base.empty(index.array.shape, input.kind)
    if out.array.size:
        missed, size = report("gather", input.kind), input.array.shape[dim]
        route = _along(layout(index), layout(out), layout(input), out.array.itemsize, dim)
        if size:
            kernels.take(input.kind.device.type, out.array, input.array, index.array, route, missed)
        if not size or reported(missed):
            raise _outside(index, dim, input.array.shape[dim])
    return out


@in_full
def _write(kernel, target: Tensor, src: Tensor, index: Tensor, dim: int, *how: int) -> None:
    """Put `src`, of the shape of `index` or 0-d, into `target`, or combine the two there."""
    for name, tensor in (("index", index), ("src", src)):
        if tensor.kind.device is not target.kind.device:
            raise elsewhere(name, tensor, target)
    refuse_repeated(target)
    if index.array.size:
        missed, size = report("scatter", target.kind), target.array.shape[dim]
        check_range(index, size, False, missed)
        if not size or reported(missed):
            raise _outside(index, dim, size)
        src = apart(src, target)
        route = _along(layout(index), layout(src), layout(target), target.array.itemsize, dim)
        combine(kernel, target, src, index.array, route, *how)


# --- the rows


def _gather_vjp(node, grad):
    (index,) = node.unpack()
    dim, shape = node.params[0]
    return (_scatter_add(zeros(shape, grad.kind), grad, index, (dim, shape)), None)


_gather = Op(
    "Gather",
    lambda input, index, params: _gather_forward(input, index, params[0]),
    _gather_vjp,
    saves=(1,),
    tensors=-1,
)


def _scatter_vjp(node, grad):
    (index,) = node.unpack()
    for_target = for_src = None
    if node.needs[0]:
        for_target = _scatter(clone_contiguous(grad), number_like(0, grad), index, *node.params)
    if node.needs[1]:
        for_src = _gather(grad, index, *node.params)
    return (for_target, for_src, None)


def _put(target: Tensor, src: Tensor, index: Tensor, params: tuple) -> None:
    refuse_shared(target, src, index)
    _write(kernels.put, target, src, index, params[0])


def _add(target: Tensor, src: Tensor, index: Tensor, params: tuple) -> None:
    refuse_shared(target, src, index)
    _write(kernels.add, target, src, index, params[0])


_scatter = InPlaceOp("Scatter", _put, _scatter_vjp, saves=(2,), tensors=-1)


def _scatter_add_vjp(node, grad):
    (index,) = node.unpack()
    return (grad, _gather(grad, index, *node.params) if node.needs[1] else None, None)


_scatter_add = InPlaceOp("ScatterAdd", _add, _scatter_add_vjp, saves=(2,), tensors=-1)


# --- gather


def _index_of(name: str, index: Tensor) -> Tensor:
    """The index as int64."""
    if tensor_kind(index).dtype is dt.int64:
        return index
    if index.kind.dtype is not dt.int32:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    return cast(index, dt.int64)


def _as_vectors(*tensors: Tensor) -> list[Tensor]:
    """0-d tensors as tensors of one element."""
    return [t if t.array.ndim else reshape(t, 1) for t in tensors]


def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """For each element of `index`, the element of `input` at the same place, but at the index along `dim`.

    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    d = normalize_dim(dim, tensor_array(input).ndim)
    index = _index_of("gather", index)
    source, places = _as_vectors(input, index)
    shape, size = places.array.shape, source.array.shape
    if places.array.size:
        if len(shape) != len(size):
            raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
        for k, (n, m) in enumerate(zip(shape, size)):
            if k != d and n > m:
                raise RuntimeError(
                    f"Size does not match at dimension {k} expected index {list(shape)} to be no larger than "
                    f"self {list(size)} apart from "
                    f"dimension {d}"
                )
    result = _gather(source, places, (d, size))
    result = result if places is index else reshape(result, ())
    return result if out is None else into(out, result, "gather", input)


def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """As `gather`, for indices that broadcast with `input` in the other dimensions, modulo the size: negative ones count
    from the end. Without `dim` both are flattened, and nothing is counted from the end."""
    if tensor_kind(indices).dtype is not dt.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {type_word(indices.kind.dtype)}"
        )
    if dim is None:
        return gather(reshape(input, -1), 0, reshape(indices, -1), out=out)
    a, b = tensor_array(input).shape, indices.array.shape
    if len(a) != len(b):
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {len(a)} dimensions for input, and {len(b)} dimensions for indices"
        )
    d = normalize_dim(dim, len(a))
    common = broadcast_pair((*a[:d], 1, *a[d + 1 :]), (*b[:d], 1, *b[d + 1 :]))
    input = expand(input, (*common[:d], a[d], *common[d + 1 :]))
    indices = remainder(indices, a[d]) if a[d] else indices
    return gather(input, d, expand(indices, (*common[:d], b[d], *common[d + 1 :])), out=out)


# --- scatter


def _prepared(
    self: Tensor, dim: int, index: Tensor, src: Tensor | Number
) -> tuple[Tensor, int, Tensor, Tensor]:
    """The target, the dimension, the index and the source, cut to the shape of the index; RuntimeError where
    they do not fit."""
    d = normalize_dim(dim, self.array.ndim)
    index = _index_of("scatter", index)
    if isinstance(src, TensorBase):
        if self.kind.dtype is not src.kind.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        target, index, src = _as_vectors(self, index, src)
    else:
        (target, index), src = _as_vectors(self, index), number_like(src, self)
    shape, own, given = index.array.shape, target.array.shape, src.array.shape
    if not index.array.size:
        return target, d, index, src
    if len(shape) != len(own):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if given and len(shape) != len(given):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if any([k != d and n > m for k, (n, m) in enumerate(zip(shape, own))]) or any(
        [n > m for n, m in zip(shape, given)]
    ):
        and_src = f" and to be no larger size than src {list(given)}" if given else ""
        raise RuntimeError(
            f"Expected index {list(shape)} to be no larger than self {list(own)} apart from dimension "
            f"{d}{and_src}"
        )
    if given and given != shape:
        src = src[tuple([slice(n) for n in shape])]
    return target, d, index, src


def scatter_(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    reduce: str | None = None,
    value: Number | None = None,
) -> Tensor:
    """Put each element of `src`, or a number, at its own place in this tensor, but at the index along `dim`;
    the last one stays.

    >>> torch.zeros(2, 3).scatter_(1, torch.tensor([[2], [0]]), 5.0)
    tensor([[0., 0., 5.],
            [5., 0., 0.]])
    """
    given: Any = value if src is None else src
    if reduce is not None:
        return _scatter_reduced(self, dim, index, given, reduce)
    target, d, index, src = _prepared(self, dim, index, given)
    if index.array.size:
        _scatter(target, src, index, (d, target.array.shape))
    return self


def _scatter_reduced(self: Tensor, dim: int, index: Tensor, src: Tensor | Number, reduce: str) -> Tensor:
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if isinstance(src, TensorBase):
        warnings.warn(_REDUCE, UserWarning, stacklevel=3)
    else:
        src = expand(number_like(src, self), index.array.shape)
    return scatter_reduce_(self, dim, index, src, "sum" if reduce == "add" else "prod")


_REDUCE = (
    "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future "
    "PyTorch release. Use "
    "torch.scatter_reduce instead for more reduction options."
)


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    reduce: str | None = None,
    value: Number | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` with elements overwritten: see `scatter_`."""
    result = scatter_(clone_contiguous(input), dim, index, src, reduce=reduce, value=value)
    read = (src, index) if isinstance(src, TensorBase) else (index,)
    return result if out is None else into(out, result, "scatter", *read)


def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add each element of `src` at its own place in this tensor, but at the index along `dim`."""
    target, d, index, src = _prepared(self, dim, index, src)
    if index.array.size:
        _scatter_add(target, src, index, (d, target.array.shape))
    return self


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with elements added: see `scatter_add_`."""
    result = scatter_add_(clone_contiguous(input), dim, index, src)
    return result if out is None else into(out, result, "scatter_add", src, index)


# --- scatter_reduce

_HOW = {"prod": PRODUCT, "amax": MAXIMUM, "amin": MINIMUM}


def _neutral(reduce: str, dtype: dt.DType) -> Number:
    """What changes nothing when it is combined with."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.is_floating_point:
        return float("-inf" if reduce == "amax" else "inf")
    if dtype is dt.bool:
        return reduce == "amin"
    return dt.iinfo(dtype).min if reduce == "amax" else dt.iinfo(dtype).max


def _scatter_reduce_forward(input, src, index, params):
    dim, reduce, include_self = params
    result, src = clone_contiguous(input.detach()), src.detach()
    if not include_self:
        _write(kernels.put, result, number_like(_neutral(reduce, input.kind.dtype), result), index, dim)
    _write(
        *(
            (kernels.reduce, result, src, index, dim, _HOW[reduce])
            if reduce in _HOW
            else (kernels.add, result, src, index, dim)
        )
    )
    if reduce == "mean":
        count = _count(result, index, dim, include_self)
        dtype = result.kind.dtype
        exact = dtype.is_inexact
        result = div(result, count, rounding_mode=None if exact else "floor")
    return result


def _count(like: Tensor, index: Tensor, dim: int, include_self: bool) -> Tensor:
    """How many numbers go into each mean; one where there are none."""
    count = like.new_full(like.array.shape, 1 if include_self else 0)
    _write(kernels.add, count, number_like(1, like), index, dim)
    return count if include_self else masked_fill(count, eq(count, 0), 1)


def _scatter_sum_vjp(node, grad):
    (index,) = node.unpack()
    dim, reduce, include_self = node.params[0]
    if reduce == "mean":
        grad = div(grad, _count(grad, index, dim, include_self))
    return (_kept(grad, index, dim, include_self), _gather(grad, index, (dim, grad.array.shape)), None)


def _kept(grad: Tensor, index: Tensor, dim: int, include_self: bool) -> Tensor:
    """The gradient for the old values, of which those that are written over get none."""
    return grad if include_self else scatter(grad, dim, index, 0)


def _scatter_extreme_vjp(node, grad):
    """The gradient of a largest or smallest element is shared by all that are equal to it."""
    input, src, index, result = node.unpack()
    dim, _reduce, include_self = node.params[0]
    params = (dim, result.array.shape)
    from_input = cast(eq(input, result), grad.kind.dtype)
    from_src = cast(eq(src, _gather(result.detach(), index, params)), grad.kind.dtype)
    # Of all, as in PyTorch, whatever include_self says.
    shares = scatter_add(from_input, dim, index, from_src)
    share = div(grad, masked_fill(shares, eq(shares, 0), 1))
    return (
        _kept(mul(share, from_input), index, dim, include_self),
        mul(_gather(share, index, params), from_src),
        None,
    )


def _scatter_prod_vjp(node, grad):
    """The product of the others: the product divided by the factor, or where that is the only zero, the
    product without it."""
    input, src, index, result = node.unpack()
    dim, _, include_self = node.params[0]
    params = (dim, result.array.shape)
    nonzero_input = masked_fill(input, eq(input, 0), 1)
    for_input = div(
        mul(grad, scatter_reduce(nonzero_input, dim, index, src, "prod", include_self=include_self)),
        nonzero_input,
    )
    zero = eq(src, 0)
    zeros_here = _gather(
        _scatter_add(zeros(*params[1:], grad.kind), cast(zero, grad.kind.dtype), index, params), index, params
    )
    single = logical_and(zero, eq(zeros_here, 1))
    others = masked_fill(src, single, 1)
    without = _gather(
        mul(grad, scatter_reduce(input, dim, index, others, "prod", include_self=include_self)), index, params
    )
    with_all = _gather(
        mul(grad, scatter_reduce(input, dim, index, src, "prod", include_self=include_self)), index, params
    )
    for_src = where(single, without, div(with_all, masked_fill(src, zero, 1)))
    return (_kept(for_input, index, dim, include_self), for_src, None)


_scatter_sum = Op("ScatterReduce", _scatter_reduce_forward, _scatter_sum_vjp, saves=(2,), tensors=-1)
_scatter_extreme = Op(
    "ScatterReduce", _scatter_reduce_forward, _scatter_extreme_vjp, saves=(0, 1, 2, -1), tensors=-1
)
_scatter_prod = Op(
    "ScatterReduce", _scatter_reduce_forward, _scatter_prod_vjp, saves=(0, 1, 2, -1), tensors=-1
)
_REFUSED = {
    "mean": ("bool",),
    "amax": ("complex64", "complex128"),
    "amin": ("complex64", "complex128"),
}
_OTHER_NAMES = {"max": "amax", "min": "amin"}
_REDUCTIONS = {
    "sum": _scatter_sum,
    "mean": _scatter_sum,
    "prod": _scatter_prod,
    "amax": _scatter_extreme,
    "amin": _scatter_extreme,
}


def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of `input` in which the elements of `src` that go to one place (see `scatter_`) are reduced to
    one.

    reduce        "sum", "prod", "mean", "amax" or "amin"
    include_self  whether the element of `input` at that place takes part

    >>> torch.zeros(2).scatter_reduce(0, torch.tensor([0, 0, 1]), torch.tensor([3.0, 5.0, 2.0]), "mean", include_self=False)
    tensor([4., 2.])
    """
    reduce = _OTHER_NAMES.get(reduce, reduce)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if reduce in _REFUSED:
        refuse(f"scatter_gather_tensor_cpu_reduce_{reduce}", *_REFUSED[reduce])(tensor_kind(input).dtype)
    target, d, index, src = _prepared(input, dim, index, src)
    if index.array.size:
        result = _REDUCTIONS[reduce](target, src, index, (d, reduce, include_self))
        result = result if target is input else reshape(result, ())
    else:
        result = clone(input)
    return result if out is None else into(out, result, "scatter_reduce", src, index)


def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place."""
    refuse_shared(self, src, index)
    return copy_(self, scatter_reduce(clone(self), dim, index, src, reduce, include_self=include_self))
