"""Normalising modules and embeddings against PyTorch: printing, starting values, outputs in training and in evaluation,
gradients, state dicts, complaints."""

import numpy as np
import pytest
from parity.test_nn_parity import assert_same, both, complaint

import numbatorch

torch = pytest.importorskip("torch")


def reals(t, *shape):
    return (t.arange(int(np.prod(shape))) * 2.4).reshape(shape).sin() * 3


COMPLAINTS = [
    lambda t: t.nn.GroupNorm(3, 4),
    lambda t: t.nn.LayerNorm(4)(t.ones(2, 3)),
    lambda t: t.nn.RMSNorm(4)(t.ones(2, 3)),
    lambda t: t.nn.BatchNorm1d(4)(t.ones(4)),
    lambda t: t.nn.BatchNorm2d(4)(t.ones(2, 4)),
    lambda t: t.nn.BatchNorm3d(4)(t.ones(2, 4)),
    lambda t: t.nn.BatchNorm1d(4)(t.ones(1, 4)),
    lambda t: t.nn.BatchNorm1d(4)(t.ones(2, 3)),
    lambda t: t.nn.SyncBatchNorm(4)(t.ones(4)),
    lambda t: t.nn.SyncBatchNorm(4)(t.ones(4, 0)),
    lambda t: t.nn.InstanceNorm1d(4)(t.ones(2, 3, 5)),
    lambda t: t.nn.InstanceNorm1d(4, affine=True)(t.ones(2, 3, 5)),
    lambda t: t.nn.InstanceNorm2d(4)(t.ones(2, 3)),
    lambda t: t.nn.InstanceNorm2d(4)(t.ones(2, 4, 1, 1)),
    lambda t: t.nn.BatchNorm1d(2).load_state_dict({"weight": t.ones(2)}),
    lambda t: t.nn.InstanceNorm1d(2).load_state_dict({"running_mean": t.ones(2)}),
    lambda t: t.nn.Embedding(3, 2, padding_idx=3),
    lambda t: t.nn.Embedding(3, 2, padding_idx=-4),
    lambda t: t.nn.Embedding(3, 2)(t.tensor([3])),
    lambda t: t.nn.Embedding(3, 2)(t.tensor([0.5])),
    lambda t: t.nn.Embedding(3, 2, _weight=t.ones(2, 2)),
    lambda t: t.nn.Embedding.from_pretrained(t.ones(2)),
    lambda t: t.nn.EmbeddingBag(3, 2, padding_idx=3),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 4]), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2, mode="max")(t.tensor([0, -1]), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1]), t.tensor([1])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1]), t.tensor([0, 3])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor(0)),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1]), t.tensor([[0]])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0.0, 1]), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2, mode="what")(t.tensor([0, 1]), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2, mode="max", sparse=True)(t.tensor([0, 1]), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1]), t.tensor([0]), t.ones(2)),
    lambda t: t.nn.EmbeddingBag(3, 2)(t.tensor([0, 1]), t.tensor([0]), t.ones(3)),
    lambda t: t.nn.EmbeddingBag(3, 2, mode="sum")(t.tensor([0, 1]), t.tensor([0]), t.ones(2).double()),
    lambda t: t.nn.functional.embedding_bag(t.tensor([0]), t.ones(2, 2), t.tensor([0]), padding_idx=9),
    lambda t: t.nn.functional.embedding_bag(t.tensor([0]), t.ones(2), t.tensor([0])),
    lambda t: t.nn.functional.embedding_bag(t.tensor([0]), t.ones(2, 2).long(), t.tensor([0])),
    lambda t: t.nn.EmbeddingBag(3, 2, include_last_offset=True)(t.tensor([0, 1]), t.tensor([]).long()),
]


@pytest.mark.parametrize("number", range(len(COMPLAINTS)))
def test_complaints(number):
    ours, theirs = (complaint(lambda t=t: COMPLAINTS[number](t)) for t in (numbatorch, torch))
    assert ours == theirs


