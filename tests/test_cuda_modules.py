"""Modules and optimizers on CUDA do what they do on the CPU: values, gradients, and parameters after some steps."""

import copy

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn, optim
from numbatorch.pytree import tree_leaves

MODULES = {  # a module, and the shapes of its arguments
    "Linear": (lambda: nn.Linear(3, 2), (2, 3)),
    "Bilinear": (lambda: nn.Bilinear(2, 3, 2), (2, 2), (2, 3)),
    "Conv1d": (lambda: nn.Conv1d(2, 2, 3, padding=1, groups=2), (1, 2, 4)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 1, 2, stride=2), (1, 2, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), (2, 2, 2, 2)),
    "BatchNorm2d in evaluation": (lambda: nn.BatchNorm2d(2).eval(), (2, 2, 2, 2)),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), (2, 2, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(2, affine=True), (2, 2, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (2, 3)),
    "LayerNorm of rows that a block holds": (lambda: nn.LayerNorm(13), (2, 13)),
    "LayerNorm of longer rows": (lambda: nn.LayerNorm(37), (2, 37)),
    "RMSNorm of rows that a block holds": (lambda: nn.RMSNorm(16), (2, 16)),
    "RMSNorm of longer rows": (lambda: nn.RMSNorm(17), (2, 17)),
    "RNN": (lambda: nn.RNN(2, 2), (3, 1, 2)),
    "LSTM": (lambda: nn.LSTM(2, 2, bidirectional=True), (3, 1, 2)),
    "GRU": (lambda: nn.GRU(2, 2, num_layers=2), (2, 1, 2)),
    "LSTMCell": (lambda: nn.LSTMCell(2, 2), (1, 2)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2), (2, 1, 4), (3, 1, 4), (3, 1, 4)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 4, dropout=0.0), (2, 1, 4)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (1, 1, 4, 4)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(2), (1, 1, 3)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 1, 2, 2)),
    "PReLU": (lambda: nn.PReLU(), (2, 3)),
    "GELU": (lambda: nn.GELU(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(1), (2, 3)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (1, 4, 1, 2)),
    "MSELoss": (lambda: nn.MSELoss(), (2, 3), (2, 3)),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean"), (2, 3), (2, 3)),
}


def result(module, device, shapes):
    """The outputs, and the gradients of arguments and parameters and the buffers after a backward pass."""
    rng = np.random.default_rng(0)
    arguments = [torch.tensor(rng.random(shape), dtype=torch.float32, device=device) for shape in shapes]
    module = copy.deepcopy(module).to(device)
    outputs = module(*[argument.requires_grad_() for argument in arguments])
    outputs = [o for o in tree_leaves(outputs) if isinstance(o, torch.Tensor)]
    assert all(o.device.type == device for o in outputs)
    sum((o * torch.arange(o.numel(), device=device).view(o.shape)).sum() for o in outputs).backward()
    gradients = [t.grad for t in (*arguments, *module.parameters()) if t.grad is not None]
    return [t.detach().cpu().double().numpy() for t in (*outputs, *gradients, *module.buffers())]


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    make, *shapes = MODULES[name]
    torch.manual_seed(0)
    module = make()
    cpu, cuda = (result(module, device, shapes) for device in ("cpu", "cuda"))
    for a, b in zip(cpu, cuda, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("many", [False, True])
def test_margins_of_more_classes_than_a_warp_has_threads(many):
    rng = np.random.default_rng(0)
    values, labels = rng.standard_normal((3, 11)), rng.permutation(11)[None].repeat(3, 0)
    labels[[0, 1], [4, 0]] = -1
    loss, target = (nn.MultiLabelMarginLoss(), labels) if many else (nn.MultiMarginLoss(2), labels[:, 5])
    found = []
    for device in ("cpu", "cuda"):
        x = torch.tensor(values, dtype=torch.float32, device=device, requires_grad=True)
        value = loss(x, torch.tensor(target, device=device))
        value.backward()
        found.append([value.item(), x.grad.cpu().numpy()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "Adam": {"amsgrad": True}, "AdamW": {}, "Adamax": {}, "NAdam": {},
    "RAdam": {}, "RMSprop": {"centered": True, "momentum": 0.9}, "Rprop": {}, "Adagrad": {}, "Adadelta": {}, "ASGD": {},
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    """All parameters in one launch: several of them, one empty, one whose step count is behind."""
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape) for shape in ((2, 3), (0,), (3,), (1,))]
    found = []
    for device in ("cpu", "cuda"):
        parameters = [torch.tensor(v, dtype=torch.float32, device=device, requires_grad=True) for v in values]
        optimizer = getattr(optim, name)(parameters, **OPTIMIZERS[name])
        for step in range(2):
            for parameter in parameters[: len(parameters) - (step == 0)]:
                parameter.grad = (parameter.detach() * 0.5 + step).clone()
            optimizer.step()
        found.append([p.detach().cpu().numpy() for p in parameters])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3), (6, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_orthogonal_starting_values(shape, dtype):
    """On either device: rows, or columns, of norm `gain`, each orthogonal to the others."""
    for device in ("cpu", "cuda"):
        made = nn.init.orthogonal_(torch.empty(shape, dtype=dtype, device=device), gain=2.0)
        matrix = made.cpu().double().reshape(shape[0], -1).numpy()
        products = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(
            products, 4 * np.eye(len(products)), atol=2e-6 if dtype is torch.float32 else 5e-3
        )
