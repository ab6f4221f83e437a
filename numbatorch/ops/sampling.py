"""Filling a new tensor with random numbers: memory order, devices, and what each dtype can hold.

On the CPU the numbers are PyTorch's own, from the same seed, for every dtype and memory layout. On CUDA they
come from Philox, and depend on the seed and the number of calls alone.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.autograd.mode import no_grad
from numbatorch.base import Kind, wrap
from numbatorch.dtype import DType, type_word
from numbatorch.ops import comparison
from numbatorch.ops.copy import cast, clone_contiguous, copy_, fill_, numbers
from numbatorch.random import Generator, generator_of
from numbatorch.rules import not_implemented
from numbatorch_kernels import random as kernels
from numbatorch_kernels.registry import Kernel

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

DIGITS = {dt.float16: 11, dt.bfloat16: 8, dt.float32: 24, dt.float64: 53}  # bits of precision
C_NAMES = {  # of dtypes, in error texts
    dt.bool: "bool", dt.uint8: "unsigned char", dt.int8: "signed char", dt.int16: "short int",
    dt.int32: "int", dt.int64: "long int", dt.float16: "c10::Half", dt.bfloat16: "c10::BFloat16",
    dt.float32: "float", dt.float64: "double",
    dt.complex64: "c10::complex<float>", dt.complex128: "c10::complex<double>",
}  # fmt: skip


def fill(
    tensor: Tensor, generator: Generator | None, kernel: Kernel, *args, p: Tensor | None = None
) -> Tensor:
    """Fill `tensor` by a kernel, in the order of its memory; `p`, of the same shape, is read in step."""
    source = source_of(generator, tensor)
    array = tensor.array
    if array.size == 0:
        return tensor
    if tensor.kind.dtype.is_complex:
        array = array[..., None].view(tensor.kind.dtype.to_real().numpy)
    if not tensor.kind.cpu:
        _fill_cuda(tensor, array, source, kernel, args, p)
    elif array.flags.c_contiguous:
        along = () if p is None else (np.ascontiguousarray(p.array).reshape(-1),)
        with source.lock:
            kernel("cpu", array.reshape(-1), source.state, *along, *args)
    else:
        order = memory_order(array)
        view = array.transpose(order)
        dense = view if view.flags.c_contiguous else np.empty(view.shape, view.dtype)
        along = () if p is None else (np.ascontiguousarray(p.array.transpose(order)).reshape(-1),)
        with source.lock:
            kernel("cpu", dense.reshape(-1), source.state, *along, *args)
        if dense is not view:
            view[...] = dense
    return tensor


def _fill_cuda(
    tensor: Tensor, array: Any, source: Generator, kernel: Kernel, args: tuple, p: Tensor | None
) -> None:
    """The same on CUDA, where kernels write contiguous memory, and no floats of 16 bits."""
    kind = tensor.kind
    half = kind.dtype.is_half and kernel not in (kernels.bernoulli, kernels.bernoulli_each)
    if array.flags.c_contiguous and not half:
        along = () if p is None else ((p if p.kind.contiguous else clone_contiguous(p)).array.reshape(-1),)
        with source.lock:
            kernel("cuda", array.reshape(-1), source.state, *along, *args)
    else:
        dense = base.empty(tensor.array.shape, Kind.of(kind.dtype.opmath, kind.device) if half else kind)
        with no_grad():
            copy_(tensor, fill(dense, source, kernel, *args, p=p))


def memory_order(array: Any) -> list[int]:
    """The dimensions from the largest stride to the smallest."""
    return sorted(range(array.ndim), key=lambda d: -array.strides[d])


def source_of(generator: Generator | None, tensor: Tensor) -> Generator:
    """The generator to use. Raises RuntimeError if it is one of another type of device."""
    device = tensor.kind.device
    if generator is None:
        return generator_of(device)
    if not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    if generator.device.type != device.type:
        raise RuntimeError(
            f"Expected a '{device.type}' device type for generator but found '{generator.device.type}'"
        )
    return generator


def fill_uniform(tensor: Tensor, low: float, high: float, generator: Generator | None) -> Tensor:
    """`uniform_` of a new tensor."""
    kind = tensor.kind
    if not kind.dtype.is_complex:
        _check_uniform(kind.dtype, low, high)
    elif tensor.array.size:
        _check_uniform(kind.dtype.to_real(), low, high)
    if kind.cpu or not kind.dtype.is_half:
        return fill(tensor, generator, kernels.uniform, float(low), float(high))
    # On CUDA the kernel makes float32, and what is below `high` may be rounded up to it.
    wide = base.empty(tensor.array.shape, Kind.of(dt.float32, kind.device))
    narrow = cast(fill(wide, generator, kernels.uniform, float(low), float(high)), kind.dtype)
    with no_grad():
        top = fill_(base.empty((), kind), high)
        return copy_(tensor, comparison.where(comparison.eq(narrow, top), low, narrow))


def _check_uniform(dtype: DType, low: float, high: float) -> None:
    if not dtype.is_floating_point:
        raise not_implemented("check_uniform_bounds", dtype)
    if low == 0 and high == 1:
        return
    most = dt.finfo(dtype).max
    for name, bound in (("from", low), ("to", high)):
        if not -most <= bound <= most:
            raise RuntimeError(f"{name} is out of bounds for {C_NAMES[dtype]}")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
        )
    if high - low > most:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{type_word(dtype)}>::max(), but found "
            f"to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )


def fill_normal(tensor: Tensor, mean: float, std: float, generator: Generator | None) -> Tensor:
    """`normal_` of a new tensor."""
    kind = tensor.kind
    if tensor.array.size and not (kind.dtype.is_inexact):
        raise not_implemented("normal_kernel_cpu", kind.dtype)
    kernel = kernels.normal if kind.contiguous else kernels.normal_apart
    scale = std / math.sqrt(2) if kind.dtype.is_complex else std
    return fill(tensor, generator, kernel, float(mean), float(scale))


def check_std(std: float) -> None:
    """RuntimeError unless `std` can be a standard deviation."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


