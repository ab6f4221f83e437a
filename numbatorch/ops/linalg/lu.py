"""The LU factorisation with exchanges of rows, A = P L U, and the solutions that it gives.

L (..., m, k) has ones on its diagonal, U is (..., k, n), k = min(m, n). Pivots are LAPACK's: int32, counted
from 1; row i was exchanged with row pivots[i].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import tensor_kind
from numbatorch.base import wrap
from numbatorch.dtype import type_word
from numbatorch.ops.arrange import tril, triu, triu_
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into, host
from numbatorch.ops.join import cat
from numbatorch.ops.linalg.common import (
    check_pivots,
    computed,
    failed,
    floating,
    kernels_for,
    recorded,
    tensor,
)
from numbatorch.ops.linalg.triangular import check_system, identity_like, triangular
from numbatorch.ops.reduction import into
from numbatorch.ops.scatter import gather
from numbatorch.ops.sort import argsort
from numbatorch.ops.view import diagonal, expand, unsqueeze
from numbatorch.shape import broadcast_pair
from numbatorch_kernels.linalg import lapack as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- the factors in one matrix


def _factor_forward(input):
    return computed(kernels_for(input).lu_factor, input)


def _factor_vjp(node, grad):
    """With φ = tril(Lᴴ gL, -1) + triu(gU Uᴴ): P L⁻ᴴ φ U⁻ᴴ for a square matrix. A wide one is a square one and
    more columns of U, a tall one a square one and more rows of L; what these say of the square part joins φ.
    """
    both, pivots = node.unpack()
    *_, m, n = both.array.shape
    k = min(m, n)
    square, of_square = both[..., :k, :k], grad[..., :k, :k]
    beyond, further = grad[..., :k, k:], grad[..., k:, :k]
    lower, upper = _parts(both)
    below = adjoint(lower[..., :k, :]) @ tril(of_square, -1)
    above = triu(of_square) @ adjoint(upper[..., :k])
    if m < n:
        below = below - beyond @ adjoint(upper[..., k:])
    elif m > n:
        above = above - adjoint(lower[..., k:, :]) @ further
    del lower, upper  # the triangles are in `square`, too
    inner = tril(below, -1).add_(triu(above))
    del below, above
    inner = triangular(adjoint(square), inner, False, left=False)
    inner = inner if m >= n else cat([inner, beyond], -1)
    result = triangular(adjoint(square), inner, True, unitriangular=True)
    if m > n:
        rest = triangular(adjoint(square), further, False, left=False)
        result = cat([result, rest], -2)
    return (_unpermuted(pivots, result),)


_factor = Op("LinalgLuFactorEx", _factor_forward, _factor_vjp, saves=(-1, -2))


def _unpack_forward(both, shape, over):
    """`over`: U may take the place of both."""
    k, plain = min(shape[-2:]), wrap(both.array, both.kind)
    lower = tril(plain[..., :k], -1)
    diagonal(lower, 0, -2, -1).fill_(1)
    upper = triu_(plain) if over and k == shape[-2] else triu(plain[..., :k, :])
    return wrap(lower.array, lower.kind), wrap(upper.array, upper.kind)


def _unpack_vjp(node, grads):
    """What is known of the two triangles, in one matrix."""
    shape, _ = node.params
    k = min(shape[-2:])
    of_lower, of_upper = grads
    result = (of_upper if of_lower is None else of_lower).new_zeros(shape)
    if of_lower is not None:
        result[..., :k].add_(tril(of_lower, -1))
    if of_upper is not None:
        result[..., :k, :].add_(triu(of_upper))
    return (result,)


_unpack = Op("LuUnpack", _unpack_forward, _unpack_vjp, differentiable=2)


def _parts(both: Tensor, over: bool = False) -> tuple[Tensor, Tensor]:
    """L and U, which is written over them both if nobody else needs them."""
    return _unpack(both, both.array.shape, over)


def _order(pivots: Tensor, rows: int) -> Tensor:
    permutation = kernels_for(pivots).permutation
    return computed(lambda pivots: (permutation(pivots, rows),), pivots)[0]


def _rows(order: Tensor, x: Tensor) -> Tensor:
    """The rows of `x` in another order, which may be one for each matrix."""
    return gather(x, -2, expand(unsqueeze(order, -1), *x.array.shape))


def _permuted(pivots: Tensor, x: Tensor) -> Tensor:
    """Pᵀ X"""
    return _rows(_order(pivots, x.array.shape[-2]), x)


def _unpermuted(pivots: Tensor, x: Tensor) -> Tensor:
    """P X"""
    return _rows(argsort(_order(pivots, x.array.shape[-2])), x)


def _checked(A: Tensor, pivot: bool, function: str, name: str) -> tuple[Tensor, Tensor, Tensor]:
    tensor(A, function)
    if A.array.ndim < 2:
        raise RuntimeError(
            f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(A.array.shape)} instead"
        )
    floating(A, function, "lu_cpu", integers=False)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return _factor(A)


def check_regular(info: Tensor, function: str) -> None:
    """Raise RuntimeError if one of LAPACK's codes says that a U has a zero on its diagonal."""
    codes = host(info)
    if np.count_nonzero(codes):
        which, code = failed(codes)
        raise RuntimeError(
            f"{function}: {which}U[{code},{code}] is zero and using it on lu_solve would result in a division "
            f"by zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            f"linalg.lu_factor_ex(A, pivot)"
        )


