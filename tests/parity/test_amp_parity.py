"""Autocast and GradScaler against PyTorch: the types of results, gradients, states, errors."""

import inspect
import warnings

import numpy as np
import pytest

import numbatorch

torch = pytest.importorskip("torch")

# Expressions of float32 x (4, 4), y (4, 4), half h (4, 4), image i, filter w, class numbers k, float64 d.
EXPRESSIONS = [
    "x @ y", "x @ h", "h @ h", "t.mm(x, h)", "t.bmm(x[None], h[None])", "t.addmm(x, h, y)", "t.addmm(h, x, y)", "t.baddbmm(x[None], h[None], y[None])", "t.matmul(x, y[0])",
    "t.matmul(x[None], y)", "F.linear(x, y)", "F.linear(x, h, x[0])", "F.linear(h[None], y, h[0])", "t.einsum('ij,jk->ik', x, y)", "d @ d", "x + h", "x * h", "h + h", "h.exp()", "x.exp()",
    "F.softmax(h, -1)", "F.log_softmax(h, -1)", "h.sum()", "F.relu(h)", "h.prod()", "F.cross_entropy(h, k)", "F.nll_loss(h, k)", "F.mse_loss(h, h * 2)", "F.mse_loss(h, x)", "F.l1_loss(h, x)",
    "F.smooth_l1_loss(h, h * 2)", "F.binary_cross_entropy_with_logits(h, h.abs().clamp(max=1))", "F.huber_loss(h, x)", "F.kl_div(h, h.abs(), reduction='batchmean')", "t.cat([x, h])", "t.cat([h, h])", "t.stack([x, h])",
    "F.conv2d(i, w)", "F.conv2d(i.to(h.dtype), w)", "F.conv1d(i[0, :, 0], w[:, :, 0])", "F.layer_norm(x, (4,))", "F.scaled_dot_product_attention(x[None], y[None], x[None])", "t.cdist(h, h)",
    "F.linear(F.relu(F.linear(x, y, x[0])), y)", "t.bmm(x[None], y[None]).sum()", "k + k", "t.mm(k[None], k[:, None])",
]  # fmt: skip


def values(t, dtype):
    generator = np.random.default_rng(0)

    def number(*shape):
        return t.from_numpy(generator.standard_normal(shape).astype(np.float32))

    x, y, h, i, w = number(4, 4), number(4, 4), number(4, 4), number(1, 2, 5, 5), number(3, 2, 3, 3)
    return {
        "t": t,
        "F": t.nn.functional,
        "x": x,
        "y": y,
        "h": h.to(dtype),
        "i": i,
        "w": w,
        "d": x.double(),
        "k": t.tensor([0, 2, 1, 3]),
    }


