"""Pictures of many images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from numbatorch import ops
from numbatorch.autograd import no_grad
from numbatorch.dtype import uint8
from numbatorch.tensor import Tensor
from numbatorch.vision.transforms import _pillow


@no_grad()
def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[int, int] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (B, C, H, W) as one image (3, ...) of `nrow` columns, with `padding` pixels between them.

    With `normalize`, the numbers of `value_range` (of all images, or with `scale_each` of each by itself,
    from the smallest to the largest) become 0 to 1.

    >>> make_grid(torch.zeros(6, 1, 4, 4), nrow=3).shape
    torch.Size([3, 14, 20])
    """
    if not isinstance(tensor, Tensor):
        if not (isinstance(tensor, (list, tuple)) and all(isinstance(t, Tensor) for t in tensor)):
            raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
        tensor = ops.stack(list(tensor), 0)
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = ops.cat((tensor, tensor, tensor), 1)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        if scale_each:
            tensor = ops.stack([_stretched(image, value_range) for image in tensor], 0)
        else:
            tensor = _stretched(tensor, value_range)
    if tensor.size(0) == 1:
        return tensor.squeeze(0)
    count, channels, height, width = tensor.shape
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = tensor.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
    for k, image in enumerate(tensor):
        top, left = k // columns * height + padding, k % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


def _stretched(image: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    low, high = value_range or (float(image.min()), float(image.max()))
    return image.clamp(low, high).sub(low).div(max(high - low, 1e-5))


@no_grad()
def save_image(
    tensor: Tensor | Sequence[Tensor], fp: str | Path | IO[bytes], format: str | None = None, **kwargs: Any
) -> None:
    """Write images from 0 to 1 as one picture to a file; `kwargs` are those of `make_grid`. Needs Pillow."""
    grid = make_grid(tensor, **kwargs)
    array = grid.mul(255).add(0.5).clamp(0, 255).permute(1, 2, 0).to("cpu", uint8).numpy()
    _pillow.from_array(array, None).save(fp, format=format)
