"""Every CUDA kernel compiles for a real GPU. In a process of its own, since this one may be using the
simulator.
"""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _compiler_is_installed() -> bool:
    installed = {distribution.name for distribution in importlib.metadata.distributions()}
    return bool(installed & {"nvidia-nvvm", "nvidia-cuda-nvcc-cu12"})


@pytest.mark.skipif(not _compiler_is_installed(), reason="needs NVIDIA's compiler: pip install -e '.[cuda]'")
def test_every_cuda_kernel_compiles_for_real():
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    check = Path(__file__).parent / "cuda_compile"
    result = subprocess.run([sys.executable, str(check)], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
