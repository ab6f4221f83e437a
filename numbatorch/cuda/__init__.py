"""The CUDA device: how many there are, waiting for them, their memory. With NUMBA_ENABLE_CUDASIM=1 the
simulator is one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numbatorch.dtype as dt
from numbatorch import random
from numbatorch.device import device as Device
from numbatorch.legacy import TensorType

FloatTensor = TensorType(dt.float32, "cuda")
DoubleTensor = TensorType(dt.float64, "cuda")
HalfTensor = TensorType(dt.float16, "cuda")
BFloat16Tensor = TensorType(dt.bfloat16, "cuda")
LongTensor = TensorType(dt.int64, "cuda")
IntTensor = TensorType(dt.int32, "cuda")
ShortTensor = TensorType(dt.int16, "cuda")
CharTensor = TensorType(dt.int8, "cuda")
ByteTensor = TensorType(dt.uint8, "cuda")
BoolTensor = TensorType(dt.bool, "cuda")


def is_available() -> bool:
    """Whether tensors can live on "cuda": there is a GPU with its driver and compiler, or the simulator is
    on."""
    from numbatorch_kernels.cuda import compat

    try:
        return compat.is_available()
    except RuntimeError:  # there is no compiler
        return False


def is_simulated() -> bool:
    """Whether "cuda" is the simulator."""
    import numba

    return bool(numba.config.ENABLE_CUDASIM)


def device_count() -> int:
    """How many CUDA devices there are."""
    if not is_available():
        return 0
    from numbatorch_kernels.cuda import compat

    return compat.device_count()


def current_device() -> int:
    """The index of the device that "cuda" means."""
    return 0


def get_device_name(device: Any = None) -> str:
    """The name of a device."""
    from numbatorch_kernels.cuda import compat

    compat.require()
    return "CUDA simulator" if compat.SIMULATED else compat.cuda.gpus[_index(device)].name.decode()


def synchronize(device: Any = None) -> None:
    """Wait until the device has done all that it was given."""
    from numbatorch_kernels.cuda import compat

    compat.require()
    compat.synchronize(_index(device))


def _index(device: Any) -> int:
    return 0 if device is None else (Device(device).index or 0)


def manual_seed(seed: int) -> None:
    """Seed the random numbers of the current device."""
    if is_available():
        random.generator_of(Device("cuda", 0)).manual_seed(seed)


manual_seed_all = manual_seed


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors on the device take."""
    return _memory().memory_allocated(_index(device)) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """The largest that `memory_allocated` has been."""
    return _memory().max_memory_allocated(_index(device)) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from the driver: by tensors, and kept for the next ones."""
    return _memory().memory_reserved(_index(device)) if is_available() else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start `max_memory_allocated` again from what is allocated now."""
    if is_available():
        _memory().reset_peak_memory_stats(_index(device))


reset_max_memory_allocated = reset_peak_memory_stats


def empty_cache() -> None:
    """Give memory that no tensor uses back to the driver."""
    if is_available():
        _memory().empty_cache()


def _memory():
    from numbatorch_kernels.cuda import compat, memory

    compat.require()
    return memory


def init() -> None:
    """Raises RuntimeError where there is no GPU; there is nothing else to be done."""
    _require()


def is_initialized() -> bool:
    """Whether the device is ready."""
    return is_available()


def set_device(device: Any) -> None:
    """Make this the device that "cuda" means: the first one, as it is. Raises RuntimeError for others."""
    _require(_index(device))
    if _index(device):
        raise RuntimeError(
            f'"cuda" means cuda:0 here: say device="cuda:{_index(device)}" where tensors are made'
        )


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The generation of a device, such as (9, 0)."""
    return _require(_index(device)).capability(_index(device))


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether tensors of bfloat16 can be on the device."""
    return is_available()


def get_arch_list() -> list[str]:
    """The generations for which kernels come with the package: none, they are compiled when they are needed."""
    return []


def ipc_collect() -> None:
    """Free what other processes have shared: nothing is."""
    _require()


class Stream:
    """An order of work on the device. There is one, in which everything happens."""

    def __init__(self, device: Any = None, priority: int = 0):
        _require(_index(device))
        self._device = device

    def synchronize(self) -> None:
        """Wait until all is done."""
        synchronize(self._device)

    def query(self) -> bool:
        """Whether all is done."""
        self.synchronize()
        return True

    def wait_stream(self, stream: Any) -> None:
        """Nothing: there is one order."""

    wait_event = wait_stream


def current_stream(device: Any = None) -> Stream:
    """The order in which work is done."""
    return Stream(device)


default_stream = current_stream


@contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Within the block, work goes to this stream: the only one."""
    yield


class Event:
    """A moment of the device: `record` waits until the device has done all that it was given, and looks at the clock."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False):
        _require()
        self._time: float | None = None

    def record(self, stream: Any = None) -> None:
        """This moment."""
        synchronize()
        self._time = time.perf_counter()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds until another event. Raises RuntimeError unless both are recorded."""
        if self._time is None or end_event._time is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return 1e3 * (end_event._time - self._time)

    def synchronize(self) -> None:
        """Nothing: a recorded moment has passed."""

    def query(self) -> bool:
        """Whether the moment has passed."""
        return True

    wait = record


def _require(index: int = 0) -> Any:
    from numbatorch_kernels.cuda import compat

    compat.require(index)
    return compat
