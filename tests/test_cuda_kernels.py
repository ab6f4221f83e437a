"""The CUDA side of the kernels without any tensors: arrays, memory, pointwise kernels, the simulator. Tiny
sizes: a GPU may be simulated."""

import importlib.metadata
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from numbatorch_kernels import lift, primitives
from numbatorch_kernels.cuda import DeviceArray, compat
from numbatorch_kernels.cuda.compat import cuda
from numbatorch_kernels.cuda.launch import compiled, grid_stride, launcher
from numbatorch_kernels.expr import Scalar, symbol
from numbatorch_kernels.lift import Operand, Program

simulated_only = pytest.mark.skipif(not compat.SIMULATED, reason="about the simulator")


# ---- arrays ----


def sample(shape=(2, 3, 4), dtype=np.float32):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def same_geometry(device: DeviceArray, host: np.ndarray) -> None:
    assert (device.shape, device.dtype, device.ndim) == (host.shape, host.dtype, host.ndim)
    assert device.strides == host.strides or host.size == 0
    assert (device.size, device.itemsize, device.nbytes) == (host.size, host.itemsize, host.nbytes)
    assert device.flags.c_contiguous == host.flags.c_contiguous
    np.testing.assert_array_equal(device.copy_to_host(), host)


@pytest.mark.parametrize("dtype", ["b1", "u1", "i1", "i2", "i4", "i8", "f2", "u2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (5,), (2, 3, 4)])
def test_copies_to_the_device_and_back(shape, dtype):
    host = (sample(shape, np.int64) % 2).astype(dtype)
    same_geometry(DeviceArray.from_host(host), host)


VIEWS = {
    "reshape": lambda x: x.reshape((4, 6)),
    "reshape of a view": lambda x: x.transpose((2, 0, 1)).reshape((2, 2, 6)),
    "transpose": lambda x: x.transpose((2, 0, 1)),
    "transpose all": lambda x: x.transpose(),
    "swapaxes": lambda x: x.swapaxes(0, -1),
    "a part": lambda x: x[1, ..., 1:4:2],
    "None": lambda x: x[:, None, 1, :, None],
    "one element": lambda x: x[1, -1, 2, ...],
    "nothing": lambda x: x[:, 3:],
    "dtype": lambda x: x.view(np.int32)[..., ::3],
    "smaller dtype": lambda x: x.view(np.uint8),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_numpys(name):
    host, view = sample(), VIEWS[name]
    same_geometry(view(DeviceArray.from_host(host)), view(host))


def test_views_share_memory():
    x = DeviceArray.from_host(np.zeros((2, 3), np.float32))
    x[1].copy_from_host(np.ones(3, np.float32))
    assert x.reshape((6,)).copy_to_host().tolist() == [0, 0, 0, 1, 1, 1]
    assert x.address == x[0].address == x[1].address - 12


def test_indexing_by_integers_gives_a_view():
    x = DeviceArray.from_host(sample())
    assert x[1, 2, 3].shape == () and x[1, 2, 3].copy_to_host() == 23


def test_as_strided():
    x = DeviceArray.from_host(np.arange(6, dtype=np.int64))
    assert x.as_strided((3, 2), (8, 16), 8).copy_to_host().tolist() == [[1, 3], [2, 4], [3, 5]]
    assert x.as_strided((2, 2), (0, 8)).copy_to_host().tolist() == [[0, 1], [0, 1]]


def test_parts_of_complex_numbers():
    host = np.array([1 + 2j, 3 + 4j], np.complex64)
    x = DeviceArray.from_host(host)
    same_geometry(x.real, host.real)
    same_geometry(x.imag, host.imag)
    with pytest.raises(TypeError, match="imaginary parts of float32"):
        _ = x.real.imag


def test_what_is_no_view_is_an_error():
    x = DeviceArray.from_host(sample())
    with pytest.raises(ValueError, match="copy"):
        x.transpose((2, 0, 1)).reshape((24,))
    for key in ([0, 1], np.array([0]), True):
        with pytest.raises(TypeError, match="is indexed by integers, slices"):
            x[key]
    with pytest.raises(IndexError):
        x[2]
    with pytest.raises(ValueError, match="cannot copy"):
        x.copy_from_host(np.zeros(24, np.float32))


def test_repr_names_the_device():
    assert repr(DeviceArray.empty((2, 3), "f4")) == "<DeviceArray float32(2, 3) on cuda:0>"


def test_there_is_no_device_number_seven():
    if compat.device_count() <= 7:
        with pytest.raises(RuntimeError, match="invalid device ordinal: cuda:7"):
            DeviceArray.empty((1,), "f4", 7)


# ---- pointwise kernels ----


def run(program, inputs, element_out, compute, elements=None):
    """The program on flat arrays and numbers, on the device; the results as NumPy arrays."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    elements = elements or [
        x.dtype.str[1:] if isinstance(x, np.ndarray) else "f8" if isinstance(x, float) else "i8"
        for x in inputs
    ]
    operands = tuple(
        Operand(e, "flat" if isinstance(x, np.ndarray) else "value")
        for x, e in zip(inputs, elements, strict=True)
    )
    outs = [
        DeviceArray.empty(arrays[0].shape, "u2" if element_out == "bf" else element_out)
        for _ in program.outputs
    ]
    kernel = lift.kernel(program, "cuda", operands, (Operand(element_out, "flat"),) * len(outs), compute)
    kernel(
        *outs, *[DeviceArray.from_host(x) if isinstance(x, np.ndarray) else x for x in inputs], arrays[0].size
    )
    results = [o.copy_to_host() for o in outs]
    return results[0] if len(results) == 1 else results


EDGES = [
    -np.inf,
    -1e30,
    -88.5,
    -2.5,
    -1.0,
    -0.5,
    -0.0,
    0.0,
    1e-30,
    0.25,
    0.5,
    1.0,
    1.5,
    2.5,
    30.0,
    89.0,
    1e30,
    np.inf,
    np.nan,
]
UNARY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": np.vectorize(math.erf), "erfc": np.vectorize(math.erfc), "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x), "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc,
    "rint": np.rint, "abs": np.abs, "normal_cdf": np.vectorize(lambda x: math.erfc(-x * math.sqrt(0.5)) / 2),
}  # fmt: skip
BINARY = {
    "pow": np.power,
    "atan2": np.arctan2,
    "fmod": np.fmod,
    "copysign": np.copysign,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


# Written with others, of complex numbers, which kernels compute in pairs, or tested elsewhere.
OTHERS = ("where", "isnan", "sign", "int_pow", "real", "imag", "conj", "angle", "sgn", "erfcx")


def every_primitive():
    """Names in `primitives` of functions that kernels call."""
    return [n for n in primitives.__all__ if callable(getattr(primitives, n)) and n not in OTHERS]


def test_every_primitive_is_tested_here():
    assert set(every_primitive()) == UNARY.keys() | BINARY.keys()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name, dtype):
    x = np.array(EDGES, dtype)
    with np.errstate(all="ignore"):
        expected = UNARY[name](x.astype(np.float64)).astype(dtype)
    function = getattr(primitives, name)
    result = run(Program(name, (function(symbol(0)),), 1), [x], x.dtype.str[1:], x.dtype.str[1:])
    np.testing.assert_allclose(result, expected, rtol=16 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
    assert (np.signbit(result) == np.signbit(expected))[~np.isnan(expected)].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name, dtype):
    values = [-np.inf, -2.0, -0.5, -0.0, 0.0, 1.0, 3.0, np.inf, np.nan]
    x, y = (v.reshape(-1) for v in np.meshgrid(np.array(values, dtype), np.array(values, dtype)))
    with np.errstate(all="ignore"):
        expected = BINARY[name](x, y)
    result = run(
        Program(name, (getattr(primitives, name)(symbol(0), symbol(1)),), 2),
        [x, y],
        x.dtype.str[1:],
        x.dtype.str[1:],
    )
    np.testing.assert_allclose(result, expected, rtol=8 * np.finfo(dtype).eps)


def axpy(a, x, y):
    return a * x + y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_passed_by_value(dtype):
    x, y = sample((7,), dtype), sample((7,), dtype) + 1
    result = run(lift.program(axpy), [0.1, x, y], x.dtype.str[1:], x.dtype.str[1:])
    np.testing.assert_allclose(result, dtype(0.1) * x + y, rtol=1e-6)


@pytest.mark.parametrize("element", ["u1", "i1", "i2", "i4", "i8"])
def test_integers_wrap_around(element):
    x = np.array([0, 1, 100, np.iinfo(element).max], element)
    with np.errstate(all="ignore"):
        expected = x * x + x
    result = run(Program("f", (symbol(0) * symbol(0) + symbol(0),), 1), [x], element, "i8")
    np.testing.assert_array_equal(result, expected)


def test_integer_division_by_zero_is_no_error():
    x = np.array([7, -7, 0], np.int64)
    run(
        Program("f", (symbol(0) // symbol(1), symbol(0) % symbol(1)), 2),
        [x, np.zeros(3, np.int64)],
        "i8",
        "i8",
    )


def test_division_by_zero():
    x = np.array([1, -1, 0], np.float32)
    result = run(Program("f", (symbol(0) / symbol(1),), 2), [x, np.zeros(3, np.float32)], "f4", "f4")
    np.testing.assert_array_equal(result, np.array([np.inf, -np.inf, np.nan], np.float32))


def choose(c, a, b):
    return primitives.where(c, a, b)


@pytest.mark.parametrize(
    "condition", [np.array([True, False, True]), np.array([2, 0, -1]), np.array([0.5, 0, np.nan], np.float32)]
)
def test_conditions_are_truth_values_of_any_type(condition):
    a, b = np.array([1, 2, 3], np.float32), np.array([10, 20, 30], np.int32)
    result = run(lift.program(choose, conditions=(0,)), [condition, a, b], "f4", "f4")
    assert result.tolist() == [1, 20, 3]


def test_comparisons_give_truth_values():
    x = np.array([1, np.nan, 3], np.float32)
    result = run(Program("f", ((symbol(0) < 2) | (symbol(0) != symbol(0)),), 1), [x], "b1", "f4")
    assert result.dtype == np.bool_ and result.tolist() == [True, True, False]


def test_truth_values_in_arithmetic():
    x = np.array([True, False, True])
    assert run(Program("f", (symbol(0) + symbol(0),), 1), [x], "i8", "i8").tolist() == [2, 0, 2]
    assert run(Program("f", (~(symbol(0) == symbol(1)),), 2), [x, ~x], "b1", "b1").tolist() == [
        True,
        True,
        True,
    ]


def bf16(x: np.ndarray) -> np.ndarray:
    """The words of float32 numbers rounded to bfloat16, ties to even."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return np.where(np.isnan(x), 0x7FC0, bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint16)


def from_bf16(words: np.ndarray) -> np.ndarray:
    return (words.astype(np.uint32) << 16).view(np.float32)


def test_half_precision_is_computed_as_float32():
    x = np.array([0.1, -2.5, 65504, 6e-8, np.inf, np.nan], np.float16)
    result = run(Program("f", (symbol(0) * 1.001,), 1), [x], "f2", "f4")
    with np.errstate(over="ignore"):
        expected = (x.astype(np.float32) * np.float32(1.001)).astype(np.float16)
    np.testing.assert_array_equal(result, expected)


def test_bfloat16_is_computed_as_float32():
    x = from_bf16(bf16(np.array([0.1, -2.5, 3e38, 1e-40, np.inf, np.nan, 1.00390625], np.float32)))
    result = run(Program("f", (symbol(0) * 1.001,), 1), [bf16(x)], "bf", "f4", ["bf"])
    np.testing.assert_array_equal(result, bf16(x * np.float32(1.001)))


def test_mixed_dtypes():
    a, b = np.array([1.5, 2.5], np.float16), np.array([3, 4], np.int32)
    assert run(Program("f", (symbol(0) * symbol(1),), 2), [a, b], "f4", "f4").tolist() == [4.5, 10]
    assert run(Program("f", (symbol(0),), 1), [np.array([3.9, -3.9], np.float32)], "i4", "f4").tolist() == [
        3,
        -3,
    ]
    assert run(Program("f", (symbol(0),), 1), [np.array([260, -1])], "u1", "i8").tolist() == [4, 255]


def test_complex_numbers():
    a, b = np.array([1 + 2j, -3j], np.complex64), np.array([0.5, 2 - 1j], np.complex64)
    result = run(Program("f", (symbol(0) * symbol(1) + symbol(0) / symbol(1),), 2), [a, b], "c8", "c8")
    np.testing.assert_allclose(result, a * b + a / b, rtol=1e-6)


def test_functions_of_complex_numbers():
    x = np.array([1 + 2j, -3j, 0], np.complex64)
    with np.errstate(all="ignore"):
        expected = np.log(x)
    result = run(Program("f", (primitives.log(symbol(0)),), 1), [x], "c8", "c8")
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_several_outputs():
    x = sample((5,))
    double, square = run(Program("f", (symbol(0) * 2, symbol(0) * symbol(0)), 1), [x], "f4", "f4")
    assert (double == 2 * x).all() and (square == x * x).all()


def geometry(out: np.ndarray, *inputs: np.ndarray) -> np.ndarray:
    """Of kernels with strides: outer dimensions, row length, outer shape, strides in elements."""
    shape = out.shape
    steps = [s // x.itemsize for x in (out, *inputs) for s in np.broadcast_to(x, shape).strides]
    return np.array([len(shape) - 1, shape[-1], *shape[:-1], *steps], np.int64)


@pytest.mark.parametrize(
    "name, view",
    [
        ("transposed", lambda x: x.transpose((2, 1, 0))),
        ("one dimension", lambda x: x.reshape((24,))[::5]),
        ("a column", lambda x: x[:, :, 1]),
        ("every other", lambda x: x[:, 1:, ::2]),
    ],
)
def test_strides(name, view):
    x, y = view(sample()), view(sample() * 10)
    out = DeviceArray.empty(x.shape, "f4")
    operands = (Operand("f4", "strided"),) * 2
    kernel = lift.kernel(
        Program("f", (symbol(0) + symbol(1),), 2), "cuda", operands, (Operand("f4", "unit"),), "f4"
    )
    kernel(
        out,
        view(DeviceArray.from_host(sample())),
        view(DeviceArray.from_host(sample() * 10)),
        geometry(np.empty(x.shape, "f4"), x, y),
        x.size,
    )
    np.testing.assert_array_equal(out.copy_to_host(), x + y)


def test_broadcasting_and_writing_through_strides():
    x, row = sample((3, 4)), sample((4,)) + 1
    target = DeviceArray.from_host(np.zeros((4, 3), np.float32))
    out = target.transpose()
    kernel = lift.kernel(
        Program("f", (symbol(0) * symbol(1),), 2),
        "cuda",
        (Operand("f4", "unit"), Operand("f4", "unit")),
        (Operand("f4", "strided"),),
        "f4",
    )
    kernel(
        out,
        DeviceArray.from_host(x),
        DeviceArray.from_host(row),
        geometry(np.zeros((4, 3), "f4").T, x, row),
        12,
    )
    np.testing.assert_array_equal(target.copy_to_host(), (x * row).T)


def test_in_place():
    x = DeviceArray.from_host(sample((5,)))
    operands = (Operand("f4", "inplace"), Operand("f4", "flat"))
    kernel = lift.kernel(
        Program("f", (symbol(0) + symbol(1),), 2), "cuda", operands, (Operand("f4", "flat"),), "f4"
    )
    kernel(x, DeviceArray.from_host(sample((5,))), 5)
    assert x.copy_to_host().tolist() == [0, 2, 4, 6, 8]


def test_no_elements_no_launch():
    x = DeviceArray.empty((0,), "f4")
    kernel = lift.kernel(
        Program("f", (symbol(0),), 1), "cuda", (Operand("f4", "flat"),), (Operand("f4", "flat"),), "f4"
    )
    kernel(x, x, 0)


def test_every_element_is_computed_once():
    def count(out, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            out[i] = out[i] + 1

    for n in (1, 2, 3, 4, 5, 8, 9, 100):
        x = DeviceArray.from_host(np.zeros(n, np.int32))
        launcher(count, "i4", int)(x, n)
        assert (x.copy_to_host() == 1).all()
    assert all(
        blocks >= 1 and 1 <= threads <= 256 for blocks, threads in map(grid_stride, (1, 5, 1000, 10**9))
    )


# ---- blocks of threads, shared memory, barriers, warps ----


def reverse_blocks(out, x, n):
    shared = cuda.shared.array(8, np.float32)
    t = cuda.threadIdx.x
    shared[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    out[cuda.grid(1)] = shared[cuda.blockDim.x - 1 - t]


def warp_sums(out, x, n):
    value = x[cuda.grid(1)]
    step = compat.WARP // 2
    while step > 0:
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, step)
        step //= 2
    if cuda.threadIdx.x % compat.WARP == 0:
        out[cuda.grid(1) // compat.WARP] = value


def warp_matches(out, x):
    t = cuda.threadIdx.x
    out[t] = cuda.popc(cuda.match_any_sync(0xFFFFFFFF, x[t])) + 10 * cuda.shfl_up_sync(0xFFFFFFFF, t, 1)


def test_shared_memory_and_barriers():
    x = sample((16,))
    out = DeviceArray.empty((16,), "f4")
    compiled(reverse_blocks, "f4", "f4", int)(2, 8, out, DeviceArray.from_host(x), 16)
    np.testing.assert_array_equal(out.copy_to_host(), x.reshape(2, 8)[:, ::-1].reshape(-1))


@simulated_only
class TestSimulator:
    def test_warps(self):
        x = sample((16,))
        out = DeviceArray.empty((4,), "f4")
        compiled(warp_sums, "f4", "f4", int)(2, 8, out, DeviceArray.from_host(x), 16)
        np.testing.assert_array_equal(out.copy_to_host(), x.reshape(4, 4).sum(1))
        out, x = DeviceArray.empty((8,), "i4"), np.array([5, 6, 5, 5, 7, 7, 5, 6], np.int32)
        compiled(warp_matches, "i4", "i4")(1, 8, out, DeviceArray.from_host(x))
        assert out.copy_to_host().tolist() == [3, 1, 13, 23, 42, 42, 51, 61]

    def test_arrays_of_shared_memory_asked_for_in_one_line(self):
        def both(out):
            a, b = cuda.shared.array(1, np.int32), cuda.shared.array(1, np.int32)
            a[0], b[0] = 1, 2
            cuda.syncthreads()
            out[0] = a[0]

        out = DeviceArray.empty((1,), "i4")
        compiled(both, "i4")(1, 1, out)
        assert out.copy_to_host().tolist() == [1]

    def test_runs_in_this_python_thread_unless_there_are_barriers(self):
        seen = set()

        def look(out):
            seen.add(threading.current_thread())

        compiled(look, "f4")(2, 4, DeviceArray.empty((1,), "f4"))
        assert seen == {threading.current_thread()}

    def test_missing_barriers_show(self):
        def neighbour(out, step):
            shared = cuda.shared.array(8, np.float32)
            t = cuda.threadIdx.x
            shared[t] = t
            out[t] = shared[(t + step) % 8]
            cuda.syncthreads()

        out = DeviceArray.empty((8,), "f4")
        compiled(neighbour, "f4", int)(1, 8, out, 1)
        assert np.isnan(out.copy_to_host()).any()

    def test_the_order_of_threads_is_turned_round_at_barriers(self):
        def last(out):
            for k in range(4):
                out[k] = cuda.threadIdx.x
                cuda.syncthreads()

        out = DeviceArray.empty((4,), "f4")
        compiled(last, "f4")(1, 8, out)
        assert out.copy_to_host().tolist() == [7, 0, 7, 0]

    def test_barriers_that_some_threads_never_reach(self):
        def divergent(out):
            if cuda.threadIdx.x < 4:
                cuda.syncthreads()
            else:
                cuda.syncthreads()

        with pytest.raises(
            RuntimeError,
            match=r"deadlock: threads of a block wait at different barriers, .*\.py:\d+ and .*\.py:\d+",
        ):
            compiled(divergent, "f4")(1, 8, DeviceArray.empty((1,), "f4"))
        self.test_warps()

    @pytest.mark.parametrize("index", [-1, 6])
    @pytest.mark.parametrize("barriers", [False, True])
    def test_an_index_out_of_bounds_names_the_thread(self, index, barriers):
        def wrong(out, i):
            if cuda.threadIdx.x == 1:
                out[i] = 1

        def wrong_later(out, i):
            cuda.syncthreads()
            wrong(out, i)
            cuda.syncthreads()

        with pytest.raises(IndexError) as caught:
            compiled(wrong_later if barriers else wrong, "f4", int)(
                1, 4, DeviceArray.empty((2, 3), "f4"), index
            )
        assert "in thread (1, 0, 0) of block (0, 0, 0) of the simulated kernel wrong" in "\n".join(
            caught.value.__notes__
        )
        self.test_warps()

    def test_two_dimensional_grids(self):
        def where_am_i(out):
            x, y = cuda.grid(2)
            nx, ny = cuda.gridsize(2)
            out[y * nx + x] = 10 * x + y + 100 * (ny - 6) + 1000 * (cuda.gridDim.y - 3) + cuda.blockDim.z - 1

        out = DeviceArray.empty((24,), "i4")
        compiled(where_am_i, "i4")((2, 3), (2, 2), out)
        assert out.copy_to_host().tolist() == [10 * x + y for y in range(6) for x in range(4)]

    def test_threads_that_end_need_not_come_to_the_barrier(self):
        def half(out):
            if cuda.threadIdx.x < 4:
                cuda.syncthreads()
                out[cuda.threadIdx.x] = 1

        out = DeviceArray.empty((4,), "f4")
        compiled(half, "f4")(1, 8, out)
        assert out.copy_to_host().tolist() == [1, 1, 1, 1]

    def test_launches_from_several_threads_take_turns(self):
        x = DeviceArray.from_host(sample((16,)))
        outs = [DeviceArray.empty((16,), "f4") for _ in range(4)]
        threads = [
            threading.Thread(target=compiled(reverse_blocks, "f4", "f4", int), args=(2, 8, o, x, 16))
            for o in outs
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len({o.copy_to_host().tobytes() for o in outs}) == 1

    def test_math_gives_infinity_and_nan(self):
        def edges(out, zero, big):
            out[0] = math.log(zero)
            out[1] = math.exp(big)
            out[2] = math.sqrt(-big)
            out[3] = 1 / zero + math.pi

        out = DeviceArray.empty((4,), "f4")
        compiled(edges, "f4", float, float)(1, 1, out, 0.0, 1e6)
        np.testing.assert_array_equal(out.copy_to_host(), [-np.inf, np.inf, np.nan, np.inf])

    def test_there_is_no_address_to_share(self):
        assert not hasattr(DeviceArray.empty((1,), "f4"), "__cuda_array_interface__")


# ---- the door ----


def _installed(distribution: str) -> bool:
    try:
        return bool(importlib.metadata.version(distribution))
    except importlib.metadata.PackageNotFoundError:
        return False


def python(code: str, **environment: str) -> str:
    """What a fresh Python prints."""
    clean = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"} | {
        "PYTHONPATH": os.pathsep.join(sys.path)
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_the_package_loads_no_cuda_compiler():
    assert python("import sys, numbatorch_kernels.cuda; print('numba.cuda' in sys.modules)") == "False"


@simulated_only
def test_the_simulator_needs_no_cuda_compiler():
    code = (
        "import sys; from numbatorch_kernels.cuda import DeviceArray;"
        "DeviceArray.empty((1,), 'f4'); print('numba.cuda' in sys.modules)"
    )
    assert python(code, NUMBA_ENABLE_CUDASIM="1") == "False"


@pytest.mark.skipif(not compat.SIMULATED, reason="there is a GPU")
def test_without_a_gpu_the_error_says_what_to_do():
    code = """
try:
    from numbatorch_kernels.cuda import DeviceArray
    DeviceArray.empty((1,), "f4")
except RuntimeError as error:
    print(error)
"""
    assert "set NUMBA_ENABLE_CUDASIM=1 in the environment before Python starts" in python(code)


COMPILE = """
from numbatorch_kernels import lift, primitives
from numbatorch_kernels.cuda import compat, pointer
from numbatorch_kernels.expr import symbol

# A GPU of compute capability 9.0, as far as a compiler sees one, and what it is given.
assert not compat.SIMULATED
compat.capability = lambda device: (9, 0)
compat.driver.load = lambda device, code, entry: print("swish" in entry, code[:4] == b"\\x7fELF")
ptx = compat.ptx
compat.ptx = lambda *args: (print("compiled"), ptx(*args))[1]

program = lift.Program("swish", (primitives.sigmoid(symbol(0)) * symbol(0),), 1)
operand = (lift.Operand("f4", "flat"),)
text = lift.source(program, "cuda", operand, operand, "f4")
function = lift.module(text, "swish").swish_kernel
compat.compile_kernel(function, tuple(map(pointer.argument, ("f4", "f4", int))), 0)
"""


@pytest.mark.skipif(not _installed("nvidia-nvvm"), reason="needs NVIDIA's compiler")
def test_compiled_kernels_are_kept_on_disk(tmp_path):
    assert python(COMPILE, NUMBATORCH_CACHE_DIR=str(tmp_path)).split() == ["compiled", "True", "True"]
    assert python(COMPILE, NUMBATORCH_CACHE_DIR=str(tmp_path)).split() == ["True", "True"]


def test_scalars_have_a_cuda_implementation():
    from numbatorch_kernels.cuda import vecmath

    for name in every_primitive():
        function = getattr(primitives, name)
        if isinstance(function, Scalar) and function.text is None and function.body is None:
            assert hasattr(vecmath, f"{function.name}_f32") and hasattr(vecmath, f"{function.name}_f64")
