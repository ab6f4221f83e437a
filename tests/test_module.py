"""`nn.Module`: attributes, walking, state dicts, moving, hooks, printing; containers; parameters."""

import copy
import pickle
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.act = nn.ReLU()
        self.last = nn.Linear(4, 2, bias=False)
        self.register_buffer("scale", torch.full((2,), 2.0))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)

    def forward(self, x, twice=False):
        y = self.last(self.act(self.first(x))) * self.scale
        return y * 2 if twice else y


def same(a, b):
    return torch.equal(a.detach(), b.detach())


# ---- attributes ----


def test_attributes_go_to_their_tables():
    net = Net()
    assert list(net._parameters) == [] and list(net._modules) == ["first", "act", "last"]
    assert list(net._buffers) == ["scale", "scratch"]
    net.weight = nn.Parameter(torch.ones(2))
    net.plain = 3
    assert "weight" in net._parameters and "weight" not in net.__dict__ and net.__dict__["plain"] == 3
    assert net.weight is net._parameters["weight"]
    net.weight = None
    assert net.weight is None and "weight" in net._parameters
    net.act = nn.Tanh()
    assert list(net._modules) == ["first", "act", "last"], "a module that is replaced keeps its place"
    net.scale = torch.ones(2)
    assert same(net._buffers["scale"], torch.ones(2))
    del net.scale
    assert not hasattr(net, "scale")


def test_an_attribute_can_change_its_role():
    module = nn.Module()
    module.x = 1
    module.x = nn.Parameter(torch.ones(1))
    assert "x" not in module.__dict__ and "x" in module._parameters
    module.x = nn.ReLU()
    assert "x" not in module._parameters and "x" in module._modules
    module.y = nn.Buffer(torch.ones(1), persistent=False)
    assert "y" in module._buffers and "y" in module._non_persistent_buffers_set
    module.y = nn.Parameter(torch.ones(1))
    assert "y" not in module._non_persistent_buffers_set and list(module.state_dict()) == ["y"]


def _assign(name, value):
    return lambda net: setattr(net, name, value)


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (lambda net: net.nothing, AttributeError, "'Net' object has no attribute 'nothing'"),
        (
            _assign("first", 3),
            TypeError,
            "cannot assign 'int' as child module 'first' (torch.nn.Module or None expected)",
        ),
        (
            _assign("scale", 3),
            TypeError,
            "cannot assign 'int' as buffer 'scale' (torch.nn.Buffer, torch.Tensor or None expected)",
        ),
        (lambda net: net.register_buffer("a.b", None), KeyError, 'buffer name can\'t contain "."'),
        (lambda net: net.register_buffer("", None), KeyError, 'buffer name can\'t be empty string ""'),
        (lambda net: net.register_buffer("first", None), KeyError, "attribute 'first' already exists"),
        (
            lambda net: net.register_buffer("b", 3),
            TypeError,
            "cannot assign 'int' object to buffer 'b' (torch Tensor or None required)",
        ),
        (
            lambda net: net.register_parameter(3, None),
            TypeError,
            "parameter name should be a string. Got int",
        ),
        (
            lambda net: net.register_parameter("p", torch.ones(2)),
            TypeError,
            "cannot assign 'torch.FloatTensor' object to parameter 'p' (torch.nn.Parameter or None required)",
        ),
        (lambda net: net.add_module("m", 3), TypeError, "int is not a Module subclass"),
        (lambda net: net.add_module("a.b", nn.ReLU()), KeyError, 'module name can\'t contain ".", got: a.b'),
        (lambda net: net.get_submodule("first.deeper"), AttributeError, "Linear has no attribute `deeper`"),
        (lambda net: net.get_submodule("first.weight"), AttributeError, "`weight` is not an nn.Module"),
        (lambda net: net.get_parameter("scale"), AttributeError, "`scale` is not an nn.Parameter"),
        (lambda net: net.get_buffer("first.weight"), AttributeError, "`weight` is not a buffer"),
        (lambda net: net.train(1), ValueError, "training mode is expected to be boolean"),
        (
            lambda net: net.to(torch.int64),
            TypeError,
            "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int64",
        ),
        (
            lambda net: nn.Module()(1),
            NotImplementedError,
            'Module [Module] is missing the required "forward" function',
        ),
        (
            lambda net: nn.Module(1),
            TypeError,
            "Module.__init__() takes 1 positional argument but 2 were given",
        ),
        (lambda net: nn.Module(a=1), TypeError, "Module.__init__() got an unexpected keyword argument 'a'"),
        (
            lambda net: net.load_state_dict([1]),
            TypeError,
            "Expected state_dict to be dict-like, got <class 'list'>.",
        ),
    ],
)
def test_errors(action, error, text):
    with pytest.raises(error) as caught:
        action(Net())
    assert text in str(caught.value.args[0])


