"""Matrix products by cuBLAS, with a stand-in for the library: it does on the simulator's memory what its documentation says."""

import ctypes
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels.cuda import blas

NUMPY = {0: np.float32, 1: np.float64, 2: np.float16, 4: np.complex64, 5: np.complex128, 14: np.uint16}


class Library:
    """`nvmath.bindings.cublas`, as far as it is used."""

    ComputeType = SimpleNamespace(COMPUTE_16F=64, COMPUTE_32F=68, COMPUTE_32F_FAST_TF32=77, COMPUTE_64F=70)
    Math = SimpleNamespace(DEFAULT_MATH=0, DISALLOW_REDUCED_PRECISION_REDUCTION=16)

    def __init__(self):
        self.handles, self.modes, self.calls = count(1), {}, []

    def create(self):
        return next(self.handles)

    def set_stream(self, handle, stream):
        assert stream

    def set_workspace(self, handle, address, size):
        assert address and size == blas.WORKSPACE

    def set_math_mode(self, handle, mode):
        self.modes[handle] = mode

    def gemm_strided_batched_ex_64(
        self, handle, transa, transb, m, n, k, alpha, a, a_type, lda, a_step, b, b_type, ldb, b_step,
        beta, c, c_type, ldc, c_step, batch, compute, algorithm,
    ):  # fmt: skip
        """C = alpha op(A) op(B) + beta C of matrices whose columns are contiguous, their beginnings ld apart."""
        self.calls.append((batch, compute, self.modes[handle]))
        number = {64: np.float16, 70: np.dtype(NUMPY[c_type]), 68: np.float32, 77: np.float32}[compute]
        number = np.dtype(NUMPY[c_type]) if c_type in (4, 5) else np.dtype(number)
        alpha, beta = (self._memory(x, number, 1)[0] for x in (alpha, beta))
        for i in range(batch):
            left = self._matrix(a, a_type, lda, i * a_step, *((k, m) if transa else (m, k)))
            right = self._matrix(b, b_type, ldb, i * b_step, *((n, k) if transb else (k, n)))
            out = self._matrix(c, c_type, ldc, i * c_step, m, n)
            product = alpha * (
                self._wide(left.T if transa else left) @ self._wide(right.T if transb else right)
            )
            result = product + beta * self._wide(out) if beta else product
            out[...] = self._narrow(result) if c_type == 14 else result

    @staticmethod
    def _memory(address, dtype, size):
        bytes_ = (ctypes.c_uint8 * (size * np.dtype(dtype).itemsize)).from_address(address)
        return np.frombuffer(bytes_, dtype)

    def _matrix(self, address, kind, pitch, begin, rows, columns):
        assert pitch >= rows
        dtype = np.dtype(NUMPY[kind])
        memory = self._memory(address + begin * dtype.itemsize, dtype, (columns - 1) * pitch + rows)
        return np.lib.stride_tricks.as_strided(
            memory, (rows, columns), (dtype.itemsize, pitch * dtype.itemsize)
        )

    @staticmethod
    def _wide(matrix):
        return (matrix.astype(np.uint32) << 16).view(np.float32) if matrix.dtype == np.uint16 else matrix

    @staticmethod
    def _narrow(matrix):
        bits = matrix.astype(np.float32).view(np.uint32)
        return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


@pytest.fixture
def library(monkeypatch):
    library = Library()
    monkeypatch.setattr(blas, "library", lambda: library)
    blas._handle.cache_clear()
    yield library
    blas._handle.cache_clear()


def numbers(*shape, dtype=torch.float32):
    return torch.testing.make_tensor(shape, dtype=dtype, device="cpu", low=-1, high=1)


def assert_equal(function, *operands):
    """On cuda as on the CPU."""
    expected, result = function(*operands), function(*[x.to("cuda") for x in operands])
    torch.testing.assert_close(result.cpu(), expected)


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128],
    ids=str,
)
@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
def test_rows_and_columns(library, dtype, turn_a, turn_b, seeded):
    a, b = numbers(3, 4, dtype=dtype), numbers(4, 5, dtype=dtype)
    a, b = a.t().contiguous().t() if turn_a else a, b.t().contiguous().t() if turn_b else b
    assert_equal(lambda a, b: a @ b, a, b)
    assert len(library.calls) == 1


