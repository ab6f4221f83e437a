"""Orthogonal factors: QR and Householder's reflections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import flags, tensor_array, text
from numbatorch.dtype import type_word
from numbatorch.ops.arrange import diag_embed, tril, triu
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into
from numbatorch.ops.join import cat
from numbatorch.ops.linalg.common import computed, floating, kernels_for, matrix, recorded, tensor
from numbatorch.ops.linalg.triangular import identity_like, triangular
from numbatorch.ops.reduction import into
from numbatorch.ops.underived import refusing
from numbatorch.ops.view import diagonal, unsqueeze
from numbatorch.shape import sized_dim
from numbatorch_kernels.linalg import decompositions as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- QR


def _qr_forward(input, mode):
    return computed(lambda a: kernels_for(input, kernels).qr(a, mode), input)


def _qr_vjp(node, grads):
    """[gQ + Q sym(triu(gR Rᴴ - Qᴴ gQ))] R⁻ᴴ, where sym makes a Hermitian matrix of an upper triangle. A wide
    matrix is a square one, A1 = Q R1, beside A2 = Q R2, so that R2 = Qᴴ A2.

    Roberts and Roberts, QR and LQ decomposition matrix backpropagation algorithms, 2020.
    """
    (mode,) = node.params
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    q, r = node.unpack()
    of_q, of_r = grads
    m, n = q.array.shape[-2], r.array.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        )
    if m >= n:
        return (_of_tall(q, r, of_q, of_r),)
    if of_r is None:
        first = _of_tall(q, r[..., :m], of_q, None)
        return (cat([first, first.new_zeros((*first.array.shape[:-1], n - m))], -1),)
    beyond, of_beyond = r[..., m:], of_r[..., m:]
    through = q @ (beyond @ adjoint(of_beyond))
    of_q = through if of_q is None else of_q + through
    return (cat([_of_tall(q, r[..., :m], of_q, of_r[..., :m]), q @ of_beyond], -1),)


def _of_tall(q: Tensor, r: Tensor, of_q: Tensor | None, of_r: Tensor | None) -> Tensor:
    inner: Any = 0 if of_r is None else of_r @ adjoint(r)
    if of_q is not None:
        inner = inner - adjoint(q) @ of_q
    above, own = triu(inner, 1), diagonal(inner, 0, -2, -1)
    symmetric = above + adjoint(above) + diag_embed(own.real if own.kind.dtype.is_complex else own)
    result = q @ symmetric if of_q is None else of_q + q @ symmetric
    return triangular(adjoint(r), result, False, left=False)


_qr = Op("LinalgQr", _qr_forward, _qr_vjp, saves=(-1, -2), differentiable=2)


def _factors(A: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    matrix(A, "linalg.qr")
    floating(A, "linalg.qr", "geqrf_cpu")
    if mode not in ("reduced", "complete", "r"):
        text(mode)
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
            f"'complete'"
        )
    return _qr(A, mode)


def qr(
    A: Tensor, mode: str = "reduced", *, out: tuple[Tensor, Tensor] | None = None
) -> return_types.linalg_qr:
    """Q with orthonormal columns and R, upper triangular, of A = Q R (..., m, n): Q is (m, k) and R (k, n),
    k = min(m, n); with mode "complete" Q is (m, m); with "r" it is not computed, and empty.

    The signs are LAPACK's: the diagonal of R may be negative. Differentiable if the first k columns are linearly
    independent, and the mode is "reduced", or "complete" of a matrix that is not tall.

    >>> q, r = torch.linalg.qr(torch.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> r
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    return all_into(out, return_types.linalg_qr(*_factors(A, mode)), "linalg.qr")


def qr_old(input: Tensor, some: bool = True, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.qr:
    """The old form of `linalg.qr`; "reduced" if `some`, else "complete".

    >>> torch.qr(torch.tensor([[3.0], [4.0]])).R
    tensor([[-5.]])
    """
    made = _factors(input, "reduced" if some else "complete")
    return all_into(out, return_types.qr(*made), "qr")


# --- reflections


def geqrf(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.geqrf:
    """LAPACK's form of the QR factorisation: R in the upper triangle, and below it the vectors v of the
    reflections 1 - τ v vᴴ whose product is Q; the first element of each, 1, is left out. Not differentiable.

    >>> torch.geqrf(torch.tensor([[3.0], [4.0]])).tau
    tensor([1.6000])
    """
    matrix(input, "geqrf", "input", "input")
    floating(input, "geqrf", "geqrf_cpu", integers=False)
    return all_into(out, return_types.geqrf(*_geqrf(input)), "geqrf", write=into)


def _geqrf_forward(input):
    return computed(kernels_for(input, kernels).geqrf, input)


_geqrf = Op("Geqrf", _geqrf_forward, refusing("geqrf"), differentiable=2)


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first n columns of H₁ H₂ ... Hₖ, Hᵢ = 1 - τᵢ vᵢ vᵢᴴ, from the columns of A (..., m, n): vᵢ is column i
    below the diagonal, with 1 on it and 0 above. What `geqrf` gives becomes the Q of `linalg.qr`.

    >>> reflections, tau = torch.geqrf(torch.tensor([[3.0], [4.0]]))
    >>> torch.linalg.householder_product(reflections, tau)
    tensor([[-0.6000],
            [-0.8000]])
    """
    function = "torch.linalg.householder_product"
    tensor(A, "linalg.householder_product", "input")
    if A.array.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if A.array.shape[-2] < A.array.shape[-1]:
        raise RuntimeError(f"{function}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if A.array.shape[-1] < tensor_array(tau).shape[sized_dim(-1, tau.array.ndim)]:
        raise RuntimeError(f"{function}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    _check_dims(A, tau, function)
    _check_stack(A, "tau", tau.array.shape[:-1], function)
    if A.kind.dtype is not tau.kind.dtype:
        raise RuntimeError(
            f"{function}: tau dtype {type_word(tau.kind.dtype)} does not match input dtype "
            f"{type_word(A.kind.dtype)}"
        )
    floating(A, function, "orgqr_cpu", integers=False)
    if recorded(A, tau):
        product = _reflected(A, tau, identity_like(A), True, False)
    else:
        multiplied = kernels_for(A, kernels).householder_product
        (product,) = computed(lambda a, tau: (multiplied(a, tau),), A, tau)
    return into(out, product, "linalg.householder_product")


def _check_dims(A: Tensor, tau: Tensor, function: str) -> None:
    if tensor_array(tau).ndim != A.array.ndim - 1:
        raise RuntimeError(
            f"{function}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.array.ndim} and input.ndim is equal to {A.array.ndim}"
        )


def _check_stack(A: Tensor, name: str, stack: tuple[int, ...], function: str) -> None:
    if stack != A.array.shape[:-2]:
        raise RuntimeError(
            f"{function}: Expected batch dimensions of {name} to be equal to input.shape[:-2], but got {list(stack)}"
        )


def _reflected(A: Tensor, tau: Tensor, x: Tensor, left: bool, adjoined: bool) -> Tensor:
    """x, reflected by each column of A: Q x, or x Q if not `left`, with Qᴴ for Q if `adjoined`. What LAPACK does by
    blocks, one by one, for gradients."""
    vectors = tril(A, -1) + identity_like(A)
    order = range(tau.array.shape[-1])
    for k in order if left == adjoined else reversed(order):
        v = vectors[..., k : k + 1]
        factor = unsqueeze(unsqueeze(tau[..., k], -1), -1)
        scaled = v * (factor.conj() if adjoined else factor)
        x = x - scaled @ (adjoint(v) @ x) if left else x - (x @ scaled) @ adjoint(v)
    return x


def orgqr(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.householder_product` under LAPACK's name."""
    return householder_product(input, tau, out=out)


def ormqr(
    input: Tensor,
    tau: Tensor,
    other: Tensor,
    left: bool = True,
    transpose: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Q times `other`, (m, n), where Q is the whole (m, m) product of the reflections that `geqrf` gives; Qᴴ if
    `transpose`; from the right if not `left`.

    >>> reflections, tau = torch.geqrf(torch.tensor([[3.0], [4.0]]))
    >>> torch.ormqr(reflections, tau, torch.tensor([[5.0], [0.0]]))
    tensor([[-3.],
            [-4.]])
    """
    flags(left, transpose)
    for name, x in (("input", input), ("other", other)):
        if tensor_array(x).ndim < 2:
            raise RuntimeError(f"torch.ormqr: {name} must have at least 2 dimensions.")
    side = -2 if left else -1
    size = other.array.shape[side]
    columns = tensor_array(tau).shape[sized_dim(-1, tau.array.ndim)]
    if size != input.array.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if columns != min(size, input.array.shape[-1]):
        raise RuntimeError(
            f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])"
        )
    _check_dims(input, tau, "torch.ormqr")
    if input.array.ndim != other.array.ndim:
        raise RuntimeError(
            "torch.ormqr: Expected other to have the same number of dimensions as input, but got other.ndim "
            f"equal to {other.array.ndim} and input.ndim is equal to {input.array.ndim}"
        )
    for name, x, of_matrix in (("tau", tau, 1), ("other", other, 2)):
        _check_stack(input, name, x.array.shape[: x.array.ndim - of_matrix], "torch.ormqr")
        if x.kind.dtype is not input.kind.dtype:
            raise RuntimeError(
                f"torch.ormqr: Expected input and {name} to have the same dtype, but input has "
                f"dtype{type_word(input.kind.dtype)} and {name} has dtype {type_word(x.kind.dtype)}"
            )
    floating(input, "torch.ormqr", "ormqr_cpu", integers=False)
    if recorded(input, tau, other):
        product = _reflected(input, tau, other, left, transpose)
    else:
        ormqr = kernels_for(input, kernels).ormqr
        (product,) = computed(lambda a, tau, x: (ormqr(a, tau, x, left, transpose),), input, tau, other)
    return into(out, product, "ormqr", same=True)
