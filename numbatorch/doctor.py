"""What this installation has, what it can do, and what to install for the rest: `python -m numbatorch doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import numbatorch as torch
from numbatorch_kernels import cache
from numbatorch_kernels.cuda.memory import in_words

NEEDED = ("numpy", "numba", "llvmlite", "safetensors")
EXTRAS = {  # by name, the distributions that it brings (one of them is enough to know)
    "cuda": ("numba-cuda", "numba-cuda-mlir"),
    "cublas": ("nvmath-python",),
    "fast": ("threadpoolctl",),
    "bf16": ("ml_dtypes",),
    "einsum": ("opt_einsum",),
    "distributed": ("mpi4py",),
    "vision": ("pillow",),
    "tensorboard": ("tensorboardX",),
    "viz": ("matplotlib",),
    "notebooks": ("jupyterlab",),
}


def version(*distributions: str) -> str | None:
    """Name and version of the first of these that is installed."""
    for name in distributions:
        try:
            return f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def software() -> list[str]:
    """Python and the libraries that are always there."""
    found = [version(name) or f"{name} is missing: pip install {name}" for name in NEEDED]
    return [
        f"numbatorch {torch.__version__}, Python {platform.python_version()}, {platform.platform()}",
        ", ".join(found),
    ]


def threads() -> list[str]:
    """Who shares the work on the CPU."""
    return [
        f"{torch.get_num_threads()} of {os.cpu_count()} CPUs, numbatorch's own threads (no layer of Numba's is used)",
        "LAPACK, NumPy's, has threads of its own: OPENBLAS_NUM_THREADS says how many",
    ]


def kept() -> list[str]:
    """The folder of compiled kernels."""
    folder = cache.folder()
    if folder is None:
        return [
            f"{cache.root()} cannot be written: every process compiles its kernels again. Set NUMBATORCH_CACHE_DIR to a "
            "folder that can"
        ]
    files = [file for file in cache.root().rglob("*") if file.is_file()]
    mine = [file for file in files if folder in file.parents]
    sizes = [in_words(sum(map(_size, some))) for some in (mine, files)]
    return [
        f"{folder}: {len(mine)} files, {sizes[0]}; with other versions {sizes[1]}"
        " (numbatorch.clear_cache() removes all)"
    ]


def _size(file: Path) -> int:
    """The bytes of a file; none of one that another process has moved away."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def gpu() -> list[str]:
    """The CUDA devices, their driver and the compiler."""
    from numbatorch_kernels.cuda import compat

    try:
        simulated, name = compat.SIMULATED, compat.cuda.__name__ if not compat.SIMULATED else ""
    except RuntimeError as error:  # there is no compiler
        return [str(error)]
    if simulated:
        return ["cuda is the simulator, because NUMBA_ENABLE_CUDASIM is set"]
    found = version("numba-cuda", "numba-cuda-mlir") or "the old copy inside Numba"
    newest, own = compat.driver.version(), compat.toolkit()
    lines = [
        f"compiler: {found} ({name}) of CUDA {own[0]}.{own[1]}; {version('cuda-core')}, {version('nvidia-nvjitlink')}"
    ]
    if newest is None:
        return [*lines, f"{compat.driver.failure}. CUDA kernels can be compiled, and run in the simulator "
                "(NUMBA_ENABLE_CUDASIM=1)"]  # fmt: skip
    lines.append(f"driver: CUDA {newest[0]}.{newest[1]} at most")
    if newest[0] < own[0]:
        lines.append(
            f"which is too old for the compiler: pip install 'numbatorch[cu{newest[0]}]', or a newer driver"
        )
    for index in range(compat.device_count()):
        of, (free, total) = compat.driver.properties(index), compat.driver.memory_info(index)
        lines.append(
            f"cuda:{index}: {of.name}, generation {of.major}.{of.minor}, {of.multi_processor_count} multiprocessors, "
            f"{in_words(free)} of {in_words(total)} free"
        )
    return lines


def extras() -> list[str]:
    """What can be installed beside."""
    lines = []
    for name, distributions in EXTRAS.items():
        found = version(*distributions)
        lines.append(
            f"{name:12} {found}" if found else f"{name:12} not installed: pip install 'numbatorch[{name}]'"
        )
    return lines


SECTIONS = {"Software": software, "Threads": threads, "Compiled kernels": kept, "CUDA": gpu, "Extras": extras}


def main() -> None:
    """Print it all."""
    for title, section in SECTIONS.items():
        print(title)
        for line in section():
            print("  " + line)
        sys.stdout.flush()