def test_parameters_must_not_be_assigned_before_init():
    class Wrong(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(torch.ones(1))

    class WrongChild(nn.Module):
        def __init__(self):
            self.child = nn.ReLU()

    with pytest.raises(AttributeError, match=r"cannot assign parameters before Module.__init__\(\) call"):
        Wrong()
    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        WrongChild()


def test_dir_lists_members():
    names = dir(nn.Sequential(OrderedDict(first=nn.Linear(1, 1))))
    assert "first" in names and "forward" in names
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


# ---- walking ----


def test_walking():
    net = Net()
    assert [name for name, _ in net.named_modules()] == ["", "first", "act", "last"]
    assert [name for name, _ in net.named_children()] == ["first", "act", "last"]
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "first.bias", "last.weight"]
    assert next(net.named_parameters(prefix="net"))[0] == "net.first.weight"
    assert [name for name, _ in net.named_parameters(recurse=False)] == []
    assert [name for name, _ in net.named_buffers()] == ["scale", "scratch"]
    assert (
        len(list(net.parameters())) == 3 and len(list(net.modules())) == 4 and len(list(net.buffers())) == 2
    )
    assert net.get_submodule("") is net and net.get_submodule("first") is net.first
    assert net.get_parameter("first.weight") is net.first.weight and net.get_buffer("scale") is net.scale


def test_what_is_shared_is_listed_once():
    net = Net()
    net.again = net.first
    net.last.tied = net.first.weight
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "first.bias", "last.weight"]
    names = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert "again.weight" in names and "last.tied" in names
    assert len(list(net.named_modules())) == 4 and len(list(net.named_modules(remove_duplicate=False))) == 5


def test_set_submodule():
    net = Net()
    net.set_submodule("first", nn.Identity())
    assert isinstance(net.first, nn.Identity)
    net.set_submodule("first.new", nn.ReLU())
    with pytest.raises(AttributeError, match="has no attribute `other`"):
        net.set_submodule("other", nn.ReLU(), strict=True)
    with pytest.raises(ValueError, match="without a target name"):
        net.set_submodule("", nn.ReLU())


def test_apply_visits_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Linear", "Net"]


def test_modes():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())
    assert not any(p.requires_grad for p in Net().requires_grad_(False).parameters())


# ---- state dicts ----


def test_state_dict_round_trip():
    one, two = Net(), Net()
    state = one.state_dict()
    assert list(state) == ["scale", "first.weight", "first.bias", "last.weight"]
    assert isinstance(state, OrderedDict) and state._metadata["first"] == {"version": 1}
    assert not any(tensor.requires_grad for tensor in state.values())
    assert two.state_dict(keep_vars=True)["first.weight"] is two.first.weight
    result = two.load_state_dict(state)
    assert str(result) == "<All keys matched successfully>" and result.missing_keys == []
    assert all(same(a, b) for a, b in zip(one.parameters(), two.parameters()))
    one.first.weight.data.fill_(7)
    assert same(state["first.weight"], one.first.weight), "the state dict shares the module's memory"


