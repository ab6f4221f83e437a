"""Packages that are loaded when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType

from numbatorch_kernels.lazy import LazyLoader, Waiting


def lazy_module(name: str) -> ModuleType:
    """The module `name`, which is executed when one of its attributes is first asked for."""
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    assert spec is not None and spec.loader is not None
    spec.loader = loader = LazyLoader(spec.loader)
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


class Present(Loader):
    """Gives a module that is there already, for the import of it or under another name."""

    def __init__(self, module: ModuleType):
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to be done, but to give back what the import machinery has changed."""
        module.__spec__ = self.spec


class _PackageFirst(MetaPathFinder):
    """Executes a waiting package before a module of it, as the import of the package would have done."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = sys.modules.get(name.rpartition(".")[0])
        if not isinstance(package, Waiting) or not name.startswith("numbatorch."):
            return None
        dir(package)
        module = sys.modules.get(name)
        if module is not None:  # the import machinery is going to take this spec, and not what is returned
            module.__spec__ = ModuleSpec(name, Present(module))
        return None


sys.meta_path.insert(0, _PackageFirst())
