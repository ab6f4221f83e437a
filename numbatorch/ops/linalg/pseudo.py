"""Pseudo-inverses, least squares and rank: what is decided by singular values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array, text, unfit
from numbatorch.base import TensorBase
from numbatorch.dtype import type_word
from numbatorch.ops.comparison import masked_fill
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into, host
from numbatorch.ops.extrema import amax
from numbatorch.ops.linalg.common import LinAlgError, computed, failed, kernels_for, of_one_stack
from numbatorch.ops.linalg.solve import is_vector
from numbatorch.ops.linalg.spectral import (
    check_hermitian,
    eigh_parts,
    hermitian_eigenvalues,
    singular_values,
    svd_parts,
)
from numbatorch.ops.math import clamp, reciprocal
from numbatorch.ops.reduction import into
from numbatorch.ops.view import squeeze, unsqueeze
from numbatorch_kernels.linalg import decompositions as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Tolerance: TypeAlias = "Tensor | float | None"

_LAPACK = (dt.float32, dt.float64, dt.complex64, dt.complex128)


# --- tolerances


def _tolerances(input: Tensor, atol: Any, rtol: Any, function: str) -> tuple[Any, Any]:
    """Absolute and relative tolerance, numbers or tensors. Where neither is given, or an absolute one of 0,
    the relative one is max(m, n) times the dtype's epsilon."""
    for name, value in (("atol", atol), ("rtol", rtol)):
        if isinstance(value, TensorBase) and value.kind.dtype.is_complex:
            raise RuntimeError(
                f"{function}: {name} tensor of complex type is not supported. Got {type_word(value.kind.dtype)}"
            )
    absolute, of_each = 0.0 if atol is None else atol, isinstance(atol, TensorBase)
    if rtol is not None:
        return absolute, rtol
    relative = max(input.array.shape[-2:]) * dt.finfo(input.kind.dtype.to_real()).eps
    if of_each:
        return absolute, (absolute <= 0) * relative
    return absolute, 0.0 if absolute > 0 else relative


def _above(sizes: Tensor, absolute: Any, relative: Any) -> Tensor:
    """Which sizes (..., k) exceed the tolerance."""
    if sizes.array.shape[-1] == 0:
        return sizes > 0
    return sizes > unsqueeze(clamp(amax(sizes, -1) * relative, absolute), -1)


# --- rank


