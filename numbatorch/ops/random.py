"""New tensors of random numbers. How they are filled is in sampling.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import tensor_kind
from numbatorch.autograd import inplace
from numbatorch.autograd.mode import no_grad
from numbatorch.base import Kind, TensorBase, wrap
from numbatorch.dtype import DType, type_word
from numbatorch.ops.copy import resolve
from numbatorch.ops.creation import zeros_like
from numbatorch.ops.distributions import bernoulli_
from numbatorch.ops.sampling import (
    DIGITS,
    check_std,
    fill,
    fill_integers,
    fill_normal,
    fill_uniform,
    largest,
    memory_order,
)
from numbatorch.ops.underived import without_derivative
from numbatorch.ops.view import sizes
from numbatorch.random import Generator
from numbatorch.rules import not_implemented
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import random as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def new_to_fill(size: tuple, out: Tensor | None, dtype: DType | None = None, device: Any = None) -> Tensor:
    """A tensor of this size to be filled: `out`, made to fit, or a new one."""
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if out is None:
        dtype = dt.get_default_dtype() if dtype is None else dt.as_dtype(dtype)
        return base.empty(size, Kind.of(dtype, resolve(device)))
    if dtype is not None and dtype is not out.kind.dtype:
        raise RuntimeError(
            f"dtype {type_word(dtype)} does not match dtype of out parameter ({type_word(out.kind.dtype)})"
        )
    if out.array.shape != size:
        out.array, out.kind = base.empty(size, out.kind).array, out.kind.flat
    return out


def _size(name: str, args: tuple, size: Any = None) -> tuple[int, ...]:
    """The sizes in rand(2, 3), rand((2, 3)) or rand(size=(2, 3))."""
    try:
        return sizes(args if size is None else (size,))
    except (AttributeError, TypeError):
        wrong = next((a for a in args if not hasattr(a, "__index__")), size)
        kind = type(wrong).__name__
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {kind}") from None


def _like(input: Tensor, dtype: DType | None, device: Any) -> Tensor:
    """A new tensor of the shape of `input`; its dimensions lie in memory in the same order, as in PyTorch."""
    own, array = tensor_kind(input), input.array
    dtype = own.dtype if dtype is None else dt.as_dtype(dtype)
    kind = Kind.of(dtype, own.device if device is None else resolve(device))
    if own.contiguous or 0 in array.strides:
        return base.empty(array.shape, kind)
    order = memory_order(array)
    result = base.empty(tuple([array.shape[d] for d in order]), kind).array.transpose(np.argsort(order))
    return wrap(result, kind.flat if result.flags.c_contiguous else kind.strided)


def _finish(tensor: Tensor, out: Tensor | None, requires_grad: bool = False) -> Tensor:
    if out is not None:
        inplace.changed(out)
    if not requires_grad:
        return tensor
    if not (tensor.kind.dtype.is_inexact):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return tensor.requires_grad_()


def rand(
    *args: int | Sequence[int], size: Sequence[int] | None = None, generator: Generator | None = None,
    out: Tensor | None = None, dtype: DType | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers spread evenly over [0, 1).

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    result = new_to_fill(_size("rand", args, size), out, dtype, device)
    return _finish(fill_uniform(result, 0, 1, generator), out, requires_grad)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`rand` in the shape, dtype and device of `input`."""
    result = _like(input, dtype, device)
    return _finish(fill_uniform(result, 0, 1, generator), None, requires_grad)


