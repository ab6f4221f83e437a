"""`torch.distributed` for programs that ask whether it is there: it is not."""

from __future__ import annotations

import enum
from typing import Any, NoReturn


def is_available() -> bool:
    """Whether training on several processes is there: no."""
    return False


def is_initialized() -> bool:
    """Whether this process is one of several that train together: no."""
    return False


is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


def get_rank(group: Any = None) -> int:
    """The number of this process. Raises ValueError: it is not one of several."""
    return _absent()


def get_world_size(group: Any = None) -> int:
    """How many processes there are. Raises ValueError: this one is alone."""
    return _absent()


def init_process_group(*arguments: Any, **options: Any) -> None:
    """Raises ValueError: numbatorch trains in one process."""
    _absent()


def destroy_process_group(group: Any = None) -> None:
    """Leave the others, of whom there are none."""


def barrier(*arguments: Any, **options: Any) -> None:
    """Raises ValueError: there are no others to wait for."""
    _absent()


def all_reduce(*arguments: Any, **options: Any) -> None:
    """Raises ValueError: there are no others to add up with."""
    _absent()


all_gather = broadcast = gather = new_group = reduce = scatter = all_reduce


def get_backend(group: Any = None) -> str:
    """Raises ValueError: there are no others to talk to."""
    return _absent()


class ReduceOp(enum.Enum):
    """How `all_reduce` would put together what the processes have."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4


def _absent() -> NoReturn:
    raise ValueError(
        "Default process group has not been initialized, please make sure to call init_process_group. numbatorch trains in one "
        "process: torch.distributed.is_available() is False"
    )
