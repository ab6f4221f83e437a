"""`torch.mps`: Apple's GPUs, which numbatorch does not use."""

from __future__ import annotations


def is_available() -> bool:
    """Whether there are any: no."""
    return False


def device_count() -> int:
    """How many there are: none."""
    return 0


def empty_cache() -> None:
    """Free what no tensor uses any longer: nothing."""


def synchronize() -> None:
    """Wait for what is being computed: nothing."""


def manual_seed(seed: int) -> None:
    """Seed the generators of these devices, of which there are none."""
