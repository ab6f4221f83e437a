"""Optimizers against PyTorch: SGD bit for bit, Adam to the rounding of a square root; and state dicts."""

import inspect

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
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "eps": 0.01}),
]


def run(t, name, options, dtype, steps=5):
    t.manual_seed(0)
    params = [
        t.randn(shape).to(getattr(t, dtype)).requires_grad_()
        for shape in [(5,), (3, 4), (), (0,), (300, 201)]
    ]
    optimizer = getattr(t.optim, name)(params, **options)
    for _ in range(steps):
        for param in params:
            param.grad = t.randn(param.shape).to(param.dtype)
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_the_same_numbers(name, options, dtype):
    (ours, optimizer), (theirs, their_optimizer) = (run(t, name, options, dtype) for t in (numbatorch, torch))
    # the gradients, normal values, may differ in the last place; Adam's square root does
    rtol = {"float32": 2e-5, "float64": 1e-6}[dtype]
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


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_signatures(name):
    own, wanted = (inspect.signature(getattr(t.optim, name).__init__).parameters for t in (numbatorch, torch))
    assert [(p.name, p.default, p.kind) for p in own.values()] == [
        (p.name, p.default, p.kind) for p in wanted.values()
    ]


def test_a_state_of_pytorch_can_be_loaded():
    (ours, optimizer), (_, their_optimizer) = (
        run(t, "Adam", {"lr": 0.1}, "float32", steps) for t, steps in ((numbatorch, 1), (torch, 3))
    )
    their_state = their_optimizer.state_dict()
    for entry in their_state["state"].values():
        entry.update({key: numbatorch.from_numpy(value.numpy()) for key, value in entry.items()})
    optimizer.load_state_dict(their_state)
    assert float(optimizer.state[ours[0]]["step"]) == 3
