"""Losses against PyTorch: values, gradients, modules, complaints."""

import numpy as np
import pytest
from parity.expressions import assert_same as assert_expression_same
from parity.test_nn_parity import assert_same, both

torch = pytest.importorskip("torch")

_RANDOM = np.random.default_rng(0)
NAMES = {
    "x": _RANDOM.standard_normal((4, 5)).astype(np.float32),
    "z": _RANDOM.standard_normal((4, 5)).astype(np.float32),
    "y": np.array([[3, 0, -1, 1, 4], [-1, 0, 1, 2, 3], [0, 1, 2, 3, 4], [2, -1, 2, 2, 2]]),
    "c": np.array([3, 1, 0, 4]),
    "s": np.array([1, -1, -1, 1]),
    "lp": np.log(_RANDOM.dirichlet(np.ones(4), (6, 2))).astype(np.float32),
    "labels": np.array([[1, 2, 2], [3, 1, 0]]),
    "il": np.array([6, 4]),
    "tl": np.array([3, 2]),
}

CASES = """
F.multilabel_margin_loss(x, y, reduction="none")
F.multilabel_margin_loss(x[0], y[0], reduction="none")
F.multilabel_margin_loss(x[3], y[3])
F.multilabel_margin_loss(x.double(), y)
F.multilabel_margin_loss(x, y[:1])
F.multilabel_margin_loss(x, y.int())
F.multilabel_margin_loss(x, y * 5)
F.multilabel_margin_loss(x[None], y[None])
F.multilabel_margin_loss(x.half(), y)
F.multi_margin_loss(x, c)
F.multi_margin_loss(x, c, reduction="none")
F.multi_margin_loss(x, c, p=2, margin=0.5, weight=i([1.0, 2, 3, 4, 5]), reduction="sum")
F.multi_margin_loss(x[0], c[0])
F.multi_margin_loss(x[0], c[:1], reduction="none")
F.multi_margin_loss(x[0], c[0], reduction="none")
F.multi_margin_loss(x, c * 2)
F.multi_margin_loss(x, c.int())
F.multi_margin_loss(x, c[:1])
F.multi_margin_loss(x, c, p=3)
F.multi_margin_loss(x, c, weight=L.ones(3))
F.multi_margin_loss(x, c, weight=L.ones(4, 4))
F.multi_margin_loss(x[None], c)
F.multi_margin_loss(x.bfloat16(), c)
F.soft_margin_loss(x, L.sign(z))
F.soft_margin_loss(x, L.sign(z), reduction="none")
F.soft_margin_loss(x, L.sign(z[:1]), reduction="sum")
F.soft_margin_loss(x * 200, L.sign(z), reduction="none")
F.soft_margin_loss(x, y)
F.soft_margin_loss(x, y, reduce=False)
F.hinge_embedding_loss(x, L.sign(z), reduction="none")
F.hinge_embedding_loss(x, y, reduction="none")
F.hinge_embedding_loss(x, y[:1], margin=0.3)
F.hinge_embedding_loss(x.half(), L.sign(z).half(), reduction="sum")
F.hinge_embedding_loss(x, y, reduction="what")
F.margin_ranking_loss(x, z, y)
F.margin_ranking_loss(x, z, y, reduction="none", margin=0.3)
F.margin_ranking_loss(x, z, y, size_average=False)
F.margin_ranking_loss(x, x[0], y)
F.margin_ranking_loss(x, x[:1], y[:1])
F.margin_ranking_loss(x, x[:1, :3], y[:1])
F.poisson_nll_loss(x, y.abs().float(), full=True, reduction="none")
F.poisson_nll_loss(x.abs(), y.abs().float(), log_input=False, reduction="none")
F.poisson_nll_loss(x, y.float().abs(), reduction="sum")
F.poisson_nll_loss(x, y.abs(), full=True)
F.poisson_nll_loss(x, y[:1])
F.poisson_nll_loss(x, y, reduction="q")
F.gaussian_nll_loss(x, z, x.abs())
F.gaussian_nll_loss(x, z, x.abs()[:, :1], full=True, reduction="none")
F.gaussian_nll_loss(x, z, x.abs()[:, 0], full=True, reduction="sum")
F.gaussian_nll_loss(x, z, 0.5)
F.gaussian_nll_loss(x, z, -0.5)
F.gaussian_nll_loss(x, z, x)
F.gaussian_nll_loss(x, z, x.abs()[:1, :2])
F.gaussian_nll_loss(x, z, x.abs(), reduction="q")
F.cosine_embedding_loss(x, z, s, margin=0.1, reduction="none")
F.cosine_embedding_loss(x, z, s)
F.cosine_embedding_loss(x[0], z[1], i(-1))
F.cosine_embedding_loss(x[0], x[1], i([-1]))
F.cosine_embedding_loss(x, z, i(1))
F.cosine_embedding_loss(x, x[0], s)
F.cosine_embedding_loss(x, x[:, :3], s)
F.cosine_embedding_loss(x[None], x[None], s)
F.cosine_embedding_loss(x * 0, x, s, reduction="none")
F.triplet_margin_loss(x, z, x * 0.3, reduction="none")
F.triplet_margin_loss(x, z, x * 0.3, p=1, swap=True, eps=0.1)
F.triplet_margin_loss(x, z, x * 0.3, margin=0)
F.triplet_margin_loss(x, x[0], x * 0.3)
F.triplet_margin_loss(x[0], z[0], x[0] * 0.3)
F.triplet_margin_with_distance_loss(x, z, x * 0.3)
F.triplet_margin_with_distance_loss(x, x * 0.5, x[0])
F.triplet_margin_with_distance_loss(x, x * 0.5, x, margin=-1)
F.triplet_margin_with_distance_loss(x, x * 0.5, x, reduction="q")
F.triplet_margin_with_distance_loss(x, z, x, swap=True, reduction="sum", distance_function=lambda a, b: (a - b).abs().sum(1))
F.multilabel_soft_margin_loss(x, (y > 0).float(), weight=L.arange(5) * 0.5)
F.multilabel_soft_margin_loss(x, (y > 0).float(), reduction="none")
F.multilabel_soft_margin_loss(x, (y > 0).float(), reduction="q")
F.kl_div(x, z.softmax(1), reduction="batchmean")
F.kl_div(x, z, reduction="none", log_target=True)
F.kl_div(x, z.relu(), reduction="sum")
L.kl_div(x, z.relu(), 0)
L.kl_div(x, z, log_target=True)
L.margin_ranking_loss(x, z, y, 0.0, 1)
L.margin_ranking_loss(x, z, y)
L.hinge_embedding_loss(x, y, 1.0, 0)
L.poisson_nll_loss(x, y, True, False, 1e-8, 2)
L.triplet_margin_loss(x, z, x * 0.3)
L.cosine_embedding_loss(x, z, s, 0.1, 2)
F.ctc_loss(lp, labels, il, tl)
F.ctc_loss(lp, labels, il, tl, reduction="none")
F.ctc_loss(lp, labels, (6, 4), (3, 2), reduction="sum")
F.ctc_loss(lp, labels, [6, 4], [3, 2], reduction="sum")
F.ctc_loss(lp, i([1, 2, 2, 3, 1]), il, tl, reduction="none")
F.ctc_loss(lp, i([1, 2, 2, 3]), il, tl, reduction="none")
F.ctc_loss(lp, i([1, 2, 2, 3, 1]), (6, 4), (3, -2), reduction="none")
F.ctc_loss(lp, labels, i([2, 4]), tl, reduction="none")
F.ctc_loss(lp, labels, i([2, 4]), tl, reduction="none", zero_infinity=True)
F.ctc_loss(lp, labels, i([2, 4]), tl)
F.ctc_loss(lp, labels, i([0, 4]), tl, reduction="none")
F.ctc_loss(lp, labels, i([0, 4]), i([0, 0]), reduction="none")
F.ctc_loss(lp, labels, i([0, 4]), i([0, 0]))
F.ctc_loss(lp, labels.int(), il.int(), tl.int())
F.ctc_loss(lp, labels.float(), il, tl)
F.ctc_loss(lp, labels, il.float(), tl)
F.ctc_loss(lp, labels, il, tl.float())
F.ctc_loss(lp.half(), labels, il, tl)
F.ctc_loss(lp.long(), labels, il, tl)
F.ctc_loss(lp.double(), labels, il, tl)
F.ctc_loss(lp.double(), labels, il, tl, blank=3)
F.ctc_loss(lp[:, 0], labels[0], il[0], tl[0])
F.ctc_loss(lp[:, 0], labels[0], il[:1], tl[:1], reduction="none")
F.ctc_loss(lp[:, 0], labels[0], (6,), (3,), reduction="none")
F.ctc_loss(lp[:, 0], labels[:1], il[:1], tl[:1])
F.ctc_loss(lp, labels, il[:1], tl)
F.ctc_loss(lp, labels, il, tl[:1])
F.ctc_loss(lp, labels, il + 1, tl)
F.ctc_loss(lp, labels, il, tl + 1)
F.ctc_loss(lp, labels, il, tl, blank=4)
F.ctc_loss(lp, labels, il, tl, blank=-1)
F.ctc_loss(lp, labels[None], il, tl)
F.ctc_loss(lp[:0], labels, il, tl)
F.ctc_loss(lp, labels, il, tl, reduction="q")
F.ctc_loss(lp, labels, il - 9, tl)
F.ctc_loss(lp, labels, il, tl - 9)
L.ctc_loss(lp, labels, il, tl)
L.ctc_loss(lp, labels, il, tl, 0, 2, True)
F.linear_cross_entropy(x, L.ones(3, 5), s.abs())
F.linear_cross_entropy(x, z[:3], s.abs(), linear_bias=x[0, :3], weight=z[0, :3].abs(), label_smoothing=0.1)
F.linear_cross_entropy(x[0], z[:3], s[0], linear_bias=x[0, :3])
F.linear_cross_entropy(x, L.stack([z, x], 1)[:3], s.abs()[:, None].expand(4, 2))
F.linear_cross_entropy(x, z[:3], L.softmax(x[:, :3], 1))
F.linear_cross_entropy(x, z[:3], L.softmax(x[:, :3], 1), ignore_index=1)
F.linear_cross_entropy(x, z[:3, :4], s.abs())
F.linear_cross_entropy(x, z[0], s.abs())
F.linear_cross_entropy(x[None], z, s.abs())
F.linear_cross_entropy(x, z, s.abs(), linear_bias=x[0, :3])
F.linear_cross_entropy(x[0], L.stack([z, x], 1), s.abs())
F.cross_entropy(x, c, ignore_index=3, label_smoothing=0.2, weight=z[0].abs())
F.cross_entropy(x.reshape(2, 5, 2), c.reshape(2, 2), ignore_index=3, label_smoothing=0.2, reduction="none")
F.cross_entropy(x.reshape(1, 5, 2, 2), c.reshape(1, 2, 2), weight=z[0].abs())
F.cross_entropy(x.reshape(1, 5, 1, 2, 2), c.reshape(1, 1, 2, 2), reduction="sum")
F.cross_entropy(x.reshape(1, 5, 2, 2), z.reshape(1, 5, 2, 2).softmax(1), weight=z[0].abs(), label_smoothing=0.3)
F.cross_entropy(x, c * 0 + 3, ignore_index=3)
F.cross_entropy(x.bfloat16(), c)
""".strip().split("\n")


