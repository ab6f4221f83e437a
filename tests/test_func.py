"""torch.func, forward mode and autograd.functional, where no PyTorch is needed to know what is right."""

import collections
import gc
import weakref

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.autograd import forward_ad as fw
from numbatorch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap
from numbatorch.utils import _pytree as pytree


def test_derivatives_nest_to_any_order():
    derivative, value = torch.sin, torch.tensor(0.5, dtype=torch.float64)
    for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
        derivative = grad(derivative)
        assert derivative(value).item() == pytest.approx(expected)


def test_reverse_and_forward_mode_agree(device):
    x = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, device=device)
    w = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64, device=device)

    def f(a):
        return (w @ a.exp()).tanh() * 1e-1 + torch.stack([a.sum(), (a * a).prod()])

    by_rows, by_columns = jacrev(f)(x), jacfwd(f)(x)
    np.testing.assert_allclose(by_rows.cpu(), by_columns.cpu(), rtol=1e-12)
    v = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64, device=device)
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1].cpu(), (by_rows @ v).cpu(), rtol=1e-12)
    u = torch.tensor([1.0, 2.0], dtype=torch.float64, device=device)
    np.testing.assert_allclose(vjp(f, x)[1](u)[0].cpu(), (u @ by_rows).cpu(), rtol=1e-12)


def test_the_hessian_of_a_network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    h = hessian(lambda a: model(a).sum())(torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64))
    np.testing.assert_allclose(h.detach(), h.detach().T, rtol=1e-12)
    assert h.requires_grad  # by the model's parameters


def test_jacobians_without_elements():
    x = torch.ones(2)
    assert jacrev(lambda a: a.new_zeros(0) * a.sum())(x).shape == (0, 2)
    assert jacrev(lambda a: a * 2)(torch.ones(0)).shape == (0, 0)
    assert jacfwd(lambda a: a * 2)(torch.ones(0)).shape == (0, 0)
    assert torch.autograd.functional.jacobian(lambda a: a * 2, torch.ones(0)).shape == (0, 0)


def test_gradients_of_single_examples():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    params = dict(model.named_parameters())
    x, target = torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 1])

    def loss(params, x, target):
        return torch.nn.functional.cross_entropy(functional_call(model, params, (x[None],)), target[None])

    found = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, target)
    for k in range(5):
        one = torch.autograd.grad(loss(params, x[k], target[k]), list(params.values()))
        for ours, expected in zip(found.values(), one, strict=True):
            np.testing.assert_allclose(ours[k].detach(), expected, rtol=1e-6)


def test_an_ensemble():
    models = [torch.nn.Linear(3, 2) for _ in range(4)]
    params, buffers = stack_module_state(models)
    x = torch.randn(5, 3)
    found = vmap(lambda p, b: functional_call(models[0], (p, b), (x,)))(params, buffers)
    for k, model in enumerate(models):
        np.testing.assert_allclose(found[k].detach(), model(x).detach(), rtol=1e-6)


def test_functional_call_gives_the_module_back_its_tensors():
    model = torch.nn.Linear(2, 2)
    before = dict(model.named_parameters())
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        functional_call(model, {"weight": torch.ones(2, 2)}, "no tensor")
    assert all(after is before[name] for name, after in model.named_parameters())


def test_vmap_and_random_numbers():
    x = torch.zeros(4)
    torch.manual_seed(0)
    same = vmap(lambda a: a + torch.rand(()), randomness="same")(x)
    assert len(set(same.tolist())) == 1
    different = vmap(lambda a: a + torch.rand(()), randomness="different")(x)
    assert len(set(different.tolist())) == 4


def test_vmap_over_no_examples():
    assert vmap(lambda a: a.sum(0))(torch.ones(0, 3)).shape == (0,)
    assert vmap(lambda a: a, out_dims=1)(torch.ones(0, 3)).shape == (3, 0)


# --- forward_ad


