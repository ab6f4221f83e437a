"""The one door to the CUDA compiler: nothing else in the project imports one.

Behind it is numba-cuda; where that is missing, its successor numba-cuda-mlir (experimental: it has no LLVM, in which
our half-precision conversions are written) or the old copy inside Numba. Of whichever it is only `compile` is used,
Python in, PTX out, and the names that kernels call: linking, loading and launching are cuda-core's, see `hardware.py`.
With NUMBA_ENABLE_CUDASIM=1 in the environment before Python starts, the device is the simulator, and no CUDA software
is needed at all.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from numbatorch_kernels import cache as disk
from numbatorch_kernels.callee import Callee
from numbatorch_kernels.cuda.driver import SIMULATED, driver
from numbatorch_kernels.cuda.driver import require as require
from numbatorch_kernels.cuda.errors import WITHOUT_GPU

COMPILERS = ("numba.cuda", "numba_cuda_mlir.cuda")  # numba-cuda, where it is installed, takes the first name

# PTX for a generation of GPUs is good for every later one. No kernel uses what only generations after this one have, so
# all from it on get the same text; machine code is made of it for the very GPU.
WRITTEN_FOR = (8, 0)

cuda: Any
types: Any
libdevice: Any
extending: Any


def _compiler() -> ModuleType:
    """The first compiler that is there."""
    reasons = []
    for name in COMPILERS:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            reasons.append(str(error))
    raise RuntimeError(
        f"CUDA needs numba-cuda ({'; '.join(reasons)}): pip install 'numbatorch[cuda]'. {WITHOUT_GPU}"
    )


if SIMULATED:
    from numbatorch_kernels.cuda import simulator

    cuda, WARP = simulator.cuda, simulator.WARP
    types = libdevice = extending = None
else:
    cuda, WARP = _compiler(), 32
    _package = cuda.__name__.removesuffix(".cuda") if "mlir" in cuda.__name__ else cuda.__name__
    types, libdevice, extending = (
        importlib.import_module(f"{owner}.{part}")
        for owner, part in ((_package, "types"), (cuda.__name__, "libdevice"), (_package, "extending"))
    )


# ---- devices ----


def is_available() -> bool:
    """Whether there is a GPU, or the simulator in its place."""
    return driver.count() > 0


def device_count() -> int:
    """How many GPUs there are."""
    return driver.count()


def capability(index: int) -> tuple[int, int]:
    """The generation of a GPU, such as (9, 0); the simulator is of none."""
    properties = driver.properties(index)
    return properties.major, properties.minor


def multiprocessors(device: int = 0) -> int:
    """How many multiprocessors the device has."""
    return driver.properties(device).multi_processor_count


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


def compile_kernel(function: Callable, signature: tuple, device: int) -> Any:
    """`function` as a kernel for arguments of these Numba types, ready to be launched on device number `device`.

    Machine code is made once and kept on disk, like that of CPU kernels.
    """
    generation = capability(device)
    file = _file(function, signature, generation)
    if file is not None and file.exists():
        kept = file.read_bytes()
    else:
        kept = machine_code(function, signature, generation)
        if file is not None:
            disk.write(file, kept)
    entry, _, code = kept.partition(b"\n")
    return driver.load(device, code, entry.decode())


def machine_code(function: Callable, signature: tuple, generation: tuple[int, int]) -> bytes:
    """The name of a kernel, a new line, and its machine code for a generation of GPUs. No GPU is needed."""
    newest, own = driver.version(), toolkit()
    if newest is not None and newest[0] < own[0]:
        raise RuntimeError(
            f"the NVIDIA driver of this machine works with CUDA {newest[0]}.{newest[1]} at most, and the compiler is of "
            f"CUDA {own[0]}.{own[1]}: install a newer driver, or pip install 'numbatorch[cu{newest[0]}]'"
        )
    try:
        text = ptx(function, signature, min(generation, WRITTEN_FOR))
        (entry,) = re.findall(r"^\.visible \.entry (\w+)\(", text, re.MULTILINE)
        return entry.encode() + b"\n" + driver.link(text, "sm_{}{}".format(*generation))
    except (OSError, ImportError) as error:
        raise RuntimeError(
            f"a library of the CUDA compiler is missing ({error}): pip install 'numbatorch[cu13]', or "
            "numbatorch[cu12] for a driver older than version 580"
        ) from error


def ptx(function: Callable, signature: tuple, generation: tuple[int, int]) -> str:
    """A kernel as the compiler writes it: PTX, NVIDIA's assembler, for this generation of GPUs and later ones."""
    with _compiling_for(generation):
        text, _ = cuda.compile(function, signature, cc=generation, device=False, abi="numba", output="ptx")
    return text


def toolkit() -> tuple[int, int]:
    """The CUDA that the compiler is of."""
    from cuda import bindings

    major, minor = bindings.__version__.split(".")[:2]
    return int(major), int(minor)


def _file(function: Any, signature: tuple, generation: tuple[int, int]) -> Any:
    """Where the machine code of a kernel is kept: of those of this package and of generated ones, whose text the name of
    the module or of the folder stands for."""
    folder = disk.folder()
    if folder is None or not function.__module__.startswith("numbatorch_"):
        return None
    captured = [cell.cell_contents for cell in function.__closure__ or ()]
    if not all(isinstance(value, int | float | str | bool) for value in captured):
        return None
    words = f"{function.__qualname__}|{signature}|{captured}|{function.__code__.co_firstlineno}|{generation}"
    digest = hashlib.blake2b(words.encode() + function.__code__.co_code, digest_size=10).hexdigest()
    return folder / f"{function.__module__}.{function.__name__}-{digest}.cubin"


# ---- what the compiler must be told ----

_patching = threading.Lock()


@contextmanager
def _compiling_for(generation: tuple[int, int]) -> Iterator[None]:
    """Within this context the compiler takes the current device for one of this generation; there need be no device.

    (Device functions ask the driver what they are compiled for, even where the caller says so.)
    """
    dispatcher: Any = importlib.import_module(
        f"{_package}.{'descriptor' if 'mlir' in _package else 'dispatcher'}"
    )
    stand_in = SimpleNamespace(compute_capability=generation, id=0)
    with _patching:
        asked = getattr(dispatcher, "get_current_device", None)
        dispatcher.get_current_device = lambda: stand_in
        try:
            yield
        finally:
            dispatcher.get_current_device = asked


if not SIMULATED and "mlir" not in _package:
    _typing = importlib.import_module("numba.cuda.descriptor").cuda_target.typing_context
    _type_of = _typing.resolve_value_type

    def _type_of_callee_too(value: Any) -> Any:
        """A Callee is, in a kernel for CUDA as well, the function that it stands for."""
        return _type_of(value.from_python if isinstance(value, Callee) else value)

    _typing.resolve_value_type = _type_of_callee_too
