"""nn.utils against PyTorch: clipping, vectors of parameters, parametrizations, weight and spectral norm, fusion,
pruning."""

import copy

import numpy as np
import pytest
from parity.expressions import assert_equal
from parity.test_nn_parity import both, complaint

import numbatorch

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")


def values(t, *shape):
    return (t.arange(int(np.prod(shape))) * 1.7).sin().reshape(shape)


def with_grads(t):
    parameters = [t.nn.Parameter(values(t, 3, 2)), t.nn.Parameter(values(t, 4)), t.nn.Parameter(values(t, 1))]
    for parameter in parameters[:2]:
        parameter.grad = values(t, *parameter.shape) * 3
    return parameters


def norms(t):
    utils, found = t.nn.utils, []
    for order in (2, 1.0, 3, float("inf")):
        parameters = with_grads(t)
        found += [utils.clip_grad_norm_(parameters, 1.5, order), [p.grad for p in parameters[:2]]]
    parameters = with_grads(t)
    total = utils.get_total_norm([p.grad for p in parameters[:2]])
    utils.clip_grads_with_norm_(parameters, 0.5, total)
    utils.clip_grad_value_(parameters[0], 0.1)
    empty = utils.get_total_norm([]), utils.clip_grad_norm_([parameters[2]], 1.0)
    return [*found, total, *empty, [p.grad for p in parameters[:2]]]


def vectors(t):
    parameters = with_grads(t)
    vector = t.nn.utils.parameters_to_vector(parameters)
    t.nn.utils.vector_to_parameters(vector.detach() * 2, parameters)
    return [vector, *parameters]


def weight_norm(t):
    found = []
    for dim in (0, 1, None):
        layer = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 4), dim=dim)
        layer(values(t, 2, 3)).pow(2).sum().backward()
        found += [repr(layer), list(layer.state_dict()), [p.grad for p in layer.parameters()], layer.weight]
        layer.weight = values(t, 4, 3)
        found += [layer.weight, layer.parametrizations.weight.original0]
        copied = copy.deepcopy(layer)
        found += [copied.weight, type(copied).__name__]
        t.nn.utils.parametrize.remove_parametrizations(layer, "weight")
        found += [repr(layer), layer.weight, list(layer.state_dict())]
    layer = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 4))
    layer.load_state_dict({"weight_g": values(t, 4, 1), "weight_v": values(t, 4, 3), "bias": values(t, 4)})
    return [*found, layer.weight]


def old_weight_norm(t):
    layer = t.nn.utils.weight_norm(t.nn.Linear(3, 4))
    y = layer(values(t, 2, 3))
    y.pow(2).sum().backward()
    found = [repr(layer), list(layer.state_dict()), y, [p.grad for p in layer.parameters()]]
    t.nn.utils.remove_weight_norm(layer)
    return [*found, layer.weight, list(layer.state_dict())]


def spectral_norm(t):
    found = []
    for make in (
        lambda: t.nn.Linear(3, 4),
        lambda: t.nn.Conv2d(2, 3, 2),
        lambda: t.nn.ConvTranspose1d(2, 3, 2),
    ):
        layer = t.nn.utils.parametrizations.spectral_norm(make(), n_power_iterations=2)
        x = values(t, 2, layer.weight.shape[1], *[5] * (layer.weight.dim() - 2))
        if "Transpose" in repr(layer):
            x = values(t, 2, 2, 5)
        layer(x).pow(2).sum().backward()
        found += [repr(layer), list(layer.state_dict()), [p.grad for p in layer.parameters()]]
        found += [*layer.state_dict().values(), layer.eval().weight, layer.weight]
    return found


def old_spectral_norm(t):
    layer = t.nn.utils.spectral_norm(t.nn.Linear(3, 4), n_power_iterations=2)
    y = layer(values(t, 2, 3))
    y.pow(2).sum().backward()
    state = layer.state_dict()
    found = [
        repr(layer),
        list(state),
        state._metadata,
        y,
        [p.grad for p in layer.parameters()],
        *state.values(),
    ]
    t.nn.utils.remove_spectral_norm(layer)
    return [*found, layer.weight, list(layer.state_dict())]


