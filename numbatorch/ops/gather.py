"""`index_put`: writing or adding to the elements that index tensors name, as a function. `x[index]` itself is
in index.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.base import TensorBase
from numbatorch.ops.copy import clone
from numbatorch.ops.elements import assign

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def index_put_(self: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """self[indices] = values, in place; with `accumulate` the values are added, as often as an element is
    named.

    >>> x = torch.zeros(3)
    >>> x.index_put_((torch.tensor([0, 2, 2]),), torch.ones(3), accumulate=True)
    tensor([1., 0., 2.])
    """
    if isinstance(indices, TensorBase):
        raise TypeError("index_put_(): argument 'indices' (position 1) must be tuple of Tensors, not Tensor")
    places, dim = [], 0
    for position, index in enumerate(indices):
        if not isinstance(index, TensorBase):
            raise TypeError(
                f"expected Tensor as element {position} in argument 0, but got {type(index).__name__}"
            )
        places.append((dim, index))
        dim += index.array.ndim if index.kind.dtype in (dt.bool, dt.uint8) else 1
    if dim > self.array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {self.array.ndim} (got {dim})")
    return assign(self, places, values, accumulate)


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` in which the elements at `indices` are `values`, or have them added."""
    return index_put_(clone(input), indices, values, accumulate)
