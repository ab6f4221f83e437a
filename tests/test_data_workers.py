"""Workers of a `DataLoader`: threads and processes."""

import gc
import multiprocessing
import sys
import threading
import time
import types

import pytest
import worker_datasets as w

import numbatorch as torch
from numbatorch.utils.data import DataLoader, Dataset, TensorDataset, get_worker_info

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
CREWS = [
    None,
    pytest.param("forkserver", marks=pytest.mark.skipif(sys.platform == "win32", reason="spawn only")),
]

multiprocessing.set_forkserver_preload(["worker_datasets"])  # imported once, not by every worker


def values(loader):
    return [batch.flatten().tolist() for batch in loader]


def worker_threads():
    return [t for t in threading.enumerate() if t.name.startswith("numbatorch-data")]


@pytest.mark.parametrize("context", CREWS)
def test_the_same_batches_in_the_same_order(context):
    loader = DataLoader(
        w.Numbers(), 3, num_workers=2, multiprocessing_context=context, persistent_workers=True
    )
    for _ in range(2):
        assert values(loader) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    next(iter(loader)).add_(1)  # batches can be written to
    assert values(loader) == [[0, 1, 2], [3, 4, 5], [6, 7]], "an unfinished pass is forgotten"


@pytest.mark.parametrize("context", CREWS)
def test_an_exception_in_a_worker(context):
    iterator = iter(DataLoader(w.Numbers(bad=2), num_workers=1, multiprocessing_context=context))
    assert next(iterator).item() == next(iterator).item() - 1 == 0
    with pytest.raises(KeyError) as caught:
        next(iterator)
    lines = str(caught.value).split("\n")
    assert lines[:2] == [
        "Caught KeyError in DataLoader worker process 0.",
        "Original Traceback (most recent call last):",
    ]
    assert any("worker_datasets.py" in line for line in lines) and "KeyError: 'no number 2'" in lines
    assert next(iterator).item() == 3, "the loader goes on"


def test_a_killed_process_is_an_error():
    loader = DataLoader(w.Numbers(killer=3), num_workers=2, multiprocessing_context="forkserver")
    began = time.monotonic()
    with pytest.raises(
        RuntimeError,
        match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly\nit was ended by signal SIGKILL",
    ):
        list(loader)
    assert time.monotonic() - began < 30


def test_what_a_process_cannot_do():
    loader = DataLoader(
        w.Unpicklable(), num_workers=1, collate_fn=w.as_list, multiprocessing_context="forkserver"
    )
    with pytest.raises(
        Exception, match="Caught .* in DataLoader worker process 0(.|\n)*(pickle|local object)"
    ):
        list(loader)


def test_notebook_datasets_are_refused_at_once(monkeypatch):
    Mine = type("Mine", (w.Numbers,), {"__module__": "__main__", "__qualname__": "Mine"})
    main = types.ModuleType("__main__")
    main.Mine = Mine
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert values(DataLoader(Mine(2), num_workers=1)) == [[0], [1]], "threads take them"
    with pytest.raises(RuntimeError, match="cannot import Mine, defined in a notebook(.|\n)*threads"):
        iter(DataLoader(Mine(2), num_workers=1, multiprocessing_context="spawn"))
    with pytest.raises((AttributeError, TypeError), match=r"Can't (pickle|get local)") as caught:
        iter(DataLoader(w.Numbers(), num_workers=1, collate_fn=lambda s: s, multiprocessing_context="spawn"))
    assert "threads, which take anything" in caught.value.__notes__[0]


@pytest.mark.parametrize("context", CREWS)
def test_seeds_and_who_is_who(context):
    def epoch():
        torch.manual_seed(5)
        loader = DataLoader(w.Drawn(), 2, num_workers=2, multiprocessing_context=context)
        return [[item.tolist() for item in batch] for batch in loader]

    first = epoch()
    assert [batch[0] for batch in first] == [[0, 0], [1, 1]] and first[0][1] == [2, 2]
    assert first[1][2][0] == first[0][2][0] + 1
    kept = 4 if context is None else 6  # numpy.random and random belong to all threads
    assert [batch[:kept] for batch in epoch()] == [batch[:kept] for batch in first]
    assert get_worker_info() is None


def test_the_generator_of_the_main_thread_is_left_alone():
    torch.manual_seed(1)
    expected = torch.empty((), dtype=torch.int64).random_(), torch.rand(3)
    torch.manual_seed(1)
    list(DataLoader(w.Drawn(), num_workers=2, worker_init_fn=torch.manual_seed))
    assert torch.equal(torch.rand(3), expected[1])


@pytest.mark.parametrize("context", CREWS)
def test_streams_are_shared_out(context):
    loader = DataLoader(
        w.Shares(7), 2, num_workers=2, worker_init_fn=w.take_share, multiprocessing_context=context
    )
    assert values(loader) == [[0, 1], [4, 5], [2, 3], [6]]


def test_streams_of_threads():
    assert values(DataLoader(w.Shares(3), 2, num_workers=2)) == [[0, 1], [0, 1], [2], [2]]
    assert values(DataLoader(w.Shares(3), 2, drop_last=True, num_workers=1)) == [[0, 1]]
    assert list(DataLoader(w.Shares(3), None, num_workers=1)) == [0, 1, 2]
    stream = DataLoader(w.Shares(2), num_workers=1, persistent_workers=True)
    assert values(stream) == values(stream) == [[0], [1]]


def test_errors_of_threads():
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.05 seconds"):
        list(DataLoader(w.Numbers(slow=0), num_workers=1, timeout=0.05))
    with pytest.raises(
        ValueError, match=r"(?s)Caught ValueError in DataLoader worker process 0.*does not want"
    ):
        list(DataLoader(w.Numbers(), num_workers=1, worker_init_fn=w.refuse))
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(DataLoader(w.Numbers(), num_workers=1, collate_fn=w.leave))

    class Particular(Exception):
        def __init__(self, a, b):
            pass

    class Odd(Dataset):
        def __getitem__(self, index):
            raise Particular(1, 2)

        def __len__(self):
            return 1

    with pytest.raises(RuntimeError, match="Caught Particular in DataLoader worker process 0"):
        list(DataLoader(Odd(), num_workers=1))


def test_out_of_order():
    loader = DataLoader(w.Numbers(6, slow=0), num_workers=2, in_order=False)
    found = [batch.item() for batch in loader]
    assert sorted(found) == list(range(6)) and found[0] != 0


def test_prefetching_is_bounded():
    made = []

    class Noting(w.Numbers):
        def __getitem__(self, index):
            made.append(index)
            return super().__getitem__(index)

    iterator = iter(DataLoader(Noting(50), num_workers=2, prefetch_factor=3))
    deadline = time.monotonic() + 10
    while len(made) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 6
    next(iterator)


def test_threads_end():
    before = set(worker_threads())
    list(DataLoader(w.Numbers(), num_workers=2))
    loader = DataLoader(w.Numbers(slow=5), num_workers=2)
    for _ in loader:
        break
    kept = iter(DataLoader(w.Numbers(), num_workers=1))
    next(kept)
    del kept
    gc.collect()
    deadline = time.monotonic() + 10
    while set(worker_threads()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(worker_threads()) - before


def test_tensor_dataset_with_workers():
    x = torch.arange(10.0).view(5, 2)
    loader = DataLoader(TensorDataset(x, torch.arange(5)), 2, num_workers=2, pin_memory=False)
    assert [labels.tolist() for _, labels in loader] == [[0, 1], [2, 3], [4]]
