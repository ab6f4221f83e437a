"""Matrix products as kernels: every dtype, layout and size class against NumPy in float64; both devices."""

import os
import platform
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numbatorch_kernels import parallel
from numbatorch_kernels.cuda import DeviceArray
from numbatorch_kernels.gemm import gemm, matmul

rng = np.random.default_rng(0)

# m, k, n: parts of tiles, whole ones, several blocks of each kind, one thread or many
SIZES = [
    (1, 1, 1), (4, 4, 4), (5, 3, 7), (6, 8, 16), (12, 2, 32), (13, 31, 33), (2, 500, 3),
    (150, 400, 200), (301, 129, 257), (7, 390, 2100),
]  # fmt: skip
VECTORS = [(1, 7, 5), (5, 7, 1), (1, 9, 1), (1, 300, 1000), (1001, 300, 1), (3, 70000, 1)]
ROUNDING = {"f4": 1e-6, "f8": 1e-14, "c8": 1e-6, "c16": 1e-14, "f2": 1e-3, "bf": 8e-3}  # of a result
ADDING = {"f8": 3e-16, "c16": 3e-16}  # of each product that is added; float32 otherwise
LAYOUTS = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "every other": lambda x: _every_other(x),
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
}


def _every_other(x: np.ndarray) -> np.ndarray:
    wide = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
    wide[::2, ::3] = x
    return wide[::2, ::3]


def sample(dtype: str, *shape: int) -> np.ndarray:
    """Random numbers; bfloat16 ("bf") as it is stored."""
    if dtype[0] in "iu":
        return rng.integers(-9, 9, shape).astype(dtype)
    values = rng.standard_normal(shape)
    if dtype == "bf":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return (values + 1j * rng.standard_normal(shape) if dtype[0] == "c" else values).astype(dtype)


def wide(x: np.ndarray, dtype: str) -> np.ndarray:
    """The values of x, in the type in which to compute a reference."""
    if dtype == "bf":
        return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return x if dtype[0] in "iu" else x.astype(np.complex128 if dtype[0] == "c" else np.float64)


def check(out: np.ndarray, expected: np.ndarray, dtype: str, k: int) -> None:
    if dtype[0] in "iu":
        np.testing.assert_array_equal(out, expected)
    else:
        atol = ADDING.get(dtype, 2e-7) * (k + 1)
        np.testing.assert_allclose(wide(out, dtype), expected, rtol=ROUNDING[dtype], atol=atol)


@pytest.fixture
def threads():
    """Sets the number of threads for one test."""
    before = parallel.get_num_threads()
    yield parallel.set_num_threads
    parallel.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "bf", "i4", "u1", "c8"])
@pytest.mark.parametrize("layout_b", LAYOUTS)
@pytest.mark.parametrize("layout_a", LAYOUTS)
def test_products(dtype, layout_a, layout_b):
    for m, k, n in SIZES + VECTORS:
        a, b = LAYOUTS[layout_a](sample(dtype, m, k)), LAYOUTS[layout_b](sample(dtype, k, n))
        out = np.full((m, n), 77).astype(a.dtype)
        gemm(out, a, b)
        check(out, wide(a, dtype) @ wide(b, dtype), dtype, k)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i8", "c16"])
def test_other_dtypes(dtype):
    a, b = sample(dtype, 9, 30), sample(dtype, 30, 11)
    out = np.empty((9, 11), dtype)
    gemm(out, a, b)
    check(out, wide(a, dtype) @ wide(b, dtype), dtype, 30)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.tuples(*[st.integers(1, 70)] * 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["f4", "f8"]),
    st.data(),
)
def test_any_size(sizes, transposed_a, transposed_b, dtype, data):
    m, k, n = sizes
    batch = data.draw(st.integers(0, 3))
    stack = (batch,) if batch else ()
    a, b = (
        sample(dtype, *stack, *((k, m) if transposed_a else (m, k))),
        sample(dtype, *((n, k) if transposed_b else (k, n))),
    )
    a, b = np.swapaxes(a, -1, -2) if transposed_a else a, b.T if transposed_b else b
    out = np.empty((*stack, m, n), dtype)
    gemm(out, a, b)
    check(out, wide(a, dtype) @ wide(b, dtype), dtype, k)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "bf", "i8", "c8"])
