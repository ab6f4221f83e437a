"""The package opt_einsum, where it is installed: it finds the order in which `einsum` contracts three operands or
more. Imported when it is first needed.

    torch.backends.opt_einsum.enabled = False       contract from left to right
    torch.backends.opt_einsum.strategy = "greedy"   "auto", "greedy" or "optimal"
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from typing import Any

enabled: bool = True
strategy: str = "auto"


@functools.cache
def get_opt_einsum() -> Any:
    """The package, or None where it is not installed."""
    try:
        return importlib.import_module("opt_einsum")
    except ImportError:
        return None


def is_available() -> bool:
    """Whether opt_einsum is installed."""
    return get_opt_einsum() is not None


def path(equation: str, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]] | None:
    """Which operands to contract, step by step; the result of each step goes to the end. None where there is no
    choice, or nobody to ask."""
    if len(shapes) < 3 or not enabled or not is_available():
        return None
    return get_opt_einsum().contract_path(equation, *shapes, shapes=True, optimize=strategy)[0]
