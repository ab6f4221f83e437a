"""`LRScheduler`: what all schedulers share."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import ref

from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor

Rate = Any  # a number, or a tensor of one element
Group = dict[str, Any]

_DOCUMENTATION = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being "
    "deprecated where possible. Please use `scheduler.step()` to step the "
    "scheduler. During the deprecation, if epoch is different from None, the "
    "closed form is used instead of the new chainable form, where available. "
    "Please open an issue if you are unable to replicate your use case: "
    "https://github.com/pytorch/pytorch/issues/new/choose."
)


class LRScheduler:
    """Base class of all schedulers: a subclass has `get_lr`, the rates of all groups at epoch `last_epoch`.

    optimizer       whose groups' "lr" it changes; "initial_lr" keeps what that was
    last_epoch      the epoch to go on from; -1 to begin

    A step multiplies the rates as they are, so that schedulers can be chained; `step(epoch)`, deprecated, uses the closed
    form where there is one.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming scheduler with "
                    "last_epoch >= 0.\n"
                    "This typically happens when:\n"
                    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer "
                    "state\n"
                    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
                )
        self.base_lrs = option_of_groups(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _watch_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Rate]:
        """The rates that the last step gave the groups."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rates of the groups at epoch `last_epoch`, from those at the epoch before."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Give the groups the next rates."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn(
                    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                    "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. "
                    + _DOCUMENTATION,
                    UserWarning,
                    stacklevel=2,
                )
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn(
                    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                    "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure "
                    "to do this will result in PyTorch skipping the first value of the learning rate schedule. "
                    + _DOCUMENTATION,
                    UserWarning,
                    stacklevel=2,
                )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._give(closed or self.get_lr)

    def _give(self, get_lr: Callable[[], list[Rate]]) -> None:
        """Give the groups the rates that `get_lr` returns."""
        self._get_lr_called_within_step = True
        try:
            rates = get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = option_of_groups(self.optimizer, "lr")

    # ---- for subclasses ----

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def _rates_times(self, factor: float) -> list[Rate]:
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _rates(self) -> list[Rate]:
        return option_of_groups(self.optimizer, "lr")


def check_optimizer(optimizer: Any) -> Optimizer:
    """`optimizer`. Raises TypeError if it is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def copied(value: Rate) -> Rate:
    """`value`, a tensor as one of its own."""
    return value.clone() if isinstance(value, Tensor) else value


def option_of_groups(optimizer: Optimizer, name: str) -> list[Any]:
    """The option of each group."""
    return [copied(group[name]) for group in optimizer.param_groups]


def set_option(group: Group, name: str, value: Rate) -> None:
    """Change an option of a group; a tensor in place."""
    if isinstance(group[name], Tensor):
        group[name].fill_(value.squeeze() if isinstance(value, Tensor) else value)
    else:
        group[name] = value


def one_for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A list with a value for each group, from such a list, or from one value for all. Raises ValueError for another
    number of values."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        value = [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {groups}."
        )
    return [copied(v) for v in value]


def state_of_callable(function: Any) -> dict[str, Any] | None:
    """What a checkpoint keeps of a callable: the attributes of an object; nothing of a function."""
    return None if isinstance(function, types.FunctionType) else function.__dict__.copy()


def _watch_steps(optimizer: Optimizer) -> None:
    """Let the optimizer note that it has made a step: schedulers warn where it has not."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    optimizer_of, step = ref(optimizer), optimizer.step.__func__  # type: ignore[attr-defined]

    @wraps(step)
    def noting(*args: Any, **kwargs: Any) -> Any:
        own = optimizer_of()
        own._opt_called = True  # type: ignore[union-attr]
        return step(own, *args, **kwargs)

    noting._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = noting  # type: ignore[method-assign]
