"""Places in sorted tensors: searchsorted, bucketize."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import base
from numbatorch.arguments import flags, tensor_array, tensor_kind
from numbatorch.base import Kind, Number, TensorBase
from numbatorch.dtype import number_dtype, type_word
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.extrema import aminmax
from numbatorch.ops.from_data import tensor
from numbatorch.ops.reduction import into
from numbatorch.ops.scatter import gather
from numbatorch.rules import COMPLEX, refuse_dtypes
from numbatorch_kernels import search as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def searchsorted(
    sorted_sequence: Tensor, input: Tensor | Number, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Tensor | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where each value would stand in a sorted row: before the elements equal to it, or with right=True (or
    side="right") behind them.

    sorted_sequence  one row for all values, or a row for each row of `input`
    sorter           the order that sorts `sorted_sequence`, where it is not sorted
    out_int32        count in int32 instead of int64

    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4]))
    tensor([1, 2])
    """
    flags(out_int32, right)
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right "
            "was True"
        )
    device = tensor_kind(sorted_sequence).device
    values = (
        input if isinstance(input, TensorBase) else tensor(input, dtype=number_dtype(input), device=device)
    )
    if values.kind.device is not device:
        raise RuntimeError(
            "torch.searchsorted(): boundaries and input value tensors should have same device type, but got boundaries tensor "
            f"device type {device.type} and input value tensor device type {values.kind.device.type}"
        )
    rows, shape = sorted_sequence.array.shape, values.array.shape
    if not rows:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if len(rows) != 1 and not isinstance(input, TensorBase):
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
            f"we got boundaries tensor dim({len(rows)}) and input value's dim(0) numel(1)"
        )
    if len(rows) != 1 and (len(rows) != len(shape) or rows[:-1] != shape[:-1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            "boundaries tensor and input value "
            f"tensor must match, but we got boundaries tensor {list(rows)} and input value tensor "
            f"{list(shape)}"
        )
    wanted = dt.int32 if out_int32 else dt.int64
    if out is not None and tensor_kind(out).dtype is not wanted:
        raise RuntimeError(
            "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) "
            f"depending on whether out_int32 flag is True, but we got output tensor's dtype "
            f"{type_word(out.kind.dtype)} and out_int32 flag is {out_int32}"
        )
    if sorter is not None:
        _check_sorter(sorter, rows)
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    common = dt.promote_types(sorted_sequence.kind.dtype, values.kind.dtype)
    result = base.empty(shape, Kind.of(dt.int64, values.kind.device))
    if result.array.size:
        refuse_dtypes("searchsorted_out_cpu", common, *COMPLEX, "bool")
        sequence, values = (contiguous(cast(t.detach(), common.opmath)) for t in (sorted_sequence, values))
        if rows[-1]:
            kernels.search(
                values.kind.device.type, result.array, sequence.array, values.array, right or side == "right"
            )
        else:
            result.fill_(0)
    return into(out, cast(result, wanted), "searchsorted")


def _check_sorter(sorter: Tensor, rows: tuple[int, ...]) -> None:
    if tensor_array(sorter).shape != rows:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(rows)}and got sorter tensor {list(sorter.array.shape)}"
        )
    if sorter.kind.dtype is not dt.int64:
        raise RuntimeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
            + type_word(sorter.kind.dtype)
        )
    if sorter.array.size:
        low, high = (int(t.item()) for t in aminmax(sorter))
        if low < 0 or high >= rows[-1]:
            raise RuntimeError("torch.searchsorted(): sorter index out of range")


def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The number of the bucket that each value falls in; `boundaries`, a sorted vector, belong to the bucket
    below them, or with right=True to the one above.

    >>> torch.bucketize(torch.tensor([3, 4]), torch.tensor([1, 3, 5]))
    tensor([1, 2])
    """
    flags(out_int32, right)
    if tensor_array(boundaries).ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)
