"""Memory shared with other libraries through DLPack (https://dmlc.github.io/dlpack), on the CPU."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from numbatorch.ops import from_dlpack as from_dlpack
from numbatorch.tensor import Tensor


class DLDeviceType(IntEnum):
    """DLPack's numbers for kinds of devices."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule with the memory of `tensor`, which one call of a library's `from_dlpack` may use up.

    >>> torch.from_dlpack(torch.utils.dlpack.to_dlpack(torch.tensor([1, 2])))
    tensor([1, 2])
    """
    return tensor.detach().__dlpack__()
