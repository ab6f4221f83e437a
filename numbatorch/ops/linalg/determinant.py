"""Determinants, from the LU factorisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.ops.comparison import where
from numbatorch.ops.complexes import adjoint, complex
from numbatorch.ops.copy import all_into
from numbatorch.ops.join import cat
from numbatorch.ops.linalg.common import computed, floating, kernels_for, square
from numbatorch.ops.linalg.solve import inverse_and_info
from numbatorch.ops.linalg.spectral import svd
from numbatorch.ops.math import abs, log
from numbatorch.ops.reduce import products_of_others
from numbatorch.ops.reduction import into
from numbatorch.ops.rows import index_select
from numbatorch.ops.view import reshape, unsqueeze

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- det


def _det_forward(input):
    return computed(lambda a: (kernels_for(input).det(a),), input)[0]


def _det_vjp(node, grad):
    """g times the adjugate, det A A⁻¹, adjoined. Of matrices that are next to singular, the adjugate comes from
    the singular values: A = U S Vᴴ has det(U) det(Vᴴ) V adj(S) Uᴴ.

    Higham, What is the adjugate of a matrix?, 2020.
    """
    input, result = node.unpack()
    near = abs(result.detach()) < 100 * dt.finfo(result.kind.dtype).eps
    if not near.any().item():
        return (_from_inverse(grad, result, input),)
    if near.all().item():
        return (_from_singular_values(grad, input),)
    n, flat = input.array.shape[-1], near.reshape(-1)
    grads, dets, matrices = reshape(grad, -1), reshape(result, -1), reshape(input, -1, n, n)
    regular, singular = (~flat).nonzero().squeeze(1), flat.nonzero().squeeze(1)
    parts = [
        _from_inverse(*[index_select(x, 0, regular) for x in (grads, dets, matrices)]),
        _from_singular_values(*[index_select(x, 0, singular) for x in (grads, matrices)]),
    ]
    places = cat([regular, singular]).argsort()
    return (reshape(index_select(cat(parts), 0, places), input.array.shape),)


def _from_inverse(grad: Tensor, det: Tensor, input: Tensor) -> Tensor:
    return adjoint(inverse_and_info(input)[0]) * _each(grad * det.conj())


def _from_singular_values(grad: Tensor, input: Tensor) -> Tensor:
    left, values, right = svd(input)
    turns = (_det(left) * _det(right)).conj() * grad
    others = products_of_others(values)
    return (left * unsqueeze(others * unsqueeze(turns, -1), -2)) @ right


def _each(numbers: Tensor) -> Tensor:
    """A number for each matrix, in a shape that multiplies matrices."""
    return unsqueeze(unsqueeze(numbers, -1), -1)


_det = Op("LinalgDet", _det_forward, _det_vjp, saves=(0, -1))


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinants of matrices (..., n, n).

    >>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    tensor(-1.0000)
    """
    square(A, "linalg.det")
    floating(A, "linalg.det", "lu_cpu")
    return into(out, _det(A), "linalg.det", same=True)


# --- slogdet


def _slogdet_forward(input):
    return computed(kernels_for(input).slogdet, input)


def _slogdet_vjp(node, grads):
    """d log det A = tr(A⁻¹ dA): the real part is that of log |det|, the imaginary one the angle of the sign."""
    input, sign = node.unpack()
    of_sign, of_log = grads
    if not input.kind.dtype.is_complex:
        return (None if of_log is None else adjoint(inverse_and_info(input)[0]) * _each(of_log),)
    size = sign.real * 0 if of_log is None else of_log
    turn = sign.real * 0 if of_sign is None else -(of_sign.conj() * sign).imag
    return (adjoint(inverse_and_info(input)[0]) * _each(complex(size, turn)),)


_slogdet = Op("LinalgSlogdet", _slogdet_forward, _slogdet_vjp, saves=(0, -1), differentiable=2)


def _sign_and_log(A: Tensor) -> tuple[Tensor, Tensor]:
    square(A, "linalg.slogdet")
    floating(A, "linalg.slogdet")
    return _slogdet(A)


def slogdet(A: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.linalg_slogdet:
    """The sign of the determinant (a number of size 1 for complex matrices, 0 where it is 0), and the logarithm
    of its size, which neither overflows nor underflows.

    >>> torch.linalg.slogdet(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).sign
    tensor(-1.)
    """
    return all_into(out, return_types.linalg_slogdet(*_sign_and_log(A)), "linalg.slogdet")


def slogdet_old(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.slogdet:
    """`linalg.slogdet` under its old name.

    >>> torch.slogdet(torch.eye(2)).logabsdet
    tensor(0.)
    """
    return all_into(out, return_types.slogdet(*_sign_and_log(input)), "slogdet")


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant of matrices (..., n, n): NaN where that is negative, -inf where it is 0.

    >>> torch.logdet(torch.eye(3))
    tensor(0.)
    """
    square(input, "logdet", "input")
    floating(input, "logdet")
    sign, size = _slogdet(input)
    if input.kind.dtype.is_complex:
        return log(sign) + size
    return where(sign == -1, float("nan"), size)