def test_load_state_dict_errors():
    net = Net()
    state = net.state_dict()
    del state["first.bias"]
    state["other"] = torch.ones(1)
    state["scale"] = torch.ones(3)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n\t"
        'Missing key(s) in state_dict: "first.bias". \n\t'
        'Unexpected key(s) in state_dict: "other". \n\t'
        "size mismatch for scale: copying a param with shape torch.Size([3]) from checkpoint, the shape in "
        "current model is torch.Size([2])."
    )
    state["scale"] = torch.ones(2)
    result = net.load_state_dict(state, strict=False)
    assert result.missing_keys == ["first.bias"] and result.unexpected_keys == ["other"]
    assert str(result) == "_IncompatibleKeys(missing_keys=['first.bias'], unexpected_keys=['other'])"
    state["scale"] = 3
    with pytest.raises(
        RuntimeError,
        match=r"expected torch\.Tensor or Tensor-like object from checkpoint but received",
    ):
        net.load_state_dict(state, strict=False)


def test_load_state_dict_assign():
    net = Net()
    state = OrderedDict((name, tensor.double()) for name, tensor in net.state_dict().items())
    net.load_state_dict(state, assign=True)
    assert net.first.weight.dtype is torch.float64 and isinstance(net.first.weight, nn.Parameter)
    assert net.first.weight.requires_grad and net.scale is state["scale"]
    parameter = net.first.weight
    net.load_state_dict(OrderedDict((name, tensor.float()) for name, tensor in state.items()))
    assert net.first.weight is parameter and parameter.dtype is torch.float64, "copying converts"


def test_extra_state_and_state_hooks():
    class Counting(nn.Linear):
        count = 5

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    seen = []
    module, other = nn.Sequential(Counting(1, 1)), nn.Sequential(Counting(1, 1))
    other[0].count = 0
    module.register_state_dict_pre_hook(lambda m, prefix, keep_vars: seen.append("pre"))
    module.register_state_dict_post_hook(lambda m, state, prefix, metadata: state.update(more=1))
    state = module.state_dict()
    assert seen == ["pre"] and state.pop("more") == 1 and state["0._extra_state"] == {"count": 5}

    def load_pre(module, state, prefix, metadata, strict, missing, unexpected, errors):
        seen.append("load pre")
        state.pop("surplus")

    def load_post(module, keys):
        seen.append("load post")
        keys.missing_keys.clear()

    other.register_load_state_dict_pre_hook(load_pre)
    handle = other.register_load_state_dict_post_hook(load_post)
    del state["0.bias"]
    other.load_state_dict({**state, "surplus": 1})
    assert other[0].count == 5 and seen == ["pre", "load pre", "load post"]
    handle.remove()
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({**state, "surplus": 1})


# ---- moving and copying ----


def test_conversion_keeps_identity():
    net = Net()
    net.register_buffer("number", torch.zeros(1, dtype=torch.int64))
    parameter = net.first.weight
    parameter.grad = torch.ones(4, 3)
    assert net.double() is net
    assert (
        net.first.weight is parameter
        and parameter.dtype is torch.float64
        and parameter.grad.dtype is torch.float64
    )
    assert parameter.is_leaf and parameter.requires_grad and net.number.dtype is torch.int64
    assert net.to(torch.float16).scale.dtype is torch.float16
    assert net.to("cpu", torch.float32).scale.dtype is torch.float32
    assert net.to(torch.ones(1, dtype=torch.float64)).scale.dtype is torch.float64
    assert net.to(device="cpu", dtype=torch.bfloat16, non_blocking=True).first.weight.dtype is torch.bfloat16
    assert net.float().half().bfloat16().type(torch.float64).number.dtype is torch.float64


def test_devices(device):
    net = Net().to(device)
    assert {p.device.type for p in net.parameters()} == {device} and net.scale.device.type == device
    assert net(torch.ones(1, 3, device=device)).device.type == device
    assert {p.device.type for p in net.cpu().parameters()} == {"cpu"}


def test_copies_are_independent():
    net = Net()
    net.first.weight.grad = torch.ones(4, 3)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net.first)) and copy.deepcopy(net)):
        assert all(same(a, b) for a, b in zip(net.parameters(), twin.parameters()))
        twin.first.weight.data.fill_(0)
        assert not same(net.first.weight, twin.first.weight)
        assert isinstance(twin.first.weight, nn.Parameter) and twin.first.weight.grad is None
    linear = pickle.loads(pickle.dumps(net.first))
    assert isinstance(linear.weight, nn.Parameter) and same(linear.weight, net.first.weight)
    assert linear.weight.requires_grad and repr(linear) == repr(net.first)


