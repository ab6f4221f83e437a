"""`torch.cpu`: the namespace of a device, for the CPU. Nothing here has to be waited for."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """Whether there is a CPU: yes."""
    return True


def device_count() -> int:
    """How many there are: one."""
    return 1


def current_device() -> str:
    """Its name."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Wait for what is being computed: it is done when a call returns."""
