"""Where loaded memory goes: `map_location`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numbatorch import cuda
from numbatorch.device import CPU, device
from numbatorch.storage import UntypedStorage

MapLocation = str | device | Mapping[str, str] | Callable[[Any, str], Any] | None


def placer(target: MapLocation) -> Callable[[UntypedStorage, str], UntypedStorage]:
    """A function of a storage on the CPU, and of where it was when it was saved: the storage where `target` wants it."""
    if target is None:
        return place
    if isinstance(target, str | device):
        where = str(target)
        return lambda storage, location: place(storage, where)
    if isinstance(target, Mapping):
        return lambda storage, location: place(storage, str(target.get(location, location)))
    if not callable(target):  # of a wrong type
        raise TypeError(f"map_location is a str, a device, a dict or a function, not {type(target).__name__}")

    def decided(storage: UntypedStorage, location: str) -> UntypedStorage:
        moved = target(storage, location)
        if not isinstance(moved, UntypedStorage | None):
            raise TypeError(f"map_location returns a storage or None, not {type(moved).__name__}")
        return place(storage, location) if moved is None else moved

    return decided


def stays(target: MapLocation, location: str) -> bool:
    """Whether `placer(target)` leaves a storage where it is, on the CPU, that was at `location` when it was saved."""
    return (location if target is None else target) in ("cpu", CPU)


class Misplaced(BaseException):
    """Carries an error of `map_location` past those who take errors for damage of the file."""

    def __init__(self, error: Exception):
        self.error = error


@contextmanager
def misplaced() -> Iterator[None]:
    """Errors inside are of `map_location`."""
    try:
        yield
    except Exception as error:
        raise Misplaced(error) from None


def place(storage: UntypedStorage, location: str) -> UntypedStorage:
    """The storage at `location`, such as "cpu" or "cuda:0". Raises RuntimeError where there is no such device."""
    where = device(location)
    if where.type == "cpu":
        return storage.cpu()
    if where.type != "cuda":
        raise RuntimeError(
            f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})"
        )
    if not cuda.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If "
            "you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    if (where.index or 0) >= cuda.device_count():
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {where.index} but torch.cuda.device_count() is "
            f"{cuda.device_count()}. Please use torch.load with map_location to map your storages to an existing device."
        )
    return storage.cuda(where.index)
