"""Optimizers: the numbers against plain formulas, on both devices, and everything around them."""

import copy
import pickle

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import optim

SHAPES = [(5,), (3, 4), (), (0,), (2, 1, 3)]


def make(shapes=SHAPES, device="cpu", dtype=None):
    torch.manual_seed(0)
    return [torch.randn(shape).to(device, dtype or torch.float64).requires_grad_() for shape in shapes]


def give_grads(params, step):
    for number, param in enumerate(params):
        param.grad = torch.sin(param.detach() * (step + 1) + number)


def host(tensor):
    return tensor.detach().cpu().numpy()


class Reference:
    """The formulas, one parameter at a time, in NumPy."""

    def __init__(self, params):
        self.values = [host(p).copy() for p in params]
        self.state = [{} for _ in params]

    def sgd(self, grads, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
        for k, g in enumerate(grads):
            p, s = self.values[k], self.state[k]
            g = (-g if maximize else g) + weight_decay * p
            if momentum:
                s["m"] = momentum * s["m"] + (1 - dampening) * g if "m" in s else g
                g = g + momentum * s["m"] if nesterov else s["m"]
            self.values[k] = p - lr * g

    def adam(
        self,
        grads,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        maximize=False,
        decoupled=False,
    ):
        for k, g in enumerate(grads):
            p, s = self.values[k], self.state[k]
            g = -g if maximize else g
            p, g = (p * (1 - lr * weight_decay), g) if decoupled else (p, g + weight_decay * p)
            t = s["t"] = s.get("t", 0) + 1
            m = s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
            v = s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g * g
            if amsgrad:
                v = s["x"] = np.maximum(s.get("x", 0), v)
            step = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
            self.values[k] = p - lr * step


SGD = [
    {},
    {"lr": 0.5, "weight_decay": 0.1},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    {"lr": 0.1, "momentum": 0.5, "maximize": True},
]
ADAM = [
    {},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.1, "betas": (0.3, 0.6), "eps": 0.1},
    {"lr": 0.1, "amsgrad": True},
    {"lr": 0.1, "maximize": True},
]


@pytest.mark.parametrize("options", SGD, ids=str)
def test_sgd(options, device):
    params = make(device=device)
    reference, optimizer = Reference(params), optim.SGD(params, **options)
    for step in range(4):
        give_grads(params, step)
        reference.sgd([host(p.grad) for p in params], **options)
        optimizer.step()
    for param, value in zip(params, reference.values):
        np.testing.assert_allclose(host(param), value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize("options", ADAM, ids=str)
def test_adam(cls, options, device):
    params = make(device=device)
    reference, optimizer = Reference(params), cls(params, **options)
    decoupled = (
        {"decoupled": True, "weight_decay": options.get("weight_decay", 0.01)} if cls is optim.AdamW else {}
    )
    for step in range(4):
        give_grads(params, step)
        reference.adam([host(p.grad) for p in params], **{**options, **decoupled})
        optimizer.step()
    for param, value in zip(params, reference.values):
        np.testing.assert_allclose(host(param), value, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam])
def test_a_large_step_is_split_between_threads(cls):
    params = make([(100_000,), (3,), (70_000,)], dtype=torch.float32)
    alone = [p.detach().clone().requires_grad_() for p in params]
    threads = torch.get_num_threads()
    optimizer, other = cls(params, lr=0.1), cls(alone, lr=0.1)
    for step in range(2):
        give_grads(params, step)
        give_grads(alone, step)
        try:
            torch.set_num_threads(3)
            optimizer.step()
            torch.set_num_threads(1)
            other.step()
        finally:
            torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(params, alone))


