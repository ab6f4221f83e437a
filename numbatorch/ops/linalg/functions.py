"""Products of many matrices, powers, the exponential, and small things of linear algebra. They run where the
tensors are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import factorial
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import is_whole, tensor_array, tensor_kind, words
from numbatorch.autograd.mode import no_grad
from numbatorch.base import empty, kind_of, wrap
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.comparison import where
from numbatorch.ops.complexes import adjoint, conj
from numbatorch.ops.copy import cast, clone, contiguous
from numbatorch.ops.join import broadcast_tensors, cat
from numbatorch.ops.linalg.common import matrix, square
from numbatorch.ops.linalg.norms import matrix_norm
from numbatorch.ops.linalg.solve import inv
from numbatorch.ops.linalg.triangular import identity_like
from numbatorch.ops.matmul import EACH_OTHER, matmul
from numbatorch.ops.reduce import sum
from numbatorch.ops.reduction import into
from numbatorch.ops.scan import cumprod
from numbatorch.ops.view import diagonal as diagonal_of
from numbatorch.ops.view import expand, squeeze, unsqueeze
from numbatorch.overlap import refuse_shared
from numbatorch.rules import not_implemented
from numbatorch.shape import normalize_dim
from numbatorch_kernels.linalg import exponential as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- powers


def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th power of matrices (..., m, m), by repeated squaring: the identity for 0, for negative n a power
    of the inverse. Raises LinAlgError where that does not exist.

    >>> torch.linalg.matrix_power(torch.tensor([[1, 1], [0, 1]]), 5)
    tensor([[1, 5],
            [0, 1]])
    """
    matrix(A, "linalg.matrix_power")
    square(A, "linalg.matrix_power")
    if not is_whole(n):
        raise TypeError(words("linalg_matrix_power", "n", 2, n, "int"))
    return into(out, _power(inv(A), -n) if n < 0 else _power(A, n), "linalg.matrix_power", same=n != 0)


def _power(A: Tensor, n: int) -> Tensor:
    if n < 2:
        return clone(A) if n else identity_like(A)
    if n == 3:
        return (A @ A) @ A
    result, square_ = None, A
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = square_ if result is None else result @ square_
        if not n:
            break
        square_ = square_ @ square_
    assert result is not None
    return result


# --- the exponential

_TAYLOR = [1 / factorial(k) for k in range(17)]
_RADIUS = {dt.float32: 1.5, dt.complex64: 1.5, dt.float64: 0.75, dt.complex128: 0.75}  # degree 16 is exact


@no_grad()
def _matrix_exp_forward(A):
    """Scaling and squaring: the Taylor polynomial of degree 16 of A / 2ˢ by six products (Paterson and
    Stockmeyer), squared s times. Each matrix has its own s."""
    if not A.array.size:
        return clone(A)
    if A.kind.cpu and A.kind.dtype.is_floating_point and A.array.shape[-1] <= kernels.LARGEST:
        A = contiguous(A)
        out = empty(A.array.shape, A.kind)
        kernels.exponential(out.array, A.array, _RADIUS[A.kind.dtype])
        return out
    sizes = matrix_norm(A, 1)
    scales = (sizes / _RADIUS[A.kind.dtype]).log2().ceil().clamp(min=0)
    most = scales.max().item()
    if not most < 2000:  # infinity or NaN in a matrix is everywhere in its exponential
        scales = where(sizes.isfinite(), scales, 0)
        most = scales.max().item()
    scales = unsqueeze(unsqueeze(scales, -1), -1)
    first = A / 2**scales
    second = first @ first
    third, fourth = second @ first, second @ second
    powers = identity_like(A), first, second, third
    result = fourth * _TAYLOR[16]
    for k in (12, 8, 4, 0):
        part = powers[0] * _TAYLOR[k]
        for power, c in zip(powers[1:], _TAYLOR[k + 1 : k + 4], strict=True):
            part = part + power * c
        result = part + (result if k == 12 else result @ fourth)
    for done in range(int(most)):
        result = where(scales > done, result @ result, result)
    return result


def _matrix_exp_vjp(node, grad):
    """The upper right block of exp([[Aᴴ, g], [0, Aᴴ]]).

    Al-Mohy and Higham, Computing the Fréchet derivative of the matrix exponential, 2009, 3.2.
    """
    (input,) = node.unpack()
    n, turned = input.array.shape[-1], adjoint(input)
    blocks = cat([cat([turned, grad], -1), cat([turned * 0, turned], -1)], -2)
    return (_matrix_exp(blocks)[..., :n, n:],)


_matrix_exp = Op("LinalgMatrixExp", _matrix_exp_forward, _matrix_exp_vjp, saves=(0,))


def matrix_exp(A: Tensor) -> Tensor:
    """The exponential Σ Aᵏ / k! of matrices (..., n, n). Halves are computed in float32.

    >>> torch.linalg.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    matrix(A, "linalg.matrix_exp", "input")
    square(A, "linalg.matrix_exp")
    own = A.kind.dtype
    if not (own.is_inexact):
        raise RuntimeError(
            f"linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {type_word(own)}"
        )
    return _matrix_exp(A) if own in _RADIUS else cast(_matrix_exp(cast(A, dt.float32)), own)


# --- products


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices in the order that takes the fewest multiplications. The first may be a
    vector, which is a row, and the last, which is a column; that dimension is left out of the result.

    Cormen et al., Introduction to Algorithms, 15.2.

    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)])
    tensor([12., 12.])
    """
    given = tuple(tensors)
    if len(given) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(given)}")
    for which, x in (("first", given[0]), ("last", given[-1])):
        if tensor_array(x).ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {x.array.ndim}D")
    row, column = given[0].array.ndim == 1, given[-1].array.ndim == 1
    matrices = list(given)
    if row:
        matrices[0] = unsqueeze(matrices[0], 0)
    if column:
        matrices[-1] = unsqueeze(matrices[-1], -1)
    _check_chain(matrices)
    sizes = (matrices[0].array.shape[0], *[x.array.shape[1] for x in matrices])
    result = _chain(matrices, _best_splits(sizes), 0, len(matrices) - 1)
    if row:
        result = squeeze(result, 0)
    return into(out, squeeze(result, -1) if column else result, "linalg.multi_dot")


