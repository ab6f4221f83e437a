"""The one door to the CUDA compiler: nothing else in the project imports `numba.cuda`.

Behind it is numba-cuda; a successor of it comes in here, and nowhere else. With NUMBA_ENABLE_CUDASIM=1 in the
environment before Python starts, the device is the simulator, and no CUDA software is needed at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import Any

import numba

from numbatorch_kernels import cache as disk
from numbatorch_kernels.callee import Callee
from numbatorch_kernels.overloads import Locator

SIMULATED = bool(numba.config.ENABLE_CUDASIM)

_NO_GPU = (
    "Without a GPU, set NUMBA_ENABLE_CUDASIM=1 in the environment before Python starts:"
    " CUDA kernels then run in a simulator"
)

cuda: Any
types: Any
libdevice: Any
extending: Any

if SIMULATED:
    from numbatorch_kernels.cuda import simulator

    cuda, WARP = simulator.cuda, simulator.WARP
    types = libdevice = extending = None
else:
    try:
        import numba.cuda

        if getattr(numba.cuda, "implementation", "") != "NVIDIA":  # then it is Numba's own old copy
            raise ImportError("it is not installed")
    except ImportError as error:
        raise RuntimeError(
            f"CUDA needs numba-cuda ({error}): pip install 'numbatorch[cuda]'. {_NO_GPU}"
        ) from error
    import numba.cuda.descriptor
    import numba.cuda.dispatcher
    import numba.cuda.extending
    import numba.cuda.libdevice

    cuda, WARP = numba.cuda, 32
    types, libdevice, extending = cuda.types, cuda.libdevice, cuda.extending


# ---- devices ----


@cache
def is_available() -> bool:
    """Whether there is a GPU, or the simulator in its place."""
    return SIMULATED or cuda.is_available()


@cache
def device_count() -> int:
    """How many GPUs there are; the simulator is one."""
    return 1 if SIMULATED else len(cuda.gpus) if is_available() else 0


def capability(index: int) -> tuple[int, int]:
    """The generation of a GPU, such as (9, 0); the simulator is of none."""
    return (0, 0) if SIMULATED else tuple(cuda.gpus[index].compute_capability)


def require(index: int = 0) -> None:
    """RuntimeError, saying what to do, unless device number `index` can be used."""
    if not is_available():
        raise RuntimeError(
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a "
            f"driver from http://www.nvidia.com/Download/index.aspx. {_NO_GPU}"
        )
    if not 0 <= index < device_count():
        raise RuntimeError(
            f"CUDA error: invalid device ordinal: cuda:{index}, but there are {device_count()} devices"
        )


def on_device(index: int):
    """A context in which device number `index` is the current one."""
    return nullcontext() if device_count() == 1 else cuda.gpus[index]


def synchronize(device: int = 0) -> None:
    """Wait until the device has done all that it was given."""
    if not SIMULATED:
        with on_device(device):
            cuda.synchronize()


def multiprocessors(device: int = 0) -> int:
    """How many multiprocessors the device has."""
    return 4 if SIMULATED else cuda.gpus[device].MULTIPROCESSOR_COUNT


# ---- functions ----


@cache
def device_function(function: Callable) -> Any:
    """Decorator: `function` is called by kernels. Functions of this package that it calls come along."""
    if SIMULATED:
        return function
    names = function.__globals__
    called = {n: names[n] for n in function.__code__.co_names if isinstance(names.get(n), FunctionType)}
    ours = {n: device_function(f) for n, f in called.items() if f.__module__.startswith("numbatorch_kernels")}
    copy = FunctionType(
        function.__code__, names | ours, function.__name__, function.__defaults__, function.__closure__
    )
    return cuda.jit(device=True)(copy if ours else function)


def compile_kernel(function: Callable, signature: tuple) -> Any:
    """`function` as a kernel for arguments of these Numba types, for the current device: `kernel[grid,
    block](*args)`.

    Compiled once and kept on disk, like CPU kernels.
    """
    try:
        kernel = cuda.jit(function)
        if disk.folder() is not None:
            kernel._cache = KernelCache(function)
        kernel.compile(signature)
    except (OSError, ImportError) as error:
        raise RuntimeError(
            f"a library of the CUDA compiler is missing ({error}): pip install 'numbatorch[cu13]', or "
            "numbatorch[cu12] for a driver older than version 580"
        ) from error
    kernel._specialized = True  # there is one signature: a launch need not look at its arguments to choose
    return kernel


if not SIMULATED:
    _typing = cuda.descriptor.cuda_target.typing_context
    _type_of = _typing.resolve_value_type

    def _type_of_callee_too(value: Any) -> Any:
        """A Callee is, in a kernel for CUDA as well, the function that it stands for."""
        return _type_of(value.from_python if isinstance(value, Callee) else value)

    _typing.resolve_value_type = _type_of_callee_too

    class _Implementation(cuda.dispatcher.CUDACacheImpl):
        _locator_classes = [Locator]

    class KernelCache(cuda.dispatcher.CUDACache):
        """Numba's cache of CUDA kernels, in our folder and keyed by our fingerprint."""

        _impl_class = _Implementation


@contextmanager
def compiling_for(capability: tuple[int, int]) -> Iterator[None]:
    """Within this context Numba takes the current device for one of this compute capability; there need be no
    device.

    (Device functions ask the driver what they are compiled for, even where the caller says so.)
    """
    asked, stand_in = cuda.dispatcher.get_current_device, SimpleNamespace(compute_capability=capability, id=0)
    cuda.dispatcher.get_current_device = lambda: stand_in
    try:
        yield
    finally:
        cuda.dispatcher.get_current_device = asked
