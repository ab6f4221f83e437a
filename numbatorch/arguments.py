"""What stands where a tensor should: PyTorch's TypeError, made when the array of what is no tensor is asked for.

Nothing is checked beforehand, so that a call with tensors pays nothing. The first to read `array` or `kind` finds out: a row
(apply.py), or a function that reads them by `tensor_array` and `tensor_kind`. The error names the public function that was called and
its argument, which are found in the frames of the stack.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from numbatorch.base import Kind, TensorBase


def tensor_array(value: TensorBase) -> Any:
    """The array of a tensor. Raises TypeError for anything else."""
    try:
        return value.array
    except AttributeError:
        raise no_tensor(value) from None


def tensor_kind(value: TensorBase) -> Kind:
    """The kind of a tensor. Raises TypeError for anything else."""
    try:
        return value.kind
    except AttributeError:
        raise no_tensor(value) from None


def no_tensor(value: Any) -> TypeError:
    """The error for `value`, which should be a tensor: an argument of the public function that is running."""
    return TypeError(complaint(value, _stack()) or f"expected Tensor, but got {class_name(value)}")


def mistaken(error: AttributeError) -> Exception:
    """The error for the argument that had not what tensors have; `error` itself where that is not the mistake."""
    return mistake(error, _stack()) or error


def mistake(error: AttributeError, frames: Iterable[FrameType]) -> TypeError | None:
    """The same, for the functions that run or ran in `frames`; None where that is not the mistake."""
    if error.name is None or isinstance(error.obj, TensorBase):
        return None
    text = complaint(error.obj, frames)
    return None if text is None else TypeError(text)


# Where users find functions, and what PyTorch puts before the names of those that are there.
_SPACES = {
    "numbatorch": "",
    "numbatorch.nn.functional": "",
    "numbatorch.linalg": "linalg_",
    "numbatorch.fft": "fft_",
    "numbatorch.special": "special_",
    "numbatorch.ops": "",  # for what is public under another name
}


def complaint(value: Any, frames: Iterable[FrameType]) -> str | None:
    """What PyTorch says of `value` as an argument of the outermost public function in `frames`, from the inside to the
    outside, that wants a tensor there; None where there is no such function."""
    found = None
    for frame in frames:
        code = frame.f_code
        if frame.f_globals is globals():
            continue
        for space, prefix in _SPACES.items():
            function = getattr(sys.modules.get(space), code.co_name, None)
            if getattr(function, "__code__", None) is code:
                argument = _argument(frame, function.__annotations__, value)
                found = words(prefix + code.co_name, *argument, value) if argument else found
                break
    return found


def _argument(frame: FrameType, annotations: dict[str, str], value: Any) -> tuple[str, int | None] | None:
    """The name and place of `value` among the arguments of what is running in `frame` that should be tensors."""
    code = frame.f_code
    for place, name in enumerate(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], 1):
        allowed = annotations.get(name, "")
        if frame.f_locals.get(name, frame) is not value or "Tensor" not in allowed:
            continue
        if value is not None or "None" not in allowed:
            return "input" if name == "self" else name, place if place <= code.co_argcount else None
    return None


def words(function: str, argument: str, place: int | None, value: Any) -> str:
    """PyTorch's sentence for `value` as the argument of a function, which has the `place` if it can be given by position."""
    position = "" if place is None else f" (position {place})"
    return f"{function}(): argument '{argument}'{position} must be Tensor, not {class_name(value)}"


def unfit(function: str, *given: Any, signatures: Iterable[str] = (), **named: Any) -> TypeError:
    """PyTorch's error for arguments that none of a function's `signatures` has."""
    kinds = [*map(class_name, given), *[f"{name}={class_name(value)}" for name, value in named.items()]]
    first = f"{function}() received an invalid combination of arguments - got ({', '.join(kinds)}), but expected one of:"
    return TypeError("\n * ".join([first, *signatures]))


def _stack() -> Iterable[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back


def class_name(value: Any) -> str:
    """The name of a class as C has it: "int", "numpy.ndarray"."""
    kind = type(value)
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
