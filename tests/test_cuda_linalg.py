"""Orthogonal factors, least squares, singular values and eigenvalues on CUDA: what makes them what they are, of matrices of
several panels and warps, of none, of numbers far apart."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels.cuda import schur

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


# --- factors of matrices that are not definite


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 3), (9, 9), (13, 13), (0, 0), (0, 2, 2)], ids=str)
@pytest.mark.parametrize("hermitian", [False, True])
def test_factors_of_indefinite_matrices_are_the_hosts(dtype, shape, hermitian):
    """And solve systems: the diagonal is small, so there are blocks of order 2, and rows are exchanged."""
    a, b = sample(dtype, *shape), sample(dtype, *shape[:-1], 3)
    a = a + (adjoint(a) if hermitian else a.swapaxes(-1, -2))
    diagonal = np.arange(shape[-1])
    a[..., diagonal, diagonal] *= 0.1
    factors = torch.linalg.ldl_factor_ex(on_cuda(np.tril(a)), hermitian=hermitian)
    there = torch.linalg.ldl_factor_ex(torch.tensor(a), hermitian=hermitian)
    assert factors.pivots.tolist() == there.pivots.tolist() and not factors.info.any()
    assert shape[-1] < 3 or (factors.pivots < 0).any()
    np.testing.assert_allclose(factors.LD.cpu(), there.LD, **near(dtype, 20))
    x = torch.linalg.ldl_solve(*factors[:2], on_cuda(b), hermitian=hermitian).cpu().numpy()
    np.testing.assert_allclose(a @ x, b, **near(dtype, 100))


def test_blocks_that_are_zero():
    a = np.stack([np.eye(3), np.diag([1.0, 0, 2]), np.zeros((3, 3))])
    factors, pivots, info = torch.linalg.ldl_factor_ex(on_cuda(a))
    assert info.tolist() == [0, 2, 1] and pivots.tolist() == [[1, 2, 3]] * 3
    x = torch.linalg.ldl_solve(
        factors, pivots.long(), torch.ones(3, 3, 1, dtype=torch.float64, device="cuda")
    )
    assert x.isfinite().flatten(1).all(1).tolist() == [True, False, False]
    with pytest.raises(RuntimeError, match="D has a zero block, the first at 2"):
        torch.linalg.ldl_factor(on_cuda(a))


def test_pivots_that_are_no_rows():
    """Where they are read, nothing beside the operands is; who waits next is told."""
    a = on_cuda(np.eye(3))
    for pivots in ([0, 7, 1], [-(2**31), 2, 3], [1, 2, -9]):
        pivots = torch.tensor(pivots, dtype=torch.int32, device="cuda")
        for function, call in {
            "linalg.lu_solve": lambda pivots: torch.linalg.lu_solve(a, pivots, a),
            "lu_unpack": lambda pivots: torch.lu_unpack(a, pivots),
            "linalg.ldl_solve": lambda pivots: torch.linalg.ldl_solve(a, pivots, a),
        }.items():
            call(pivots)
            with pytest.raises(torch.AcceleratorError, match=function):
                torch.cuda.synchronize()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_last_pivot_that_calls_for_a_row_behind(device):
    a = 2 * torch.eye(3, device=device)
    x = torch.linalg.ldl_solve(a, torch.tensor([1, 2, -3], device=device), a)
    assert x.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_zero_on_the_diagonal_of_a_triangle(dtype):
    """Of complex numbers too, by which Numba does not divide."""
    ones = torch.ones(3, 3, dtype=getattr(torch, dtype), device="cuda")
    x = torch.linalg.solve_triangular(ones.tril(-1), ones, upper=False)
    assert not x.isfinite().any()


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


# --- singular values and eigenvalues


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("full", [False, True])
def test_singular_values_and_vectors_make_the_matrix(dtype, shape, full):
    a = sample(dtype, *shape)
    a[..., :1, :] = 0
    left, values, right = [x.cpu().numpy() for x in torch.linalg.svd(on_cuda(a), full)]
    there = [x.numpy() for x in torch.linalg.svd(torch.tensor(a), full)]
    assert [x.shape for x in (left, values, right)] == [x.shape for x in there]
    check_orthonormal(left, dtype)
    check_orthonormal(adjoint(right), dtype)
    np.testing.assert_allclose(values, there[1], **near(dtype))
    k = min(shape[-2:])
    np.testing.assert_allclose((left[..., :k] * values[..., None, :]) @ right[..., :k, :], a, **near(dtype))
    np.testing.assert_allclose(torch.linalg.svdvals(on_cuda(a)).cpu(), there[1], **near(dtype))


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("rank", [0, 1, 3])
def test_matrices_of_less_than_full_rank(dtype, rank):
    """Where a singular value is 0, there are orthonormal vectors all the same."""
    a = sample(dtype, 6, rank) @ sample(dtype, rank, 5)
    left, values, right = [x.cpu().numpy() for x in torch.linalg.svd(on_cuda(a))]
    check_orthonormal(left, dtype)
    check_orthonormal(right, dtype)
    np.testing.assert_allclose(values[rank:], 0, **near(dtype))
    assert torch.linalg.matrix_rank(on_cuda(a)).item() == rank
    inverse = torch.linalg.pinv(on_cuda(a)).cpu().numpy()
    np.testing.assert_allclose(a @ inverse @ a, a, **near(dtype, 8))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_singular_values_have_all_their_digits(dtype):
    """Of a matrix whose columns are of very different sizes; and values at the ends of the numbers' range."""
    scales = np.array([1, 1e-3, 1e-6, 1e-9])
    values = torch.linalg.svdvals(on_cuda((sample(dtype, 7, 4) * scales).astype(dtype))).cpu().numpy()
    assert (values / scales > 0.1).all() and (values / scales < 10).all()
    for scale in (np.finfo(dtype).smallest_normal * 64, np.finfo(dtype).max / 64):
        a = (np.diag([1.0, 3.0, 2.0]) * float(scale)).astype(dtype)
        np.testing.assert_allclose(torch.linalg.svdvals(on_cuda(a)).cpu() / a[0, 0], [3, 2, 1], rtol=1e-6)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 3), (2, 1, 6, 6), (9, 9), (0, 0), (0, 2, 2)], ids=str)
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_eigenvalues_and_vectors_make_the_matrix(dtype, shape, triangle):
    a = sample(dtype, *shape)
    a = (a + adjoint(a)) / 2
    given = np.tril(a) if triangle == "L" else np.triu(a)
    values, vectors = [x.cpu().numpy() for x in torch.linalg.eigh(on_cuda(given), triangle)]
    assert values.dtype == a.real.dtype and vectors.dtype == a.dtype
    check_orthonormal(vectors, dtype)
    np.testing.assert_allclose((vectors * values[..., None, :]) @ adjoint(vectors), a, **near(dtype))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(a), **near(dtype))
    alone = torch.linalg.eigvalsh(on_cuda(given), triangle)
    np.testing.assert_allclose(alone.cpu(), values, **near(dtype))


