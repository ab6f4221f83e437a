"""Compiling a CUDA kernel where there is no GPU, to read it or to check that it compiles."""

from __future__ import annotations

from collections.abc import Callable

from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.pointer import argument


def compile_ptx(function: Callable, *kinds) -> str:
    """PTX, the assembler text, of a kernel for these kinds of arguments (see `pointer.argument`) and GPUs of this
    compute capability and later ones.

    Needs NVIDIA's compiler (pip install 'numbatorch[cuda]'), but no GPU and no driver. Raises RuntimeError in
    the simulator, which has no compiler, and Numba's errors for what cannot be compiled.
    """
    if compat.SIMULATED:
        raise RuntimeError(
            "the simulator has no compiler: compile without NUMBA_ENABLE_CUDASIM in the environment"
        )
    return compat.ptx(function, tuple(map(argument, kinds)), compat.WRITTEN_FOR)
