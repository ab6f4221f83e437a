"""Channels in another order, as a module."""

from __future__ import annotations

from numbatorch.nn import functional as F
from numbatorch.nn.module import Module
from numbatorch.tensor import Tensor


class ChannelShuffle(Module):
    """The channels of (N, C, ...) dealt out: of `groups` groups one after the other, the first of each, then the second
    of each, and so on.

    X. Zhang et al., arXiv:1707.01083.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