def test_eigenvalues_that_are_equal_or_opposite():
    a = np.diag([2.0, -2, 2, 0, 0])
    turn = np.linalg.qr(sample("float64", 5, 5))[0]
    values, vectors = [x.cpu().numpy() for x in torch.linalg.eigh(on_cuda(turn @ a @ turn.T))]
    np.testing.assert_allclose(values, [-2, 0, 0, 2, 2], rtol=0, atol=1e-13)
    check_orthonormal(vectors, "float64")


def test_numbers_that_are_none():
    a = np.stack([np.eye(3), np.eye(3)])
    a[1, 0, 1] = np.inf
    assert torch.linalg.svdvals(on_cuda(a)).isnan().tolist() == [[False] * 3, [True] * 3]
    with pytest.raises(torch.linalg.LinAlgError, match="Batch element 1.*non-finite values"):
        torch.linalg.svd(on_cuda(a))
    a[0, 2, 2] = np.nan
    for function in (torch.linalg.svd, torch.linalg.svdvals):
        with pytest.raises(torch.linalg.LinAlgError, match="Batch element 0.*non-finite values"):
            function(on_cuda(a))
    with pytest.raises(torch.linalg.LinAlgError, match="Batch element 0.*failed to converge"):
        torch.linalg.eigh(on_cuda(a))


