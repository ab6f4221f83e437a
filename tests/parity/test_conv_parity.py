"""Convolutions against PyTorch: values of every dtype, gradients to the second order, modules, lazy modules,
complaints."""

import numpy as np
import pytest
from parity.expressions import assert_same as same_outcome
from parity.test_nn_parity import assert_same, both, complaint

import numbatorch

torch = pytest.importorskip("torch")


def reals(t, *shape, by=2.4):
    return t.tensor(np.sin(np.arange(np.prod(shape)) * by).reshape(shape))


# ---- functions ----

CASES = [  # function, shape of the input, of the weight, arguments
    ("conv1d", (2, 3, 40), (4, 3, 5), {}),
    ("conv1d", (2, 4, 23), (4, 2, 3), {"stride": 3, "padding": 2, "dilation": 4, "groups": 2}),
    ("conv1d", (3, 9), (4, 3, 2), {"padding": "same", "dilation": 2}),
    ("conv1d", (1, 2, 3000), (3, 2, 9), {"padding": 4}),
    ("conv2d", (2, 3, 9, 8), (5, 3, 3, 3), {}),
    ("conv2d", (3, 20, 14, 14), (17, 20, 3, 3), {"padding": 1}),
    ("conv2d", (2, 3, 30, 31), (8, 3, 7, 7), {"stride": 2, "padding": 3}),
    ("conv2d", (2, 40, 12, 12), (70, 40, 1, 1), {}),
    ("conv2d", (2, 8, 13, 12), (6, 8, 1, 1), {"stride": 2}),
    ("conv2d", (2, 8, 5, 6), (6, 8, 1, 1), {"stride": (1, 2), "padding": (1, 2)}),
    ("conv2d", (1, 100, 7, 7), (9, 100, 3, 3), {"padding": 1}),
    ("conv2d", (9, 3, 1, 7), (4, 3, 1, 3), {"padding": (0, 1)}),
    ("conv2d", (2, 3, 12, 11), (4, 3, 3, 2), {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 1)}),
    ("conv2d", (2, 3, 12, 11), (4, 3, 2, 2), {"stride": 3}),
    ("conv2d", (2, 3, 5, 5), (4, 3, 2, 2), {"stride": 2, "padding": 4, "dilation": 3}),
    ("conv2d", (2, 8, 9, 10), (8, 1, 3, 3), {"padding": 1, "groups": 8}),
    ("conv2d", (2, 8, 9, 10), (16, 1, 3, 5), {"padding": (1, 2), "groups": 8, "stride": 2}),
    ("conv2d", (2, 8, 30, 45), (8, 1, 3, 3), {"padding": 2, "groups": 8, "dilation": 2}),
    ("conv2d", (2, 4, 30, 45), (4, 1, 3, 3), {"padding": 2, "groups": 4, "dilation": 2}),
    ("conv2d", (2, 6, 9, 10), (4, 3, 3, 3), {"padding": "same", "groups": 2}),
    ("conv2d", (4, 6, 7), (5, 4, 3, 3), {"padding": "valid"}),
    ("conv2d", (2, 3, 6, 6), (1, 3, 6, 6), {}),
    ("conv2d", (2, 1, 28, 28), (6, 1, 5, 5), {}),
    ("conv3d", (2, 3, 5, 6, 7), (4, 3, 3, 2, 3), {"padding": (1, 0, 1)}),
    ("conv3d", (1, 4, 5, 6, 7), (6, 2, 2, 2, 2), {"stride": (2, 1, 2), "groups": 2, "dilation": (1, 2, 1)}),
    ("conv3d", (2, 3, 4, 5, 6), (4, 3, 1, 1, 1), {}),
    ("conv3d", (2, 8, 4, 5, 6), (8, 1, 3, 3, 3), {"padding": 1, "groups": 8}),
    ("conv_transpose1d", (2, 3, 9), (3, 4, 5), {"stride": 3, "padding": 1, "output_padding": 2}),
    ("conv_transpose1d", (2, 4, 9), (4, 3, 3), {"groups": 2, "dilation": 2, "output_padding": 1}),
    ("conv_transpose2d", (2, 3, 6, 7), (3, 5, 4, 4), {"stride": 2, "padding": 1}),
    ("conv_transpose2d", (3, 6, 7), (3, 5, 3, 3), {}),
    ("conv_transpose2d", (2, 4, 5, 6), (4, 3, 3, 2), {"stride": (2, 3), "dilation": (3, 1), "groups": 2}),
    ("conv_transpose2d", (2, 4, 5, 6), (4, 3, 1, 1), {"stride": 2, "output_padding": 1}),
    ("conv_transpose2d", (2, 9, 5, 6), (9, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 9}),
    ("conv_transpose2d", (2, 20, 14, 14), (20, 9, 3, 3), {"padding": 1}),
    ("conv_transpose3d", (1, 3, 3, 4, 5), (3, 2, 3, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
]
IDS = [f"{name}-{x}-{w}-{kwargs}" for name, x, w, kwargs in CASES]


def operands(t, case, dtype):
    name, x, w, kwargs = case
    outputs = w[1] * kwargs.get("groups", 1) if "transpose" in name else w[0]
    made = [reals(t, *x), reals(t, *w, by=1.7), reals(t, outputs, by=1.3)]
    if dtype.startswith("complex"):
        made = [t.complex(a, reals(t, *a.shape, by=0.7)) for a in made]
    return [a.to(getattr(t, dtype)) for a in made]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients(case):
    def compute(t):
        x, w, b = [a.requires_grad_() for a in operands(t, case, "float32")]
        function = getattr(t.nn.functional, case[0])
        y = function(x, w, b, **case[3])
        z = function(x, w, **case[3])
        first = t.autograd.grad((y * reals(t, *y.shape).to(y.dtype)).sum(), [x, w, b])
        return [y, z, *first]

    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, 2e-5, 2e-5 * max(1.0, theirs.abs().max().item()))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_gradients_to_the_second_order(case):
    def compute(t):
        x, w, b = [a.requires_grad_() for a in operands(t, case, "float64")]
        y = getattr(t.nn.functional, case[0])(x, w, b, **case[3])
        first = t.autograd.grad((y * y).sum(), [x, w, b], create_graph=True)
        second = t.autograd.grad(sum((g * reals(t, *g.shape)).sum() for g in first), [x, w, b])
        return [y, *first, *second]

    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, 1e-12, 1e-12 * max(1.0, theirs.abs().max().item()))


