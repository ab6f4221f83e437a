"""The short ways of small operations: one native call makes the result. And the copies that turn matrices."""

import itertools

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels import cpu, gemm
from numbatorch_kernels.making import SMALL, making


def total(out, a, b, factor, start, stop):
    for i in range(start, stop):
        out[i] = a[i] + factor * b[i]


def parts(quotient, rest, a, b, start, stop):
    for i in range(start, stop):
        quotient[i], rest[i] = a[i] // b[i], a[i] % b[i]


@pytest.fixture
def call():
    return making(cpu.compiled(total, "f8", "f8", "f8", float, int, int), np.dtype(np.float64))


def test_the_result_is_a_new_array_shaped_like_the_arguments(call):
    for shape in [(), (3,), (2, 0), (2, 3, 4)]:
        a, b = np.ones(shape), np.full(shape, 2.0)
        result = call(a, b, 0.5)
        assert result.shape == shape and result.dtype == np.float64 and result.flags.owndata
        assert (result == 2).all()


def test_several_shapes_and_many_elements_are_left_to_others(call):
    assert call(np.ones(3), np.ones(4), 1.0) is None
    assert call(np.ones(3), np.ones((1, 3)), 1.0) is None
    assert call(np.ones(SMALL), np.ones(SMALL), 1.0) is not None
    assert call(np.ones(SMALL + 1), np.ones(SMALL + 1), 1.0) is None


def test_wrong_arguments_are_errors(call):
    with pytest.raises(TypeError):
        call(np.ones(3), np.ones(3))
    with pytest.raises(TypeError):
        call(np.ones(3), np.ones(3), "1")


def test_a_shape_that_is_known_and_several_results():
    entry = cpu.compiled(parts, "i8", "i8", "i8", "i8", int, int)
    a, b = np.arange(6), np.full(6, 4)
    quotient, rest = making(entry, np.dtype(np.int64), (2, 3), outputs=2)(a, b)
    assert quotient.tolist() == [[0, 0, 0], [0, 1, 1]] and rest.tolist() == [[0, 1, 2], [3, 0, 1]]


def operands(rows, columns, dtype):
    """The same matrix, contiguous, transposed in memory, and with gaps."""
    whole = np.random.default_rng(rows).standard_normal((2 * rows, 3 * columns)).astype(dtype)
    part = whole[::2, ::3]
    return [torch.tensor(part.copy()), torch.tensor(part.T.copy()).t(), torch.tensor(whole)[::2, ::3]]


@pytest.mark.parametrize("m, k, n", [(2, 1, 2), (4, 5, 3), (1, 4, 3), (3, 4, 1), (13, 33, 17), (64, 64, 64)])
def test_products_of_small_matrices_of_any_strides(m, k, n):
    bias = torch.arange(float(n))
    for _ in range(2):  # the second time by the short way
        for a, b in itertools.product(operands(m, k, np.float32), operands(k, n, np.float32)):
            expected = a.numpy() @ b.numpy()
            np.testing.assert_allclose((a @ b).numpy(), expected, rtol=1e-4, atol=1e-4)
            layer = torch.nn.functional.linear(a, b.t(), bias)
            np.testing.assert_allclose(layer.numpy(), expected + bias.numpy(), rtol=1e-4, atol=1e-4)


def test_small_products_leave_what_does_not_fit_to_others():
    product, layer = gemm.small_product("d"), gemm.small_layer("d")
    square = np.ones((3, 3))
    assert (product(square, square) == 3).all()
    for a, b in [(np.ones((3, 2)), square), (np.ones(3), square), (np.ones((0, 3)), square)]:
        assert product(a, b) is None
    assert (layer(square, square, np.ones(3)) == 4).all()
    assert layer(square, square, np.ones(1)) is None
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_a_bias_that_does_not_fit_is_expanded_or_refused():
    x, weight = torch.ones(2, 3), torch.ones(2, 3)
    assert torch.nn.functional.linear(x, weight, torch.ones(1)).tolist() == [[4, 4], [4, 4]]
    with pytest.raises(RuntimeError, match="expanded size"):
        torch.nn.functional.linear(x, weight, torch.ones(3))


@pytest.mark.parametrize("n", [0, 1, 4096, 4097, 200_001])
def test_inner_products_of_any_length_and_strides(n):
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal(2 * n), rng.standard_normal(n)
    for _ in range(2):
        for x in (torch.tensor(a[:n]), torch.tensor(a)[::2]):
            np.testing.assert_allclose(x.dot(torch.tensor(b)).item(), x.numpy() @ b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex64", "uint8"])
def test_copies_that_turn_matrices(dtype):
    for shape in [(16, 16), (17, 100), (300, 257)]:
        x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        assert np.array_equal(torch.tensor(x).t().contiguous().numpy(), x.T)
    x = np.arange(3 * 20 * 17 * 19).reshape(3, 20, 17, 19).astype(dtype)
    for order in itertools.permutations(range(4)):
        part, expected = torch.tensor(x)[:, 1:, :, 2:].permute(order), x[:, 1:, :, 2:].transpose(order)
        assert np.array_equal(part.contiguous().numpy(), expected)
        frame = torch.zeros([n + 2 for n in expected.shape], dtype=part.dtype)
        frame[1:-1, 1:-1, 1:-1, 1:-1] = part
        assert np.array_equal(frame.numpy(), np.pad(expected, 1))
