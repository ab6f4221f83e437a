"""Linear algebra where no PyTorch is needed: the kernels of elimination against NumPy, and the gradients of what
the table of samples leaves out."""

import math

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels import parallel
from numbatorch_kernels.linalg import decompositions, fortran, halves, indefinite, lapack

RNG = np.random.default_rng(0)
ROUNDING = {"f4": 2e-4, "f8": 1e-12, "c8": 2e-4, "c16": 1e-12}
# Less than a block, a whole one, several; many matrices, tall and wide ones, none.
SHAPES = [(1, 1), (5, 5), (3, 4, 7), (2, 7, 4), (64, 64), (2, 65, 65), (130, 70), (70, 130), (0, 3), (2, 0, 0), (0, 4, 4)]  # fmt: skip


def sample(dtype: str, *shape: int) -> np.ndarray:
    values = RNG.standard_normal(shape)
    return (values + 1j * RNG.standard_normal(shape) if dtype[0] == "c" else values).astype(dtype)


def variable(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array).requires_grad_()


# --- kernels


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lu_factors_make_the_matrix(dtype, shape):
    a = sample(dtype, *shape)
    factors, pivots, info = lapack.lu_factor(a)
    k = min(shape[-2:])
    lower = np.tril(factors[..., :k], -1) + np.eye(shape[-2], k, dtype=dtype)
    upper = np.triu(factors[..., :k, :])
    permuted = np.take_along_axis(a, lapack.permutation(pivots, shape[-2])[..., None], -2)
    np.testing.assert_allclose(lower @ upper, permuted, rtol=0, atol=ROUNDING[dtype])
    assert (
        np.abs(lower) < 2
    ).all()  # the largest element of a column was its pivot: |re| + |im| is at most 1
    assert factors.dtype == dtype and pivots.dtype == info.dtype == np.int32 and not info.any()


@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (2, 7, 4), (3, 4, 7), (30, 20)], ids=str)
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_of_small_and_larger_matrices(dtype, shape, mode):
    a = sample(dtype, *shape)
    a[..., :1, :] = 0  # a first element that is 0
    q, r = decompositions.qr(a, mode)
    near = {"rtol": 0, "atol": ROUNDING[dtype]}
    np.testing.assert_allclose(q @ r, a, **near)
    ones = np.broadcast_to(np.eye(q.shape[-1]), (*shape[:-2], *q.shape[-1:] * 2))
    np.testing.assert_allclose(halves.adjoint(q) @ q, ones, **near)
    assert (np.tril(r, -1) == 0).all()
    np.testing.assert_array_equal(decompositions.qr(a, "r")[1], r[..., : min(shape[-2:]), :])


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize(
    ("stack", "n", "columns"), [((), 5, 3), ((2, 3), 4, 1), ((), 130, 70), ((2,), 65, 129)]
)
def test_triangular_systems(dtype, upper, unit, stack, n, columns):
    a, b = sample(dtype, *stack, n, n) / n, sample(dtype, *stack, n, columns)
    a += 2 * np.eye(n, dtype=dtype)
    triangle = np.triu(a) if upper else np.tril(a)
    if unit:
        triangle = triangle * (1 - np.eye(n, dtype=dtype)) + np.eye(n, dtype=dtype)
    x = lapack.triangular_solve(a, b, upper, unit)
    np.testing.assert_allclose(triangle @ x, b, rtol=0, atol=ROUNDING[dtype])


@pytest.mark.parametrize("n", [3, 64, 65])
@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_small_and_large_matrices_agree_with_numpy(dtype, n):
    """One kernel for the whole matrix, and halves of it."""
    a, b = sample(dtype, 2, n, n) / n + 2 * np.eye(n, dtype=dtype), sample(dtype, 2, n, 3)
    near = {"rtol": 5e-3 if dtype == "f4" else 1e-9, "atol": ROUNDING[dtype]}
    np.testing.assert_allclose(lapack.inv(a)[0], np.linalg.inv(a), **near)
    np.testing.assert_allclose(lapack.solve(a, b)[0], np.linalg.solve(a, b), **near)
    np.testing.assert_allclose(lapack.det(a), np.linalg.det(a), **near)
    for ours, theirs in zip(lapack.slogdet(a), np.linalg.slogdet(a), strict=True):
        np.testing.assert_allclose(ours, theirs, **near)


@pytest.mark.parametrize(("dtype", "hermitian"), [("f8", False), ("c16", True), ("c16", False)])
def test_indefinite_systems(dtype, hermitian):
    a, b = sample(dtype, 2, 80, 80), sample(dtype, 2, 80, 3)
    turned = a.swapaxes(-1, -2)
    a = a + (turned.conj() if hermitian else turned)
    both, pivots, info = indefinite.ldl_factor(a, hermitian)
    assert (pivots < 0).any() and not info.any() and not np.triu(both, 1).any()
    np.testing.assert_allclose(a @ indefinite.ldl_solve(both, pivots, b, hermitian), b, rtol=0, atol=1e-9)


