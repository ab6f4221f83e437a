"""Optimizers against PyTorch: SGD bit for bit, Adam to the rounding of a square root; and state dicts."""

import inspect
import io
from functools import partial

import numpy as np
import pytest

import numbatorch

torch = pytest.importorskip("torch")

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "betas": (0.4, 0.7)}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "fused": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "eps": 0.01, "foreach": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "betas": (0.4, 0.7), "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "betas": (0.5, 0.9)}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.1, "centered": True, "alpha": 0.4, "eps": 0.1}),
    ("RMSprop", {"lr": 0.1, "centered": True, "alpha": 0.9, "eps": 0.1, "momentum": 0.5, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2), "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-3, 1e-2), "d": 2.0, "weight_decay": 0.1, "maximize": True}),
]  # fmt: skip
NAMES = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "Adagrad", "Adadelta", "ASGD", "LBFGS", "Adafactor", "Muon", "SparseAdam"]  # fmt: skip
# Every option by itself, beside what it needs; an option without a value here fails. LBFGS, Muon and SparseAdam have their own tests,
# so have `differentiable` and `capturable`, which only a GPU takes.
ALONE = {
    "lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True, "foreach": True, "fused": True, "rho": 0.5,
    "nesterov": {"nesterov": True, "momentum": 0.9}, "centered": {"centered": True, "eps": 0.1}, "betas": (0.4, 0.7), "amsgrad": True,
    "decoupled_weight_decay": {"decoupled_weight_decay": True, "weight_decay": 0.1}, "momentum_decay": 0.1, "alpha": 0.5, "lr_decay": 0.1,
    "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2), "initial_accumulator_value": 0.5, "lambd": 0.1, "t0": 3.0, "beta2_decay": -0.5, "d": 2.0,
    "eps": 0.01, ("Adafactor", "eps"): (1e-3, 1e-2),
}  # fmt: skip
STEPS = 20
SHAPES = [(5,), (3, 4), (), (0,), (30, 21)]


def alone():
    """(optimizer, one option)"""
    for name in NAMES:
        if name not in ("LBFGS", "Muon", "SparseAdam"):
            for option in list(inspect.signature(getattr(torch.optim, name)).parameters)[1:]:
                if option not in ("differentiable", "capturable"):
                    value = ALONE[name, option] if (name, option) in ALONE else ALONE[option]
                    yield name, value if isinstance(value, dict) else {option: value}


def run(t, name, options, dtype, steps=STEPS):
    t.manual_seed(0)
    shapes = [shape for shape in SHAPES if name != "Adafactor" or shape != (0,)]  # of which it divides by 0
    params = [t.randn(shape).to(getattr(t, dtype)).requires_grad_() for shape in shapes]
    optimizer = getattr(t.optim, name)(params, **options)
    for _ in range(steps):
        for param in params:
            param.grad = t.randn(param.shape).to(param.dtype)
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize(
    ("name", "options", "dtype"),
    [(*case, "float32") for case in [*CASES, *alone()]] + [(*case, "float64") for case in CASES[::4]],
    ids=str,
)
def test_the_same_numbers(name, options, dtype):
    (ours, optimizer), (theirs, their_optimizer) = (run(t, name, options, dtype) for t in (numbatorch, torch))
    # the gradients, normal values, may differ in the last place; Adam's square root does
    rtol = {"float32": 5e-5, "float64": 1e-6}[dtype]
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=rtol)
    state, their_state = optimizer.state_dict(), their_optimizer.state_dict()
    assert state["param_groups"] == their_state["param_groups"] and list(state["param_groups"][0]) == list(
        their_state["param_groups"][0]
    )
    assert list(state["state"]) == list(their_state["state"])
    for number, entry in state["state"].items():
        assert list(entry) == list(their_state["state"][number])
        for key, value in entry.items():
            other = their_state["state"][number][key]
            assert str(value.dtype) == str(other.dtype) and tuple(value.shape) == tuple(other.shape)
            np.testing.assert_allclose(value.numpy(), other.numpy(), rtol=rtol, atol=rtol)
    assert repr(optimizer) == repr(their_optimizer)


