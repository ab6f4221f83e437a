"""Singular values and eigenvalues: LAPACK's gesdd, syevd and geev; on CUDA Jacobi's rotations and the QR algorithm.

Gradients do not exist where two of them meet, and are large nearby. Vectors are determined up to their sign,
or in the complex case a factor of size 1: gradients of a function that depends on it mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import text
from numbatorch.dtype import type_word
from numbatorch.ops.arrange import diag_embed
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into
from numbatorch.ops.linalg.common import (
    LinAlgError,
    computed,
    failed,
    floating,
    kernels_for,
    matrix,
    recorded,
    square,
    tensor,
)
from numbatorch.ops.linalg.solve import solve
from numbatorch.ops.linalg.triangular import identity_like
from numbatorch.ops.math import isfinite
from numbatorch.ops.reduction import into
from numbatorch.ops.view import diagonal, unsqueeze
from numbatorch_kernels.codes import NAN
from numbatorch_kernels.linalg import decompositions as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _gaps(values: Tensor, vectors: Tensor) -> Tensor:
    """vⱼ - vᵢ, and 1 on the diagonal, where it divides 0."""
    size = values.array.shape[-1]
    return unsqueeze(values, -2) - unsqueeze(values, -1) + identity_like(vectors, size, size)


def _without_diagonal(x: Tensor) -> Tensor:
    return x - diag_embed(diagonal(x, 0, -2, -1))


def _check_phase(turns: Tensor, function: str, vectors: str) -> None:
    """Raise RuntimeError where a gradient depends on the factors of size 1 of complex vectors."""
    if turns.kind.dtype.is_complex and turns.detach().imag.abs().gt(1e-2).any().item():
        raise RuntimeError(
            f"{function}_backward: The {vectors} in the complex case are specified up to multiplication by "
            f"e^{{i phi}}. The specified loss function depends on this quantity, so it is ill-defined."
        )


def decompose(function: str, decomposition: Callable, *arguments: Any) -> tuple[Any, ...]:
    """What a decomposition gives, with PyTorch's error where it found no end."""
    *results, info = decomposition(*arguments)
    check_end(function, info if isinstance(info, np.ndarray) else info.copy_to_host())
    return tuple(results)


def check_end(function: str, info: np.ndarray) -> None:
    """Raise LinAlgError where a decomposition found no end."""
    if np.count_nonzero(info):
        which, code = failed(info)
        kind = "singular values" if function.endswith("svd") else "eigenvalues"
        raise LinAlgError(
            f"{function}: {which}The algorithm failed to converge because the input matrix is ill-conditioned or has "
            f"too many repeated {kind} (error code: {code})."
        )


# --- singular values


def svd_parts(input: Tensor, full: bool = False, vectors: bool = True) -> tuple[Tensor, ...]:
    """U, S and Vᴴ, or S alone, of matrices that were checked, without a gradient, with PyTorch's errors. Values without vectors
    may be of infinite numbers, and are NaN then; what PyTorch's vectors are there hangs on the matrix: numbers, NaN or an error,
    which it always is here."""
    return computed(partial(_checked_svd, kernels_for(input, kernels).svd, full, vectors), input)


def _checked_svd(svd: Callable, full: bool, vectors: bool, a: Any) -> tuple[Any, ...]:
    *results, info = svd(a, full, vectors)
    codes = info if isinstance(info, np.ndarray) else info.copy_to_host()
    if np.count_nonzero(codes):
        ill = codes < 0 if vectors else codes == NAN
        if ill.any():
            raise LinAlgError(
                f"linalg.svd: {failed(ill)[0]}The algorithm failed to converge because the input matrix contained "
                f"non-finite values."
            )
        check_end("linalg.svd", codes * (codes > 0))
    return tuple(results)