def test_info_of_large_matrices():
    """Of a stack, info says which matrix failed, and where."""
    stack = np.stack([np.eye(70), np.eye(70)])
    stack[1, 66, 66] = 0
    for info in (lapack.inv(stack)[1], lapack.solve(stack, stack)[1], lapack.cholesky(stack)[1]):
        assert info.tolist() == [0, 67]
    np.testing.assert_array_equal(lapack.inv(stack)[0][0], np.eye(70))
    np.testing.assert_array_equal(lapack.cholesky(stack)[0][0], np.eye(70))


def test_the_result_is_the_same_for_any_number_of_threads():
    stack = sample("f4", 5000, 6, 6)
    found = []
    threads = parallel.get_num_threads()
    try:
        for count in (1, 3):
            parallel.set_num_threads(count)
            found.append((*lapack.lu_factor(stack), lapack.inv(stack)[0]))
    finally:
        parallel.set_num_threads(threads)
    for alone, shared in zip(*found, strict=True):
        np.testing.assert_array_equal(alone, shared)


SMALL = {  # matrices that are hard to decompose, n x n
    "plain": lambda n: sample("f8", n, n),
    "zero": lambda n: np.zeros((n, n)),
    "identity": np.eye,
    "of rank 1": lambda n: np.ones((n, n)),
    "graded": lambda n: np.diag(10.0 ** -np.arange(n)) + np.diag(10.0 ** -np.arange(n - 1), 1),
    "large": lambda n: 1e300 * sample("f8", n, n),
    "tiny": lambda n: 1e-300 * sample("f8", n, n),
}


@pytest.mark.parametrize("n", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("name", SMALL)
def test_kernels_of_small_matrices(name, n):
    """Singular values and eigenvalues, against the definition and NumPy's."""
    a = SMALL[name](n)
    near = {"rtol": 0, "atol": 1e-13 * n * (np.abs(a).max() or 1)}
    left, values, right, info = decompositions.svd(np.stack([a, a.T]), True)
    assert not info.any()
    np.testing.assert_allclose(left * values[:, None] @ right, [a, a.T], **near)
    np.testing.assert_allclose(values[0], np.linalg.svd(a, compute_uv=False), **near)
    np.testing.assert_allclose(decompositions.svd(a, vectors=False)[0], values[0], **near)
    for vectors in (left, right):
        np.testing.assert_allclose(vectors @ vectors.mT, np.stack([np.eye(n)] * 2), rtol=0, atol=1e-13)
    whole = (a + a.T) / 2
    for triangle, one in (("L", np.tril(whole)), ("U", np.triu(whole))):
        values, vectors, info = decompositions.eigh(one, triangle)
        assert info == 0
        np.testing.assert_allclose(vectors * values @ vectors.T, whole, **near)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(n), rtol=0, atol=1e-13)
        np.testing.assert_allclose(decompositions.eigh(one, triangle, False)[0], values, **near)


def test_stacks_are_shared_among_threads():
    """Each has its own workspace: what LAPACK makes of many matrices is what it makes of each."""
    a = sample("c16", 60, 6, 4)
    for alone, shared in zip(decompositions.svd(a[59]), decompositions.svd(a), strict=True):
        np.testing.assert_array_equal(alone, shared[59])
    values, vectors, info = decompositions.eig(sample("f8", 60, 8, 8))
    assert not info.any() and np.isfinite(vectors).all() and np.isfinite(values).all()


def test_least_squares_of_every_driver():
    a, b = sample("c16", 2, 6, 3), sample("c16", 2, 6, 2)
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        x, residuals, _, _, info = decompositions.lstsq(a, b, 0.0, driver)
        assert not info.any()
        np.testing.assert_allclose(x, np.linalg.pinv(a) @ b, rtol=0, atol=1e-12)
        np.testing.assert_allclose(residuals, (np.abs(b - a @ x) ** 2).sum(-2), rtol=1e-12)


def test_a_routine_that_is_not_there():
    with pytest.raises(RuntimeError, match="LAPACK's dnothing was not found"):
        fortran.routine("dnothing")


# --- operations


def test_what_a_singular_matrix_raises():
    with pytest.raises(torch.linalg.LinAlgError, match="The diagonal element 2 is zero"):
        torch.linalg.inv(torch.ones(2, 2))
    with pytest.raises(torch.linalg.LinAlgError, match="Batch element 1"):
        torch.linalg.cholesky(torch.stack([torch.eye(2), -torch.eye(2)]))
    assert issubclass(torch.linalg.LinAlgError, RuntimeError)


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_pivot_of_zero(dtype, n):
    """Also of complex numbers, whose division by zero is an error of Numba's."""
    ones = torch.ones(n, n, dtype=dtype)
    for function in (torch.linalg.inv, lambda a: torch.linalg.solve(a, a)):
        with pytest.raises(torch.linalg.LinAlgError, match="singular|is zero"):
            function(ones)
    inverse, info = torch.linalg.inv_ex(ones)
    assert not inverse.isfinite().any() and int(info) == 2
    assert torch.linalg.cond(ones, 1) == math.inf
    for solved in (
        torch.linalg.solve_triangular(ones * 0, ones, upper=True),
        torch.linalg.ldl_solve(*torch.linalg.ldl_factor_ex(ones * 0)[:2], ones),
    ):
        assert not solved.isfinite().any()


