"""What is no number, no list, no flag and no word where one is wanted: PyTorch's error before anything is computed."""

import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_equal, outcome

import numbatorch

# Names: x float32 (3, 4), v float32 (1, 3).
SAME = """
x.long().mvlgamma_(2) | x.as_strided((2, 2), (3, 1), -1) | x.as_strided((0, 2), (1, 1), -1) | x.as_strided((2, -1), (1, 1)) | L.as_strided_copy(x, (2,), (1,), -7) | x.as_strided((0, 2), (1, 1), 100)
x.expand(-2, 3, 4) | v.expand(-2, 3) | x.reshape() | x.view(2, True) | x.view(2, 1.5) | L.rot90(x, 1, "x") | L.rot90(x, 1, None) | L.rot90(x, 1, 1) | L.roll(x, (1, 2), None) | L.roll(x, 1, None)
L.ldexp(2.0, x) | L.ldexp(x, 2) | L.ldexp(x, None) | F.pairwise_distance(x, 2.0) | F.pairwise_distance(True, x) | F.glu(x, None) | F.glu(x, 1.5) | F.gelu(x, approximate=None)
L.logsumexp(x, None) | L.logsumexp(x, "x") | L.median(x, None) | L.nanmedian(x, None) | L.amax(x, "x") | L.softmax(x, [1]) | L.log_softmax(x, [1]) | L.norm(x, [1.0]) | L.norm(x, "fro", L)
L.histc(x, "5") | L.histc(x, 5, None) | L.histc(x, 5, 0, "x") | L.histc(x, 5, 1j) | L.histc(x, 5, True, i(3)) | L.renorm(x, "x", 0, 1) | L.renorm(x, 2, 0, None) | L.renorm(x, 2, 0, 1j) | L.renorm(x, True, 0, i(1.0))
L.bincount(i([1, 2]), [1]) | L.unsafe_split(x, [1, 2]) | L.split_copy(x, [1, 2]) | L.unsafe_split_with_sizes(x, None) | x.index_fill(0, i([0]), 1j) | x.cfloat().index_fill(0, i([0]), 1j)
L.embedding_bag(x, i([[1]]), i([0, 2])) | L.embedding_bag(x, i([1]), i([[0]])) | L.embedding_bag(x, i(1), i([0])) | L.embedding_bag(x, i([1]), i([0]), False, 3) | L.embedding_bag(x, i([1]), i([0.0]))
F.unfold(x[None, None], (2,)) | F.unfold(x[None, None], 2, [1]) | F.fold(x[None], (2,), 2)
F.batch_norm(x, None, None, None, None, "x") | F.batch_norm(x, None, None, None, None, 1) | F.mse_loss(x, x, reduction=[1]) | F.grid_sample(x[None, None], x, mode=[1]) | F.grid_sample(x[None, None], x, padding_mode=[1])
F.lp_pool2d(x[None], 2, [2]) | F.lp_pool2d(x[None], 2, "x") | F.lp_pool2d(x[None], 2, None) | F.lp_pool3d(x[None, None], 2, (1, 1, 1, 1)) | F.max_unpool2d(x[None], x[None].long(), 1.5) | F.max_unpool3d(x[None, None], x[None, None].long(), 1, 1.5, 0, (1, 3, 4))
F.avg_pool2d(x[None], 1, divisor_override=1.5) | F.avg_pool2d(x[None], 1, 1, 0, False, None) | F.cosine_embedding_loss(x, x, i([1, 1, -1]), True)
L.linalg.solve(x[:, :3], v.T, left=None) | L.linalg.qr(x, mode=None) | L.linalg.eigvalsh(x[:, :3], UPLO=None) | L.linalg.lstsq(x, x, driver=[1]) | L._addmm_activation(v[0], x, x.T, use_gelu=None)
L.linalg.ldl_factor(x[:, :3], hermitian=1) | L.linalg.ldl_factor_ex(x[:, :3], check_errors="x") | x.matmul("x") | x.matmul(other="x") | L.matmul(x, other="x") | x.softmax("x") | x.softmax("x", dtype=L.float64) | x.softmax(dim="x") | x.transpose(0, "x") | L.transpose(x, 0, "x") | x.flip("x") | L.roll(x, "x") | x.roll("x") | x.addmm(x, "x")
"""
# PyTorch lists all forms of the function, here the argument is named: the class alone is the same.
REFUSED = """
L.round(x, decimals=1.5) | L.round(x, decimals=True) | L.div(x, 2, rounding_mode=[1]) | L.prod(x, None) | L.prod(x, (0, 1)) | L.prod(x, "x", True) | L.max(x, None) | L.min(x, dim=None) | L.squeeze(v, None) | v.squeeze_(1.5) | L.squeeze(v, [0.5])
L.movedim(x, [0.5], [1]) | L.movedim(x, 0, "x") | L.repeat_interleave(x, None) | L.argsort(x, dim=0, stable=None) | L.trapezoid(x, dx=None) | L.cumulative_trapezoid(x, dx="x") | L.nanquantile(x, 0.5, interpolation=None)
L.ctc_loss(x[None], [1], [1], [1]) | L.ctc_loss(x[None], i([[1]]), [1.5], [1]) | L.ctc_loss(x[None], i([[1]]), "x", [1]) | F.gaussian_nll_loss(x, x, 1) | L.linalg.matrix_norm(x, "fro", (0, 1), None) | L.linalg.matrix_norm(x, "fro", "x")
F.interpolate(x[None, None], 2, mode="bilinear", align_corners=1) | F.interpolate(x[None, None], 2, mode="bicubic", align_corners="x") | L.Tensor.view(None, 2) | L.Tensor.polygamma(None, 2)
"""


def _cases(text: str) -> list[str]:
    return [case.strip() for line in text.strip().split("\n") for case in line.split(" | ")]


def _named(case: str) -> str:
    return f"(lambda x, v: {case})(L.arange(12.0).reshape(3, 4), L.arange(3.0)[None])"


@pytest.mark.parametrize("case", _cases(SAME))
def test_the_same_is_said(case):
    (ours, _), (theirs, _) = (outcome(library, _named(case)) for library in (numbatorch, torch))
    assert_equal(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("case", _cases(REFUSED))
def test_the_same_class_of_error(case):
    (ours, _), (theirs, _) = (outcome(library, _named(case)) for library in (numbatorch, torch))
    assert theirs[0] == "TypeError" and ours[0] == "TypeError" and ours[1]