@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_other_dtypes_and_layouts(cls, dtype):
    """Halves and strided parameters go through copies; a plain parameter beside them does not."""
    torch.manual_seed(0)
    base = torch.randn(4, 3).to(dtype)
    strided = base.t().detach().requires_grad_()
    plain = torch.randn(5).to(dtype).requires_grad_()
    wide = [strided.detach().float().requires_grad_(), plain.detach().float().requires_grad_()]
    optimizer, exact = cls([strided, plain], lr=0.1), cls(wide, lr=0.1)
    for step in range(3):
        for param, twin in zip([strided, plain], wide):
            param.grad = torch.cos(param.detach().float() + step).to(dtype)
            twin.grad = param.grad.float()
        optimizer.step()
        exact.step()
    tolerance = {torch.float16: 1e-2, torch.bfloat16: 6e-2, torch.float32: 1e-6}[dtype]
    for param, twin in zip([strided, plain], wide):
        np.testing.assert_allclose(host(param.float()), host(twin), rtol=tolerance, atol=tolerance)
    assert not strided.is_contiguous() and torch.equal(base.t(), strided.detach()), "it is updated in place"


def test_parameters_without_gradient_are_left_alone():
    params = make([(2,), (2,)])
    before = params[1].detach().clone()
    optimizer = optim.Adam(params, lr=0.1)
    give_grads(params, 0)
    params[1].grad = None
    optimizer.step()
    assert torch.equal(params[1].detach(), before) and len(optimizer.state) == 1
    give_grads(params, 1)
    optimizer.step()
    assert [int(optimizer.state[p]["step"]) for p in params] == [2, 1]
    assert not torch.equal(params[1].detach(), before)


