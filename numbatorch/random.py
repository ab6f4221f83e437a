"""Generators of random numbers, and the seeds and states of the default ones.

On the CPU the numbers are PyTorch's: the same seed gives the same tensors. States are PyTorch's too, byte for
byte, so one library can go on where the other stopped.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.base import Kind, TensorBase, wrap
from numbatorch.device import CPU, current_cuda
from numbatorch.device import device as Device
from numbatorch_kernels.mersenne import MersenneTwister
from numbatorch_kernels.philox import Philox

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

DEFAULT_SEED = 67280421310721  # of a new Generator, as in PyTorch


class Generator:
    """A source of random numbers, for the argument `generator` of random functions.

    The CPU's is the Mersenne Twister, with PyTorch's stream; CUDA's is Philox. Threads may share one.

    >>> g = torch.Generator().manual_seed(0)
    >>> torch.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    __slots__ = ("__weakref__", "device", "lock", "state")

    device: Device
    lock: threading.Lock  # held while numbers are drawn
    state: MersenneTwister | Philox

    def __init__(self, device: Device | str | int = CPU):
        self.device = _exact(device)
        self.lock = threading.Lock()
        self.state = (MersenneTwister if self.device is CPU else Philox)(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the sequence of `seed`, from -2^63 to 2^64 - 1; negative seeds count from 2^64 down."""
        if type(seed) is bool or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        with self.lock:
            self.state.reseed(seed % 2**64)
        return self

    def seed(self) -> int:
        """Start a sequence that cannot be foreseen; its seed."""
        seed = random_seed()
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the sequence began with."""
        return self.state.initial_seed

    def get_state(self) -> Tensor:
        """What decides all that comes, as a uint8 tensor: PyTorch's bytes, 5056 on the CPU and 16 on CUDA."""
        with self.lock:
            return wrap(self.state.get_state(), Kind.of(dt.uint8))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that `get_state` gave. Raises TypeError or RuntimeError for what is no state."""
        if not isinstance(new_state, TensorBase):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.kind.dtype is not dt.uint8 or not new_state.kind.cpu:
            raise TypeError("RNG state must be a torch.ByteTensor")
        with self.lock:
            self.state.set_state(np.ascontiguousarray(new_state.array).reshape(-1))
        return self

    def clone_state(self) -> Generator:
        """A new generator with the same state, that goes its own way from here."""
        return Generator(self.device).set_state(self.get_state())

    def get_offset(self) -> int:
        """How far a CUDA generator is."""
        return self._philox().offset

    def set_offset(self, offset: int) -> Generator:
        """Put a CUDA generator at `offset`, a multiple of 4."""
        state = self._philox()
        if offset % 4:
            raise RuntimeError("offset must be a multiple of 4")
        state.offset = offset
        return self

    def _philox(self) -> Philox:
        if not isinstance(self.state, Philox):
            raise RuntimeError("CPU Generator does not use offset")
        return self.state

    def __copy__(self) -> Generator:
        return self.clone_state()

    def __deepcopy__(self, memo: dict) -> Generator:
        return self.clone_state()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self.device), self.get_state().array)

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def _restored(device: str, state: np.ndarray) -> Generator:
    return Generator(device).set_state(wrap(state, Kind.of(dt.uint8)))


def _exact(device: Device | str | int) -> Device:
    """`device` with its index, if it is there. Raises RuntimeError if it is not."""
    device = Device(device)
    if device.type == "cpu":
        return CPU
    if device.type != "cuda":
        raise RuntimeError(f"Device type {device.type} is not supported for torch.Generator() api.")
    from numbatorch_kernels.cuda import compat

    index = current_cuda() if device.index is None else device.index
    compat.require(index)
    return Device("cuda", index)


def random_seed() -> int:
    """A seed from the operating system."""
    return int.from_bytes(os.urandom(8), "little")


# ------------------------------------------------------------------------------------------------------------
# the default generators

default_generator = Generator().manual_seed(random_seed())


class _OfThread(threading.local):
    """The CPU's default generator: all threads share one, except those that asked for their own."""

    generator = default_generator


_of_thread = _OfThread()
_of_cuda: dict[Device, Generator] = {}
_cuda_seed: int | None = None  # for CUDA generators that do not exist yet


def generator_of(device: Device) -> Generator:
    """The generator that is used on `device` where none is given."""
    if device is CPU:
        return _of_thread.generator
    found = _of_cuda.get(device)
    if found is None:
        made = Generator(device).manual_seed(random_seed() if _cuda_seed is None else _cuda_seed)
        found = _of_cuda.setdefault(device, made)
    return found


def manual_seed(seed: int) -> Generator:
    """Start the sequences of `seed` on all devices. The same seed gives the same numbers.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    global _cuda_seed
    seed = int(seed)
    result = _of_thread.generator.manual_seed(seed)
    if result is not default_generator:
        return result
    _cuda_seed = seed
    for generator in _of_cuda.values():
        generator.manual_seed(seed)
    return result


def own_generator(seed: int) -> Generator:
    """From now on, this thread draws from a generator of its own: what other threads draw no longer changes
    its numbers. `manual_seed` in this thread then concerns this generator only."""
    _of_thread.generator = Generator().manual_seed(seed)
    return _of_thread.generator


def seed() -> int:
    """Start sequences that cannot be foreseen on all devices; their seed."""
    value = random_seed()
    manual_seed(value)
    return value


def initial_seed() -> int:
    """The seed that the CPU's default generator began with."""
    return _of_thread.generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the CPU's default generator."""
    return _of_thread.generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the CPU's default generator into a state that `get_rng_state` gave, here or in PyTorch."""
    _of_thread.generator.set_state(new_state)


def states(devices: Iterable[Device | str | int] | None = None) -> list[tuple[Generator, Tensor]]:
    """The default generators with their present states: the CPU's, and those of `devices` (of all devices
    that have been used, unless given)."""
    generators = list(_of_cuda.values()) if devices is None else [generator_of(_exact(d)) for d in devices]
    return [(g, g.get_state()) for g in (_of_thread.generator, *generators)]


def restore(saved: Iterable[tuple[Generator, Tensor]]) -> None:
    """Put generators back into the states that `states` saw."""
    for generator, state in saved:
        generator.set_state(state)


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Device | str | int] | None = None, enabled: bool = True, device_type: str = "cuda"
) -> Iterator[None]:
    """A context after which the default generators are as they were before: the CPU's, and those of `devices`
    (of all devices that have been used, unless given)."""
    saved = states(devices) if enabled else []
    try:
        yield
    finally:
        restore(saved)
