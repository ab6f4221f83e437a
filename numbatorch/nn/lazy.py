"""Modules that learn the sizes of their parameters from their first input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.nn.linear import Linear
from numbatorch.nn.module import Module
from numbatorch.nn.parameter import UninitializedParameter, UninitializedTensorMixin, is_lazy
from numbatorch.tensor import Tensor


class LazyModuleMixin:
    """Makes a module lazy: `class LazyLinear(LazyModuleMixin, Linear)`.

    Its `__init__` sets parameters that are `UninitializedParameter`s; its method `initialize_parameters` gets the
    arguments of the first call, and materializes them. Then the module becomes one of class `cls_to_become`. Until
    then optimizers can be made of its parameters, they can be converted and moved, and a state dict with or without
    values can be loaded.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Any = self
        self._load_hook = own._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = own.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        own: Any = self
        buffers = {k: v for k, v in own._buffers.items() if k not in own._non_persistent_buffers_set}
        for name, tensor in {**own._parameters, **buffers}.items():
            if tensor is not None:
                keeps = keep_vars or is_lazy(tensor)
                destination[prefix + name] = tensor if keeps else tensor.detach()

    def _lazy_load_hook(self, state_dict: dict[str, Any], prefix: str, *report: Any) -> None:
        """Materialize what the state dict has values for."""
        own: Any = self
        for name, tensor in {**own._parameters, **own._buffers}.items():
            given = state_dict.get(prefix + name)
            if is_lazy(tensor) and given is not None and not is_lazy(given):
                with no_grad():
                    tensor.materialize(given.shape)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """As for all modules; what is lazy stays so."""
        own: Any = self
        lazy = {name: buffer for name, buffer in own._buffers.items() if is_lazy(buffer)}
        for name, buffer in lazy.items():
            buffer.data, own._buffers[name] = fn(buffer.data), None
        super()._apply(fn, recurse)  # type: ignore[misc]
        own._buffers.update(lazy)
        return self

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize parameters and buffers, for these arguments of `forward`; every lazy module overrides
        it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether there are parameters or buffers without a shape yet."""
        own: Any = self
        return any(map(is_lazy, (*own._parameters.values(), *own._buffers.values())))

    def _infer_parameters(self, module: Any, args: tuple, kwargs: dict[str, Any] | None = None) -> None:
        """Before the first call."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` whose in_features is the last size of its first input.

    >>> nn.LazyLinear(30)(torch.randn(128, 20)).shape
    torch.Size([128, 30])
    """

    cls_to_become = Linear
    weight: UninitializedParameter
    bias: UninitializedParameter | None

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if isinstance(self.bias, UninitializedTensorMixin):
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]
            if input.shape[-1] != self.in_features:
                raise AssertionError(
                    f"The in_features inferred from input: {input.shape[-1]} is not equal to in_features from "
                    f"self.weight: {self.in_features}"
                )
