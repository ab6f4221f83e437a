"""Datasets for the tests of workers: processes import them from here."""

import os
import random
import signal
import time

import numpy as np

import numbatorch as torch
from numbatorch.utils.data import Dataset, IterableDataset, get_worker_info


class Numbers(Dataset):
    """Number i is i; some do not go so well."""

    def __init__(self, count=8, bad=None, killer=None, slow=None):
        self.count, self.bad, self.killer, self.slow = count, bad, killer, slow

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.bad:
            raise KeyError(f"no number {index}")
        if index == self.killer:
            os.kill(os.getpid(), signal.SIGKILL)
        if index == self.slow:
            time.sleep(0.2)
        return torch.tensor([index], dtype=torch.float32)


class Drawn(Dataset):
    """What each worker draws from the default generators, and who it is."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, torch.rand(2), np.random.rand(), random.random()


class Shares(IterableDataset):
    """Counts to `stop`, each worker its share, which `take_share` sets."""

    def __init__(self, stop):
        self.start, self.stop = 0, stop

    def __iter__(self):
        return iter(range(self.start, self.stop))


def take_share(worker):
    """The worker_init_fn of PyTorch's documentation."""
    info = get_worker_info()
    dataset, size = info.dataset, -(-info.dataset.stop // info.num_workers)
    dataset.start = worker * size
    dataset.stop = min(dataset.start + size, dataset.stop)


def refuse(worker):
    raise ValueError(f"worker {worker} does not want to")


def leave(samples):
    raise SystemExit


class Unpicklable(Dataset):
    """Its samples cannot leave a process."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return lambda: None


def as_list(samples):
    return samples
