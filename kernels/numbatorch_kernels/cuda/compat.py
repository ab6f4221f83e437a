"""The one door to the CUDA compiler: nothing else in the project imports `numba.cuda`.

Behind it is numba-cuda; a successor of numba-cuda comes in here, and nowhere else. With NUMBA_ENABLE_CUDASIM=1 in the environment before
Python starts, the device is the simulator, and no CUDA software is needed at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import numba

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
libdevice: Any = None
extending: Any = None
types: Any = None

if SIMULATED:
    from numbatorch_kernels.cuda.simulator import WARP, cuda
else:
    try:
        from numba import cuda

        if getattr(cuda, "implementation", "") != "NVIDIA":  # then it is Numba's own old copy
            raise ImportError("it is not installed")
    except ImportError as error:
        raise RuntimeError(
            f"CUDA needs numba-cuda ({error}): pip install 'numbatorch[cuda]'. Without a GPU, set NUMBA_ENABLE_CUDASIM=1 in the "
            "environment before Python starts, and CUDA kernels run in a simulator"
        ) from error
    from numba.cuda import extending, libdevice, types

    WARP = 32


# ---- devices ----


def is_available() -> bool:
    """Whether there is a GPU, or the simulator in its place."""
    return SIMULATED or cuda.is_available()


def device_count() -> int:
    """How many GPUs there are; the simulator is one."""
    return 1 if SIMULATED else len(cuda.gpus) if cuda.is_available() else 0


def require(index: int = 0) -> None:
    """RuntimeError, saying what to do, unless device number `index` can be used."""
    if not is_available():
        raise RuntimeError(
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from "
            "http://www.nvidia.com/Download/index.aspx. Without a GPU, set NUMBA_ENABLE_CUDASIM=1 in the environment before Python "
            "starts, and CUDA kernels run in a simulator"
        )
    if not 0 <= index < device_count():
        raise RuntimeError(
            f"CUDA error: invalid device ordinal: cuda:{index}, but there are {device_count()} devices"
        )


def on_device(index: int):
    """A context in which device number `index` is the current one."""
    return nullcontext() if SIMULATED else cuda.gpus[index]


def synchronize(device: int = 0) -> None:
    """Wait until the device has done all that it was given."""
    if not SIMULATED:
        with on_device(device):
            cuda.synchronize()


def multiprocessors(device: int = 0) -> int:
    """How many multiprocessors the device has."""
    return 1 if SIMULATED else cuda.gpus[device].MULTIPROCESSOR_COUNT


# ---- functions ----


def device_function(function: Callable) -> Callable:
    """Decorator: `function` is called by kernels."""
    return function if SIMULATED else cuda.jit(device=True)(function)


def compile_kernel(function: Callable, signature: tuple) -> Any:
    """`function` as a kernel for arguments of these Numba types, for the current device: `kernel[grid, block](*args)` launches it."""
    try:
        return cuda.jit(types.void(*signature))(function)
    except (OSError, ImportError) as error:
        raise RuntimeError(
            f"a library of the CUDA compiler is missing ({error}): pip install 'numbatorch[cu13]', or numbatorch[cu12] for a driver "
            "older than version 580"
        ) from error


@contextmanager
def compiling_for(capability: tuple[int, int]) -> Iterator[None]:
    """Within this context Numba takes the current device to be of this compute capability, and there need not be a device at all.

    (Device functions ask the driver what they are compiled for, even where the caller says so.)
    """
    from numba.cuda import dispatcher

    asked, stand_in = dispatcher.get_current_device, SimpleNamespace(compute_capability=capability, id=0)
    dispatcher.get_current_device = lambda: stand_in
    try:
        yield
    finally:
        dispatcher.get_current_device = asked