def fill_integers(
    tensor: Tensor, name: str, low: int, high: int | None, generator: Generator | None
) -> Tensor:
    """`random_` of a new tensor, for the function called `name`."""
    low = _integer(name, "low", low)
    low, size = _range(tensor.kind.dtype, low, None if high is None else _integer(name, "high", high))
    return fill(tensor, generator, kernels.integers, low, size, size >= 1 << 28)


def _integer(function: str, name: str, bound: Any) -> int:
    if isinstance(bound, bool | float | complex | str) or not hasattr(bound, "__index__"):
        raise TypeError(f"{function}(): argument '{name}' must be int, not {type(bound).__name__}")
    bound = bound.__index__()
    if not -(2**63) <= bound < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return bound


def largest(dtype: DType) -> int:
    """The largest of all integers from 0 that `dtype` holds."""
    if dtype.is_floating_point:
        return 1 << DIGITS[dtype]
    return 1 if dtype is dt.bool else dt.iinfo(dtype).max


def _range(dtype: DType, low: int, high: int | None) -> tuple[int, int]:
    """The first of a range of integers, and their number. RuntimeError where `dtype` cannot hold them."""
    if high is None and low == -(2**63):
        if dtype not in (dt.int64, dt.float64, dt.float32, dt.bfloat16):
            raise RuntimeError(
                "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16"
            )
        return 0, 2**64
    if high is not None and low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.is_complex:
        name = "random_from_to_impl" if high is None else "check_random_bounds"
        raise RuntimeError(f"{name} handles only integral, floating-point and boolean types")
    if dtype.is_floating_point:
        low = _towards(low, 1, dtype)
        high = None if high is None else _towards(high, -1, dtype)
        if high is not None and low >= high:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, "
                f"but got from={low} >= to={high}"
            )
        if high is None and low >= largest(dtype):
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to "
                f"dtype, but got from={low} > to_inc={largest(dtype)}"
            )
    last = largest(dtype) if high is None else high - 1
    for name, bound in (("from", low), ("to - 1", last)):
        _check_bound(name, bound, dtype)
    return low, last - low + 1


def _towards(bound: int, step: int, dtype: DType) -> int:
    """`bound`, or a number further on where rounding to `dtype` takes the neighbour of `bound` past it."""
    neighbour = bound + step
    cell = np.empty(1, dtype.numpy)
    kernels.store(cell, np.array([neighbour], np.int64))
    rounded = float(numbers(wrap(cell, Kind.of(dtype)))[0])
    rounded = int(rounded) if math.isfinite(rounded) and abs(rounded) < 2**63 else -(2**63)
    if rounded >= bound if step > 0 else rounded < bound:
        return bound
    return rounded + step * (1 << (abs(neighbour).bit_length() - DIGITS[dtype]))


def _check_bound(name: str, bound: int, dtype: DType) -> None:
    word = C_NAMES[dtype]
    if dtype.is_floating_point:
        digits, most = DIGITS[dtype], dt.finfo(dtype).max
        if not -most <= bound <= most:
            raise RuntimeError(f"{name} is out of bounds for {word}")
        if abs(bound) > 1 << digits:
            warnings.warn(
                f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {word} "
                "can support discrete uniform distribution only within this range. This warning will become "
                "an error in version 1.7 release, please fix the code in advance",
                stacklevel=5,
            )
    elif not (0 if dtype is dt.bool else dt.iinfo(dtype).min) <= bound <= largest(dtype):
        raise RuntimeError(f"{name} is out of bounds for {word}")
