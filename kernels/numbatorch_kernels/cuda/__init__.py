"""CUDA: memory, kernels, launches. Importing this package loads no CUDA compiler; using an array does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numbatorch_kernels.cuda.array import DeviceArray

__all__ = ["DeviceArray"]


def __getattr__(name: str):
    if name == "DeviceArray":
        from numbatorch_kernels.cuda.array import DeviceArray

        return DeviceArray
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
