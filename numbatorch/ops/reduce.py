"""Sums, products, means, truth of many, norms, logsumexp: reductions to one number of some or all dimensions.

`dim` is a dimension or several; without it, or with none, all are reduced. `keepdim` keeps them with size
one. `dtype` converts the elements first. Integers and bool are summed and multiplied as int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.arguments import OMITTED, is_whole, misfit, mistaken, number, tensor_array, tensor_kind, unfit
from numbatorch.base import TensorBase
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import mul, pow, sub
from numbatorch.ops.comparison import eq, gt, ne, where
from numbatorch.ops.copy import cast, contiguous, copy_
from numbatorch.ops.math import abs, exp, isnan
from numbatorch.ops.reduction import (
    Check,
    Dims,
    Plan,
    Reduce,
    broadcast_dims,
    converted,
    dtype_of,
    into,
    remember,
    renamed,
    restore,
    spread,
    to_int64,
)
from numbatorch.ops.view import reshape, sizes
from numbatorch.rules import not_implemented, to_float, to_real
from numbatorch.shape import normalize_dim, reduction_dims
from numbatorch_kernels.reduce import table

if TYPE_CHECKING:
    from numbatorch.dtype import DType
    from numbatorch.tensor import Tensor


def _to_total(own: DType) -> DType:
    """The dtype of a sum or product."""
    return own if own.is_inexact else dt.int64


def _to_truth(own: DType) -> DType:
    return own if own is dt.uint8 else dt.bool


# --- sums


def _sum_vjp(node, grad):
    return (spread(grad, node.params[0]),)


_sum = Reduce("Sum", table.sum, _sum_vjp, results=(_to_total,), by_result=True)
_sum_dims = Reduce("Sum", table.sum, _sum_vjp, results=(_to_total,), by_result=True, overload=1)


def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
    **names: Any,
) -> Tensor:
    """The sum of the elements.

    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]), dim=0)
    tensor([4, 6])
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "sum")
    dtype = dtype_of(dtype, out)
    if dtype is not None:
        input = converted(input, dtype)
    result = _sum(input, None, keepdim) if dim is None else _sum_dims(input, dim, keepdim)
    if dtype is not None:
        result = cast(result, input.kind.dtype)
    return result if out is None else into(out, result, "sum", same=True)


def sum_to_size(input: Tensor, *args: Any, size: Sequence[int] | None = None) -> Tensor:
    """`input` summed over the dimensions that would have been broadcast to make its shape from `size`.

    >>> torch.ones(3, 4).sum_to_size(1, 4)
    tensor([[3., 3., 3., 3.]])
    """
    kind, array = input.kind, input.array
    target = sizes(args if size is None else (size,))
    if target == array.shape:
        return input
    key = (kind, array.shape if kind.contiguous else (array.shape, array.strides), target)
    plan = _sum_dims.plans.get(key)
    if plan is None:
        dims = broadcast_dims(array.shape, target)
        plan = remember(_sum_dims.plans, key, Plan(_sum_dims, input, None, dims, target))
    return _sum_dims.planned(input, plan)


def _nansum_vjp(node, grad):
    (input,) = node.unpack()
    return (mul(spread(grad, node.params[0]), cast(eq(input, input), input.kind.dtype)),)


_nansum = Reduce("Nansum", table.nansum, _nansum_vjp, saves=(0,), results=(_to_total,), by_result=True)


def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum of the elements that are not NaN."""
    if tensor_kind(input).dtype.is_complex:
        reduction_dims(dim, input.array.ndim)  # whose error comes first
        raise RuntimeError(f"nansum on {input.kind.device.type.upper()} does not support complex inputs")
    if input.kind.inexact and out is not None and not tensor_kind(out).inexact:
        raise not_implemented("nansum_cpu", out.kind.dtype)
    dtype = dtype_of(dtype, out)
    result = _nansum(converted(input, dtype), dim, keepdim)
    return into(out, result if dtype is None else cast(result, dt.as_dtype(dtype)), "nansum", same=True)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero.

    >>> torch.count_nonzero(torch.tensor([3, 0, 1]))
    tensor(2)
    """
    return _count_nonzero(input, dim)


