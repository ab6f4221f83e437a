"""Approximations of low rank, by random projections.

Halko, Martinsson and Tropp, Finding structure with randomness, 2009: algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numbatorch.ops.complexes import adjoint
from numbatorch.ops.linalg.orthogonal import qr
from numbatorch.ops.linalg.spectral import svd
from numbatorch.ops.matmul import matmul
from numbatorch.ops.random import randn
from numbatorch.ops.view import broadcast_to

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U (..., m, q), S (q,) and V (..., n, q) with A - M about U diag(S) Vᴴ, for A (..., m, n) of a rank not much
    above `q`; better with a larger q and with more iterations. The random numbers are those of `torch.randn`.

    >>> torch.svd_lowrank(torch.ones(40, 30), q=2)[1][0]
    tensor(34.6410)
    """
    wide = A.array.shape[-2] < A.array.shape[-1]
    M = None if M is None else broadcast_to(M, A.array.shape)
    if wide:
        A, M = adjoint(A), None if M is None else adjoint(M)
    basis = _basis(A, 6 if q is None else q, 2 if niter is None else niter, M)
    left, values, right = svd(_product(adjoint(basis), A, M), full_matrices=False)
    U, V = basis @ left, adjoint(right)
    return (V, values, U) if wide else (U, values, V)


def _product(basis: Tensor, A: Tensor, M: Tensor | None) -> Tensor:
    return matmul(basis, A) if M is None else matmul(basis, A) - matmul(basis, M)


def _basis(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """An orthonormal basis of what A - M makes of a random q-dimensional space, by subspace iteration."""

    def image(x: Tensor) -> Tensor:
        return A @ x if M is None else A @ x - M @ x

    def image_back(x: Tensor) -> Tensor:
        return adjoint(A) @ x if M is None else adjoint(A) @ x - adjoint(M) @ x

    basis = qr(image(randn(A.array.shape[-1], q, dtype=A.kind.dtype, device=A.kind.device))).Q
    for _ in range(niter):
        basis = qr(image(qr(image_back(basis)).Q)).Q
    return basis


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """The first `q` principal components of the rows of A (..., m, n), by default min(6, m, n): `svd_lowrank` of
    A less the mean of its rows, unless not `center`. The columns of V are the principal directions.

    >>> torch.pca_lowrank(torch.arange(6.0).reshape(3, 2), q=1)[1]
    tensor([4.])
    """
    shortest = min(A.array.shape[-2:])
    if q is None:
        q = min(6, shortest)
    elif not 0 <= q <= shortest:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={shortest}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
