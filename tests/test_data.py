"""`utils.data`: datasets, samplers, collation, the loader."""

from collections import namedtuple

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.utils import data
from numbatorch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset


class Squares(Dataset):
    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise IndexError(index)
        return index, index * index


class Stream(IterableDataset):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))

    def __len__(self):
        return self.count


# ---- datasets ----


def test_tensor_dataset():
    dataset = TensorDataset(torch.arange(4), torch.arange(8.0).view(4, 2))
    assert len(dataset) == 4
    number, row = dataset[2]
    assert number.item() == 2 and row.tolist() == [4.0, 5.0]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(torch.ones(2), torch.ones(3))


def test_subset_and_concat():
    subset = Subset(Squares(), [3, 5, 7])
    assert len(subset) == 3 and subset[1] == (5, 25) and subset.__getitems__([0, 2]) == [(3, 9), (7, 49)]
    both = Squares(2) + subset
    assert len(both) == 5 and [both[i][0] for i in range(5)] == [0, 1, 3, 5, 7] and both[-1] == (7, 49)
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        both[-6]
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        data.ConcatDataset([])
    chained = Stream(2) + Stream(3)
    assert list(chained) == [0, 1, 0, 1, 2] and len(chained) == 5
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        data.ConcatDataset([Stream(1)])


def test_subset_subclass_must_be_whole():
    class Halfway(Subset):
        def __getitem__(self, index):
            return 0

    with pytest.raises(NotImplementedError, match="overrides __getitem__ but not __getitems__"):
        Halfway(Squares(), [0])


def test_random_split():
    dataset = TensorDataset(torch.arange(10))
    parts = data.random_split(dataset, [7, 3], torch.Generator().manual_seed(0))
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(part[i][0].item() for part in parts for i in range(len(part))) == list(range(10))
    assert [len(part) for part in data.random_split(dataset, [0.5, 0.25, 0.25])] == [6, 2, 2]
    with pytest.raises(
        ValueError, match="Sum of input lengths does not equal the length of the input dataset!"
    ):
        data.random_split(dataset, [7, 4])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        data.random_split(dataset, [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        data.random_split(TensorDataset(torch.arange(1)), [0.9, 0.1])


# ---- samplers ----


def test_sequential_and_random_sampler():
    assert list(data.SequentialSampler(range(3))) == [0, 1, 2]
    sampler = data.RandomSampler(range(8), generator=torch.Generator().manual_seed(1))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == list(range(8)) and first != second and len(sampler) == 8
    more = list(data.RandomSampler(range(3), num_samples=8))
    assert len(more) == 8 and sorted(more[:3]) == sorted(more[3:6]) == [0, 1, 2] and len(set(more[6:])) == 2
    drawn = list(data.RandomSampler(range(5), replacement=True, num_samples=100))
    assert len(drawn) == 100 and set(drawn) == set(range(5))


def test_other_samplers():
    assert sorted(data.SubsetRandomSampler([3, 1, 4])) == [1, 3, 4]
    sampler = data.WeightedRandomSampler([0.0, 1.0, 0.0, 1.0], 20)
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 20 and set(drawn) <= {1, 3}
    assert sorted(data.WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]
    batches = data.BatchSampler(range(5), 2, drop_last=True)
    assert list(batches) == [[0, 1], [2, 3]] and len(batches) == 2
    assert len(data.BatchSampler(range(5), 2, drop_last=False)) == 3


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: data.RandomSampler([], False),
            ValueError,
            "num_samples should be a positive integer value, but got num_samples=0",
        ),
        (
            lambda: data.RandomSampler([1], 3),
            TypeError,
            "replacement should be a boolean value, but got replacement=3",
        ),
        (
            lambda: data.BatchSampler([1], 0, False),
            ValueError,
            "batch_size should be a positive integer value, but got batch_size=0",
        ),
        (
            lambda: data.BatchSampler([1], 1, None),
            ValueError,
            "drop_last should be a boolean value, but got drop_last=None",
        ),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError, "weights should be a 1d sequence"),
        (lambda: DataLoader([1], num_workers=-1), ValueError, "num_workers option should be non-negative"),
        (
            lambda: DataLoader([1], shuffle=True, sampler=[0]),
            ValueError,
            "sampler option is mutually exclusive with shuffle",
        ),
        (
            lambda: DataLoader([1], batch_size=2, batch_sampler=[[0]]),
            ValueError,
            "batch_sampler option is mutually exclusive with",
        ),
        (
            lambda: DataLoader([1], batch_size=None, drop_last=True),
            ValueError,
            "batch_size=None option disables auto-batching",
        ),
        (
            lambda: DataLoader(Stream(1), shuffle=True),
            ValueError,
            "expected unspecified shuffle option, but got shuffle=True",
        ),
        (
            lambda: DataLoader([1], prefetch_factor=2),
            ValueError,
            "prefetch_factor option could only be specified in multiprocessing",
        ),
        (
            lambda: setattr(DataLoader([1]), "batch_size", 3),
            ValueError,
            "batch_size attribute should not be set after DataLoader is initialized",
        ),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


