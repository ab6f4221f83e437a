"""The norms as single operations: kernels forward and backward. Where the backward pass is recorded, its
formula is made of public operations."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from numbatorch.apply import Op
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty, wrap
from numbatorch.ops.arithmetic import add, mul, sub
from numbatorch.ops.copy import cast, clone, contiguous, to_opmath
from numbatorch.ops.math import rsqrt
from numbatorch.ops.reduce import mean, sum
from numbatorch.ops.view import reshape
from numbatorch_kernels import norm as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def fusible(x: Tensor, *others: Tensor | None) -> bool:
    """Whether there are kernels for these operands."""
    kind = x.kind
    return (
        kind.dtype.is_floating_point
        and x.array.size > 0
        and all([t is None or t.kind.device is kind.device for t in others])
    )


def _array(parameter: Tensor | None, kind: Kind):
    """A weight as the kernels take it, for operands of this kind."""
    if parameter is None:
        return None
    if parameter.kind is kind.wide:
        return parameter.array
    return contiguous(cast(parameter, kind.wide.dtype)).array


def _bfloat(kind: Kind) -> int:
    return int(kind.element == "bf")


def _statistics(count: int, kind: Kind) -> Tensor:
    return empty((count,), kind.wide)


def _fits(grads, node, parameters) -> list:
    """The gradients that are wanted, in the shapes and dtypes of the tensors."""
    return [
        None if not wanted or p is None else cast(_in_shape(g, p.array.shape), p.kind.dtype)
        for g, wanted, p in zip(grads, node.needs, parameters, strict=True)
    ]


def _in_shape(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Reshaped only if it must be: a parameter keeps a gradient that is nobody's view without copying it."""
    return grad if grad.array.shape == shape else reshape(grad, shape)


# --- rows: op(x, weight, bias, rows, inner, groups, centred, eps)


def _rows_forward(x, weight, bias, rows, inner, groups, centred, eps):
    x = contiguous(x)
    kind = x.kind
    out, middle, rstd = empty(x.array.shape, kind), _statistics(rows, kind), _statistics(rows, kind)
    kernels.on(kind.device.type).rows(
        out.array, middle.array, rstd.array, x.array, _array(weight, kind), _array(bias, kind), inner, groups,
        int(centred), _bfloat(kind), eps,
    )  # fmt: skip
    return out, middle, rstd


def _rows_vjp(node, grad):
    x, weight, bias, middle, rstd = node.unpack()
    _rows, inner, groups, centred, _eps = node.params
    if state.enabled:
        return _fits(_rows_formula(grad, x, weight, *node.params), node, (x, weight, bias))
    x, grad, kind = contiguous(x), contiguous(grad), x.kind
    dx = empty(x.array.shape, kind)
    dweight, dbias = kernels.on(kind.device.type).rows_backward(
        dx.array, grad.array, x.array, middle.array, rstd.array, _array(weight, kind), inner, groups,
        int(centred), _bfloat(kind),
    )  # fmt: skip
    return _fits((dx, wrap(dweight, middle.kind), wrap(dbias, middle.kind)), node, (x, weight, bias))


def _rows_formula(grad, x, weight, rows, inner, groups, centred, eps):
    """The gradients for x, weight and bias."""
    shape = (rows // groups, groups, x.array.size // rows // inner, inner)
    g, x = reshape(to_opmath(grad), shape), reshape(to_opmath(x), shape)
    if centred:
        x = sub(x, mean(x, (2, 3), True))
    rstd = rsqrt(add(mean(mul(x, x), (2, 3), True), eps))
    xhat = mul(x, rstd)
    weighted = g if weight is None else mul(g, reshape(to_opmath(weight), (*shape[1:3], 1)))
    rest = mul(xhat, mean(mul(weighted, xhat), (2, 3), True))
    if centred:
        rest = add(rest, mean(weighted, (2, 3), True))
    return mul(rstd, sub(weighted, rest)), sum(mul(g, xhat), (0, 3)), sum(g, (0, 3))


layer = Op("NativeLayerNorm", _rows_forward, _rows_vjp, saves=(0, 1, 2, -2, -3), tensors=3)
group = Op("NativeGroupNorm", _rows_forward, _rows_vjp, saves=(0, 1, 2, -2, -3), tensors=3)
root_mean_square = Op("FusedRmsNorm", _rows_forward, _rows_vjp, saves=(0, 1, 2, -2, -3), tensors=3)


# --- channels: op(x, weight, bias, running mean and variance or None, eps)


def _view(x: Tensor):
    """The array as (batch, channels, inner)."""
    shape = x.array.shape
    return contiguous(x).array.reshape((*shape[:2], prod(shape[2:])))


def _channels_forward(x, weight, bias, given_mean, given_variance, eps):
    kind, count = x.kind, x.array.shape[1]
    given, array = given_mean is not None, _view(x)
    middle, variance, rstd = (_statistics(count, kind) for _ in range(3))
    if given:
        middle, variance = (clone(wrap(_array(t, kind), middle.kind)) for t in (given_mean, given_variance))
    out = empty(x.array.shape, kind)
    kernels.on(kind.device.type).channels(
        out.array, middle.array, variance.array, rstd.array, array, _array(weight, kind), _array(bias, kind),
        int(given), _bfloat(kind), eps,
    )  # fmt: skip
    return out, middle, variance, rstd


def _channels_vjp(node, grad):
    x, weight, bias, middle, rstd = node.unpack()
    given = node.params[0] is not None
    if state.enabled:
        return _fits(_channels_formula(grad, x, weight, *node.params), node, (x, weight, bias))
    kind, array = x.kind, _view(x)
    dx = empty(x.array.shape, kind)
    dweight, dbias = (_statistics(middle.array.size, kind) for _ in range(2))
    kernels.on(kind.device.type).channels_backward(
        dx.array, dweight.array, dbias.array, _view(grad), array, middle.array, rstd.array,
        _array(weight, kind), int(given), _bfloat(kind),
    )  # fmt: skip
    return _fits((dx, dweight, dbias), node, (x, weight, bias))


def _channels_formula(grad, x, weight, given_mean, given_variance, eps):
    """The gradients for x, weight and bias."""
    shape = (*x.array.shape[:2], prod(x.array.shape[2:]))
    g, x = reshape(to_opmath(grad), shape), reshape(to_opmath(x), shape)
    dims, side = (0, 2), (1, shape[1], 1)
    weighted = g if weight is None else mul(g, reshape(to_opmath(weight), side))
    if given_mean is not None:
        rstd = rsqrt(add(reshape(to_opmath(given_variance), side), eps))
        xhat = mul(sub(x, reshape(to_opmath(given_mean), side)), rstd)
        return mul(weighted, rstd), sum(mul(g, xhat), dims), sum(g, dims)
    x = sub(x, mean(x, dims, True))
    rstd = rsqrt(add(mean(mul(x, x), dims, True), eps))
    xhat = mul(x, rstd)
    rest = add(mean(weighted, dims, True), mul(xhat, mean(mul(weighted, xhat), dims, True)))
    return mul(rstd, sub(weighted, rest)), sum(mul(g, xhat), dims), sum(g, dims)


channels = Op("NativeBatchNorm", _channels_forward, _channels_vjp, saves=(0, 1, 2, -2, -4), tensors=3)