def _svd_vjp(node, grads):
    """U [(skew(Uᴴ gU) S + S skew(Vᴴ gV)) / E + gS] Vᴴ, where Eᵢⱼ = Sⱼ² - Sᵢ², and what gU and gV have
    orthogonal to U and V, over S.

    Townsend, Differentiating the singular value decomposition, 2016.
    """
    left, values, right = node.unpack()
    of_left, of_values, of_right = grads
    k = values.array.shape[-1]
    left, right = left[..., :k], right[..., :k, :]
    if of_left is None and of_right is None:
        return ((left * unsqueeze(of_values, -2)) @ right,)
    squares = _gaps(values * values, left)
    row, column = unsqueeze(values, -2), unsqueeze(values, -1)
    inner: Any = 0
    turns: Any = 0
    if of_left is not None:
        of_left = of_left[..., :k]
        of_turn = adjoint(left) @ of_left
        turn = diagonal(of_turn, 0, -2, -1)
        turns = turns + turn
        inner = inner + (of_turn - adjoint(of_turn)) / squares * row
    if of_right is not None:
        of_right = of_right[..., :k, :]
        of_turn = right @ adjoint(of_right)
        turns = turns + diagonal(of_turn, 0, -2, -1)
        inner = inner + column * ((of_turn - adjoint(of_turn)) / squares)
    _check_phase(turns, "svd", "singular vectors")
    if of_values is not None:
        inner = inner + diag_embed(of_values)
    if of_left is not None and of_right is not None and left.kind.dtype.is_complex:
        inner = inner + diag_embed((turn - turn.conj()) / (2 * values))
    result = left @ inner @ right
    if of_left is not None and left.array.shape[-2] > k:
        over = of_left / row
        result = result + (over - left @ (adjoint(left) @ over)) @ right
    if of_right is not None and right.array.shape[-1] > k:
        over = of_right / column
        result = result + left @ (over - (over @ adjoint(right)) @ right)
    return (result,)


_svd = Op("LinalgSvd", svd_parts, _svd_vjp, saves=(-1, -2, -3), differentiable=3)


def check_svd(A: Tensor, driver: str | None = None) -> None:
    """Raise for what `svd` does not take."""
    matrix(A, "linalg.svd")
    floating(A, "linalg.svd", "linalg_svd_cpu")
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER "
            "backend."
        )


