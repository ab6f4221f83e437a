"""Symmetric and Hermitian matrices that need not be definite: A = L D Lᵀ or L D Lᴴ, by LAPACK's algorithm of Bunch
and Kaufman. Not differentiable, as in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import flags, tensor_array
from numbatorch.dtype import type_word
from numbatorch.ops.copy import all_into, cast, numbers
from numbatorch.ops.linalg.common import check_pivots, computed, floating, kernels_for, square, tensor
from numbatorch.ops.linalg.triangular import check_pair
from numbatorch.ops.reduction import into
from numbatorch.ops.underived import refusing
from numbatorch.ops.view import expand
from numbatorch.shape import broadcast_pair
from numbatorch_kernels.linalg import indefinite as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _factor_forward(input, hermitian):
    factor = kernels_for(input, kernels).ldl_factor
    return computed(lambda a: factor(a, hermitian), input)


def _solve_forward(both, b, pivots, hermitian):
    solve = kernels_for(b, kernels).ldl_solve
    return computed(lambda a, b, pivots: (solve(a, pivots, b, hermitian),), both, b, pivots)[0]


_factor = Op("LinalgLdlFactorEx", _factor_forward, refusing("linalg_ldl_factor_ex"))
_solve = Op("LinalgLdlSolve", _solve_forward, refusing("linalg_ldl_solve"), tensors=2)


def _checked(A: Tensor, hermitian: bool, check: bool, function: str) -> tuple[Tensor, Tensor, Tensor]:
    flags(hermitian, check)
    square(A, "torch.linalg.ldl_factor_ex")
    floating(A, "torch.linalg.ldl_factor_ex", "ldl_factor_kernel_cpu")
    made = _factor(A, hermitian and A.kind.dtype.is_complex)
    if check and np.any(codes := numbers(made[2])):
        first = int(codes.reshape(-1)[codes.reshape(-1).nonzero()[0][0]])
        raise RuntimeError(f"torch.{function}: D has a zero block, the first at {first}: A is singular.")
    return made


def ldl_factor_ex(
    A: Tensor,
    *,
    hermitian: bool = False,
    check_errors: bool = False,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> return_types.linalg_ldl_factor_ex:
    """As `ldl_factor`, but instead of an error there is `info`: for each matrix 0, or the first block of D,
    from 1, that is zero. `check_errors` raises all the same."""
    tensor(A, "linalg.ldl_factor_ex")
    made = _checked(A, hermitian, check_errors, "linalg.ldl_factor_ex")
    return all_into(out, return_types.linalg_ldl_factor_ex(*made), "linalg.ldl_factor_ex")


def ldl_factor(
    A: Tensor, *, hermitian: bool = False, out: tuple[Tensor, Tensor] | None = None
) -> return_types.linalg_ldl_factor:
    """L and D of symmetric matrices (..., n, n), A = L D Lᵀ, or, if `hermitian`, of Hermitian ones, A = L D Lᴴ, in
    one matrix, and the pivots: what `ldl_solve` wants. D has blocks of order 1 and 2 on its diagonal; the two
    pivots of the latter are negative. Only the lower triangle of A is read.

    Raises RuntimeError where a block of D is zero.

    >>> torch.linalg.ldl_factor(torch.tensor([[4.0, 2.0], [2.0, 5.0]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 4.0000]])
    """
    tensor(A, "linalg.ldl_factor")
    made = _checked(A, hermitian, True, "linalg.ldl_factor")
    return all_into(out, return_types.linalg_ldl_factor(*made[:2]), "linalg.ldl_factor")


def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None
) -> Tensor:
    """X of A X = B from `ldl_factor(A)`, with the same `hermitian`: B (..., n, k). The stacks of A and B broadcast.

    >>> factors = torch.linalg.ldl_factor(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> torch.linalg.ldl_solve(*factors, torch.tensor([[2.0], [3.0]]))
    tensor([[3.],
            [2.]])
    """
    function = "torch.linalg.ldl_solve"
    tensor(LD, "linalg.ldl_solve", "LD")
    flags(hermitian)
    square(LD, function)
    if tensor_array(B).ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got -2)")
    check_pair(B, LD, function)
    floating(LD, function, "ldl_solve_kernel_cpu")
    if LD.array.shape[:-1] != tensor_array(pivots).shape:
        raise RuntimeError(
            f"{function}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.array.shape)} instead"
        )
    if pivots.kind.inexact or pivots.kind.dtype is dt.bool:
        raise RuntimeError(f"{function}: Expected pivots to be integers. Got {type_word(pivots.kind.dtype)}")
    wrong = "Pivots given to ldl_solve must all satisfy |pivot| {}. Did you properly pass the result of ldl_factor?"
    check_pivots(
        abs(pivots), LD.array.shape[-2], function, wrong.format(">= 1"), wrong.format("<= LD.size(-2)")
    )
    stack = broadcast_pair(B.array.shape[:-2], LD.array.shape[:-2])
    both, b = (expand(x, *stack, *x.array.shape[-2:]) for x in (LD, B))
    pivots = expand(cast(pivots, dt.int32), *stack, pivots.array.shape[-1])
    return into(out, _solve(both, b, pivots, hermitian and LD.kind.dtype.is_complex), "linalg.ldl_solve")
