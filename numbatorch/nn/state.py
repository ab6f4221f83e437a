"""State dicts of modules: `state_dict`, `load_state_dict` and the two steps of each that a module may
override.

These are the methods of `Module`; they stand here because saving and loading is a subject of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from numbatorch.autograd import no_grad
from numbatorch.autograd.node import Handle
from numbatorch.nn.hooks import register
from numbatorch.nn.parameter import Parameter, is_lazy
from numbatorch.tensor import Tensor

if TYPE_CHECKING:
    from numbatorch.nn.module import Module

EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(NamedTuple):
    """The keys that `load_state_dict(strict=False)` did not find, and those it had no use for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def state_dict(
    self: Module,
    *,
    destination: OrderedDict[str, Any] | None = None,
    prefix: str = "",
    keep_vars: bool = False,
) -> OrderedDict[str, Any]:
    """Every parameter and persistent buffer of the module and of those below it, by dotted name.

    The tensors share memory with the module's own; they are detached from the tape unless `keep_vars`.

    >>> list(numbatorch.nn.Linear(2, 3).state_dict())
    ['weight', 'bias']
    """
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()  # type: ignore[attr-defined]
    local_metadata = {"version": self._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local_metadata
    for hook in self._state_dict_pre_hooks.values():
        hook(self, prefix, keep_vars)
    self._save_to_state_dict(destination, prefix, keep_vars)
    for name, module in self._modules.items():
        if module is not None:
            module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in self._state_dict_hooks.values():
        if hook(self, destination, prefix, local_metadata) is not None:
            raise RuntimeError("state_dict post-hook must return None")
    return destination


def _save_to_state_dict(self: Module, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
    """Put the module's own tensors, without those of its children, into `destination`."""
    for name, tensor in _own_state(self).items():
        destination[prefix + name] = tensor if keep_vars else tensor.detach()
    if _has_extra_state(self, "get_extra_state"):
        destination[prefix + EXTRA_STATE] = self.get_extra_state()


def load_state_dict(
    self: Module, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
) -> _IncompatibleKeys:
    """Copy the tensors of `state_dict` into the module's parameters and buffers of the same names.

    With `strict`, a missing or unexpected key is an error. With `assign`, the module takes the given tensors
    themselves (with their dtype and device) instead of copying their values; build the optimizer afterwards.
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    keys = _IncompatibleKeys([], [])
    errors: list[str] = []
    metadata = getattr(state_dict, "_metadata", None) or {}
    state_dict = OrderedDict(state_dict)  # hooks may change it

    def load(module: Module, state: OrderedDict[str, Any], prefix: str) -> None:
        local_metadata = {**metadata.get(prefix[:-1], {}), "assign_to_params_buffers": assign}
        module._load_from_state_dict(state, prefix, local_metadata, True, *keys, errors)
        for name, child in module._modules.items():
            if child is not None:
                start = f"{prefix}{name}."
                load(
                    child,
                    OrderedDict((key, value) for key, value in state.items() if key.startswith(start)),
                    start,
                )
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                    "return new values, if incompatible_keys need to be modified, it should be done inplace."
                )

    load(self, state_dict, "")
    if strict:
        complaints = {"Missing": keys.missing_keys, "Unexpected": keys.unexpected_keys}
        errors[:0] = [
            f"{word} key(s) in state_dict: {_quoted(names)}. " for word, names in complaints.items() if names
        ]
    if errors:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors)
        )
    return keys


def _load_from_state_dict(
    self: Module,
    state_dict: dict[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Load the module's own tensors, without those of its children, and report into the three lists.

    A module that has changed its layout between versions overrides this and looks at
    `local_metadata["version"]`.
    """
    for hook in self._load_state_dict_pre_hooks.values():
        hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    own = _own_state(self)
    for name, tensor in own.items():
        key = prefix + name
        if key in state_dict:
            problem = _load_tensor(self, name, tensor, key, state_dict[key], local_metadata)
            if problem is not None:
                error_msgs.append(problem)
        elif strict:
            missing_keys.append(key)

    extra_key = prefix + EXTRA_STATE
    if _has_extra_state(self, "set_extra_state"):
        if extra_key in state_dict:
            self.set_extra_state(state_dict[extra_key])
        elif strict:
            missing_keys.append(extra_key)
    elif strict and extra_key in state_dict:
        unexpected_keys.append(extra_key)

    if strict:
        for key in state_dict:
            if key.startswith(prefix) and key != extra_key:
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (self._modules if dot else own):
                    unexpected_keys.append(key)


def _load_tensor(self: Module, name: str, tensor: Tensor, key: str, given: Any, metadata: dict) -> str | None:
    """Load one tensor; what was wrong, or None."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
            f"checkpoint but received {type(given)}"
        )
    if is_lazy(tensor) and is_lazy(given):
        return None
    if tensor.dim() == 0 and tuple(given.shape) == (1,):
        given = given[0]
    if given.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape "
            f"in current model is {tensor.shape}."
        )
    try:
        with no_grad():
            if not metadata.get("assign_to_params_buffers"):
                tensor.copy_(given)
            elif not isinstance(tensor, Parameter):
                setattr(self, name, given)
            elif isinstance(given, Parameter):
                setattr(self, name, given.requires_grad_(tensor.requires_grad))
            else:
                setattr(self, name, Parameter(given, requires_grad=tensor.requires_grad))
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} '
            f"and whose dimensions in the checkpoint are {given.size()}, "
            f"an exception occurred : {error.args}."
        )
    return None


def get_extra_state(self: Module) -> Any:
    """What else belongs into the state dict.

    A module that has such a thing overrides this and `set_extra_state`.
    """
    raise RuntimeError(f"{type(self).__name__} has set_extra_state() but no get_extra_state()")


def set_extra_state(self: Module, state: Any) -> None:
    """Take back what `get_extra_state` has returned."""
    raise RuntimeError(f"{type(self).__name__} has get_extra_state() but no set_extra_state()")


def register_state_dict_pre_hook(self: Module, hook: Callable) -> Handle:
    """Call `hook(module, prefix, keep_vars)` before the module's state is collected."""
    return register(self._state_dict_pre_hooks, hook)


def register_state_dict_post_hook(self: Module, hook: Callable) -> Handle:
    """Call `hook(module, state_dict, prefix, local_metadata)` after that; it may change the state dict."""
    return register(self._state_dict_hooks, hook)


def register_load_state_dict_pre_hook(self: Module, hook: Callable) -> Handle:
    """Call `hook(module, *arguments)` first, with the arguments of `_load_from_state_dict`."""
    return register(self._load_state_dict_pre_hooks, partial(hook, self))


def _register_load_state_dict_pre_hook(self: Module, hook: Callable, with_module: bool = False) -> Handle:
    """The older form, still much used: without the module as first argument unless `with_module`."""
    return register(self._load_state_dict_pre_hooks, partial(hook, self) if with_module else hook)


def register_load_state_dict_post_hook(self: Module, hook: Callable) -> Handle:
    """Call `hook(module, incompatible_keys)` once all is loaded; it may change the two lists of keys."""
    return register(self._load_state_dict_post_hooks, hook)


def _own_state(module: Module) -> dict[str, Tensor]:
    """The module's own parameters and persistent buffers."""
    buffers = {k: v for k, v in module._buffers.items() if k not in module._non_persistent_buffers_set}
    return {name: tensor for name, tensor in {**module._parameters, **buffers}.items() if tensor is not None}


def _has_extra_state(module: Module, method: str) -> bool:
    return getattr(type(module), method) is not globals()[method]


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
