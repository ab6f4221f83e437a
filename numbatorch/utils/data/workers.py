"""Workers: threads or processes that make batches for a loader.

A worker gets tasks, `(number, what to fetch)`, and answers each with `(worker, number, batch)`, where the
batch may be a `Failure`, or Word.END where a stream has no more. `Threads`, and the `Processes` of processes.py,
differ in how tasks and answers travel.
"""

from __future__ import annotations

import copy
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from queue import Empty, SimpleQueue
from typing import Any

from numbatorch import random as nt_random
from numbatorch.utils.data.fetch import fetcher


class Word(Enum):
    """What is said beside tasks and batches."""

    END = "the stream has no more"
    RESUME = "begin again"


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself.

    id, num_workers   its number, and of how many
    seed              that of its default generator
    dataset           the dataset, of which each worker has its own copy
    worker_method     "thread" or "multiprocessing"
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    worker_method: str = "multiprocessing"


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know before it begins."""

    dataset: Any
    streaming: bool
    batches: bool
    collate_fn: Callable
    drop_last: bool
    init_fn: Callable[[int], None] | None
    base_seed: int
    num_workers: int
    id: int = 0

    @property
    def seed(self) -> int:
        return self.base_seed + self.id

    def fetcher(self) -> Callable[[Any], Any]:
        return fetcher(self.dataset, self.streaming, self.batches, self.collate_fn, self.drop_last)


class _KeyErrorText(str):
    """The text of a KeyError, whose str() is the repr of its argument: this one keeps its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Failure:
    """An exception on its way out of a worker."""

    def __init__(self, error: BaseException, worker: int):
        self.type = type(error)
        text = "".join(traceback.format_exception(error))
        self.text = f"Caught {self.type.__name__} in DataLoader worker process {worker}.\nOriginal {text}"

    def reraise(self) -> None:
        """Raise an exception of the same class, whose text has the worker's traceback; RuntimeError, where
        the class cannot be made of a text."""
        text = _KeyErrorText(self.text) if self.type is KeyError else self.text
        try:
            error = self.type(text)
        except Exception:
            error = RuntimeError(text)
        raise error from None


class _ThisThread(threading.local):
    info: WorkerInfo | None = None


_this_thread = _ThisThread()
_of_process: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a `DataLoader`: its number and how many there are (see `WorkerInfo`). None elsewhere."""
    return _this_thread.info or _of_process


def set_worker_info(info: WorkerInfo) -> None:
    """From now on, this process is that worker."""
    global _of_process
    _of_process = info


def serve(job: Job, receive: Callable[[], Any], answer: Callable[[int | None, Any], None]) -> None:
    """What a worker does all day: answer what it receives, until that is None."""
    failure = fetch = None
    try:
        if job.init_fn is not None:
            job.init_fn(job.id)
        fetch = job.fetcher()
    except Exception as error:
        failure = Failure(error, job.id)
    while (task := receive()) is not None:
        if task is Word.RESUME:
            if failure is None:
                fetch = job.fetcher()
            answer(None, Word.RESUME)
            continue
        number, wanted = task
        batch: Any = failure
        if fetch is not None:
            try:
                batch = fetch(wanted)
            except Exception as error:
                ended = job.streaming and isinstance(error, StopIteration)
                batch = Word.END if ended else Failure(error, job.id)
        answer(number, batch)
        del task, batch


# ---- threads


class Threads:
    """Workers that are threads of this process. Each has a copy of the dataset, as shallow as copy.copy makes
    it, and a default generator of its own; `random` and `numpy.random` are everybody's.
    """

    def __init__(self, job: Job):
        self.answers: SimpleQueue = SimpleQueue()
        self.stopped = threading.Event()
        self.tasks: list[SimpleQueue] = [SimpleQueue() for _ in range(job.num_workers)]
        for worker, tasks in enumerate(self.tasks):
            own = replace(job, id=worker, dataset=_copied(job.dataset))
            threading.Thread(
                target=_work_in_thread,
                args=(own, tasks, self.answers, self.stopped),
                name=f"numbatorch-data-{worker}",
                daemon=True,
            ).start()

    def send(self, worker: int, task: Any) -> None:
        self.tasks[worker].put(task)

    def receive(self, timeout: float | None) -> tuple[int, int | None, Any]:
        """The next answer. Raises TimeoutError, or RuntimeError where a worker is gone."""
        try:
            worker, number, batch = self.answers.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None
        if isinstance(batch, _Gone):
            raise RuntimeError(f"DataLoader worker (thread {worker}) exited unexpectedly") from batch.error
        return worker, number, batch

    def close(self) -> None:
        """Let the workers go."""
        self.stopped.set()
        for tasks in self.tasks:
            tasks.put(None)


@dataclass
class _Gone:
    """The last word of a thread that ended on something that is no Exception."""

    error: BaseException


def _copied(dataset: Any) -> Any:
    try:
        return copy.copy(dataset)
    except Exception:
        return dataset


def _work_in_thread(job: Job, tasks: SimpleQueue, answers: SimpleQueue, stopped: threading.Event) -> None:
    nt_random.own_generator(job.seed)
    _this_thread.info = WorkerInfo(job.id, job.num_workers, job.seed, job.dataset, "thread")

    def receive() -> Any:
        task = tasks.get()
        return None if stopped.is_set() else task

    try:
        serve(job, receive, lambda number, batch: answers.put((job.id, number, batch)))
    except BaseException as error:
        answers.put((job.id, None, _Gone(error)))
