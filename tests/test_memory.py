"""The cache of blocks that large results on the CPU come from."""

from collections import defaultdict

import numpy as np
import pytest

from numbatorch_kernels import memory

FLOAT = np.dtype(np.float32)
MB = 1 << 18  # numbers


@pytest.fixture
def cache(monkeypatch):
    """An empty one, of 8 MB."""
    monkeypatch.setattr(memory, "_free", defaultdict(list))
    monkeypatch.setattr(memory, "_cached", 0)
    monkeypatch.setattr(memory, "LIMIT", 1 << 23)


def test_blocks_are_used_again(cache):
    address = memory.empty((2 * MB,), FLOAT).ctypes.data
    assert memory.empty((2 * MB,), FLOAT).ctypes.data == address


def test_a_full_cache_lets_go_of_sizes_that_are_not_wanted_any_more(cache):
    others = [memory.empty((n * MB,), FLOAT) for n in (3, 4)]
    del others
    assert memory._cached == 7 << 20
    address = memory.empty((2 * MB,), FLOAT).ctypes.data
    assert memory._cached == 6 << 20  # the block of 3 MB went
    assert memory.empty((2 * MB,), FLOAT).ctypes.data == address


def test_what_is_larger_than_the_cache_is_not_kept(cache):
    memory.empty((9 * MB,), FLOAT)
    assert memory._cached == 0
