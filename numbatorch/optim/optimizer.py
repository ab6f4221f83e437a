"""`Optimizer`: what all optimizers share: groups of parameters, state, hooks, and the way to the fused
kernels.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import wraps
from itertools import chain
from typing import Any

from numbatorch.autograd.node import Handle
from numbatorch.ops import tensor
from numbatorch.tensor import Tensor

# What an optimizer is made of.
ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
required = object()  # as a default: every group must give this option itself


class Optimizer:
    """Base class of all optimizers. An optimizer of one's own overrides `step`.

    params      tensors, or (name, tensor) pairs, or dicts: groups of parameters, with their parameters under
                "params" and options of their own under the options' names
    defaults    the options of groups that do not give them
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._hooks = _no_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{params.type()}"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)  # type: ignore[method-assign]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; every optimizer overrides it.

        `closure`, if given, computes the gradients first, and returns the loss, which is then returned.
        """
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad = param.grad.detach()
                    param.grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; options that it does not give are the optimizer's defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        group = param_group
        group["params"] = _as_list(group["params"])
        _split_names(group)
        for param in group["params"]:
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}"
                )
            if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            group.setdefault(name, default)
        if len(set(group["params"])) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause "
                "an error; see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            which = "with names" if "param_names" in group else "without names"
            raise ValueError(
                f"all optimizer param groups should be with/without names. cannot add param group {which} to "
                "the optimizer"
            )
        if not set(self._params()).isdisjoint(group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    def _params(self) -> Iterable[Tensor]:
        return chain.from_iterable(group["params"] for group in self.param_groups)

    # ---- hooks ----

    def register_step_pre_hook(self, hook: Callable) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before every step; it may return other (args, kwargs)."""
        return Handle(self._hooks["before step"], hook)

    def register_step_post_hook(self, hook: Callable) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return Handle(self._hooks["after step"], hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` before every `state_dict`; before the other hooks, with `prepend`."""
        return self._register("before saving", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` after every `state_dict`; it may change the dict or return another."""
        return self._register("after saving", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` before every `load_state_dict`, with a shallow copy of its argument; it may
        change that or return another."""
        return self._register("before loading", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` after every `load_state_dict`."""
        return self._register("after loading", hook, prepend)

    def _register(self, event: str, hook: Callable, prepend: bool) -> Handle:
        handle = Handle(self._hooks[event], hook)
        if prepend:
            self._hooks[event].move_to_end(handle.id, last=False)
        return handle

    # ---- saving ----

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups' options, with numbers in the place of the parameters.

        The tensors are not copied.
        """
        for hook in self._hooks["before saving"].values():
            hook(self)
        numbers = {id(param): number for number, param in enumerate(self._params())}
        groups = []
        for group in self.param_groups:
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[id(param)] for param in group["params"]]})
        state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()
        }
        state_dict = {"state": state, "param_groups": groups}
        for hook in self._hooks["after saving"].values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state and the options of `state_dict`, for the parameters in the same order.

        State tensors take on their parameter's device, and its dtype if that is a floating point type.
        """
        state_dict = state_dict.copy()
        for hook in self._hooks["before loading"].values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups = self.param_groups
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(
            len(group["params"]) != len(saved["params"])
            for group, saved in zip(groups, saved_groups, strict=True)
        ):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                "group"
            )
        saved_numbers = chain.from_iterable(saved["params"] for saved in saved_groups)
        params = dict(zip(saved_numbers, self._params(), strict=True))
        self.state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                self.state[params[key]] = _moved(value, params[key])
            else:
                self.state[key] = value
        self.param_groups = [
            {
                **({"param_names": group["param_names"]} if "param_names" in group else {}),
                **self.defaults,
                **saved,
                "params": group["params"],
            }
            for group, saved in zip(groups, saved_groups, strict=True)
        ]
        for hook in self._hooks["after loading"].values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _hooks=_no_hooks())

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _with_hooks(step: Callable) -> Callable:
    """`step` with the optimizer's step hooks around it."""

    @wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        before, after = self._hooks["before step"], self._hooks["after step"]
        if not (before or after or _before_any_step or _after_any_step):
            return step(self, *args, **kwargs)
        for hook in [*_before_any_step.values(), *before.values()]:
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in [*after.values(), *_after_any_step.values()]:
            hook(self, args, kwargs)
        return result

    return hooked


def _no_hooks() -> dict[str, OrderedDict[int, Callable]]:
    events = ("step", "saving", "loading")
    return {f"{when} {event}": OrderedDict() for event in events for when in ("before", "after")}


_before_any_step: OrderedDict[int, Callable] = OrderedDict()
_after_any_step: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable) -> Handle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer."""
    return Handle(_before_any_step, hook)


def register_optimizer_step_post_hook(hook: Callable) -> Handle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return Handle(_after_any_step, hook)


def _as_list(params: Any) -> list[Any]:
    if isinstance(params, Tensor):
        return [params]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors "
            "in sets will change between runs. Please use a list instead."
        )
    return list(params)


def _split_names(group: dict[str, Any]) -> None:
    """Turn a list of (name, tensor) pairs into "params" and "param_names"."""
    named = [isinstance(param, tuple) for param in group["params"]]
    if not any(named):
        return
    if not all(named):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    group["param_names"] = [name for name, _ in group["params"]]
    group["params"] = [param for _, param in group["params"]]


def _moved(value: Any, param: Tensor, key: str = "") -> Any:
    """Loaded state, brought to where its parameter is; but steps are counted on the CPU."""
    if key == "step":
        return value if isinstance(value, Tensor) else tensor(float(value))
    if isinstance(value, Tensor):
        return value.to(device=param.device, dtype=param.dtype if param.is_floating_point() else value.dtype)
    if isinstance(value, dict):
        return {k: _moved(v, param, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(v, param, key) for v in value)
    return value
