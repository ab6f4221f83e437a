"""Differences of neighbours and sums of what lies between them: diff, gradient, trapezoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.arguments import OMITTED, number, tensor_array, tensor_kind, unfit, whole
from numbatorch.base import Number, TensorBase
from numbatorch.ops.arithmetic import div, mul, sub
from numbatorch.ops.comparison import logical_xor
from numbatorch.ops.join import cat
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import into
from numbatorch.ops.scan import cumsum
from numbatorch.ops.view import narrow, reshape, unsqueeze
from numbatorch.shape import normalize_dim, normalize_dims, sized_dim

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _between(input: Tensor, dim: int, first: int, stop: int) -> Tensor:
    """The slices first..stop-1 along `dim`; a `stop` up to zero is counted from the end."""
    size = input.array.shape[dim]
    return narrow(input, dim, min(first, size), max((stop if stop > 0 else size + stop) - first, 0))


# --- differences


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The difference of each element and the one before it along `dim`, `n` times over. `prepend` and `append`
    are put before and behind `input` first. Of truth values, whether they differ.

    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    whole(n)
    if not tensor_array(input).ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = normalize_dim(dim, input.array.ndim)
    for more in (prepend, append):
        if more is not None:
            _check_more(input, more, d)
    parts = [t for t in (prepend, input, append) if t is not None]
    result = cat(parts, d) if len(parts) > 1 else input
    for _ in range(min(n, result.array.shape[d])):
        later, earlier = _between(result, d, 1, 0), _between(result, d, 0, -1)
        result = logical_xor(later, earlier) if result.kind.dtype is dt.bool else sub(later, earlier)
    return into(out, result.clone() if n == 0 else result, "diff")


def _check_more(input: Tensor, more: Tensor, dim: int) -> None:
    if tensor_array(more).ndim != input.array.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for d, (own, other) in enumerate(zip(input.array.shape, more.array.shape, strict=True)):
        if d != dim and own != other:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input except along the "
                f"differencing dimension; input.size({d}) = {own}, but got tensor.size({d}) = {other}"
            )


def gradient(
    input: Tensor, *, spacing: Any = None, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivative of sampled values in each dimension, or in those of `dim`: central differences, of the
    second order, and at the edges one-sided ones of `edge_order` 1 or 2.

    spacing  the distance between samples: a number, one for each dimension, or for each dimension a vector of
             the samples' coordinates

    Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, 1988.

    >>> torch.gradient(torch.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    if isinstance(spacing, TensorBase):
        raise unfit("gradient", input, spacing=spacing)
    ndim = tensor_array(input).ndim
    dims = (
        tuple(range(ndim)) if dim is None else normalize_dims((dim,) if isinstance(dim, int) else dim, ndim)
    )
    if isinstance(spacing, Sequence):
        if len(spacing) != len(dims):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar"
                + (
                    f", or a list of length equal to 'self.dim() = {ndim}', since dim argument was not given, "
                    f"but got a list of length {len(spacing)}"
                    if dim is None
                    else " or it's spacing and dim arguments to have the same length, but got a spacing argument "
                    f"of length {len(spacing)} and a dim argument of length {len(dims)}."
                )
            )
        steps: Sequence = spacing
    else:
        steps = (1 if spacing is None else spacing,) * len(dims)
    if input.kind.dtype is dt.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for step in steps:
        if isinstance(step, TensorBase) and step.array.ndim != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an element with "
                f"{step.array.ndim} dimensions!"
            )
    for d in dims:
        if ndim and input.array.shape[d] <= edge_order:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple([_derivative(input, d, step, edge_order) for d, step in zip(dims, steps, strict=True)])


def _derivative(input: Tensor, d: int, step: Tensor | Number, edge_order: int) -> Tensor:
    """Of samples that are a number apart, or whose coordinates are a vector."""
    n = input.array.shape[d]

    def at(first: int, stop: int) -> Tensor:
        return _between(input, d, first, stop)

    if not isinstance(step, TensorBase):
        inside = div(sub(at(2, 0), at(0, -2)), 2 * step) if n > 2 else at(0, 1)[:0] if d == 0 else at(n, 0)
        if edge_order == 1:
            first, last = div(sub(at(1, 2), at(0, 1)), step), div(sub(at(n - 1, 0), at(n - 2, -1)), step)
        else:
            first = div(at(0, 1) * -1.5 + at(1, 2) * 2 - at(2, 3) * 0.5, step)
            last = div(at(n - 1, 0) * 1.5 - at(n - 2, -1) * 2 + at(n - 3, -2) * 0.5, step)
        return cat([first, inside, last], d)
    shape = [1] * input.array.ndim
    shape[d] = n - 1
    gaps = reshape(diff(step), shape)
    if step.array.shape[0] != n:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have the same length as its dimension"
        )

    def gap(first: int, stop: int) -> Tensor:
        return _between(gaps, d, first, stop)

    h, k = gap(0, -1), gap(1, 0)  # before and behind each sample inside
    inside = (
        at(0, -2) * (-k / (h * (h + k))) + at(1, -1) * ((k - h) / (h * k)) + at(2, 0) * (h / (k * (h + k)))
    )
    if edge_order == 1:
        first = div(sub(at(1, 2), at(0, 1)), gap(0, 1))
        last = div(sub(at(n - 1, 0), at(n - 2, -1)), gap(n - 2, 0))
    else:
        h, k = gap(0, 1), gap(1, 2)
        first = at(0, 1) * (-(2 * h + k) / (h * (h + k)))
        first = first + at(1, 2) * ((h + k) / (h * k)) - at(2, 3) * (h / (k * (h + k)))
        h, k = gap(n - 3, -1), gap(n - 2, 0)
        last = at(n - 3, -2) * (k / (h * (h + k))) - at(n - 2, -1) * ((h + k) / (h * k))
        last = last + at(n - 1, 0) * ((2 * k + h) / (k * (h + k)))
    return cat([first, inside, last], d)


# --- integrals


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number = OMITTED, dim: int = -1) -> Tensor:
    """The integral of sampled values along `dim` by the trapezoidal rule: Σ (x[k+1] - x[k]) (y[k] + y[k+1]) / 2.
    The coordinates `x` are a vector or broadcast to `y`; without them the samples are `dx` apart.

    >>> torch.trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    d = sized_dim(dim, tensor_array(y).ndim)
    if not y.array.shape[d]:
        return y.new_zeros((*y.array.shape[:d], *y.array.shape[d + 1 :]))
    _check_integral("trapezoid", y, x, dx)
    if x is None:
        total = sub(sum(y, d), (_edge(y, d, 0) + _edge(y, d, -1)) / 2)
        return mul(total, 1 if dx is OMITTED else dx)
    return sum(_trapezoids("trapezoid", y, x, d), d)


