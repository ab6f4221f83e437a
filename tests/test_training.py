"""Training: a small classifier learns on both devices, and a step leaves nothing behind."""

import gc

import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.base import TensorBase


def step(model, optimizer, x, y) -> float:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def test_a_classifier_learns(device):
    torch.manual_seed(0)
    x = torch.randn(12, 4)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    x, y = x.to(device), y.to(device)
    losses = [step(model, optimizer, x, y) for _ in range(20 if device == "cpu" else 4)]
    assert losses[-1] < losses[0] * (0.5 if device == "cpu" else 0.95)
    assert all(p.device.type == device for p in model.parameters())


def test_both_devices_learn_the_same():
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        x, y = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
        model, x, y = model.to(device), x.to(device), y.to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        found.append([step(model, optimizer, x, y) for _ in range(3)])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def _tensors() -> int:
    return sum(issubclass(type(o), TensorBase) for o in gc.get_objects())


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam], ids=["SGD", "Adam"])
def test_steps_leave_nothing_behind_without_the_garbage_collector(make):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 3), nn.LogSoftmax(1))
    optimizer = make(model.parameters(), lr=0.01)
    x, y = torch.randn(10, 8), torch.randint(0, 3, (10,))

    def train() -> None:
        optimizer.zero_grad()
        nn.functional.nll_loss(model(x), y).backward()
        optimizer.step()

    train()
    gc.collect()
    gc.disable()
    try:
        before = _tensors()
        for _ in range(5):
            train()
        assert _tensors() == before
        model(x)  # a forward pass whose graph is thrown away
        assert _tensors() == before
    finally:
        gc.enable()
