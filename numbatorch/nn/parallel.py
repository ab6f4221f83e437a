"""Modules that PyTorch would run on several GPUs or by several processes: here on the one device that they are on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numbatorch import distributed
from numbatorch.nn.module import Module


class DataParallel(Module):
    """Calls `module` with the whole batch, on the device where it is. Its parameters are called `module. ...`, as in PyTorch.

    >>> list(nn.DataParallel(nn.Linear(2, 3)).state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ):
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """`module(*inputs, **kwargs)`"""
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """Raises ValueError: there is no group of processes to train with."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any):
        super().__init__()
        distributed.get_rank()


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """`module(*inputs, **module_kwargs)`, on the device where the module is."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))