def test_zero_grad():
    net = Net()
    net(torch.ones(1, 3)).sum().backward()
    grad = net.first.weight.grad
    net.zero_grad(set_to_none=False)
    assert (
        float(net.first.weight.grad.abs().sum()) == 0 and net.first.weight.grad.data_ptr() == grad.data_ptr()
    )
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# ---- hooks ----


def test_forward_hooks_in_order():
    net, x, seen = Net(), torch.ones(1, 3), []
    plain = net(x)
    handles = [
        net.register_forward_pre_hook(lambda m, args: seen.append("pre")),
        net.register_forward_pre_hook(lambda m, args: seen.append("pre first"), prepend=True),
        net.register_forward_hook(lambda m, args, out: seen.append("post")),
        net.register_forward_hook(lambda m, args, out: seen.append("post first"), prepend=True),
    ]
    net(x)
    assert seen == ["pre first", "pre", "post first", "post"]
    for handle in handles:
        handle.remove()
        handle.remove()
    assert same(net(x), plain) and len(seen) == 4


def test_forward_hooks_change_arguments_and_results():
    net, x = Net(), torch.ones(1, 3)
    plain = net(x)
    with net.register_forward_hook(lambda m, args, out: out + 1):
        assert same(net(x), plain + 1)
    with net.register_forward_pre_hook(lambda m, args: args[0] * 0):
        assert same(net(x), net.forward(x * 0))
    with net.register_forward_pre_hook(lambda m, args, kwargs: (args, {"twice": True}), with_kwargs=True):
        assert same(net(x), plain * 2)
    with net.register_forward_hook(lambda m, args, kwargs, out: (kwargs, out), with_kwargs=True):
        assert net(x, twice=True)[0] == {"twice": True}
    with (
        net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True),
        pytest.raises(RuntimeError, match="must return None or a tuple"),
    ):
        net(x)


def test_always_called_hooks():
    net, seen = Net(), []
    net.register_forward_hook(lambda m, args, out: seen.append("normal"))
    net.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(RuntimeError):
        net(torch.ones(1, 7))
    assert seen == [None]

    def fails(module, args, out):
        raise ValueError("in the hook")

    net.register_forward_hook(fails, always_call=True)
    with (
        pytest.warns(UserWarning, match="raised an exception that was silenced"),
        pytest.raises(RuntimeError),
    ):
        net(torch.ones(1, 7))


def test_full_backward_hooks():
    linear, seen = nn.Linear(3, 2), []
    x = torch.ones(1, 3, requires_grad=True)
    linear(x).sum().backward()
    expected = x.grad
    x.grad = None
    linear.register_full_backward_pre_hook(lambda m, grad_output: seen.append(("pre", grad_output)))
    handle = linear.register_full_backward_hook(
        lambda m, grad_input, grad_output: seen.append((grad_input, grad_output))
    )
    linear(x).sum().backward()
    assert seen[0][0] == "pre" and same(seen[0][1][0], torch.ones(1, 2))
    grad_input, grad_output = seen[1]
    assert same(grad_input[0], expected) and same(grad_output[0], torch.ones(1, 2)) and same(x.grad, expected)
    handle.remove()
    x.grad = None
    linear.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 10,))
    linear(x).sum().backward()
    assert same(x.grad, expected * 10)


def test_backward_hooks_of_a_first_layer():
    linear, seen = nn.Linear(3, 2), []
    linear.register_full_backward_hook(
        lambda m, grad_input, grad_output: seen.append((grad_input, grad_output))
    )
    out = linear(torch.ones(1, 3))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        out.sum().backward()
    assert seen[0][0] == (None,) and same(seen[0][1][0], torch.ones(1, 2))
    assert linear.weight.grad is not None


