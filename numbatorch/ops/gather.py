"""`index_put`: writing or adding to the elements that index tensors name, as a function. `x[index]` itself is
in index.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.base import TensorBase
from numbatorch.ops.comparison import masked_fill
from numbatorch.ops.copy import clone
from numbatorch.ops.elements import assign, broadcast_value
from numbatorch.ops.view import reshape

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
    places, masks, dim = [], [], 0
    for position, index in enumerate(indices):
        if not isinstance(index, TensorBase):
            raise TypeError(
                f"expected Tensor as element {position} in argument 0, but got {type(index).__name__}"
            )
        if index.kind.dtype not in (dt.bool, dt.uint8):
            places.append((dim, index))
            dim += 1
        elif index.array.ndim:
            places.append((dim, index))
            dim += index.array.ndim
        else:
            masks.append(index)  # which means nothing beside others, as in PyTorch
    if (many := max(dim, len(indices))) > self.array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {self.array.ndim} (got {many})")
    return assign(self, places, values, accumulate) if places else _fill(self, masks, values, accumulate)


def _fill(self: Tensor, masks: Sequence[Tensor], values: Tensor, accumulate: bool) -> Tensor:
    """All of `self` = values where a mask without dimensions is true. Raises RuntimeError for what PyTorch does not do either:
    several masks or none, several values, and adding."""
    broadcast_value(values, self.array.shape)
    if len(masks) != 1 or values.array.size != 1 or accumulate:
        raise RuntimeError(
            "index_put_(): where no index has a dimension there is one mask and one value, which is not accumulated"
        )
    return masked_fill(self, masks[0], reshape(values, ()), out=self)


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` in which the elements at `indices` are `values`, or have them added."""
    return index_put_(clone(input), indices, values, accumulate)
