"""Activations, dropout and losses of `nn`: values against NumPy's formulas, gradients against differences, on
both devices.
"""

import itertools
import math
from functools import partial

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.autograd import gradcheck, gradgradcheck
from numbatorch.nn import functional as F


def host(tensor):
    return tensor.detach().cpu().numpy()


def sample(device="cpu", shape=(4, 3)):
    torch.manual_seed(0)
    return torch.randn(shape, dtype=torch.float64).to(device).requires_grad_()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def phi(x):
    return np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ACTIVATIONS = {
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "ReLU6": (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    "Hardtanh": (nn.Hardtanh(-0.5, 1.5), lambda x: np.clip(x, -0.5, 1.5)),
    "Threshold": (nn.Threshold(0.2, 5.0), lambda x: np.where(x > 0.2, x, 5.0)),
    "LeakyReLU": (nn.LeakyReLU(0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "ELU": (nn.ELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    "CELU": (nn.CELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x / 0.7))),
    "SELU": (nn.SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    "GELU": (nn.GELU(), lambda x: x * phi(x)),
    "GELU tanh": (
        nn.GELU("tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "SiLU": (nn.SiLU(), lambda x: x * sigmoid(x)),
    "Mish": (nn.Mish(), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "Sigmoid": (nn.Sigmoid(), sigmoid),
    "LogSigmoid": (nn.LogSigmoid(), lambda x: np.log(sigmoid(x))),
    "Tanh": (nn.Tanh(), np.tanh),
    "Tanhshrink": (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    "Softsign": (nn.Softsign(), lambda x: x / (1 + np.abs(x))),
    "Softplus": (nn.Softplus(2.0), lambda x: np.log1p(np.exp(2 * x)) / 2),
    "Softshrink": (nn.Softshrink(0.3), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.3, 0)),
    "Hardshrink": (nn.Hardshrink(0.3), lambda x: np.where(np.abs(x) > 0.3, x, 0)),
    "Hardsigmoid": (nn.Hardsigmoid(), lambda x: np.clip(x + 3, 0, 6) / 6),
    "Hardswish": (nn.Hardswish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "Softmax": (nn.Softmax(1), lambda x: softmax(x, 1)),
    "Softmin": (nn.Softmin(0), lambda x: softmax(-x, 0)),
    "LogSoftmax": (nn.LogSoftmax(1), lambda x: np.log(softmax(x, 1))),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_values(name, device):
    module, formula = ACTIVATIONS[name]
    x = sample(device)
    np.testing.assert_allclose(host(module(x)), formula(host(x)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradients(name):
    module, _ = ACTIVATIONS[name]
    assert gradcheck(module, (sample(),)) and gradgradcheck(module, (sample(),))


def test_prelu_and_glu():
    x = sample(shape=(2, 4))
    module = nn.PReLU(4).double()
    np.testing.assert_allclose(host(module(x)), np.where(host(x) > 0, host(x), 0.25 * host(x)))
    assert gradcheck(F.prelu, (x, module.weight.detach().requires_grad_()))
    np.testing.assert_allclose(host(nn.GLU()(x)), host(x)[:, :2] * sigmoid(host(x)[:, 2:]))
    assert gradcheck(nn.GLU(), (x,))
    assert nn.Softmax2d()(torch.zeros(1, 4, 2, 2)).sum().item() == 4


# ---- losses ----

Y = np.random.default_rng(0).random((4, 3))
CLASSES = np.array([2, 0, 1, 2])


def bce(x, y):
    return -(y * np.log(x) + (1 - y) * np.log(1 - x))


def cross_entropy(x, y, weight=None, smoothing=0.0):
    weight = np.ones(x.shape[1]) if weight is None else weight
    target = np.eye(x.shape[1])[y] * (1 - smoothing) + smoothing / x.shape[1]
    losses = -(np.log(softmax(x, 1)) * target * weight).sum(1)
    return losses, weight[y]


POINTWISE = {
    "mse": (nn.MSELoss, {}, lambda x, y: (x - y) ** 2),
    "l1": (nn.L1Loss, {}, lambda x, y: np.abs(x - y)),
    "smooth l1": (
        nn.SmoothL1Loss,
        {"beta": 0.5},
        lambda x, y: np.where(np.abs(x - y) < 0.5, (x - y) ** 2, np.abs(x - y) - 0.25),
    ),
    "huber": (
        nn.HuberLoss,
        {"delta": 0.5},
        lambda x, y: np.where(np.abs(x - y) < 0.5, (x - y) ** 2 / 2, 0.5 * (np.abs(x - y) - 0.25)),
    ),
    "bce logits": (nn.BCEWithLogitsLoss, {}, lambda x, y: bce(sigmoid(x), y)),
    "kl": (nn.KLDivLoss, {}, lambda x, y: y * (np.log(y) - x)),
    "kl log": (nn.KLDivLoss, {"log_target": True}, lambda x, y: np.exp(y) * (y - x)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_pointwise_losses(name, reduction, device):
    cls, options, formula = POINTWISE[name]
    x, y = sample(device), torch.tensor(Y, device=device)
    expected = formula(host(x), Y)
    expected = {"mean": expected.mean(), "sum": expected.sum(), "none": expected}[reduction]
    np.testing.assert_allclose(host(cls(reduction=reduction, **options)(x, y)), expected, rtol=1e-12)


@pytest.mark.parametrize("name", POINTWISE)
def test_gradients_of_pointwise_losses(name):
    cls, options, _ = POINTWISE[name]
    loss = cls(reduction="sum", **options)
    assert gradcheck(lambda x: loss(x, torch.tensor(Y)), (sample(),))
    assert gradgradcheck(lambda x: loss(x, torch.tensor(Y)), (sample(),))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(reduction, smoothing, weighted, device):
    x = sample(device)
    weight = np.array([0.5, 1.0, 2.0]) if weighted else None
    losses, weights = cross_entropy(host(x), CLASSES, weight, smoothing)
    expected = {"mean": losses.sum() / weights.sum(), "sum": losses.sum(), "none": losses}[reduction]
    loss = nn.CrossEntropyLoss(
        None if weight is None else torch.tensor(weight, device=device),
        reduction=reduction,
        label_smoothing=smoothing,
    )
    np.testing.assert_allclose(host(loss(x, torch.tensor(CLASSES, device=device))), expected, rtol=1e-12)


def test_cross_entropy_of_probabilities(device):
    x = sample(device)
    y = softmax(Y, 1)
    losses = -(np.log(softmax(host(x), 1)) * y).sum(1)
    target = torch.tensor(y, device=device)
    np.testing.assert_allclose(host(F.cross_entropy(x, target)), losses.mean())
    np.testing.assert_allclose(host(F.cross_entropy(x, target, reduction="none")), losses)


def test_ignored_elements_do_not_count():
    x = sample()
    target = torch.tensor(CLASSES)
    kept = CLASSES != 2
    losses, _ = cross_entropy(host(x), CLASSES)
    assert abs(F.cross_entropy(x, target, ignore_index=2).item() - losses[kept].mean()) < 1e-12
    none = F.cross_entropy(x, target, ignore_index=2, reduction="none")
    assert (host(none)[~kept] == 0).all()
    x.grad = None
    none.sum().backward()
    assert (host(x.grad)[~kept] == 0).all() and (host(x.grad)[kept] != 0).all()
    assert math.isnan(F.cross_entropy(x, torch.full((4,), 2), ignore_index=2).item())


def test_gradients_of_cross_entropy():
    target = torch.tensor(CLASSES)
    for options in (
        {},
        {"label_smoothing": 0.1},
        {"weight": torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)},
        {"ignore_index": 2},
    ):
        loss = partial(F.cross_entropy, target=target, **options)
        assert gradcheck(loss, (sample(),)) and gradgradcheck(loss, (sample(),))
    soft = torch.tensor(softmax(Y, 1)).requires_grad_()
    assert gradcheck(F.cross_entropy, (sample(), soft))


def test_cross_entropy_of_images():
    x = sample(shape=(2, 3, 4, 5))
    target = torch.arange(40).view(2, 4, 5) % 3
    flat = F.cross_entropy(x.permute(0, 2, 3, 1).reshape(-1, 3), target.reshape(-1))
    assert abs(F.cross_entropy(x, target).item() - flat.item()) < 1e-12
    assert F.cross_entropy(x, target, reduction="none").shape == (2, 4, 5)


def test_binary_cross_entropy():
    x = sample().detach().sigmoid().requires_grad_()
    y = torch.tensor(Y)
    np.testing.assert_allclose(
        host(F.binary_cross_entropy(x, y, reduction="none")), bce(host(x), Y), rtol=1e-10
    )
    assert gradcheck(lambda x: nn.BCELoss()(x, y), (x,))
    weight, pos = torch.tensor(Y + 1), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    logits = sample()
    expected = -(
        host(pos) * Y * np.log(sigmoid(host(logits))) + (1 - Y) * np.log(1 - sigmoid(host(logits)))
    ) * (Y + 1)
    loss = nn.BCEWithLogitsLoss(weight, pos_weight=pos)
    np.testing.assert_allclose(host(loss(logits, y)), expected.mean())
    assert gradcheck(lambda x: loss(x, y), (logits,))
    extreme = F.binary_cross_entropy_with_logits(
        torch.tensor([-1000.0, 1000.0]), torch.tensor([1.0, 0.0]), reduction="none"
    )
    assert extreme.tolist() == [1000.0, 1000.0]


def test_weights_move_with_the_module(device):
    loss = nn.CrossEntropyLoss(torch.ones(3)).to(device)
    assert loss.weight.device.type == device and list(loss.state_dict()) == ["weight"]


def test_deprecated_reductions():
    with pytest.warns(
        UserWarning,
        match="size_average and reduce args will be deprecated, please use reduction='sum' instead.",
    ):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="reduction='none'"):
        assert F.l1_loss(torch.ones(2), torch.zeros(2), reduce=False).shape == (2,)


# ---- dropout ----


@pytest.mark.parametrize("cls", [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout])
def test_dropout_modes(cls):
    shape = {nn.Dropout1d: (2, 5, 3), nn.Dropout2d: (2, 5, 3, 3), nn.Dropout3d: (2, 5, 2, 2, 2)}.get(
        cls, (100,)
    )
    x = torch.ones(shape)
    module = cls(0.5)
    assert not torch.equal(module(x), x) and torch.equal(module.eval()(x), x)
    assert cls(0.0)(x) is x or torch.equal(cls(0.0)(x), x)


def test_dropout_statistics(device):
    torch.manual_seed(0)
    x = torch.ones(64, device=device, requires_grad=True)
    y = nn.Dropout(0.25)(x)
    kept = host(y) != 0
    np.testing.assert_allclose(host(y)[kept], 1 / 0.75, rtol=1e-6)
    assert 30 < kept.sum() < 62
    y.sum().backward()
    assert np.array_equal(host(x.grad), host(y))
    assert host(F.dropout(torch.ones(5, device=device), 1.0)).tolist() == [0] * 5


def test_channels_are_dropped_whole():
    torch.manual_seed(0)
    y = host(nn.Dropout2d(0.5)(torch.ones(8, 8, 3, 3)))
    per_channel = y.reshape(64, 9)
    assert (per_channel == per_channel[:, :1]).all() and 10 < (per_channel[:, 0] == 0).sum() < 54


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    y = host(nn.AlphaDropout(0.3)(torch.randn(20_000)))
    assert abs(y.mean()) < 0.05 and abs(y.std() - 1) < 0.05


def test_ctc_is_the_sum_over_all_alignments():
    """Of every path of labels through the steps, those that say the word: repeats merged, then blanks left out."""
    x = sample(shape=(4, 1, 3)).log_softmax(2)
    p = np.exp(host(x))[:, 0]
    for word in ([1, 2], [1, 1], [2], [1, 2, 1]):
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            merged = [c for k, c in enumerate(path) if k == 0 or c != path[k - 1]]
            if [c for c in merged if c] == word:
                total += np.prod([p[t, c] for t, c in enumerate(path)])
        loss = F.ctc_loss(x, torch.tensor([word]), [4], [len(word)], reduction="none")
        np.testing.assert_allclose(host(loss), [-np.log(total)])


def test_ctc_gradient_is_that_of_scores(device):
    """Through the log softmax it is the slope; on both devices the same."""

    def loss(scores):
        lengths = torch.tensor([5, 3]), torch.tensor([2, 1])
        targets = torch.tensor([[1, 1], [2, 0]], device=scores.device)
        return F.ctc_loss(scores.log_softmax(2), targets, *lengths, reduction="sum")

    scores = sample(shape=(5, 2, 3))
    assert gradcheck(loss, (scores,))
    loss(scores).backward()
    there = scores.detach().to(device).requires_grad_()
    loss(there).backward()
    np.testing.assert_allclose(host(there.grad), host(scores.grad), rtol=1e-9, atol=1e-12)
    # Without a gradient two steps take turns.
    np.testing.assert_allclose(host(loss(there.detach())), host(loss(scores)), rtol=1e-12)


def test_ctc_refuses_labels_that_are_none():
    with pytest.raises(RuntimeError, match="Expected targets to be labels from 0 to 2"):
        F.ctc_loss(torch.zeros(4, 1, 3), torch.tensor([[3]]), [4], [1])
    F.ctc_loss(torch.zeros(4, 1, 3), torch.tensor([[1, -1]]), [4], [1])  # beyond the length: anything


def test_margins_of_many_labels_are_shared_out_by_rows():
    """Rows for several threads, with labels that repeat, none, and all classes."""
    torch.manual_seed(0)
    x = torch.randn(500, 100, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(100, (500, 100))
    labels[::3, 5], labels[0], labels[1] = -1, -1, torch.arange(100)
    losses = F.multilabel_margin_loss(x, labels, reduction="none")
    (dx,) = torch.autograd.grad(losses, x, torch.arange(500.0, dtype=torch.float64))
    expected, slopes = np.zeros(500), np.zeros((500, 100))
    for row, (values, given) in enumerate(zip(host(x), host(labels))):
        given = given[: (given < 0).argmax()] if (given < 0).any() else given
        others = np.setdiff1d(np.arange(100), given)
        missing = np.maximum(1 - values[given][:, None] + values[others], 0)
        expected[row] = missing.sum() / 100
        np.add.at(slopes[row], given, -(missing > 0).sum(1) * row / 100)
        slopes[row, others] = (missing > 0).sum(0) * row / 100
    np.testing.assert_allclose(host(losses), expected, rtol=1e-12)
    np.testing.assert_allclose(host(dx), slopes, rtol=1e-12)
