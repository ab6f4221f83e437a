"""The version of numbatorch, here and nowhere else: the build reads this file. Beside it, what programs ask of
`torch.version`."""

from __future__ import annotations

import re
from typing import Any

__version__ = "0.1.0"
FOLLOWS = "2.13.0"  # the version of PyTorch whose names, numbers and texts these are

cuda: str | None = None  # of the CUDA that PyTorch was built with: nothing is built here
hip: str | None = None
xpu: str | None = None
git_version = "Unknown"
debug = False


class TorchVersion(str):
    """A version as a string that compares as versions do, also with tuples.

    >>> TorchVersion("1.10.0") > "1.9" and TorchVersion("2.1.0+cpu") >= (2, 1)
    True
    """

    def _compare(self, other: Any) -> int:
        mine, theirs = _release(self), _release(other)
        length = max(len(mine), len(theirs))
        mine, theirs = (parts + (0,) * (length - len(parts)) for parts in (mine, theirs))
        return (mine > theirs) - (mine < theirs)

    def __lt__(self, other: Any) -> bool:
        return self._compare(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._compare(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._compare(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._compare(other) >= 0

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if isinstance(other, str) else self._compare(other) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _release(version: Any) -> tuple[int, ...]:
    """(2, 1, 0) of "2.1.0+cpu" """
    if isinstance(version, str):
        numbers = re.match(r"v?([0-9]+(?:\.[0-9]+)*)", version)
        return tuple(map(int, numbers[1].split("."))) if numbers else ()
    return tuple(int(part) for part in version if str(part).isdigit())
