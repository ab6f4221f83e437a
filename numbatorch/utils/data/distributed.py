"""The share of one process in the samples, where several train together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

from numbatorch import ops
from numbatorch.random import Generator
from numbatorch.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th number of a shuffled (or plain) order, beginning with number `rank`.

    All processes get as many numbers: some samples come twice if their number cannot be divided, unless
    `drop_last` leaves out what is over. Call `set_epoch` before each epoch, or the order is always the same.

    >>> [list(DistributedSampler(range(5), num_replicas=2, rank=r, shuffle=False)) for r in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]

    `num_replicas` and `rank` must be given: this library knows no process group. RuntimeError if they are
    not, ValueError for a rank outside of 0 ... num_replicas - 1.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available\nGive num_replicas and rank.")
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.seed = seed
        self.num_samples = len(dataset) // num_replicas if drop_last else -(-len(dataset) // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = ops.randperm(len(order), generator=generator).tolist()
        order = (order * math.ceil(self.total_size / max(len(order), 1)))[: self.total_size]
        return iter(order[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The next order is that of epoch number `epoch`."""
        self.epoch = epoch
