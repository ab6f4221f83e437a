"""Intel's oneDNN, which numbatorch does not use."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it is used: never."""
    return False
