"""`torch.accelerator`: the device besides the CPU, whatever it is. Here it is CUDA, or there is none."""

from __future__ import annotations

from typing import Any

from numbatorch import cuda
from numbatorch.device import device


def is_available() -> bool:
    """Whether there is one."""
    return cuda.is_available()


def current_accelerator(check_available: bool = False) -> device | None:
    """The device, without an index, or None where there is none."""
    return device("cuda") if is_available() else None


def device_count() -> int:
    """How many there are."""
    return cuda.device_count()


def _require() -> None:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The number of the one that tensors go to. Raises RuntimeError where there is none."""
    _require()
    return cuda.current_device()


def set_device_index(device: Any) -> None:
    """Choose the one that tensors go to. Raises RuntimeError where there is none."""
    _require()
    cuda.set_device(device)


def synchronize(device: Any = None) -> None:
    """Wait until it has done all that it was given. Raises RuntimeError where there is none."""
    _require()
    cuda.synchronize(device)


def empty_cache() -> None:
    """Give memory that no tensor uses back to the driver."""
    cuda.empty_cache()


current_device_idx, set_device_idx = current_device_index, set_device_index