@pytest.mark.parametrize("options", [options for name, options in CASES if name == "SGD"], ids=str)
def test_sgd_is_equal_bit_for_bit(options):
    """From the same gradients."""
    generator = np.random.default_rng(0)
    values = [generator.standard_normal(shape, np.float32) for shape in [(7,), (100, 33)]]
    ours = [numbatorch.from_numpy(value.copy()).requires_grad_() for value in values]
    theirs = [torch.from_numpy(value.copy()).requires_grad_() for value in values]
    pairs = [
        (numbatorch, ours, numbatorch.optim.SGD(ours, **options)),
        (torch, theirs, torch.optim.SGD(theirs, **options)),
    ]
    for _ in range(4):
        grads = [generator.standard_normal(value.shape, np.float32) for value in values]
        for t, params, optimizer in pairs:
            for param, grad in zip(params, grads):
                param.grad = t.from_numpy(grad)
            optimizer.step()
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    own, wanted = (inspect.signature(getattr(t.optim, name).__init__).parameters for t in (numbatorch, torch))
    assert [(p.name, p.default, p.kind) for p in own.values()] == [
        (p.name, p.default, p.kind) for p in wanted.values()
    ]


def converted(value, to):
    """A state dict with tensors of the other library."""
    if isinstance(value, (torch.Tensor, numbatorch.Tensor)):
        return to.from_numpy(np.array(value.detach().numpy()))
    if isinstance(value, dict):
        return {key: converted(v, to) for key, v in value.items()}
    return [converted(v, to) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "options"), CASES[4::3], ids=str)
def test_each_continues_the_others_run(name, options):
    """After 4 steps the state is handed over, and both go on alike."""
    runs = {t: run(t, name, options, "float32", 4) for t in (numbatorch, torch)}
    grads = [
        np.random.default_rng(k).standard_normal(tuple(p.shape), np.float32)
        for k, p in enumerate(runs[torch][0])
    ]
    for giver, taker in ((torch, numbatorch), (numbatorch, torch)):
        results = []
        for t in (giver, taker):
            source = runs[giver]
            params = [t.from_numpy(np.array(p.detach().numpy())).requires_grad_() for p in source[0]]
            optimizer = getattr(t.optim, name)(params, **options)
            optimizer.load_state_dict(converted(source[1].state_dict(), t))
            for step in range(3):
                for param, grad in zip(params, grads):
                    param.grad = t.from_numpy(np.array(grad * (step + 1)))
                optimizer.step()
            results.append([p.detach().numpy() for p in params])
        for a, b in zip(*results):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("LBFGS", "Muon", "SparseAdam")])
def test_groups_and_closures_and_a_file_between_them(name):
    """20 steps of two groups, one of whose gradients is rare, written to a file half-way and read by the other library."""
    files = {numbatorch: io.BytesIO(), torch: io.BytesIO()}

    def steps(t, params, optimizer, numbers):
        def loss(number):
            optimizer.zero_grad()
            weight, bias, rare = params
            found = ((weight @ t.tensor([1.0, 2.0, -3.0]) + bias) ** 2).sum()
            found = found if number % 3 else found + (rare * number).sum()
            found.backward()
            return found

        return [optimizer.step(partial(loss, number)).item() for number in numbers]

    def start(t):
        params = [
            t.linspace(-1, 1, n).reshape(shape).requires_grad_()
            for n, shape in ((12, (4, 3)), (4, (4,)), (2, (2,)))
        ]
        groups = [{"params": params[:1], "lr": 0.02}, {"params": params[1:], "weight_decay": 0.1}]
        return params, getattr(t.optim, name)(groups, lr=0.05)

    first, second = {}, {}
    for t, file in files.items():
        params, optimizer = start(t)
        first[t] = steps(t, params, optimizer, range(10))
        t.save({"model": params, "optimizer": optimizer.state_dict()}, file)
        file.seek(0)
    np.testing.assert_allclose(first[numbatorch], first[torch], rtol=1e-4, atol=1e-5)
    for t, file in zip((torch, numbatorch), files.values(), strict=True):
        params, optimizer = start(t)
        found = t.load(file)
        with t.no_grad():
            for param, value in zip(params, found["model"], strict=True):
                param.copy_(value)
        optimizer.load_state_dict(found["optimizer"])
        second[t] = steps(t, params, optimizer, range(10, 20))
    np.testing.assert_allclose(second[numbatorch], second[torch], rtol=1e-4, atol=1e-5)