def orthogonal(t):
    found = []
    for shape in ((4, 4), (5, 3), (3, 5)):
        for how in (None, "cayley", "matrix_exp", "householder"):
            layer = t.nn.utils.parametrizations.orthogonal(
                t.nn.Linear(*shape), orthogonal_map=how, use_trivialization=shape[0] == shape[1]
            )
            w = layer.weight
            (w * values(t, *w.shape)).sum().backward()
            grad = layer.parametrizations.weight.original.grad
            found += [repr(layer), list(layer.state_dict()), w, grad]
    return found


class Checks:
    """A parametrization by hand, twice, and what is asked of it."""

    def __new__(cls, t):
        class Symmetric(t.nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).transpose(-1, -2)

            def right_inverse(self, x):
                return x.triu()

        class Double(t.nn.Module):
            def forward(self, x):
                return 2 * x

            def right_inverse(self, x):
                return x / 2

        P, layer = t.nn.utils.parametrize, t.nn.Linear(3, 3)
        original = layer.weight
        P.register_parametrization(layer, "weight", Symmetric())
        P.register_parametrization(layer, "weight", Double())
        P.register_parametrization(layer, "bias", Double())
        found = [repr(layer), type(layer).__name__, P.type_before_parametrizations(layer).__name__]
        found += [P.is_parametrized(layer), P.is_parametrized(layer, "weight"), P.is_parametrized(layer, "x")]
        found += [layer.weight, layer.bias, layer.parametrizations.weight.original is original]
        with P.cached():
            found += [layer.weight is layer.weight]
        layer.weight = values(t, 3, 3)
        found += [layer.weight, layer.weight is layer.weight]
        other = P.transfer_parametrizations_and_params(layer, t.nn.Linear(3, 3))
        found += [repr(other), other.weight]
        P.remove_parametrizations(layer, "weight", leave_parametrized=False)
        P.remove_parametrizations(layer, "bias")
        return [
            *found,
            layer.weight,
            layer.weight is original,
            layer.bias,
            repr(layer),
            list(layer.state_dict()),
        ]


def fusion(t):
    found = []
    for make, shape in (
        (lambda: t.nn.Conv2d(2, 3, 2), (2, 2, 4, 4)),
        (lambda: t.nn.Conv2d(2, 3, 2, bias=False), (2, 2, 4, 4)),
    ):
        conv, bn = make(), t.nn.BatchNorm2d(3)
        bn(values(t, 4, 3, 2, 2))
        fused = t.nn.utils.fuse_conv_bn_eval(conv.eval(), bn.eval())
        found += [fused.weight, fused.bias, fused(values(t, *shape))]
    linear, bn = t.nn.Linear(3, 4), t.nn.BatchNorm1d(4)
    bn(values(t, 6, 4))
    fused = t.nn.utils.fuse_linear_bn_eval(linear.eval(), bn.eval())
    return [*found, fused.weight, fused.bias, fused(values(t, 2, 3))]


def pruning(t):
    P, found = t.nn.utils.prune, []

    def layer():
        made = t.nn.Linear(4, 3)
        made.weight.data = values(t, 3, 4)
        return made

    for prune in (
        lambda m: P.identity(m, "weight"),
        lambda m: P.l1_unstructured(m, "weight", 0.3),
        lambda m: P.l1_unstructured(m, "weight", 2, importance_scores=values(t, 3, 4) + 2),
        lambda m: P.random_unstructured(m, "weight", 5),
        lambda m: P.random_structured(m, "weight", 1, 1),
        lambda m: P.ln_structured(m, "weight", 0.5, 2, 0),
        lambda m: P.ln_structured(m, "weight", 1, float("inf"), -1),
        lambda m: P.custom_from_mask(m, "weight", values(t, 3, 4) > 0),
        lambda m: P.ln_structured(P.l1_unstructured(m, "weight", 3), "weight", 1, 1, 0),
        lambda m: P.l1_unstructured(P.random_structured(m, "weight", 1, 1), "weight", 0.5),
    ):
        module = prune(layer())
        y = module(values(t, 2, 4))
        y.sum().backward()
        found += [y, module.weight, module.weight_mask, module.weight_orig.grad, list(module.state_dict())]
        found += [P.is_pruned(module)]
        P.remove(module, "weight")
        found += [module.weight, P.is_pruned(module), list(module.state_dict())]
    a, b = layer(), layer()
    P.global_unstructured([(a, "weight"), (b, "weight")], P.L1Unstructured, amount=0.4)
    return [*found, a.weight, b.weight, a.weight_mask]


