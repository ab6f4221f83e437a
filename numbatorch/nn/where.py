"""Where in a model an error was raised: a note on the exception, of no cost while nothing goes wrong."""

from __future__ import annotations

from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from numbatorch import arguments
from numbatorch.tensor import Tensor

if TYPE_CHECKING:
    from numbatorch.nn.module import Module

NOTED = (RuntimeError, ValueError, IndexError, TypeError)


class _Place:
    """A note that grows as the exception passes the modules, from the inside to the outside."""

    def __init__(self, module: Module, inputs: tuple):
        self.path = ""
        self.module = self.outermost = module
        self.what = f"{described(module)}, called with {_shapes(inputs)}"

    def passes(self, module: Module) -> None:
        """The exception leaves `module`."""
        for name, inner in module.named_modules():
            if name and inner is self.module:
                self.path = f".{name}{self.path}"
                self.module = self.outermost = module
                return

    def __str__(self) -> str:
        model = "" if not self.path else f" (model: {type(self.outermost).__name__})"
        return f"in model{self.path}: {self.what}{model}"


def note(error: Exception, module: Module, inputs: tuple) -> None:
    """Say on `error`, which is leaving `module`, where it comes from: `in model.fc1: Linear(784 -> 128)`."""
    place = error.__dict__.get("_numbatorch_place")
    if place is None:
        place = _Place(module, inputs)
        error._numbatorch_place = place  # type: ignore[attr-defined]
        error.add_note(str(place))
        return
    before = str(place)
    place.passes(module)
    notes = error.__notes__
    if before in notes:
        notes[notes.index(before)] = str(place)


def no_tensor(error: AttributeError) -> TypeError | None:
    """What PyTorch says where a function got an argument that is no tensor and was asked for what tensors have; None where
    that is not the mistake. The functions have been left, but the traceback knows them."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return arguments.mistake(error, reversed(frames))


def described(module: Module) -> str:
    """A module in a few words: Linear(784 -> 128)."""
    name = type(module).__name__
    for unit in ("features", "channels"):
        inside, outside = getattr(module, f"in_{unit}", None), getattr(module, f"out_{unit}", None)
        if isinstance(inside, int) and isinstance(outside, int):
            size = getattr(module, "kernel_size", None)
            return f"{name}({inside} -> {outside}{f', kernel_size={size}' if size is not None else ''})"
    text = repr(module) if not module._modules else name
    return text if len(text) <= 80 and "\n" not in text else name


def _shapes(inputs: tuple) -> str:
    return ", ".join(_shape(value) for value in inputs) or "no arguments"


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
