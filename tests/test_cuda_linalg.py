"""Orthogonal factors and least squares on CUDA: what makes them what they are, of matrices of several panels and warps,
of none, of numbers far apart."""

import numpy as np
import pytest

import numbatorch as torch

RNG = np.random.default_rng(0)
ROUNDING = {"float32": 2e-5, "float64": 1e-13, "complex64": 2e-5, "complex128": 1e-13}
SHAPES = [(1, 1), (2, 5, 3), (3, 5), (2, 1, 7, 7), (13, 4), (0, 3), (3, 0), (0, 4, 2)]


def sample(dtype: str, *shape: int) -> np.ndarray:
    values = RNG.standard_normal(shape)
    return (values + 1j * RNG.standard_normal(shape) if dtype[0] == "c" else values).astype(dtype)


def on_cuda(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, device="cuda")


def near(dtype: str, scale: float = 1) -> dict[str, float]:
    return {"rtol": 0, "atol": ROUNDING[dtype] * scale}


def adjoint(a: np.ndarray) -> np.ndarray:
    return a.conj().swapaxes(-1, -2)


def check_orthonormal(q: np.ndarray, dtype: str) -> None:
    """That the columns are."""
    ones = np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], *q.shape[-1:] * 2))
    np.testing.assert_allclose(adjoint(q) @ q, ones, **near(dtype))


# --- reflections


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_q_and_r_make_the_matrix(dtype, shape, mode):
    a = sample(dtype, *shape)
    q, r = [x.cpu().numpy() for x in torch.linalg.qr(on_cuda(a), mode)]
    there = [x.numpy() for x in torch.linalg.qr(torch.tensor(a), mode)]
    assert [x.shape for x in (q, r)] == [x.shape for x in there]
    check_orthonormal(q, dtype)
    np.testing.assert_allclose(q @ r, a, **near(dtype))
    np.testing.assert_allclose(r, there[1], **near(dtype, 4))  # so the signs are LAPACK's
    assert (np.tril(r, -1) == 0).all()


@pytest.mark.parametrize("dtype", ROUNDING)
def test_columns_that_need_no_reflection_or_a_careful_one(dtype):
    a = sample(dtype, 5, 5)
    a[:, 1] = 0
    a[3:, 0] = 0
    tiny, huge = (np.finfo(dtype).smallest_normal * 4, np.finfo(dtype).max / 64)
    a[:, 2] *= tiny
    a[:, 3] *= huge
    q, r = [x.cpu().numpy() for x in torch.linalg.qr(on_cuda(a))]
    check_orthonormal(q, dtype)
    assert np.isfinite(r).all()
    scale = np.abs(a).max(0)
    scale[1] = 1
    np.testing.assert_allclose(q @ (r / scale), a / scale, **near(dtype, 4))


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoined", [True, False])
def test_products_of_reflections(dtype, left, adjoined):
    a, x = sample(dtype, 2, 7, 5), sample(dtype, 2, 7, 3)
    q = torch.linalg.qr(on_cuda(a), "complete").Q.cpu().numpy()
    reflections = torch.geqrf(on_cuda(a))
    np.testing.assert_allclose(
        torch.linalg.householder_product(*reflections).cpu().numpy(), q[..., :5], **near(dtype)
    )
    turned = adjoint(q) if adjoined else q
    x = x if left else x.swapaxes(1, 2)
    result = torch.ormqr(*reflections, on_cuda(np.ascontiguousarray(x)), left, adjoined).cpu().numpy()
    np.testing.assert_allclose(result, turned @ x if left else x @ turned, **near(dtype))


# --- least squares


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", [(7, 3), (2, 4, 4), (2, 3, 7)], ids=str)
def test_least_squares(dtype, shape):
    a, b = sample(dtype, *shape), sample(dtype, *shape[:-1], 2)
    made = torch.linalg.lstsq(on_cuda(a), on_cuda(b))
    solution = made.solution.cpu().numpy()
    np.testing.assert_allclose(solution, np.linalg.pinv(a) @ b, **near(dtype, 20))
    assert made.rank.numel() == made.singular_values.numel() == 0 and made.rank.dtype is torch.int64
    if shape[-2] > shape[-1]:
        squares = np.square(np.abs(b - a @ solution)).sum(-2)
        np.testing.assert_allclose(made.residuals.cpu().numpy(), squares, **near(dtype, 20))
    else:
        assert made.residuals.numel() == 0


def test_drivers_that_cuda_does_not_have():
    a = torch.ones(3, 2, device="cuda")
    with pytest.raises(RuntimeError, match="`driver` other than `gels` is not supported on CUDA"):
        torch.linalg.lstsq(a, a, driver="gelsd")
