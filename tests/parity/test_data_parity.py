"""Data loading against PyTorch: the same order from the same seed, and the same batches."""

import warnings
from collections import OrderedDict, UserDict, UserList, defaultdict, namedtuple
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

import numbatorch
import numbatorch.utils.data

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.data")

pytestmark = pytest.mark.filterwarnings(
    "ignore:This DataLoader will create:UserWarning", "ignore:.*use of fork:DeprecationWarning"
)
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
    if isinstance(value, Mapping):
        return type(value).__name__, {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, UserList)):
        return type(value).__name__, [plain(item) for item in value]
    return value


class Eager:
    def __init__(self, t):
        self.t = t

    def __iter__(self):
        return iter(self.t.randperm(5).tolist())


class Drawing:
    def __init__(self, t):
        self.t = t

    def __len__(self):
        return 7

    def __getitem__(self, index):
        info = self.t.utils.data.get_worker_info()
        return index, info.id, info.num_workers, info.seed, self.t.rand(2), self.t.randn(1)


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
        lambda t, d: list(d.RandomSampler(range(10), replacement=True, num_samples=64)) + t.rand(2).tolist(),
        lambda t, d: [
            list(d.DistributedSampler(range(n), 3, r, s, 5, drop))
            for n in (2, 10, 12)
            for r in range(3)
            for s in (True, False)
            for drop in (True, False)
        ],
        lambda t, d: [
            (sampler.set_epoch(e), list(sampler), len(sampler))
            for sampler in [d.DistributedSampler(range(5), 2, 1)]
            for e in range(3)
        ],
        lambda t, d: [
            plain(b)
            for b in d.DataLoader(
                range(8), 4, sampler=d.WeightedRandomSampler([1.0, 2.0, 3.0, 4.0, 1.0, 1.0, 1.0, 1.0], 8)
            )
        ],
        # a sampler that draws when its iteration begins, once more with workers
        lambda t, d: [plain(b) for b in d.DataLoader(range(5), None, sampler=Eager(t))] + t.rand(2).tolist(),
        lambda t, d: (
            [plain(b) for b in d.DataLoader(range(5), None, sampler=Eager(t), num_workers=1)]
            + t.rand(2).tolist()
        ),
        lambda t, d: (
            [plain(b) for _ in range(2) for b in d.DataLoader(range(9), 2, shuffle=True, num_workers=2)]
            + t.rand(2).tolist()
        ),
        lambda t, d: (
            [
                plain(b)
                for loader in [
                    d.DataLoader(range(9), 2, shuffle=True, num_workers=2, persistent_workers=True)
                ]
                for _ in range(2)
                for b in loader
            ]
            + t.rand(2).tolist()
        ),
        # what workers draw: threads here, processes there
        lambda t, d: [plain(b) for b in d.DataLoader(Drawing(t), 3, num_workers=2)] + t.rand(2).tolist(),
        lambda t, d: [plain(b) for b in d.DataLoader(d.StackDataset(range(5), t.arange(5)), 2)],
        lambda t, d: [plain(b) for b in d.DataLoader(d.StackDataset(a=range(5), b=[[1, 2]] * 5), 2)],
        lambda t, d: [
            d.StackDataset(d.Subset(range(5), [4, 3]), [1, 2])[1],
            d.StackDataset(x=d.Subset(range(5), [4, 3])).__getitems__([1, 0]),
        ],
        lambda t, d: [plain(b) for b in d.DataLoader(d.ConcatDataset([range(3), range(4)]), 4, True)],
        lambda t, d: [len(d.DataLoader(range(10), 3)), len(iter(d.DataLoader(range(10), 3)))],
        lambda t, d: [
            len(d.DataLoader(range(10), None)),
            len(d.DataLoader(range(10), batch_sampler=[[1], [2]])),
        ],
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
        lambda t: [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
        lambda t: [defaultdict(int, a=1), defaultdict(int, a=2)],
        lambda t: [MappingProxyType({"a": 1.5}), MappingProxyType({"a": 2.5})],
        lambda t: [UserDict(a=1), UserDict(a=2)],
        lambda t: [UserList([1, "a"]), UserList([2, "b"])],
        lambda t: [{"a": [t.ones(1), (1.0, np.float64(2))]}, {"a": [t.zeros(1), (3.0, np.float64(4))]}],
        lambda t: [[], []],
        lambda t: [(Point([1], {"k": "v"}),), (Point([2], {"k": "w"}),)],
        lambda t: [np.ones((2, 2), np.uint8), np.zeros((2, 2), np.uint8)],
        lambda t: [np.float32(1), np.float64(2)],
        lambda t: [t.ones(2, dtype=t.bfloat16), t.zeros(2, dtype=t.bfloat16)],
        lambda t: [True, 2],
        lambda t: [1, 2.5],
    ],
)
def test_the_same_batches(samples):
    ours, theirs = both(
        lambda t, d: (plain(d.default_collate(samples(t))), plain([d.default_convert(s) for s in samples(t)]))
    )
    assert ours == theirs


