"""Datasets: things with samples, by number or one after the other."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from numbatorch.ops import randperm
from numbatorch.ops import tensor as as_index
from numbatorch.tensor import Tensor

if TYPE_CHECKING:
    from numbatorch.random import Generator

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """A dataset whose samples have numbers: a subclass defines `__getitem__(index)` and, for most uses,
    `__len__()`.

    It may define `__getitems__(indices)`, the list of several samples, where that is faster than one by one.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index, index * index
    >>> Squares()[3]
    (3, 9)
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample], Iterable[Sample]):
    """A dataset that is a stream of samples: a subclass defines `__iter__()`.

    Each worker of a loader goes through the stream on its own: `get_worker_info()` tells it its share.
    """

    def __add__(self, other: Dataset) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the i-th rows of the tensors.

    >>> TensorDataset(torch.arange(3), torch.tensor([5.0, 6.0, 7.0]))[1]
    (tensor(1), tensor(6.))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)

    def batch(self, indices: Sequence[int]) -> list[Tensor]:
        """The samples with these numbers as a batch: one indexing operation a tensor."""
        index = as_index(indices)
        return [tensor[index] for tensor in self.tensors]


class Subset(Dataset[Sample]):
    """The samples of `dataset` with the given numbers, in that order."""

    def __init__(self, dataset: Dataset[Sample], indices: Sequence[int]) -> None:
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__. When subclassing Subset and "
                "overriding __getitem__, you must also override __getitems__ to ensure DataLoader works "
                "correctly with your custom logic. A simple implementation:\n\n"
                "def __getitems__(self, indices):\n    return [self.__getitem__(idx) for idx in indices]"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Sample:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        chosen = [self.indices[i] for i in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__(chosen)  # type: ignore[attr-defined]
        return [self.dataset[i] for i in chosen]

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, indices: Sequence[int]) -> list[Tensor]:
        """The samples with these numbers as a batch, where `dataset` can make one; see `makes_batches`."""
        return self.dataset.batch([self.indices[i] for i in indices])  # type: ignore[attr-defined]


def makes_batches(dataset: Any) -> bool:
    """Whether `dataset.batch` gives what collating single samples would: for a TensorDataset, one that says
    so (`makes_batches`, as the images of `vision` do), and Subsets of one.
    """
    cls = type(dataset)
    if isinstance(dataset, TensorDataset):
        return cls.__getitem__ is TensorDataset.__getitem__ and not hasattr(cls, "__getitems__")
    if cls is Subset:
        return makes_batches(dataset.dataset)
    return getattr(dataset, "makes_batches", False) is True and not hasattr(cls, "__getitems__")


class StackDataset(Dataset):
    """Sample i is the tuple of the i-th samples of several datasets, or, where they are given by name, the
    dict of them.

    >>> StackDataset(image=[1, 2], label=["a", "b"])[1]
    {'image': 2, 'label': 'b'}
    """

    datasets: tuple | dict

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, "
                "but both types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        parts = args or tuple(kwargs.values())
        if any(len(part) != len(parts[0]) for part in parts):
            raise ValueError("Size mismatch between datasets")
        self.datasets = args or kwargs
        self._length = len(parts[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: part[index] for name, part in self.datasets.items()}
        return tuple(part[index] for part in self.datasets)

    def __getitems__(self, indices: Sequence[int]) -> list:
        if isinstance(self.datasets, dict):
            columns = [_several(part, indices) for part in self.datasets.values()]
            return [dict(zip(self.datasets, row)) for row in zip(*columns)]
        return list(zip(*[_several(part, indices) for part in self.datasets]))

    def __len__(self) -> int:
        return self._length


def _several(dataset: Any, indices: Sequence[int]) -> list:
    """The samples with these numbers."""
    if not callable(getattr(dataset, "__getitems__", None)):
        return [dataset[i] for i in indices]
    samples = dataset.__getitems__(indices)
    if len(samples) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(samples)}"
        )
    return samples


class ConcatDataset(Dataset[Sample]):
    """The samples of several datasets, one dataset after the other."""

    datasets: list[Dataset[Sample]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[Sample]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Sample:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        number = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[number - 1] if number else 0
        return self.datasets[number][index - before]


class ChainDataset(IterableDataset[Sample]):
    """The samples of several streams, one stream after the other."""

    def __init__(self, datasets: Iterable[Dataset[Sample]]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset[Sample]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self) -> Iterator[Sample]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self._streams()))  # type: ignore[arg-type]


def random_split(
    dataset: Dataset[Sample], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[Sample]]:
    """Split a dataset at random into parts of these lengths, or of these fractions, which then sum to 1.

    >>> [len(part) for part in random_split(TensorDataset(torch.zeros(10)), [0.7, 0.3])]
    [7, 3]
    """
    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths(lengths, total)
    if sum(lengths) != total:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = randperm(total, generator=generator).tolist()
    ends = accumulate(lengths)
    return [Subset(dataset, order[end - length : end]) for length, end in zip(lengths, ends, strict=True)]


def _lengths(fractions: Sequence[float], total: int) -> list[int]:
    """The lengths of these fractions of `total`; what rounding down leaves over goes to the first parts, one
    each.
    """
    for place, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {place} is not between 0 and 1")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for place in range(total - sum(lengths)):
        lengths[place % len(lengths)] += 1
    for place, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {place} is 0. This might result in an empty dataset.", stacklevel=3
            )
    return lengths
