"""Triangular systems, and Cholesky's factorisation with the solutions that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbatorch import return_types
from numbatorch.apply import Op
from numbatorch.arguments import flags, tensor_array
from numbatorch.base import wrap
from numbatorch.dtype import type_word
from numbatorch.ops.arrange import tril, triu
from numbatorch.ops.complexes import adjoint
from numbatorch.ops.copy import all_into, cast, clone, host
from numbatorch.ops.linalg.common import (
    LinAlgError,
    computed,
    failed,
    floating,
    kernels_for,
    matrix,
    of_one_stack,
    square,
    tensor,
)
from numbatorch.ops.reduction import into
from numbatorch.ops.view import diagonal, transpose
from numbatorch_kernels.linalg import lapack as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- triangular systems


def _solve_triangular_forward(a, b, upper, unit):
    solved = kernels_for(a).triangular_solve
    return computed(lambda a, b: (solved(a, b, upper, unit),), a, b)[0]


def _solve_triangular_vjp(node, grad):
    a, x = node.unpack()
    upper, unit = node.params
    of_b = _solve_triangular(adjoint(a), grad, not upper, unit)
    if not node.needs[0]:
        return None, of_b
    of_a = -(of_b @ adjoint(x))
    return triu(of_a, int(unit)) if upper else tril(of_a, -int(unit)), of_b


_solve_triangular = Op(
    "LinalgSolveTriangular", _solve_triangular_forward, _solve_triangular_vjp, saves=(0, -1), tensors=2
)


def triangular(a: Tensor, b: Tensor, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """`solve_triangular` of operands that were checked; their stacks broadcast."""
    if not left:  # X A = B is Aᵀ Xᵀ = Bᵀ
        solution = triangular(transpose(a, -2, -1), transpose(b, -2, -1), not upper, True, unitriangular)
        return transpose(solution, -2, -1)
    return _solve_triangular(*of_one_stack(a, b), upper, unitriangular)


def check_system(a: Tensor, b: Tensor, left: bool, function: str) -> None:
    """Raise where A X = B, or X A = B if not `left`, makes no sense."""
    square(a, function)
    matrix(b, function, "B", "B")
    n, sides = a.array.shape[-1], b.array.shape[-2:]
    if sides[0 if left else 1] != n:
        raise RuntimeError(
            f"{function}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({n}x{n} and {sides[0]}x{sides[1]})"
        )


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """X of A X = B, or of X A = B if not `left`, for triangular A (..., n, n): the other triangle is not read,
    nor is the diagonal if `unitriangular`. The stacks broadcast.

    A zero on the diagonal is no error: the result has infinities and NaN. Computed by
    substitution in blocks.

    >>> a = torch.tensor([[2.0, 1.0], [0.0, 4.0]])
    >>> torch.linalg.solve_triangular(a, torch.tensor([[4.0], [8.0]]), upper=True)
    tensor([[1.],
            [2.]])
    """
    flags(upper, left, unitriangular)
    check_system(A, B, left, "linalg.solve_triangular")
    floating(A, "linalg.solve_triangular", "triangular_solve_cpu", integers=False)
    B = cast(B, A.kind.dtype)
    return into(out, triangular(A, B, upper, left, unitriangular), "linalg.solve_triangular", same=True)


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.triangular_solve:
    """The old form of `linalg.solve_triangular`: (X of A X = input, a copy of A), with Aᵀ if `transpose`."""
    for name, x in (("b", input), ("A", A)):
        if tensor_array(x).ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                f"{x.array.ndim} dimensions instead"
            )
    check_pair(input, A, "triangular_solve")
    floating(A, "triangular_solve", "triangular_solve_cpu", integers=False)
    coefficients = A.mT if transpose else A
    made = return_types.triangular_solve(
        triangular(coefficients, input, upper != transpose, True, unitriangular), clone(A)
    )
    return all_into(out, made, "triangular_solve")


def check_pair(b: Tensor, a: Tensor, function: str) -> None:
    """The checks of old functions that solve A X = B."""
    rows, columns = a.array.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"A must be batches of square matrices, but they are {rows} by {columns} matrices")
    if b.array.shape[-2] != rows:
        raise RuntimeError(
            f"Incompatible matrix sizes for {function}: each A matrix is {rows} by {rows} but each b matrix is "
            f"{b.array.shape[-2]} by {b.array.shape[-1]}"
        )
    if a.kind.dtype is not b.kind.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {type_word(b.kind.dtype)} and A of "
            f"type {type_word(a.kind.dtype)} instead."
        )


# --- Cholesky


def _cholesky_forward(input):
    return computed(kernels_for(input).cholesky, input)


def _cholesky_vjp(node, grad):
    """L⁻ᴴ sym(Lᴴ g) L⁻¹, where sym makes a Hermitian matrix of a lower triangle.

    Murray, Differentiation of the Cholesky decomposition, 2016, equation 8.
    """
    (lower,) = node.unpack()
    triangle = tril(adjoint(lower) @ grad)
    diagonal(triangle, 0, -2, -1).div_(2)
    whole = (triangle + adjoint(triangle)).div_(2)
    del triangle
    inner = triangular(adjoint(lower), whole, True)
    del whole
    return (triangular(lower, inner, False, left=False),)


_cholesky = Op("LinalgCholeskyEx", _cholesky_forward, _cholesky_vjp, saves=(-1,))


def _factored(input: Tensor, upper: bool, function: str, check: bool) -> tuple[Tensor, Tensor]:
    square(input, "linalg.cholesky", "input")
    floating(input, "linalg.cholesky", "cholesky_cpu")
    lower, info = _cholesky(adjoint(input) if upper else input)
    if check:
        check_positive(info, function)
    return (adjoint(lower) if upper else lower), info


def check_positive(info: Tensor, function: str) -> None:
    """Raise LinAlgError if one of LAPACK's codes says that a matrix is not positive definite."""
    codes = host(info)
    if np.count_nonzero(codes):
        which, code = failed(codes)
        raise LinAlgError(
            f"{function}: {which}The factorization could not be completed because the input is not "
            f"positive-definite (the leading minor of order {code} is not positive-definite)."
        )


def cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower triangular L of A = L Lᴴ, or if `upper` U of A = Uᴴ U, of positive definite matrices
    (..., n, n). Only that triangle of A is read.

    Raises LinAlgError where a matrix is not positive definite.

    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    flags(upper)
    return into(out, _factored(input, upper, "linalg.cholesky", True)[0], "linalg.cholesky", same=True)


def cholesky_ex(
    input: Tensor,
    *,
    upper: bool = False,
    check_errors: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> return_types.linalg_cholesky_ex:
    """As `cholesky`, but instead of an error there is `info`: for each matrix 0, or the order of its first
    leading minor that is not positive. `check_errors` raises all the same."""
    tensor(input, "linalg.cholesky_ex", "input")
    made = _factored(input, upper, "linalg.cholesky_ex", check_errors)
    return all_into(out, return_types.linalg_cholesky_ex(*made), "linalg.cholesky_ex")


def cholesky_old(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The old form of `linalg.cholesky`.

    >>> torch.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]), upper=True)
    tensor([[2., 1.],
            [0., 2.]])
    """
    return into(out, _factored(input, upper, "cholesky", True)[0], "cholesky")


def _cholesky_solve_forward(b, factor, upper):
    if not b.kind.cpu:
        own, turned = wrap(factor.array, factor.kind), adjoint(wrap(factor.array, factor.kind))
        first, second = (turned, own) if upper else (own, turned)
        return triangular(second, triangular(first, wrap(b.array, b.kind), False), True)
    return computed(lambda b, factor: (kernels.cholesky_solve(factor, b, upper),), b, factor)[0]


def _cholesky_solve_vjp(node, grad):
    factor, x = node.unpack()
    (upper,) = node.params
    of_b = _cholesky_solve(grad, factor, upper)
    return of_b, _of_factor(of_b @ adjoint(x), factor, upper) if node.needs[1] else None


def _cholesky_inverse_forward(factor, upper):
    if not factor.kind.cpu:
        return _cholesky_solve_forward(identity_like(factor), factor, upper)
    return computed(lambda factor: (kernels.cholesky_inverse(factor, upper),), factor)[0]


def _cholesky_inverse_vjp(node, grad):
    factor, inverse = node.unpack()
    (upper,) = node.params
    return (_of_factor(_cholesky_solve(grad, factor, upper) @ adjoint(inverse), factor, upper),)


def _of_factor(less: Tensor, factor: Tensor, upper: bool) -> Tensor:
    """The gradient of a factor of A, if -`less` is that of A: of A = L Lᴴ, tril((gA + gAᴴ) L)."""
    less = less + adjoint(less)
    return triu(triu(factor) @ less).neg_() if upper else tril(less @ tril(factor)).neg_()


_cholesky_solve = Op("CholeskySolve", _cholesky_solve_forward, _cholesky_solve_vjp, saves=(1, -1), tensors=2)
_cholesky_inverse = Op("CholeskyInverse", _cholesky_inverse_forward, _cholesky_inverse_vjp, saves=(0, -1))


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """X of A X = B from the factor of A: A = L Lᴴ, or A = Lᴴ L if `upper`.

    >>> factor = torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    >>> torch.cholesky_solve(torch.tensor([[8.0], [12.0]]), factor)
    tensor([[1.],
            [2.]])
    """
    flags(upper)
    for name, x in (("b", B), ("u", L)):
        if tensor_array(x).ndim < 2:
            raise RuntimeError(
                f"{name} should have at least 2 dimensions, but has {x.array.ndim} dimensions instead"
            )
    check_pair(B, L, "cholesky_solve")
    floating(L, "cholesky_solve", "cholesky_solve_cpu", integers=False)
    return into(out, _cholesky_solve(*of_one_stack(B, L), upper), "cholesky_solve")


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A from its factor: A = L Lᴴ, or A = Lᴴ L if `upper`.

    >>> torch.cholesky_inverse(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([[0.2500, 0.0000],
            [0.0000, 1.0000]])
    """
    flags(upper)
    square(L, "cholesky_inverse", "input")
    floating(L, "cholesky_inverse", "cholesky_inverse_out_cpu", integers=False)
    return into(out, _cholesky_inverse(L, upper), "cholesky_inverse")


def identity_like(input: Tensor, rows: int | None = None, columns: int | None = None) -> Tensor:
    """Identity matrices, as many as `input` has, with as many rows and columns as it has or as are given."""
    *stack, m, n = input.array.shape
    result = input.new_zeros((*stack, m if rows is None else rows, n if columns is None else columns))
    diagonal(result, 0, -2, -1).fill_(1)
    return result