def through_the_valley(t, options):
    """Rosenbrock's, of four variables in two parameters."""
    params = [t.tensor(v, dtype=t.float64, requires_grad=True) for v in ([-1.2, 1.0], [[0.5, 2.0]])]
    optimizer, seen = t.optim.LBFGS(params, **options), []

    def closure():
        optimizer.zero_grad()
        x = t.cat([params[0], params[1].reshape(-1)])
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() / 10
        loss.backward()
        seen.append(loss.item())
        return loss

    for _ in range(3):
        optimizer.step(closure)
    state, ends = optimizer.state_dict()["state"][0], [p.detach().numpy() for p in params]
    return seen, ends, list(state), state["func_evals"], state["n_iter"], repr(optimizer)


@pytest.mark.parametrize("options", [{}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.01, "max_iter": 4, "history_size": 2}, {"line_search_fn": "strong_wolfe", "max_eval": 6, "max_iter": 9}], ids=str)  # fmt: skip
def test_lbfgs(options):
    ours, theirs = (through_the_valley(t, options) for t in (numbatorch, torch))
    assert ours[2:] == theirs[2:]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)
    for a, b in zip(ours[1], theirs[1]):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}], ids=str
)
def test_muon(options):
    """In bfloat16, whose products differ in the last place."""
    results = []
    for t in (numbatorch, torch):
        t.manual_seed(0)
        params = [t.randn(shape).requires_grad_() for shape in [(5, 7), (9, 4)]]
        optimizer = t.optim.Muon(params, lr=0.02, **options)
        for _ in range(5):
            for param in params:
                param.grad = t.randn(param.shape)
            optimizer.step()
        results.append(
            ([p.detach().numpy() for p in params], repr(optimizer), list(optimizer.state_dict()["state"][0]))
        )
    assert results[0][1:] == results[1][1:]
    for a, b in zip(results[0][0], results[1][0]):
        np.testing.assert_allclose(a, b, atol=0.01)


@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9}), ("Adam", {"amsgrad": True}), ("RMSprop", {"centered": True, "eps": 0.1}), ("Rprop", {}), ("Adagrad", {}), ("ASGD", {})], ids=str)  # fmt: skip
def test_complex_parameters(name, options):
    values = np.random.default_rng(0).standard_normal((4, 3, 2, 2))
    results = []
    for t in (numbatorch, torch):
        params = [t.view_as_complex(t.from_numpy(values[0].copy())).requires_grad_()]
        params.append(t.view_as_complex(t.from_numpy(values[1].copy())).t().requires_grad_())
        optimizer = getattr(t.optim, name)(params, **options)
        for step in (2, 3):
            for param in params:
                grad = t.view_as_complex(t.from_numpy(values[step].copy()))
                param.grad = grad.t() if param.shape[0] == 2 else grad
            optimizer.step()
        results.append([p.detach().numpy() for p in params])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def derivable(name, options):
    """Whether PyTorch differentiates it: it refuses some, or fails over what it has changed in place."""
    return not (
        {"fused", "foreach", "centered", "amsgrad"} & set(options) or name in ("Adafactor", "Adamax", "Rprop")
    )


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if derivable(*case)], ids=str)
def test_differentiable(name, options):
    """A loss after two steps, differentiated for the parameters before them and the gradients."""
    values = np.random.default_rng(0).standard_normal((3, 5))
    results = []
    for t in (numbatorch, torch):
        leaf, first, second = (t.from_numpy(v.copy()).requires_grad_() for v in values)
        param = leaf.clone()
        optimizer = getattr(t.optim, name)([param], differentiable=True, **options)
        for grad in (first, second):
            param.grad = grad.clone()
            optimizer.step()
        (param**2).sum().backward()
        results.append(
            [0 * x.detach().numpy() if x.grad is None else x.grad.numpy() for x in (leaf, first, second)]
        )
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-8)  # PyTorch's steps are float32


