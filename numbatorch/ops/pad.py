"""Padding: borders of one number, of the nearest elements, or of the elements that a mirror or a torus shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op
from numbatorch.arguments import listed, misfit, tensor_array
from numbatorch.base import Kind, wrap
from numbatorch.ops.copy import copy_, fill_, move
from numbatorch.ops.rows import index_add_, index_select
from numbatorch.ops.view import narrow, reshape
from numbatorch.rules import refuse

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

Borders = tuple[tuple[int, int], ...]  # for each dimension: how many elements before and behind


def _inner(tensor: Tensor, borders: Borders) -> Tensor:
    """The part of `tensor` that is left when positive borders are cut off."""
    for d, (before, behind) in enumerate(borders):
        before, behind = max(before, 0), max(behind, 0)
        if before or behind:
            tensor = narrow(tensor, d, before, tensor.array.shape[d] - before - behind)
    return tensor


def _opposite(borders: Borders) -> Borders:
    return tuple([(-before, -behind) for before, behind in borders])


def _constant_forward(input, borders, value):
    shape = tuple([n + before + behind for n, (before, behind) in zip(input.array.shape, borders)])
    result = base.empty(shape, input.kind)
    if result.array.size:
        fill_(result, value)
        part = _inner(wrap(result.array, result.kind), borders)
        copy_(part, _inner(wrap(input.array, input.kind), _opposite(borders)))
    return result


def _constant_vjp(node, grad):
    return (_constant(grad, _opposite(node.params[0]), 0),)


_constant = Op("ConstantPadNd", _constant_forward, _constant_vjp)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Number = 0) -> Tensor:
    """`input` with borders of `value`: `pad` has the widths before and behind the last dimension, then the one
    before it, and so on. A negative width cuts elements off.

    >>> torch.constant_pad_nd(torch.tensor([1, 2]), (1, 2), 7)
    tensor([7, 1, 2, 7, 7])
    """
    ndim = tensor_array(input).ndim
    pad = listed(pad)
    if len(pad) % 2:
        raise RuntimeError("Length of pad must be even but instead it equals " + str(len(pad)))
    if len(pad) > 2 * ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {ndim}dimensions."
        )
    borders = _borders(pad, ndim)
    for n, (before, behind) in zip(input.array.shape, borders):
        if n + min(before, 0) + min(behind, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    return _constant(input, borders, value)


def _borders(pad: Sequence[int], ndim: int) -> Borders:
    pairs = [(int(pad[k]), int(pad[k + 1])) for k in range(0, len(pad), 2)]
    return ((0, 0),) * (ndim - len(pairs)) + tuple(pairs[::-1])


# --- borders of elements of the tensor itself


def _mirrored(n: int, before: int, behind: int) -> np.ndarray:
    places = np.abs(np.arange(-before, n + behind))
    return np.where(places >= n, 2 * (n - 1) - places, places)


def _nearest(n: int, before: int, behind: int) -> np.ndarray:
    return np.clip(np.arange(-before, n + behind), 0, n - 1)


def _around(n: int, before: int, behind: int) -> np.ndarray:
    """Of what negative widths leave."""
    first, left = max(-before, 0), n + min(before, 0) + min(behind, 0)
    return first + np.arange(-max(before, 0), left + max(behind, 0)) % max(left, 1)


_PLACES = {"reflect": _mirrored, "replicate": _nearest, "circular": _around}

# Elements of pictures that are made at a time: one direction goes after another, by way of copies.
BLOCK = 1 << 17


def _bordered_forward(input, mode, borders, shape):
    """`shape` is that of a picture, the last dimensions of the input."""
    indices = _indices(mode, borders, shape, input)

    def border(pictures: Tensor) -> Tensor:
        for d, index in indices:
            pictures = index_select(pictures, d, index)
        return pictures

    return _picture_wise(border, input, [n + sum(widths) for n, widths in zip(shape, borders)])


def _folded_forward(grad, mode, borders, shape):
    """Each element gets the sum over the places where it is shown."""
    indices = _indices(mode, borders, shape, grad)

    def fold(pictures: Tensor) -> Tensor:
        for d, index in reversed(indices):
            own = list(pictures.array.shape)
            own[d] = shape[d]
            pictures = index_add_(pictures.new_zeros(own), d, index, pictures)
        return pictures

    return _picture_wise(fold, grad, shape)


def _indices(mode: str, borders: Borders, shape: Sequence[int], like: Tensor) -> list[tuple[int, Tensor]]:
    """Dimensions, counted from the end, and the places of their elements; the last one last, where most are moved."""
    made = []
    for d in range(-len(borders), 0):
        if borders[d] != (0, 0):
            places = _PLACES[mode](shape[d], *borders[d]).astype(np.int64)
            made.append((d, move(wrap(places, Kind.of(dt.int64)), like.kind.device)))
    return made


def _picture_wise(function: Callable[[Tensor], Tensor], input: Tensor, shape: Sequence[int]) -> Tensor:
    """`function` of pictures, which makes others of this shape of them: of some at a time."""
    own, lead = input.array.shape[-len(shape) :], input.array.shape[: -len(shape)]
    count = prod(lead)
    pictures = reshape(wrap(input.array, input.kind), count, *own)
    step = max(1, BLOCK // (prod(shape) or 1)) if input.kind.cpu else count
    if count <= 2 * step:
        result = function(pictures)
    else:
        result = base.empty((count, *shape), input.kind)
        for start in range(0, count, step):
            copy_(result[start : start + step], function(pictures[start : start + step]))
    return wrap(reshape(result, (*lead, *shape)).array, result.kind)


def _bordered_vjp(node, grad):
    return (_folded(grad, *node.params),)


def _folded_vjp(node, grad):
    return (_bordered(grad, *node.params),)


_bordered = Op("PadBorder", _bordered_forward, _bordered_vjp)
_folded = Op("PadBorderBackward", _folded_forward, _folded_vjp)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Number | None = None) -> Tensor:
    """`input` with borders. `pad` has the widths before and behind the last dimension, then the one before it,
    and so on; a negative width cuts elements off.

    mode   "constant": the number `value`, 0 by default; "reflect": the elements as a mirror on the outermost
           one shows them; "replicate": the outermost element; "circular": the elements of the other end.
           All but the first are for the last one to three dimensions of 2 to 5.

    >>> torch.nn.functional.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    shape, ndim = tensor_array(input).shape, input.array.ndim
    pad = listed(pad)
    if not isinstance(mode, str):
        raise misfit(mode, "str")
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding "
            f"length {len(pad)} and input of dimension {ndim}"
        )
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in _PLACES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    padded = len(pad) // 2
    if not 0 < padded < 4 or ndim - padded not in (1, 2):
        raise NotImplementedError(f"Padding size {len(pad)} is not supported for {ndim}D input tensor.")
    borders = _borders(pad, ndim)
    if mode != "circular":
        _check_picture(mode, input, borders[ndim - padded :])
    for d in range(ndim - 1, ndim - padded - 1, -1):
        _check_border(mode, shape, d, *borders[d])
    if not any(pad):
        return input.clone()
    return _bordered(input, mode, borders[ndim - padded :], shape[ndim - padded :])


