"""Where tensors live: `device` objects, and the default device of creation functions."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Any

_TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla",
    "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
_KNOWN: dict[tuple[str, int | None], device] = {}
_STRING = re.compile(r"([a-zA-Z_]+)(?::(0|[1-9][0-9]*))?")


class device:
    """The place of a tensor's memory: `device("cpu")`, `device("cuda")`, `device("cuda:1")`,
    `device("cuda", 1)`, `device(1)`. It has a `type`, such as "cuda", and an `index` or None.

    Equal devices are one object, so `is` compares them. As a context manager, a device is the default of
    creation functions:

        with device("cuda"):
            x = zeros(3)  # on the GPU

    Every type name that PyTorch knows is understood; tensors live on `cpu` and `cuda`.
    Raises RuntimeError for a malformed string or an unknown type, TypeError for other arguments.
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __new__(cls, type: str | int | device, index: int | None = None) -> device:
        if isinstance(type, str):
            return cls._interned(*_parse(type, index))
        if isinstance(type, device) and index is None:
            return type
        if isinstance(type, int) and not isinstance(type, bool) and index is None:
            _check_index(type)
            return cls._interned("cuda", type)
        raise TypeError(_invalid_arguments(type, index))

    @classmethod
    def _interned(cls, type: str, index: int | None) -> device:
        found = _KNOWN.get((type, index))
        if found is None:
            made = super().__new__(cls)
            object.__setattr__(made, "type", type)
            object.__setattr__(made, "index", index)
            # setdefault is atomic: two threads that make the same device at once get the same object.
            found = _KNOWN.setdefault((type, index), made)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, ((self.type,) if self.index is None else (self.type, self.index))

    def __enter__(self) -> device:
        _defaults.entered.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _defaults.entered.pop()


@lru_cache(maxsize=256)
def _parse(string: str, index: int | None) -> tuple[str, int | None]:
    if not string:
        raise RuntimeError("Device string must not be empty")
    match = _STRING.fullmatch(string)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{string}'")
    type, own_index = match.groups()
    if type not in _TYPES:
        known = ", ".join(_TYPES)
        raise RuntimeError(f"Expected one of {known} device type at start of device string: {type}")
    if index is None:
        return type, None if own_index is None else int(own_index)
    if not isinstance(index, int):
        kind = index.__class__.__name__
        raise TypeError(f"device(): argument 'index' (position 2) must be int, not {kind}")
    if own_index is not None:
        raise RuntimeError(
            f"type (string) must not include an index because index was passed explicitly: {string}"
        )
    _check_index(index)
    return type, index


def _check_index(index: int) -> None:
    if index < 0:
        raise RuntimeError("Device index must not be negative")


def _invalid_arguments(type: object, index: object) -> str:
    kind = "torch.device" if isinstance(type, device) else type.__class__.__name__
    if index is not None:
        return f"device(): argument 'type' (position 1) must be str, not {kind}"
    return (
        f"device() received an invalid combination of arguments - got ({kind}), but expected one of:\n"
        " * (torch.device device)\n"
        f"      didn't match because some of the arguments have invalid types: (!{kind}!)\n"
        " * (str type, int index = -1)\n"
    )


CPU = device("cpu")
_device = device  # for the function whose argument is called device


class _Defaults(threading.local):
    """Of one thread: the device set as default, those of the `with` blocks it is in, innermost last, and which
    GPU is its own."""

    base: device = CPU
    cuda = 0  # the number of the device that "cuda" means

    def __init__(self) -> None:
        self.entered: list[device] = []


_defaults = _Defaults()


def get_default_device() -> device:
    """The device of creation functions without `device=`, in this thread: of the innermost `with device(...)`
    block, else the one set by `set_default_device`, else the CPU."""
    entered = _defaults.entered
    return entered[-1] if entered else _defaults.base


def set_default_device(device: device | str | int | None) -> None:
    """Set the default device of this thread; None sets it back to the CPU."""
    _defaults.base = CPU if device is None else _device(device)


def current_cuda() -> int:
    """The number of the device that "cuda" means in this thread."""
    return _defaults.cuda


def set_current_cuda(index: int) -> None:
    """Let "cuda" mean device number `index` in this thread. Nothing is checked."""
    _defaults.cuda = index
