"""Workers: threads or processes that make batches for a loader.

A worker gets tasks, `(number, what to fetch)`, and answers each with `(worker, number, batch)`, where the
batch may be a `Failure`, or Word.END where a stream has no more. `Threads` and `Processes` differ in how tasks and
answers travel.
"""

from __future__ import annotations

import copy
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from multiprocessing import connection
from pickle import PickleBuffer, Pickler, PicklingError, dumps, loads
from queue import Empty, SimpleQueue
from types import FunctionType
from typing import Any

import numpy as np

from numbatorch import random as nt_random
from numbatorch.utils.data.fetch import fetcher
from numbatorch_kernels.parallel import set_num_threads

GRACE = 5.0  # seconds that a process gets to end by itself


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
_this_process: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a `DataLoader`: its number and how many there are (see `WorkerInfo`). None elsewhere."""
    return _this_thread.info or _this_process


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


# ---- processes


class Processes:
    """Workers that are processes. What they are given and what they answer is pickled; arrays go through the
    pipe without a further copy.
    """

    def __init__(self, job: Job, context: Any):
        if context.get_start_method() != "fork":
            _check_importable(job)
        self.pipes, self.processes = [], []
        try:
            for worker in range(job.num_workers):
                here, there = context.Pipe()
                process = context.Process(
                    target=_work_in_process, args=(replace(job, id=worker), there), daemon=True
                )
                self.pipes.append(here)
                process.start()
                self.processes.append(process)
                there.close()  # now a worker that dies closes the pipe
        except BaseException:
            self.close()
            raise

    def send(self, worker: int, task: Any) -> None:
        try:
            self.pipes[worker].send(task)
        except OSError:
            raise self._lost(worker) from None

    def receive(self, timeout: float | None) -> tuple[int, int | None, Any]:
        """The next answer. Raises TimeoutError, or RuntimeError where a worker is gone."""
        ready = connection.wait([*self.pipes, *(p.sentinel for p in self.processes)], timeout)
        if not ready:
            raise TimeoutError
        for worker, (pipe, process) in enumerate(zip(self.pipes, self.processes)):
            if pipe in ready:
                try:
                    return worker, *_read(pipe)
                except (EOFError, OSError):
                    raise self._lost(worker) from None
            if process.sentinel in ready:
                raise self._lost(worker)
        raise AssertionError("something was ready")

    def _lost(self, worker: int) -> RuntimeError:
        process = self.processes[worker]
        process.join(GRACE)
        code = process.exitcode
        how = f"its exit code is {code}"
        if code is not None and code < 0:
            how = f"it was ended by signal {signal.Signals(-code).name}"
        return RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly\n{how}")

    def close(self) -> None:
        """Let the workers go; those that do not go by themselves are ended."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(GRACE)
            if process.is_alive():
                process.terminate()
                process.join(GRACE)


def _work_in_process(job: Job, pipe: Any) -> None:
    global _this_process
    set_num_threads(1)
    random.seed(job.seed)
    nt_random.manual_seed(job.seed)
    words = [job.id, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))  # PyTorch has copied this hash of NumPy's
    _this_process = WorkerInfo(job.id, job.num_workers, job.seed, job.dataset)
    parent = _parent_sentinel()
    outgoing: SimpleQueue = SimpleQueue()  # so that the next batch can be begun while this one is read
    sender = threading.Thread(target=_send_all, args=(outgoing, pipe), daemon=True)
    sender.start()

    def receive() -> Any:
        connection.wait([pipe, parent])
        if not sender.is_alive() or not pipe.poll():
            return None
        try:
            return pipe.recv()
        except (EOFError, OSError):
            return None

    def answer(number: int | None, batch: Any) -> None:
        outgoing.put(_packed(job.id, number, batch))

    try:
        serve(job, receive, answer)
    except KeyboardInterrupt:
        pass  # the main process hears of it too, and is the one that speaks
    outgoing.put(None)
    sender.join()


def _parent_sentinel() -> Any:
    from multiprocessing import parent_process

    process = parent_process()
    assert process is not None, "this is a worker"
    return process.sentinel


def _packed(worker: int, number: int | None, batch: Any) -> list:
    """An answer as bytes: how many arrays follow, the pickle without them, and they."""
    buffers: list[PickleBuffer] = []
    try:
        head = dumps((number, batch), protocol=5, buffer_callback=buffers.append)
    except Exception as error:
        if isinstance(batch, Failure):  # of a class that does not pickle
            batch.type = RuntimeError
        else:
            batch = Failure(error, worker)
        return _packed(worker, number, batch)
    return [len(buffers).to_bytes(4, "little") + head, *(buffer.raw() for buffer in buffers)]


def _send_all(outgoing: SimpleQueue, pipe: Any) -> None:
    try:
        while (parts := outgoing.get()) is not None:
            for part in parts:
                pipe.send_bytes(part)
    except OSError:
        pass  # the loader is gone, or does not want any more


def _read(pipe: Any) -> tuple[int | None, Any]:
    """The other side of `_packed`. The arrays are writable."""
    head = pipe.recv_bytes()
    buffers = [bytearray(pipe.recv_bytes()) for _ in range(int.from_bytes(head[:4], "little"))]
    return loads(memoryview(head)[4:], buffers=buffers)


class _MainNames(Pickler):
    """Notes the classes and functions of __main__ that a pickle would refer to by name."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), protocol=5)
        self.names: list[str] = []

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, type | FunctionType) and value.__module__ == "__main__":
            self.names.append(value.__qualname__)
        return NotImplemented


class _Nowhere:
    def write(self, data: Any) -> int:
        return len(data)


def _check_importable(job: Job) -> None:
    """Raises RuntimeError, or what the pickling raised, where a new process could not get at the job."""
    found = _MainNames()
    try:
        found.dump(job)
    except (TypeError, AttributeError, PicklingError) as error:
        error.add_note(
            "The workers of this DataLoader are processes: dataset, collate_fn and worker_init_fn are pickled "
            "for them. Without multiprocessing_context the workers are threads, which take anything."
        )
        raise
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if found.names and (file is None or not os.path.exists(file)):
        raise RuntimeError(
            f"DataLoader workers that are processes cannot import {', '.join(sorted(set(found.names)))}, "
            "defined in a notebook or at a prompt.\n"
            "Move it to a .py file and import it, or leave out multiprocessing_context: then the workers are "
            "threads, which need no import."
        )
