"""Modules on several GPUs, for programs that wrap their models so: here there is one device, and the model runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from numbatorch import distributed
from numbatorch.nn.module import Module
from numbatorch.pytree import tree_map
from numbatorch.tensor import Tensor


class DataParallel(Module):
    """`module`, called with its arguments brought to the device on which it is.

    PyTorch cuts a batch into a part for each GPU of `device_ids`, along `dim`, and brings the results together on
    `output_device`; without GPUs, or with one, that is the same as this. The names in a state dict begin with "module.".

    >>> nn.DataParallel(nn.ReLU())(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return data_parallel(self.module, inputs, module_kwargs=kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """What `DataParallel(module)` gives for `inputs`: a tuple of them, or the only one."""
    inputs = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    first = next(chain(module.parameters(), module.buffers()), None)
    if first is not None:

        def placed(value: Any) -> Any:
            return value.to(first.device) if isinstance(value, Tensor) else value

        inputs, module_kwargs = tree_map(placed, inputs), tree_map(placed, module_kwargs or {})
    return module(*inputs, **module_kwargs or {})


class DistributedDataParallel(Module):
    """Raises ValueError: there is no group of processes to train with."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        distributed.get_rank()
