"""The distributions: tensors filled with random numbers in place, by `uniform_`, `normal_` and so on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.autograd import inplace
from numbatorch.autograd.mode import no_grad, state
from numbatorch.base import Kind, TensorBase
from numbatorch.dtype import type_word
from numbatorch.ops import math as elementwise
from numbatorch.ops.copy import cast, copy_, fill_
from numbatorch.ops.sampling import (  # noqa: F401
    C_NAMES,
    check_std,
    fill,
    fill_integers,
    fill_normal,
    fill_uniform,
    largest,
    memory_order,
    source_of,
)  # fmt: skip
from numbatorch.ops.view import expand
from numbatorch.overlap import refuse_repeated
from numbatorch.random import Generator
from numbatorch.rules import not_implemented
from numbatorch_kernels import random as kernels
from numbatorch_kernels.registry import Kernel

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _changing(self: Tensor) -> None:
    """Before a change in place: raise RuntimeError where there must be none. No gradient goes past it."""
    refuse_repeated(self)
    if state.enabled and self._requires_grad:
        fill_(self, 0)


def _change(
    self: Tensor, generator: Generator | None, kernel: Kernel, *args, p: Tensor | None = None
) -> Tensor:
    """`fill` in place."""
    _changing(self)
    fill(self, generator, kernel, *args, p=p)
    inplace.changed(self)
    return self


def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill `self` with numbers spread evenly over [from, to)."""
    _changing(self)
    fill_uniform(self, from_, to, generator)
    inplace.changed(self)
    return self


def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill `self` with normally distributed numbers; the parts of complex ones have variance std^2 / 2."""
    check_std(std)
    _changing(self)
    fill_normal(self, mean, std, generator)
    inplace.changed(self)
    return self


_ABSENT: Any = object()


def random_(
    self: Tensor, from_: int = _ABSENT, to: int | None = _ABSENT, *, generator: Generator | None = None
) -> Tensor:
    """Fill `self` with integers from `from_` up to, not including, `to`: random_(to), random_(from, to).

    random_() takes all from 0 to the last that the dtype has (float32: 2^24). random_(from, None) ends there.
    """
    dtype = self.kind.dtype
    if to is _ABSENT and from_ is _ABSENT:
        if dtype.is_complex:
            raise not_implemented("random_kernel_cpu", dtype)
        wide = dtype in (dt.int64, dt.float64)
        return _change(self, generator, kernels.integers, 0, largest(dtype) + 1, wide)
    low, high = (0, from_) if to is _ABSENT else (0 if from_ is _ABSENT else from_, to)
    _changing(self)
    fill_integers(self, "random_", low, high, generator)
    inplace.changed(self)
    return self


def bernoulli_(self: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill `self` with ones, each with probability `p` (a tensor: that in the same place), and zeros."""
    if isinstance(p, TensorBase):
        return _change(self, generator, kernels.bernoulli_each, p=_probabilities(self, p))
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if self.array.size and self.kind.dtype.is_complex:
        raise not_implemented("bernoulli_scalar_cpu_", self.kind.dtype)
    return _change(self, generator, kernels.bernoulli, float(p), 1)


def _probabilities(out: Tensor, p: Tensor) -> Tensor:
    """`p` as float32 or float64, in the shape of `out`."""
    if out.array.size and out.kind.dtype.is_complex:
        raise not_implemented("bernoulli_tensor_cpu_self_", out.kind.dtype)
    if out.array.size and not p.kind.dtype.is_floating_point:
        raise not_implemented("bernoulli_tensor_cpu_p_", p.kind.dtype)
    p = cast(p.detach(), dt.float64 if p.kind.dtype is dt.float64 else dt.float32)
    if p.kind.cpu and not ((p.array >= 0) & (p.array <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.\n"
            f"Probabilities lie in [0, 1]; these go from {p.array.min():g} to {p.array.max():g}"
        )
    return expand(p, out.array.shape).to(out.kind.device)


def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill `self` with numbers of density lambd exp(-lambd x), x >= 0."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    dtype = self.kind.dtype
    if self.array.size and not dtype.is_floating_point:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating "
            f"point but you specified {type_word(dtype)}"
        )
    if self.kind.cpu:
        return _change(self, generator, kernels.exponential, float(lambd))
    return _from_uniform(self, generator, lambda u: elementwise.log1p(-u) / -lambd)


def cauchy_(
    self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None
) -> Tensor:
    """Fill `self` with numbers of density sigma / (pi (sigma^2 + (x - median)^2))."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if not self.kind.dtype.is_floating_point:
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point "
            f"but you specified {C_NAMES[self.kind.dtype]}"
        )
    if self.kind.cpu:
        return _change(self, generator, kernels.cauchy, float(median), float(sigma))
    return _from_uniform(self, generator, lambda u: elementwise.tan((u - 0.5) * math.pi) * sigma + median)


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill `self` with numbers of trials up to the first success: k with probability p (1 - p)^(k - 1)."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    dtype = self.kind.dtype
    if self.array.size and (dtype.is_complex or dtype is dt.bool):
        raise not_implemented("geometric_cpu", dtype)
    if self.kind.cpu:
        return _change(self, generator, kernels.geometric, float(p))
    return _from_uniform(self, generator, lambda u: elementwise.ceil(elementwise.log1p(-u) / math.log1p(-p)))


def log_normal_(
    self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None
) -> Tensor:
    """Fill `self` with numbers whose logarithms are normally distributed."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if self.array.size and not self.kind.dtype.is_floating_point:
        raise not_implemented("log_normal_cpu", self.kind.dtype)
    if self.kind.cpu:
        return _change(self, generator, kernels.log_normal, float(mean), float(std))
    normal_(self, mean, std, generator=generator)
    with no_grad():
        return copy_(self, elementwise.exp(self))


def _from_uniform(self: Tensor, generator: Generator | None, function: Callable[[Tensor], Tensor]) -> Tensor:
    """On CUDA: fill `self` by a function of numbers in [0, 1)."""
    _changing(self)
    dtype = dt.float64 if self.kind.dtype is dt.float64 else dt.float32
    u = base.empty(self.array.shape, Kind.of(dtype, self.kind.device))
    with no_grad():
        return copy_(self, function(fill(u, generator, kernels.uniform, 0.0, 1.0)))
