"""One pass over a loader: in this process, or with workers."""

from __future__ import annotations

import itertools
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from numbatorch import cuda, pytree
from numbatorch.utils.data.dataset import IterableDataset
from numbatorch.utils.data.fetch import fetcher
from numbatorch.utils.data.sampler import draw_seed
from numbatorch.utils.data.workers import Failure, Job, Threads, Word

if TYPE_CHECKING:
    from numbatorch.utils.data.dataloader import DataLoader
    from numbatorch.utils.data.processes import Processes


class _Pass:
    """What both have in common: the order, the seed for the workers, and the count."""

    def __init__(self, loader: DataLoader):
        self._pins = loader.pin_memory and _can_pin(loader.pin_memory_device)
        self._index_sampler = loader._index_sampler
        self._streaming = isinstance(loader.dataset, IterableDataset)
        self._dataset = loader.dataset
        self._num_workers = loader.num_workers
        self._begin(loader)
        # Drawn without workers, too: what comes next depends on it.
        self._base_seed = draw_seed(loader.generator)

    def _begin(self, loader: DataLoader) -> None:
        self._numbers = iter(self._index_sampler)
        self._promised = loader._promised
        self._given = 0

    def __iter__(self) -> Any:
        return self

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __reduce__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)

    def _count(self) -> None:
        """Warn where a stream gives more than its length promised."""
        self._given += 1
        if self._promised is None or self._given <= self._promised:
            return
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {self._promised}(when accessing "
            f"len(dataloader)), but {self._given} samples have been fetched. "
        )
        if self._num_workers:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(text, stacklevel=3)


class LoaderIterator(_Pass):
    """A pass in this process."""

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        batches = loader.batch_sampler is not None
        self._fetch = fetcher(loader.dataset, self._streaming, batches, loader.collate_fn, loader.drop_last)

    def __next__(self) -> Any:
        batch = self._fetch(next(self._numbers))
        if self._streaming:
            self._count()
        return _pinned(batch) if self._pins else batch


class WorkerIterator(_Pass):
    """A pass with workers. Each has up to `prefetch_factor` tasks; they take turns.

    _owner   by task: the worker that has it
    _ready   by task: the batch that came before its turn, and its worker
    """

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        if loader.prefetch_factor == 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._most = loader.prefetch_factor * self._num_workers  # type: ignore[operator]
        self._persistent = loader.persistent_workers
        job = Job(
            loader.dataset,
            self._streaming,
            loader.batch_sampler is not None,
            loader.collate_fn,
            loader.drop_last,
            loader.worker_init_fn,
            self._base_seed,
            self._num_workers,
        )
        self._crew = _crew(job, loader.multiprocessing_context)
        self._close = weakref.finalize(self, self._crew.close)
        self._start(loader)

    def _start(self, loader: DataLoader) -> None:
        self._begin(loader)
        self._turns = itertools.cycle(range(self._num_workers))
        self._working = [True] * self._num_workers
        self._tasks_of = [0] * self._num_workers
        self._owner: dict[int, int] = {}
        self._ready: dict[int, tuple[int, Any]] = {}
        self._next = self._sent = 0
        for _ in range(self._most):
            self._send()

    def restart(self, loader: DataLoader) -> None:
        """Begin again with the same workers; what is left of the last pass is thrown away."""
        for worker in range(self._num_workers):
            self._crew.send(worker, Word.RESUME)
        resumed = 0
        while resumed < self._num_workers:
            resumed += self._receive()[2] is Word.RESUME
        self._start(loader)

    def _send(self) -> None:
        """Give out one more task, if there is one."""
        if not any(self._working):
            return
        wanted = next(self._numbers, _NOTHING)
        if wanted is _NOTHING:
            return
        if self._in_order:
            worker = next(w for w in self._turns if self._working[w])
        else:
            working = [w for w in range(self._num_workers) if self._working[w]]
            worker = min(working, key=self._tasks_of.__getitem__)
        self._owner[self._sent] = worker
        self._tasks_of[worker] += 1
        self._crew.send(worker, (self._sent, wanted))
        self._sent += 1

    def _receive(self) -> tuple[int, int | None, Any]:
        try:
            return self._crew.receive(self._timeout or None)
        except TimeoutError:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except RuntimeError:
            self._owner.clear()
            self._ready.clear()
            self._close()
            raise

    def __next__(self) -> Any:
        while self._owner or self._ready:
            if self._in_order:
                while self._next not in self._owner and self._next not in self._ready:
                    self._next += 1  # a task that a stream had no more samples for
                if self._next in self._ready:
                    return self._give(*self._ready.pop(self._next))
            worker, number, batch = self._receive()
            assert number is not None
            del self._owner[number]
            if batch is Word.END:
                self._working[worker] = False
                self._send()
            elif self._in_order:
                self._ready[number] = worker, batch
            else:
                return self._give(worker, batch)
        if not self._persistent:
            self._close()
        raise StopIteration

    def _give(self, worker: int, batch: Any) -> Any:
        self._tasks_of[worker] -= 1
        self._send()
        if isinstance(batch, Failure):
            batch.reraise()
        if self._streaming:
            self._count()
        return _pinned(batch) if self._pins else batch


_NOTHING = object()


def _crew(job: Job, context: Any) -> Threads | Processes:
    if context is None:
        return Threads(job)
    from numbatorch.utils.data.processes import Processes

    return Processes(job, context)


def _pinned(batch: Any) -> Any:
    """The batch with its tensors in memory from which a GPU copies by itself."""
    return pytree.tree_map(lambda x: x.pin_memory() if hasattr(x, "pin_memory") else x, batch)


def _can_pin(device: str) -> bool:
    """Whether there is a device to pin memory for; warns as PyTorch does."""
    if device:
        warnings.warn(
            "pin_memory_device is deprecated, the current accelerator will be used as the device,ignore "
            f"pin_memory_device='{device}'.",
            stacklevel=5,
        )
    if cuda.is_available():
        return True
    warnings.warn(
        "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
        "won't be used.",
        stacklevel=5,
    )
    return False
