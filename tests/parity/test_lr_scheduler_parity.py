"""Schedulers and averages of weights against PyTorch: every rate of 40 epochs, states both ways, warnings, errors."""

import inspect
import warnings

import numpy as np
import pytest

import numbatorch

torch = pytest.importorskip("torch")


class Halving:
    """A callable with a state."""

    def __init__(self, base=0.5):
        self.base = base

    def __call__(self, epoch):
        return self.base ** (epoch // 4)


CASES = [
    "LambdaLR(o, lambda e: 0.95 ** e)",
    "LambdaLR(o, [lambda e: 0.95 ** e, Halving()])",
    "MultiplicativeLR(o, lambda e: 0.9)",
    "MultiplicativeLR(o, [lambda e: 0.9, Halving(0.7)])",
    "StepLR(o, 7)",
    "StepLR(o, 3, gamma=0.5)",
    "MultiStepLR(o, [3, 8, 8, 20], gamma=0.3)",
    "ConstantLR(o)",
    "ConstantLR(o, factor=0.5, total_iters=9)",
    "LinearLR(o)",
    "LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=13)",
    "ExponentialLR(o, 0.9)",
    "PolynomialLR(o, total_iters=10, power=2.0)",
    "CosineAnnealingLR(o, T_max=10)",
    "CosineAnnealingLR(o, T_max=7, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(o, T_0=5)",
    "CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=0.02)",
    "CyclicLR(o, 0.01, 0.1, step_size_up=5)",
    "CyclicLR(o, [0.01, 0.02], [0.1, 0.3], step_size_up=5, step_size_down=3, mode='triangular2')",
    "CyclicLR(o, 0.01, 0.1, step_size_up=4, mode='exp_range', gamma=0.9, base_momentum=0.5, max_momentum=0.7)",
    "CyclicLR(o, 0.01, 0.1, step_size_up=4, scale_fn=lambda x: 1 / (5 ** (x * 0.01)), scale_mode='iterations', cycle_momentum=False)",
    "CyclicLR(o, 0.01, 0.1, step_size_up=4, scale_fn=Halving())",
    "OneCycleLR(o, 0.3, total_steps=41)",
    "OneCycleLR(o, [0.3, 0.5], epochs=6, steps_per_epoch=7, anneal_strategy='linear', pct_start=0.4)",
    "OneCycleLR(o, 0.3, total_steps=50, three_phase=True, cycle_momentum=False, div_factor=5, final_div_factor=20)",
    "OneCycleLR(o, 0.3, total_steps=41, base_momentum=[0.5, 0.6], max_momentum=0.8)",
    "SequentialLR(o, [ConstantLR(o, 0.1, 2), ExponentialLR(o, 0.9), StepLR(o, 3)], milestones=[3, 11])",
    "SequentialLR(o, [LinearLR(o, 0.1, total_iters=4), CosineAnnealingLR(o, 9)], milestones=[4])",
    "ChainedScheduler([ConstantLR(o, 0.1, 5), ExponentialLR(o, 0.9)])",
    "ChainedScheduler([SequentialLR(o, [ConstantLR(o, 0.1, 2), ExponentialLR(o, 0.9)], [5]), StepLR(o, 4)], optimizer=o)",
    "SWALR(o, swa_lr=0.05)",
    "SWALR(o, swa_lr=[0.05, 0.5], anneal_epochs=3, anneal_strategy='linear')",
    "SWALR(o, swa_lr=0.05, anneal_epochs=0)",
]
OPTIMIZERS = {
    "SGD": lambda t, groups: t.optim.SGD(groups, lr=0.1, momentum=0.9),
    "Adam": lambda t, groups: t.optim.Adam(groups, lr=0.1),
    "tensor": lambda t, groups: t.optim.SGD(groups, lr=t.tensor(0.1, dtype=t.float64), momentum=0.9),
}


def make(t, text, optimizer="SGD"):
    """An optimizer, made by its name here or given, and the scheduler of it that the text says."""
    o = optimizer
    if isinstance(o, str):
        groups = [{"params": [t.ones(1, requires_grad=True)]}, {"params": [t.ones(1, requires_grad=True)]}]
        if o != "tensor":
            groups[1]["lr"] = 0.4
        o = OPTIMIZERS[o](t, groups)
    names = {
        name: getattr(t.optim.lr_scheduler, name) for name in dir(t.optim.lr_scheduler) if name[0].isupper()
    }
    return o, eval(text, {**names, "SWALR": t.optim.swa_utils.SWALR, "Halving": Halving, "o": o, "t": t})


def rates(t, text, optimizer, epochs=40):
    o, scheduler = make(t, text, optimizer)
    seen = []
    for _ in range(epochs):
        group = o.param_groups
        seen.append(
            [float(g["lr"]) for g in group]
            + [g["momentum"] if "momentum" in g else g["betas"][0] for g in group]
        )
        seen[-1] += map(float, scheduler.get_last_lr())
        o.step()
        scheduler.step()
    return seen, comparable(scheduler.state_dict())


def comparable(state):
    """A state without the functions in it; tensors as numbers."""
    if isinstance(state, dict):
        return {key: comparable(value) for key, value in state.items() if key != "_scale_fn_ref"}
    if isinstance(state, list):
        return [comparable(value) for value in state]
    if callable(state) or (isinstance(state, float) and state != state):
        return type(state).__name__
    return state.tolist() if isinstance(state, (torch.Tensor, numbatorch.Tensor)) else state


@pytest.mark.parametrize(("text", "optimizer"), [(c, "SGD") for c in CASES] + [(c, "Adam") for c in CASES[17:25]] + [(c, "tensor") for c in CASES[::3]])  # fmt: skip
def test_rates(text, optimizer):
    if optimizer == "tensor" and text.startswith(("CyclicLR(o, [", "SWALR(o, swa_lr=[")):
        return
    (ours, state), (theirs, their_state) = (rates(t, text, optimizer) for t in (numbatorch, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-15)
    assert list(state) == list(their_state)
    for key in set(state) - {"_last_lr", "base_lrs", "max_lrs", "_schedulers", "lr_lambdas"}:
        assert state[key] == their_state[key], key


@pytest.mark.parametrize("text", CASES)
def test_each_continues_the_other(text):
    """After 6 epochs the states of optimizer and scheduler are handed over."""
    for giver, taker in ((torch, numbatorch), (numbatorch, torch)):
        o, scheduler = make(giver, text)
        for _ in range(6):
            o.step()
            scheduler.step()
        state = {key: value for key, value in scheduler.state_dict().items() if key != "_scale_fn_ref"}
        o2, scheduler2 = make(taker, text)
        o2.load_state_dict(o.state_dict())
        scheduler2.load_state_dict(dict(state))
        for _ in range(8):
            for optimizer, s in ((o, scheduler), (o2, scheduler2)):
                optimizer.step()
                s.step()
            np.testing.assert_allclose(
                [g["lr"] for g in o.param_groups], [g["lr"] for g in o2.param_groups], rtol=1e-9
            )


@pytest.mark.parametrize("text", CASES[:17])
def test_epochs_in_any_order(text):
    """The closed forms, with the warning that they are deprecated."""
    results = []
    for t in (numbatorch, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            o, scheduler = make(t, text)
            o.step()
            seen = []
            for epoch in (3, 1, 9, 10):
                scheduler.step(epoch)
                seen.append([g["lr"] for g in o.param_groups])
        results.append((seen, [(w.category.__name__, str(w.message)) for w in caught]))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-9)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("text", [c for c in CASES if not c.startswith(("Sequential", "Chained", "SWALR"))])
def test_starts_in_the_middle(text):
    """With `last_epoch`, from the first rates that the optimizer's groups know."""
    results = []
    for t in (numbatorch, torch):
        o, _ = make(t, text)
        o.step()
        scheduler = make(t, text[:-1] + ", last_epoch=4)", o)[1]
        seen = [list(map(float, scheduler.get_last_lr()))]
        for _ in range(5):
            o.step()
            scheduler.step()
            seen.append(list(map(float, scheduler.get_last_lr())))
        results.append(seen)
    np.testing.assert_allclose(*results, rtol=1e-9)


PLATEAU = [{}, {"patience": 1, "eps": 0.03}, {"patience": 2, "factor": 0.5}, {"mode": "max", "threshold_mode": "abs", "threshold": 0.3, "patience": 1}, {"cooldown": 3, "patience": 0, "min_lr": [0.05, 0.01]}, {"mode": "max", "patience": 1, "min_lr": 0.01}]  # fmt: skip


@pytest.mark.parametrize("options", PLATEAU, ids=str)
def test_plateau(options):
    figures = np.round(np.abs(np.sin(np.arange(40))) + 3 / (1 + np.arange(40)), 2)
    results = []
    for t in (numbatorch, torch):
        o, _ = make(t, "None")
        scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(o, **options)
        seen = []
        for figure in figures:
            scheduler.step(t.tensor(figure))
            seen.append(list(scheduler.get_last_lr()))
        again = t.optim.lr_scheduler.ReduceLROnPlateau(o)
        again.load_state_dict(scheduler.state_dict())
        assert again.state_dict() == scheduler.state_dict()
        results.append((seen, scheduler.state_dict(), list(scheduler.state_dict())))
    assert results[0] == results[1]


ERRORS = [
    "StepLR(None, 3)", "LambdaLR(o, [abs])", "MultiplicativeLR(o, 3)", "ConstantLR(o, factor=2)", "LinearLR(o, start_factor=0)",
    "LinearLR(o, end_factor=3)", "SequentialLR(o, [], [])", "SequentialLR(o, [StepLR(o, 1)], [2])", "SequentialLR(o, [ReduceLROnPlateau(o)], [])",
    "SequentialLR(o, [3], [])", "ChainedScheduler([])", "ChainedScheduler([ReduceLROnPlateau(o)])", "ReduceLROnPlateau(o, factor=1.5)",
    "ReduceLROnPlateau(o, mode='x')", "ReduceLROnPlateau(o, threshold_mode='x')", "ReduceLROnPlateau(o, min_lr=[1])", "ReduceLROnPlateau(3)",
    "CyclicLR(o, 0.1, 0.2, mode='x')", "CyclicLR(o, [0.1], 0.2)", "CyclicLR(3, 0.1, 0.2)", "OneCycleLR(o, 0.1)", "OneCycleLR(o, 0.1, total_steps=0)",
    "OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=1)", "OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=0.5)", "OneCycleLR(o, 0.1, total_steps=3, pct_start=2)",
    "OneCycleLR(o, 0.1, total_steps=3, anneal_strategy='x')", "OneCycleLR(o, [0.1], total_steps=3)", "CosineAnnealingWarmRestarts(o, T_0=0)",
    "CosineAnnealingWarmRestarts(o, T_0=1, T_mult=0)", "CosineAnnealingWarmRestarts(o, T_0=1, eta_min='a')", "CosineAnnealingWarmRestarts(o, 3).step(-1)",
    "StepLR(o, 3, last_epoch=5)", "SWALR(o, 0.1, anneal_strategy='x')", "SWALR(o, 0.1, anneal_epochs=-1)", "LRScheduler(o)",
    "CyclicLR(t.optim.Adagrad([t.ones(1)]), 0.1, 0.2)", "OneCycleLR(t.optim.Adagrad([t.ones(1)]), 0.1, total_steps=3)",
    "[s.step() for s in [OneCycleLR(o, 0.1, total_steps=2)] for _ in range(4)]",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("text", ERRORS)
def test_the_same_errors(text):
    texts = []
    for t in (numbatorch, torch):
        with pytest.raises(Exception) as caught:
            make(t, text)
        texts.append((type(caught.value).__name__, str(caught.value)))
    assert texts[0] == texts[1]


def test_the_same_warnings():
    """Of steps in the wrong order, of a step that was replaced, of asking for rates between steps."""
    results = []
    for t in (numbatorch, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _, scheduler = make(t, "StepLR(o, 3)")
            scheduler.step()
            scheduler.get_lr()
            o, scheduler = make(t, "StepLR(o, 3)")
            o.step = lambda: None
            scheduler.step()
        results.append([(w.category.__name__, str(w.message)) for w in caught])
    assert results[0] == results[1] and len(results[0]) == 3


@pytest.mark.parametrize("name", [*torch.optim.lr_scheduler.__all__, *torch.optim.swa_utils.__all__])
def test_signatures(name):
    own, wanted = (
        inspect.signature(
            getattr(
                t.optim.lr_scheduler if name in torch.optim.lr_scheduler.__all__ else t.optim.swa_utils, name
            )
        )
        for t in (numbatorch, torch)
    )
    assert [(p.name, p.default) for p in own.parameters.values()] == [
        (p.name, p.default) for p in wanted.parameters.values()
    ]


@pytest.mark.parametrize("which", ["mean", "swa", "swa_multi", "ema", "ema_multi", "own"])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averaged_model(which, use_buffers):
    results = []
    for t in (numbatorch, torch):
        t.manual_seed(0)
        utils = t.optim.swa_utils
        options = {
            "mean": {}, "swa": {"avg_fn": utils.get_swa_avg_fn()}, "swa_multi": {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
            "ema": {"avg_fn": utils.get_ema_avg_fn(0.8)}, "ema_multi": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.8)},
            "own": {"avg_fn": lambda a, b, n: 0.3 * a + 0.7 * b},
        }[which]  # fmt: skip
        model = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Linear(4, 2))
        if use_buffers:
            del model[1]
            model.register_buffer("more", t.arange(3.0))
        average = utils.AveragedModel(model, use_buffers=use_buffers, **options)
        data = t.randn(8, 3)
        for _ in range(4):
            with t.no_grad():
                for tensor in [*model.parameters(), *[b for b in model.buffers() if b.is_floating_point()]]:
                    tensor.mul_(1.3).add_(0.1)
            average.update_parameters(model)
        utils.update_bn([data, (data * 2, 1)], average)
        results.append((average.state_dict(), average(data).detach().numpy(), average.training))
    (ours, out, training), (theirs, their_out, their_training) = results
    assert list(ours) == list(theirs) and training == their_training
    for key, value in ours.items():
        np.testing.assert_allclose(value.numpy(), theirs[key].numpy(), rtol=2e-5, err_msg=key)
    np.testing.assert_allclose(out, their_out, rtol=1e-4, atol=1e-5)


def test_errors_of_averages():
    for t in (numbatorch, torch):
        with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
            t.optim.swa_utils.AveragedModel(t.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)
        with pytest.raises(
            ValueError, match=r"Invalid decay value 2 provided. Please provide a value in \[0,1\] range."
        ):
            t.optim.swa_utils.get_ema_avg_fn(2)
