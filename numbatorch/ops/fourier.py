"""Fourier transforms, `torch.fft`:

    y_k = Σ_j x_j exp(-2πi jk / n)         forward: fft; real input: rfft, the terms up to n // 2 + 1
    x_j = 1/n Σ_k y_k exp(2πi jk / n)      backward: ifft; real output: irfft

`norm` moves the factor 1/n: "backward" (the default) has it on the inverse, "forward" on the forward transform,
"ortho" has its root on both. `n` and `s` cut the input, or fill it up by zeros. Computed in the precision of the
input, on the CPU by NumPy's FFT. Integers become the default dtype. float16 and bfloat16 are refused, as by PyTorch on
the CPU: RuntimeError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.base import Kind, empty, wrap
from numbatorch.dtype import DType, type_word
from numbatorch.ops.arithmetic import mul
from numbatorch.ops.arrange import roll
from numbatorch.ops.copy import cast, clone, contiguous
from numbatorch.ops.join import cat
from numbatorch.ops.pad import constant_pad_nd
from numbatorch.ops.reduction import into
from numbatorch.ops.sequences import arange
from numbatorch.ops.view import narrow
from numbatorch.shape import normalize_dim, sized_dim
from numbatorch_kernels import fourier as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor
    from numbatorch_kernels.registry import Kernel

Dims = int | Sequence[int] | None

# --- the three transforms. Each is linear: back goes its adjoint, with the same factor


def _run(kernel: Kernel, out: Tensor, x: Tensor, *how: Any) -> Tensor:
    """`out`, filled by a transform of x. (Those of the CPU take any strides.)"""
    if out.array.size:
        array = x.array if x.kind.cpu else contiguous(wrap(x.array, x.kind)).array
        kernel(x.kind.device.type, out.array, array, *how)
    return out


def _complex_forward(x, dims, forward, norm):
    out = empty(x.array.shape, Kind.of(x.kind.dtype.to_complex(), x.kind.device))
    return _run(kernels.complex_to_complex, out, x, dims, forward, norm)


def _complex_vjp(node, grad):
    dims, forward, norm = node.params
    return (_complex(grad, dims, not forward, kernels.OPPOSITE[norm]),)


def _whole_vjp(node, grad):
    """What is known of a real tensor is real."""
    return (_complex_vjp(node, grad)[0].real,)


def _real_to_complex_forward(x, dims, n, forward, norm):
    shape = list(x.array.shape)
    shape[dims[-1]] = n // 2 + 1
    out = empty(tuple(shape), Kind.of(x.kind.dtype.to_complex(), x.kind.device))
    return _run(kernels.real_to_complex, out, x, dims, forward, norm)


def _real_to_complex_vjp(node, grad):
    """The terms that `rfft` leaves out are conjugates; the gradient of each pair has come to one of them."""
    dims, n, forward, norm = node.params
    halved = mul(grad, _weights(grad, dims[-1], n, 0.5))
    return (_complex_to_real(halved, dims, n, not forward, kernels.OPPOSITE[norm]),)


def _complex_to_real_forward(x, dims, n, forward, norm):
    shape = list(x.array.shape)
    shape[dims[-1]] = n
    out = empty(tuple(shape), Kind.of(x.kind.dtype.to_real(), x.kind.device))
    return _run(kernels.complex_to_real, out, x, dims, forward, norm)


def _complex_to_real_vjp(node, grad):
    dims, n, forward, norm = node.params
    terms = _real_to_complex(grad, dims, n, not forward, kernels.OPPOSITE[norm])
    terms *= _weights(terms, dims[-1], n, 2.0)
    return (terms,)


def _weights(terms: Tensor, dim: int, n: int, weight: float) -> Tensor:
    """`weight` for the terms along `dim` that have a conjugate among the n of a whole transform, 1 for the
    others."""
    count, shape = terms.array.shape[dim], [1] * terms.array.ndim
    shape[dim] = count
    weights = terms.new_full(shape, weight, dtype=terms.kind.dtype.to_real())
    narrow(weights, dim, 0, 1).fill_(1)
    if n % 2 == 0:
        narrow(weights, dim, count - 1, 1).fill_(1)
    return weights


_complex = Op("FftC2C", _complex_forward, _complex_vjp)
_whole = Op("FftR2C", _complex_forward, _whole_vjp)  # of real numbers, with the terms that rfft leaves out
_real_to_complex = Op("FftR2C", _real_to_complex_forward, _real_to_complex_vjp)
_complex_to_real = Op("FftC2R", _complex_to_real_forward, _complex_to_real_vjp)


# --- arguments


def _norm(norm: str | None) -> str:
    if norm is None:
        return "backward"
    if norm not in kernels.OPPOSITE:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm


def _as_float(input: Tensor) -> Tensor:
    """`input` in a dtype that can be transformed."""
    dtype = tensor_kind(input).dtype
    if dtype.is_half:
        raise RuntimeError(f"Unsupported dtype {type_word(dtype)}")
    if dtype.is_inexact:
        return input
    return cast(input, dt.get_default_dtype())


def _as_complex(input: Tensor) -> Tensor:
    input = _as_float(input)
    return cast(input, input.kind.dtype.to_complex())


def _transformed(
    input: Tensor, dims: tuple[int, ...], sizes: Sequence[int], forward: bool, norm: str
) -> Tensor:
    """All terms, of real or complex numbers."""
    if not dims:
        return clone(_as_complex(input))
    row = _complex if input.kind.dtype.is_complex else _whole
    return row(_resized(input, dims, sizes), dims, forward, norm)


def _dims(input: Tensor, s: int | Sequence[int] | None, dim: Dims) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions to transform, and the sizes that `input` is to have there."""
    ndim = input.array.ndim
    s = (s,) if isinstance(s, int) else s
    dim = (dim,) if isinstance(dim, int) else dim
    if dim is not None:
        dims = tuple([sized_dim(d, input.array.ndim) for d in dim])
        if len(set(dims)) < len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif s is None:
        dims = tuple(range(ndim))
    else:
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = tuple(range(ndim - len(s), ndim))
    sizes = (-1,) * len(dims) if s is None else s
    return dims, tuple([input.array.shape[d] if n == -1 else n for d, n in zip(dims, sizes)])


