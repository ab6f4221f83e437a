"""Modules whose parameters are about to be overwritten."""

from __future__ import annotations

import inspect
from typing import Any

from numbatorch.nn.module import Module
from numbatorch.random import get_rng_state, set_rng_state


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters hold any values: no random number is spent on them.

    Raises RuntimeError unless the class is one of modules and takes `device`.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    state = get_rng_state()
    module = module_cls(*args, **kwargs, device="cpu")
    set_rng_state(state)
    return module.to(device)
