"""Variance and standard deviation. The divisor is n - correction: one less than the number of elements,
unless told otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numbatorch.arguments import tensor_kind, unfit
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import div, mul, sub
from numbatorch.ops.comparison import eq, where
from numbatorch.ops.reduce import mean
from numbatorch.ops.reduction import Dims, Plan, Reduce, into, renamed, restore
from numbatorch.rules import to_real
from numbatorch_kernels.reduce import table

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _spreads(function: str = "std and var") -> Callable[[DType], None]:
    def accepts(own: DType) -> None:
        if not own.is_inexact:
            raise RuntimeError(f"{function} only support floating point and complex dtypes")

    return accepts


def _from_variance(grad: Tensor, input: Tensor, plan: Plan, correction: float) -> Tensor:
    """The gradient of the variance: 2 / (n - correction) (x - mean)."""
    left = plan.count - correction
    factor = 2 / left if left > 0 else float("nan") if left == 0 else float("inf")
    return mul(mul(restore(grad, plan), factor), sub(input, mean(input, plan.dims, True)))


def _from_deviation(grad: Tensor, deviation: Tensor) -> Tensor:
    """The gradient of the variance from that of its root, 0 where that is 0."""
    flat = eq(deviation, 0)
    return where(flat, 0, div(grad, mul(where(flat, 1, deviation), 2)))


def _from_mean(grad: Tensor, plan: Plan) -> Tensor:
    return div(restore(grad, plan), plan.count)


def _var_vjp(node, grad):
    plan, correction = node.params
    (input,) = node.unpack()
    return (_from_variance(grad, input, plan, correction),)


def _std_vjp(node, grad):
    plan, correction = node.params
    input, result = node.unpack()
    return (_from_variance(_from_deviation(grad, result), input, plan, correction),)


def _var_mean_vjp(node, grads):
    plan, correction = node.params
    (input,) = node.unpack()
    return (
        _sum_of(
            _from_variance(grads[0], input, plan, correction) if grads[0] is not None else None,
            grads[1],
            plan,
            input,
        ),
    )


def _std_mean_vjp(node, grads):
    plan, correction = node.params
    input, result = node.unpack()
    first = (
        None
        if grads[0] is None
        else _from_variance(_from_deviation(grads[0], result), input, plan, correction)
    )
    return (_sum_of(first, grads[1], plan, input),)


def _sum_of(first: Tensor | None, of_mean: Tensor | None, plan: Plan, input: Tensor) -> Tensor | None:
    if of_mean is None:
        return first
    second = _from_mean(of_mean, plan).expand(input.array.shape)
    return second if first is None else first + second


_var = Reduce("Var", table.var, _var_vjp, saves=(0,), results=(to_real,), accepts=_spreads())
_std = Reduce("Std", table.std, _std_vjp, saves=(0, -1), results=(to_real,), accepts=_spreads())
_BOTH: dict[str, Any] = {"results": (to_real, to_real), "differentiable": 2}
_var_mean = Reduce(
    "VarMean", table.var_mean, _var_mean_vjp, saves=(0,), accepts=_spreads("var_mean"), **_BOTH
)
_std_mean = Reduce(
    "StdMean", table.std_mean, _std_mean_vjp, saves=(0, -1), accepts=_spreads("std_mean"), **_BOTH
)


def _arguments(
    function: str,
    input: Tensor,
    dim: Any,
    unbiased: bool | None,
    keepdim: bool,
    correction: float | None,
    names: dict,
) -> tuple[Dims, bool, float]:
    """The forms var(dim, keepdim=, correction=), var(unbiased) and var(dim, unbiased, keepdim)."""
    if names:
        dim, keepdim = renamed(names, dim, keepdim, function)
    if dim.__class__ is bool:
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise unfit(function, input, correction=correction, unbiased=unbiased)
        correction = int(unbiased)
    return dim, keepdim, 1.0 if correction is None else float(correction)


def _measured(row: Reduce, function: str, input: Tensor, dim: Dims, keepdim: bool, correction: float) -> Any:
    result = row(input, dim, keepdim, correction)
    first = result[0] if isinstance(result, tuple) else result
    if first.array.size and input.array.size <= correction * first.array.size:
        warnings.warn(
            f"{function}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            f"reduction factor (input numel divided by "
            "output numel).",
            stacklevel=3,
        )
    return result


def var(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None, **names: Any,
) -> Tensor:  # fmt: skip
    """Σ (x - mean)² / (n - correction). In float64 inside for float32, by the update of Chan, Golub and
    LeVeque (1983).

    >>> torch.var(torch.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim, keepdim, correction = _arguments("var", input, dim, unbiased, keepdim, correction, names)
    if tensor_kind(input).dtype.is_complex:
        parts = [var(part, dim, keepdim=keepdim, correction=correction) for part in (input.real, input.imag)]
        return into(out, parts[0] + parts[1], "var")
    return into(out, _measured(_var, "var", input, dim, keepdim, correction), "var")


def std(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None, **names: Any,
) -> Tensor:  # fmt: skip
    """The square root of the variance.

    >>> torch.std(torch.tensor([[1.0, 5.0], [2.0, 2.0]]), dim=1, correction=0)
    tensor([2., 0.])
    """
    dim, keepdim, correction = _arguments("std", input, dim, unbiased, keepdim, correction, names)
    if tensor_kind(input).dtype.is_complex:
        return into(out, var(input, dim, keepdim=keepdim, correction=correction).sqrt(), "std")
    return into(out, _measured(_std, "std", input, dim, keepdim, correction), "std")


def var_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    **names: Any,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean.

    >>> torch.var_mean(torch.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, keepdim, correction = _arguments("var_mean", input, dim, unbiased, keepdim, correction, names)
    if tensor_kind(input).dtype.is_complex:
        return var(input, dim, keepdim=keepdim, correction=correction), mean(input, dim, keepdim)
    return _measured(_var_mean, "var_mean", input, dim, keepdim, correction)


def std_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    **names: Any,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean.

    >>> torch.std_mean(torch.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, keepdim, correction = _arguments("std_mean", input, dim, unbiased, keepdim, correction, names)
    if tensor_kind(input).dtype.is_complex:
        return std(input, dim, keepdim=keepdim, correction=correction), mean(input, dim, keepdim)
    return _measured(_std_mean, "std_mean", input, dim, keepdim, correction)