def test_a_learning_rate_that_learns():
    results = []
    for t in (numbatorch, torch):
        lr = t.tensor(0.1, dtype=t.float64, requires_grad=True)
        param = t.ones(3, dtype=t.float64, requires_grad=True).clone()
        optimizer = t.optim.SGD([param], lr=lr, differentiable=True)
        for _ in range(2):
            param.grad = t.arange(3.0, dtype=t.float64)
            optimizer.step()
        (param**2).sum().backward()
        results.append(lr.grad.item())
    assert abs(results[0] - results[1]) < 1e-12


ERRORS = [
    ("Adam", {"lr": -1}), ("Adam", {"eps": -1}), ("Adam", {"betas": (0.1, 1.0)}), ("Adam", {"betas": (0, 0)}), ("Adam", {"weight_decay": -1}),
    ("Adam", {"fused": True, "foreach": True}), ("Adam", {"fused": True, "differentiable": True}), ("Adam", {"lr": "tensor", "foreach": True}),
    ("Adamax", {"lr": -1}), ("Adamax", {"betas": (-1, 0)}), ("Adamax", {"eps": -1}), ("NAdam", {"momentum_decay": -1}), ("NAdam", {"weight_decay": -1}),
    ("RAdam", {"betas": (0, 2)}), ("RMSprop", {"alpha": -1}), ("RMSprop", {"momentum": -1}), ("Rprop", {"etas": (0.5, 0.6)}), ("Rprop", {"lr": -1}),
    ("Adagrad", {"lr_decay": -1}), ("Adagrad", {"initial_accumulator_value": -1}), ("Adagrad", {"eps": -1}), ("Adagrad", {"fused": True, "foreach": True}),
    ("Adadelta", {"rho": 2}), ("Adadelta", {"eps": -1}), ("ASGD", {"weight_decay": -1}), ("LBFGS", {"lr": -1}), ("LBFGS", {"lr": "pair"}),
    ("SparseAdam", {"lr": 0}), ("SparseAdam", {"eps": 0}), ("Adafactor", {"d": 0.5}), ("Adafactor", {"beta2_decay": 1}), ("Adafactor", {"eps": (None, -1)}),
    ("Muon", {"momentum": -1}), ("Muon", {"adjust_lr_fn": "no"}), ("Muon", {}), ("SGD", {"lr": "pair"}),
    *((name, {"capturable": True}) for name in ("Adam", "AdamW", "Adamax", "RAdam", "RMSprop", "Rprop")),
    ("SparseAdam", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), ERRORS, ids=str)
def test_the_same_errors(name, options):
    texts = []
    for t in (numbatorch, torch):
        made = {"tensor": t.tensor(0.1), "pair": t.tensor([0.1, 0.2])}
        own = {
            key: made.get(value, value) if isinstance(value, str) else value for key, value in options.items()
        }
        param = t.ones(3, requires_grad=True)
        with pytest.raises(Exception) as caught:
            optimizer = getattr(t.optim, name)([param], **own)
            param.grad = t.ones(3)
            optimizer.step()
        texts.append((type(caught.value).__name__, str(caught.value)))
    assert texts[0] == texts[1]
