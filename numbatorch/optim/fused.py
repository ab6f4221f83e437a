"""Optimizers that treat every element alike: their step is one kernel call for all parameters of a group.

Such an optimizer is a formula for one element, the names of its state, and the numbers that go into the formula:

    class SGD(Elementwise):
        formula = Update(_sgd, states=1)

`differentiable=True` computes the same formula with tensors, so that the tape sees it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from numbatorch.autograd import enable_grad, no_grad
from numbatorch.base import Kind
from numbatorch.cuda.graphs import is_current_stream_capturing
from numbatorch.dtype import float32, float64, get_default_dtype
from numbatorch.elementwise import Pointwise
from numbatorch.ops import tensor, view_as_complex, view_as_real, zeros_like
from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor
from numbatorch_kernels import optim as kernels
from numbatorch_kernels.lift import Program
from numbatorch_kernels.update import Numbers, Update

Group = dict[str, Any]
State = dict[str, Any]
Row = tuple[Tensor | None, ...]  # a parameter, its gradient, its state

_COUNT = Kind.of(float32)  # what the kernel counts steps in: host memory, as in PyTorch
_CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


class Elementwise(Optimizer):
    """Base class of optimizers whose step is a formula for each element."""

    formula: ClassVar[Update]
    names: ClassVar[tuple[str, ...]] = ()  # of the formula's states; a state may be missing

    def begin(self, param: Tensor, group: Group) -> State:
        """The state of a parameter before its first step: steps are counted, means begin at 0."""
        return {"step": counter(0.0, param, group), **{name: zeros_like(param) for name in self.names}}

    def numbers(self, group: Group, step: float) -> Numbers:
        """The numbers of the formula at a step; the first is number 1."""
        raise NotImplementedError

    def each(self, group: Group, states: Sequence[State]) -> list[Numbers]:
        """The numbers for each parameter; a single tuple where they are the same for all."""
        known: dict[float, Numbers] = {}
        steps = count(states)
        for step in steps:
            if step not in known:
                known[step] = self.numbers(group, step)
        return list(known.values()) if len(known) == 1 else [known[step] for step in steps]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if not params:
                continue
            states = []
            for param in params:
                state = self.state[param]
                if not state:
                    state.update(self.begin(param, group))
                states.append(state)
            if group.get("capturable"):
                _check_capturable(params)
            elif "capturable" in group and is_current_stream_capturing():
                raise RuntimeError(
                    f"Attempting CUDA graph capture of step() for an instance of {type(self).__name__} but param_groups' "
                    "capturable is False."
                )
            rows = [
                (param, param.grad, *map(state.get, self.names))
                for param, state in zip(params, states, strict=True)
            ]
            self.update(rows, group, states)
        return loss

    def update(self, rows: Sequence[Row], group: Group, states: Sequence[State]) -> None:
        """Apply the formula to the rows."""
        if group.get("differentiable"):
            with enable_grad():
                _on_tensors(self.formula, rows, self.each(group, states))
        else:
            run(self.formula, rows, self.each(_with_floats(group), states))


def loss_of(closure: Callable[[], Any] | None) -> Any:
    """What `closure`, the argument of `step`, returns; None if there is none."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def counter(value: float, param: Tensor, group: Group) -> Tensor:
    """A number of a parameter's state: on the CPU, where `capturable` and `fused` do not call it to the device."""
    fused = group.get("fused")
    dtype = float64 if get_default_dtype() is float64 and not fused else float32
    return tensor(value, dtype=dtype, device=param.device if fused or group.get("capturable") else "cpu")


def count(states: Sequence[State]) -> list[float]:
    """Count one more step in each state, and return the counts."""
    steps = [state["step"] for state in states]
    if all([step.kind is _COUNT for step in steps]):
        return kernels.advance([step.array for step in steps]).tolist()
    with no_grad():
        return [float(step.add_(1)) for step in steps]