def test_a_step_counts_as_a_change_in_place():
    param = torch.ones(2, requires_grad=True)
    loss = (param * param).sum()
    param.grad = torch.ones(2)
    optim.SGD([param], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_training_a_line():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 20).view(-1, 1)
    weight, bias = torch.zeros(1, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = optim.SGD([weight, bias], lr=0.3, momentum=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        loss = ((x @ weight + bias - (3 * x + 1)) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert abs(weight.item() - 3) < 1e-3 and abs(bias.item() - 1) < 1e-3


# ---- around the numbers ----


def test_closure():
    param = torch.ones(1, requires_grad=True)
    optimizer = optim.SGD([param], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (param * 4).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4 and param.item() == -1


def test_groups():
    one, two = make([(2,), (2,)])
    optimizer = optim.SGD([{"params": one}, {"params": [two], "lr": 0.5}], lr=0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    before = host(one).copy(), host(two).copy()
    one.grad, two.grad = torch.ones_like(one), torch.ones_like(two)
    optimizer.step()
    np.testing.assert_allclose(host(one), before[0] - 0.1)
    np.testing.assert_allclose(host(two), before[1] - 0.5)
    optimizer.param_groups[0]["lr"] = torch.tensor(0.25, dtype=torch.float64)
    optimizer.step()
    np.testing.assert_allclose(host(one), before[0] - 0.35)
    named = optim.SGD([("first", one), ("second", two)], lr=0.1)
    assert named.param_groups[0]["param_names"] == ["first", "second"] and all(
        a is b for a, b in zip(named.param_groups[0]["params"], [one, two])
    )


def test_repr():
    assert repr(optim.SGD(make([(1,)]), lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    "
        "fused: None\n"
        "    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (lambda p: optim.SGD(p, lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda p: optim.SGD(p, momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda p: optim.SGD(p, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (
            lambda p: optim.SGD(p, nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (
            lambda p: optim.SGD(p, fused=True, foreach=True),
            RuntimeError,
            "`fused` and `foreach` cannot be `True` together.",
        ),
        (
            lambda p: optim.SGD(p, differentiable=True, fused=True),
            RuntimeError,
            "`fused` does not support `differentiable`",
        ),
        (lambda p: optim.Adam(p, lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda p: optim.Adam(p, eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda p: optim.Adam(p, betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.AdamW(p, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda p: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (
            lambda p: optim.SGD(p[0]),
            TypeError,
            "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
            "torch.DoubleTensor",
        ),
        (
            lambda p: optim.SGD([3]),
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is int",
        ),
        (lambda p: optim.SGD([p[0] * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (
            lambda p: optim.SGD([{"params": set(p)}]),
            TypeError,
            "optimizer parameters need to be organized in ordered collections",
        ),
        (
            lambda p: optim.SGD([{"params": p}, {"params": p}]),
            ValueError,
            "some parameters appear in more than one parameter group",
        ),
        (
            lambda p: optim.SGD(p).add_param_group(p),
            TypeError,
            "param_group must be a dict, but got <class 'list'>",
        ),
        (
            lambda p: optim.SGD([("a", p[0]), p[1]]),
            ValueError,
            "all optimizer params should be with/without names. Some param names are missing",
        ),
        (
            lambda p: optim.SGD([("a", p[0])]).add_param_group({"params": p[1]}),
            ValueError,
            "all optimizer param groups should be with/without names. cannot add param group without names "
            "to the optimizer",
        ),
        (
            lambda p: optim.SGD(p).load_state_dict(optim.SGD(p[:1]).state_dict()),
            ValueError,
            "that doesn't match the size of optimizer's group",
        ),
        (
            lambda p: optim.SGD(p).load_state_dict(optim.SGD([{"params": q} for q in p]).state_dict()),
            ValueError,
            "loaded state dict has a different number of parameter groups",
        ),
    ],
)
def test_errors(action, error, text):
    with pytest.raises(error) as caught:
        action(make([(2,), (2,)]))
    assert text in str(caught.value)


def test_duplicates_warn():
    param = make([(2,)])[0]
    with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters"):
        optim.SGD([param, param])


@pytest.mark.parametrize(
    "make_optimizer",
    [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.AdamW(p, lr=0.1, amsgrad=True)],
)
def test_state_dict_continues_a_run(make_optimizer):
    params = make()
    optimizer = make_optimizer(params)
    for step in range(2):
        give_grads(params, step)
        optimizer.step()
    twins = [p.detach().clone().requires_grad_() for p in params]
    state = copy.deepcopy(optimizer.state_dict())
    assert set(state) == {"state", "param_groups"} and state["param_groups"][0]["params"] == list(
        range(len(params))
    )
    other = make_optimizer(twins)
    other.param_groups[0]["lr"] = 7
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1 and other.param_groups[0]["params"][0] is twins[0]
    for step in range(2, 4):
        for group in (params, twins):
            give_grads(group, step)
        optimizer.step()
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(params, twins))


def test_loading_moves_state_to_its_parameter():
    params = make([(2,)], dtype=torch.float32)
    optimizer = optim.Adam(params)
    give_grads(params, 0)
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["step"] = 1  # as PyTorch once saved it
    del state["param_groups"][0]["maximize"]  # an option that came later
    wide = optim.Adam([params[0].detach().double().requires_grad_()])
    wide.load_state_dict(state)
    entry = wide.state[wide.param_groups[0]["params"][0]]
    assert (
        entry["exp_avg"].dtype is torch.float64
        and entry["step"].dtype is torch.float32
        and float(entry["step"]) == 1
    )
    assert wide.param_groups[0]["maximize"] is False


def test_pickle_and_deepcopy():
    params = make([(2,)])
    optimizer = optim.Adam(params)
    give_grads(params, 0)
    optimizer.step()
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        param = twin.param_groups[0]["params"][0]
        assert torch.equal(param, params[0]) and torch.equal(
            twin.state[param]["exp_avg"], optimizer.state[params[0]]["exp_avg"]
        )
        param.grad = torch.ones_like(param)
        twin.step()


def test_step_hooks():
    param, seen = make([(1,)])[0], []
    optimizer = optim.SGD([param], lr=1)
    param.grad = torch.ones_like(param)
    before = param.item()
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", o is optimizer))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(param.item() == before - 1)),
    ]
    optimizer.step()
    assert seen == [("pre", True), True]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 2
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 5,), {}))
    assert optimizer.step() == 5
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(
        RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"
    ):
        optimizer.step()


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr=optim.optimizer.required):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for param in group["params"]:
                    param.add_(param.grad.sign(), alpha=-group["lr"])

    with pytest.raises(
        ValueError, match="parameter group didn't specify a value of required optimization parameter lr"
    ):
        Signs(make([(1,)]))
    param, seen = torch.zeros(2, requires_grad=True), []
    optimizer = Signs([{"params": param, "lr": 1.0}])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    param.grad = torch.tensor([3.0, -2.0])
    optimizer.step()
    assert param.tolist() == [-1.0, 1.0] and seen == [1]
    with pytest.raises(NotImplementedError):
        optim.Optimizer([param], {}).step()


def test_zero_grad():
    params = make([(2,)])
    optimizer = optim.SGD(params)
    give_grads(params, 0)
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert params[0].grad is None


# ---- the other optimizers, schedulers and averages: tests/parity compares their numbers with PyTorch's ----

OTHERS = [
    (optim.Adamax, {"lr": 0.05}),
    (optim.NAdam, {"lr": 0.01}),
    (optim.RAdam, {"lr": 0.05}),
    (optim.RMSprop, {"centered": True, "momentum": 0.5}),
    (optim.Rprop, {}),
    (optim.Adagrad, {"lr": 0.1}),
    (optim.Adadelta, {"lr": 10.0}),
    (optim.ASGD, {"lr": 0.1}),
    (optim.Adafactor, {"lr": 0.1}),
]


@pytest.mark.parametrize(("cls", "options"), OTHERS, ids=lambda value: getattr(value, "__name__", ""))
def test_each_goes_down(cls, options, device):
    params = make([(5,), (3, 4)], device=device, dtype=torch.float32)
    optimizer = cls(params, **options)

    def closure():
        optimizer.zero_grad()
        loss = sum(((p - 1) ** 2).sum() for p in params)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(12)]
    assert losses[-1] < 0.97 * losses[0]


def test_muon_and_lbfgs_go_down():
    weight = make([(4, 3)], dtype=torch.float32)
    before = host(weight[0]).copy()
    weight[0].grad = weight[0].detach().clone()
    optim.Muon(weight, lr=0.1, weight_decay=0).step()
    assert np.square(host(weight[0])).sum() < np.square(before).sum()
    params = make([(3,)])
    optimizer = optim.LBFGS(params, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = ((params[0] - 2) ** 4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert closure().item() < 1e-4


def test_sparse_adam_takes_no_dense_gradient():
    (param,) = make([(2,)])
    optimizer = optim.SparseAdam([param])
    optimizer.step()
    param.grad = torch.ones_like(param)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients"):
        optimizer.step()


def test_hooks_around_states():
    (param,) = make([(1,)])
    optimizer, seen = optim.SGD([param], lr=1), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("before saving"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state.pop("more")))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("after loading"))
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    assert seen == ["first", "before saving", 1, "after loading"] and state["more"] == 1
    handle = optim.optimizer.register_optimizer_step_post_hook(lambda *_: seen.append("any"))
    optimizer.step()
    handle.remove()
    optimizer.step()
    assert seen[4:] == ["any"]


def test_a_differentiable_step():
    """d p' / d lr = -g, through the tape."""
    lr = torch.tensor(0.5, requires_grad=True)
    param = torch.ones(3, requires_grad=True).clone()
    optimizer = optim.SGD([param], lr=lr, differentiable=True)
    param.grad = torch.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    param.sum().backward()
    assert lr.grad.item() == -6


def test_schedulers():
    optimizer = optim.SGD(make([(1,)]), lr=1.0)
    schedules = optim.lr_scheduler
    warmup = schedules.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    scheduler = schedules.SequentialLR(optimizer, [warmup, schedules.ExponentialLR(optimizer, 0.5)], [3])
    rates = []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.75, 1, 0.5, 0.25])


def test_averages():
    model = torch.nn.Linear(2, 1)
    average = optim.swa_utils.AveragedModel(model)
    for value in (1.0, 2.0, 6.0):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    assert average.module.weight.tolist() == [[3.0, 3.0]] and average.n_averaged == 3
