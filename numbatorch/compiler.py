"""`torch.compile`, for programs that call it. Nothing is compiled beyond the kernels: `COMPILES` says so, and `compile` gives
back what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

COMPILES = False  # whether `compile`, `jit.script` and `jit.trace` make anything faster


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module itself, which runs as it does without; a decorator if it is called without one.

    >>> torch.compile(lambda x: x + 1)(torch.ones(2))
    tensor([2., 2.])
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    return (lambda function: function) if model is None else model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself; a decorator if it is called without one."""
    return (lambda function: function) if fn is None else fn


def is_compiling() -> bool:
    """Whether a program is being compiled: never."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset() -> None:
    """Forget what was compiled: nothing."""


def cudagraph_mark_step_begin() -> None:
    """Say that a new iteration begins: to nobody."""


def allow_in_graph(fn: Any) -> Any:
    """The function itself."""
    return fn