def run(update: Update, rows: Sequence[Row], numbers: list[Numbers]) -> None:
    """Apply `update` to all rows: one kernel call for all of a dtype and device.

    Rows with a tensor that is not contiguous, or of another shape or dtype than the parameter, are worked on as
    copies. A complex number is two real ones.
    """
    kind = rows[0][0].kind  # type: ignore[union-attr]
    if kind.contiguous and not kind.dtype.is_complex and all([_fits(row, kind) for row in rows]):
        _call(update, rows, numbers)
    else:
        working = [_workable(row) for row in rows]
        batches = defaultdict(list)
        for place, row in enumerate(working):
            batches[row[0].kind, tuple([t is None for t in row])].append(place)
        for places in batches.values():
            own = [numbers[place] for place in places] if len(numbers) > 1 else numbers
            _call(update, [working[place] for place in places], own)
        for row, worked_on in zip(rows, working, strict=True):
            _copy_back(row, worked_on)
    for row in rows:
        row[0].memory.version += 1  # type: ignore[union-attr]


def _fits(row: Row, kind: Kind) -> bool:
    size = row[0].array.size  # type: ignore[union-attr]
    return all([t is None or (t.kind is kind and t.array.size == size) for t in row])


def _call(update: Update, rows: Sequence[Row], numbers: list[Numbers]) -> None:
    kind = rows[0][0].kind  # type: ignore[union-attr]
    columns = [None if column[0] is None else [t.array for t in column] for column in zip(*rows, strict=True)]
    update(kind.device.type, columns, kind.element, numbers)


@no_grad()
def _workable(row: Row) -> Row:
    """The row's tensors, contiguous, of the parameter's shape, dtype and device, and real."""
    param = row[0]
    assert param is not None
    alike = [
        None if t is None else t.expand_as(param).to(param.device, param.dtype).contiguous() for t in row
    ]
    return tuple([view_as_real(t) if t is not None and t.is_complex() else t for t in alike])


@no_grad()
def _copy_back(row: Row, worked_on: Row) -> None:
    for place, (own, copy) in enumerate(zip(row, worked_on, strict=True)):
        if place == 1 or own is None or copy is None:  # 1 is the gradient, which no optimizer changes
            continue
        if own.is_complex():
            if not (own.kind.contiguous and own.dtype is row[0].dtype):  # type: ignore[union-attr]
                own.copy_(view_as_complex(copy))
        elif copy.array is not own.array:
            own.copy_(copy)


@cache
def _tracked(program: Program) -> Pointwise:
    """The formula as an op that the tape records."""
    return Pointwise(program.name, program)


def _on_tensors(update: Update, rows: Sequence[Row], numbers: list[tuple]) -> None:
    for place, row in enumerate(rows):
        given = [t for t in row if t is not None]
        op = _tracked(update.program(tuple([t is not None for t in row[2:]])))
        inputs = [view_as_real(t) if t.is_complex() else t for t in given]
        before = [t if k == 1 else t.clone() for k, t in enumerate(inputs)]
        own = numbers[place if len(numbers) > 1 else 0]
        results = op.general((*before, *own))
        results = results if isinstance(results, tuple) else (results,)
        for target, result in zip([inputs[0], *inputs[2:]], results, strict=True):
            target.copy_(result)


def _with_floats(group: Group) -> Group:
    """The group's options, tensors among them as numbers."""
    return {name: _float(value) for name, value in group.items() if name != "params"}


def _float(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.item()
    return tuple(map(_float, value)) if isinstance(value, tuple) else value


def _check_capturable(params: Sequence[Tensor]) -> None:
    if any(param.device.type not in _CAPTURABLE for param in params):
        raise AssertionError(
            f"If capturable=True, params and state_steps must be on supported devices: {_CAPTURABLE}."
        )


# ---- checks of options ----


def check_lr(lr: float | Tensor) -> None:
    """Raise ValueError for a learning rate that is negative, or a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_betas(betas: Sequence[float | Tensor]) -> None:
    """Raise ValueError for a beta outside of [0, 1)."""
    for place, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {place}: {beta}")


def check_positive(options: Mapping[str, Any]) -> None:
    """Raise ValueError for the first option below 0."""
    for name, value in options.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {name}: {value}")


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """Raise RuntimeError for flags that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
