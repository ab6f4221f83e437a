"""Matrix products by NVIDIA's cuBLAS, where the extra `cublas` has brought it, in place of `tiles.product`.

cuBLAS means matrices whose columns lie one after the other in memory. One whose rows do is to it the transposed one, so of
row-major matrices it is asked for out' = b' a'. Each operand may be transposed, and batches may have any one stride.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from numbatorch_kernels.cuda import products
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.driver import SIMULATED, driver
from numbatorch_kernels.cuda.stream import current

WORKSPACE = 32 << 20  # bytes for each stream: what PyTorch gives it on Hopper
# cudaDataType, by the codes of NumPy's dtypes; uint16 is bfloat16
DATA = {"f4": 0, "f8": 1, "f2": 2, "c8": 4, "c16": 5, "u2": 14}
DEFAULT_ALGORITHM = -1


@cache
def library() -> Any:
    """The bindings of nvmath-python; None where they, the library or a GPU are missing."""
    if SIMULATED:
        return None
    try:
        cublas = importlib.import_module("nvmath.bindings.cublas")
        cublas.get_cudart_version()  # loads the library
    except Exception:  # nvmath's own classes say that there is none
        return None
    return cublas


class Handle(NamedTuple):
    """What cuBLAS keeps for a stream."""

    value: int
    workspace: DeviceArray


@lru_cache(maxsize=256)
def _handle(device: int, stream: int, math: int) -> Handle:
    """One for each way to add up, so that none is changed while another thread uses it."""
    workspace = DeviceArray.empty((WORKSPACE,), "u1", device)
    value = library().create()
    library().set_stream(value, stream)
    library().set_workspace(value, workspace.address, WORKSPACE)
    library().set_math_mode(value, math)
    return Handle(value, workspace)


class Matrix(NamedTuple):
    """An operand as cuBLAS wants it."""

    address: int
    transposed: int  # 1 where the elements of a column are neighbours, not those of a row
    pitch: int  # from a row to the next, or from a column to the next
    outer: int  # strides along the axes of the batch, in elements
    inner: int


def _matrix(array: DeviceArray) -> Matrix | None:
    """None where neither rows nor columns are contiguous, or some are in one place."""
    rows, columns = array.shape[-2:]
    *batch, down, across = (stride // array.itemsize for stride in array.strides)
    outer, inner = ([0, 0] + [0 if n == 1 else step for n, step in zip(array.shape, batch)])[-2:]
    if columns == 1 or across == 1:
        down = columns if rows == 1 else down
        if down >= columns:
            return Matrix(array.address, 0, down, outer, inner)
    if rows == 1 or down == 1:
        across = rows if columns == 1 else across
        if across >= rows:
            return Matrix(array.address, 1, across, outer, inner)
    return None


def _ways(code: str) -> tuple[int, int]:
    """How products are computed, and in which mode, as programs have asked."""
    kinds, modes = library().ComputeType, library().Math
    if code in ("f8", "c16"):
        return kinds.COMPUTE_64F, modes.DEFAULT_MATH
    if code in ("f4", "c8"):
        return kinds.COMPUTE_32F_FAST_TF32 if products.allow_tf32 else kinds.COMPUTE_32F, modes.DEFAULT_MATH
    if code == "f2" and products.allow_fp16_accumulation:
        return kinds.COMPUTE_16F, modes.DEFAULT_MATH
    reduced = (
        products.allow_fp16_reduced_precision_reduction
        if code == "f2"
        else products.allow_bf16_reduced_precision_reduction
    )
    mode = modes.DEFAULT_MATH if reduced else modes.DISALLOW_REDUCED_PRECISION_REDUCTION
    return kinds.COMPUTE_32F, mode


def operands(out: DeviceArray, a: DeviceArray, b: DeviceArray) -> tuple[Matrix, Matrix, Matrix] | None:
    """What `product` takes; None where there is no cuBLAS, or it knows no operands like these."""
    if not products.prefer_cublas or out.dtype.str[1:] not in DATA or not a.shape[-1] or library() is None:
        return None
    of_out, of_a, of_b = _matrix(out), _matrix(a), _matrix(b)
    if of_out is None or of_a is None or of_b is None or of_out.transposed:
        return None
    return of_out, of_a, of_b


def product(
    matrices: tuple[Matrix, Matrix, Matrix], out: DeviceArray, length: int, alpha: complex, beta: complex
) -> None:
    """out = alpha a @ b + beta out; `length` is how many columns a has."""
    outer, inner, rows, columns = (1, 1, *out.shape)[-4:]
    # one call for both axes of a batch where the strides allow it, otherwise one for each index of the shorter
    steps, calls = [(x.inner, x.outer) for x in matrices], outer
    if all(x.outer == x.inner * inner for x in matrices):
        inner, calls = outer * inner, 1
    elif outer > inner:
        steps, calls, inner = [(x.outer, x.inner) for x in matrices], inner, outer
    code = out.dtype.str[1:]
    compute, mode = _ways(code)
    halves = compute == library().ComputeType.COMPUTE_16F
    number = np.dtype(np.float16 if halves else np.float32 if code in ("f2", "u2") else code)
    factors = np.array([alpha, beta]).astype(number)
    driver.enter(out.device)
    handle = _handle(out.device, driver.handle(current(out.device).handle), int(mode)).value
    _, of_a, of_b = matrices
    for call in range(calls):
        to, left, right = (
            (x.address + call * apart * out.itemsize, DATA[code], x.pitch, step)
            for x, (step, apart) in zip(matrices, steps)
        )
        library().gemm_strided_batched_ex_64(
            handle, of_b.transposed, of_a.transposed, columns, rows, length, factors.ctypes.data, *right, *left,
            factors.ctypes.data + factors.itemsize, *to, inner, int(compute), DEFAULT_ALGORITHM,
        )  # fmt: skip
