"""Running totals along a dimension: cumsum, cumprod, logcumsumexp, cummax, cummin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import base, return_types
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.autograd import inplace
from numbatorch.autograd.mode import state
from numbatorch.base import wrap
from numbatorch.dtype import DType, c_name
from numbatorch.ops.arithmetic import add, div, mul, sub
from numbatorch.ops.arrange import flip
from numbatorch.ops.choice import Choice, empty_pair
from numbatorch.ops.comparison import eq, gt, logical_and, lt, masked_fill, ne, where
from numbatorch.ops.complexes import conj
from numbatorch.ops.copy import all_into, cast, clone, contiguous, copy_, to_opmath
from numbatorch.ops.math import abs, exp, log
from numbatorch.ops.reduction import converted, into
from numbatorch.ops.view import reshape
from numbatorch.rules import COMPLEX, not_implemented, refuse_dtypes
from numbatorch.shape import normalize_dim
from numbatorch_kernels import scan as kernels
from numbatorch_kernels.codes import LOGSUMEXP, PRODUCT, SUM

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _lines(input: Tensor, dim: int) -> tuple[int, int, int]:
    """The sizes of the tensor seen as (outer, n, inner), where n is that of `dim`."""
    shape = input.array.shape
    return prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :])


def _readable(input: Tensor) -> Tensor:
    """`input` off the tape, contiguous, in a dtype that the kernels of its device read."""
    source = wrap(input.array, input.kind)
    return contiguous(source if input.kind.cpu else to_opmath(source))


# --- the rows: of (input, dim)


class _Scan(Op):
    """A running total: op(input, dim)."""

    def __init__(self, name: str, how: int, vjp: Callable, saves: Sequence[int] = ()):
        super().__init__(name, self.run, vjp, saves=saves)
        self.how, self.function = how, name.lower()

    def run(self, input: Tensor, dim: int) -> Tensor:
        source = _readable(input)  # where that is a copy, the result takes its place
        result = base.empty(source.array.shape, source.kind) if source.array is input.array else source
        if result.array.size:
            kernels.scan(source.kind.device.type, result.array, source.array, *_lines(source, dim), self.how)
        return cast(result, input.kind.dtype)


def _from_each_on(values: Tensor, dim: int) -> Tensor:
    return flip(_cumsum(flip(values, dim), dim), dim)


def _cumsum_vjp(node, grad):
    (dim,) = node.params
    return (_from_each_on(grad, dim),)


def _cumprod_vjp(node, grad):
    """From each element on, the sum of grad times result, divided by the element. Behind the first zero of a
    line all results are zero; what it gets itself is found with a one in its place."""
    input, result = node.unpack()
    (dim,) = node.params
    if input.kind.dtype.is_complex:
        input, result = input.conj(), result.conj()
    if ne(input, 0).all().item():
        return (div(_from_each_on(mul(grad, result), dim), input),)
    zero = eq(input, 0)
    seen = cumsum(zero, dim)
    first, none = logical_and(zero, eq(seen, 1)), eq(seen, 0)
    before = div(_from_each_on(mul(grad, result), dim), masked_fill(input, zero, 1))
    at = _from_each_on(mul(grad, _cumprod(masked_fill(input, first, 1), dim)), dim)
    return (where(none, before, where(first, at, 0.0)),)


def _logcumsumexp_vjp(node, grad):
    """From each element x on, the sum of grad e^(x - result): in logarithms, of real numbers for each sign of grad apart."""
    input, result = node.unpack()
    (dim,) = node.params

    def total(size: Tensor) -> Tensor:
        return exp(add(flip(_logcumsumexp(flip(sub(size, conj(result)), dim), dim), dim), conj(input)))

    if input.kind.dtype.is_complex:
        return (total(log(grad)),)
    nothing = dt.finfo(grad.kind.dtype).min

    def part(wanted: Tensor) -> Tensor:
        return total(where(wanted, log(abs(where(wanted, grad, 1.0))), nothing))

    return (sub(part(gt(grad, 0)), part(lt(grad, 0))),)


def _extreme_forward(input, dim, largest):
    source = _readable(input)
    values, places = empty_pair(source.array.shape, source.kind)
    if values.array.size:
        args = values.array, places.array, source.array, *_lines(source, dim), largest
        kernels.extreme(source.kind.device.type, *args)
    return cast(values, input.kind.dtype), places


_cumsum = _Scan("Cumsum", SUM, _cumsum_vjp)
_cumprod = _Scan("Cumprod", PRODUCT, _cumprod_vjp, saves=(0, -1))
_logcumsumexp = _Scan("Logcumsumexp", LOGSUMEXP, _logcumsumexp_vjp, saves=(0, -1))
_cummax = Choice("Cummax", _extreme_forward)
_cummin = Choice("Cummin", _extreme_forward)


# --- sums and products


def _along(row: _Scan, input: Tensor, dim: int) -> Tensor:
    d = normalize_dim(dim, input.array.ndim)
    return row(input, d) if input.array.ndim else reshape(row(reshape(input, 1), 0), ())


def _straight(row: _Scan, input: Tensor, dim: int, out: Tensor) -> bool:
    """The totals straight into `out`, which may be `input` itself, if it is of the same kind and off the tape: whether they
    are."""
    shared = out is not input and out._storage is not None and out._storage is input._storage
    if (
        shared
        or not (out.kind.cpu and out.kind.contiguous and out.kind.flat is input.kind.flat)
        or out.kind.dtype is dt.bool
        or out.array.shape != input.array.shape
        or not (out.array.ndim and out.array.size)
        or (state.enabled and (input._requires_grad or out._requires_grad))
    ):
        return False
    inplace.check(out, False, out is input)
    kernels.scan("cpu", out.array, contiguous(input).array, *_lines(input, dim), row.how)
    inplace.changed(out)
    return True


def _total(row: _Scan, input: Tensor, dim: int, dtype: DType | None, out: Tensor | None) -> Tensor:
    own = tensor_kind(input).dtype
    if dtype is not None:
        wanted = dt.as_dtype(dtype)
        if out is not None and tensor_kind(out).dtype is not wanted:
            raise RuntimeError(
                f"Expected out tensor to have dtype {c_name(wanted)}, but got {c_name(out.kind.dtype)} instead"
            )
    elif out is not None:
        wanted = tensor_kind(out).dtype
    else:
        wanted = own if own.is_inexact else dt.int64
    dim = normalize_dim(dim, input.array.ndim)
    if out is not None and _straight(row, input, dim, out):
        return out
    if wanted is not dt.bool:
        result = _along(row, converted(input, wanted), dim)
    elif input.array.ndim and input.array.size:
        raise not_implemented(f"{row.function}_out_cpu", dt.bool)
    else:
        result = clone(converted(input, wanted))
    return result if out is None else into(out, result, row.function)


def _total_(row: _Scan, self: Tensor, dim: int, dtype: DType | None) -> Tensor:
    own = self.kind.dtype
    if dtype is not None and dt.as_dtype(dtype) is not own:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {c_name(own)} and output tensor dtype "
            f"{c_name(dt.as_dtype(dtype))} should match"
        )
    if _straight(row, self, normalize_dim(dim, self.array.ndim), self):
        return self
    source = self.clone() if self.requires_grad and not self.is_leaf else self
    return copy_(self, _total(row, source, dim, own, None))


def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The sum of the elements so far along `dim`. Integers give int64; `dtype` converts the elements first.

    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return _total(_cumsum, input, dim, dtype, out)


def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The product of the elements so far along `dim`. Integers give int64; `dtype` converts the elements first.

    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    return _total(_cumprod, input, dim, dtype, out)


def cumsum_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """`cumsum` in place."""
    return _total_(_cumsum, self, dim, dtype)


def cumprod_(self: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """`cumprod` in place."""
    return _total_(_cumprod, self, dim, dtype)


def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """log Σ eˣ over the elements so far along `dim`, without overflow. Of complex numbers the imaginary part goes on from
    that of the larger term, beyond π too (on CUDA it may be whole turns away). Raises NotImplementedError for integers.

    >>> torch.logcumsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor([1000.0000, 1000.6932])
    """
    own = tensor_kind(input).dtype
    d = normalize_dim(dim, input.array.ndim)
    if not (own.is_inexact):
        raise not_implemented("logcumsumexp_out_cpu", own)
    return into(out, _along(_logcumsumexp, input, d), "logcumsumexp", same=True)


# --- the largest and the smallest so far


def _extreme(row: Choice, function: str, made, input: Tensor, dim: int, out):
    if not tensor_array(input).ndim and dim not in (0, -1):
        raise IndexError(f"{function}(): Expected reduction dim -1 or 0 for scalar but got {dim}")
    d = normalize_dim(dim, input.array.ndim)
    refuse_dtypes(f"{function}_cpu", input.kind.dtype, *COMPLEX)
    found = made(*row.of(input, d, row is _cummax))
    return all_into(out, found, function)


def cummax(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummax:
    """The largest of the elements so far along `dim`, and its place: the last one if there are several. NaN
    counts as the largest number.

    >>> torch.cummax(torch.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    return _extreme(_cummax, "cummax", return_types.cummax, input, dim, out)


def cummin(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.cummin:
    """The smallest of the elements so far along `dim`, and its place: the last one if there are several. NaN
    counts as the smallest number.

    >>> torch.cummin(torch.tensor([2, 3, 1]), 0).values
    tensor([2, 2, 1])
    """
    return _extreme(_cummin, "cummin", return_types.cummin, input, dim, out)
