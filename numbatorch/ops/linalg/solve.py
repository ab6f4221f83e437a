"""Inverses and the solution of linear systems, by the LU factorisation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import flags, tensor_array, tensor_kind, whole
from numbatorch.dtype import type_word
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into, host
from numbatorch.ops.linalg.common import (
    LinAlgError,
    computed,
    failed,
    floating,
    kernels_for,
    of_one_stack,
    square,
    tensor,
)
from numbatorch.ops.linalg.triangular import check_system
from numbatorch.ops.reduction import into
from numbatorch.ops.view import movedim, reshape, squeeze, transpose, unsqueeze
from numbatorch.shape import normalize_dims

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- inverses


def _inv_forward(input):
    return computed(kernels_for(input).inv, input)


def _inv_vjp(node, grad):
    (inverse,) = node.unpack()
    turned = adjoint(inverse)
    return (-(turned @ grad @ turned),)


_inv = Op("LinalgInvEx", _inv_forward, _inv_vjp, saves=(-1,))


def inverse_and_info(A: Tensor) -> tuple[Tensor, Tensor]:
    """The inverses of matrices that were checked, and LAPACK's codes."""
    return _inv(A)


def _inverse(A: Tensor, function: str, check: bool, argument: str = "A") -> tuple[Tensor, Tensor]:
    square(A, "linalg.inv", argument)
    floating(A, "linalg.inv")
    result, info = _inv(A)
    if check:
        codes = host(info)
        if np.count_nonzero(codes):
            which, code = failed(codes)
            raise LinAlgError(
                f"{function}: {which}The diagonal element {code} is zero, the inversion could not be completed "
                f"because the input matrix is singular."
            )
    return result, info


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverses of matrices (..., n, n). Raises LinAlgError where one is singular.

    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return into(out, _inverse(A, "linalg.inv", True)[0], "linalg.inv", same=True)


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.inv` under its old name.

    >>> torch.inverse(torch.tensor([[4.0]]))
    tensor([[0.2500]])
    """
    return inv(input, out=out)


def inv_ex(
    A: Tensor, *, check_errors: bool = False, out: tuple[Tensor, Tensor] | None = None
) -> return_types.linalg_inv_ex:
    """As `inv`, but instead of an error there is `info`: for each matrix 0, or the first zero, counted from 1,
    on the diagonal of U in A = P L U. `check_errors` raises all the same."""
    tensor(A, "linalg.inv_ex")
    made = _inverse(A, "linalg.inv_ex", check_errors)
    return all_into(out, return_types.linalg_inv_ex(*made), "linalg.inv_ex")


def tensorinv(input: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of the map that `torch.tensordot(input, x, dims=x.ndim)` is: the first `ind` dimensions of
    `input` are those of the result of the map, the others those of x.

    >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6)).shape
    torch.Size([6, 2, 3])
    """
    tensor(input, "linalg.tensorinv", "input")
    whole(ind)
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = input.array.shape
    if ind > len(shape):
        raise RuntimeError(f"ArrayRef: invalid slice, N = {ind}; size = {len(shape)}")
    first, second = shape[:ind], shape[ind:]
    if prod(second) != prod(first):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but "
            f"got {prod(second)} != {prod(first)}"
        )
    flat = _inverse(reshape(input, prod(second), prod(first)), "inv", True)[0]
    return into(out, reshape(flat, (*second, *first)), "linalg.tensorinv")


# --- linear systems


def _solve_forward(a, b):
    return computed(kernels_for(a).solve, a, b)


def _solve_vjp(node, grad):
    a, x = node.unpack()
    of_b = _solve(adjoint(a), grad)[0]
    return -(of_b @ adjoint(x)) if node.needs[0] else None, of_b


_solve = Op("LinalgSolveEx", _solve_forward, _solve_vjp, saves=(0, -1), tensors=2)


def is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether B is a stack of vectors that belongs to the stack of matrices A, not one of matrices."""
    return B.array.ndim == 1 or (B.array.ndim == A.array.ndim - 1 and B.array.shape == A.array.shape[:-1])


def _solved(A: Tensor, B: Tensor, left: bool, check: bool, function: str) -> tuple[Tensor, Tensor]:
    flags(left)
    square(A, "linalg.solve")
    floating(A, "linalg.solve", "lu_cpu")
    if A.kind.dtype is not tensor_kind(B).dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type "
            f"{type_word(A.kind.dtype)} and B of type {type_word(B.kind.dtype)} instead"
        )
    vector = is_vector(A, B)
    b = unsqueeze(B, -1) if vector else B
    check_system(A, b, left, "linalg.solve")
    b, a = of_one_stack(b, A)
    if left:
        result, info = _solve(a, b)
    else:  # X A = B is Aᵀ Xᵀ = Bᵀ
        result, info = _solve(transpose(a, -2, -1), transpose(b, -2, -1))
        result = transpose(result, -2, -1)
    if check:
        codes = host(info)
        if np.count_nonzero(codes):
            raise LinAlgError(
                f"torch.{function}: {failed(codes)[0]}The solver failed because the input matrix is singular."
            )
    return squeeze(result, -1) if vector else result, info


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X of A X = B, or of X A = B if not `left`: A (..., n, n), B (..., n, k) or vectors (..., n). The stacks
    broadcast.

    Raises LinAlgError where a matrix is singular.

    >>> torch.linalg.solve(torch.tensor([[2.0, 1.0], [1.0, 3.0]]), torch.tensor([4.0, 7.0]))
    tensor([1., 2.])
    """
    return into(out, _solved(A, B, left, True, "linalg.solve")[0], "linalg.solve", same=True)


def solve_ex(
    A: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    check_errors: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.linalg_solve_ex:
    """As `solve`, but instead of an error there is `info`, as `inv_ex` has it. `check_errors` raises all the
    same."""
    made = _solved(A, B, left, check_errors, "linalg.solve_ex")
    return all_into(out, return_types.linalg_solve_ex(*made), "linalg.solve_ex")


def tensorsolve(
    A: Tensor, B: Tensor, dims: tuple[int, ...] | None = None, *, out: Tensor | None = None
) -> Tensor:
    """X of tensordot(A, X, X.ndim) = B: the first dimensions of A are those of B, the others those of X.
    `dims` of A are moved to its end first.

    >>> torch.linalg.tensorsolve(torch.eye(6).reshape(2, 3, 6), torch.ones(2, 3)).shape
    torch.Size([6])
    """
    tensor(A, "linalg.tensorsolve")
    if dims is not None:
        chosen = normalize_dims(dims, A.array.ndim)
        A = movedim(A, chosen, tuple(range(A.array.ndim - len(chosen), A.array.ndim)))
    wanted = A.array.shape[tensor_array(B).ndim :]
    size, given = prod(wanted), B.array.size
    if size != given:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {size} != {given}"
        )
    flat = solve(reshape(A, given, size), reshape(B, -1))
    return into(out, reshape(flat, wanted), "linalg.tensorsolve")