_count_nonzero = Reduce("CountNonzero", table.count_nonzero, results=(to_int64,))


# --- means


def _mean_vjp(node, grad):
    plan = node.params[0]
    return (spread(grad / plan.count, plan),)


def _averages(own: DType) -> None:
    if not (own.is_inexact):
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            "dtype. Got: " + type_word(own)
        )


_mean = Reduce("Mean", table.mean, _mean_vjp, accepts=_averages)
_mean_dims = Reduce("Mean", table.mean, _mean_vjp, accepts=_averages, overload=1)


def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
    **names: Any,
) -> Tensor:
    """The mean of the elements. Raises RuntimeError for integers, unless `dtype` makes them something else.

    >>> torch.mean(torch.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "mean")
    if dtype is not None:
        if not dtype.is_inexact:
            raise RuntimeError(
                "mean(): could not infer output dtype. Optional dtype must be either a floating point or "
                f"complex dtype. Got: {type_word(dtype)}"
            )
        input = converted(input, dtype)
    try:
        none_of_two_parts = input.kind.dtype.is_complex and not input.array.size
    except AttributeError as error:
        raise mistaken(error) from None
    if none_of_two_parts:  # in a kernel, an error: 0 / 0 of complex numbers
        result = mul(sum(input, dim, keepdim), nan)
    else:
        result = _mean(input, None, keepdim) if dim is None else _mean_dims(input, dim, keepdim)
    return result if out is None else into(out, result, "mean")


def nanmean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of the elements that are not NaN."""
    own = tensor_kind(input).dtype
    if not (own.is_inexact):
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {type_word(own)}"
        )
    counted = sum(eq(input, input), dim, keepdim)
    return into(out, nansum(input, dim, keepdim, dtype=dtype) / counted, "nanmean")


# --- products


def _prod_vjp(node, grad):
    """g times the product of all others: result / x where nothing is zero, else the products before and after
    each element."""
    plan = node.params[0]
    input, result = node.unpack()
    if ne(input, 0).all().item():
        return (
            mul(
                spread(grad, plan),
                (spread(result, plan) / input).conj()
                if input.kind.dtype.is_complex
                else spread(result, plan) / input,
            ),
        )
    order = [d for d in range(len(plan.source)) if d not in plan.dims] + list(plan.dims)
    rows = reshape(
        input.permute(order),
        (*tuple([plan.source[d] for d in order[: len(order) - len(plan.dims)]]), plan.count),
    )
    others = reshape(products_of_others(rows), tuple([plan.source[d] for d in order]))
    back = others.permute([order.index(d) for d in range(len(order))])
    return (mul(spread(grad, plan), back.conj() if input.kind.dtype.is_complex else back),)


def products_of_others(rows: Tensor) -> Tensor:
    """For each element of the last dimension, the product of the others in its row."""
    before = _products_before(rows)
    after = _products_before(rows.flip(-1)).flip(-1)
    return before * after


def _products_before(rows: Tensor) -> Tensor:
    """For each element of the last dimension, the product of those before it: Hillis and Steele's scan."""
    n = rows.array.shape[-1]
    result, reach = _shifted(rows, 1), 1
    while reach < n:
        result, reach = result * _shifted(result, reach), 2 * reach
    return result


def _shifted(rows: Tensor, by: int) -> Tensor:
    """`rows` moved to the right in the last dimension; ones come in from the left."""
    from numbatorch.ops.join import cat

    by = min(by, rows.array.shape[-1])
    return cat([rows.new_ones((*rows.array.shape[:-1], by)), rows[..., : rows.array.shape[-1] - by]], -1)