def test_operands_are_not_written_to():
    a = torch.tensor(sample("f8", 3, 3))
    before = a.clone()
    torch.linalg.inv(a), torch.linalg.lu(a), torch.linalg.solve(a, a), torch.linalg.qr(a), torch.matrix_exp(a)
    torch.linalg.matrix_power(a, 1).zero_()
    torch.linalg.solve_triangular(a, a, upper=True)
    assert torch.equal(a, before)


def test_the_exponential_of_many_sizes():
    """Each matrix is scaled for itself: a large one costs a small one no digits."""
    small, large = 1e-8 * sample("f8", 3, 3), np.diag([300.0, -300.0, 0.0])
    result = torch.matrix_exp(torch.tensor(np.stack([small, large]))).numpy()
    np.testing.assert_allclose(result[0] - np.eye(3), small, rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(np.diag(result[1]), np.exp(np.diag(large)), rtol=1e-11)


def test_the_shortest_way_through_a_product():
    shapes = [(2, 30), (30, 40), (40, 3), (3, 50)]
    arrays = [sample("f8", *shape) for shape in shapes]
    result = torch.linalg.multi_dot([torch.tensor(a) for a in arrays])
    np.testing.assert_allclose(result.numpy(), np.linalg.multi_dot(arrays), rtol=1e-12)


def symmetric(x):
    return x + x.mT


def definite(x):
    return x @ x.mT + torch.eye(x.shape[-1], dtype=x.dtype)


LU, SVD = torch.linalg.lu, torch.linalg.svd
GRADIENTS = {
    "cholesky": lambda x: torch.linalg.cholesky(definite(x)),
    "cholesky_solve": lambda x: torch.cholesky_solve(x[:, :2], torch.linalg.cholesky(definite(x))),
    "cholesky_inverse": lambda x: torch.cholesky_inverse(x + 3 * torch.eye(3, dtype=x.dtype)),
    "eigh": lambda x: (torch.linalg.eigh(symmetric(x))[0], torch.linalg.eigh(symmetric(x))[1].abs()),
    "eigvalsh": lambda x: torch.linalg.eigvalsh(symmetric(x)),
    "eigvals": lambda x: torch.linalg.eigvals(symmetric(x)).real,
    "svd": lambda x: [part.abs() for part in SVD(x, full_matrices=False)],
    "svd tall": lambda x: [part.abs() for part in SVD(torch.cat([x, x**2, x**3]), full_matrices=False)],
    "svd wide": lambda x: [part.abs() for part in SVD(torch.cat([x, x**2], 1), full_matrices=False)],
    "lu": lambda x: LU(x)[1:],
    "lu tall": lambda x: LU(torch.cat([x, x**2]))[1:],
    "lu wide": lambda x: LU(torch.cat([x, x**2], 1))[1:],
    "lstsq": lambda x: torch.linalg.lstsq(x[:, :2], x**2).solution,
    "cond": lambda x: torch.linalg.cond(x, "nuc"),
    "det of a singular matrix": lambda x: torch.linalg.det(x[:, :2] @ x[:2]),
    "vander": lambda x: torch.linalg.vander(x, N=4),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    x = variable(np.array([[1.2, -0.7, 0.3], [0.4, 2.1, -1.1], [0.8, 0.5, -1.9]]))
    assert torch.autograd.gradcheck(GRADIENTS[name], (x,))
    assert torch.autograd.gradgradcheck(GRADIENTS[name], (x,), atol=1e-4)


def test_gradients_of_some_results_only():
    """The others have none, and need none."""
    x = variable(np.array([[1.2, -0.7], [0.4, 2.1]]))
    for function in (SVD, torch.linalg.eigh, torch.linalg.qr, torch.linalg.eig, torch.linalg.slogdet):
        for k in range(len(function(x))):
            if function is not torch.linalg.slogdet or k:
                x.grad = None
                function(x)[k].abs().sum().backward()
                assert x.grad.isfinite().all()


@pytest.mark.parametrize("lead", [(), (2,)])
def test_large_complex_products_have_the_gradients_of_numpys_formula(lead):
    """Their operands are conjugated a part at a time."""
    torch.manual_seed(0)
    x, y = torch.randn(*lead, 520, 600, dtype=torch.complex128), torch.randn(600, 510, dtype=torch.complex128)
    grad = torch.randn(*lead, 520, 510, dtype=torch.complex128)
    dx, dy = torch.autograd.grad(x.requires_grad_() @ y.requires_grad_(), (x, y), grad)
    x, y, grad = (t.detach().numpy() for t in (x, y, grad))
    np.testing.assert_allclose(dx.numpy(), grad @ y.conj().T, rtol=1e-10)
    of_y = x.conj().swapaxes(-1, -2) @ grad
    np.testing.assert_allclose(dy.numpy(), of_y.sum(0) if lead else of_y, rtol=1e-10)
