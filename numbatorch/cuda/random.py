"""The random numbers of the CUDA devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numbatorch import random
from numbatorch.cuda.devices import device_count, index_of, is_available
from numbatorch.device import device as Device
from numbatorch.tensor import Tensor


def _generator(device: Any) -> random.Generator:
    return random.generator_of(Device("cuda", index_of(device)))


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of a device's generator."""
    return _generator(device).get_state()


def get_rng_state_all() -> list[Tensor]:
    """The states of the generators of all devices."""
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Put a device's generator into a state that `get_rng_state` gave."""
    _generator(device).set_state(new_state)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """The same for all devices."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


def manual_seed(seed: int) -> None:
    """Seed the random numbers of the current device."""
    if is_available():
        _generator(None).manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seed the random numbers of all devices."""
    for index in range(device_count()):
        _generator(index).manual_seed(int(seed))


def seed() -> None:
    """Start a sequence that cannot be foreseen on the current device."""
    manual_seed(random.random_seed())


def seed_all() -> None:
    """The same on all devices, with one seed."""
    manual_seed_all(random.random_seed())


def initial_seed() -> int:
    """The seed that the current device's generator began with."""
    return _generator(None).initial_seed()
