"""Modules that are executed when one of their attributes is first asked for.

As importlib.util.LazyLoader, whose modules, before Python 3.11.9 and 3.12.3, show themselves half-executed to
other threads: here a thread waits until the one that was first is ready.
"""

import sys
import threading
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_lock = threading.RLock()  # one for all: two threads cannot wait for each other
_executing: set[str] = set()
# What is known of a module before; who goes through all modules, as `inspect` does, asks for no more.
_KNOWN = {"__name__", "__file__", "__path__", "__package__", "__spec__", "__loader__", "__class__"}


class Waiting(ModuleType):
    """A module that is still to be executed."""

    def __getattribute__(self, name: str) -> Any:
        if name in _KNOWN:
            return object.__getattribute__(self, name)
        with _lock:
            spec: ModuleSpec = object.__getattribute__(self, "__spec__")
            dir(sys.modules[spec.name.rpartition(".")[0]])  # a package is executed before what it holds
            waiting = object.__getattribute__(self, "__class__") is Waiting
            if waiting and spec.name not in _executing:  # else it asks for something of its own
                _executing.add(spec.name)
                try:
                    assert spec.loader is not None
                    spec.loader.exec_module(self)
                    object.__setattr__(self, "__class__", ModuleType)
                finally:
                    _executing.discard(spec.name)
        return object.__getattribute__(self, name)

    def __delattr__(self, name: str) -> None:
        getattr(self, name)
        object.__delattr__(self, name)


class LazyLoader(Loader):
    """Puts off what another loader does."""

    def __init__(self, loader: Loader):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        module.__class__ = Waiting