CASES = [
    norms,
    vectors,
    weight_norm,
    old_weight_norm,
    spectral_norm,
    old_spectral_norm,
    orthogonal,
    Checks,
    fusion,
    pruning,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_same_as_pytorch(case):
    ours, theirs = both(case)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.nn.Parameter):
            a, b = a.detach(), b.detach()
        assert_equal(a, b, 2e-4, 2e-5)


COMPLAINTS = [
    lambda t: t.nn.utils.clip_grad_norm_(p(t, float("inf")), 1.0, error_if_nonfinite=True),
    lambda t: t.nn.utils.clip_grad_norm_((x for x in []), 1.0),
    lambda t: t.nn.utils.clip_grad_norm(p(t, 1.0), 1.0) and None,
    lambda t: t.nn.utils.vector_to_parameters(3, []),
    lambda t: t.nn.utils.remove_weight_norm(t.nn.Linear(2, 2)),
    lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(2, 2)),
    lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
    lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2, bias=False), "bias"),
    lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
    lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), dim=2),
    lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), "what"),
    lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), "bias"),
    lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), orthogonal_map="what"),
    lambda t: t.nn.utils.parametrize.register_parametrization(t.nn.Linear(2, 2), "what", t.nn.Identity()),
    lambda t: t.nn.utils.parametrize.register_parametrization(t.nn.Linear(2, 2), "weight", t.nn.Linear(2, 3)),
    lambda t: t.nn.utils.parametrize.remove_parametrizations(t.nn.Linear(2, 2), "weight"),
    lambda t: t.nn.utils.fuse_linear_bn_eval(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2)),
    lambda t: t.nn.utils.fuse_linear_bn_eval(t.nn.Linear(2, 2).eval(), t.nn.BatchNorm1d(3).eval()),
    lambda t: t.nn.utils.skip_init(int),
    lambda t: t.nn.utils.skip_init(t.nn.ReLU),
    lambda t: t.nn.utils.prune.remove(t.nn.Linear(2, 2), "weight"),
    lambda t: t.nn.utils.prune.l1_unstructured(t.nn.Linear(2, 2), "weight", 5),
    lambda t: t.nn.utils.prune.l1_unstructured(t.nn.Linear(2, 2), "weight", 1.5),
    lambda t: t.nn.utils.prune.l1_unstructured(t.nn.Linear(2, 2), "weight", -1),
    lambda t: t.nn.utils.prune.l1_unstructured(t.nn.Linear(2, 2), "weight", "a"),
    lambda t: t.nn.utils.prune.ln_structured(t.nn.Linear(2, 2), "bias", 1, 2, 0),
    lambda t: t.nn.utils.prune.ln_structured(t.nn.Linear(2, 2), "weight", 1, 2, 2),
    lambda t: t.nn.utils.prune.global_unstructured(3, t.nn.utils.prune.L1Unstructured, amount=1),
]  # fmt: skip


def p(t, value):
    parameter = t.nn.Parameter(t.ones(2))
    parameter.grad = t.full((2,), value)
    return [parameter]


@pytest.mark.parametrize("number", range(len(COMPLAINTS)))
def test_complaints(number):
    ours, theirs = (complaint(lambda t=t: COMPLAINTS[number](t)) for t in (numbatorch, torch))
    assert ours == theirs


def test_skip_init_spends_no_random_numbers():
    def compute(t):
        layer = t.nn.utils.skip_init(t.nn.Linear, 3, 4)
        return tuple(layer.weight.shape), t.rand(3)

    for a, b in zip(*both(compute), strict=True):
        assert_equal(a, b)


def test_parametrized_modules_are_not_pickled():
    import pickle

    layer = numbatorch.nn.utils.parametrizations.weight_norm(numbatorch.nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)