def lu_factor_ex(
    A: Tensor,
    *,
    pivot: bool = True,
    check_errors: bool = False,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> return_types.linalg_lu_factor_ex:
    """As `lu_factor`, but instead of an error there is `info`: for each matrix 0, or the first place, from 1,
    where the diagonal of U is zero. `check_errors` raises all the same."""
    made = _checked(A, pivot, "linalg.lu_factor_ex", "torch.lu_factor")
    if check_errors:
        check_regular(made[2], "torch.linalg.lu_factor_ex")
    return all_into(out, return_types.linalg_lu_factor_ex(*made), "linalg.lu_factor_ex")


def lu_factor(
    A: Tensor, *, pivot: bool = True, out: tuple[Tensor, Tensor] | None = None
) -> return_types.linalg_lu_factor:
    """L and U of A (..., m, n) in one matrix, L without its ones, and the pivots: what `lu_solve` wants.

    Raises RuntimeError where U has a zero on its diagonal.

    >>> torch.linalg.lu_factor(torch.tensor([[4.0, 3.0], [8.0, 2.0]]))
    torch.return_types.linalg_lu_factor(
    LU=tensor([[8.0000, 2.0000],
            [0.5000, 2.0000]]),
    pivots=tensor([2, 2], dtype=torch.int32))
    """
    both, pivots, info = _checked(A, pivot, "linalg.lu_factor", "torch.lu_factor")
    check_regular(info, "torch.linalg.lu_factor")
    return all_into(out, return_types.linalg_lu_factor(both, pivots), "linalg.lu_factor")


def lu(
    A: Tensor, *, pivot: bool = True, out: tuple[Tensor, Tensor, Tensor] | None = None
) -> return_types.linalg_lu:
    """P, L and U of A = P L U, for matrices (..., m, n) of any rank.

    >>> p, l, u = torch.linalg.lu(torch.tensor([[4.0, 3.0], [8.0, 2.0]]))
    >>> p @ l @ u
    tensor([[4., 3.],
            [8., 2.]])
    """
    both, pivots, _ = _checked(A, pivot, "linalg.lu", "linalg.lu")
    order = _permutation(pivots, both)
    made = return_types.linalg_lu(order, *_parts(both, over=not recorded(A)))
    return all_into(out, made, "linalg.lu")


def _permutation(pivots: Tensor, both: Tensor) -> Tensor:
    """P"""
    if not both.kind.cpu:
        return _unpermuted(pivots, identity_like(both.detach(), columns=both.array.shape[-2]))
    rows, dtype = both.array.shape[-2], both.kind.numpy
    return computed(lambda pivots: (kernels.exchanges(pivots, rows, dtype),), pivots)[0]


def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> return_types.lu_unpack:
    """P, L and U from what `linalg.lu_factor` gives; an empty tensor for what is not asked for.

    >>> p, l, u = torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[4.0, 3.0], [8.0, 2.0]])))
    >>> l
    tensor([[1.0000, 0.0000],
            [0.5000, 1.0000]])
    """
    if unpack_pivots and tensor_kind(LU_pivots).dtype is not dt.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    if unpack_pivots:
        wrong = (
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of "
            "lu_factor?"
        )
        check_pivots(LU_pivots, LU_data.array.shape[-2], "lu_unpack", wrong, wrong)
    none = LU_data.new_empty((0,))
    lower, upper = _parts(LU_data) if unpack_data else (none, none)
    made = return_types.lu_unpack(_permutation(LU_pivots, LU_data) if unpack_pivots else none, lower, upper)
    return all_into(out, made, "lu_unpack")


def lu_old(
    A: Tensor, pivot: bool = True, get_infos: bool = False, out: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, ...]:
    """The old form of `linalg.lu_factor_ex`: (LU, pivots), and with `get_infos` LAPACK's codes.

    >>> factors, pivots = torch.lu(torch.tensor([[4.0, 3.0], [8.0, 2.0]]))
    """
    made = _checked(A, pivot, "linalg.lu_factor", "torch.lu_factor")[: 3 if get_infos else 2]
    return made if out is None else tuple([into(o, m, "lu") for o, m in zip(out, made, strict=True)])


# --- solutions


def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """X of A X = B, or of X A = B if not `left`, from `lu_factor(A)`; with Aᴴ for A if `adjoint`. The stacks
    broadcast.

    >>> factors = torch.linalg.lu_factor(torch.tensor([[4.0, 3.0], [8.0, 2.0]]))
    >>> torch.linalg.lu_solve(*factors, torch.tensor([[10.0], [12.0]]))
    tensor([[1.],
            [2.]])
    """
    function = "linalg.lu_solve"
    tensor(LU, function, "LU")
    floating(LU, function, "linalg_lu_solve_cpu")
    if LU.kind.dtype is not tensor_kind(B).dtype:
        raise RuntimeError(
            f"{function}: Expected LU and B to have the same dtype, but found LU of type "
            f"{type_word(LU.kind.dtype)} and B of type {type_word(B.kind.dtype)} instead"
        )
    if tensor_kind(pivots).dtype is not dt.int32:
        raise RuntimeError(f"{function}: pivots should be a Tensor of scalar type torch.int32")
    check_system(LU, B, left, function)
    if pivots.array.shape[-1] != LU.array.shape[-1]:
        raise RuntimeError(
            f"{function}: Number of pivots per batch should be same as the dimension of the matrix"
        )
    if LU.array.shape[:-1] != pivots.array.shape:
        raise RuntimeError(
            f"{function}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.array.shape)} instead"
        )
    wrong = "Pivots given to lu_solve must all be {}. Did you properly pass the result of lu_factor?"
    below, above = wrong.format("greater or equal to 1"), wrong.format("smaller or equal to LU.size(-2)")
    check_pivots(pivots, LU.array.shape[-2], function, below, above)
    return into(out, _by_factors(LU, pivots, B, left, adjoint), function)


def _by_factors(both: Tensor, pivots: Tensor, b: Tensor, left: bool, adjoined: bool) -> Tensor:
    if not left:  # X A = B is Aᴴ Xᴴ = Bᴴ
        return adjoint(_by_factors(both, pivots, adjoint(b), True, not adjoined))
    stack = broadcast_pair(both.array.shape[:-2], b.array.shape[:-2])
    b = expand(b, *stack, *b.array.shape[-2:])
    pivots = expand(pivots, *stack, pivots.array.shape[-1])
    if both.kind.cpu and not recorded(both, b):
        both = expand(both, *stack, *both.array.shape[-2:])
        return computed(lambda a, p, b: (kernels.lu_solve(a, p, b, adjoined),), both, pivots, b)[0]
    if adjoined:
        x = triangular(adjoint(both), b, False)
        return _unpermuted(pivots, triangular(adjoint(both), x, True, unitriangular=True))
    x = triangular(both, _permuted(pivots, b), False, unitriangular=True)
    return triangular(both, x, True)


def lu_solve_old(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The old form of `linalg.lu_solve`, with the right side first.

    >>> factors = torch.linalg.lu_factor(torch.tensor([[4.0, 3.0], [8.0, 2.0]]))
    >>> torch.lu_solve(torch.tensor([[10.0], [12.0]]), *factors)
    tensor([[1.],
            [2.]])
    """
    return lu_solve(LU_data, LU_pivots, b, out=out)
