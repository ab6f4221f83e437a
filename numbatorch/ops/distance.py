"""Distances and directions: cdist, pdist, pairwise_distance, cosine_similarity, normalize."""

from __future__ import annotations

from math import inf, prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import casting
from numbatorch.apply import Op
from numbatorch.arguments import real, tensor_array, tensor_kind
from numbatorch.autograd.mode import no_grad, state
from numbatorch.base import empty
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import add, div, maximum, minimum, mul, pow, square, sub
from numbatorch.ops.comparison import eq, masked_fill, where
from numbatorch.ops.copy import cast, clone, contiguous
from numbatorch.ops.elements import zeros
from numbatorch.ops.join import cat
from numbatorch.ops.linalg import norm
from numbatorch.ops.math import abs, sign
from numbatorch.ops.matmul import matmul
from numbatorch.ops.reduce import sum, vector_norm
from numbatorch.ops.sequences import arange
from numbatorch.ops.view import broadcast_to, expand, reshape, squeeze, transpose, unsqueeze
from numbatorch.rules import not_implemented
from numbatorch.shape import broadcast_pair, portions
from numbatorch_kernels import distance as kernels
from numbatorch_kernels import scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

BY_PRODUCT = 25  # more rows than these have their Euclidean distances computed by a matrix product


# --- by a matrix product: |x - y|² = |x|² + |y|² - 2 x·y, for Euclidean distances of many rows

_from_products = Pointwise("EuclideanDist", scalar.distance_from_products)
_per_distance = Pointwise("PerDistance", scalar.per_distance)


def _euclidean_forward(x, y):
    with no_grad():
        products = matmul(x, transpose(y, -2, -1))
        own, others = sum(square(x), -1, True), unsqueeze(sum(square(y), -1), -2)
        return _from_products.general((products, own, others), products)


def _euclidean_vjp(node, grad):
    x, y, distances = node.unpack()
    ratio = _per_distance(grad, distances)
    return (
        sub(mul(x, sum(ratio, -1, True)), matmul(ratio, y)) if node.needs[0] else None,
        sub(mul(y, unsqueeze(sum(ratio, -2), -1)), matmul(transpose(ratio, -2, -1), x))
        if node.needs[1]
        else None,
    )


_euclidean = Op("EuclideanDist", _euclidean_forward, _euclidean_vjp, saves=(0, 1, -1), tensors=2)


# --- by adding up differences


def _cdist_forward(x, y, p):
    """x (batch, m, k), y (batch, n, k)"""
    out = empty((*x.array.shape[:2], y.array.shape[1]), x.kind)
    kernels.distances(
        x.kind.device.type, out.array, contiguous(x.detach()).array, contiguous(y.detach()).array, p
    )
    return out


def _cdist_vjp(node, grad):
    (p,) = node.params
    x, y, distances = node.unpack()
    return (
        _pull_back(grad, distances, x, y, p) if node.needs[0] else None,
        _pull_back(transpose(grad, 1, 2), transpose(distances, 1, 2), y, x, p) if node.needs[1] else None,
    )


def _pull_back(grad: Tensor, distances: Tensor, x: Tensor, y: Tensor, p: float) -> Tensor:
    """The gradient for x. A gradient that will be differentiated again is made of public ops, in memory for
    every difference; the kernel needs none."""
    if state.enabled:
        return _slopes(grad, distances, sub(unsqueeze(x, 2), unsqueeze(y, 1)), p)
    dx = empty(x.array.shape, x.kind)
    arrays = (contiguous(x).array, contiguous(y).array)
    kernels.distances_backward(x.kind.device.type, dx.array, grad.array, distances.array, *arrays, p)
    return dx


def _slopes(grad: Tensor, distances: Tensor, differences: Tensor, p: float) -> Tensor:
    """Σ_j grad_j sign(t_j) |t_j|^(p-1) / distance_j^(p-1), t the differences, (batch, m, n, k)."""
    grad, distances = unsqueeze(grad, 3), unsqueeze(distances, 3)
    if p == 0:
        return sum(mul(differences, 0.0), 2)
    if p == 1:
        return sum(mul(grad, sign(differences)), 2)
    if p == 2:
        return sum(mul(_per_distance(grad, distances), differences), 2)
    if p == inf:
        farthest = eq(abs(differences), distances)
        return sum(where(farthest, mul(grad, sign(differences)), 0.0), 2)
    none = eq(differences, 0)
    powers = mul(sign(differences), pow(where(none, 1.0, abs(differences)), p - 1))
    nearest = eq(distances, 0)
    factors = where(nearest, 0.0, div(grad, pow(where(nearest, 1.0, distances), p - 1)))
    return sum(mul(powers, factors), 2)


