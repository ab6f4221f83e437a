"""Workers of a loader that are processes."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from dataclasses import replace
from multiprocessing import connection
from pickle import PickleBuffer, Pickler, PicklingError, dumps, loads
from queue import SimpleQueue
from types import FunctionType
from typing import Any

import numpy as np

from numbatorch.random import manual_seed
from numbatorch.utils.data.workers import Failure, Job, WorkerInfo, serve, set_worker_info
from numbatorch_kernels.parallel import set_num_threads

GRACE = 5.0  # seconds that a process gets to end by itself


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
    set_num_threads(1)
    random.seed(job.seed)
    manual_seed(job.seed)
    words = [job.id, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))  # PyTorch has copied this hash of NumPy's
    set_worker_info(WorkerInfo(job.id, job.num_workers, job.seed, job.dataset))
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
