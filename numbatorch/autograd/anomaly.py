"""`detect_anomaly`: find the operation whose gradient is NaN, and the line of the program that called it."""

from __future__ import annotations

import traceback
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numbatorch.autograd.node import Node

enabled = False
check_nan = True


class set_detect_anomaly:
    """Switch anomaly detection on or off: at once as a function, or for a block as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True):
        self.previous = (enabled, globals()["check_nan"])
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception) -> None:
        _set(*self.previous)


class detect_anomaly(set_detect_anomaly):
    """Inside, the backward pass stops with a RuntimeError at the first operation whose gradient holds NaN,
    and shows where the forward pass called that operation. Slow; for debugging."""

    def __init__(self, check_nan: bool = True):
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
            "enabled for debugging.",
            stacklevel=2,
        )
        super().__init__(True, check_nan)


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for NaN."""
    return check_nan


def _set(mode: bool, nan: bool) -> None:
    global enabled, check_nan
    enabled, check_nan = mode, nan


def remember(node: Node) -> None:
    """Keep the stack of the call that is being recorded."""
    node.more().trace = "".join(traceback.format_stack()[:-2])


def check(node: Node, results: tuple) -> None:
    """Raise RuntimeError if one of the gradients holds NaN."""
    for position, result in enumerate(results):
        if check_nan and result is not None and result.isnan().any().item():
            trace = node.more().trace
            origin = (
                "No forward pass information available. Enable detect anomaly during forward pass for more "
                "information."
                if trace is None
                else f"Traceback of forward call that caused the error:\n{trace}"
            )
            warnings.warn(f"Error detected in {node.name()}. {origin}", stacklevel=2)
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {position}th output.")
