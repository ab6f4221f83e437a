"""Before Numba is imported: where there is no GPU, its simulator takes the place of one, so that every test
runs on both devices.
"""

import ctypes
import os
import sys

import pytest

# The offline compile check runs in a process of its own, without the simulator: see test_cuda_compile.py.
collect_ignore = ["cuda_compile"]


def _has_gpu() -> bool:
    """Ask the driver, which costs nothing where there is none."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


if not _has_gpu():
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

DEVICES = ("cpu", "cuda")


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """The test runs once for each device (a GPU, or the simulator where there is none: keep tensors small)."""
    return request.param


@pytest.fixture
def seeded() -> None:
    """The same random numbers whenever the test runs."""
    import numbatorch

    numbatorch.manual_seed(0)