_prod = Reduce("Prod", table.prod, _prod_vjp, saves=(0, -1), results=(_to_total,), by_result=True)
_prod_dims = Reduce(
    "Prod", table.prod, _prod_vjp, saves=(0, -1), results=(_to_total,), by_result=True, overload=1
)


def prod(
    input: Tensor,
    dim: int = OMITTED,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
    **names: Any,
) -> Tensor:
    """The product of the elements.

    >>> torch.prod(torch.tensor([2, 3, 4]))
    tensor(24)
    """
    if names:
        dim, keepdim = renamed(names, dim, keepdim, "prod")
    if dim.__class__ is not int and dim is not OMITTED and not is_whole(dim):
        raise unfit("prod", input, dim)
    dtype = dtype_of(dtype, out)
    input = converted(input, dtype)
    result = _prod(input, None, keepdim) if dim is OMITTED else _prod_dims(input, dim, keepdim)
    return into(out, result if dtype is None else cast(result, input.kind.dtype), "prod", same=True)


# --- truth

_any = Reduce("Any", table.any, results=(_to_truth,))
_all = Reduce("All", table.all, results=(_to_truth,))


def any(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """Whether any element is true, that is not zero.

    >>> torch.any(torch.tensor([[0, 1], [0, 0]]), dim=1)
    tensor([ True, False])
    """
    return _truth(_any, input, dim, keepdim, out, names, "any")


def all(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None, **names: Any
) -> Tensor:
    """Whether all elements are true, that is not zero.

    >>> torch.all(torch.tensor([[1, 1], [1, 0]]), dim=1)
    tensor([ True, False])
    """
    return _truth(_all, input, dim, keepdim, out, names, "all")


def _truth(
    row: Reduce, input: Tensor, dim: Any, keepdim: bool, out: Tensor | None, names: dict, function: str
) -> Tensor:
    if names:
        dim, keepdim = renamed(names, dim, keepdim, function)
    if isinstance(out, TensorBase) and out.kind.dtype not in (dt.bool, dt.uint8):
        raise RuntimeError(
            f"{function} only supports bool tensor for result, got: {type_word(out.kind.dtype)}"
        )
    # Here alone, no dimensions means none, not all.
    if dim is not None and dim.__class__ is not int and len(dim) == 0:
        return into(out, cast(ne(input, 0), _to_truth(input.kind.dtype)), function)
    result = row(input, dim, keepdim)
    return result if out is None else into(out, result, function)


# --- logsumexp


def _logsumexp_vjp(node, grad):
    plan = node.params[0]
    input, result = node.unpack()
    return (mul(spread(grad, plan), exp(sub(input, spread(result, plan)))),)


_logsumexp = Reduce("Logsumexp", table.logsumexp, _logsumexp_vjp, saves=(0, -1))


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """log Σ eˣ, without overflow.

    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    if dim is None:
        raise misfit(dim, "int")
    if tensor_kind(input).dtype.is_complex:
        return into(out, sum(exp(input), dim, keepdim).log(), "logsumexp")
    return into(out, _logsumexp(cast(input, to_float(input.kind.dtype)), dim, keepdim), "logsumexp")


# --- norms


def _direction(x: Tensor) -> Tensor:
    """x / |x|, and 0 for 0."""
    if not x.kind.dtype.is_complex:
        return x.sign()
    return where(eq(x, 0), 0, x / where(eq(x, 0), 1, abs(x)))


def _norm_vjp(node, grad):
    """The gradient of Σ|x|ᵖ^(1/p), with PyTorch's choices where it has none."""
    plan, order = node.params[0], node.params[1]
    input, norm = node.unpack()
    grad, norm = restore(grad, plan), restore(norm, plan)
    if order == 0:
        return (None,)
    if order == 1:
        return (_direction(input) * grad,)
    if order == 2:
        return (grad * where(eq(norm, 0), 0, input / where(eq(norm, 0), 1, norm)),)
    size = abs(input)
    if order in (inf, -inf):
        reached = eq(size, norm) | (isnan(size) & isnan(norm))
        share = cast(reached, norm.kind.dtype)
        return (_direction(input) * (grad / sum(share, plan.dims, True) * share),)
    if order < 1:
        scaled = _direction(input) * where(eq(input, 0), 0, pow(where(eq(input, 0), 1, size), order - 1))
        return (scaled * grad * pow(norm, 1 - order),)
    scaled = _direction(input) * pow(size, order - 1) if order < 2 else input * pow(size, order - 2)
    return (scaled * where(eq(norm, 0), 0, grad / pow(where(eq(norm, 0), 1, norm), order - 1)),)


def _normed(own: DType) -> None:
    if not (own.is_inexact):
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {type_word(own)}"
        )