@pytest.mark.parametrize("sizes", [(5, 3, 7), (40, 500, 33), (1, 20, 9), (9, 20, 1), (4, 0, 3)])
def test_sums(dtype, sizes):
    m, k, n = sizes
    a, b, row, full = (sample(dtype, *shape) for shape in ((m, k), (k, n), (n,), (m, n)))
    product = 2 * (wide(a, dtype) @ wide(b, dtype))
    out = np.empty((m, n), a.dtype)
    for bias in (row, full):
        gemm(out, a, b, bias)
        check(out, product / 2 + wide(bias, dtype), dtype, k)
        gemm(out, a, b, bias, 2, 3)
        check(out, product + 3 * wide(bias, dtype), dtype, k)
    out[...] = full
    gemm(out, a, b, out, 2, 3)
    check(out, product + 3 * wide(full, dtype), dtype, k)


@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_without_a_sum_out_is_not_read(dtype):
    for m, k, n in ((5, 3, 7), (1, 3, 7), (7, 3, 1), (9, 0, 2), (100, 800, 100)):
        out = np.full((m, n), np.nan, dtype)
        gemm(out, sample(dtype, m, k), sample(dtype, k, n))
        assert np.isfinite(out).all()


def test_nothing_to_do():
    for m, k, n in ((0, 3, 4), (3, 4, 0), (0, 0, 0)):
        gemm(np.empty((m, n), np.float32), np.ones((m, k), np.float32), np.ones((k, n), np.float32))


def test_what_is_not_a_number_stays_in_its_row_and_column():
    a, b = sample("f4", 17, 40), sample("f4", 40, 50)
    a[16, 3], b[5, 49] = np.nan, np.inf
    out = np.empty((17, 50), np.float32)
    gemm(out, a, b)
    assert np.isnan(out[16]).all() and not np.isfinite(out[:, 49]).any()
    assert np.isfinite(out[:16, :49]).all()


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4"])
@pytest.mark.parametrize("m, k, n", [(5, 6, 7), (65, 100, 90), (1, 30, 20), (20, 30, 1)])
def test_batches(dtype, m, k, n):
    for batch in (1, 3, 16):
        a, b, bias = sample(dtype, batch, m, k), sample(dtype, batch, k, n), sample(dtype, batch, m, n)
        for left, right in (
            (a, b),
            (a[:1], b),
            (a, b[0]),
            (a[::-1], np.swapaxes(np.swapaxes(b, 1, 2).copy(), 1, 2)),
        ):
            left = np.broadcast_to(left, a.shape)
            out = np.empty((batch, m, n), dtype)
            gemm(out, left, right, bias)
            check(out, wide(left, dtype) @ wide(right, dtype) + wide(bias, dtype), dtype, k)


