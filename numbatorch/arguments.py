"""What stands where a tensor, a number or a flag should: PyTorch's TypeError.

For a tensor nothing is checked beforehand, so that a call with tensors pays nothing. The first to read `array` or `kind` finds
out: a row (apply.py, elementwise.py), or a function that reads them by `tensor_array` and `tensor_kind`. A function that would
take any value for a flag or a count asks `flags` and `whole`. The error names the public function that was called and its
argument, which are found in the frames of the stack.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dis import get_instructions
from inspect import CO_VARARGS
from operator import index
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
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
    return misfit(value, "Tensor")


class _Omitted:
    """What an argument that may be left out, but is not None, has for its default."""

    def __repr__(self) -> str:
        return "..."


OMITTED: Any = _Omitted()


def misfit(value: Any, *wanted: str) -> TypeError:
    """The error for `value`, an argument of the public function that is running, or an element of one, that should be of
    the first of the classes in `wanted` that are written beside such an argument."""
    found = (text for word in wanted if (text := complaint(value, _stack(), word)))
    return TypeError(next(found, f"expected {wanted[-1]}, but got {class_name(value)}"))


def flags(*values: Any) -> None:
    """Raises TypeError for what is neither True nor False."""
    for value in values:
        if value.__class__ is not bool and not isinstance(value, np.bool_):
            raise misfit(value, "bool")


def text(value: Any) -> None:
    """Raises TypeError for what is no string."""
    if not isinstance(value, str):
        raise misfit(value, "str")


def whole(*values: Any) -> None:
    """Raises TypeError for what is no whole number, True and False among it."""
    for value in values:
        if value.__class__ is not int and not is_whole(value):
            raise misfit(value, "int")


def listed(value: Any, alone: bool = False) -> tuple[int, ...]:
    """The whole numbers in a tuple or list; with `alone`, also the one that stands for it. Raises TypeError for anything else."""
    if not alone and not isinstance(value, tuple | list):
        raise misfit(value, "int")
    found = tuple(value) if isinstance(value, tuple | list) else (value,)
    whole(*found[:1])
    for number in found[1:]:
        if not hasattr(number, "__index__"):  # PyTorch looks at the first alone more closely
            raise misfit(number, "int")
    return tuple(map(index, found))


def real(*values: Any) -> None:
    """Raises TypeError for what is neither a float nor a whole number."""
    for value in values:
        if value.__class__ is not float and not isinstance(value, float | int | np.floating | np.integer):
            raise misfit(value, "float")


def number(value: Any) -> None:
    """Raises TypeError for what is no number, of Python, of NumPy, or a tensor of one."""
    if not isinstance(value, float | int | complex) and getattr(value, "ndim", None) != 0:
        raise misfit(value, "Number")


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number: of Python, of NumPy, or a tensor of one."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def mistaken(error: AttributeError) -> Exception:
    """The error for the argument that had not what tensors have; `error` itself where that is not the mistake."""
    return mistake(error, _stack()) or error


def mistake(error: AttributeError, frames: Iterable[FrameType]) -> TypeError | None:
    """The same, for the functions that run or ran in `frames`; None where that is not the mistake."""
    if error.name is None or hasattr(error.obj, "kind"):
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


# What is written beside arguments of a class.
_WRITTEN = {
    "int": ("int", "Dims", "Sizes", "Ints"),
    "tuple of ints": ("Sequence[int]", "Dims", "Sizes", "Ints"),
    "Number": ("Number", "float", "complex"),
}


def complaint(value: Any, frames: Iterable[FrameType], wanted: str = "Tensor") -> str | None:
    """What PyTorch says of `value` as an argument of the outermost public function in `frames`, from the inside to the
    outside, that has what is `wanted` there; None where there is no such function."""
    found = None
    for frame in frames:
        code = frame.f_code
        if frame.f_globals is globals():
            continue
        for space, prefix in _SPACES.items():
            function = getattr(sys.modules.get(space), code.co_name, None)
            if function is not None and getattr(function, "__code__", None) is code:
                if argument := _argument(frame, function.__annotations__, value, wanted):
                    name, place, *rest = argument
                    place = place and _written(frame, name, place, function.__defaults__ or ())
                    found = words(prefix + code.co_name, name, place, *rest)
                break
    return found


def _argument(
    frame: FrameType, annotations: dict[str, str], value: Any, wanted: str
) -> tuple[str, int | None, Any, str] | None:
    """The name and place of `value`, or of what it is an element of, among the arguments that should be what is `wanted` of
    what is running in `frame`; the argument, and what it should be."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    if wanted == "int" and code.co_flags & CO_VARARGS:  # sizes or dimensions, which may be named, too
        given = frame.f_locals.get(code.co_varnames[count], ())
        given = given[0] if len(given) == 1 else given
        if given is value or (isinstance(given, tuple | list) and any(x is value for x in given)):
            return code.co_varnames[code.co_argcount], code.co_argcount + 1, given, "tuple of ints"
    for place, name in enumerate(code.co_varnames[:count], 1):
        allowed = annotations.get(name, "")
        several = wanted == "int" and any(word in allowed for word in _WRITTEN["tuple of ints"])
        given = frame.f_locals.get(name, frame)
        inside = several and isinstance(given, tuple | list) and any(x is value for x in given)
        if not (inside or given is value) or not any(w in allowed for w in _WRITTEN.get(wanted, (wanted,))):
            continue
        if wanted == "int" and not several and is_whole(value):
            continue  # the same number, where it is right
        if value is not None or inside or "None" not in allowed:
            name = "input" if name == "self" else name
            return (
                name,
                place if place <= code.co_argcount else None,
                given,
                "tuple of ints" if several else wanted,
            )
    return None


