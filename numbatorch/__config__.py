"""What numbatorch runs on, as text: for reports of errors."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from numbatorch.version import __version__
from numbatorch_kernels.parallel import get_num_threads

_PACKAGES = ("numpy", "numba", "llvmlite", "numba-cuda")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def show() -> str:
    """Versions of numbatorch, of Python and of the packages it stands on, and the machine.

    >>> print(torch.__config__.show().splitlines()[0].split()[0])
    numbatorch
    """
    lines = [f"numbatorch {__version__}, on Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"  - {package} {_installed(package)}" for package in _PACKAGES]
    return "\n".join([*lines, f"  - {platform.machine()}, {os.cpu_count()} CPUs"]) + "\n"


def parallel_info() -> str:
    """How many threads there are."""
    return f"numbatorch's own pool of threads:\n\ttorch.get_num_threads() : {get_num_threads()}\n\tos.cpu_count() : {os.cpu_count()}\n"