def svd(
    A: Tensor,
    full_matrices: bool = True,
    *,
    driver: str | None = None,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> return_types.linalg_svd:
    """U, S and Vh of A = U diag(S) Vh (..., m, n): S descending, (k,) with k = min(m, n), U (m, m) and Vh
    (n, n), or if not `full_matrices` (m, k) and (k, n).

    Raises LinAlgError for NaN and infinities. Gradients through U and Vh want distinct singular values, and of
    full matrices reach the first k vectors.

    >>> torch.linalg.svd(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    check_svd(A, driver)
    return all_into(out, return_types.linalg_svd(*_svd(A, full_matrices)), "linalg.svd")


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values of matrices (..., m, n), descending: (..., min(m, n)); NaN for a matrix with infinities.

    Raises LinAlgError for NaN.

    >>> torch.linalg.svdvals(torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor([3., 2.])
    """
    tensor(A, "linalg.svdvals")
    check_svd(A, driver)
    return into(out, singular_values(A), "linalg.svdvals", same=True)


def singular_values(A: Tensor) -> Tensor:
    """The singular values of matrices that were checked: without vectors where no gradient will want them."""
    if recorded(A):
        return _svd(A, False)[1]
    return svd_parts(A, False, False)[0]


def svd_old(
    input: Tensor,
    some: bool = True,
    compute_uv: bool = True,
    *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> return_types.svd:
    """The old form of `linalg.svd`, which gives V, not Vᴴ: of min(m, n) vectors if `some`, and zeros for U and V
    if not `compute_uv`.

    >>> torch.svd(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    check_svd(input)
    if compute_uv:
        left, values, right = _svd(input, not some)
        made = return_types.svd(left, values, adjoint(right))
    else:
        *stack, m, n = input.array.shape
        left, right = input.new_zeros((*stack, m, m)), input.new_zeros((*stack, n, n))
        made = return_types.svd(left, singular_values(input), right)
    return all_into(out, made, "svd")


# --- eigenvalues of Hermitian matrices


def eigh_parts(input: Tensor, triangle: str) -> tuple[Tensor, ...]:
    """L and V of matrices that were checked, without a gradient."""
    eigh = kernels_for(input, kernels).eigh
    return computed(lambda a: decompose("linalg.eigh", eigh, a, triangle), input)


def _eigh_vjp(node, grads):
    """V [skew(Vᴴ gV) / 2 E + diag(gL)] Vᴴ, where Eᵢⱼ = Lⱼ - Lᵢ.

    Giles, Collected matrix derivative results, 2008, 3.1.
    """
    values, vectors = node.unpack()
    of_values, of_vectors = grads
    turned = adjoint(vectors)
    if of_vectors is None:
        return ((vectors * unsqueeze(of_values, -2)) @ turned,)
    inner = turned @ of_vectors
    _check_phase(diagonal(inner, 0, -2, -1), "linalg_eigh", "eigenvectors")
    inner = _without_diagonal(inner - adjoint(inner)) / (2 * _gaps(values, vectors))
    if of_values is not None:
        inner = inner + diag_embed(of_values)
    return (vectors @ inner @ turned,)


_eigh = Op("LinalgEigh", eigh_parts, _eigh_vjp, saves=(-1, -2), differentiable=2)


def check_hermitian(A: Tensor, UPLO: str = "L") -> None:
    """Raise for what `eigh` does not take. That a matrix is Hermitian is not looked at."""
    text(UPLO)
    square(A, "linalg.eigh", "input")
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    floating(A, "linalg.eigh", "linalg_eigh_cpu", integers=False)


def eigh(A: Tensor, UPLO: str = "L", *, out: tuple[Tensor, Tensor] | None = None) -> return_types.linalg_eigh:
    """The eigenvalues L, ascending and real, and orthonormal eigenvectors V as columns, of symmetric or
    Hermitian matrices (..., n, n): A = V diag(L) Vᴴ. Only the triangle `UPLO` is read.

    >>> values, vectors = torch.linalg.eigh(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    tensor([1., 3.])
    """
    check_hermitian(A, UPLO)
    return all_into(out, return_types.linalg_eigh(*_eigh(A, UPLO.upper())), "linalg.eigh")


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues, ascending and real, of symmetric or Hermitian matrices.

    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    tensor(A, "linalg.eigvalsh", "input")
    check_hermitian(A, UPLO)
    return into(out, hermitian_eigenvalues(A, UPLO.upper()), "linalg.eigvalsh", same=True)


def hermitian_eigenvalues(A: Tensor, triangle: str = "L") -> Tensor:
    """The eigenvalues of matrices that were checked: without vectors where no gradient will want them."""
    if recorded(A):
        return _eigh(A, triangle)[0]
    eigh = kernels_for(A, kernels).eigh
    return computed(lambda a: decompose("linalg.eigh", eigh, a, triangle, False), A)[0]


# --- eigenvalues of any matrices


def _eig_forward(input, real):
    return _eig_parts(input, True)


def _eig_parts(input: Tensor, vectors: bool) -> tuple[Tensor, ...]:
    """L and V, or L alone, of matrices that were checked, without a gradient."""
    eig = kernels_for(input, kernels).eig
    return computed(lambda a: decompose("linalg.eig", eig, a, vectors), input)


def _eig_vjp(node, grads):
    """V⁻ᴴ [(Vᴴ gV - Vᴴ V diag(Re(Vᴴ gV))) / Ēᵢⱼ + diag(gL)] Vᴴ, where Eᵢⱼ = Lⱼ - Lᵢ.

    Boeddeker et al., On the computation of complex-valued gradients, 2017, 4.3, with the vectors normed.
    """
    values, vectors = node.unpack()
    of_values, of_vectors = grads
    (real,) = node.params
    turned = adjoint(vectors)
    if of_vectors is None:
        result = solve(turned, unsqueeze(of_values, -1) * turned)
    else:
        inner = turned @ of_vectors
        turns = diagonal(inner, 0, -2, -1)
        _check_phase(turns, "linalg_eig", "eigenvectors")
        inner = inner - turned @ (vectors * unsqueeze(turns.real, -2))
        inner = _without_diagonal(inner) / _gaps(values, vectors).conj()
        if of_values is not None:
            inner = inner + diag_embed(of_values)
        result = solve(turned, inner @ turned)
    return (result.real if real else result,)


_eig = Op("LinalgEig", _eig_forward, _eig_vjp, saves=(-1, -2), differentiable=2)


def _check_eig(A: Tensor, function: str) -> None:
    square(A, function, "input")
    if not (A.kind.dtype.is_inexact):
        raise RuntimeError(f"Unknown Complex ScalarType for {type_word(A.kind.dtype)}")
    floating(A, function, "linalg_eig_out_cpu")
    if not isfinite(A.detach()).all().item():
        raise RuntimeError(f"torch.{function}: input tensor should not contain infs or NaNs.")


def eig(A: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.linalg_eig:
    """The eigenvalues, in no particular order, and eigenvectors of norm 1 as columns, both complex, of matrices
    (..., n, n): A V = V diag(L).

    >>> torch.linalg.eig(torch.tensor([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    _check_eig(A, "linalg.eig")
    made = return_types.linalg_eig(*_eig(A, not A.kind.dtype.is_complex))
    return all_into(out, made, "linalg.eig", write=into)


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues, complex and in no particular order, of matrices (..., n, n).

    >>> torch.linalg.eigvals(torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    tensor([0.+1.j, 0.-1.j])
    """
    _check_eig(A, "linalg.eigvals")
    if recorded(A):
        values = _eig(A, not A.kind.dtype.is_complex)[0]
    else:
        (values,) = _eig_parts(A, False)
    return into(out, values, "linalg.eigvals")
