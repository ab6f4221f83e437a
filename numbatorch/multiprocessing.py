"""`torch.multiprocessing`: Python's own, with `spawn`. Tensors that go from process to process are copied, not shared.

Tensors on the CPU may go through queues and pipes.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any


class ProcessRaisedException(Exception):
    """A process that `spawn` started has failed."""


class SpawnContext:
    """The processes that `spawn` started."""

    def __init__(self, processes: list[Any]):
        self.processes = processes

    def pids(self) -> list[int]:
        """Their numbers."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait for them; whether all are done. Raises ProcessRaisedException for one that has failed."""
        for index, process in enumerate(self.processes):
            process.join(timeout)
            if process.exitcode not in (None, 0):
                for other in self.processes:
                    if other.is_alive():
                        other.terminate()
                raise ProcessRaisedException(
                    f"process {index} terminated with exit code {process.exitcode}: its traceback is printed above"
                )
        return all(process.exitcode == 0 for process in self.processes)


def spawn(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """Run `fn(index, *args)` in `nprocs` processes, and wait for them unless `join=False`.

    Raises ProcessRaisedException if one of them fails; the others are ended.
    """
    context = multiprocessing.get_context(start_method)
    processes = [
        context.Process(target=fn, args=(index, *args), daemon=daemon)  # type: ignore[attr-defined]
        for index in range(nprocs)
    ]
    for process in processes:
        process.start()
    started = SpawnContext(processes)
    if not join:
        return started
    started.join()
    return None


def get_all_sharing_strategies() -> set[str]:
    """How tensors go from process to process: as copies."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How tensors go from process to process."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """There is one strategy; choosing makes no difference."""
