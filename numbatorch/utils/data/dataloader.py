"""`DataLoader`: batches of a dataset."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from numbatorch.utils.data.collate import default_collate, default_convert
from numbatorch.utils.data.dataset import IterableDataset, makes_batches
from numbatorch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    batched,
    draw_seed,
)

if TYPE_CHECKING:
    from numbatorch.random import Generator

_FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class DataLoader:
    """Iterates over a dataset in batches, as often as one likes.

    batch_size      samples in a batch; None gives single samples
    shuffle         a new random order each time; from the same seed it is PyTorch's order
    sampler         the order, as an iterable of numbers
    batch_sampler   the batches, as an iterable of lists of numbers
    drop_last       leave out a last batch that is not full
    collate_fn      makes a batch of a list of samples; see `default_collate`
    generator       where the random order comes from, instead of the default generator

    Everything is loaded in this process: `num_workers` above 0 gives a warning, and it, `pin_memory`,
    `timeout`, `worker_init_fn`, `multiprocessing_context`, `prefetch_factor`, `persistent_workers` and
    `in_order` change nothing.

    >>> loader = DataLoader(TensorDataset(torch.arange(5)), batch_size=2)
    >>> [batch.tolist() for batch, in loader]
    [[0, 1], [2, 3], [4]]
    """

    dataset: Any
    sampler: Any
    batch_sampler: Any

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        streaming = isinstance(dataset, IterableDataset)
        if streaming:
            for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None and value is not False:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                        f"{name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None and not streaming:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None and batch_size is not None and not streaming:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_size is None and batch_sampler is None else default_collate

        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_initialized" in self.__dict__:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        draw_seed(self.generator)  # PyTorch's seed for workers: drawn, so that what is drawn next is the same
        return self._stream() if isinstance(self.dataset, IterableDataset) else self._load()

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler)
        count = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def _load(self) -> Iterator[Any]:
        """The batches of a dataset whose samples have numbers."""
        dataset, collate = self.dataset, self.collate_fn
        if self.batch_sampler is None:
            for index in self.sampler:
                yield collate(dataset[index])
        elif collate is default_collate and makes_batches(dataset):
            for indices in self.batch_sampler:
                yield dataset.batch(indices)
        elif getattr(dataset, "__getitems__", None):
            for indices in self.batch_sampler:
                yield collate(dataset.__getitems__(indices))
        else:
            for indices in self.batch_sampler:
                yield collate([dataset[index] for index in indices])

    def _stream(self) -> Iterator[Any]:
        """The batches of a dataset that is a stream."""
        if self.batch_size is None:
            yield from map(self.collate_fn, self.dataset)
        else:
            yield from map(self.collate_fn, batched(self.dataset, self.batch_size, self.drop_last))


def _check_workers(
    num_workers: int,
    timeout: float,
    prefetch_factor: int | None,
    persistent_workers: bool,
    multiprocessing_context: Any,
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers > 0:
        warnings.warn(
            f"DataLoader(num_workers={num_workers}): numbatorch has no workers yet and loads the data in "
            "this process. Set num_workers=0 to silence this warning.",
            stacklevel=3,
        )
    elif prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to "
            "enable multiprocessing, otherwise set prefetch_factor to None."
        )
    elif persistent_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")
    elif multiprocessing_context is not None:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )


def get_worker_info() -> None:
    """In a worker process PyTorch returns what it knows of itself; there are no workers, so this is None."""
    return None