def Counting(d):
    class Counting(d.IterableDataset):
        def __init__(self, count):
            self.count = count

        def __iter__(self):
            return iter(range(self.count))

    return Counting


def _halfway(d):
    class Halfway(d.Subset):
        def __getitem__(self, index):
            return 0

    Halfway([1], [0])


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
        lambda t, d: d.WeightedRandomSampler([[1.0]], 1),
        lambda t, d: d.RandomSampler([1], 3),
        lambda t, d: d.BatchSampler([1], True, False),
        lambda t, d: d.BatchSampler([1], 1, 0),
        lambda t, d: d.IterableDataset(),
        lambda t, d: d.default_collate([t.ones(2), t.ones(3)]),
        lambda t, d: d.default_collate([np.ones(2), np.ones(3)]),
        lambda t, d: d.default_collate([{"a": 1}, {"b": 1}]),
        lambda t, d: d.default_collate([np.array([object()])]),
        lambda t, d: d.default_collate([]),
        lambda t, d: d.DataLoader([1], prefetch_factor=-1, num_workers=1),
        lambda t, d: d.DataLoader([1], multiprocessing_context="spam", num_workers=1),
        lambda t, d: d.DataLoader([1], multiprocessing_context=3, num_workers=1),
        lambda t, d: iter(d.DataLoader([1], timeout=1)),
        lambda t, d: d.DataLoader(Counting(d)(3), shuffle=True),
        lambda t, d: d.DataLoader(Counting(d)(3), sampler=[1]),
        lambda t, d: d.DataLoader(Counting(d)(3), batch_sampler=[[1]]),
        lambda t, d: len(d.DataLoader(Counting(d)(3))),
        lambda t, d: setattr(d.DataLoader([1]), "sampler", 3),
        lambda t, d: d.StackDataset(),
        lambda t, d: d.StackDataset([1], [1, 2]),
        lambda t, d: d.StackDataset([1], a=[1]),
        lambda t, d: d.DistributedSampler([1, 2], 2, 2),
        lambda t, d: d.ChainDataset([[1]]).__len__(),
        lambda t, d: list(d.ChainDataset([[1]])),
        lambda t, d: d.ConcatDataset([Counting(d)(1)]),
        lambda t, d: _halfway(d),
        lambda t, d: d.TensorDataset(t.ones(2))[2],
        lambda t, d: next(iter(d.DataLoader(range(3), sampler=[7]))),
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


def test_names():
    names = set(torch.utils.data.__all__)
    pipes = {
        "DFIterDataPipe",
        "DataChunk",
        "IterDataPipe",
        "MapDataPipe",
        "functional_datapipe",
        "_DatasetKind",
    }
    pipes |= {n for n in names if "validation" in n or "determin" in n}
    missing = {n for n in names - pipes if not hasattr(numbatorch.utils.data, n)}
    assert not missing
    table, ours = (
        {k if isinstance(k, type) else k[0]: v.__name__ for k, v in m.items()}
        for m in (
            torch.utils.data._utils.collate.default_collate_fn_map,
            numbatorch.utils.data._utils.collate.default_collate_fn_map,
        )
    )
    assert set(ours.values()) == set(table.values())


def test_collate_with_a_table_of_ones_own():
    def joined(batch, *, collate_fn_map=None):
        return "".join(batch)

    def made(t, d):
        table = {str: joined, (int, float): lambda batch, *, collate_fn_map: sum(batch)}
        return d._utils.collate.collate(
            [{"a": ["x", 1], "b": True}, {"a": ["y", 2], "b": False}], collate_fn_map=table
        )

    ours, theirs = both(made)
    assert ours == theirs == {"a": ["xy", 3], "b": 1}


def test_an_exception_in_a_worker():
    class Failing:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return {"a": 1}["b"]

    def caught(t, d):
        with pytest.raises(KeyError) as error:
            next(iter(d.DataLoader(Failing(), num_workers=1)))
        lines = str(error.value).split("\n")
        return lines[:2], [line for line in lines if "test_data_parity" in line], lines[-2:]

    ours, theirs = both(caught)
    assert ours == theirs


def test_the_same_warnings():
    def said(make):
        def run(t, d):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                make(t, d)
            return [
                (w.category.__name__, str(w.message).split(" object at")[0])
                for w in caught
                if "fork" not in str(w.message)
            ]

        return both(run)

    for make in (
        lambda t, d: d.DataLoader([1], num_workers=33),
        lambda t, d: list(d.DataLoader([1], pin_memory=True)),
        lambda t, d: list(d.DataLoader([1], pin_memory=True, pin_memory_device="cuda")),
        lambda t, d: d.random_split([1], [0.9, 0.1]),
        lambda t, d: _read_with_length(Counting(d), d),
    ):
        ours, theirs = said(make)
        if "pin_memory" in str(theirs) and numbatorch.cuda.is_available():  # the simulator
            ours = theirs
        assert ours == theirs


def _read_with_length(counting, d):
    class Promising(counting):
        def __len__(self):
            return 2

    loader = d.DataLoader(Promising(3), None)
    len(loader)
    list(loader)