def _edge(y: Tensor, d: int, place: int) -> Tensor:
    return y.select(d, place)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number = OMITTED, dim: int = -1) -> Tensor:
    """`trapezoid` under NumPy's old name."""
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number = OMITTED, dim: int = -1
) -> Tensor:
    """The integrals up to each sample but the first: see `trapezoid`.

    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    _check_integral("cumulative_trapezoid", y, x, dx)
    if not y.array.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    d = normalize_dim(dim, y.array.ndim)
    if x is None:
        pairs = _between(y, d, 1, 0) + _between(y, d, 0, -1)
        return cumsum(mul(pairs, (1 if dx is OMITTED else dx) / 2), d)
    return cumsum(_trapezoids("cumulative_trapezoid", y, x, d), d)


def _check_integral(function: str, y: Tensor, x: Tensor | None, dx: Number) -> None:
    if dx is not OMITTED:
        if x is not None:
            raise unfit(function, y, dx=dx, x=x)
        number(dx)
    if x is None and tensor_kind(y).dtype is dt.bool:
        raise RuntimeError(f"{function}: received a bool input for `y`, but bool is not supported")
    if x is not None and dt.bool in (y.kind.dtype, tensor_kind(x).dtype):
        raise RuntimeError(f"{function}: received a bool input for `x` or `y`, but bool is not supported")
    if isinstance(dx, bool | complex):
        raise RuntimeError(f"{function}: Currently, we only support dx as a real number.")


def _trapezoids(function: str, y: Tensor, x: Tensor, d: int) -> Tensor:
    """The area between each two neighbouring samples."""
    if x.array.ndim == 1:
        if x.array.shape[0] != y.array.shape[d]:
            raise RuntimeError(f"{function}: There must be one `x` value for each sample point")
        x = reshape(x, (-1, *[1] * (y.array.ndim - d - 1)))
    else:
        while x.array.ndim < y.array.ndim:
            x = unsqueeze(x, 0)
    along = x.array.ndim - (y.array.ndim - d)
    gaps = sub(_between(x, along, 1, 0), _between(x, along, 0, -1))
    return mul(gaps, _between(y, d, 1, 0) + _between(y, d, 0, -1)) / 2
