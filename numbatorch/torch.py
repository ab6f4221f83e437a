"""`import torch` means numbatorch, and `import torchvision` numbatorch.vision: for programs that are not to be edited.

    python -m numbatorch script.py arguments
    %load_ext numbatorch.torch                  in a notebook, before anything imports torch
    numbatorch.torch.install()                  in a program of your own

Modules of either name are one and the same object: `torch.nn` is `numbatorch.nn`. What PyTorch has and numbatorch has not fails
where it is used, with a message that names numbatorch.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from numbatorch import version
from numbatorch.lazy import Present

_STANDS_FOR = {"torch": "numbatorch", "torchvision": "numbatorch.vision"}
_GATHERED = "torch.nn.modules"  # PyTorch's files of modules: any of them has all of nn


def install() -> None:
    """From now on `import torch` means numbatorch. Raises ImportError if PyTorch is imported already."""
    for name in _STANDS_FOR:
        module = sys.modules.get(name)
        if module is not None and not module.__name__.startswith("numbatorch"):
            raise ImportError(
                f"{name} is imported already, and cannot become numbatorch now: start again, and install numbatorch first"
            )
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def load_ipython_extension(shell: Any) -> None:
    """For `%load_ext numbatorch.torch`."""
    install()


class _Finder(MetaPathFinder):
    """Finds modules of numbatorch under PyTorch's names."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, dot, rest = name.partition(".")
        if root not in _STANDS_FOR:
            return None
        if f"{name}.".startswith(f"{_GATHERED}."):
            return ModuleSpec(name, _Gathered(), is_package=True)
        own = _STANDS_FOR[root] + dot + rest
        if find_spec(own) is None:
            raise ModuleNotFoundError(
                f"No module named '{name}': numbatorch, which runs in PyTorch's place here, has no {own}",
                name=name,
            )
        return ModuleSpec(name, _Alias(importlib.import_module(own)))


class _Alias(Present):
    """Gives a module of numbatorch for one of PyTorch."""

    def get_code(self, name: str) -> Any:
        """The module's code, for `python -m numbatorch -m torch. ...`"""
        assert self.spec is not None
        return self.spec.loader.get_code(self.spec.name)  # type: ignore[union-attr]

    def exec_module(self, module: ModuleType) -> None:
        """For programs that ask for a version of PyTorch, give the module this one."""
        super().exec_module(module)
        if module.__name__ == "numbatorch":
            follows = version.TorchVersion(f"{version.FOLLOWS}+numbatorch.{version.__version__}")
            vars(module)["__version__"] = follows


class _Gathered(Loader):
    """Makes `torch.nn.modules` and what is below it, with all the names of `numbatorch.nn`."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the new module."""
        gathered = importlib.import_module("numbatorch.nn.modules")
        own = getattr(gathered, module.__name__.removeprefix(_GATHERED).removeprefix("."), gathered)
        names = {**vars(gathered), **vars(own)}
        vars(module).update({name: value for name, value in names.items() if not name.startswith("__")})
