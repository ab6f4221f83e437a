"""`torch.jit` for programs that call it: what is scripted or traced runs as the Python that it is.

`compiler.COMPILES` says so. Archives of TorchScript hold programs in a language of their own, and are neither written nor read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from typing import Final as Final

from numbatorch.nn.module import Module as ScriptModule

T = TypeVar("T")
ScriptFunction = Callable

__all__ = [
    "Final", "ScriptFunction", "ScriptModule", "annotate", "export", "freeze", "ignore", "is_scripting", "is_tracing", "load",
    "optimize_for_inference", "save", "script", "script_if_tracing", "script_method", "trace", "trace_module", "unused",
]  # fmt: skip


def script(obj: T, optimize: Any = None, example_inputs: Any = None) -> T:
    """The function, module or class itself: it goes on to run as Python."""
    return obj


def trace(func: Callable[..., Any], example_inputs: Any = None, **options: Any) -> Any:
    """The function or module itself, once it has run on the example: errors show here, as they do in PyTorch."""
    if example_inputs is not None:
        func(*example_inputs) if isinstance(example_inputs, tuple | list) else func(example_inputs)
    return func


def trace_module(mod: T, inputs: dict[str, Any], **options: Any) -> T:
    """The module itself, once the methods named in `inputs` have run on them."""
    for name, arguments in inputs.items():
        getattr(mod, name)(*arguments) if isinstance(arguments, tuple) else getattr(mod, name)(arguments)
    return mod


def export(fn: T) -> T:
    """The function itself."""
    return fn


unused = script_method = script_if_tracing = export


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself; also to be called with options first."""
    return drop if callable(drop) else export


def freeze(mod: T, *arguments: Any, **options: Any) -> T:
    """The module itself."""
    return mod


optimize_for_inference = freeze


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def is_scripting() -> bool:
    """Whether a script is being compiled: never."""
    return False


is_tracing = is_scripting


def save(m: Any, f: Any, *arguments: Any) -> NoReturn:
    """Raises RuntimeError: there are no scripts to be saved."""
    raise RuntimeError("numbatorch writes no TorchScript archives: use torch.save(module.state_dict(), f)")


def load(f: Any, *arguments: Any, **options: Any) -> NoReturn:
    """Raises RuntimeError: a TorchScript archive holds a program in a language of its own."""
    raise RuntimeError(
        "numbatorch reads no TorchScript archives: with PyTorch, torch.save(torch.jit.load(f).state_dict(), path) "
        "makes a checkpoint that torch.load reads here"
    )