def randn(
    *args: int | Sequence[int], size: Sequence[int] | None = None, generator: Generator | None = None,
    out: Tensor | None = None, dtype: DType | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normally distributed numbers of mean 0 and standard deviation 1.

    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    result = new_to_fill(_size("randn", args, size), out, dtype, device)
    return _finish(fill_normal(result, 0, 1, generator), out, requires_grad)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`randn` in the shape, dtype and device of `input`."""
    result = _like(input, dtype, device)
    return _finish(fill_normal(result, 0, 1, generator), None, requires_grad)


def randint(
    *args: Any, low: int = 0, high: int | None = None, size: Sequence[int] | None = None,
    generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from `low` up to, not including, `high`: randint(high, size), randint(low, high, size).

    >>> _ = torch.manual_seed(0)
    >>> torch.randint(10, (3,))
    tensor([4, 9, 3])
    """
    bounds = list(args)
    if size is None:
        if not bounds or not isinstance(bounds[-1], tuple | list):
            position, kind = len(bounds), type(bounds[-1]).__name__ if bounds else "nothing"
            raise TypeError(
                f"randint(): argument 'size' (position {position}) must be tuple of ints, not {kind}"
            )
        size = bounds.pop()
    if high is None and bounds:
        high = bounds.pop()
    if bounds:
        low = bounds.pop()
    if bounds or high is None:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    if dtype is None and out is None:
        dtype = dt.int64
    result = new_to_fill(_size("randint", (), size), out, dtype, device)
    return _finish(fill_integers(result, "randint", low, high, generator), out, requires_grad)


def randint_like(
    input: Tensor, *args: int, low: int = 0, high: int | None = None, generator: Generator | None = None,
    dtype: DType | None = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`randint` in the shape, dtype and device of `input`: randint_like(x, high), or (x, low, high)."""
    bounds = list(args)
    if high is None and bounds:
        high = bounds.pop()
    if bounds:
        low = bounds.pop()
    if bounds or high is None:
        raise TypeError("randint_like() takes (input, high) or (input, low, high)")
    result = _like(input, dtype, device)
    return _finish(fill_integers(result, "randint_like", low, high, generator), None, requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The numbers 0 .. n - 1 in random order, int64 unless `dtype` or `out` says otherwise.

    >>> _ = torch.manual_seed(0)
    >>> torch.randperm(4)
    tensor([2, 0, 1, 3])
    """
    if isinstance(n, bool | float) or not hasattr(n, "__index__"):
        raise TypeError(f"randperm(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    n = n.__index__()
    if dtype is None and out is None:
        dtype = dt.int64
    result = new_to_fill((n,), out, dtype, device)
    own = result.kind.dtype
    if own.is_complex or own is dt.bool:
        raise not_implemented("randperm", own)
    if own.is_floating_point and own is not dt.bfloat16 and n > largest(own) + 1:
        limit = "2049" if own is dt.float16 else f"2^{DIGITS[own]}+1"
        raise RuntimeError(f"n cannot be greater than {limit} for {type_word(own)} type.")
    if not own.is_floating_point and n > largest(own):
        raise RuntimeError(f"value cannot be converted to type {own.name}_t without overflow")
    return _finish(fill(result, generator, kernels.permutation), out, requires_grad)


def normal(
    mean: float | Tensor = 0.0, std: float | Tensor = 1.0, size: Sequence[int] | None = None, *,
    generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normally distributed numbers, of one mean and deviation in a given size, or of tensors of these, whose
    gradients are zero.

    >>> torch.normal(torch.zeros(2, 3), 0.5).shape
    torch.Size([2, 3])
    """
    given = [x for x in (mean, std) if isinstance(x, TensorBase)]
    if not isinstance(mean, TensorBase) and not isinstance(std, TensorBase):
        check_std(std)
        if size is None:
            raise TypeError("normal() takes a size where neither mean nor std is a tensor")
        result = new_to_fill(_size("normal", (), size), out, dtype, device)
        return _finish(fill_normal(result, mean, std, generator), out, requires_grad)
    if not isinstance(std, TensorBase):
        check_std(std)
    elif std.kind.dtype.is_complex:
        raise RuntimeError("normal expects standard deviation to be non-complex")
    elif std.array.size and not (std >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    shape = broadcast_pair(given[0].array.shape, given[-1].array.shape)
    result = new_to_fill(shape, out, None if out is not None else given[0].kind.dtype, given[0].kind.device)
    centre, width = (x if isinstance(x, TensorBase) else None for x in (mean, std))
    draw = _normal if out is None else _normal_forward
    return draw(centre, width, mean, std, result, generator)


def _normal_forward(mean_tensor, std_tensor, mean, std, result, generator):
    """The numbers of the parameters `mean` and `std`, of which those that are tensors come twice."""
    with no_grad():
        if std_tensor is not None:
            fill_normal(result, 0, 1, generator).mul_(std)
        else:
            fill_normal(result, 0, std, generator)
        return result.add_(mean)


def _normal_vjp(node, grad):
    return [
        zeros_like(x.detach()) if need else None for x, need in zip(node.params, node.needs, strict=False)
    ]


_normal = Op("Normal", _normal_forward, _normal_vjp, tensors=2)


def bernoulli(
    input: Tensor, p: float | Tensor | None = None, *, generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Zeros and ones: ones with the probabilities in `input`, or with probability `p` in its shape."""
    if p is None and out is None:
        return _bernoulli(input, generator)
    result = base.empty(input.array.shape, input.kind) if out is None else new_to_fill(input.array.shape, out)
    with no_grad():
        bernoulli_(result, input if p is None else p, generator=generator)
    return without_derivative(result, "bernoulli", input) if out is None else result


def _bernoulli_forward(input, generator):
    with no_grad():
        return bernoulli_(base.empty(input.array.shape, input.kind), input, generator=generator)


_bernoulli = Op("Bernoulli", _bernoulli_forward, lambda node, grad: (zeros_like(grad),))


def dropout_noise(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """What dropout multiplies `input` with: 1 / (1 - p) with probability 1 - p, else 0; 0 < p < 1."""
    result = _like(input, None, None)
    keep = 1.0 - p
    one = 1.0 / keep if result.kind.dtype is dt.float64 else float(np.float32(1) / np.float32(keep))
    return fill(result, generator, kernels.bernoulli, keep, one)
