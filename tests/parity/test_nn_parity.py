"""`nn` against PyTorch: printing, starting values from a seed, functions and their gradients, complaints."""

import inspect
import re
import warnings
from functools import partial

import numpy as np
import pytest

import numbatorch
from numbatorch import nn

torch = pytest.importorskip("torch")


def both(make):
    """The same with numbatorch and with PyTorch, from the same seed."""
    results = []
    for library in (numbatorch, torch):
        library.manual_seed(0)
        results.append(make(library))
    return results


def numbers(tensor):
    return (
        tensor.detach().to(tensor.dtype).numpy()
        if isinstance(tensor, torch.Tensor)
        else tensor.detach().cpu().numpy()
    )


def assert_same(ours, theirs, rtol=1e-6, atol=1e-7):
    assert str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=rtol, atol=atol, equal_nan=True)


def in_order(text):
    """With the words of a set in the alphabet's order: in the text of a set it changes from run to run."""
    return re.sub(r"\{(.*?)\}", lambda words: f"{{{', '.join(sorted(words[1].split(', ')))}}}", text)


def complaint(call):
    """The class and the first line of the exception, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
            error = None
        except Exception as exception:
            error = type(exception).__name__, in_order(str(exception).split("\n")[0])
    return error, [(w.category.__name__, str(w.message)) for w in caught]


# ---- printing and signatures ----


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.nn.Sequential(
            t.nn.Linear(2, 3), t.nn.ReLU(True), t.nn.Sequential(t.nn.Flatten(), t.nn.LeakyReLU(0.1, True))
        ),
        lambda t: t.nn.ModuleList([t.nn.ModuleList([t.nn.ReLU()] * 2)] * 3 + [t.nn.Tanh()]),
        lambda t: t.nn.ModuleDict({"a": t.nn.Dropout(0.1, True), "b": t.nn.ModuleDict()}),
        lambda t: t.nn.ParameterList([t.ones(2, 3), t.ones(())]),
        lambda t: t.nn.ParameterDict({"w": t.ones(2), "n": 3}),
        lambda t: t.nn.ReLU6(True),
        lambda t: t.nn.Hardtanh(-2, 2, True),
        lambda t: t.nn.Parameter(t.arange(3.0)),
        lambda t: [*t.nn.Linear(2, 3).named_parameters()],
    ],
)
def test_composed_modules_print_the_same(make):
    ours, theirs = both(make)
    assert repr(ours) == repr(theirs)


FUNCTIONS = sorted(
    name for name, value in vars(nn.functional).items()
    if inspect.isfunction(value) and not name.startswith("_") and value.__module__.startswith("numbatorch")
)  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_same_arguments(name):
    try:
        wanted = inspect.signature(getattr(torch.nn.functional, name)).parameters
    except ValueError:
        return  # a builtin without signature
    own = inspect.signature(getattr(nn.functional, name)).parameters
    if "args" in wanted:
        return  # one that chooses between two functions
    for (own_name, parameter), (name, theirs) in zip(own.items(), wanted.items()):
        assert own_name == name and parameter.default == theirs.default


# ---- starting values ----

INITS = [
    ("uniform_", {"a": -1.0, "b": 3.0}),
    ("normal_", {"mean": 1.0, "std": 2.0}),
    ("trunc_normal_", {}),
    ("trunc_normal_", {"mean": 0.5, "std": 0.1, "a": 0.4, "b": 0.7}),
    ("trunc_normal_", {"mean": 0.0, "std": 1.0, "a": 1.0, "b": 1.5}),
    ("constant_", {"val": 3.0}),
    ("ones_", {}),
    ("zeros_", {}),
    ("eye_", {}),
    ("xavier_uniform_", {"gain": 2.0}),
    ("xavier_normal_", {}),
    ("kaiming_uniform_", {"a": 5**0.5}),
    ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}),
    ("orthogonal_", {"gain": 1.5}),
    ("sparse_", {"sparsity": 0.3}),
]


@pytest.mark.parametrize("shape", [(3, 5), (40, 30)])
@pytest.mark.parametrize(("name", "options"), INITS, ids=str)
def test_init(name, options, shape):
    ours, theirs = both(lambda t: getattr(t.nn.init, name)(t.empty(shape), **options))
    # PyTorch's normal values of 16 and more are vectorised: a few units in the last place
    assert_same(ours, theirs, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 2, 3, 3), (6, 2, 3, 2, 3)])
def test_init_of_convolutions(shape):
    for call in (
        lambda t: t.nn.init.dirac_(t.empty(shape), 2),
        lambda t: t.nn.init.kaiming_uniform_(t.empty(shape)),
        lambda t: t.nn.init.orthogonal_(t.empty(shape)),
    ):
        assert_same(*both(call), rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize(
    "name", ["linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gain(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.init.calculate_gain("what"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "x"),
        lambda t: t.nn.init.xavier_uniform_(t.empty(3)),
        lambda t: t.nn.init.kaiming_normal_(t.empty(3, 2), mode="fan"),
        lambda t: t.nn.init.kaiming_normal_(t.empty(0, 2)),
        lambda t: t.nn.init.eye_(t.empty(3)),
        lambda t: t.nn.init.dirac_(t.empty(3)),
        lambda t: t.nn.init.dirac_(t.empty(3, 2, 1), 2),
        lambda t: t.nn.init.orthogonal_(t.empty(3)),
        lambda t: t.nn.init.sparse_(t.empty(3), 0.1),
        lambda t: t.nn.init.trunc_normal_(t.empty(3), 10.0),
        lambda t: t.nn.init.xavier_normal(t.empty(3, 2)),
        lambda t: t.nn.init.constant(t.empty(3), 1.0),
    ],
)
def test_init_complains_the_same(call):
    (error, warned), (their_error, their_warned) = (
        complaint(lambda t=t: call(t)) for t in (numbatorch, torch)
    )
    assert error == their_error and warned == their_warned


@pytest.mark.parametrize("shape", [(3, 4), (64, 100), (1, 1)])
def test_linear_starts_the_same(shape):
    ours, theirs = both(lambda t: t.nn.Linear(*shape))
    assert_same(ours.weight, theirs.weight, rtol=0, atol=0)
    assert_same(ours.bias, theirs.bias, rtol=0, atol=0)


# ---- functions and their gradients ----

ACTIVATIONS = [
    ("relu", {}),
    ("relu6", {}),
    ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    ("threshold", {"threshold": 0.3, "value": 7.0}),
    ("leaky_relu", {"negative_slope": 0.2}),
    ("elu", {"alpha": 0.7}),
    ("selu", {}),
    ("celu", {"alpha": 0.7}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {}),
    ("mish", {}),
    ("sigmoid", {}),
    ("logsigmoid", {}),
    ("tanh", {}),
    ("tanhshrink", {}),
    ("softplus", {"beta": 2.0, "threshold": 3.0}),
    ("softsign", {}),
    ("softshrink", {"lambd": 0.3}),
    ("hardshrink", {"lambd": 0.3}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("glu", {"dim": 1}),
    ("softmax", {"dim": 1}),
    ("softmax", {"dim": 0, "dtype": "float64"}),
    ("log_softmax", {"dim": -1}),
    ("softmin", {"dim": 1}),
]


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS, ids=str)
def test_activations(name, options):
    def compute(t):
        x = t.linspace(-6, 6, 24).reshape(4, 6).requires_grad_()
        given = {key: getattr(t, value) if key == "dtype" else value for key, value in options.items()}
        y = getattr(t.nn.functional, name)(x, **given)
        y.backward(t.linspace(1, 2, y.numel()).reshape(y.shape).to(y.dtype))
        return y, x.grad

    (y, grad), (their_y, their_grad) = both(compute)
    assert_same(y, their_y, rtol=2e-6, atol=1e-6)
    assert_same(grad, their_grad, rtol=5e-6, atol=2e-6)


@pytest.mark.parametrize(
    "name",
    [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "silu",
        "mish",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
    ],
)
def test_inplace_activations(name):
    def compute(t):
        x = t.linspace(-4, 4, 9).requires_grad_()
        y = x * 1
        assert getattr(t.nn.functional, name)(y, inplace=True) is y
        y.sum().backward()
        return y, x.grad

    (y, grad), (their_y, their_grad) = both(compute)
    assert_same(y, their_y, atol=1e-6)
    assert_same(grad, their_grad, rtol=5e-6, atol=1e-6)


def targets(t, kind, shape):
    t.manual_seed(1)
    if kind == "classes":
        return t.randint(0, shape[1], (shape[0], *shape[2:]))
    return t.rand(shape)


LOSSES = [
    ("mse_loss", "numbers", {}),
    ("l1_loss", "numbers", {}),
    ("smooth_l1_loss", "numbers", {"beta": 0.3}),
    ("smooth_l1_loss", "numbers", {"beta": 0.0}),
    ("huber_loss", "numbers", {"delta": 0.3}),
    ("binary_cross_entropy", "numbers", {}),
    ("binary_cross_entropy_with_logits", "numbers", {}),
    ("kl_div", "numbers", {}),
    ("kl_div", "numbers", {"log_target": True}),
    ("cross_entropy", "classes", {}),
    ("cross_entropy", "classes", {"label_smoothing": 0.2}),
    ("cross_entropy", "classes", {"ignore_index": 1}),
    ("cross_entropy", "classes", {"ignore_index": 1, "label_smoothing": 0.3}),
    ("cross_entropy", "numbers", {}),
    ("cross_entropy", "numbers", {"label_smoothing": 0.1}),
    ("nll_loss", "classes", {}),
    ("nll_loss", "classes", {"ignore_index": 2}),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2, 3)], ids=str)
@pytest.mark.parametrize(("name", "kind", "options"), LOSSES, ids=str)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
def test_losses(name, kind, options, shape, reduction):
    def compute(t, weighted=False):
        x = t.randn(shape)
        x = (x.sigmoid() if name == "binary_cross_entropy" else x).requires_grad_()
        extra = {}
        if weighted and name in ("cross_entropy", "nll_loss"):
            extra["weight"] = t.linspace(0.5, 2.0, shape[1])
        elif weighted and name in (
            "binary_cross_entropy",
            "binary_cross_entropy_with_logits",
            "mse_loss",
            "l1_loss",
            "huber_loss",
        ):
            extra["weight"] = t.linspace(0.5, 2.0, x.numel()).reshape(shape)
            if name.endswith("logits"):
                extra["pos_weight"] = t.linspace(0.5, 3.0, shape[-1])
        loss = getattr(t.nn.functional, name)(
            x, targets(t, kind, shape), reduction=reduction, **options, **extra
        )
        loss.backward(t.ones_like(loss) * 2)
        return loss, x.grad

    for weighted in (False, True):
        (loss, grad), (their_loss, their_grad) = both(partial(compute, weighted=weighted))
        assert_same(loss, their_loss, rtol=1e-5, atol=1e-6)
        assert_same(grad, their_grad, rtol=1e-5, atol=1e-6)


def test_losses_at_the_edges():
    def compute(t):
        x = t.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
        loss = t.nn.functional.binary_cross_entropy(x, t.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
        loss.sum().backward()
        y = t.tensor([-200.0, 200.0, 0.0], requires_grad=True)
        other = t.nn.functional.binary_cross_entropy_with_logits(
            y, t.tensor([1.0, 0.0, 0.5]), reduction="none"
        )
        other.sum().backward()
        empty = t.nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([-100, -100]))
        single = t.nn.functional.cross_entropy(t.tensor([1.0, 2.0]), t.tensor(1))
        return loss, x.grad, other, y.grad, empty, single

    for ours, theirs in zip(*both(compute)):
        assert_same(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.functional.mse_loss(t.ones(2), t.ones(2, 1)),
        lambda t: t.nn.functional.l1_loss(t.ones(2), t.ones(1), reduction="sum"),
        lambda t: t.nn.functional.mse_loss(t.ones(2), t.ones(2), reduction="median"),
        lambda t: t.nn.functional.mse_loss(t.ones(2), t.ones(2), weight=t.ones(3)),
        lambda t: t.nn.functional.mse_loss(t.ones(2), t.ones(2), size_average=False),
        lambda t: t.nn.functional.nll_loss(t.ones(2, 3), t.tensor([0, 1]), reduce=False),
        lambda t: t.nn.MSELoss(reduce=False),
        lambda t: t.nn.functional.kl_div(t.ones(2), t.ones(2)),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 3])),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, -1])),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 1, 2])),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0.0, 1.0])),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.ones(2, 3, dtype=t.int64)),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), weight=t.ones(2)),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.ones(2, 3), weight=t.ones(2)),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), label_smoothing=1.5),
        lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.ones(2, 3), ignore_index=1),
        lambda t: t.nn.functional.binary_cross_entropy(t.ones(2), t.ones(3)),
        lambda t: t.nn.functional.binary_cross_entropy(t.ones(2) * 2, t.ones(2)),
        lambda t: t.nn.functional.binary_cross_entropy_with_logits(t.ones(2), t.ones(3)),
        lambda t: t.nn.functional.softmax(t.ones(2, 3)),
        lambda t: t.nn.functional.log_softmax(t.ones(2)),
        lambda t: t.nn.Softmax()(t.ones(2, 3)),
        lambda t: t.nn.functional.glu(t.ones(3)),
        lambda t: t.nn.functional.glu(t.ones(())),
        lambda t: t.nn.functional.hardtanh(t.ones(3), 1.0, -1.0),
        lambda t: t.nn.functional.gelu(t.ones(3), approximate="fast"),
        lambda t: t.nn.functional.dropout(t.ones(3), 1.5),
        lambda t: t.nn.functional.dropout1d(t.ones(3)),
        lambda t: t.nn.functional.dropout2d(t.ones(3, 2, 2)),
        lambda t: t.nn.functional.dropout2d(t.ones(3, 2)),
        lambda t: t.nn.functional.dropout3d(t.ones(3, 2)),
        lambda t: t.nn.Dropout(-1),
        lambda t: t.nn.Hardtanh(1, -1),
        lambda t: t.nn.Softmax2d()(t.ones(2)),
        lambda t: t.nn.Linear(3, 4)(t.ones(2, 5)),
        lambda t: t.nn.Linear(3, 4)(t.ones(3).double()),
    ],
)
def test_complaints(call):
    (error, warned), (their_error, their_warned) = (
        complaint(lambda t=t: call(t)) for t in (numbatorch, torch)
    )
    assert error == their_error
    assert warned == their_warned


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("dropout", (7, 5)),
        ("dropout1d", (3, 4, 2)),
        ("dropout1d", (4, 2)),
        ("dropout2d", (3, 4, 2, 2)),
        ("dropout3d", (3, 2, 2, 2, 2)),
        ("alpha_dropout", (7, 5)),
    ],
)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("inplace", [False, True])
def test_dropout(name, shape, p, inplace):
    def compute(t):
        x = (t.arange(float(np.prod(shape))).reshape(shape) + 1).requires_grad_()
        y = getattr(t.nn.functional, name)(x * 1, p, training=True, inplace=inplace)
        y.sum().backward()
        return y, x.grad

    for ours, theirs in zip(*both(compute)):
        assert_same(ours, theirs)


def test_training_runs_along():
    """50 steps from the same seed: the losses agree to 1e-4."""

    def train(t):
        model = t.nn.Sequential(t.nn.Linear(8, 16), t.nn.ReLU(), t.nn.Dropout(0.2), t.nn.Linear(16, 3))
        x, y = t.randn(64, 8), t.randint(0, 3, (64,))
        optimizer = t.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        losses = []
        for _ in range(50):
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(model(x), y, label_smoothing=0.1)
            loss.backward()
            t.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        return losses

    np.testing.assert_allclose(*both(train), rtol=1e-4)


def test_state_dicts_have_the_same_keys():
    ours, theirs = both(
        lambda t: t.nn.Sequential(
            t.nn.Linear(2, 2), t.nn.PReLU(), t.nn.ModuleDict({"x": t.nn.Linear(1, 1, bias=False)})
        ).state_dict()
    )
    assert list(ours) == list(theirs) and ours._metadata == theirs._metadata


def test_clipping():
    def compute(t):
        params = [t.randn(3, 2).requires_grad_(), t.randn(4).requires_grad_()]
        for param in params:
            param.grad = t.randn(param.shape)
        norm = t.nn.utils.clip_grad_norm_(params, 0.5)
        t.nn.utils.clip_grad_value_(params, 0.1)
        return norm, params[0].grad, params[1].grad, t.nn.utils.parameters_to_vector(params)

    for ours, theirs in zip(*both(compute)):
        assert_same(ours, theirs, rtol=1e-5, atol=1e-6)
