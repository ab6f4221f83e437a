"""Whole modules in checkpoints: what PyTorch calls the classes and functions of numbatorch, and which of those that a file
names the program has.

A file that `torch.save(model, path)` has written names the classes of its modules. They are looked for among what
the program has imported already; nothing is imported for a file's sake but numbatorch's own models. An object is made without a call of
its class and gets the attributes that the file has for it. Only modules, dataclasses, and functions of tensors are
found: what can do harm by being made, or being let go, is none of these.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import is_dataclass
from types import FunctionType, ModuleType
from typing import Any

from numbatorch import nn
from numbatorch.nn import functional, multihead

_PACKAGES = {"numbatorch.vision": "torchvision", "numbatorch": "torch"}
# Where PyTorch has modules in other files of torch.nn.modules than numbatorch in files of nn.
_FILES = {"containers": "container", "margin": "loss", "multihead": "activation", "lazy": "linear", "lazynorm": "batchnorm"}  # fmt: skip

_NAMES = {"Identity": "linear", "NonDynamicallyQuantizableLinear": "linear"}


def pytorch_name(obj: Any) -> tuple[str, str] | None:
    """Module and name of a class or function of numbatorch in PyTorch; None for those of others."""
    module, name = obj.__module__, obj.__qualname__
    package, _, file = module.rpartition(".")
    if package == "numbatorch.nn" and isinstance(obj, type):
        file = "instancenorm" if "InstanceNorm" in name else _NAMES.get(name) or _FILES.get(file, file)
        return "torch.nn.parallel.data_parallel" if file == "parallel" else f"torch.nn.modules.{file}", name
    for ours, theirs in _PACKAGES.items():
        if f"{module}.".startswith(f"{ours}."):
            if getattr(functional, name, None) is obj:
                return "torch.nn.functional", name
            return theirs + module.removeprefix(ours), name
    return None


def find(module: str, name: str) -> type | FunctionType | None:
    """The class of modules, dataclass, or function of tensors of this name, if the program has it."""
    if module.startswith(("torch.nn.modules.", "torch.nn.parallel.")):
        found = vars(nn).get(name) or vars(multihead).get(name)
    elif module in ("torch.nn.functional", "torch._C._nn"):
        found = vars(functional).get(name)
    else:
        found = vars(_imported(module)).get(name)
    if isinstance(found, FunctionType):
        return found if found.__module__.startswith(("numbatorch.ops.", "numbatorch.nn.functional")) else None
    return found if isinstance(found, type) and _is_harmless(found) else None


def _imported(module: str) -> ModuleType:
    """A module that the program has imported, or one of torchvision's models; an empty one in place of others."""
    for ours, theirs in _PACKAGES.items():
        if f"{module}.".startswith(f"{theirs}."):
            module = ours + module.removeprefix(theirs)
            break
    if module.startswith("numbatorch.vision.models."):
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError:
            pass
    found = sys.modules.get(module)
    return found if isinstance(found, ModuleType) else ModuleType(module)


def _is_harmless(cls: type) -> bool:
    """Whether objects of a class may be made from what a file says."""
    if any("__new__" in vars(base) or "__del__" in vars(base) for base in cls.__mro__[:-1]):
        return False
    return issubclass(cls, nn.Module) or (is_dataclass(cls) and not hasattr(cls, "__setstate__"))
