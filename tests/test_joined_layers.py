"""Layers that `nn.Sequential` runs together with the ReLU behind them, where no gradient is recorded."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn

LAYERS = {
    "linear": (lambda: nn.Linear(40, 300), (150, 40)),
    "small linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "linear of a stack": (lambda: nn.Linear(3, 4), (2, 5, 3)),
    "linear without bias": (lambda: nn.Linear(3, 4, bias=False), (2, 3)),
    "signals": (lambda: nn.Conv1d(3, 5, 3, stride=2), (2, 3, 40)),
    "one image": (lambda: nn.Conv2d(1, 16, 3, padding=1), (1, 12, 12)),
    "small images": (lambda: nn.Conv2d(300, 20, 3, padding="same"), (3, 300, 5, 5)),
    "groups": (lambda: nn.Conv2d(4, 6, 1, groups=2, bias=False), (2, 4, 5, 5)),
    "depthwise": (lambda: nn.Conv2d(8, 8, 3, groups=8), (2, 8, 9, 9)),
    "volumes": (lambda: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
    "reflected": (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 6, 6)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", LAYERS)
def test_the_same_bits_as_one_after_the_other(name, dtype, device):
    torch.manual_seed(0)  # with which every layer's result has elements on both sides of zero
    make, shape = LAYERS[name]
    layer, x = make().to(device, dtype), torch.randn(shape).to(device, dtype)
    model = nn.Sequential(layer, nn.ReLU(), nn.ReLU(), nn.Flatten(0))
    with torch.no_grad():
        got, expected = model(x), layer(x).relu().flatten()
    assert got.dtype is dtype and (got == 0).any() and not (got < 0).any()
    assert np.array_equal(
        got.float().cpu().numpy().view(np.int32), expected.float().cpu().numpy().view(np.int32)
    )


def test_nan_stays_and_minus_zero_becomes_zero():
    bias = torch.tensor([float("nan"), -0.0, -1.0, float("inf")])
    y = torch._addmm_activation(bias, torch.zeros(2, 3), torch.zeros(3, 4))
    assert y[:, 0].isnan().all() and torch.equal(y[:, 1:], torch.tensor([[0.0, 0.0, float("inf")]] * 2))
    assert not torch.signbit(y[:, 1:]).any()


def test_hooks_and_overridden_modules_are_called():
    class Twice(nn.ReLU):
        def forward(self, input):
            return 2 * super().forward(input)

    seen, x = [], torch.randn(300, 200)
    layer = nn.Linear(200, 300)
    with torch.no_grad():
        plain = layer(x).relu()
        assert torch.equal(nn.Sequential(layer, Twice())(x), 2 * plain)
        model = nn.Sequential(layer, nn.ReLU())
        handle = layer.register_forward_hook(lambda module, args, result: seen.append(result))
        assert torch.equal(model(x), plain) and (seen.pop() < 0).any()
        handle.remove()
        model[1].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
        assert torch.equal(model(x), plain) and (seen.pop() < 0).any()
        layer.forward = lambda input: -input
        assert torch.equal(nn.Sequential(layer, nn.ReLU())(x), (-x).relu())


def test_in_training_there_are_two_nodes():
    y = nn.Sequential(nn.Linear(200, 300), nn.ReLU())(torch.randn(300, 200))
    assert y.grad_fn.name() == "ReluBackward0" and y.grad_fn.next_functions[0][0].name() == "AddmmBackward0"


def test_errors_name_the_layer():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Conv2d(1, 2, 3), nn.ReLU())
    with torch.no_grad():
        with pytest.raises(RuntimeError, match="2x5 and 3x4") as caught:
            model(torch.ones(2, 5))
        assert "model.0: Linear" in caught.value.__notes__[0]
        with pytest.raises(RuntimeError, match="to conv2d") as caught:
            model(torch.ones(2, 3))
        assert "model.2: Conv2d" in caught.value.__notes__[0]


def test_there_is_no_derivative_of_a_product_with_its_activation():
    bias = torch.zeros(2, requires_grad=True)
    y = torch._addmm_activation(bias, torch.ones(1, 3), torch.ones(3, 2))
    with pytest.raises(RuntimeError, match="derivative for aten::_addmm_activation is not implemented"):
        y.sum().backward()