# ---- collation ----


def test_default_collate():
    point = namedtuple("point", ["x", "y"])
    assert (
        data.default_collate([1, 2]).tolist() == [1, 2]
        and data.default_collate([True, False]).dtype is torch.bool
    )
    assert data.default_collate([1.0, 2.0]).dtype is torch.float64
    assert data.default_collate([np.float32(1), np.float32(2)]).dtype is torch.float32
    assert data.default_collate([np.ones(2, np.float32)] * 3).shape == (3, 2)
    assert data.default_collate(["a", "b"]) == ["a", "b"]
    batch = data.default_collate([{"x": torch.ones(2), "y": (1, "a")}, {"x": torch.zeros(2), "y": (2, "b")}])
    assert (
        batch["x"].tolist() == [[1, 1], [0, 0]]
        and batch["y"][0].tolist() == [1, 2]
        and batch["y"][1] == ("a", "b")
    )
    assert data.default_collate([point(1, 2), point(3, 4)]).y.tolist() == [2, 4]
    with pytest.raises(
        TypeError,
        match="batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class 'object'>",
    ):
        data.default_collate([object()])
    with pytest.raises(TypeError, match="found <U1"):
        data.default_collate([np.array("a")])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        data.default_collate([[1, 2], [1]])


def test_default_convert():
    converted = data.default_convert({"a": [np.ones(2), "text"], "b": (np.int64(3), 4)})
    assert isinstance(converted["a"][0], torch.Tensor) and converted["a"][1] == "text"
    assert converted["b"][0].item() == 3 and converted["b"][1] == 4


# ---- the loader ----


def test_batches():
    loader = DataLoader(Squares(5), batch_size=2)
    assert len(loader) == 3
    assert [[part.tolist() for part in batch] for batch in loader] == [
        [[0, 1], [0, 1]],
        [[2, 3], [4, 9]],
        [[4], [16]],
    ]
    dropping = DataLoader(Squares(5), batch_size=2, drop_last=True)
    assert len(dropping) == len(list(dropping)) == 2
    assert list(DataLoader(Squares(2), batch_size=None)) == [[0, 0], [1, 1]]
    assert [b[0].tolist() for b in DataLoader(Squares(), batch_sampler=[[1], [2, 3]])] == [[1], [2, 3]]
    assert next(iter(DataLoader(Squares(2), 2, collate_fn=lambda samples: samples))) == [(0, 0), (1, 1)]


def test_tensor_datasets_are_gathered_whole():
    x, y = torch.arange(12.0).view(6, 2), torch.arange(6)
    whole = list(DataLoader(TensorDataset(x, y), batch_size=4))
    single = list(
        DataLoader(
            TensorDataset(x, y), batch_size=4, collate_fn=lambda samples: data.default_collate(samples)
        )
    )
    for a, b in zip(whole, single):
        assert type(a) is list and all(torch.equal(p, q) for p, q in zip(a, b))
    part = Subset(Subset(TensorDataset(x, y), [5, 3, 1]), [2, 0])
    assert next(iter(DataLoader(part, batch_size=2)))[1].tolist() == [1, 5]
    batch = next(iter(DataLoader(TensorDataset(x), batch_size=2)))[0]
    batch.fill_(0)
    assert x[0].tolist() == [0.0, 1.0], "a batch is a copy"

    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * tensor for tensor in super().__getitem__(index))

    assert next(iter(DataLoader(Doubled(y), batch_size=6)))[0].tolist() == [0, 2, 4, 6, 8, 10]


def test_shuffling_is_reproducible():
    dataset = TensorDataset(torch.arange(10))

    def order(**options):
        return [
            i
            for (batch,) in DataLoader(dataset, batch_size=3, shuffle=True, **options)
            for i in batch.tolist()
        ]

    torch.manual_seed(3)
    first, second = order(), order()
    torch.manual_seed(3)
    assert order() == first and order() == second and first != second and sorted(first) == list(range(10))
    assert order(generator=torch.Generator().manual_seed(1)) == order(
        generator=torch.Generator().manual_seed(1)
    )


def test_streams():
    loader = DataLoader(Stream(5), batch_size=2)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3], [4]] and len(loader) == 3
    assert [batch.tolist() for batch in DataLoader(Stream(5), batch_size=2, drop_last=True)] == [
        [0, 1],
        [2, 3],
    ]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]


def test_lists_of_samples_and_getitems():
    class Many(Squares):
        def __getitems__(self, indices):
            return [(i, -i) for i in indices]

    assert DataLoader([1, 2, 3], batch_size=3).__iter__().__next__().tolist() == [1, 2, 3]
    assert next(iter(DataLoader(Many(), batch_size=2)))[1].tolist() == [0, -1]