def _written(frame: FrameType, name: str, place: int, defaults: tuple) -> int | None:
    """The place of an argument in the call that brought about `frame`: none if it is given by name there, one less if
    the function is called as a method."""
    caller = frame.f_back
    if caller is None:
        return place
    done = [x for x in get_instructions(caller.f_code) if x.offset <= caller.f_lasti]
    before, call = [x for x in done if x.opname != "PRECALL"][-2:]  # which Python 3.11 has before a CALL
    if call.opname not in ("CALL", "CALL_KW") or call.arg is None:
        return place  # of an operator, or with * or **
    named: tuple[str, ...] = ()
    if before.arg is not None and (call.opname == "CALL_KW" or before.opname == "KW_NAMES"):
        named = caller.f_code.co_consts[before.arg]
    if name in named:
        return None
    # What is not as it would be by itself stands in the call, but for what stands before the dot of a method.
    code = frame.f_code
    usual = dict(zip(code.co_varnames[: code.co_argcount][::-1], defaults[::-1], strict=False))
    last = place
    for k, argument in enumerate(code.co_varnames[: code.co_argcount], 1):
        if argument not in named and frame.f_locals[argument] is not usual.get(argument, frame):
            last = max(last, k)
    return place - 1 if call.arg - len(named) < last else place


def words(function: str, argument: str, place: int | None, value: Any, wanted: str = "Tensor") -> str:
    """PyTorch's sentence for `value` as the argument of a function, which has the `place` if it can be given by position."""
    position = "" if place is None else f" (position {place})"
    but = f"not {class_name(value)}"
    if wanted == "tuple of ints" and isinstance(value, tuple | list):
        at = next((k for k, x in enumerate(value) if not is_whole(x)), None)
        if at:
            return (
                f"{function}(): argument '{argument}' failed to unpack the object at pos {at + 1} with error "
                f'"type must be tuple of ints,but got {class_name(value[at])}"'
            )
        but = f"but found element of type {class_name(value[0])} at pos 0" if at == 0 else but
    return f"{function}(): argument '{argument}'{position} must be {wanted}, {but}"


def unfit(function: str, *given: Any, signatures: Iterable[str] = (), **named: Any) -> TypeError:
    """PyTorch's error for arguments that none of a function's `signatures` has."""
    kinds = [*map(class_name, given), *[f"{name}={class_name(value)}" for name, value in named.items()]]
    first = f"{function}() received an invalid combination of arguments - got ({', '.join(kinds)}), but expected one of:"
    return TypeError("\n * ".join([first, *signatures]))


def _stack() -> Iterable[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def class_name(value: Any) -> str:
    """The name of a class as C has it: "int", "numpy.ndarray"."""
    kind = type(value)
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