def evaluate(t, text, dtype):
    with t.autocast("cpu", dtype=getattr(t, dtype)):
        return eval(text, values(t, getattr(t, dtype)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_types_and_values(text, dtype):
    if dtype == "float16" and text not in EXPRESSIONS[::4]:
        return
    ours, theirs = (evaluate(t, text, dtype) for t in (numbatorch, torch))
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(ours.float().numpy(), theirs.float().numpy(), rtol=0.05, atol=0.05)


def test_off_again():
    """Rows are what they were when the last context has been closed."""
    x = numbatorch.ones(2, 2)
    before = type(numbatorch.ops.matmul.__globals__["_mm"])
    with numbatorch.autocast("cpu"), numbatorch.autocast("cpu", enabled=False):
        assert (x @ x).dtype is numbatorch.float32
    assert type(numbatorch.ops.matmul.__globals__["_mm"]) is before and (x @ x).dtype is numbatorch.float32


def test_nesting_and_decorators():
    results = []
    for t in (numbatorch, torch):
        x, seen = t.ones(2, 2), []

        @t.autocast("cpu", dtype=t.float16)
        def product(x):
            return x @ x

        seen.append(product(x).dtype)
        with t.autocast("cpu"):
            seen += [(x @ x).dtype, t.is_autocast_enabled("cpu"), t.get_autocast_dtype("cpu")]
            with t.autocast("cpu", enabled=False):
                seen += [(x @ x).dtype, t.is_autocast_enabled("cpu")]
            with t.autocast("cpu", dtype=t.float16):
                seen += [(x @ x).dtype, product(x).dtype, t.get_autocast_dtype("cpu")]
            seen += [(x @ x).dtype, t.is_autocast_cache_enabled()]
        seen += [
            (x @ x).dtype,
            t.is_autocast_enabled("cpu"),
            t.get_autocast_dtype("cpu"),
            t.get_autocast_dtype("cuda"),
        ]
        results.append([str(s) for s in seen])
    assert results[0] == results[1]


def test_a_training_step():
    results = []
    for t in (numbatorch, torch):
        t.manual_seed(0)
        model = t.nn.Sequential(t.nn.Linear(4, 8), t.nn.ReLU(), t.nn.Linear(8, 3), t.nn.LayerNorm(3))
        x, k = values(t, t.float32)["x"], t.tensor([0, 2, 1, 0])
        optimizer = t.optim.SGD(model.parameters(), lr=0.1)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            with t.autocast("cpu", dtype=t.bfloat16):
                loss = t.nn.functional.cross_entropy(model(x), k)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert all(p.grad.dtype is t.float32 for p in model.parameters())
        results.append(losses)
    np.testing.assert_allclose(*results, rtol=0.02)


def types_of_own_functions(t):
    seen = []

    class Product(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu")
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a @ a

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            (a,) = ctx.saved_tensors
            seen.append(str((a @ a).dtype))
            return grad.float()

    class Wide(Product):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu", cast_inputs=t.float32)
        def forward(ctx, a):
            ctx.save_for_backward(a)
            seen.append(str((a @ a).dtype))
            return a @ a

    for cls in (Product, Wide):
        x = t.ones(2, 2, requires_grad=True)
        with t.autocast("cpu"):
            y = cls.apply(x)
        y.sum().backward()
        seen.append(str(y.dtype))
    return seen


def test_own_functions():
    assert types_of_own_functions(numbatorch) == types_of_own_functions(torch)


def scaled_run(t, bad):
    param = t.ones(3, requires_grad=True)
    optimizer = t.optim.SGD([param], lr=0.1)
    scaler = t.amp.GradScaler("cpu", init_scale=64.0, growth_interval=2)
    seen = []
    for step in range(6):
        optimizer.zero_grad()
        loss = (param * (float("inf") if step == bad else 2.0)).sum()
        scaler.scale(loss).backward()
        if step % 2:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        seen += [scaler.get_scale(), *param.tolist()]
    twin = t.amp.GradScaler("cpu")
    twin.load_state_dict(scaler.state_dict())
    return seen, scaler.state_dict(), twin.state_dict()


@pytest.mark.parametrize("bad", [None, 1, 2])
def test_grad_scaler(bad):
    ours, theirs = (scaled_run(t, bad) for t in (numbatorch, torch))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert ours[1:] == theirs[1:]


ERRORS = [
    "t.autocast(3)", "t.autocast('cpu')(3)", "t.amp.custom_fwd(device_type=3)", "t.amp.custom_bwd(device_type=3)", "s.step(o)", "s.update()", "s.unscale_(o)", "s.scale(3)",
    "t.amp.GradScaler('cpu', growth_factor=1)", "t.amp.GradScaler('cpu', backoff_factor=1)", "(s.scale(l), s.unscale_(o), s.unscale_(o))", "(s.scale(l).backward(), s.step(o), s.step(o))",
    "(s.scale(l).backward(), s.step(o), s.unscale_(o))", "(s.scale(l), s.update())", "(s.scale(l), s.step(o))", "s.load_state_dict({})", "s.step(o, closure=3)", "(s.scale(l), s.update(t.ones(2)))",
]  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_the_same_errors(text):
    texts = []
    for t in (numbatorch, torch):
        param = t.ones(3, requires_grad=True)
        names = {"t": t, "s": t.amp.GradScaler("cpu"), "o": t.optim.SGD([param]), "l": param.sum()}
        with pytest.raises(Exception) as caught:
            eval(text, names)
        texts.append(
            (type(caught.value).__name__, str(caught.value).replace("numbatorch", "torch").split("\n")[0])
        )
    assert texts[0] == texts[1]


def test_the_same_warning():
    texts = []
    for t in (numbatorch, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with t.autocast("cpu", dtype=t.float32):
                assert not t.is_autocast_enabled("cpu")
        texts.append([str(w.message) for w in caught])
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "name", ["autocast", "GradScaler", "custom_fwd", "custom_bwd", "is_autocast_available"]
)
def test_signatures(name):
    own, wanted = (inspect.signature(getattr(t.amp, name)).parameters for t in (numbatorch, torch))
    assert [(p.name, p.default) for p in own.values()] == [(p.name, p.default) for p in wanted.values()]
