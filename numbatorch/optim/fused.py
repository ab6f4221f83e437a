"""The way from tensors to the fused kernels, which want lists of contiguous arrays of one dtype."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from numbatorch.autograd import enable_grad, no_grad
from numbatorch.dtype import float32, float64
from numbatorch.tensor import Tensor
from numbatorch_kernels.registry import Kernel

Row = tuple[Tensor, ...]  # a parameter, its gradient, its state


def loss_of(closure: Callable[[], Any] | None) -> Any:
    """What `closure`, the argument of `step`, returns; None if there is none."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def run(kernel: Kernel, rows: Sequence[Row], alike: int, *numbers: float) -> None:
    """Call `kernel(device, *columns, *numbers)` once for all rows of one dtype and device.

    The first `alike` tensors of a row have one shape and dtype. Where one is not contiguous, or the dtype is
    neither float32 nor float64, the kernel works on copies of them, which are then copied back.
    """
    if _fit(rows, alike):
        _call(kernel, rows, numbers)
    else:
        working = [row if _fit([row], alike) else _copies(row, alike) for row in rows]
        batches = defaultdict(list)
        for row in working:
            batches[row[0].kind].append(row)
        for batch in batches.values():
            _call(kernel, batch, numbers)
        for row, worked_on in zip(rows, working, strict=True):
            _copy_back(row, worked_on)
    for row in rows:
        row[0].memory.version += 1


def _fit(rows: Sequence[Row], alike: int) -> bool:
    """Whether a kernel can take these rows in one call."""
    kind = rows[0][0].kind
    for row in rows:
        size = row[0].array.size
        for tensor in row[:alike]:
            if tensor.kind is not kind or tensor.array.size != size:
                return False
    return kind.contiguous and kind.element in ("f4", "f8")


def _call(kernel: Kernel, rows: Sequence[Row], numbers: tuple[float, ...]) -> None:
    columns = [[tensor.array for tensor in column] for column in zip(*rows, strict=True)]
    kernel(rows[0][0].kind.device.type, *columns, *numbers)


@no_grad()
def _copies(row: Row, alike: int) -> Row:
    param = row[0]
    if param.is_complex():
        raise RuntimeError("optimizers take no complex parameters: train the real and the imaginary part")
    dtype = float64 if param.dtype is float64 else float32
    copies = {
        id(tensor): tensor.expand_as(param).to(param.device, dtype).contiguous() for tensor in row[:alike]
    }
    return tuple(copies[id(tensor)] for tensor in row[:alike]) + row[alike:]


@no_grad()
def _copy_back(row: Row, worked_on: Row) -> None:
    for place, (tensor, copy) in enumerate(zip(row, worked_on, strict=True)):
        if place != 1 and copy.array is not tensor.array:  # 1 is the gradient, which no optimizer changes
            tensor.copy_(copy)