def test_tangents_of_several_duals_add_up():
    x, y = torch.tensor(2.0), torch.tensor(3.0)
    with fw.dual_level():
        a, b = fw.make_dual(x, torch.tensor(1.0)), fw.make_dual(y, torch.tensor(10.0))
        assert fw.unpack_dual(a * b).tangent.item() == 3 * 1 + 2 * 10
        assert fw.unpack_dual(a + 0 * x).tangent.item() == 1
    assert fw.unpack_dual(a).tangent is None


def test_a_level_within_no_grad():
    with torch.no_grad():
        with fw.dual_level():
            d = fw.make_dual(torch.tensor(2.0), torch.tensor(1.0))
            assert fw.unpack_dual(d * d).tangent.item() == 4
        assert not torch.is_grad_enabled()


def test_tangents_through_a_module():
    model = torch.nn.Linear(2, 1)
    x, v = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0])
    with fw.dual_level():
        primal, tangent = fw.unpack_dual(model(fw.make_dual(x, v)))
    np.testing.assert_allclose(tangent.detach(), (model.weight @ v).detach(), rtol=1e-6)
    assert primal.requires_grad and tangent.requires_grad  # by the model's parameters


# --- memory


def test_transforms_leave_nothing_behind():
    gc.collect()
    gc.disable()
    try:
        x = torch.tensor([1.0, 2.0])
        kept = []

        def f(a):
            b = a.exp()
            kept.append(weakref.ref(b))
            return (b * b).sum()

        for transform in (grad, jacrev, jacfwd, hessian):
            transform(f)(x)
            assert kept.pop()() is None, transform.__name__
        jvp(f, (x,), (x,))
        torch.autograd.functional.hessian(f, x)
        with fw.dual_level():
            fw.unpack_dual(f(fw.make_dual(x, x)))
        assert all(reference() is None for reference in kept)
    finally:
        gc.enable()


def test_long_graphs():
    def f(x):
        for _ in range(20_000):
            x = x + 1
        return x.sum()

    assert grad(f)(torch.ones(2)).tolist() == [1, 1]
    assert jvp(f, (torch.ones(2),), (torch.ones(2),))[1].item() == 2


# --- nests


def test_nests_come_back_as_they_were():
    Point = collections.namedtuple("Point", "x y")
    tree = {
        "a": (1, [2, Point(3, None)]),
        "b": collections.OrderedDict(c=collections.deque([4, 5])),
        "d": collections.defaultdict(list, e=6),
    }
    leaves, spec = pytree.tree_flatten(tree)
    assert leaves == [1, 2, 3, None, 4, 5, 6] and spec.num_leaves == 7
    assert pytree.tree_unflatten(leaves, spec) == tree
    assert pytree.tree_structure(tree) == spec != pytree.tree_structure((1, 2))
    with pytest.raises(ValueError, match="`leaves` has length 1"):
        pytree.tree_unflatten([1], spec)


def test_maps_over_nests():
    assert pytree.tree_map(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]}) == {"x": [11, 22]}
    assert pytree.tree_map_only(int, lambda a: -a, (1, "a", [2])) == (-1, "a", [-2])
    assert pytree.tree_all(lambda a: a > 0, [1, (2, 3)]) and not pytree.tree_any(lambda a: a > 3, [1, (2, 3)])
    seen = []
    assert pytree.tree_map_(seen.append, [1, 2]) == [1, 2] and seen == [1, 2]
    for other in ([1, 2], {"y": 1}, {"x": 1, "z": 2}):
        with pytest.raises(ValueError, match="mismatch"):
            pytree.tree_map(max, {"x": 1}, other)


def test_a_container_of_ones_own():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda children, _: Pair(*children))
    doubled = pytree.tree_map(lambda x: x * 2, Pair(1, (2, 3)))
    assert (doubled.a, doubled.b) == (2, (4, 6))
    with pytest.raises(ValueError, match="already registered"):
        pytree.register_pytree_node(Pair, None, None)
