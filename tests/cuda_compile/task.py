"""What the check works on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Task(NamedTuple):
    """A kernel to compile, for arguments of these kinds; `allow_f64` where it may compute in float64."""

    name: str
    function: Callable
    kinds: tuple
    allow_f64: bool
