"""Operations that choose elements along a dimension and give them with their places: sort, median, cummax.
There the gradient goes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.apply import Op, attach
from numbatorch.base import Kind, wrap
from numbatorch.ops.copy import clone_contiguous, contiguous, copy_
from numbatorch.ops.elements import zeros
from numbatorch.ops.scatter import scatter_add_
from numbatorch.ops.view import movedim, reshape, unsqueeze
from numbatorch_kernels import parallel

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class Choice(Op):
    """A row of (input, dim, ...) with the results (values, places along dim). `dim` is kept in both, or left
    out."""

    def __init__(self, name: str, forward: Callable, *, overload: int = 0):
        super().__init__(name, forward, _choice_vjp, overload=overload)

    def record(self, result, args):
        if result[0].kind.dtype.is_floating_point:
            node = self.node_for(args)
            node.params = (args[0].array.shape, args[1])
            node.save(result[1])
            attach(node, result[:1])

    def of(self, input: Tensor, *params) -> tuple[Tensor, Tensor]:
        """The results, also for a tensor of no dimensions: of its only element."""
        if input.array.ndim:
            return self(input, *params)
        values, places = self(reshape(input, 1), *params)
        return reshape(values, ()), reshape(places, ())


def _choice_vjp(node, grad):
    (places,) = node.unpack()
    shape, dim = node.params
    if places.array.ndim < len(shape):
        places, grad = unsqueeze(places, dim), unsqueeze(grad, dim)
    return (scatter_add_(zeros(shape, grad.kind), dim, places, grad),)


# --- rows of memory


def as_rows(input: Tensor, dim: int) -> Tensor:
    """`input` off the tape, contiguous, with `dim` as its last dimension."""
    last = wrap(input.array, input.kind)
    return contiguous(movedim(last, dim, -1) if dim != input.array.ndim - 1 else last)


BLOCK = 1 << 17  # elements of rows that are copied at a time on CUDA
SHARE = 1 << 14  # and for each thread of the CPU


def by_rows(
    input: Tensor,
    dim: int,
    count: int,
    choose: Callable[[Tensor], tuple[Tensor, Tensor]],
    large: bool = False,
) -> tuple[Tensor, Tensor]:
    """What `choose` makes of contiguous rows along `dim`, values and places, `count` of them for each. Rows that
    must be copied, or any if `choose` needs memory of its own (`large`), are taken a block at a time."""
    rows = movedim(wrap(input.array, input.kind), dim, -1)
    shape, size = rows.array.shape, rows.array.size
    in_place = rows.kind.contiguous and not large
    block = SHARE * parallel.get_num_threads() if input.kind.cpu else BLOCK
    if in_place or len(shape) == 1 or size <= 2 * block or not count:
        values, places = choose(contiguous(rows))
        return from_rows(values, dim), from_rows(places, dim)
    final = (*input.array.shape[:dim], count, *input.array.shape[dim + 1 :])
    made = empty_pair(final, input.kind)
    targets = [movedim(t, dim, -1) for t in made]
    step = max(1, block * shape[0] // size)
    for start in range(0, shape[0], step):
        chosen = choose(contiguous(rows[start : start + step]))
        for target, part in zip(targets, chosen, strict=True):
            copy_(target[start : start + step], part)
    values, places = (wrap(t.array, t.kind) for t in made)
    return values, places


def from_rows(tensor: Tensor, dim: int) -> Tensor:
    """The inverse of `as_rows`."""
    if dim == tensor.array.ndim - 1:
        return tensor
    moved = clone_contiguous(movedim(tensor, -1, dim))
    return wrap(moved.array, moved.kind)


def empty_pair(shape: tuple[int, ...], kind: Kind) -> tuple[Tensor, Tensor]:
    """Memory for values, and for their places."""
    return base.empty(shape, kind), base.empty(shape, Kind.of(dt.int64, kind.device))