def _refuse_empty(order: float, shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    """Raise the error of norms that no elements have none of."""
    empty = [d for d in dims if shape[d] == 0]
    if empty:
        where_ = (
            "an empty tensor because"
            if len(dims) == len(shape)
            else f"the dimension {empty[0]}because this dimension is empty and"
        )
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {order:g} norm on {where_} the operation does not have "
            f"an identity"
        )


def _largest(own: DType, shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...]) -> None:
    _refuse_empty(inf, shape, dims)


def _norm_row(reduction: table.Reduction, check: Check | None = None) -> Reduce:
    return Reduce(
        "LinalgVectorNorm", reduction, _norm_vjp,
        saves=(0, -1), results=(to_real,), accepts=_normed, check=check,
    )  # fmt: skip


_NORMS = {
    0: _norm_row(table.norm_0),
    1: _norm_row(table.norm_1),
    2: _norm_row(table.norm_2),
    inf: _norm_row(table.norm_max, _largest),
    -inf: _norm_row(table.norm_min),
}
_norm_p = _norm_row(table.norm_p)


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) for p = `ord`; the largest and smallest |x| for inf and -inf, the number of nonzero
    elements for 0.

    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if ord.__class__ is not int:
        number(ord)
    if dtype is not None:
        _normed(x.kind.dtype)
        x = cast(x, dtype)
    if ord < 0:
        _normed(x.kind.dtype)
        _refuse_empty(ord, x.array.shape, reduction_dims(dim, x.array.ndim))
    if tensor_kind(x).dtype.is_complex and ord not in _NORMS:
        x = abs(x)
    return into(out, _NORMS.get(ord, _norm_p)(x, dim, keepdim, float(ord)), "linalg_vector_norm", same=True)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of input - other.

    >>> torch.dist(torch.zeros(4), torch.ones(4))
    tensor(2.)
    """
    tensor_kind(other)  # sub would take a number
    apart = sub(input, other)
    if not (apart.kind.dtype.is_inexact):
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{type_word(apart.kind.dtype)} instead."
        )
    return vector_norm(apart, p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """`input`, its slices along `dim` scaled down to the norm `maxnorm` of order `p` where theirs is larger.

    >>> torch.renorm(torch.tensor([[1.0, 1.0], [3.0, 4.0]]), p=2, dim=0, maxnorm=2)
    tensor([[1.0000, 1.0000],
            [1.2000, 1.6000]])
    """
    for name, value in (("p", p), ("maxnorm", maxnorm)):
        number(value)
        if isinstance(value, complex):
            raise RuntimeError(f"renorm: {name} must be real-valued")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    ndim = tensor_array(input).ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    d = normalize_dim(dim, ndim)
    size = vector_norm(input, p, [other for other in range(ndim) if other != d], True)
    scale = where(gt(size, maxnorm), maxnorm / (size + 1e-7), 1.0)
    return into(out, contiguous(mul(input, scale)), "renorm", same=True)


def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`renorm` in place."""
    return copy_(self, renorm(self.clone(), p, dim, maxnorm))