@pytest.mark.parametrize(
    "left, right, calls",
    [
        ((1, 4), (4, 1), 1),
        ((3, 1), (1, 5), 1),
        ((2, 3, 4), (2, 4, 5), 1),
        ((2, 3, 4), (4, 5), 1),
        ((3, 4), (2, 4, 5), 1),
        ((2, 3, 2, 4), (2, 3, 4, 2), 1),
        ((2, 1, 2, 4), (1, 3, 4, 2), 2),
        ((3, 1, 2, 4), (1, 2, 4, 2), 2),
        ((0, 4), (4, 5), 0),
        ((3, 0), (0, 5), 0),
    ],
    ids=str,
)
def test_shapes(library, left, right, calls, seeded):
    assert_equal(torch.matmul, numbers(*left), numbers(*right))
    assert len(library.calls) == calls


def test_slices_and_what_repeats(library, seeded):
    x, y = numbers(6, 8), numbers(8, 5)
    assert_equal(lambda x, y: x[1:4, 2:] @ y[2:], x, y)
    assert_equal(lambda x, y: x.t()[2:6] @ y[:6], x, y)
    assert len(library.calls) == 2
    assert_equal(lambda x, y: x[:, ::2] @ y[::2], x, y)  # neither rows nor columns are contiguous
    assert_equal(lambda x, y: x[:1].expand(3, 8) @ y, x, y)  # rows in one place
    assert_equal(lambda x, y: x @ y, x.long(), y.long())
    assert len(library.calls) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64], ids=str)
def test_what_is_added(library, dtype, seeded):
    c, a, b = numbers(5, dtype=dtype), numbers(3, 4, dtype=dtype), numbers(4, 5, dtype=dtype)
    assert_equal(lambda c, a, b: torch.addmm(c, a, b), c, a, b)
    assert_equal(lambda c, a, b: torch.addmm(c, a, b, alpha=2, beta=0.5), c, a, b)
    assert_equal(lambda c, a, b: c.expand(3, 5).clone().addmm_(a, b, beta=2), c, a, b)
    assert_equal(lambda c, a, b: torch.nn.functional.linear(a, b.t().contiguous(), c), c, a, b)
    assert len(library.calls) == 4


def test_gradients(library, seeded):
    def gradient(a, b):
        a = a.detach().requires_grad_()
        (a @ b).sigmoid().sum().backward()
        return a.grad

    assert_equal(gradient, numbers(2, 3, 4), numbers(2, 4, 5))


def test_precision_is_what_programs_allow(library):
    x, flags = torch.ones(2, 2, device="cuda"), torch.backends.cuda.matmul

    def computed(dtype):
        x.to(dtype) @ x.to(dtype)
        return library.calls[-1][1:]

    assert computed(torch.float32) == (68, 0) and computed(torch.float64) == (70, 0)
    try:
        torch.set_float32_matmul_precision("high")
        assert flags.allow_tf32 and computed(torch.float32) == (77, 0)
        flags.allow_tf32 = False
        assert torch.get_float32_matmul_precision() == "highest" and computed(torch.float32) == (68, 0)
        assert computed(torch.float16) == computed(torch.bfloat16) == (68, 0)
        flags.allow_fp16_reduced_precision_reduction = False
        assert computed(torch.float16) == (68, 16) and computed(torch.bfloat16) == (68, 0)
        flags.allow_fp16_accumulation = True
        assert computed(torch.float16) == (64, 0)
    finally:
        flags.allow_fp16_reduced_precision_reduction, flags.allow_fp16_accumulation = True, False


def test_a_handle_for_each_stream(library):
    x = torch.ones(2, 2, device="cuda")
    x @ x
    x @ x
    with torch.cuda.stream(torch.cuda.Stream()):
        x @ x
    assert len(library.modes) == 2


def test_kernels_of_our_own_instead(library):
    x = torch.ones(2, 2, device="cuda")
    assert torch.backends.cuda.preferred_blas_library("numbatorch") == "numbatorch"
    try:
        assert (x @ x).tolist() == [[2, 2], [2, 2]] and not library.calls
    finally:
        torch.backends.cuda.preferred_blas_library("default")
    x @ x
    assert len(library.calls) == 1
    with pytest.raises(RuntimeError, match="Unknown input value. Choose from: default, cublas"):
        torch.backends.cuda.preferred_blas_library("mkl")


def test_mistakes():
    flags = torch.backends.cuda.matmul
    with pytest.raises(RuntimeError, match="set_allow_tf32_cublas expects a bool, but got int"):
        flags.allow_tf32 = 1
    with pytest.raises(AttributeError, match="Unknown attribute allow_all"):
        flags.allow_all = True
    with pytest.raises(AttributeError, match="Unknown attribute allow_all"):
        print(flags.allow_all)
