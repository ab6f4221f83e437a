"""The CUDA device: how many there are, waiting for them, their memory. With NUMBA_ENABLE_CUDASIM=1 the
simulator is one."""

from __future__ import annotations

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
    try:
        from numbatorch_kernels.cuda import compat
    except RuntimeError:
        return False
    return compat.is_available()


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
    return _memory().memory_allocated(_index(device))


def max_memory_allocated(device: Any = None) -> int:
    """The largest that `memory_allocated` has been."""
    return _memory().max_memory_allocated(_index(device))


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from the driver: by tensors, and kept for the next ones."""
    return _memory().memory_reserved(_index(device))


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start `max_memory_allocated` again from what is allocated now."""
    _memory().reset_peak_memory_stats(_index(device))


def empty_cache() -> None:
    """Give memory that no tensor uses back to the driver."""
    if is_available():
        _memory().empty_cache()


def _memory():
    from numbatorch_kernels.cuda import compat, memory

    compat.require()
    return memory