def _check_points(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _resized(input: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """`input` cut, or filled up by zeros at the end, to have these sizes."""
    for d, n in zip(dims, sizes):
        have = input.array.shape[d]
        if n < have:
            input = narrow(input, d, 0, n)
        elif n > have:
            input = constant_pad_nd(input, [0, 0] * (input.array.ndim - 1 - d) + [0, n - have])
    return input


def _result(name: str, out: Tensor | None, result: Tensor) -> Tensor:
    if out is None:
        return result
    if tensor_kind(out).dtype.is_complex != result.kind.dtype.is_complex:
        wanted = "complex" if result.kind.dtype.is_complex else "floating point"
        raise RuntimeError(f"{name} expects a {wanted} output tensor, but got {type_word(out.kind.dtype)}")
    return into(out, result, name)


# --- one dimension


def _one(
    name: str, input: Tensor, n: int | None, dim: int, norm: str | None, forward: bool, out: Tensor | None
) -> Tensor:
    input = _as_float(input)
    d = sized_dim(dim, input.array.ndim)
    size = _check_points(input.array.shape[d] if n is None else n)
    result = _transformed(input, (d,), (size,), forward, _norm(norm))
    return _result(name, out, result)


def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The Fourier transform along one dimension.

    >>> torch.fft.fft(torch.tensor([1.0, 0.0, 0.0, 0.0])).real
    tensor([1., 1., 1., 1.])
    """
    return _one("fft", input, n, dim, norm, True, out)


def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `fft`."""
    return _one("ifft", input, n, dim, norm, False, out)


def _check_real(name: str, input: Tensor) -> Tensor:
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {type_word(input.kind.dtype)}")
    return _as_float(input)


def _rfft(input: Tensor, n: int | None, dim: int, forward: bool, norm: str | None) -> Tensor:
    d = sized_dim(dim, input.array.ndim)
    size = _check_points(input.array.shape[d] if n is None else n)
    return _real_to_complex(_resized(input, (d,), (size,)), (d,), size, forward, _norm(norm))


def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The first n // 2 + 1 terms of `fft`, of a real tensor; the others are conjugates of these.

    >>> torch.fft.rfft(torch.ones(4)).real
    tensor([4., 0., 0.])
    """
    return _result("rfft", out, _rfft(_check_real("rfft", input), n, dim, True, norm))


def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `hfft`: the conjugate of `rfft`, scaled as an inverse."""
    return _result("ihfft", out, _rfft(_check_real("ihfft", input), n, dim, False, norm))


def _irfft(input: Tensor, n: int | None, dim: int, forward: bool, norm: str | None) -> Tensor:
    d = sized_dim(dim, input.array.ndim)
    size = _check_points(2 * (input.array.shape[d] - 1) if n is None else n)
    return _complex_to_real(_resized(input, (d,), (size // 2 + 1,)), (d,), size, forward, _norm(norm))


def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `rfft`: n real numbers, 2 (m - 1) unless told otherwise, from m terms.

    >>> torch.fft.irfft(torch.tensor([4.0, 0.0, 0.0]))
    tensor([1., 1., 1., 1.])
    """
    return _result("irfft", out, _irfft(_as_complex(input), n, dim, False, norm))


def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The real Fourier transform of a signal of which one half is given, the other being its conjugate: `irfft` of
    the conjugate, scaled as a forward transform."""
    return _result("hfft", out, _irfft(_as_complex(input), n, dim, True, norm))


# --- several dimensions


def _many(
    name: str, input: Tensor, s: Any, dim: Dims, norm: str | None, forward: bool, out: Tensor | None
) -> Tensor:
    input = _as_float(input)
    dims, sizes = _dims(input, s, dim)
    for n in sizes:
        _check_points(n)
    result = _transformed(input, dims, sizes, forward, _norm(norm))
    return _result(name, out, result)


def fftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The Fourier transform along several dimensions: all, those in `dim`, or as many at the end as `s` has sizes
    (-1: as it is).

    >>> torch.fft.fftn(torch.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    return _many("fftn", input, s, dim, norm, True, out)


def ifftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `fftn`."""
    return _many("ifftn", input, s, dim, norm, False, out)


def _rfftn(name: str, input: Tensor, s: Any, dim: Dims, forward: bool, norm: str | None) -> Tensor:
    dims, sizes = _dims(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    for n in sizes:
        _check_points(n)
    return _real_to_complex(_resized(input, dims, sizes), dims, sizes[-1], forward, _norm(norm))


def rfftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The half of `fftn` of a real tensor that says all: the first terms along the last dimension."""
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError(f"rfftn expects a real-valued input tensor, but got {type_word(input.kind.dtype)}")
    return _result("rfftn", out, _rfftn("rfftn", _as_float(input), s, dim, True, norm))


def ihfftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `hfftn`."""
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {type_word(input.kind.dtype)}")
    return _result("ihfftn", out, _rfftn("ihfftn", _as_float(input), s, dim, False, norm))


def _irfftn(name: str, input: Tensor, s: Any, dim: Dims, forward: bool, norm: str | None) -> Tensor:
    dims, sizes = _dims(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    given = s is not None and (s if isinstance(s, int) else s[-1]) != -1
    last = _check_points(sizes[-1] if given else 2 * (sizes[-1] - 1))
    sizes = (*[_check_points(n) for n in sizes[:-1]], last // 2 + 1)
    return _complex_to_real(_resized(input, dims, sizes), dims, last, forward, _norm(norm))


def irfftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `rfftn`."""
    return _result("irfftn", out, _irfftn("irfftn", _as_complex(input), s, dim, False, norm))


def hfftn(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The real Fourier transform of a signal that is its own conjugate in reverse, of which one half is given."""
    return _result("hfftn", out, _irfftn("hfftn", _as_complex(input), s, dim, True, norm))


# --- two dimensions


def fft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fftn` along two dimensions, the last ones."""
    return fftn(input, s, dim, norm, out=out)


def ifft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`ifftn` along two dimensions, the last ones."""
    return ifftn(input, s, dim, norm, out=out)


def rfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`rfftn` along two dimensions, the last ones."""
    return rfftn(input, s, dim, norm, out=out)


def irfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`irfftn` along two dimensions, the last ones."""
    return irfftn(input, s, dim, norm, out=out)


def hfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`hfftn` along two dimensions, the last ones."""
    return hfftn(input, s, dim, norm, out=out)


def ihfft2(
    input: Tensor,
    s: Sequence[int] | None = None,
    dim: Dims = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`ihfftn` along two dimensions, the last ones."""
    return ihfftn(input, s, dim, norm, out=out)


# --- frequencies


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The frequencies of the terms of `fft` of n points, `d` apart: 0, 1, .., -2, -1, over n d.

    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies(
        "fftfreq", ((0, (n + 1) // 2), (-(n // 2), 0)), n, d, out, dtype, device, requires_grad
    )


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The frequencies of the terms of `rfft` of n points, `d` apart: 0, 1, .., n // 2, over n d.

    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies("rfftfreq", ((0, n // 2 + 1),), n, d, out, dtype, device, requires_grad)


def _frequencies(
    name: str,
    ranges: Sequence[tuple[int, int]],
    n: int,
    d: float,
    out: Tensor | None,
    dtype: DType | None,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    dtype = (
        dt.as_dtype(dtype) if dtype is not None else out.dtype if out is not None else dt.get_default_dtype()
    )
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    with np.errstate(all="ignore"):
        width = float(np.divide(1.0, n * d))
    numbers = [arange(*ends, dtype=dt.float64, device=device) for ends in ranges]
    result = cast(cat(numbers) * width, dtype)
    if out is not None:
        return into(out, result, name)
    return result.requires_grad_() if requires_grad else result


def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The term of frequency 0 in the middle: halves swapped along all dimensions, or those in `dim`.

    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted(input, dim, 0)


def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, 1)


def _shifted(input: Tensor, dim: Dims, more: int) -> Tensor:
    dims = (dim,) if isinstance(dim, int) else range(tensor_array(input).ndim) if dim is None else dim
    dims = [normalize_dim(d, input.array.ndim) for d in dims]
    return roll(input, [(input.array.shape[d] + more) // 2 for d in dims], dims)
