"""Linear algebra against PyTorch: errors, return types and arguments, and gradients of what is determined up to a
sign only."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

import numbatorch

LIBRARIES = (numbatorch, torch)
RNG = np.random.default_rng(7)
A = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.0, 1.0, 4.0]])
SPD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])
STACK = np.stack([A, SPD, A @ SPD])
SINGULAR = np.array([[1.0, 1.0], [1.0, 1.0]])
TALL, WIDE, B = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 3, 5)), RNG.normal(size=(3, 2))
NAMES = {
    "a": A, "spd": SPD, "stack": STACK, "singular": SINGULAR, "tall": TALL, "wide": WIDE, "b": B, "v": B[:, 0],
    "c": A + 1j * SPD, "one": np.array(1.5), "none": np.zeros((0, 0)), "low": np.zeros((3, 0)),
    "both": np.stack([np.eye(2), SINGULAR]), "nan": np.array([[1.0, np.nan], [0.0, 1.0]]),
    "turn": np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 5.0], [3.0, 0.0, 0.0]]),
    "hollow": SPD - np.diag(np.diag(SPD)), "four": np.arange(24.0).reshape(2, 3, 4), "box": np.eye(24).reshape(4, 6, 8, 3),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _deprecations():
    """PyTorch warns of an old name once a process: before these tests."""
    x, square = torch.ones(3, 1), torch.eye(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (
            torch.lu(square),
            torch.lu_solve(x, *torch.linalg.lu_factor(square)),
            torch.triangular_solve(x, square),
        )
        torch.cholesky(square), torch.qr(square), torch.svd(square), torch.cross(square, square)
        torch.chain_matmul(square, square), torch.zeros(1, dtype=torch.complex32)


def check(expression):
    assert_same(expression, 1e-11, 1e-12, **NAMES)


REFUSED = [
    f"L.linalg.{name}({operand})"
    for name in (
        "inv", "inv_ex", "det", "slogdet", "cholesky", "cholesky_ex", "qr", "svd", "svdvals", "eigh", "eigvalsh", "eig",
        "eigvals", "lu", "lu_factor", "lu_factor_ex", "cond", "matrix_rank", "pinv", "matrix_exp", "matrix_norm",
    )
    for operand in ("v", "one", "a.int()", "a.half()", "a.bfloat16()", "a > 0", "2.5")
    if (name, operand[:3]) not in (("matrix_exp", "a.h"), ("matrix_exp", "a.b"), ("matrix_norm", "a.h"), ("matrix_norm", "a.b"))
]  # fmt: skip
NOT_SQUARE = [
    f"L.linalg.{name}({operand})"
    for name in ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "matrix_exp")
    for operand in ("tall", "wide", "low")
]
SINGULARS = """
L.linalg.inv(singular)|L.linalg.inv(both)|L.linalg.inv_ex(singular)|L.linalg.inv_ex(both)|L.linalg.inv(singular * 0)
L.linalg.inv_ex(singular, check_errors=True)|L.inverse(both)|singular.inverse()
L.linalg.solve(singular, singular)|L.linalg.solve(both, both)|L.linalg.solve_ex(both, both, check_errors=True)
L.linalg.solve_ex(both, both).info
L.linalg.cholesky(-spd)|L.linalg.cholesky(both)|L.linalg.cholesky_ex(both)|L.linalg.cholesky_ex(both, check_errors=True)
L.cholesky(-spd)|L.linalg.cholesky(nan)
L.linalg.lu_factor(singular)|L.linalg.lu_factor(both)|L.linalg.lu_factor_ex(both)|L.linalg.lu_factor_ex(both, check_errors=True)
L.linalg.lu(singular)|L.lu(singular)|L.linalg.lu_factor(a, pivot=False)|L.linalg.lu(a, pivot=False)
L.linalg.svd(nan)|L.linalg.svdvals(L.stack([i([[1.0, 0], [0, 1]], dtype=L.float64), nan]))|L.linalg.eig(nan)
L.linalg.svdvals(nan.nan_to_num(float('inf')))|L.linalg.cond(L.stack([singular, nan.nan_to_num(float('inf'))]))
L.linalg.det(singular)|L.linalg.slogdet(both)|L.logdet(both)|L.logdet(turn)|L.logdet(-turn)
L.linalg.cond(singular)|L.linalg.cond(singular, 1)|L.linalg.cond(both, 'fro')|L.linalg.cond(both, 'nuc')
L.linalg.tensorinv(i([[1.0, 1], [1, 1]]), ind=1)|L.linalg.solve_triangular(singular * 0, singular, upper=True)
"""
INDEFINITE = """
L.linalg.ldl_factor(a)|L.linalg.ldl_factor_ex(spd)|L.linalg.ldl_factor(stack)|L.linalg.ldl_factor_ex(hollow)|L.linalg.ldl_factor_ex(both)
L.linalg.ldl_factor(c)|L.linalg.ldl_factor(c, hermitian=True)|L.linalg.ldl_factor_ex(1j * c, hermitian=True)|L.linalg.ldl_factor_ex(none)
L.linalg.ldl_factor(v)|L.linalg.ldl_factor(tall)|L.linalg.ldl_factor(a.int())|L.linalg.ldl_factor(a.half())|L.linalg.ldl_factor_ex(hollow * 0)
L.linalg.ldl_solve(*L.linalg.ldl_factor(hollow), b)|L.linalg.ldl_solve(*L.linalg.ldl_factor(stack), b)
L.linalg.ldl_solve(*L.linalg.ldl_factor(c), c)|L.linalg.ldl_solve(*L.linalg.ldl_factor(c, hermitian=True), c, hermitian=True)
L.linalg.ldl_solve(*L.linalg.ldl_factor(a), stack)|L.linalg.ldl_solve(a, i([1, 2, 3]), b)|L.linalg.ldl_solve(a, v, b)
L.linalg.ldl_solve(a, i([1, 2]), b)|L.linalg.ldl_solve(a, i([1, 2, 3]), tall)|L.linalg.ldl_solve(a, i([1, 2, 3]), b.float())
L.linalg.ldl_solve(a, i([1, 4, 3]), b)|L.linalg.ldl_solve(a, i([1, -4, 0]), b)|L.linalg.ldl_solve(a, i([True, True, True]), b)|L.linalg.ldl_solve(a[None][:0], i([[1, 2, 3]])[:0], b)
L.linalg.ldl_solve(a, i([1, 2, 3]), v)|L.linalg.ldl_solve(v, i([1, 2, 3]), b)|L.linalg.ldl_solve(tall, i([1, 2, 3]), b)
L.symeig(a)|L.eig(a)|L.lstsq(a, b)|L.matrix_rank(a)|L.solve(a, b)|a.symeig()|a.eig()|a.lstsq(b)|a.solve(b)
"""
SYSTEMS = """
L.linalg.solve(a, v)|L.linalg.solve(a, b.float())|L.linalg.solve(a, i([1.0], dtype=L.float64))|L.linalg.solve(a, one)
L.linalg.solve(stack, b)|L.linalg.solve(stack, a)|L.linalg.solve(a, stack, left=False)|L.linalg.solve(a, v, left=False)
L.linalg.solve(a, b, left=False)|L.linalg.solve(stack, wide)|L.linalg.solve(tall, b)|L.linalg.solve(a.T, b)
L.linalg.solve_ex(a, b)|L.linalg.solve_ex(stack, stack[..., 0])
L.linalg.solve_triangular(a, b, upper=True)|L.linalg.solve_triangular(a.T, b, upper=True, unitriangular=True)
L.linalg.solve_triangular(stack, b.mT, upper=False, left=False)|L.linalg.solve_triangular(a, v, upper=True)
L.linalg.solve_triangular(a, tall, upper=True)|L.linalg.solve_triangular(tall, b, upper=True)
L.linalg.solve_triangular(a.int(), b.int(), upper=True)|L.linalg.solve_triangular(a, b.float(), upper=True)
L.linalg.solve_triangular(a, b, upper=True, left=False)|L.linalg.solve_triangular(c, b, upper=True)
L.triangular_solve(b, a)|L.triangular_solve(b, a, upper=False, transpose=True)|L.triangular_solve(b, a, unitriangular=True)
L.triangular_solve(b, c.real, transpose=True)|L.triangular_solve(v, a)|L.triangular_solve(b, tall)|L.triangular_solve(tall, a)
b.triangular_solve(a)|L.triangular_solve(b, stack).solution
L.cholesky_solve(b, a)|L.cholesky_solve(b, a, True)|L.cholesky_solve(v, a)|L.cholesky_solve(tall, a)|L.cholesky_solve(b, stack)
b.cholesky_solve(a)|a.cholesky_inverse(True)|L.cholesky_inverse(stack)|L.cholesky_inverse(v)|L.cholesky_inverse(a.int())
L.cholesky(spd)|L.cholesky(spd, upper=True)|spd.cholesky()|L.linalg.cholesky(c @ c.conj().mT)
L.linalg.lu_solve(*L.linalg.lu_factor(turn), b)|L.linalg.lu_solve(*L.linalg.lu_factor(turn), b, adjoint=True)
L.linalg.lu_solve(*L.linalg.lu_factor(stack), a, left=False)|L.linalg.lu_solve(*L.linalg.lu_factor(turn), b.mT, left=False, adjoint=True)
L.linalg.lu_solve(*L.linalg.lu_factor(c), c, adjoint=True)|L.linalg.lu_solve(*L.linalg.lu_factor(a), stack)
L.linalg.lu_solve(*L.linalg.lu_factor(a), v)|L.linalg.lu_solve(*L.linalg.lu_factor(a), tall)|L.linalg.lu_solve(*L.linalg.lu_factor(a), b.float())
L.linalg.lu_solve(a, i([1, 2, 3]), b)|L.linalg.lu_solve(a, i([1, 2], dtype=L.int32), b)
L.linalg.lu_solve(a, i([1, 4, 3], dtype=L.int32), b)|L.linalg.lu_solve(a, i([1, 4, 0], dtype=L.int32), b)|L.lu_solve(b, a, i([-1, 2, 3], dtype=L.int32))
L.lu_solve(b, *L.linalg.lu_factor(turn))|L.lu(turn)|L.lu(wide)|turn.lu()|L.lu_unpack(*L.linalg.lu_factor(turn))|L.lu_unpack(*L.linalg.lu_factor(wide))
L.lu_unpack(*L.linalg.lu_factor(tall))|L.lu_unpack(*L.linalg.lu_factor(a), unpack_data=False)|L.lu_unpack(*L.linalg.lu_factor(a), unpack_pivots=False)
L.lu_unpack(a, i([1, 2, 3]))|L.lu_unpack(a, i([1, 4, 3], dtype=L.int32))|L.lu_unpack(a, i([0, 2, 3], dtype=L.int32))|L.lu_unpack(a, i([0, 2, 3], dtype=L.int32), True, False)
L.linalg.tensorsolve(box, tall.new_ones(4, 6))|L.linalg.tensorsolve(box, tall.new_ones(4, 5))|L.linalg.tensorsolve(box, tall.new_ones(4, 8), dims=(1,))
L.linalg.tensorinv(box)|L.linalg.tensorinv(a, ind=0)|L.linalg.tensorinv(b)|L.linalg.tensorinv(b, ind=1)|L.linalg.tensorinv(2)
L.linalg.lstsq(tall, tall[:, :2])|L.linalg.lstsq(tall, tall[:, 0], driver='gels')|L.linalg.lstsq(tall, b)|L.linalg.lstsq(v, v)|L.linalg.lstsq(a, one)
L.linalg.lstsq(tall, b.float())|L.linalg.lstsq(tall.int(), tall.int())|L.linalg.lstsq(tall, tall, driver='x')|L.linalg.lstsq(low, b)|L.linalg.lstsq(tall[:0], tall[:0])
L.linalg.lstsq(singular, singular)|L.linalg.lstsq(singular, singular, driver='gelss')|L.linalg.lstsq(wide, wide, driver='gelsd')|L.linalg.lstsq(tall, tall, 0.9, driver='gelsd')
L.linalg.lstsq(wide[:0], wide[:0])|L.linalg.lstsq(singular, singular, driver='gels')|L.linalg.lstsq(tall, tall, driver='gels').solution.stride()
L.linalg.svd(tall).U.stride()|L.linalg.svd(wide, False).Vh.stride()|L.linalg.qr(tall).R.stride()|L.geqrf(wide)[0].stride()|L.linalg.eigh(a).eigenvectors.stride()
"""
SPECTRA = """
L.linalg.eigh(spd).eigenvalues|L.linalg.eigh(a, 'U').eigenvalues|L.linalg.eigh(a, 'l').eigenvalues|L.linalg.eigh(a, 'x')|L.linalg.eigvalsh(a, 'x')
L.linalg.eigvalsh(stack, 'U')|L.linalg.eigvalsh(c)|L.linalg.eigh(none)|L.linalg.eigvalsh(stack[:0])|L.linalg.eig(none)|L.linalg.eigvals(stack[:0])
L.linalg.eigvals(a).real.sort()[0]|L.linalg.eig(turn).eigenvalues.abs()|L.linalg.eigvals(c).abs().sort()[0]
(lambda r: r[1] @ L.diag(r[0]) @ L.linalg.inv(r[1]))(L.linalg.eig(a)).real|type(L.linalg.eig(a)).__name__|type(L.linalg.eigh(a)).__name__
L.linalg.svd(stack).S|L.linalg.svd(wide, full_matrices=False).S|L.linalg.svd(none)|L.linalg.svd(low)|L.linalg.svd(low.mT)|L.linalg.svd(wide[:0])
(lambda r: (r.U * r.S[..., None, :]) @ r.Vh)(L.linalg.svd(wide, full_matrices=False))|(lambda r: r.U[..., :3] @ L.diag_embed(r.S) @ r.Vh)(L.linalg.svd(tall))
(lambda r: (r.U * r.S) @ r.V.mT)(L.svd(tall))|[x.shape for x in L.svd(tall, some=False)]|L.svd(tall, compute_uv=False)|[x.shape for x in wide.svd()]
L.linalg.svd(a, driver='gesvd')|L.linalg.svdvals(c)|L.linalg.svdvals(a, driver='gesvd')
L.linalg.qr(turn)|L.linalg.qr(tall, 'complete')|L.linalg.qr(wide, mode='r')|L.linalg.qr(tall, 'x')|L.linalg.qr(c)|L.qr(tall)|L.qr(tall, some=False)|tall.qr()
L.geqrf(tall)|L.geqrf(wide)|L.geqrf(c)|L.linalg.householder_product(*L.geqrf(tall))|L.orgqr(*L.geqrf(c))|L.linalg.householder_product(b, v)|L.linalg.householder_product(b.mT, v)
L.linalg.householder_product(b, v[:2].float())|L.linalg.householder_product(v, v)|L.linalg.householder_product(b.int(), v[:2].int())|L.linalg.householder_product(b, v[:1])|L.linalg.householder_product(low, v[:0])
L.ormqr(*L.geqrf(tall), tall)|L.ormqr(*L.geqrf(tall), tall.mT, left=False)|L.ormqr(*L.geqrf(c), c, transpose=True)|L.ormqr(*L.geqrf(tall), b)|L.ormqr(b, v[:2], v)|L.ormqr(*L.geqrf(c), c, left=False, transpose=True)
L.linalg.pinv(wide)|L.linalg.pinv(singular)|L.linalg.pinv(spd, hermitian=True)|L.linalg.pinv(-spd, hermitian=True)|L.linalg.pinv(tall, hermitian=True)|L.linalg.pinv(tall, 0.5)
L.linalg.pinv(wide, rtol=i([0.5, 0.1]))|L.linalg.pinv(tall, atol=1.5)|L.linalg.pinv(tall, atol=0.1, rtol=0.6)|L.linalg.pinv(tall, rcond=0.5)|L.linalg.pinv(c)|L.pinverse(tall)|tall.pinverse()
L.linalg.pinv(none)|L.linalg.pinv(low)|L.linalg.pinv(wide[:0])|L.linalg.pinv(tall, rtol=i(1j))
L.linalg.matrix_rank(stack)|L.linalg.matrix_rank(both)|L.linalg.matrix_rank(both, 1.5)|L.linalg.matrix_rank(stack, tol=2.5)|L.linalg.matrix_rank(stack, atol=2.5, rtol=0.1)
L.linalg.matrix_rank(stack, rtol=0.4)|L.linalg.matrix_rank(stack, rtol=i([0.1, 0.5, 0.9]))|L.linalg.matrix_rank(-spd, hermitian=True)|L.linalg.matrix_rank(tall, hermitian=True)|L.linalg.matrix_rank(wide[:, :0])
L.linalg.matrix_rank(a, rtol=i(1j))|L.linalg.matrix_rank(c)
L.linalg.cond(a)|L.linalg.cond(tall)|L.linalg.cond(wide, -2)|L.linalg.cond(a, 5)|L.linalg.cond(a, 'x')|L.linalg.cond(tall, 1)|L.linalg.cond(none)|L.linalg.cond(none, 1)|L.linalg.cond(stack[:0], 'fro')
L.linalg.cond(c, 'nuc')|L.linalg.cond(a, float('inf'))|L.linalg.cond(a, -float('inf'))|L.linalg.cond(a, -1)
"""
NORMS = """
L.linalg.norm(a)|L.linalg.norm(a, 'nuc')|L.linalg.norm(a, -2)|L.linalg.norm(a, 1)|L.linalg.norm(a, 0)|L.linalg.norm(a, 3)|L.linalg.norm(a, 'x')|L.linalg.norm(a, 3, dim=0)|L.linalg.norm(a, 0.5, dim=(1,))
L.linalg.norm(a, 'fro', dim=0)|L.linalg.norm(four)|L.linalg.norm(four, 2)|L.linalg.norm(four, 'fro')|L.linalg.norm(four, 2, dim=(0, 2))|L.linalg.norm(four, 2, (2, 0), True)|L.linalg.norm(four, 2, dim=(0, 1, 2))
L.linalg.norm(four, dim=(0, 0))|L.linalg.norm(four, 2, dim=(0, 0))|L.linalg.norm(v, 'fro')|L.linalg.norm(v, 'nuc')|L.linalg.norm(a.float(), dtype=L.float64)|L.linalg.norm(a.float(), 2, dtype=L.float64)
L.linalg.norm(a, 2, dtype=L.complex128)|L.linalg.norm(a.int())|L.linalg.norm(a.int(), 2)|L.linalg.norm(v, float('inf'))|L.linalg.norm(c, 2)|L.linalg.norm(c, 'nuc')|L.linalg.norm(c, 1)
L.linalg.matrix_norm(four, 'nuc', (0, 1), True)|L.linalg.matrix_norm(four, 1, (0, 1))|L.linalg.matrix_norm(four, -1, (1, 0), True)|L.linalg.matrix_norm(four, 5)|L.linalg.matrix_norm(four, 2.5)|L.linalg.matrix_norm(four, dim=(0,))
L.linalg.matrix_norm(four, dim=(0, 0))|L.linalg.matrix_norm(four, dim=(0, 5))|L.linalg.matrix_norm(four, dtype=L.int32)|L.linalg.matrix_norm(four, dtype=L.float32)|L.linalg.matrix_norm(low)|L.linalg.matrix_norm(low, 1)
L.linalg.matrix_norm(low, 2)|L.linalg.matrix_norm(low, 'nuc')|L.linalg.matrix_norm(low, float('inf'))|L.linalg.matrix_norm(low.mT, float('inf'))|L.linalg.matrix_norm(four[:0], 2)
L.norm(a)|L.norm(a, 'nuc')|L.norm(a, 3)|L.norm(a, 0)|L.norm(a, dim=0)|L.norm(a, 'fro', 0)|L.norm(a, 'fro', (0, 1))|L.norm(four, 'fro', (0, 1, 2))|L.norm(four, 'nuc')|L.norm(four, 'nuc', (0, 2), True)|L.norm(four, 'nuc', 0)
L.norm(a, 'x')|L.norm(a.int())|L.norm(a, float('inf'), 1, True)|L.norm(a, 2, (0, 1), True)|a.norm('nuc')|a.norm(3, 0)|a.float().norm(p='fro', dtype=L.float64)|L.norm(a, p=None)
"""
FUNCTIONS = """
L.matrix_power(a, 3)|L.linalg.matrix_power(a, -2)|L.linalg.matrix_power(singular, -1)|L.linalg.matrix_power(a, 0)|L.linalg.matrix_power(a, 1)|L.linalg.matrix_power(stack, 13)|L.linalg.matrix_power(v, 2)
L.linalg.matrix_power(tall, 2)|L.linalg.matrix_power(a.int(), 2)|L.linalg.matrix_power(a.int(), -2)|L.linalg.matrix_power(a.int(), 0)|a.matrix_power(2)|L.linalg.matrix_power(none, 3)|L.linalg.matrix_power(a, 2.5)
L.matrix_exp(stack)|L.matrix_exp(L.linalg.vander(i([0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8, 0.9], dtype=L.float64)))|a.matrix_exp()|L.matrix_exp(-30 * spd)|L.matrix_exp(20 * spd)|L.matrix_exp(c)|L.matrix_exp(i([[0.0, 1e-9], [0, 0]]))|L.matrix_exp(stack * i([1e-3, 1.0, 9.0])[:, None, None])
L.linalg.multi_dot([tall, a, b])|L.linalg.multi_dot([v, a, v])|L.linalg.multi_dot((v, v))|L.linalg.multi_dot([a])|L.linalg.multi_dot([])|L.linalg.multi_dot([a, v, a])|L.linalg.multi_dot([a, tall])|L.linalg.multi_dot([a, stack])
L.linalg.multi_dot([a, a.float()])|L.linalg.multi_dot([one, a, v])|L.linalg.multi_dot([tall.mT, tall, a, a, b, b.mT])|L.linalg.multi_dot([low, low.mT, b])
L.linalg.vecdot(a, v)|L.linalg.vecdot(a, b, dim=0)|L.linalg.vecdot(a, b)|L.linalg.vecdot(c, c)|L.linalg.vecdot(a, v.float())|L.linalg.vecdot(a.int(), a.int())|L.linalg.vecdot(a > 0, a > 0)
L.linalg.cross(a, spd)|L.linalg.cross(a, spd, dim=0)|L.linalg.cross(a, v)|L.linalg.cross(b, b)|L.linalg.cross(b, b, dim=0)|L.linalg.cross(a, spd[:1])|L.linalg.cross(a, a.float())|L.linalg.cross(a, a.int())|L.linalg.cross(a > 0, a > 0)
L.linalg.cross(four, four, dim=1)|L.linalg.cross(c, c.conj())|L.cross(b, b + 1)|a.cross(spd, 1)|L.cross(singular, singular)|L.cross(four, four + 2)|L.cross(a, spd, dim=0)
L.linalg.vander(v)|L.linalg.vander(a, N=5)|L.linalg.vander(v, N=1)|L.linalg.vander(v.int())|L.linalg.vander(one)|L.linalg.vander(v > 0)|L.linalg.vander(low)|L.linalg.vander(c)
L.trace(a)|a.trace()|L.trace(a.int())|L.trace(a > 0)|L.trace(v)|L.trace(tall)|L.trace(low)|L.trace(c)|L.linalg.diagonal(stack)|L.linalg.diagonal(four, offset=1, dim1=0, dim2=2)|L.linalg.matmul(a, b)
L.det(stack)|a.det()|a.logdet()|L.slogdet(stack)|a.slogdet()|L.logdet(v)|L.linalg.slogdet(c)|L.linalg.det(c)|L.logdet(c)|L.linalg.det(none)|L.linalg.slogdet(stack[:0])|issubclass(L.linalg.LinAlgError, RuntimeError)
"""
OUT = """
L.linalg.inv(a, out=a.new_empty(0))|L.linalg.inv(a, out=a.new_empty(3, 3))|L.linalg.det(a, out=a.new_empty(()))|L.linalg.solve(a, b, out=b.new_empty(0))|L.linalg.cholesky(spd, out=a.new_empty(3, 3))
L.linalg.qr(turn, out=(a.new_empty(0), a.new_empty(0)))|L.linalg.slogdet(a, out=(a.new_empty(0), a.new_empty(0)))|L.linalg.svd(wide, out=(a.new_empty(0), a.new_empty(0), a.new_empty(0)))[1]
L.linalg.eigh(spd, out=(a.new_empty(0), a.new_empty(0))).eigenvalues|L.linalg.lu_factor(turn, out=(a.new_empty(0), i([], dtype=L.int32)))|L.linalg.matrix_norm(a, out=a.new_empty(()))|L.linalg.pinv(tall, out=a.new_empty(0))
L.linalg.matrix_power(a, 3, out=a.new_empty(3, 3))|L.linalg.multi_dot([a, b], out=a.new_empty(0))|L.linalg.cross(a, spd, out=a.new_empty(3, 3))|L.cholesky_inverse(a, out=a.new_empty(3, 3))
"""


def expressions(table):
    return table.strip().replace("\n", "|").split("|")


@pytest.mark.parametrize("expression", REFUSED + NOT_SQUARE)
def test_what_is_refused(expression):
    check(expression)


@pytest.mark.parametrize("table", [SINGULARS, INDEFINITE, SYSTEMS, SPECTRA, NORMS, FUNCTIONS, OUT], ids=["singular", "indefinite", "systems", "spectra", "norms", "functions", "out"])  # fmt: skip
def test_expressions(table):
    for expression in expressions(table):
        try:
            check(expression)
        except AssertionError as error:
            raise AssertionError(f"{expression}: {error}") from None


def test_return_types_print_as_in_pytorch():
    for expression in (
        "L.linalg.slogdet(a)",
        "L.linalg.lu_factor_ex(turn)",
        "L.slogdet(a)",
        "L.linalg.inv_ex(a)",
    ):
        texts = [repr(eval(expression, {"L": t, "a": t.eye(2), "turn": t.eye(2)})) for t in LIBRARIES]
        assert texts[0] == texts[1]


# --- gradients that no row of the table can have: of what is determined up to a sign, or symmetric


def cubes(*parts):
    """A number that does not depend on the signs of vectors, nor on factors of size 1."""
    return sum((part.abs() ** 3).sum() for part in parts)


def hermitian(x):
    return x + x.mT.conj()


def definite(L, x):
    return x @ x.mT.conj() + L.eye(x.shape[-1], dtype=x.dtype)


GRADIENTS = {
    "det of singular": (lambda L, x: L.linalg.det(x), "both"),
    "det of one singular": (lambda L, x: L.linalg.det(x), "dependent"),
    "logdet": (lambda L, x: L.logdet(definite(L, x)), "stack"),
    "cholesky": (lambda L, x: L.linalg.cholesky(definite(L, x)), "stack"),
    "cholesky upper": (lambda L, x: L.linalg.cholesky(definite(L, x), upper=True), "stack"),
    "cholesky of a triangle": (lambda L, x: L.linalg.cholesky(x), "spd"),
    "cholesky_solve": (lambda L, x: L.cholesky_solve(x[:, :2], L.linalg.cholesky(definite(L, x))), "a"),
    "cholesky_inverse": (lambda L, x: L.cholesky_inverse(L.linalg.cholesky(definite(L, x))), "a"),
    "eigh": (lambda L, x: cubes(*L.linalg.eigh(hermitian(x))), "stack"),
    "eigh vectors": (lambda L, x: cubes(L.linalg.eigh(hermitian(x))[1]), "stack"),
    "eigh of a triangle": (lambda L, x: cubes(*L.linalg.eigh(x)), "spd"),
    "eigvalsh": (lambda L, x: L.linalg.eigvalsh(hermitian(x)), "stack"),
    "svd": (lambda L, x: cubes(*L.linalg.svd(x, full_matrices=False)), "stack"),
    "svd wide": (lambda L, x: cubes(*L.linalg.svd(x, full_matrices=False)), "wide"),
    "svd tall": (lambda L, x: cubes(*L.linalg.svd(x, full_matrices=False)), "tall"),
    "svd left": (lambda L, x: cubes(L.linalg.svd(x, full_matrices=False).U), "tall"),
    "svd right": (lambda L, x: cubes(L.linalg.svd(x).Vh[..., :3, :]), "wide"),
    "old svd": (lambda L, x: cubes(*L.svd(x)), "tall"),
    "qr of Q": (lambda L, x: cubes(L.linalg.qr(x).Q), "wide"),
    "qr of R": (lambda L, x: cubes(L.linalg.qr(x).R), "wide"),
    "lu": (lambda L, x: cubes(*L.linalg.lu(x)[1:]), "stack"),
    "lu tall": (lambda L, x: cubes(*L.linalg.lu(x)[1:]), "tall"),
    "lu wide": (lambda L, x: cubes(*L.linalg.lu(x)[1:]), "wide"),
    "lu_solve": (lambda L, x: L.linalg.lu_solve(*L.linalg.lu_factor(x), x.mT**2, adjoint=True), "stack"),
    "lu_solve right": (lambda L, x: L.linalg.lu_solve(*L.linalg.lu_factor(x), x.mT, left=False), "stack"),
    "pinv of low rank": (lambda L, x: L.linalg.pinv(x[:, :1] @ x[:1], rtol=1e-8), "a"),
    "pinv hermitian": (lambda L, x: L.linalg.pinv(definite(L, x), hermitian=True), "stack"),
    "lstsq": (lambda L, x: L.linalg.lstsq(x, x**2).solution, "tall"),
    "lstsq residuals": (lambda L, x: L.linalg.lstsq(x, x**2, driver="gels").residuals, "tall"),
    "multi_dot": (lambda L, x: L.linalg.multi_dot([x, x.mT, x]), "tall"),
}  # fmt: skip


COMPLEX_ONLY_OURS = {
    "det of singular": "the second has no meaning in either",
    "det of one singular": "the second has no meaning in either",
    "cholesky of a triangle": "PyTorch's is not Hermitian",
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients(name, dtype):
    function, operand = GRADIENTS[name]
    value = {**NAMES, "dependent": np.stack([A, np.outer(B[:, 0], B[:, 1]) + np.outer(A[0], A[1])])}[operand]
    if dtype == "complex128":
        if name in COMPLEX_ONLY_OURS:
            pytest.skip(COMPLEX_ONLY_OURS[name])
        value = value + 1j * np.random.default_rng(3).normal(size=value.shape)
    found = []
    for library in LIBRARIES:
        x = library.tensor(value).requires_grad_()
        result = function(library, x)
        total = (result * result.detach().cos()).sum()
        first = library.autograd.grad(total.real if total.is_complex() else total, x, create_graph=True)[0]
        second = library.autograd.grad((1 / (1 + first.abs() ** 2)).sum(), x)[0]
        found.append([t.detach().resolve_conj().numpy() for t in (result, first, second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "name", ["inv", "det", "slogdet", "matrix_exp", "pinv", "eig", "eigvals", "lu_factor"]
)
def test_complex_gradients(name):
    value = STACK + 1j * np.random.default_rng(3).normal(size=STACK.shape)
    found = []
    for library in LIBRARIES:
        x = library.tensor(value).requires_grad_()
        result = getattr(library.linalg, name)(x)
        parts = result if isinstance(result, tuple) else (result,)
        total = cubes(*[part for part in parts if part.requires_grad])
        if name == "slogdet":  # the angle of the sign, too
            total = total + result.sign.real.sum()
        first = library.autograd.grad(total, x, create_graph=True)[0]
        second = library.autograd.grad((1 / (1 + first.abs() ** 2)).sum(), x)[0]
        found.append([t.detach().resolve_conj().numpy() for t in (first, second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("mode", ["r", "complete"])
def test_gradients_that_qr_does_not_have(mode):
    texts = []
    for library in LIBRARIES:
        x = library.tensor(TALL).requires_grad_()
        with pytest.raises(RuntimeError) as error:
            library.linalg.qr(x, mode).R.sum().backward()
        texts.append(str(error.value).split("\n")[0])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["svd_lowrank", "pca_lowrank"])
@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (2, 7, 6)])
def test_low_rank(name, shape):
    """The same random numbers, hence the same approximation, up to signs."""
    value = np.random.default_rng(1).normal(size=shape)
    found = []
    for library in LIBRARIES:
        library.manual_seed(5)
        left, values, right = getattr(library, name)(library.tensor(value), q=3)
        found.append([((left * values[..., None, :]) @ right.mT).numpy(), values.numpy()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_signs_of_vectors(n):
    """Vectors are determined up to their sign; small matrices give PyTorch's."""
    a = RNG.normal(size=(50, n, n))
    own, others = [[*L.linalg.svd(L.tensor(a)), *L.linalg.eigh(L.tensor(a))] for L in LIBRARIES]
    for part, other in zip(own, others, strict=True):
        assert part.stride() == other.stride()
        np.testing.assert_allclose(part, other, rtol=0, atol=1e-7)
