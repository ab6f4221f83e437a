"""The CUDA devices: how many there are, what they can do, which of them "cuda" means, waiting for them."""

from __future__ import annotations

from typing import Any

from numbatorch import device as rules
from numbatorch.device import device as Device
from numbatorch.tensor import Tensor
from numbatorch_kernels.cuda import compat, faults

current_device = rules.current_cuda


def is_available() -> bool:
    """Whether tensors can live on "cuda": there is a GPU with its driver and compiler, or the simulator is
    on."""
    try:
        return compat.is_available()
    except RuntimeError:  # there is no compiler
        return False


def is_simulated() -> bool:
    """Whether "cuda" is the simulator."""
    import numba

    return bool(numba.config.ENABLE_CUDASIM)


def device_count() -> int:
    """How many CUDA devices there are."""
    if not is_available():
        return 0
    return compat.device_count()


def index_of(device: Any) -> int:
    """The number of a device given as PyTorch takes them: None is the current one."""
    if device is None:
        return current_device()
    found = Device(device)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return current_device() if found.index is None else found.index


def driver_for(index: int = 0) -> Any:
    """What drives the devices. Raises RuntimeError, saying what to do, where number `index` cannot be used."""
    compat.require(index)
    return compat.driver


def set_device(device: Any) -> None:
    """Let "cuda" mean this device, in this thread. (`with cuda.device(...)` is better style.)"""
    index = index_of(device)
    driver_for(index)
    rules.set_current_cuda(index)


class device:
    """Within `with cuda.device(1):`, "cuda" means cuda:1. None and negative numbers change nothing."""

    def __init__(self, device: Any):
        negative = isinstance(device, int) and device < 0
        self.idx = -1 if device is None or negative else index_of(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        self.prev_idx = current_device()
        if self.idx >= 0:
            set_device(self.idx)

    def __exit__(self, *exception: object) -> None:
        rules.set_current_cuda(self.prev_idx)


class device_of(device):
    """Within the block, "cuda" means the device of a tensor; that of a CPU tensor changes nothing."""

    def __init__(self, obj: Tensor):
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_properties(device: Any = None) -> Any:
    """What there is to know of a device: `name`, `major`, `minor`, `total_memory`, `multi_processor_count` ..."""
    index = index_of(device)
    return driver_for(index).properties(index)


def get_device_name(device: Any = None) -> str:
    """The name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The generation of a device, such as (9, 0)."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether a device reads the memory of another one by itself."""
    index, peer = index_of(device), index_of(peer_device)
    driver_for(max(index, peer))
    return index != peer and driver_for(index).can_access_peer(index, peer)


def synchronize(device: Any = None) -> None:
    """Wait until the device has done all that it was given. Raises the errors of kernels that have failed."""
    index = index_of(device)
    driver_for(index)
    faults.synchronize(index)


def init() -> None:
    """Raises RuntimeError where there is no GPU; there is nothing else to be done."""
    driver_for()


def is_initialized() -> bool:
    """Whether the device is ready."""
    return is_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether tensors of bfloat16 can be on the device."""
    return is_available()


def get_arch_list() -> list[str]:
    """The generations for which kernels come with the package: none, they are compiled when they are needed."""
    return []


def get_gencode_flags() -> str:
    """What the package's kernels were built with: nothing was."""
    return ""


def ipc_collect() -> None:
    """Free what other processes have shared: nothing is. Tensors on a GPU belong to their process; send them to others
    by way of the CPU."""
    driver_for()