def apart(found: np.ndarray, there: np.ndarray) -> float:
    """How far the numbers of one set are from those of another, each from its own."""
    left, distance = list(there), 0.0
    for value in found:
        nearest = min(left, key=lambda other: abs(other - value))
        left.remove(nearest)
        distance = max(distance, abs(nearest - value))
    return distance


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 3), (2, 1, 6, 6), (9, 9), (0, 0), (0, 2, 2)], ids=str)
def test_eigenvalues_of_matrices_that_are_not_hermitian(dtype, shape):
    a = sample(dtype, *shape)
    values, vectors = [x.cpu().numpy() for x in torch.linalg.eig(on_cuda(a))]
    there = [x.numpy() for x in torch.linalg.eig(torch.tensor(a))]
    assert [(x.shape, x.dtype) for x in (values, vectors)] == [(x.shape, x.dtype) for x in there]
    alone = torch.linalg.eigvals(on_cuda(a)).cpu().numpy()
    for found in (values, alone):
        for matrix in np.ndindex(shape[:-2]):
            assert apart(found[matrix], there[0][matrix]) < ROUNDING[dtype]
    np.testing.assert_allclose(a @ vectors, vectors * values[..., None, :], **near(dtype))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-2), 1, **near(dtype))
    if vectors.size:
        largest = np.abs(vectors).argmax(-2)[..., None, :]
        assert (np.take_along_axis(vectors, largest, -2).imag == 0).all()


TURNED, SCALES = np.eye(6)[[1, 2, 3, 4, 5, 0]], 10.0 ** np.array([-5, -3, 0, 1, 3, 5])
DIFFICULT = {
    "zeros": np.zeros((4, 4)),
    "ones": np.ones((5, 5)),
    "one chain": np.eye(6, k=1),
    "one chain, shifted and turned round": np.eye(6, k=-1) + 2 * np.eye(6),
    "a permutation": TURNED,
    "equal pairs": np.kron(np.eye(3), [[1.0, 2], [-2, 1]]),
    "a triangle": np.tril(np.arange(1.0, 17).reshape(4, 4)),
    "rows of very different sizes": SCALES[:, None] * (np.arange(36).reshape(6, 6) % 7 - 3) / SCALES,
    "small beside large": np.diag([1.0, 1e-20, 2e-20]) + np.diag([1e-20, 1e-20], 1),
    "large": np.array([[1.0, 2], [-3, 4]]) * 2.0**120,
    "small": np.array([[1.0, 2], [-3, 4]]) * 2.0**-120,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DIFFICULT)
def test_eigenvalues_of_matrices_that_are_difficult(dtype, name):
    a = DIFFICULT[name].astype(dtype)
    values, vectors = [x.cpu().numpy() for x in torch.linalg.eig(on_cuda(a))]
    there = torch.linalg.eigvals(torch.tensor(a)).numpy()
    scale = np.abs(there).max() if there.any() else 1
    assert apart(values, there) <= ROUNDING[dtype] * scale
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1, **near(dtype))
    sizes = np.abs(a) @ np.abs(vectors) + np.abs(vectors * values)
    underflow = np.sqrt(np.finfo(dtype).smallest_normal)
    assert (np.abs(a @ vectors - vectors * values) <= ROUNDING[dtype] * sizes.max(0) + underflow).all()
    if name == "small beside large":
        np.testing.assert_allclose(np.sort(values.real), [1e-20, 2e-20, 1], rtol=ROUNDING[dtype])


def test_eigenvalues_that_are_not_there(monkeypatch):
    a = np.stack([np.eye(3), np.arange(9.0).reshape(3, 3)])
    monkeypatch.setattr(schur, "PATIENCE", 0)
    with pytest.raises(torch.linalg.LinAlgError, match=r"linalg.eig: \(Batch element 1\).*error code: 3"):
        torch.linalg.eig(on_cuda(a))
    for number in (np.nan, np.inf):
        a[0, 0, 1] = number
        for function in (torch.linalg.eig, torch.linalg.eigvals):
            with pytest.raises(
                RuntimeError, match=f"{function.__name__}: input tensor should not contain infs or NaNs"
            ):
                function(on_cuda(a))


@pytest.mark.parametrize("name", ["svd", "eig", "eigh", "qr"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients_are_the_hosts(name, dtype):
    """Of sizes, which no sign or phase changes."""
    a = sample(dtype, 2, 3, 3)
    found = []
    for device in ("cpu", "cuda"):
        x = torch.tensor(a, device=device).requires_grad_()
        given = x + x.mH if name == "eigh" else x
        sum((part.abs() ** 3).sum() for part in getattr(torch.linalg, name)(given)).backward()
        found.append(x.grad.cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-9)
