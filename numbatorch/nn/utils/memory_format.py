"""The order in memory of the weights of convolutions."""

from __future__ import annotations

from typing import Any, TypeVar

from numbatorch.nn.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from numbatorch.nn.module import Module

_M = TypeVar("_M", bound=Module)


def convert_conv2d_weight_memory_format(module: _M, memory_format: Any) -> _M:
    """The weights of all two-dimensional convolutions in `module`, laid out in `memory_format`. Returns `module`."""
    return _convert(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: _M, memory_format: Any) -> _M:
    """The weights of all three-dimensional convolutions in `module`, laid out in `memory_format`. Returns `module`."""
    return _convert(module, memory_format, (Conv3d, ConvTranspose3d))


def _convert(module: _M, memory_format: Any, kinds: tuple[type[Module], ...]) -> _M:
    for inner in module.modules():
        if isinstance(inner, kinds):
            inner.weight.data = inner.weight.detach().clone(memory_format=memory_format)
    return module