def test_backward_hook_errors():
    linear = nn.Linear(3, 2)
    linear.register_full_backward_hook(lambda m, grad_input, grad_output: (None, None))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        linear(torch.ones(1, 3, requires_grad=True)).sum().backward()

    class Dict(nn.Module):
        def forward(self, x):
            return {"x": x}

    module = Dict()
    module.register_full_backward_hook(lambda m, grad_input, grad_output: None)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors"):
        module(torch.ones(1, requires_grad=True))


# ---- printing ----


def test_repr():
    net = Net()
    net.inner = nn.Sequential(nn.Linear(1, 2), nn.Sequential())
    assert repr(net) == (
        "Net(\n"
        "  (first): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (act): ReLU()\n"
        "  (last): Linear(in_features=4, out_features=2, bias=False)\n"
        "  (inner): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "    (1): Sequential()\n"
        "  )\n"
        ")"
    )


def test_repr_of_module_list_folds_equal_children():
    layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
    assert repr(layers) == (
        "ModuleList(\n  (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n  (2): ReLU()\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_repr_with_extra_lines():
    class Wordy(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    assert repr(Wordy()) == "Wordy(\n  one\n  two\n)"


# ---- containers ----


def test_sequential():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert model(torch.ones(5, 2)).shape == (5, 1) and len(model) == 3
    assert isinstance(model[1], nn.ReLU) and model[-1] is model[2] and len(model[:2]) == 2
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert list(named._modules) == ["a", "b"] and list(named[1:]._modules) == ["b"] and named.b is named[1]
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh)
    model.append(nn.Sigmoid()).insert(0, nn.Identity())
    assert [type(m).__name__ for m in model] == ["Identity", "Linear", "Tanh", "Linear", "Sigmoid"]
    assert isinstance(model.pop(0), nn.Identity) and list(model._modules) == ["0", "1", "2", "3"]
    del model[1:3]
    assert [type(m).__name__ for m in model] == ["Linear", "Sigmoid"]
    assert len(model + model) == 4 and len(model * 3) == 6 and len(2 * model) == 4
    model += nn.Sequential(nn.ReLU())
    assert len(model) == 3


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (lambda s: s[7], IndexError, "index 7 is out of range"),
        (lambda s: s * 0, ValueError, "Non-positive multiplication factor 0 for"),
        (
            lambda s: s + 3,
            ValueError,
            "add operator supports only objects of Sequential class, but <class 'int'> is given.",
        ),
        (lambda s: s.insert(9, nn.ReLU()), IndexError, "Index out of range: 9"),
        (lambda s: s.append(3), TypeError, "int is not a Module subclass"),
        (
            lambda s: nn.ModuleList().extend(3),
            TypeError,
            "ModuleList.extend should be called with an iterable, but got int",
        ),
        (
            lambda s: nn.ModuleDict().update(3),
            TypeError,
            "ModuleDict.update should be called with an iterable of key/value pairs, but got int",
        ),
        (
            lambda s: nn.ModuleDict().update([3]),
            TypeError,
            "ModuleDict update sequence element #0 should be Iterable; isint",
        ),
        (
            lambda s: nn.ModuleDict().update([(1, 2, 3)]),
            ValueError,
            "ModuleDict update sequence element #0 has length 3; 2 is required",
        ),
        (lambda s: nn.ModuleDict()["x"], KeyError, "x"),
    ],
)
def test_container_errors(action, error, text):
    with pytest.raises(error) as caught:
        action(nn.Sequential(nn.ReLU()))
    assert text in str(caught.value.args[0])


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 1)] * 2)
    layers.append(nn.ReLU())
    layers += [nn.Tanh()]
    assert len(layers) == 4 and isinstance(layers[-1], nn.Tanh) and isinstance(layers[1:3], nn.ModuleList)
    more = [nn.ReLU()]
    assert len(layers + more) == 5
    layers.insert(1, nn.Identity())
    del layers[0]
    assert next(layers.named_children())[0] == "0" and isinstance(layers[0], nn.Identity)


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.ReLU()})
    modules["b"] = nn.Linear(1, 1)
    modules.update([("c", nn.Tanh())])
    assert list(modules) == list(modules.keys()) == ["a", "b", "c"] and "b" in modules and len(modules) == 3
    assert [name for name, _ in modules.items()] == ["a", "b", "c"] and isinstance(
        list(modules.values())[2], nn.Tanh
    )
    assert isinstance(modules.pop("c"), nn.Tanh) and [n for n, _ in modules.named_parameters()] == [
        "b.weight",
        "b.bias",
    ]
    assert modules == modules and modules != nn.ModuleDict({"a": nn.ReLU()}) and hash(modules)
    modules.clear()
    assert len(modules) == 0


