"""New tensors of numbers in sequence: arange, linspace, and powers of them."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.arguments import flags, tensor_array, whole
from numbatorch.base import Kind, TensorBase
from numbatorch.device import device as Device
from numbatorch.dtype import DType
from numbatorch.ops.arithmetic import pow
from numbatorch.ops.complexes import complex as of_parts
from numbatorch.ops.copy import cast, from_numbers, move, resolve
from numbatorch.ops.creation import finish, store
from numbatorch.ops.view import unsqueeze
from numbatorch.rules import COMPLEX, refuse
from numbatorch_kernels import progression as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


_arange_accepts = refuse("arange_cpu", "bool", *COMPLEX)


def arange(
    start: Tensor | float,
    end: Tensor | float | None = None,
    step: Tensor | float = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, ... below end. Integers give int64, else the default dtype.

    >>> torch.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        start, end = 0, start
    dtype = out.kind.dtype if dtype is None and out is not None else dtype
    start, end, step = (x.item() if isinstance(x, TensorBase) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    if dtype is None:
        dtype = dt.int64 if whole else dt.get_default_dtype()
    dtype = dt.as_dtype(dtype)
    _arange_accepts(dtype)
    if dtype is dt.int64:
        start, end, step = [int(dt.fitting(x, dtype)) for x in (start, end, step)]
        if not step:
            raise ValueError("step must be nonzero")
        whole = True
    n = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    if not dtype.is_inexact:
        start, step = int(start), int(step)
    return store(out, finish(_progression(int(n), start, step, dtype, device), requires_grad))


def _progression(count: int, start: float, step: float, dtype: DType, device: Any) -> Tensor:
    """start, start + step, ...: whole numbers computed in int64, others in float64."""
    device = resolve(device)
    whole = isinstance(start, int) and isinstance(step, int)
    if device.type == "cpu":
        values: np.ndarray = np.arange(count)
        if not whole:
            values = values * step + start
        else:
            if step != 1:
                values *= int(step)
            if start:
                values += int(start)
        return from_numbers(values, dtype)
    wide = base.empty((count,), Kind.of(dt.int64 if whole else dt.float64, device))
    kernels.progression(device.type, wide.array, start, step)
    return cast(wide, dtype)


def linspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` numbers from start to end, evenly spaced, both included."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    start, end = (x.item() if isinstance(x, TensorBase) else x for x in (start, end))
    usual = dt.get_default_dtype()
    if isinstance(start, complex) or isinstance(end, complex):
        usual = usual.to_complex()
    own = dt.as_dtype(dtype or usual)
    if steps > 1:
        refuse("linspace_cpu", "bool")(own)
    place = resolve(device)
    if own.is_complex:
        real, imag = (
            _even(steps, *ends, own.to_real(), place)
            for ends in ((start.real, end.real), (start.imag, end.imag))
        )
        values = of_parts(real, imag)
    else:
        values = _even(steps, start, end, own, place)
    return store(out, finish(values, requires_grad))


def _even(count: int, start: float, end: float, dtype: DType, device: Device) -> Tensor:
    """So many numbers, computed in float64, or in what `dtype` computes in."""
    wide = base.empty((count,), Kind.of(dtype.opmath if dtype.is_floating_point else dt.float64, device))
    if count:
        kernels.even(device.type, wide.array, start, start if count == 1 else end)
    return cast(wide, dtype)


def logspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """base^start to base^end in `steps` steps, evenly spaced in the exponent."""
    powers = base ** linspace(start, end, steps, dtype=dt.float64, device=device)
    own = dt.as_dtype(dtype or dt.get_default_dtype())
    if steps > 1:
        refuse("logspace_cpu", "bool")(own)
    return store(out, finish(cast(powers, own), requires_grad))


def range(
    start: Tensor | float = 0,
    end: Tensor | float | None = None,
    step: Tensor | float = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, ... up to end, which is included. Deprecated, as in PyTorch: use `arange`."""
    warnings.warn(_RANGE, UserWarning, stacklevel=2)
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    start, end, step = (x.item() if isinstance(x, TensorBase) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count, own = math.floor((end - start) / step) + 1, dt.as_dtype(dtype or dt.get_default_dtype())
    result = _progression(count, start, step, own, device)
    return store(out, finish(result, requires_grad))


_RANGE = (
    "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent "
    "with Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of the elements of a vector, a row for each element: x^(N-1), ..., x, 1, or with `increasing`
    the other way round.

    >>> torch.vander(torch.tensor([1, 2, 3]), 2)
    tensor([[1, 1],
            [2, 1],
            [3, 1]])
    """
    if tensor_array(x).ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.array.size if N is None else N
    whole(count)
    flags(increasing)
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    own = x.kind.dtype
    wide = x if own.is_inexact else cast(x, dt.int64)
    exponents = arange(count) if increasing else arange(count - 1, -1, -1)
    return pow(unsqueeze(wide, 1), move(exponents, x.kind.device))
