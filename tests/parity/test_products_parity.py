"""Matrix products, einsum and distances against PyTorch: values, dtypes, shapes, warnings, errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_equal, assert_same, outcome

import numbatorch

LIBRARIES = (numbatorch, torch)

# "R" makes a tensor of ones.
OF_EVERY_DTYPE = [
    "L.mm(R(2, 3, dtype=d), R(3, 2, dtype=d))",
    "L.bmm(R(1, 2, 3, dtype=d), R(1, 3, 2, dtype=d))",
    "L.mv(R(2, 3, dtype=d), R(3, dtype=d))",
    "L.dot(R(3, dtype=d), R(3, dtype=d))",
    "L.vdot(R(3, dtype=d), R(3, dtype=d))",
    "L.addmm(R(2, 2, dtype=d), R(2, 3, dtype=d), R(3, 2, dtype=d))",
    "L.baddbmm(R(1, 2, 2, dtype=d), R(1, 2, 3, dtype=d), R(1, 3, 2, dtype=d))",
    "L.addmv(R(2, dtype=d), R(2, 3, dtype=d), R(3, dtype=d))",
    "L.addbmm(R(2, 2, dtype=d), R(1, 2, 3, dtype=d), R(1, 3, 2, dtype=d))",
    "L.addr(R(2, 3, dtype=d), R(2, dtype=d), R(3, dtype=d))",
    "L.outer(R(2, dtype=d), R(2, dtype=d))",
    "L.kron(R(2, dtype=d), R(2, dtype=d))",
    "L.inner(R(2, dtype=d), R(2, dtype=d))",
    "L.tensordot(R(2, 2, dtype=d), R(2, 2, dtype=d))",
    "L.einsum('ij, jk', R(2, 2, dtype=d), R(2, 2, dtype=d))",
    "L.matmul(R(2, 2, 3, dtype=d), R(2, 3, 2, dtype=d))",
    "L.cdist(R(2, 2, dtype=d), R(2, 2, dtype=d))",
    "L.pdist(R(2, 2, dtype=d))",
    "L.cov(R(2, 2, dtype=d))",
    "L.nn.functional.bilinear(R(2, 2, dtype=d), R(2, 2, dtype=d), R(2, 2, 2, dtype=d))",
    "L.nn.functional.cosine_similarity(R(2, 2, dtype=d), R(2, 2, dtype=d))",
    "L.nn.functional.pairwise_distance(R(2, 2, dtype=d), R(2, 2, dtype=d))",
    "L.nn.functional.normalize(R(2, 2, dtype=d))",
]

PRODUCTS = [
    "L.mm(R(2, 3), R(3, 2).double())",
    "L.bmm(R(1, 2, 3), R(1, 3, 2).double())",
    "L.mv(R(2, 3), R(3).double())",
    "L.dot(R(3), R(3).double())",
    "L.vdot(R(3), R(3).double())",
    "L.matmul(R(2, 3), R(3).double())",
    "L.matmul(R(2, 2, 3), R(3, 2).double())",
    "L.matmul(R(2, 2, 3), R(2, 3, 2).double())",
    "L.addmm(R(2, 2), R(2, 3), R(3, 2).double())",
    "L.addmm(R(2, 2).double(), R(2, 3), R(3, 2))",
    "L.addmm(R(2, 2).int(), R(2, 3), R(3, 2))",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3), R(1, 3, 2).double())",
    "L.baddbmm(R(1, 2, 2).double(), R(1, 2, 3), R(1, 3, 2))",
    "L.addmv(R(2), R(2, 3), R(3).double())",
    "L.addmv(R(2).double(), R(2, 3), R(3))",
    "L.addr(R(2, 3), R(2), R(3).double())",
    "L.addbmm(R(2, 2), R(1, 2, 3), R(1, 3, 2).double())",
    "L.addbmm(R(2, 2).double(), R(1, 2, 3), R(1, 3, 2))",
    "L.mm(R(2), R(2, 2))",
    "L.mm(R(2, 2), R(2))",
    "L.mm(R(2, 3), R(2, 3))",
    "L.bmm(R(2, 3), R(1, 2, 3))",
    "L.bmm(R(1, 2, 3), R(2, 3))",
    "L.bmm(R(1, 2, 3), R(2, 3, 3))",
    "L.mv(R(2), R(2))",
    "L.mv(R(2, 3), R(2))",
    "L.dot(R(2, 2), R(2))",
    "L.dot(R(2), R(3))",
    "L.vdot(R(2), R(3))",
    "L.matmul(R(()), R(2))",
    "L.matmul(R(2), R(3))",
    "L.matmul(R(2, 3), R(2))",
    "L.matmul(R(2), R(3, 2))",
    "L.matmul(R(2, 3), R(2, 3))",
    "L.matmul(R(2, 2, 3), R(2, 2, 3))",
    "L.matmul(R(2, 2, 3), R(3, 3, 3))",
    "L.matmul(R(2, 2, 3), R(2, 3))",
    "L.matmul(R(2, 2, 3), R(2))",
    "L.matmul(R(3), R(2, 2, 3))",
    "L.addmm(R(3, 3), R(2, 3), R(3, 2))",
    "L.addmm(R(2, 2), R(2, 3), R(2, 2))",
    "L.addmm(R(2, 2, 2), R(2, 3), R(3, 2))",
    "L.addmm(R(2, 2), R(2), R(3, 2))",
    "L.addmm(R(2, 2), R(2, 3), R(3))",
    "L.addmm(R(()), R(2, 3), R(3, 2))",
    "L.addmm(R(2, 1), R(2, 3), R(3, 2))",
    "L.baddbmm(R(3, 3), R(1, 2, 3), R(1, 3, 2))",
    "L.baddbmm(R(1, 2, 2), R(2, 3), R(1, 3, 2))",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3), R(3, 2))",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3), R(2, 3, 2))",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3), R(1, 2, 2))",
    "L.baddbmm(R(()), R(1, 2, 3), R(1, 3, 2))",
    "L.addmv(R(3), R(2, 3), R(3))",
    "L.addmv(R(2), R(2), R(3))",
    "L.addmv(R(2), R(2, 3), R(3, 1))",
    "L.addmv(R(2), R(2, 3), R(2))",
    "L.addmv(R(()), R(2, 3), R(3))",
    "L.addmv(R(1, 2), R(2, 3), R(3))",
    "L.addr(R(2, 3), R(2, 2), R(3))",
    "L.addr(R(2, 3), R(2), R(3, 1))",
    "L.addr(R(3, 3), R(2), R(3))",
    "L.addr(R(()), R(2), R(3))",
    "L.addbmm(R(3, 3), R(1, 2, 3), R(1, 3, 2))",
    "L.addbmm(R(2, 2), R(2, 3), R(1, 3, 2))",
    "L.addbmm(R(2, 2), R(1, 2, 3), R(3, 2))",
    "L.addbmm(R(2, 2), R(1, 2, 3), R(2, 3, 2))",
    "L.addbmm(R(2, 2), R(1, 2, 3), R(1, 2, 2))",
    "L.addmm(R(2, 2).int(), R(2, 3).int(), R(3, 2).int(), beta=0.5)",
    "L.addmm(R(2, 2).int(), R(2, 3).int(), R(3, 2).int(), alpha=0.5)",
    "L.addmm(R(2, 2), R(2, 3), R(3, 2), alpha=1j)",
    "L.addmm(R(2, 2), R(2, 3), R(3, 2), alpha=True)",
    "L.baddbmm(R(1, 2, 2).int(), R(1, 2, 3).int(), R(1, 3, 2).int(), alpha=0.5)",
    "L.baddbmm(R(1, 2, 2).int(), R(1, 2, 3).int(), R(1, 3, 2).int(), beta=0.5)",
    "L.addr(R(2, 2).int(), R(2).int(), R(2).int(), beta=0.5)",
    "L.addr(R(2, 2).int(), R(2).int(), R(2).int(), alpha=0.5)",
    "L.addr(R(2, 2).bool(), R(2).bool(), R(2).bool(), alpha=2)",
    "L.addr(R(2, 2).bool(), R(2).bool(), R(2).bool(), alpha=False)",
    "L.addmv(R(2).int(), R(2, 2).int(), R(2).int(), beta=0.5)",
    "L.addbmm(R(2, 2).int(), R(1, 2, 3).int(), R(1, 3, 2).int(), alpha=0.5)",
    "L.mm(R(2, 3), R(3, 2), out=R(5))",
    "L.mm(R(2, 3), R(3, 2), out=R(0))",
    "L.mm(R(2, 3), R(3, 2), out=R(2, 2).double())",
    "L.matmul(R(2, 2, 3), R(3, 2), out=R(2, 2))",
    "L.addmm(R(2, 2), R(2, 3), R(3, 2), out=R(2, 2).double())",
    "L.dot(R(2), R(2), out=R(2))",
    "L.mm(R(2, 3, requires_grad=True), R(3, 2), out=R(2, 2))",
    "L.bmm(R(1, 2, 3), R(1, 3, 2), out=R(2, 2).double())",
    "L.dot(R(2), R(2), out=R(()).double())",
    "L.addmv(R(2), R(2, 3), R(3), out=R(2).double())",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3), R(1, 3, 2), out=R(2).double())",
    "L.addr(R(2, 2), R(2), R(2), out=R(2, 2).double())",
    "L.vdot(R(2), R(2), out=R(()).double())",
    "R(2, 3).addmm_(R(2, 3), R(3, 2))",
    "R(2).addmm_(R(2, 3), R(3, 2))",
    "R(2).addmv_(R(3, 3), R(3))",
    "R(()).addmv_(R(3, 3), R(3))",
    "R(2, 2).addbmm_(R(1, 3, 3), R(1, 3, 3))",
    "R(1, 2, 2).baddbmm_(R(1, 3, 3), R(1, 3, 3))",
    "R(2, 2).addr_(R(3), R(3))",
    "L.ger(R(2, 2), R(3))",
    "L.outer(R(2, 2), R(3))",
    "L.outer(R(2), R(3).double())",
    "L.nn.functional.linear(R(2), R(2))",
    "L.nn.functional.linear(R(2, 2).bool(), R(2, 2).bool())",
    "L.addmm(R(2, 2), R(2, 3).double(), R(3, 2))",
    "L.addmm(R(2, 2, dtype=L.int32), R(2, 3, dtype=L.int32), R(3, 2, dtype=L.int32), alpha=1j)",
    "L.addmm(R(2, 2).double(), R(2, 3).double(), R(3, 2).double(), alpha=1j)",
    "L.addmm(R(2, 2).half(), R(2, 3).half(), R(3, 2).half(), alpha=1j)",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 3).double(), R(1, 3, 2))",
    "L.addmv(R(2), R(2, 3).double(), R(3))",
    "L.addmv(R(2)*float('nan'), R(2, 3), R(3), beta=0)",
    "L.addbmm(R(2, 2)*float('nan'), R(2, 2, 3), R(2, 3, 2), beta=0)",
    "L.addr(R(2, 2)*float('nan'), R(2), R(2), beta=0)",
    "L.addr(R(2, 2).bool(), R(2).bool(), R(2).bool(), beta=0, alpha=0)",
    "L.addr(R(2, 2).bool(), R(2), R(2).bool(), beta=0, alpha=0)",
    "L.addr(R(2, 2).bool(), R(2).bool(), R(2).bool(), beta=0., alpha=0)",
    "L.addr(R(2, 2).bool(), R(2).bool(), R(2).bool(), beta=False, alpha=False)",
    "L.addr(R(2, 2), R(2).int(), R(2), beta=.5, alpha=2)",
    "R(2, 2).int().addr_(R(2), R(2))",
    "R(2, 2).addmm_(R(2, 2), R(2, 2), beta=0.5)",
    "L.addmm(R(2, 0), R(2, 3), R(3, 0))",
    "L.addmm(R(2, 2), R(2, 0), R(0, 2), beta=2)",
    "L.addbmm(R(2, 2), R(0, 2, 3), R(0, 3, 2), beta=2)",
    "L.addmv(R(2), R(2, 0), R(0), beta=2)",
    "L.baddbmm(R(1, 2, 2), R(1, 2, 0), R(1, 0, 2), beta=2)",
    "L.addmm(R(2, 2)*float('nan'), R(2, 0), R(0, 2), beta=0)",
    "L.addr(R(2, 2), R(2), R(2), alpha=1j)",
    "L.bilinear(R(2, 3), R(2, 4), R(5, 3, 4), R(5))",
    "L.bilinear(R(2, 3), R(3, 4), R(5, 3, 4), R(5))",
    "L.bilinear(R(2, 3), R(2, 5), R(5, 3, 4), R(5))",
    "L.bilinear(R(2, 4), R(2, 4), R(5, 3, 4), R(5))",
    "L.bilinear(R(2, 3), R(2, 4), R(5, 3, 4), R(4))",
    "L.bilinear(R(3), R(4), R(5, 3, 4), R(5))",
    "L.bilinear(R(1, 2, 3), R(2, 4), R(5, 3, 4), R(5))",
    "L.bilinear(R(2, 3), R(2, 4), R(5, 3), R(5))",
    "L.bilinear(R(2, 2, 3), R(2, 2, 4), R(5, 3, 4))",
    "L.cdist(R(2, 2).half(), R(2, 2).half(), compute_mode='use_mm_for_euclid_dist')",
]

OTHERS = [
    "L.kron(R(2), R(2), out=R(4).double())",
    "L.inner(R(2), R(2), out=R(()).double())",
    "L.tensordot(R(2, 2), R(2, 2), out=R(()).double())",
    "L.kron(R(2), R(3).double())",
    "L.tensordot(R(2, 3), R(3, 2), dims=-1)",
    "L.tensordot(R(2, 3), R(3, 2), dims=3)",
    "L.tensordot(R(2, 3), R(3, 2), dims=0)",
    "L.tensordot(R(2, 3), R(3, 2), dims=2)",
    "L.tensordot(R(2, 3), R(3, 2), dims=1)",
    "L.tensordot(R(2, 3), R(2, 3), dims=1)",
    "L.tensordot(R(2, 3), R(3, 2), dims=([0], [1]))",
    "L.tensordot(R(2, 3), R(3, 2), dims=([0, 1], [1]))",
    "L.tensordot(R(2, 3), R(3, 2), dims=([0], [5]))",
    "L.tensordot(R(2, 3), R(2, 2), dims=([0, 0], [0, 1]))",
    "L.tensordot(R(2, 3), R(3, 2).double(), dims=1)",
    "L.tensordot(R(2, 3), R(3, 2), dims=L.tensor([[0], [1]]))",
    "L.tensordot(R(2, 3), R(3, 2), dims=L.tensor(1))",
    "L.tensordot(R(2, 3), R(3, 2), dims=[[0], [1]])",
    "L.tensordot(R(1, 3), R(4, 2), dims=([0], [0]))",
    "L.tensordot(R(2, 3), R(3, 2), dims=1.5)",
    "L.inner(R(2, 3), R(4, 3))",
    "L.inner(R(2, 3), R(4, 2))",
    "L.inner(R(()), R(4, 2))",
    "L.inner(R(2, 3), R(3).double())",
    "L.inner(R(()).double(), R(4))",
    "L.kron(R(2, 3), R(4))",
    "L.kron(R(()), R(4))",
    "L.kron(R(2, 2), R(3, 2), out=R(1))",
    "L.einsum('ij')",
    "L.einsum(R(2))",
    "L.einsum('i', [R(2)])",
    "L.einsum('i, i', R(2), R(2).double())",
    "L.einsum('i, j', R(2), R(2).double())",
    "L.cdist(R(2), R(2, 2))",
    "L.cdist(R(2, 2), R(2))",
    "L.cdist(R(2, 3), R(2, 2))",
    "L.cdist(R(2, 2), R(2, 2), p=-1)",
    "L.cdist(R(2, 2), R(2, 2), compute_mode='x')",
    "L.cdist(R(2, 2), R(2, 2).double())",
    "L.cdist(R(3, 2, 2), R(2, 2, 2))",
    "L.cdist(R(2, 0), R(3, 0))",
    "L.cdist(R(0, 2), R(3, 2))",
    "L.cdist(R(2, 2).double(), R(2, 2))",
    "L.pdist(R(2))",
    "L.pdist(R(3, 2), p=-1)",
    "L.pdist(R(3, 2, 2))",
    "L.pdist(R(1, 2))",
    "L.pdist(R(0, 2))",
    "L.pdist(R(3, 0))",
    "L.cdist(R(30, 2).half(), R(30, 2).half())",
    "L.cdist(R(2, 2), R(2, 2), p=float('nan'))",
    "L.cdist(R(2, 1, 2, 2), R(3, 2, 2))",
    "L.cdist(R(2, 2), R(2, 2).int())",
    "L.cov(R(2, 2, 2))",
    "L.cov(R(3))",
    "L.cov(R(()))",
    "L.cov(R(2, 3), correction=3)",
    "L.cov(R(2, 3), correction=4)",
    "L.cov(R(2, 3), fweights=R(3))",
    "L.cov(R(2, 3), fweights=R(3).int())",
    "L.cov(R(2, 3), fweights=R(2).int())",
    "L.cov(R(2, 3), fweights=R(3, 1).int())",
    "L.cov(R(2, 3), fweights=-R(3).int())",
    "L.cov(R(2, 3), aweights=R(3).int())",
    "L.cov(R(2, 3), aweights=R(2))",
    "L.cov(R(2, 3), aweights=R(3, 1))",
    "L.cov(R(2, 3), aweights=-R(3))",
    "L.cov(R(2, 3), aweights=0*R(3))",
    "L.cov(R(2, 3), aweights=R(3), fweights=R(3).int())",
    "L.cov(R(0, 3))",
    "L.cov(R(3, 0))",
    "L.corrcoef(R(2, 2, 2))",
    "L.corrcoef(R(2))",
    "L.corrcoef(R(()))",
    "L.cov(R(2, 3).half(), aweights=R(3))",
    "L.cov(R(2, 3), aweights=R(3).double())",
    "L.cov(R(2, 3).int(), aweights=R(3).double())",
    "L.cosine_similarity(R(2, 3), R(2, 3), dim=5)",
    "L.cosine_similarity(R(2, 3), R(3))",
    "L.cosine_similarity(R(2, 3), R(2, 4))",
    "L.cosine_similarity(R(2, 3), R(2, 3).double())",
    "L.cosine_similarity(R(()), R(()), dim=0)",
    "L.cosine_similarity(0*R(2, 3), R(2, 3))",
    "L.cosine_similarity(R(2, 3).int(), R(2, 3))",
    "L.pairwise_distance(R(2, 3), R(3))",
    "L.pairwise_distance(R(2, 3), R(2, 3), p=1, keepdim=True)",
    "L.pairwise_distance(R(2, 3), R(4, 3))",
    "L.pairwise_distance(R(()), R(()))",
    "L.nn.functional.normalize(R(2, 2), p=1, dim=0)",
    "L.nn.functional.normalize(R(2, 2).int())",
]


def same(case: str, **how) -> None:
    assert_same(case.replace("R(", "L.ones("), **how)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16", "complex64"])
@pytest.mark.parametrize("case", OF_EVERY_DTYPE)
def test_dtypes(case, dtype):
    same(
        case.replace("=d", f"=L.{dtype}"),
        rtol=1e-2 if dtype == "bfloat16" else 2e-3 if dtype == "float16" else 1e-6,
    )


@pytest.mark.parametrize("case", PRODUCTS)
def test_products(case):
    same(case)


@pytest.mark.parametrize("case", OTHERS)
def test_sums_of_products_and_distances(case):
    same(case, rtol=1e-6)


SHAPES_OF_MATMUL = [
    ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)), ((1, 4, 2, 3), (5, 1, 3, 2)), ((2, 1, 3, 2, 3), (4, 1, 3, 2)), ((0, 2, 3), (3, 2)),
    ((4, 0, 2, 3), (1, 3, 2)), ((2, 0), (0, 3)), ((3, 2, 0), (3, 0, 2)), ((2, 2, 1, 1, 3), (2, 1, 3, 1)),
]  # fmt: skip
LAYOUTS = [
    "{}", "{}.mT.contiguous().mT", "{}.flip(0)[::1]", "L.stack([{0}, {0}], -1)[..., 0]", "{0}.expand(2, *{0}.shape)",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "complex64"])
def test_matmul_broadcasts(dtype):
    rng = np.random.default_rng(0)
    for x, y in SHAPES_OF_MATMUL if dtype in ("float32", "complex64") else SHAPES_OF_MATMUL[5:9]:
        a, b = (rng.integers(-4, 5, shape).astype(np.float32) for shape in (x, y))
        same(f"L.matmul(a.to(L.{dtype}), b.to(L.{dtype}))", a=a, b=b)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_matmul_reads_any_layout(layout):
    rng = np.random.default_rng(1)
    for x, y in SHAPES_OF_MATMUL[4:8]:
        a, b = (rng.integers(-4, 5, shape).astype(np.float32) for shape in (x, y))
        same(f"L.matmul({layout.format('a')}, {layout.format('b')})", a=a, b=b)


@pytest.mark.parametrize("x, y", SHAPES_OF_MATMUL)
def test_matmul_gradients(x, y):
    rng = np.random.default_rng(2)
    a, b = (rng.integers(-4, 5, shape).astype(np.float32) for shape in (x, y))
    same("L.autograd.grad((a @ b).square().sum(), (a.requires_grad_(), b))"
         .replace("(a @ b)", "(a.requires_grad_() @ b.requires_grad_())").replace("(a.requires_grad_(), b)", "(a, b)"),
         a=a, b=b)  # fmt: skip


EINSUMS = [
    ("ij->ji", (2, 3)), ("ij", (2, 3)), ("ba", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->ji", (2, 2, 3)),
    ("iiji->j", (2, 2, 3, 2)), ("i->", (3,)), ("ij->", (2, 3)), ("...->...", (2, 3)), ("...i->i...", (2, 3)),
    ("i...->...", (2, 3)), ("...", (2, 3)), (" i j -> j i ", (2, 3)), ("->", ()), ("", ()),
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,ij->", (2, 3), (2, 3)), ("ij,ij->i", (2, 3), (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)),
    ("i,j", (2,), (3,)), ("i,i", (3,), (3,)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bhtd,bhsd->bhts", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("bthd,bshd->bhts", (2, 3, 2, 4), (2, 5, 2, 4)), ("abcde,abced->cab", (2, 2, 2, 3, 2), (2, 2, 2, 2, 3)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)), ("...ij,jk", (2, 3, 4), (4, 2)), ("i...,i...->...", (3, 2), (3, 1)),
    ("ij,jk->", (2, 3), (3, 4)), ("ij,jk->k", (2, 3), (3, 4)), ("ij,k->", (2, 3), (4,)), ("ij,k->k", (2, 3), (4,)),
    ("ij,j->i", (2, 1), (3,)), ("ij,ij->ij", (1, 3), (2, 1)), ("ij,jk->ik", (2, 1), (3, 4)), ("ij,jk->ik", (2, 0), (0, 4)),
    ("iij,jk->ik", (2, 2, 3), (3, 2)), ("Ab,bC->AC", (2, 3), (3, 4)), ("bA,aC", (2, 3), (4, 2)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("i,i,i->i", (3,), (3,), (3,)), ("i,i,i", (3,), (3,), (3,)),
    ("bi,oij,bj->bo", (2, 3), (4, 3, 5), (2, 5)), ("ij,kl,jl,ik->", (2, 3), (2, 4), (3, 4), (2, 2)),
    ("a...,b...,c...->...cba", (2, 3), (4, 1), (2, 3)), (",ij->ji", (), (2, 3)), ("ab,b,,c->ca", (2, 3), (3,), (), (4,)),
    ("i,i,j,j,k->k", (3,), (3,), (2,), (2,), (4,)), ("ij,ik->", (2, 3), (2, 4)), ("i...j,j->...", (2, 3, 4), (4,)),
    # errors
    ("ij", (2,)), ("i", (2, 3)), ("i...jk", (2,)), ("i1", (2, 3)), ("i,j", (2,)), ("i", (2,), (2,)), ("..i", (2, 3)),
    ("......", (2,)), ("ij->k", (2, 3)), ("ij->ii", (2, 3)), ("ij->i!", (2, 3)), ("ij->i.", (2, 3)), ("ij->......", (2, 3)),
    ("ii", (2, 3)), ("ij,jk", (2, 3), (4, 5)), ("ij,jk,kl", (2, 3), (3, 4), (5, 2)), ("i,i,i", (1,), (3,), (2,)), ("i->j->i", (2,)),
    ("...i,...i", (2, 3), (4, 3)), ("ij->...ij", (2, 3)), ("i.j", (2, 3)),
]  # fmt: skip


@pytest.mark.parametrize("equation, shapes", [(e, s) for e, *s in EINSUMS])
def test_einsum(equation, shapes):
    rng = np.random.default_rng(3)
    names = dict(zip("abcde", [rng.integers(-4, 5, shape).astype(np.float64) for shape in shapes]))
    same(f"L.einsum({equation!r}, {', '.join(names)})", **names)
    grad = (
        f"[y.requires_grad_() for y in ({', '.join(names)},)] and L.einsum({equation!r}, {', '.join(names)})"
    )
    if "error" not in equation:
        same(f"L.autograd.grad(({grad}).sin().sum(), ({', '.join(names)},))", rtol=1e-9, atol=1e-12, **names)


def test_einsum_of_sublists():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    for case in (
        "L.einsum(a, [0, 1], b, [1, 2])", "L.einsum(a, [0, 1], b, [1, 2], [2, 0])", "L.einsum(a, [..., 30], [..., 30])",
        "L.einsum(a, [..., 1], b, [1, ...], [...])", "L.einsum(a, [0, 52])", "L.einsum('ij,jk', [a, b])",
        "L.einsum('ij,jk->ik', a.half(), b.half())", "L.einsum('ij,jk->ik', a.int(), b.int())",
        "L.einsum('ij,jk->ik', a.to(L.complex128), b.to(L.complex128))",
    ):  # fmt: skip
        same(case, a=a, b=b)


DISTANCES = ["0.0", "0.5", "1.0", "1.5", "2.0", "3.0", "float('inf')"]
POINTS = np.random.default_rng(4).standard_normal((3, 40, 17))
POINTS[1, 3] = POINTS[1, 5]


@pytest.mark.parametrize("p", DISTANCES)
@pytest.mark.parametrize("case", [
    "L.cdist(x[0], x[1], {p})", "L.cdist(x[0, :5], x[1, :7], {p})", "L.cdist(x[:, :4], x[1:2, 3:9], {p})", "L.cdist(x[0, :9].mT, x[1, :9].mT, {p})",
    "L.pdist(x[0], {p})", "L.pdist(x[1, :6, ::2], {p})", "L.pdist(x[1, :2], {p})", "L.pairwise_distance(x[0], x[1:], {p})", "F.normalize(x, {p}, -1)",
    "L.cdist(x[0], x[1], {p}, 'donot_use_mm_for_euclid_dist')", "L.cdist(x[0, :3], x[1, :3], {p}, 'use_mm_for_euclid_dist')",
])  # fmt: skip
def test_distances(case, p):
    case = case.format(p=p.replace("float('inf')", "np.inf"))
    same(case, x=POINTS, rtol=1e-10, atol=1e-12)
    same(case, x=POINTS.astype(np.float32), rtol=3e-5, atol=1e-4)
    if not ("cdist" not in case and "pdist" not in case and p == "0.0"):
        same(
            f"L.autograd.grad({case.replace('x', 'x.requires_grad_()', 1)}.sin().sum(), x)[0]",
            x=POINTS[:, ::3].copy(),
            rtol=1e-8,
            atol=1e-9,
        )
    hole = POINTS.copy()
    hole[0, 2, 3], hole[1, 2, 3], hole[1, 0, 0] = np.nan, np.inf, -np.inf
    # PyTorch's largest difference passes over a NaN, in some of the lanes of a vector.
    if "mm_for" not in case and "inf" not in case and not ("cdist(x[0], x[1]" in case and p == "2.0"):
        same(case, x=hole, rtol=1e-10, atol=1e-12)


def test_weighted_covariance():
    x, f, a = np.random.default_rng(5).standard_normal((3, 7)), np.arange(7), np.linspace(0, 1, 7)
    for case in (
        "L.cov(x)", "L.cov(x, correction=0)", "L.cov(x, fweights=f)", "L.cov(x, aweights=a)", "L.cov(x, fweights=f, aweights=a, correction=2)",
        "L.cov(x[0])", "L.corrcoef(x)", "L.corrcoef(x[0])", "L.cov(x.float())", "L.cov((x * 5).int(), aweights=a)",
        "L.autograd.grad(L.cov(x.requires_grad_(), aweights=a).square().sum(), x)[0]", "L.autograd.grad(L.corrcoef(x.requires_grad_()).sin().sum(), x)[0]",
    ):  # fmt: skip
        same(case, x=x, f=f, a=a, rtol=1e-5 if "float" in case or "int" in case else 1e-10, atol=1e-12)


IN_PLACE = [
    "{x}.addmm_(a, b, beta=0.5, alpha=2)", "{x}.addmv_(a, b[:, 0])", "{x}.addr_(a[:, 0], b[0], alpha=3)", "{x}.baddbmm_(a[None], b[None])",
    "{x}.addbmm_(a[None].expand(3, -1, -1), b[None].expand(3, -1, -1), beta=0)",
]  # fmt: skip


@pytest.mark.parametrize("case", IN_PLACE)
def test_in_place(case):
    a, b = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    start = "x[0]" if "addmv" in case else "x[None]" if "baddbmm" in case else "x"
    for x in (start, "x.T" if start == "x" else start, f"L.stack([{start}, {start}], -1)[..., 0]"):
        same(case.format(x=x), x=a[:, :2] + 1, a=a, b=b)
    grad = case.format(x=f"{start}.requires_grad_().clone()".replace("x", "x", 1))
    grad = grad.replace("a,", "a.requires_grad_(),", 1) if "(a," in grad else grad
    same(
        f"L.autograd.grad({grad}.square().sum(), x.requires_grad_(), allow_unused=True)",
        x=a[:, :2] + 1,
        a=a,
        b=b,
    )


def test_chain_matmul():
    rng = np.random.default_rng(6)
    shapes = [(2, 9), (9, 3), (3, 8), (8, 2)]
    names = {name: rng.integers(-3, 4, shape).astype(np.float64) for name, shape in zip("abcd", shapes)}
    # PyTorch warns once in a process: warnings are left out here.
    for matrices in ("a", "a, b", "a, b, c", "a, b, c, d", "a, c", "a, b, c[0]", ""):
        operands = ({k: library.from_numpy(v) for k, v in names.items()} for library in LIBRARIES)
        ours, theirs = (
            outcome(L, f"L.chain_matmul({matrices})", **o)[0] for L, o in zip(LIBRARIES, operands)
        )
        assert_equal(ours, theirs)