def test_parameter_list():
    parameters = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(3, 1))])
    parameters.append(5)
    assert len(parameters) == 3 and parameters[2] == 5 and parameters[-1] == 5
    assert all(isinstance(p, nn.Parameter) for p in parameters[:2]) and list(parameters.state_dict()) == [
        "0",
        "1",
    ]
    assert repr(parameters) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [torch.float32 of size 2]\n"
        "    (1): Parameter containing: [torch.float32 of size 3x1]\n"
        "    (2): Object of type: int\n"
        ")"
    )


def test_parameter_dict():
    parameters = nn.ParameterDict({"a": torch.ones(2), "b": 5})
    assert (
        isinstance(parameters["a"], nn.Parameter) and parameters.a is parameters["a"] and parameters["b"] == 5
    )
    assert list(parameters) == ["a", "b"] and [n for n, _ in parameters.named_parameters()] == ["a"]
    merged = parameters | {"c": torch.zeros(1)}
    assert (
        list(merged) == ["a", "b", "c"]
        and merged["a"] is parameters["a"]
        and list(reversed(merged)) == ["c", "b", "a"]
    )
    assert parameters.get("zz") is None and parameters.setdefault("d", 1) == 1 and parameters.pop("d") == 1
    parameters["a"] = 3
    assert parameters["a"] == 3 and not list(parameters.parameters())
    assert repr(nn.ParameterDict({"w": torch.ones(2)})) == (
        "ParameterDict(  (w): Parameter containing: [torch.FloatTensor of size 2])"
    )


# ---- parameters and small modules ----


def test_parameter():
    data = torch.ones(2)
    with torch.no_grad():
        parameter = nn.Parameter(data)
    assert parameter.requires_grad and parameter.is_leaf and isinstance(parameter, torch.Tensor)
    assert repr(parameter) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    data[0] = 5
    assert float(parameter[0]) == 5, "it shares memory"
    assert type(parameter * 1) is torch.Tensor and type(parameter.detach()) is torch.Tensor
    assert not nn.Parameter(torch.ones(1), requires_grad=False).requires_grad
    with pytest.raises(
        RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"
    ):
        nn.Parameter(torch.arange(3))
    assert nn.Parameter().shape == (0,)


def test_small_modules():
    x = torch.arange(12.0).view(2, 3, 2)
    assert nn.Flatten()(x).shape == (2, 6) and nn.Unflatten(1, (3, 1))(x).shape == (2, 3, 1, 2)
    assert nn.Identity(1, a=2)(x) is x
    with pytest.raises(
        TypeError, match="unflattened_size must be tuple of ints, but found element of type str at pos 1"
    ):
        nn.Unflatten(1, (2, "a"))


def test_linear_with_no_inputs():
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        layer = nn.Linear(0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(layer(torch.ones(2, 0)), layer.bias.expand(2, 3))


def test_weight_norm_trains_length_and_direction():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.ones(4, 3)).pow(2).mean().backward()
        optimizer.step()
    g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    np.testing.assert_allclose(
        layer.weight.detach().numpy(), (v * g / v.norm(dim=1, keepdim=True)).detach().numpy(), rtol=1e-6
    )
    np.testing.assert_allclose(layer.weight.norm(dim=1).tolist(), g.abs().flatten().tolist(), rtol=1e-6)


def test_spectral_norm_makes_the_largest_singular_value_one():
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3), n_power_iterations=20)
    assert abs(torch.linalg.svdvals(layer.weight.detach())[0].item() - 1) < 1e-3