def test_rows_of_out_that_are_apart():
    a, b = sample("f4", 50, 60), sample("f4", 60, 70)
    big = np.zeros((120, 100), np.float32)
    gemm(big[10:110:2, 20:90], a, b)
    check(big[10:110:2, 20:90], wide(a, "f4") @ wide(b, "f4"), "f4", 60)
    big[10:110:2, 20:90] = 0
    assert not big.any()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("m, k, n", [(3, 3, 3), (8, 4, 2), (16, 16, 16), (19, 70, 5), (9, 800, 8)])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_stacks_of_few_columns_touch_nothing_beside_them(dtype, m, k, n, turned):
    """What is read in place is read exactly: a NaN behind a row would be in the sums."""

    def inside(values: np.ndarray, transposed: bool = False) -> np.ndarray:
        *stack, rows, columns = values.swapaxes(-1, -2).shape if transposed else values.shape
        room = np.full((*stack, rows + 2, columns + 3), np.nan, values.dtype)
        place = room[..., 1:-1, 1:-2]
        place = place.swapaxes(-1, -2) if transposed else place
        place[...] = values
        return place

    a, b, old = sample(dtype, 2, 3, m, k), sample(dtype, 3, k, n), sample(dtype, 2, 3, m, n)
    product = wide(a, dtype) @ wide(b, dtype)
    out = inside(old)
    left, right = inside(a, turned[0]), inside(b, turned[1])
    gemm(out, left, right, out, 2, 3)
    check(out, 2 * product + 3 * wide(old, dtype), dtype, 2 * k)
    gemm(out, left, right, floor=0)
    check(out, np.maximum(product, 0), dtype, k)
    assert np.isnan(out.base).sum() == out.base.size - out.size


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4", "c8"])
@pytest.mark.parametrize(
    "shape",
    [(203, 500, 307), (1, 900, 3001), (3001, 900, 1), (5, 77, 401, 99), (64, 30, 30, 1), (700, 9, 9, 9)],
)
def test_the_same_bits_for_any_number_of_threads(dtype, shape, threads):
    *batch, m, k, n = shape
    a, b = sample(dtype, *batch, m, k), sample(dtype, *batch, k, n)
    results = []
    for count in (1, 2, 3, 8):
        threads(count)
        out = np.empty((*batch, m, n), dtype)
        gemm(out, a, b)
        results.append(out.tobytes())
    assert len(set(results)) == 1


def test_calls_from_several_threads(threads):
    threads(3)
    a, b = sample("f4", 150, 400), sample("f4", 400, 300)
    expected, outs = np.empty((150, 300), np.float32), [np.empty((150, 300), np.float32) for _ in range(4)]
    gemm(expected, a, b)
    workers = [
        threading.Thread(target=lambda out: [gemm(out, a, b) for _ in range(20)], args=(o,)) for o in outs
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all((out == expected).all() for out in outs)


OTHER_PROCESSOR = """
import numpy as np
from numbatorch_kernels.gemm import tile
tile.registers.cache_clear()
tile.registers = lambda: tile.Registers{}
import numbatorch_kernels.gemm as package
package.registers = tile.registers
rng = np.random.default_rng(0)
for dtype in {}:
    for m, k, n in ((3, 5, 2), (8, 9, 33), (50, 70, 80), (70, 390, 300)):
        for a, b in ((rng.random((m, k)), rng.random((k, n))), (rng.random((k, m)).T, rng.random((n, k)).T)):
            a, b = a.astype(dtype), b.astype(dtype)
            out, bias = np.empty((m, n), dtype), rng.random(n).astype(dtype)
            package.gemm(out, a, b, bias)
            tolerance = 1e-5 if dtype == "f4" else 1e-13
            np.testing.assert_allclose(out, a.astype("f8") @ b.astype("f8") + bias, rtol=tolerance)
"""


@pytest.mark.parametrize(
    "registers, dtypes",
    [((16, 4, 2), ["f4"]), ((16, 8, 3), ["f4"]), ((32, 6, 2), ["f4"]), ((64, 12, 2), ["f4", "f8"])],
)
def test_the_tiles_of_other_processors(registers, dtypes, tmp_path):
    """Vectors that this host does not have are taken apart by LLVM: slow, but the sums are the same."""
    environment = os.environ | {"NUMBATORCH_CACHE_DIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", OTHER_PROCESSOR.format(registers, dtypes)], env=environment, check=True
    )


