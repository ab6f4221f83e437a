"""Channels as pixels, and back, as modules."""

from __future__ import annotations

from numbatorch.nn import functional as F
from numbatorch.nn.module import Module
from numbatorch.tensor import Tensor


class PixelShuffle(Module):
    """r² channels as one of r times the height and width: (..., C r², H, W) to (..., C, H r, W r).

    W. Shi et al., arXiv:1609.05158.

    >>> nn.PixelShuffle(3)(torch.zeros(1, 9, 4, 4)).shape
    torch.Size([1, 1, 12, 12])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Undoes `PixelShuffle`: (..., C, H r, W r) to (..., C r², H, W)."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"