def test_state_dicts_of_old_have_no_count_of_batches():
    def load(t):
        module = t.nn.BatchNorm1d(2)
        state = dict(module.state_dict(), running_mean=t.ones(2))
        del state["num_batches_tracked"]
        return module.load_state_dict(state), module.num_batches_tracked, module.running_mean

    (message, *ours), (wanted, *theirs) = both(load)
    assert str(message) == str(wanted)
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a, b)


def test_sync_batch_norm_takes_the_place_of_batch_norm():
    def convert(t):
        model = t.nn.Sequential(t.nn.Linear(2, 4), t.nn.Sequential(t.nn.BatchNorm1d(4)))
        model = t.nn.SyncBatchNorm.convert_sync_batchnorm(model.eval())
        return repr(model), model(reals(t, 3, 2))

    (text, y), (wanted, their_y) = both(convert)
    assert text == wanted
    assert_same(y, their_y, rtol=1e-6, atol=1e-6)


BAGS = """
F.embedding_bag(x, w, o, mode=m, padding_idx=p)
F.embedding_bag(x.int(), w, o.int(), mode=m, padding_idx=p)
F.embedding_bag(x, w.double(), o, mode=m, padding_idx=p)
F.embedding_bag(x, w.half(), o, mode=m, padding_idx=p)
F.embedding_bag(x, w.bfloat16(), o, mode=m, padding_idx=p)
F.embedding_bag(x.reshape(2, 3), w, mode=m, padding_idx=p)
F.embedding_bag(x, w, i([0, 2, 2, 6]), mode=m, include_last_offset=True)
F.embedding_bag(x[:0], w, i([0, 0]), mode=m)
F.embedding_bag(x[:0], w, i([], dtype=L.int64), mode=m)
F.embedding_bag(x, w.t().contiguous().t(), o, mode=m)
L.embedding_bag(w, x, o, False, 2, False, None, False, 2)
L.embedding_bag(w, x, o, False, 1)
F.embedding_bag(x, w, o, mode="sum", per_sample_weights=s)
F.embedding_bag(x, w.bfloat16(), o, mode="sum", per_sample_weights=s.bfloat16())
""".strip().split("\n")


@pytest.mark.parametrize("case", BAGS)
def test_embedding_bag(case):
    from parity.expressions import assert_same

    rng = np.random.default_rng(0)
    names = {
        "x": np.array([0, 4, 2, 2, 1, 4]),
        "w": rng.standard_normal((5, 70)).astype(np.float32),
        "o": np.array([0, 2, 2, 3]),
        "s": rng.standard_normal(6).astype(np.float32),
    }
    narrow = "half" in case or "bfloat" in case
    for mode in ("'sum'", "'mean'", "'max'") if "=m" in case else ("",):
        for padding in ("2", "None") if "=p" in case else ("",):
            text = case.replace("=m", f"={mode}").replace("=p", f"={padding}")
            assert_same(text, rtol=1e-2 if narrow else 1e-5, atol=1e-2 if narrow else 1e-6, **names)


@pytest.mark.parametrize(
    "options", [{"mode": "mean", "scale_grad_by_freq": True}, {"mode": "max"}, {"mode": "sum"}]
)
def test_gradients_of_embedding_bag(options):
    def compute(t):
        w, s = reals(t, 5, 3).requires_grad_(), reals(t, 6).requires_grad_()
        given = {"per_sample_weights": s} if options["mode"] == "sum" else {}
        x, o = t.tensor([0, 4, 2, 2, 1, 4]), t.tensor([0, 2, 2, 3])
        y = t.nn.functional.embedding_bag(x, w, o, padding_idx=1, **options, **given)
        (y * reals(t, *y.shape)).sum().backward()
        return w.grad, s.grad if given else w.grad

    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, rtol=1e-5, atol=1e-5)