OF_EVERY_DTYPE = [c for c in CASES if c[0] in ("conv1d", "conv2d", "conv_transpose2d", "conv3d")][::9]


@pytest.mark.parametrize("case", OF_EVERY_DTYPE, ids=str)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64", "complex128"])
def test_other_dtypes(case, dtype):
    def compute(t):
        x, w, b = [a.requires_grad_() for a in operands(t, case, dtype)]
        y = getattr(t.nn.functional, case[0])(x, w, b, **case[3])
        grads = t.autograd.grad((y * y).abs().sum() if y.is_complex() else y.sum(), [x, w, b])
        return [a if a.is_complex() else a.float() for a in (y, *grads)]

    tolerance = {"float16": 4e-3, "bfloat16": 3e-2, "complex64": 2e-5, "complex128": 1e-12}[dtype]
    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, tolerance, tolerance * max(1.0, theirs.abs().max().item()))


@pytest.mark.parametrize(
    "name", ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool"])
def test_integers(name, dtype):
    dims = int(name[-2])
    x = np.arange(2 * 4 * 5**dims).reshape(2, 4, *[5] * dims).astype(dtype)
    w = np.arange(4 * 2 * 3**dims).reshape(4, 2, *[3] * dims).astype(dtype)
    b = np.arange(4).astype(dtype)
    same_outcome(f"F.{name}(x, w, b, 2, 1, groups=2)", x=x, w=w, b=b)


def test_any_layout():
    for case in (
        "x.transpose(0, 1)",
        "x.permute(0, 1, 3, 2)",
        "x[:, :, ::2, ::3]",
        "x[:, :1].expand(4, 4, 6, 7)",
    ):
        x = np.sin(np.arange(4 * 4 * 6 * 7.0)).reshape(4, 4, 6, 7)
        w = np.cos(np.arange(3 * 4 * 2 * 2.0)).reshape(2, 2, 4, 3)
        same_outcome(f"F.conv2d({case}, w.permute(3, 2, 1, 0), stride=2)", 1e-13, 1e-13, x=x, w=w)
        same_outcome(f"F.conv2d({case}, w.permute(3, 2, 1, 0), padding=1)", 1e-13, 1e-13, x=x, w=w)
        same_outcome(f"F.conv_transpose2d({case}, w.permute(2, 3, 1, 0), stride=2)", 1e-13, 1e-13, x=x, w=w)


def test_not_finite():
    x = np.ones((1, 2, 5, 8))
    x[0, 1, 2, 3], x[0, 0, 0, 7], x[0, 1, 4, 0] = np.nan, np.inf, -np.inf
    w = np.ones((3, 2, 3, 3))
    same_outcome("F.conv2d(x, w, padding=1)", x=x, w=w)
    same_outcome("F.conv_transpose2d(x[:, :, :1, :1], w.transpose(0, 1), padding=1)", x=x, w=w)


ODD = [
    "F.conv2d(x[:0], w, b)",
    "F.conv_transpose2d(x[:0], t, b)",
    "F.conv_transpose2d(x[:, :, :1, :2], t, padding=(1, 2))",
    "L.convolution(x, w, b, [1, 2], [1], [1, 1], False, [0, 0], 1)",
    "L.convolution(x, t, b, [1, 2], [1], [1, 1], True, [0, 1], 1)",
    "L.conv2d(x, w, b, (2,), [1, 0])",
    "F.conv2d(x, w, b, padding='same').shape",
]  # fmt: skip

ERRORS = [
    *[f"F.conv2d(x, w, b, {more})" for more in (
        "padding=-1", "stride=0", "dilation=0", "groups=0", "groups=3", "groups=4", "groups=7", "groups=2",
        "groups=-1", "stride=0, padding=-1", "stride=(1, 1, 1)", "padding=(1, 1, 1)", "dilation=(1, 1, 1)",
        "padding='foo'", "padding='same', stride=2", "dilation=(1, 4)", "stride=1.5", "stride='a'",
    )],
    "F.conv2d(x[None], w)", "F.conv2d(x[0, 0], w)", "F.conv2d(x, w[0])", "F.conv2d(x, w[None])",
    "F.conv2d(x, w, b[:3])", "F.conv2d(x, w, b[None])", "F.conv2d(x[:, :3], w, b)", "F.conv2d(x[:, :, :2, :2], w)",
    "F.conv2d(x, w.double())", "F.conv2d(x, w, b.double())", "F.conv2d(x.long(), w, b)", "F.conv2d(x.long(), w)",
    "F.conv2d(x[:, :, :0], w)", "F.conv2d(x[:, :, :0], w, padding=2)", "F.conv2d(x, w[:0])",
    "F.conv2d(x[:, :3], w, b[:2])", "F.conv2d(x[:, :, :2], w, b[:2])",
    "F.conv1d(x[0, :, :2], w[:, :, 0])", "F.conv1d(x[0, 0, 0], w[:, :, 0])", "F.conv1d(x, w[:, :, 0])",
    "F.conv3d(x[0], w[None])",
    "F.conv_transpose1d(x[0], t[0], output_padding=1)", "F.conv_transpose3d(x, t[:, :, None], output_padding=1)",
    *[f"F.conv_transpose2d(x, t, {more})" for more in (
        "stride=2, padding=1, output_padding=2", "output_padding=-1", "groups=3", "groups=8", "bias=b[:3]",
        "padding='same'", "padding=(1, 1, 1)", "output_padding=(1, 1, 1)", "padding=-1", "stride=0", "groups=0",
    )],
    "F.conv_transpose2d(x[:, :3], t)", "F.conv_transpose2d(x[None], t)", "F.conv_transpose2d(x, t.double())",
    "F.conv_transpose2d(x[:, :, :0], t)", "F.conv_transpose2d(x[:, :0], t[:0])",
]  # fmt: skip


@pytest.mark.parametrize("case", [*ODD, *ERRORS])
def test_odd_shapes_and_complaints(case):
    x = np.arange(2 * 4 * 6 * 6, dtype=np.float32).reshape(2, 4, 6, 6) % 7
    w = np.arange(6 * 4 * 3 * 3, dtype=np.float32).reshape(6, 4, 3, 3) % 5
    b = np.arange(6, dtype=np.float32)
    same_outcome(case, x=x, w=w, t=w.reshape(4, 6, 3, 3), b=b)


def test_even_kernels_of_the_same_size_warn_once():
    x, w = np.ones((1, 1, 5), np.float32), np.ones((1, 1, 4), np.float32)
    numbatorch.ops.conv._warned = False
    # PyTorch has perhaps warned before, in this process
    with pytest.warns(UserWarning, match="even kernel lengths and odd dilation"):
        numbatorch.conv1d(numbatorch.tensor(x), numbatorch.tensor(w), padding="same")
    same_outcome("F.conv1d(x, w, padding='same', dilation=2)", x=x, w=w)


# ---- modules ----


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.Conv2d(3, 4, 3, groups=2),
        lambda t: t.nn.Conv2d(4, 3, 3, groups=2),
        lambda t: t.nn.Conv2d(4, 3, 3, groups=0),
        lambda t: t.nn.Conv2d(4, 3, 3, padding="same", stride=2),
        lambda t: t.nn.ConvTranspose2d(4, 3, 3, padding_mode="circular"),
        lambda t: t.nn.Conv2d(4, 3, 3)(t.ones(2, 3, 5, 5)),
        lambda t: t.nn.Conv2d(4, 3, 3)(t.ones(2, 4, 2, 5)),
        lambda t: t.nn.Conv2d(4, 3, 3)(t.ones(5, 5)),
        lambda t: t.nn.Conv2d(4, 3, 3, padding=5, padding_mode="reflect")(t.ones(2, 4, 4, 4)),
        lambda t: t.nn.ConvTranspose2d(4, 3, 3, 2)(t.ones(2, 4, 5, 5), output_size=(10, 10)),
        lambda t: t.nn.ConvTranspose2d(4, 3, 3, 2)(t.ones(2, 4, 5, 5), output_size=(11,)),
        lambda t: t.nn.LazyConv2d(4, 3)(t.ones(5, 5)),
        lambda t: t.nn.LazyConv2d(4, 3, groups=2)(t.ones(2, 3, 5, 5)),
        lambda t: t.nn.LazyConv2d(4, 3).weight.shape,
        lambda t: t.nn.LazyLinear(3).weight.share_memory_(),
        lambda t: t.nn.Linear(3, 2).load_state_dict(t.nn.LazyLinear(2).state_dict()),
        lambda t: (
            t.nn.lazy.LazyModuleMixin.initialize_parameters(t.nn.LazyLinear(2))
            if t is numbatorch
            else t.nn.modules.lazy.LazyModuleMixin.initialize_parameters(t.nn.LazyLinear(2))
        ),
    ],
)
def test_modules_complain_the_same(call):
    assert complaint(lambda: call(numbatorch)) == complaint(lambda: call(torch))