def _check_picture(mode: str, input: Tensor, borders: Borders) -> None:
    """Raise RuntimeError for a tensor of nothing, or one of which nothing is left."""
    shape, padded = input.array.shape, len(borders)
    if 0 in shape[-padded - 1 :]:
        raise RuntimeError(
            f"Expected {padded + 1}D or {padded + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(shape)}"
        )
    sizes = shape[-padded:]
    left = [n + before + behind for n, (before, behind) in zip(sizes, borders)]
    if max(left) < 1:
        names = "DHW"[-padded:]
        had, has = ([f"{d}: {n}" for d, n in zip(names, numbers)] for numbers in (sizes, left))
        raise RuntimeError(f"input ({', '.join(had)}) is too small. Calculated output {' '.join(has)}")
    refuse(f"{'reflection' if mode == 'reflect' else 'replication'}_pad{padded}d", "bool")(input.kind.dtype)


def _check_border(mode: str, shape: tuple[int, ...], dim: int, before: int, behind: int) -> None:
    n = shape[dim]
    if mode == "reflect" and (before >= n or behind >= n):
        number = 4 + 2 * (len(shape) - 1 - dim)
        raise RuntimeError(
            f"Argument #{number}: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {behind}) at dimension {dim} of input {list(shape)}"
        )
    if mode == "circular":
        if before > n or behind > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if n + before + behind < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
