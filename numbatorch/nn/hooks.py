"""Calling a module that has hooks: what `Module.__call__` does when the short path will not do."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import Function, is_grad_enabled
from numbatorch.autograd.node import Handle
from numbatorch.tensor import Tensor

if TYPE_CHECKING:
    from numbatorch.nn.module import Module


def register(hooks: OrderedDict, hook: Callable, *marks: OrderedDict, prepend: bool = False) -> Handle:
    """Put `hook` into `hooks`, last or first, and its number into each of `marks`."""
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    for mark in marks:
        mark[handle.id] = True
    return handle


def call(module: Module, args: tuple, kwargs: dict[str, Any]) -> Any:
    """`module.forward(*args, **kwargs)` with the module's hooks around it."""
    done: set[int] = set()
    try:
        return _call(module, args, kwargs, done)
    except Exception:
        for number, hook in module._forward_hooks.items():
            if number in module._forward_hooks_always_called and number not in done:
                _call_after_an_error(module, number, hook, args, kwargs)
        raise


def _call(module: Module, args: tuple, kwargs: dict[str, Any], done: set[int]) -> Any:
    for number, hook in tuple(module._forward_pre_hooks.items()):  # a hook may remove itself
        if number in module._forward_pre_hooks_with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                        f"{changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)

    watch = None
    if module._backward_hooks or module._backward_pre_hooks:
        watch = _BackwardWatch(module)
        args = watch.inputs(args)
    result = module.forward(*args, **kwargs)

    for number, hook in module._forward_hooks.items():
        done.add(number)
        with_kwargs = number in module._forward_hooks_with_kwargs
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result if watch is None else watch.outputs(result)


def _call_after_an_error(
    module: Module, number: int, hook: Callable, args: tuple, kwargs: dict[str, Any]
) -> None:
    try:
        if number in module._forward_hooks_with_kwargs:
            hook(module, args, kwargs, None)
        else:
            hook(module, args, None)
    except Exception as error:
        warnings.warn(
            "module forward hook with ``always_call=True`` raised an exception that was silenced as another "
            f"error was raised in forward: {error}",
            stacklevel=4,
        )


class BackwardHookFunction(Function):
    """The identity; on the way back it hands the gradients to `seen`, which may replace them."""

    @staticmethod
    def forward(ctx, seen, *tensors):
        ctx.seen = seen
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx, *grads):
        return None, *ctx.seen(grads)


class _BackwardWatch:
    """Follows one call of a module: collects the gradients of its outputs and inputs, and calls the hooks."""

    def __init__(self, module: Module):
        self.module = module
        self.hooks = tuple(module._backward_hooks.values())
        self.pre_hooks = tuple(module._backward_pre_hooks.values())
        self.input_places: list[int] = []
        self.input_count = 0
        self.grad_output: tuple | None = None

    def inputs(self, args: tuple) -> tuple:
        self.input_count = len(args)
        args, self.input_places = _watch(args, self._inputs_seen)
        return args

    def outputs(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            return self.outputs((result,))[0]
        if not isinstance(result, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=4,
            )
            return result

        def seen(grads: tuple) -> tuple:
            return self._outputs_seen(grads, places, len(result))

        watched, places = _watch(result, seen)
        return watched

    def _outputs_seen(self, grads: tuple, places: list[int], count: int) -> tuple:
        grad_output = _spread(grads, places, count)
        for hook in self.pre_hooks:
            changed = hook(self.module, grad_output)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != count:
                    raise RuntimeError(
                        f"Backward pre hook returned an invalid number of grad_output, got {len(changed)}, "
                        f"but expected {count}"
                    )
                grad_output = changed
        if self.input_places:
            self.grad_output = grad_output
        else:
            self._hooks_without_inputs(grad_output)
        return tuple(grad_output[place] for place in places)

    def _hooks_without_inputs(self, grad_output: tuple) -> None:
        if self.hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs "
                "since no inputs require gradients.",
                stacklevel=5,
            )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.input_count, grad_output)
            if changed is not None and not (
                isinstance(changed, tuple) and all(grad is None for grad in changed)
            ):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    "or None for all gradients."
                )

    def _inputs_seen(self, grads: tuple) -> tuple:
        if self.grad_output is None:
            return grads  # the gradient came to the inputs past the module's outputs, as in a double backward
        grad_input = _spread(grads, self.input_places, self.input_count)
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != self.input_count:
                    raise RuntimeError(
                        f"Backward hook returned an invalid number of grad_input, got {len(changed)}, but "
                        f"expected {self.input_count}"
                    )
                grad_input = changed
        self.grad_output = None
        return tuple(grad_input[place] for place in self.input_places)


def _watch(values: tuple, seen: Callable[[tuple], tuple]) -> tuple[tuple, list[int]]:
    """`values`, those that need a gradient passed through `BackwardHookFunction`; and their places."""
    places = []
    if is_grad_enabled():
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not places:
        return values, places
    watched = list(values)
    for place, tensor in zip(
        places, BackwardHookFunction.apply(seen, *(values[i] for i in places)), strict=True
    ):
        watched[place] = tensor
    return (
        tuple(watched) if type(values) is tuple else type(values)(*watched)
    ), places  # a named tuple stays one


def _spread(grads: tuple, places: list[int], count: int) -> tuple:
    full: list = [None] * count
    for place, grad in zip(places, grads, strict=True):
        full[place] = grad
    return tuple(full)