def test_output_size():
    def compute(t):
        layer = t.nn.ConvTranspose2d(4, 3, 3, stride=2)
        x = reals(t, 2, 4, 5, 5).float()
        return [layer(x, output_size=[11, 12]), layer(x, (2, 3, 12, 11)), layer(x[0], output_size=(11, 12))]

    for ours, theirs in zip(*both(compute), strict=True):
        assert_same(ours, theirs, 1e-5, 1e-5)


def test_lazy_modules_are_converted_copied_and_loaded():
    import copy

    def compute(t):
        net = t.nn.Sequential(t.nn.LazyConv2d(4, 3), t.nn.ReLU(), t.nn.Flatten(), t.nn.LazyLinear(2))
        found = [repr(net), repr(net.state_dict())]
        found.append(net.load_state_dict(net.state_dict()))
        net = copy.deepcopy(net).double()
        found += [str(net[0].weight.dtype), net[0].weight.requires_grad, net[0].has_uninitialized_params()]
        y = net(reals(t, 2, 3, 6, 6))
        other = t.nn.Sequential(t.nn.LazyConv2d(4, 3), t.nn.ReLU(), t.nn.Flatten(), t.nn.LazyLinear(2))
        found.append(other.load_state_dict(net.state_dict()))
        z = other(reals(t, 2, 3, 6, 6).float())
        return [*found, repr(other), y, z]

    for a, b in zip(*both(compute), strict=True):
        if isinstance(b, torch.Tensor):
            assert_same(a, b, 1e-5, 1e-5)
        else:
            assert str(a) == str(b)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("which", ["input", "weight"])
def test_gradients_by_name(which, dims):
    """nn.grad: a gradient alone, which has a gradient itself."""
    rng = np.random.default_rng(0)
    size, extent = (2, 4, 7, 6, 5)[: dims + 2], (6, 2, 3, 2, 3)[: dims + 2]
    x, w = rng.standard_normal(size), rng.standard_normal(extent)
    found = []
    for t in (numbatorch, torch):
        inputs, weight = t.from_numpy(x.copy()), t.from_numpy(w.copy())
        how = {"stride": 2, "padding": 1, "dilation": 1, "groups": 2}
        output = getattr(t.nn.functional, f"conv{dims}d")(inputs, weight, **how)
        grad = output.cos().requires_grad_()
        made = getattr(t.nn.grad, f"conv{dims}d_{which}")(
            *((size, weight) if which == "input" else (inputs, extent)), grad, **how
        )
        made.square().sum().backward()
        found.append((made.detach().numpy(), grad.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
