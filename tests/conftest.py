"""Before Numba is imported: where there is no GPU, its simulator takes the place of one, so that every test
runs on both devices.
"""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

import pytest

# The offline compile check runs in a process of its own, without the simulator: see test_cuda_compile.py. What is
# compared with PyTorch needs it.
collect_ignore = ["cuda_compile"] if importlib.util.find_spec("torch") else ["cuda_compile", "parity"]


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

# Tests that start a process of their own mean this checkout, installed or not.
_ROOT = Path(__file__).parents[1]
_PATH = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(_ROOT / "kernels"), *([_PATH] if _PATH else [])])

DEVICES = ("cpu", "cuda")


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """The test runs once for each device (without a GPU, on the simulator: keep tensors small)."""
    return request.param


@pytest.fixture
def seeded() -> None:
    """The same random numbers whenever the test runs."""
    import numbatorch

    numbatorch.manual_seed(0)