_cdist = Op("Cdist", _cdist_forward, _cdist_vjp, saves=(0, 1, -1), tensors=2)


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The distances |x1_i - x2_j|_p of all rows: (..., m, k) and (..., n, k) give (..., m, n), where the stacks
    broadcast; float32 and float64. `compute_mode` says whether Euclidean distances (p = 2) are
    computed by a matrix product, which is faster and, of rows that are close to each other, less accurate:
    "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist", or if there are more than 25 rows. Where a distance is 0,
    so is its gradient.

    >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
    tensor([[5., 1.]])
    """
    modes = (
        "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist",
    )  # fmt: skip
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for number, x in ((1, x1), (2, x2)):
        if not tensor_kind(x).dtype.is_floating_point:
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, X{number} got: {type_word(x.kind.dtype)}"
            )
        if x.array.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{number} got: {x.array.ndim}D")
    (*own, m, k), (*others, n, k2) = x1.array.shape, x2.array.shape
    if k != k2:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {k} X2: {k2}")
    real(p)
    if not p >= 0:
        raise RuntimeError("cdist only supports non-negative p values")
    stack = broadcast_pair(tuple(own), tuple(others))
    if not prod(stack) * m * n * k:  # all of them 0, of any dtype, as is the product of the matrices
        return matmul(x1, cast(x2, x1.kind.dtype).mT)
    if x1.kind.dtype is not x2.kind.dtype:
        types = type_word(x1.kind.dtype), type_word(x2.kind.dtype)
        raise RuntimeError(f"expected scalar type {types[0]} but found {types[1]}")
    x1, x2 = (
        x if x.array.shape[:-2] == stack else expand(x, (*stack, *x.array.shape[-2:])) for x in (x1, x2)
    )
    if p == 2 and (compute_mode == modes[1] or (compute_mode == modes[0] and max(m, n) > BY_PRODUCT)):
        return _euclidean(x1, x2)
    x1, x2 = casting.widened(x1), casting.widened(x2)
    _check_width("cdist", x1)
    x1, x2 = reshape(x1, prod(stack), m, k), reshape(x2, prod(stack), n, k)
    return reshape(_cdist(x1, x2, float(p)), (*stack, m, n))


def _check_width(name: str, x: Tensor) -> None:
    if x.kind.dtype.is_half:
        raise not_implemented(name, x.kind.dtype)


# --- pairs of one matrix


def _pdist_forward(x, p):
    n = x.array.shape[0]
    out = empty((n * (n - 1) // 2,), x.kind)
    kernels.pair_distances(x.kind.device.type, out.array, contiguous(x.detach()).array, p)
    return out


def _pdist_vjp(node, grad):
    """Of a few rows at a time, unless the gradient will be differentiated again."""
    (p,) = node.params
    x, distances = node.unpack()
    if not distances.array.size:
        return (zeros(x.array.shape, grad.kind),)
    n, all_rows, made = x.array.shape[0], unsqueeze(x, 0), []
    for some in portions(n, 16 * n, at_once=state.enabled):
        pairs = _of_rows(grad, some, n), _of_rows(distances, some, n)
        made.append(squeeze(_pull_back(*pairs, all_rows[:, some], all_rows, p), 0))
    return (cat(made),)


def _of_rows(pairs: Tensor, some: slice, n: int) -> Tensor:
    """(1, rows, n): what is known of the pairs of some of the n rows with all; of a row with itself nothing, a zero."""
    i = unsqueeze(arange(some.start, some.stop, device=pairs.device), 1)
    j = arange(n, device=pairs.device)
    first, second = minimum(i, j), maximum(i, j)
    places = first * (2 * n - first - 1) // 2 + second - first - 1
    own = eq(i, j)
    return unsqueeze(where(own, 0.0, pairs.take(masked_fill(places, own, 0))), 0)


_pdist = Op("Pdist", _pdist_forward, _pdist_vjp, saves=(0, -1))


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances |x_i - x_j|_p of each pair i < j of the n rows of a matrix, in the order 01 02 .. 12 13 ..:
    n (n - 1) / 2 numbers. float32 and float64.

    >>> torch.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]), p=1)
    tensor([7., 1., 6.])
    """
    if tensor_array(input).ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.array.ndim}D")
    if not input.kind.dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    real(p)
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    _check_width("pdist", input)
    return _pdist(input, float(p))


# --- of tensors that lie beside each other


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """|x1 - x2 + eps|_p over the last dimension; the two broadcast. Integers give the default dtype.

    >>> torch.pairwise_distance(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 4.0]), eps=0)
    tensor(5.)
    """
    tensor_kind(x1), tensor_kind(x2)  # sub would take numbers
    return norm(add(sub(x1, x2), eps), p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1·x2 / (max(|x1|, eps) max(|x2|, eps)) over `dim`: the cosine of the angle. The two broadcast, and take
    their common dtype.

    >>> torch.cosine_similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
    tensor([1.])
    """
    common = dt.promote_types(tensor_kind(x1).dtype, tensor_kind(x2).dtype)
    if not common.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {type_word(common)}"
        )
    shape = broadcast_pair(x1.array.shape, x2.array.shape)
    directions = [_direction(broadcast_to(cast(x, common), shape), dim, eps) for x in (x1, x2)]
    return sum(mul(*directions), dim)


def _direction(x: Tensor, dim: int, eps: float) -> Tensor:
    """x over its norm, which counts as `eps` if it is less; its gradient is the norm's all the same."""
    length = clone(vector_norm(x, 2, dim, True))
    with no_grad():
        length.clamp_(min=eps)
    return div(x, length)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """input / max(|input|_p, eps), the norm over `dim`.

    >>> F.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return div(input, norm(input, p, dim, True).clamp(min=eps), out=out)
