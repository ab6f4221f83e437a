"""Data loading against PyTorch: the same order from the same seed, and the same batches."""

from collections import namedtuple

import numpy as np
import pytest

import numbatorch
import numbatorch.utils.data

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.data")

Point = namedtuple("Point", ["x", "y"])


def both(make):
    results = []
    for t in (numbatorch, torch):
        t.manual_seed(7)
        results.append(make(t, t.utils.data))
    return results


def plain(value):
    """Tensors as (dtype, list), containers as they are."""
    if hasattr(value, "tolist") and hasattr(value, "requires_grad"):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


@pytest.mark.parametrize(
    "order",
    [
        lambda t, d: [list(d.RandomSampler(range(10))), list(d.RandomSampler(range(10)))],
        lambda t, d: list(d.RandomSampler(range(10), replacement=True, num_samples=70)),
        lambda t, d: list(d.RandomSampler(range(10), num_samples=25)),
        lambda t, d: [
            list(d.RandomSampler(range(5), generator=g))
            for g in [t.Generator().manual_seed(2)]
            for _ in range(3)
        ],
        lambda t, d: list(d.SubsetRandomSampler([3, 1, 4, 1, 5])),
        lambda t, d: list(d.WeightedRandomSampler([0.1, 0.2, 0.3, 0.4], 30)),
        lambda t, d: list(d.WeightedRandomSampler([0.1, 0.2, 0.3, 0.4], 3, replacement=False)),
        lambda t, d: [part.indices for part in d.random_split(range(20), [0.5, 0.3, 0.2])],
        lambda t, d: [
            part.indices for part in d.random_split(range(20), [15, 5], t.Generator().manual_seed(1))
        ],
        lambda t, d: [plain(b) for _ in range(3) for b in d.DataLoader(range(11), 3, shuffle=True)],
        lambda t, d: [
            plain(b)
            for g in [t.Generator().manual_seed(1)]
            for _ in range(3)
            for b in d.DataLoader(range(12), 3, shuffle=True, generator=g)
        ],
        lambda t, d: [
            plain(b)
            for _ in range(2)
            for b in d.DataLoader(
                d.TensorDataset(t.arange(9), t.arange(9) * 0.5), 4, shuffle=True, drop_last=True
            )
        ],
        lambda t, d: ([list(d.DataLoader(range(3), 2)) and None for _ in range(2)], t.rand(3).tolist()),
    ],
)
def test_the_same_order(order):
    ours, theirs = both(order)
    assert ours == theirs


@pytest.mark.parametrize(
    "samples",
    [
        lambda t: [1, 2, 3],
        lambda t: [1.5, 2.5],
        lambda t: [True, False],
        lambda t: ["a", "b"],
        lambda t: [b"a", b"b"],
        lambda t: [t.ones(2), t.zeros(2)],
        lambda t: [(t.ones(1), 1), (t.zeros(1), 2)],
        lambda t: [[1, 2.0], [3, 4.0]],
        lambda t: [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}],
        lambda t: [Point(1, 2), Point(3, 4)],
        lambda t: [np.ones(2), np.zeros(2)],
        lambda t: [np.float32(1), np.float32(2)],
        lambda t: [np.int16(1), np.int16(2)],
        lambda t: [np.bool_(True), np.bool_(False)],
        lambda t: [range(2), range(2)],
    ],
)
def test_the_same_batches(samples):
    ours, theirs = both(
        lambda t, d: (plain(d.default_collate(samples(t))), plain([d.default_convert(s) for s in samples(t)]))
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "call",
    [
        lambda t, d: d.default_collate([object()]),
        lambda t, d: d.default_collate([[1], [1, 2]]),
        lambda t, d: d.default_collate([np.array("a")]),
        lambda t, d: d.DataLoader([1], batch_size=0),
        lambda t, d: d.DataLoader([1], num_workers=-1),
        lambda t, d: d.DataLoader([1], timeout=-1),
        lambda t, d: d.DataLoader([1], persistent_workers=True),
        lambda t, d: d.DataLoader([1], prefetch_factor=1),
        lambda t, d: d.DataLoader([1], multiprocessing_context="fork"),
        lambda t, d: d.DataLoader([1], shuffle=True, sampler=[0]),
        lambda t, d: d.DataLoader([1], batch_size=None, drop_last=True),
        lambda t, d: d.DataLoader([1], batch_size=3, batch_sampler=[[0]]),
        lambda t, d: d.DataLoader([], shuffle=True),
        lambda t, d: d.random_split([1, 2], [3]),
        lambda t, d: d.random_split([1, 2], [1.5, -0.5]),
        lambda t, d: d.TensorDataset(t.ones(1), t.ones(2)),
        lambda t, d: d.ConcatDataset([]),
        lambda t, d: d.ConcatDataset([[1]])[-2],
        lambda t, d: d.Dataset()[0],
        lambda t, d: d.WeightedRandomSampler([1.0], 0),
    ],
)
def test_complaints(call):
    def attempt(t, d):
        try:
            return call(t, d)
        except Exception as error:
            return type(error).__name__, str(error)

    ours, theirs = both(attempt)
    assert ours == theirs
