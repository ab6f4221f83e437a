"""From numbers of samples to a batch: what a loader does, in this process or in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from numbatorch.tensor import Tensor
from numbatorch.utils.data._utils.collate import collate_tensor_fn, default_collate, default_collate_fn_map
from numbatorch.utils.data.dataset import makes_batches


def fetcher(
    dataset: Any, streaming: bool, batches: bool, collate_fn: Callable, drop_last: bool
) -> Callable[[Any], Any]:
    """The function that makes a batch of a list of numbers, or, unless `batches`, of one number a sample.

    Of a stream it takes as many samples as the list is long, and raises StopIteration at its end.
    """
    if streaming:
        samples = iter(dataset)
        if batches:
            return lambda numbers: collate_fn(_next_samples(samples, len(numbers), drop_last))
        return lambda number: collate_fn(next(samples))
    if not batches:
        return lambda number: collate_fn(dataset[number])
    plain = default_collate_fn_map.get(Tensor) is collate_tensor_fn
    if collate_fn is default_collate and plain and makes_batches(dataset):
        return dataset.batch
    if getattr(dataset, "__getitems__", None):
        return lambda numbers: collate_fn(dataset.__getitems__(numbers))
    return lambda numbers: collate_fn([dataset[number] for number in numbers])


def _next_samples(samples: Iterator, count: int, drop_last: bool) -> list:
    batch = list(islice(samples, count))
    if not batch or (drop_last and len(batch) < count):
        raise StopIteration
    return batch