def _check_chain(matrices: list[Tensor]) -> None:
    first = matrices[0].kind
    for k, x in enumerate(matrices):
        if x.array.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {k} must be 2D but got {x.array.ndim}D")
        if x.kind.dtype is not first.dtype:
            words = [_C_NAMES.get(d.name, d.name) for d in (first.dtype, x.kind.dtype)]
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {words[0]} and tensor "
                f"{k} {words[1]}"
            )
        if x.kind.device is not first.device:
            raise RuntimeError(
                f"multi_dot(): all tensors must be on the same device but tensor 0 is on {first.device} and "
                f"tensor {k} on {x.kind.device}"
            )
    for k, (a, b) in enumerate(pairwise(matrices)):
        if a.array.shape[1] != b.array.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {k} and {k + 1} with shapes {list(a.array.shape)} and "
                f"{list(b.array.shape)} cannot be multiplied"
            )


_C_NAMES = {"float32": "float", "float64": "double"}


@lru_cache(maxsize=256)
def _best_splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to split the product of matrices i to j, the k-th of sizes[k] x sizes[k + 1]."""
    count = len(sizes) - 1
    costs = {(i, i): 0 for i in range(count)}
    splits = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            ways = [
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            ]
            costs[i, j], splits[i, j] = min(ways)
    return splits


def _chain(matrices: list[Tensor], splits: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return matrices[i]
    k = splits[i, j]
    return matmul(_chain(matrices, splits, i, k), _chain(matrices, splits, k + 1, j))


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Σ x̄ᵢ yᵢ along a dimension; x and y broadcast.

    >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    own = tensor_kind(x).dtype
    if not (own.is_inexact):
        raise RuntimeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {type_word(own)}"
        )
    if own is not tensor_kind(y).dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {type_word(own)} and "
            f"y of type {type_word(y.kind.dtype)} instead"
        )
    return into(out, sum(x.conj() * y, dim), "linalg.vecdot", same=True)


_minor = Pointwise("Minor", lambda a, b, c, d: a * d - b * c)  # a determinant of 2 x 2


def _cross_forward(a, b, dim):
    """Element by element, each straight to where it belongs."""
    result = empty(a.array.shape, a.kind)
    before = (slice(None),) * dim
    parts, x, y = (
        [wrap(view := t.array[*before, k, ...], kind_of(view, t.kind)) for k in range(3)]
        for t in (result, a, b)
    )
    for k, part in enumerate(parts):
        i, j = (k + 1) % 3, (k + 2) % 3
        _minor.general((x[i], x[j], y[i], y[j]), part)
    return result


def _cross_vjp(node, grad):
    a, b = node.unpack()
    (dim,) = node.params
    return (
        _cross(conj(b), grad, dim) if node.needs[0] else None,
        _cross(grad, conj(a), dim) if node.needs[1] else None,
    )


_cross = Op("LinalgCross", _cross_forward, _cross_vjp, saves=EACH_OTHER, tensors=2)


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of three elements along `dim`; the other dimensions broadcast.

    >>> torch.linalg.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if tensor_array(input).ndim != tensor_array(other).ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = normalize_dim(dim, input.array.ndim)
    lengths = input.array.shape[d], other.array.shape[d]
    if lengths != (3, 3):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and {lengths[1]}"
        )
    if input.kind.dtype is not other.kind.dtype:
        raise RuntimeError(
            f"expected scalar type {type_word(input.kind.dtype)} but found {type_word(other.kind.dtype)}"
        )
    if input.kind.dtype is dt.bool:
        raise not_implemented("cross", dt.bool)
    if out is not None:
        refuse_shared(out, input, other)
    return into(out, _cross(*broadcast_tensors(input, other), d), "linalg.cross", same=True)


def cross_old(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cross`, along the first dimension of size 3 if none is named.

    >>> torch.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), dim=0)
    tensor([0., 0., 1.])
    """
    if dim is None:
        if 3 not in tensor_array(input).shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = input.array.shape.index(3)
    return cross(input, other, dim=dim, out=out)


# --- diagonals, and powers of numbers


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as `torch.diagonal`, but of the last two dimensions: a view.

    >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return diagonal_of(A, offset, dim1, dim2)


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix. Integers are summed as int64.

    >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if tensor_array(input).ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.array.ndim}")
    if input.kind.dtype is dt.bool:
        raise not_implemented("trace", dt.bool)
    return sum(diagonal_of(input))


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of the elements, in a new last dimension; N is the size of the last by default.

    >>> torch.linalg.vander(torch.tensor([2, 3, 5]))
    tensor([[ 1,  2,  4],
            [ 1,  3,  9],
            [ 1,  5, 25]])
    """
    own = tensor_kind(x).dtype
    if own is dt.bool or own.is_half:
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {type_word(own)}"
        )
    count = (x.array.shape[-1] if x.array.ndim else 1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    column = unsqueeze(x, -1)
    column = column if column.kind.dtype.is_inexact else column.long()
    ones = column.new_ones(column.array.shape)
    return cat([ones, cumprod(expand(column, *x.array.shape, count - 1), -1)], -1)
