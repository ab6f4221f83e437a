"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.arguments import flags, listed
from numbatorch.dtype import type_word
from numbatorch.ops.comparison import masked_fill
from numbatorch.ops.copy import cast
from numbatorch.ops.extrema import amax, amin
from numbatorch.ops.linalg.common import matrix, square, tensor
from numbatorch.ops.linalg.solve import inv_ex
from numbatorch.ops.linalg.spectral import check_svd, singular_values
from numbatorch.ops.math import nan_to_num, reciprocal
from numbatorch.ops.reduce import sum, vector_norm
from numbatorch.ops.reduction import Dims, into
from numbatorch.ops.view import movedim, unsqueeze
from numbatorch.shape import normalize_dim

if TYPE_CHECKING:
    from numbatorch.dtype import DType
    from numbatorch.tensor import Tensor

Order = float | str | None
_FUNCTION = "linalg.matrix_norm"
_BY_SUMS = (1, -1, inf, -inf)
_BY_SINGULAR_VALUES = (2, -2, "nuc")


# --- matrices


def _matrix_dims(A: Tensor, dim: Sequence[int]) -> tuple[int, int]:
    """The two dimensions, counted from the front."""
    dim = listed(dim)
    if len(dim) != 2:
        raise RuntimeError(f"{_FUNCTION}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = [normalize_dim(d, A.array.ndim) for d in dim]
    if rows == columns:
        raise RuntimeError(f"{_FUNCTION}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return rows, columns


def _converted(A: Tensor, dtype: DType | None) -> Tensor:
    """A in the dtype that the caller asks for, which must hold all its values."""
    own = A.kind.dtype
    if not (own.is_inexact):
        raise RuntimeError(
            f"{_FUNCTION}: Expected a floating point or complex tensor as input. Got {type_word(own)}"
        )
    if dtype is None:
        return A
    dtype = dt.as_dtype(dtype)
    word = type_word(dtype)
    if not (dtype.is_inexact):
        raise RuntimeError(f"{_FUNCTION}: dtype should be floating point or complex, but got {word}")
    if dtype.is_complex != own.is_complex:
        kind = "complex" if own.is_complex else "real"
        raise RuntimeError(f"{_FUNCTION}: dtype should be {kind} for {kind} inputs, but got {word}")
    if dt.promote_types(own, dtype) is not dtype:
        raise RuntimeError(
            f"{_FUNCTION}: the dtype of the input ({type_word(own)}) should be convertible without narrowing "
            f"to the specified dtype ({word})"
        )
    return cast(A, dtype)


def matrix_norm(
    A: Tensor,
    ord: Order = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of the matrices in the two dimensions `dim`:

        "fro"         √Σ|aᵢⱼ|²
        "nuc"         the sum of the singular values
        2, -2         the largest, the smallest singular value
        1, -1         the largest, the smallest sum of |aᵢⱼ| in a column
        inf, -inf     the same in a row

    >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc")
    tensor(7.)
    """
    flags(keepdim)
    matrix(A, _FUNCTION, "input")
    dims = _matrix_dims(A, dim)
    if ord not in ("fro", *_BY_SUMS, *_BY_SINGULAR_VALUES):
        raise RuntimeError(f"{_FUNCTION}: Order {_text(ord)} not supported.")
    A = _converted(A, dtype)
    if ord == "fro":
        result = vector_norm(A, 2, dims, keepdim)
    elif ord in _BY_SUMS:
        result = _by_sums(A, ord, dims, keepdim)
    else:
        result = _by_singular_values(A, ord, dims, keepdim)
    return into(out, result, _FUNCTION, same=True)


def _text(ord: Order) -> str:
    return ord if isinstance(ord, str) else f"{ord:g}"


def _by_sums(A: Tensor, ord: Order, dims: tuple[int, int], keepdim: bool) -> Tensor:
    rows, columns = dims
    added, chosen = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = vector_norm(A, 1, added, True)
    return _extreme(sums, ord, chosen, keepdim, dims)


def _extreme(x: Tensor, ord: Order, dim: int, keepdim: bool, dims: tuple[int, int]) -> Tensor:
    """The largest, for a positive order, or smallest of `x`, of which one of `dims` has size 1 already."""
    if ord > 0 and x.array.shape[dim] == 0:  # type: ignore[operator]
        result = sum(x, dim, True)
    else:
        result = (amax if ord > 0 else amin)(x, dim, True)  # type: ignore[operator]
    return result if keepdim else result.squeeze(dims)


def _by_singular_values(A: Tensor, ord: Order, dims: tuple[int, int], keepdim: bool) -> Tensor:
    if A.kind.dtype.is_half:
        raise RuntimeError(f"{_FUNCTION}: Low precision dtypes not supported. Got {type_word(A.kind.dtype)}")
    values = singular_values(movedim(A, dims, (-2, -1)))
    if ord == "nuc":
        result = sum(values, -1)
    elif ord == 2 and values.array.shape[-1] == 0:
        result = sum(values, -1)
    else:
        result = (amax if ord == 2 else amin)(values, -1)
    if keepdim:
        for d in sorted(dims):
            result = unsqueeze(result, d)
    return result


# --- either


def norm(
    input: Tensor,
    ord: Order = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`vector_norm` of all elements, or along one dimension; `matrix_norm` where `ord` is a name, where there
    are two dimensions in `dim`, or where there is an `ord` and input is a matrix.

    >>> torch.linalg.norm(torch.tensor([[3.0, 0.0], [0.0, 4.0]]), 2)
    tensor(4.)
    """
    tensor(input, "linalg.norm", "input")
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is None:
        return into(out, vector_norm(input, 2, dims, keepdim, dtype=dtype), "linalg.norm", same=True)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and input.array.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{input.array.ndim}D."
        )
    if isinstance(ord, str) or (len(dims) if dims is not None else input.array.ndim) == 2:
        result = matrix_norm(input, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    else:
        result = vector_norm(input, ord, dims, keepdim, dtype=dtype)
    return into(out, result, "linalg.norm", same=True)


def norm_old(
    input: Tensor,
    p: Order = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """(Σ|x|ᵖ)^(1/p) of all elements, or along dimensions: also of matrices a norm of vectors, as
    `linalg.vector_norm`, but for "nuc", the sum of the singular values. "fro" is the order 2.

    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    dims = (dim,) if isinstance(dim, int) else dim
    if isinstance(p, str) and (p != "fro" or (dims is not None and len(dims) > 2)):
        if p not in ("fro", "nuc"):
            raise RuntimeError(f"{_FUNCTION}: Order {p} not supported.")
        return matrix_norm(
            input, p, tuple(range(input.array.ndim)) if dims is None else dims, keepdim, dtype=dtype, out=out
        )
    order = 2 if p is None or isinstance(p, str) else p
    return vector_norm(input, order, dims, keepdim, dtype=dtype, out=out)


# --- condition


def cond(A: Tensor, p: Order = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number ‖A‖ ‖A⁻¹‖ of matrices in the norm `p` of `matrix_norm`; by default, and for 2 and
    -2, the ratio of the singular values at both ends, of matrices of any shape. Singular: inf.

    >>> torch.linalg.cond(torch.tensor([[2.0, 0.0], [0.0, 8.0]]))
    tensor(4.)
    """
    tensor(A, "linalg.cond", "input")
    if isinstance(p, str):
        square(A, f"linalg.cond(ord={p})")
    elif A.array.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p not in (None, "fro", *_BY_SUMS, *_BY_SINGULAR_VALUES):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {_text(p)}")
    if A.array.size == 0:
        result = A.new_zeros(A.array.shape[:-2], dtype=A.kind.dtype.to_real())
    elif p in (None, 2, -2):
        check_svd(A)
        values = singular_values(A)
        first, last = values[..., 0], values[..., -1]
        result = last / first if p == -2 else first / last
    elif p == "nuc":
        check_svd(A)
        values = singular_values(A)
        result = sum(values, -1) * sum(reciprocal(values), -1)
    else:
        square(A, f"linalg.cond(ord={_text(p)})")
        inverse, info = inv_ex(A)
        inverse = masked_fill(inverse, unsqueeze(unsqueeze(info > 0, -1), -1), inf)
        result = nan_to_num(matrix_norm(A, p) * matrix_norm(inverse, p), inf, inf, -inf)
    return into(out, result, "linalg.cond")