ASSEMBLY = """
from numba import njit, types
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.tile import registers, tile
from numbatorch_kernels.pointer import Pointer
number = types.{}
height, width = registers().rows, registers().vectors * registers().bytes * 8 // number.bitwidth
def product(a, b, c, k):
    tile(a, height, 1, height, b, width, k, element(c, 1), element(c, 0), c, width, c, width, height, width)
compiled = njit(error_model="numpy")(product)
pointer = Pointer(number)
compiled.compile((pointer, pointer, pointer, types.intp))
print(*compiled.inspect_asm().values())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86 instructions")
@pytest.mark.parametrize(
    "processor, features, register, sums",
    [
        ("skylake-avx512", "+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx2,+fma,+avx", "zmm", 16),
        ("haswell", "+avx2,+fma,+avx", "ymm", 12),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_of_a_tile_stays_in_registers(processor, features, register, sums, dtype):
    """Compiled for processors that need not be here: multiply-adds of whole registers, and nothing on the stack."""
    environment = os.environ | {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    command = [sys.executable, "-c", ASSEMBLY.format(dtype)]
    text = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    loops = [loop for loop in inner_loops(text.splitlines()) if any("vfmadd" in line for line in loop)]
    assert loops
    for loop in loops:
        multiply_adds = [line for line in loop if "vfmadd" in line]
        assert len(multiply_adds) % sums == 0
        assert all(line.count(register) == 3 for line in multiply_adds)
        assert not any("%rsp" in line or "%rbp" in line for line in loop)


def inner_loops(lines: list[str]):
    """The lines from each label to a jump back there, where no other label is between."""
    label, begin = "", 0
    for at, line in enumerate(lines):
        if found := re.match(r"(\.\w+):", line):
            label, begin = found[1], at
        elif label and re.match(rf"\s+j\w+\s+{re.escape(label)}$", line):
            yield lines[begin:at]


# ---- CUDA: tiny sizes, the GPU may be simulated ----


def stored(x: np.ndarray, dtype: str) -> np.ndarray:
    """Whole numbers as they are stored."""
    return (x.astype("f4").view("u4") >> 16).astype("u2") if dtype == "bf" else x.astype(dtype)


def on_cuda(m, k, n, dtype, *numbers, batch=(), transposed=False):
    """The product of matrices of small whole numbers, which is exact in every dtype, and what it should be.

    With alpha and beta as `numbers` there is a bias.
    """
    a, b = (
        rng.integers(0, 3, (*batch, m, k)),
        rng.integers(0, 3, (*batch, n, k) if transposed else (*batch, k, n)),
    )
    bias = rng.integers(0, 3, n)
    left, right = (DeviceArray.from_host(stored(x, dtype)) for x in (a, b))
    if transposed:
        b, right = np.swapaxes(b, -1, -2), right.swapaxes(-1, -2)
    out = DeviceArray.from_host(stored(np.full((*batch, m, n), 9), dtype))
    if not numbers:
        matmul("cuda", out, left, right)
        return wide(out.copy_to_host(), dtype), a @ b
    matmul("cuda", out, left, right, DeviceArray.from_host(stored(bias, dtype)), *numbers)
    return wide(out.copy_to_host(), dtype), numbers[0] * (a @ b) + numbers[1] * bias


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "bf", "u1", "i1", "i2", "i4", "i8", "c8", "c16"])
def test_cuda_dtypes(dtype):
    np.testing.assert_array_equal(*on_cuda(3, 5, 6, dtype, 2, 3))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 4, 4), (5, 9, 3), (1, 6, 5), (5, 6, 1), (3, 0, 2)])
@pytest.mark.parametrize("transposed", [False, True])
def test_cuda_sizes(sizes, transposed):
    np.testing.assert_array_equal(*on_cuda(*sizes, "f4", transposed=transposed))


def test_cuda_batches():
    np.testing.assert_array_equal(*on_cuda(5, 3, 6, "f4", batch=(3,), transposed=True))
    np.testing.assert_array_equal(*on_cuda(2, 3, 2, "f4", 1, 2, batch=(2,)))


def test_cuda_adds_to_out_and_reads_any_strides():
    a, b = sample("i4", 3, 8), sample("i4", 1, 4, 6)
    out = DeviceArray.from_host(np.ones((2, 3, 3), np.int32))
    stack = DeviceArray.from_host(b)[:, :, ::2]
    stack = stack.as_strided((2, 4, 3), (0, *stack.strides[1:]))  # the same matrix twice
    matmul("cuda", out, DeviceArray.from_host(a)[:, ::2], stack, out, 1, 5)
    np.testing.assert_array_equal(out.copy_to_host(), np.stack([a[:, ::2] @ b[0, :, ::2] + 5] * 2))