@pytest.mark.parametrize("case", CASES)
def test_values_and_complaints(case):
    narrow = "half" in case or "bfloat" in case
    assert_expression_same(case, rtol=1e-2 if narrow else 2e-5, atol=1e-3 if narrow else 1e-6, **NAMES)


def test_ctc_has_no_second_derivative():
    def compute(t):
        x = t.from_numpy(NAMES["lp"]).requires_grad_()
        loss = t.nn.functional.ctc_loss(x, t.tensor([[1], [2]]), (6, 4), (1, 1))
        (grad,) = t.autograd.grad(loss, x, create_graph=True)
        with pytest.raises(RuntimeError, match="derivative for aten::_ctc_loss_backward is not implemented"):
            grad.sum().backward()
        return grad.detach()

    assert_same(*both(compute), rtol=1e-5, atol=1e-6)


def test_adaptive_softmax_predicts():
    def compute(t):
        module = t.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2, 4], div_value=1.5)
        x = t.from_numpy(NAMES["x"])
        return module.log_prob(x).detach(), module.predict(x), module.predict(x * 0 + 1)

    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, rtol=1e-5, atol=1e-6)


COMPLAINTS = """
L.nn.MultiMarginLoss(p=3)
L.nn.MultiMarginLoss(weight=L.ones(2, 2))
L.nn.TripletMarginLoss(margin=0)
L.nn.TripletMarginWithDistanceLoss(margin=0)
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [4, 2])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [9])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2])(x, c[:2])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2])(x[0], c)
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2])(x, c[0])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2])(x, c[None])
L.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [2])(x, c + 8)
L.nn.NLLLoss2d()(x, c)
L.nn.MarginRankingLoss(size_average=False)
L.nn.Bilinear(0, 2, 3)
""".strip().split("\n")


@pytest.mark.parametrize("case", COMPLAINTS)
def test_complaints_of_modules(case):
    assert_expression_same(case, rtol=1e-6, **NAMES)
