"""`driver`: the GPUs of this machine, or the simulator in their place."""

from __future__ import annotations

from typing import Any

import numba

from numbatorch_kernels.cuda.errors import WITHOUT_GPU

SIMULATED = bool(numba.config.ENABLE_CUDASIM)

driver: Any
if SIMULATED:
    from numbatorch_kernels.cuda.simulated import Simulated

    driver = Simulated()
else:
    from numbatorch_kernels.cuda.hardware import Hardware

    driver = Hardware()


def require(index: int = 0) -> None:
    """RuntimeError, saying what to do, unless device number `index` can be used."""
    if reason := driver.failure:
        raise RuntimeError(
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a "
            f"driver from http://www.nvidia.com/Download/index.aspx. Here {reason}. {WITHOUT_GPU}"
        )
    if not 0 <= index < driver.count():
        raise RuntimeError(
            f"CUDA error: invalid device ordinal: cuda:{index}, but there are {driver.count()} devices, from cuda:0 on"
        )
