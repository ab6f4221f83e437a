"""NVIDIA's library of convolutions, which is not used here: the flags that programs set, and that nothing is made of.

torch.backends.cudnn.benchmark = True
torch.backends.cudnn.deterministic = True       results are the same from run to run in any case
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled: bool = True
benchmark: bool = False
benchmark_limit: int = 10
deterministic: bool = False
allow_tf32: bool = True


def version() -> int | None:
    """The version of cuDNN: there is none."""
    return None


def is_available() -> bool:
    """Whether cuDNN is used: never."""
    return False


def is_acceptable(tensor: object) -> bool:
    """Whether cuDNN could take this tensor: never."""
    return False


@contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Within the block, flags have these values."""
    names = {"enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32"}
    before = {name: globals()[name] for name in names}
    given = locals()
    globals().update({name: given[name] for name in names})
    try:
        yield
    finally:
        globals().update(before)
