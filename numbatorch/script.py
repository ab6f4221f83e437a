"""Running a program that says `import torch`, as `python` would run it.

The program is the module `__main__`, sees its own `sys.argv` and `sys.path`, and a traceback begins in its own lines. Processes
that it starts (workers of loaders) import it again, here as well: the name of this file is what they are told that the
main module is called, and NUMBATORCH_SCRIPT says which one it is.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import CodeType, ModuleType, TracebackType
from typing import Any

from numbatorch import torch

_VARIABLE = "NUMBATORCH_SCRIPT"  # "path" and the path of a script, or "module" and a name, in two lines


def run(kind: str, name: str, arguments: list[str]) -> None:
    """Run the script at a path, or a module, as the main program."""
    torch.install()
    code, file, package = _find(kind, name)
    sys.argv[:] = [file, *arguments]
    if kind == "path":
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    os.environ[_VARIABLE] = f"{kind}\n{os.path.abspath(name) if kind == 'path' else name}"
    main = ModuleType("__main__")
    vars(main).update(_globals(file, package))
    main.__spec__ = _Spec(package)
    sys.modules["__main__"] = main
    try:
        exec(code, vars(main))
    except SystemExit:
        raise
    except BaseException as error:
        error = error.with_traceback(_own_lines(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        _flush()
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


class _Spec(ModuleSpec):
    """What processes that the program starts are told about its main module: to import this file."""

    def __init__(self, package: str):
        super().__init__("numbatorch.script", None)
        self._package = package

    @property
    def parent(self) -> str:
        """The package of the main module, to which its relative imports refer."""
        return self._package


def _find(kind: str, name: str) -> tuple[CodeType, str, str]:
    """(code, file, package) of a program. Raises SystemExit with a message where there is none."""
    if kind == "path":
        try:
            with io.open_code(os.path.abspath(name)) as file:
                return compile(file.read(), name, "exec"), name, ""
        except OSError as error:
            raise SystemExit(
                f"{sys.executable}: can't open file {os.path.abspath(name)!r}: [Errno {error.errno}] {error.strerror}"
            ) from None
        except SyntaxError as error:
            sys.excepthook(type(error), error, None)
            raise SystemExit(1) from None
    spec = find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = find_spec(f"{name}.__main__")
    code = spec.loader.get_code(spec.name) if spec is not None and spec.loader is not None else None  # type: ignore[attr-defined]
    if spec is None or code is None:
        raise SystemExit(f"{sys.executable}: No module named {name}, or none that can be executed")
    return code, spec.origin or name, spec.parent or ""


def _globals(file: str, package: str) -> dict[str, Any]:
    """What a main module has before its first line."""
    return {
        "__file__": file,
        "__package__": package,
        "__builtins__": builtins,
        "__cached__": None,
        "__annotations__": {},
    }


def _own_lines(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frame of `run`."""
    return trace.tb_next if trace is not None and trace.tb_next is not None else trace


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


# In a process that the program has started: its names, without running it as main.
if __name__ == "__mp_main__":
    torch.install()
    _code, _file, _package = _find(*os.environ[_VARIABLE].split("\n", 1))
    _names = {"__name__": "__mp_main__", **_globals(_file, _package)}
    exec(_code, _names)
    globals().update(_names)
