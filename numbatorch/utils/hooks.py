"""`torch.utils.hooks`: the handle that every register_*hook returns."""

from numbatorch.autograd.node import Handle as RemovableHandle

__all__ = ["RemovableHandle"]
