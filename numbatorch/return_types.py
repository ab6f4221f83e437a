"""The named tuples that some operations return: `torch.return_types.max` has `values` and `indices`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _text(result: tuple) -> str:
    fields = ",\n".join([f"{name}={value!r}" for name, value in zip(type(result)._fields, result)])  # type: ignore[attr-defined]
    return f"torch.return_types.{type(result).__name__}(\n{fields})"


class max(NamedTuple):
    """The largest elements and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class min(NamedTuple):
    """The smallest elements and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class aminmax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return _text(self)


class frexp(NamedTuple):
    """Mantissas and exponents."""

    mantissa: Tensor
    exponent: Tensor

    def __repr__(self) -> str:
        return _text(self)


class sort(NamedTuple):
    """The sorted elements and their old places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class topk(NamedTuple):
    """The first elements in order and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class kthvalue(NamedTuple):
    """The elements of one rank and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class cummax(NamedTuple):
    """The largest elements so far and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class cummin(NamedTuple):
    """The smallest elements so far and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class slogdet(NamedTuple):
    """The sign of determinants, a complex number of size 1 for complex matrices, and log |det|."""

    sign: Tensor
    logabsdet: Tensor

    def __repr__(self) -> str:
        return _text(self)


class qr(NamedTuple):
    """Q of orthonormal columns and R, upper triangular."""

    Q: Tensor
    R: Tensor

    def __repr__(self) -> str:
        return _text(self)


class svd(NamedTuple):
    """U and V of orthonormal columns, and the singular values."""

    U: Tensor
    S: Tensor
    V: Tensor

    def __repr__(self) -> str:
        return _text(self)


class geqrf(NamedTuple):
    """R and, below it, the Householder vectors; their factors."""

    a: Tensor
    tau: Tensor

    def __repr__(self) -> str:
        return _text(self)


class triangular_solve(NamedTuple):
    """The solution and a copy of the coefficients."""

    solution: Tensor
    cloned_coefficient: Tensor

    def __repr__(self) -> str:
        return _text(self)


class lu_unpack(NamedTuple):
    """The permutation and the two factors of P L U."""

    P: Tensor
    L: Tensor
    U: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_cholesky_ex(NamedTuple):
    """The Cholesky factor, and LAPACK's code of success."""

    L: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_eig(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_eigh(NamedTuple):
    """Eigenvalues in ascending order, and orthonormal eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_inv_ex(NamedTuple):
    """The inverse, and LAPACK's code of success."""

    inverse: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_lstsq(NamedTuple):
    """What least squares found."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_lu(NamedTuple):
    """The permutation and the two factors of P L U."""

    P: Tensor
    L: Tensor
    U: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_ldl_factor(NamedTuple):
    """L and D in one matrix, and the exchanges of rows and columns."""

    LD: Tensor
    pivots: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_ldl_factor_ex(NamedTuple):
    """L and D in one matrix, the exchanges of rows and columns, and LAPACK's code of success."""

    LD: Tensor
    pivots: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_lu_factor(NamedTuple):
    """Both factors in one matrix, and the exchanges of rows."""

    LU: Tensor
    pivots: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_lu_factor_ex(NamedTuple):
    """Both factors in one matrix, the exchanges of rows, and LAPACK's code of success."""

    LU: Tensor
    pivots: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_qr(NamedTuple):
    """Q of orthonormal columns and R, upper triangular."""

    Q: Tensor
    R: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_slogdet(NamedTuple):
    """The sign of determinants, a complex number of size 1 for complex matrices, and log |det|."""

    sign: Tensor
    logabsdet: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_solve_ex(NamedTuple):
    """The solution, and LAPACK's code of success."""

    result: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _text(self)


class linalg_svd(NamedTuple):
    """U of orthonormal columns, the singular values, Vh of orthonormal rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor

    def __repr__(self) -> str:
        return _text(self)


class median(NamedTuple):
    """The medians and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class nanmedian(NamedTuple):
    """The medians without NaN and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class mode(NamedTuple):
    """The most frequent elements and their places."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return _text(self)


class histogram(NamedTuple):
    """The contents of the bins and their edges."""

    hist: Tensor
    bin_edges: Tensor

    def __repr__(self) -> str:
        return _text(self)


class histogramdd(NamedTuple):
    """The contents of the cells of a grid, and for each dimension their edges."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]

    def __repr__(self) -> str:
        return _text(self)
