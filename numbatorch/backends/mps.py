"""Apple's GPUs, which numbatorch does not use."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it is used: never."""
    return False


def is_built() -> bool:
    """Whether it was built in: no."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether it could be: no."""
    return False
