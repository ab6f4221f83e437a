"""Normalising modules and embeddings against PyTorch: printing, starting values, outputs in training and in evaluation,
gradients, state dicts, complaints."""

import numpy as np
import pytest
from parity.test_nn_parity import assert_same, both, complaint

import numbatorch

torch = pytest.importorskip("torch")


def reals(t, *shape):
    return (t.arange(int(np.prod(shape))) * 2.4).reshape(shape).sin() * 3


MODULES = [  # class, arguments, keyword arguments, input shape
    ("LayerNorm", (5,), {}, (3, 5)),
    ("LayerNorm", ((4, 5),), {"eps": 0.1}, (3, 4, 5)),
    ("LayerNorm", ([5],), {"bias": False}, (3, 4, 5)),
    ("LayerNorm", (5,), {"elementwise_affine": False}, (3, 5)),
    ("RMSNorm", (5,), {}, (3, 5)),
    ("RMSNorm", ((4, 5),), {"eps": 0.1, "elementwise_affine": False}, (3, 4, 5)),
    ("GroupNorm", (2, 4), {}, (3, 4, 5)),
    ("GroupNorm", (1, 4), {"eps": 0.1}, (3, 4, 2, 3)),
    ("GroupNorm", (4, 4), {"affine": False}, (3, 4, 7)),
    ("GroupNorm", (2, 6), {"bias": False}, (3, 6, 5)),
    ("BatchNorm1d", (4,), {}, (5, 4)),
    ("BatchNorm1d", (4,), {"momentum": None, "eps": 0.1}, (5, 4, 3)),
    ("BatchNorm1d", (4,), {"affine": False}, (5, 4, 3)),
    ("BatchNorm1d", (4,), {"track_running_stats": False}, (5, 4, 3)),
    ("BatchNorm2d", (4,), {"momentum": 0.5}, (2, 4, 3, 5)),
    ("BatchNorm2d", (4,), {"bias": False}, (2, 4, 3, 5)),
    ("BatchNorm3d", (4,), {}, (2, 4, 3, 2, 2)),
    ("InstanceNorm1d", (4,), {}, (3, 4, 5)),
    ("InstanceNorm1d", (4,), {"affine": True}, (4, 5)),
    ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, (2, 4, 3, 5)),
    ("InstanceNorm3d", (4,), {"track_running_stats": True}, (2, 4, 3, 2, 2)),
    ("Embedding", (6, 3), {}, "numbers"),
    ("Embedding", (6, 3), {"padding_idx": -4}, "numbers"),
    ("Embedding", (6, 3), {"max_norm": 1.0, "norm_type": 1.0}, "numbers"),
    ("Embedding", (6, 3), {"scale_grad_by_freq": True}, "numbers"),
    ("EmbeddingBag", (6, 3), {}, "numbers"),
    ("EmbeddingBag", (6, 3), {"mode": "sum", "padding_idx": 2, "max_norm": 1.0}, "numbers"),
    ("EmbeddingBag", (6, 3), {"mode": "max"}, "numbers"),
]


@pytest.mark.parametrize("case", MODULES, ids=str)
def test_module(case):
    """Two steps of training, then evaluation."""
    name, args, kwargs, shape = case

    def compute(t):
        module = getattr(t.nn, name)(*args, **kwargs)
        found = [repr(module), *[p.detach().clone() for p in module.parameters()]]
        if shape == "numbers":
            x = t.tensor([[0, 2, 5], [2, 2, 1]])
        else:
            x = reals(t, *shape).requires_grad_()
            for factor, parameter in enumerate(module.parameters()):
                parameter.data += reals(t, *parameter.shape) * (factor + 1)
        for training in (True, True, False):
            module.train(training)
            y = module(x)
            (y * reals(t, *y.shape).cos()).sum().backward()
            found.append(y)
        found += [p.grad for p in module.parameters()]
        found += [] if shape == "numbers" else [x.grad]
        state = module.state_dict()
        return [*found, list(state), state._metadata, *state.values()]

    ours, theirs = both(compute)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            assert_same(a, b, rtol=2e-5, atol=1e-5 * max(1.0, b.abs().max().item()))
        else:
            assert a == b


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


@pytest.mark.parametrize("kind", ["Batch", "Instance"])
@pytest.mark.parametrize(
    ("dims", "options"),
    [(1, {}), (2, {"bias": False}), (3, {"affine": False}), (1, {"track_running_stats": False})],
)
def test_lazy_modules(kind, dims, options):
    def compute(t):
        module = getattr(t.nn, f"Lazy{kind}Norm{dims}d")(**options)
        texts = [repr(module), list(module.state_dict())]
        x = reals(t, 2, 3, *(4, 2, 2)[:dims])
        y = module(x)
        return (
            [*texts, repr(module), type(module).__name__, list(module.state_dict())],
            y,
            *module.state_dict().values(),
        )

    (texts, *ours), (wanted, *theirs) = both(compute)
    assert texts == wanted
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a, b, rtol=2e-5, atol=2e-5)