def matrix_rank(
    input: Tensor,
    tol: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values (sizes of eigenvalues, if `hermitian`) of matrices (..., m, n) are larger than
    max(atol, rtol * the largest). By default atol is 0 and rtol max(m, n) times the dtype's epsilon, or 0 if
    there is an atol. `tol` is an old name of atol. Tolerances may be tensors, a number for each matrix.

    >>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    function = "torch.linalg.matrix_rank"
    if not isinstance(input, TensorBase):
        raise unfit("linalg_matrix_rank", input)
    if input.array.ndim < 2:
        raise RuntimeError(f"{function}: The input tensor input must have at least 2 dimensions.")
    if tol is not None:
        atol, rtol = tol, 0.0
    if input.kind.dtype not in _LAPACK:
        raise RuntimeError("This function doesn't handle types other than float and double")
    absolute, relative = _tolerances(input, atol, rtol, function)
    if hermitian:
        check_hermitian(input)
    values = input.detach()
    sizes = hermitian_eigenvalues(values).abs() if hermitian else singular_values(values)
    return into(out, _above(sizes, absolute, relative).sum(-1), "linalg.matrix_rank")


# --- pseudo-inverses


def _pinv_forward(input, absolute, relative, hermitian):
    """V S⁻¹ Uᴴ"""
    if hermitian:
        values, left = eigh_parts(input, "L")
        right = left
    else:
        left, values, turned = svd_parts(input)
        right = adjoint(turned)
    kept = _above(values.abs(), absolute, relative)
    inverses = masked_fill(reciprocal(values), ~kept, 0.0)
    return (right * unsqueeze(inverses, -2)) @ adjoint(left)


def _pinv_vjp(node, grad):
    input, inverse = node.unpack()
    return (through_inverse(grad, inverse, input),)


def through_inverse(grad: Tensor, inverse: Tensor, input: Tensor) -> Tensor:
    """The gradient for A from that of its pseudo-inverse, where the rank does not change nearby.

    Golub and Pereyra, The differentiation of pseudo-inverses, 1973, 4.12.
    """
    over, turned = adjoint(inverse), adjoint(grad)
    if input.array.shape[-2] <= input.array.shape[-1]:
        k = turned @ inverse
        k_over = k @ over
        result = k_over - adjoint(inverse @ k) - (input @ inverse) @ k_over
        return result + (over @ inverse) @ (turned - k @ input)
    k = inverse @ turned
    over_k = over @ k
    result = over_k - adjoint(k @ inverse) - (over_k @ inverse) @ input
    return result + (turned - input @ k) @ inverse @ over


_pinv = Op("LinalgPinv", _pinv_forward, _pinv_vjp, saves=(0, -1))


def pinv(
    input: Tensor,
    rcond: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
    out: Tensor | None = None,
) -> Tensor:
    """The Moore-Penrose inverse (..., n, m) of matrices (..., m, n): that of the singular values larger than
    max(atol, rtol * the largest), as in `matrix_rank`; of the eigenvalues if `hermitian`, when only the lower
    triangle is read. `rcond` is an old name of rtol.

    >>> torch.linalg.pinv(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    if not isinstance(input, TensorBase):
        raise unfit("linalg_pinv", input)
    shape = input.array.shape
    if len(shape) < 2 or input.kind.dtype not in _LAPACK:
        raise RuntimeError(
            f"linalg.pinv({type_word(input.kind.dtype)}{{{list(shape)}}}): expected a tensor with 2 or more "
            f"dimensions of float, double, cfloat or cdouble types"
        )
    if hermitian:
        check_hermitian(input)
    tolerances = _tolerances(input, atol, rtol if rcond is None else rcond, "torch.linalg.pinv")
    return into(out, _pinv(input, *tolerances, hermitian), "linalg.pinv")


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` under its old name, with another default of the tolerance.

    >>> torch.pinverse(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    return pinv(input, rcond)


# --- least squares


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@np.errstate(all="ignore")
def _lstsq_forward(a, b, rcond, driver):
    """The solution, the squares of the residuals, the ranks and the singular values; what there is not, empty."""

    def run(a, b):
        *results, info = kernels.lstsq(a, b, rcond, driver)
        if info.any():
            which, code = failed(info)
            raise LinAlgError(
                f"torch.linalg.lstsq: {which}The least squares solution could not be computed because the input "
                f"matrix does not have full rank (error code: {code})."
            )
        return results

    m, n = a.array.shape[-2:]
    if not a.kind.cpu:
        gels = kernels_for(a, kernels).gels
        (both,) = computed(lambda a, b: (gels(a, b),), a, b)
        rest = both[..., n:, :].abs()
        residuals = (rest * rest).sum(-2) if m > n else rest.new_empty((0,))
        return both[..., :n, :], residuals, both.new_empty((0,), dtype=dt.int64), rest.new_empty((0,))
    solution, residuals, rank, values = computed(run, a, b)
    if not (m > n and (driver == "gels" or (driver != "gelsy" and (host(rank) == n).all()))):
        residuals = values.new_empty((0,))
    if driver == "gels":
        rank = rank.new_empty((0,))
    if driver not in ("gelsd", "gelss"):
        values = values.new_empty((0,))
    return solution, residuals, rank, values


def _lstsq_vjp(node, grads):
    """What flows through the solution, as through the pseudo-inverse times B; and through the squares of the
    residuals B - A X, on which a change of X has no effect."""
    a, b, x = node.unpack()
    of_x, of_residuals = grads
    of_a = of_b = None
    if of_x is not None:
        inverse = pinv(a, rtol=node.params[0])
        of_a = through_inverse(of_x @ adjoint(b), inverse, a) if node.needs[0] else None
        of_b = adjoint(inverse) @ of_x if node.needs[1] else None
    if of_residuals is not None and of_residuals.array.size:
        steps = (b - a @ x) * unsqueeze(2 * of_residuals, -2)
        if node.needs[0]:
            of_a = -(steps @ adjoint(x)) if of_a is None else of_a - steps @ adjoint(x)
        if node.needs[1]:
            of_b = steps if of_b is None else of_b + steps
    return of_a, of_b


_lstsq = Op("LinalgLstsq", _lstsq_forward, _lstsq_vjp, saves=(0, 1, -1), tensors=2, differentiable=2)


def lstsq(
    A: Tensor,
    B: Tensor,
    rcond: float | None = None,
    *,
    driver: str | None = None,
    out: tuple[Tensor, Tensor, Tensor, Tensor] | None = None,
) -> return_types.linalg_lstsq:
    """X that makes ‖A X - B‖ least, that of least norm where there are many: A (..., m, n), B (..., m, k) or
    vectors (..., m).

    Singular values below `rcond` times the largest count as 0; by default max(m, n) times the dtype's epsilon.
    What else is in the result depends on LAPACK's `driver`, as in PyTorch: the rank for all but "gels", the
    singular values for "gelsd" and "gelss", the squares of the residuals where m > n and all ranks are full,
    but not for "gelsy", the default. "gels" raises LinAlgError where a rank is not full. On `cuda` it is the only one,
    and the default; where a rank is not full, there is no meaning in its numbers.

    >>> torch.linalg.lstsq(torch.tensor([[2.0], [0.0]]), torch.tensor([[4.0], [1.0]])).solution
    tensor([[2.]])
    """
    _check_lstsq(A, B, driver)
    m, n = A.array.shape[-2:]
    vector = is_vector(A, B)
    b = unsqueeze(B, -1) if vector else B
    a, b = of_one_stack(A, b)
    driver = driver or ("gelsy" if A.kind.cpu else "gels")
    if driver == "gels" or rcond is None:
        rcond = 0.0 if driver == "gels" else max(m, n) * dt.finfo(A.kind.dtype.to_real()).eps
    solution, *more = _lstsq(a, b, float(rcond), driver)
    made = return_types.linalg_lstsq(squeeze(solution, -1) if vector else solution, *more)
    return all_into(out, made, "linalg.lstsq", write=into)


def _check_lstsq(A: Tensor, B: Tensor, driver: str | None) -> None:
    function = "torch.linalg.lstsq"
    if tensor_array(A).ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if tensor_array(B).ndim < 1:
        raise RuntimeError(f"{function}: other must have at least 1 dimension.")
    if not 0 <= A.array.ndim - B.array.ndim <= 1:
        raise RuntimeError(
            f"{function}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    if A.kind.dtype is not B.kind.dtype:
        raise RuntimeError(
            f"{function}: Expected input and other to have the same dtype, but got input's dtype "
            f"{type_word(A.kind.dtype)} and other's dtype {type_word(B.kind.dtype)}"
        )
    vector = is_vector(A, B)
    if B.array.shape[-1 if vector else -2] != A.array.shape[-2]:
        raise RuntimeError(f"{function}: input.size(-2) should match other.size({'-1' if vector else '-2'})")
    if A.kind.dtype not in _LAPACK:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if not A.kind.cpu and driver not in (None, "gels"):
        raise RuntimeError(f"{function}: `driver` other than `gels` is not supported on CUDA")
    if driver is not None and driver not in _DRIVERS:
        text(driver)
        raise RuntimeError(f"{function}: parameter `driver` should be one of ({', '.join(_DRIVERS)})")
