"""What people look at: summaries of models, pictures of the tape, bars, and where in a model an error was raised."""

import importlib.util
import sys

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.rest = nn.Sequential(nn.ReLU(), nn.Dropout(), nn.Linear(128, 10))

    def forward(self, x):
        return self.rest(self.fc1(x))


# ---- where an error was raised


def noted(call):
    with pytest.raises((RuntimeError, ValueError, KeyError)) as caught:
        call()
    return caught.value, getattr(caught.value, "__notes__", [])


def test_an_error_names_the_module():
    model = Net()
    error, notes = noted(lambda: model(torch.zeros(64, 28, 28)))
    assert str(error) == "mat1 and mat2 shapes cannot be multiplied (1792x28 and 784x128)"
    assert notes == ["in model.fc1: Linear(784 -> 128), called with (64, 28, 28) (model: Net)"]
    model.rest[2] = nn.Linear(100, 10)
    for whole in (model, nn.Sequential(model)):
        _, (note,) = noted(lambda whole=whole: whole(torch.zeros(2, 784)))
        assert ".rest.2: Linear(100 -> 10), called with (2, 128) (model: " in note
    assert note.startswith("in model.0.rest.2:") and note.endswith("(model: Sequential)")


def test_with_hooks_and_other_errors():
    model = Net()
    model.fc1.register_forward_hook(lambda *args: None)
    _, notes = noted(lambda: model(torch.zeros(3, 5)))
    assert notes[0].startswith("in model.fc1: Linear(784 -> 128)")
    alone = nn.Linear(2, 3)
    _, notes = noted(lambda: alone(torch.zeros(3, 5)))
    assert notes == ["in model: Linear(2 -> 3), called with (3, 5)"]
    hidden = [nn.Linear(2, 3)]

    class Hiding(nn.Module):
        def forward(self, x):
            return hidden[0](x)

    _, notes = noted(lambda: Hiding()(torch.zeros(3, 5)))
    assert notes == ["in model: Linear(2 -> 3), called with (3, 5)"]
    model.forward = lambda x: {}["a"]
    assert noted(lambda: model(1))[1] == [], "only errors that a shape or a type may cause"


def test_the_same_module_twice():
    shared = nn.Linear(4, 4)
    _, notes = noted(lambda: nn.Sequential(shared, nn.Flatten(0), shared, nn.Linear(3, 3))(torch.ones(2, 4)))
    assert len(notes) == 1 and "model.0" in notes[0]


# ---- summaries


def test_summary():
    model = Net()
    model.fc1.weight.requires_grad_(False)
    model.rest[1].train()
    text = str(nn.summary(model, torch.zeros(64, 784)))
    lines = text.split("\n")
    assert lines[0].split() == ["Module", "Output", "Parameters", "Memory", "Time"]
    rows = {line.split()[0]: line for line in lines[2:8]}
    assert "(64, 128)" in rows["fc1:"] and "100,480" in rows["fc1:"] and "32.0 KiB" in rows["fc1:"]
    assert rows["2:"].startswith("    2: Linear") and rows["2:"].endswith("ms")
    assert "Parameters: 101,770, of which 100,352 frozen" in text
    assert model.rest[1].training and not model.rest[1]._forward_hooks
    found = nn.summary(model, torch.zeros(64, 784))
    assert found.total_parameters == 101_770 and found.rows[1].shape == "(64, 128)" and found.seconds > 0
    html = found._repr_html_()
    assert html.startswith("<table>") and "<td>&emsp;fc1: Linear</td>" in html and html.count("<tr>") == 7


def test_summary_of_other_inputs():
    model = Net()
    shapes = {str(nn.summary(model, given).rows[0].shape) for given in ((2, 784), [torch.ones(2, 784)])}
    assert shapes | {nn.summary(model, {"x": torch.ones(2, 784)}).rows[0].shape} == {"(2, 10)"}
    assert "Time" not in str(nn.summary(model)) and "<table>" in nn.summary(model)._repr_html_()
    with pytest.raises(RuntimeError):
        nn.summary(model, (3, 3))
    assert model.training and not model.fc1._forward_hooks


# ---- the tape


def test_pictures_of_the_tape():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    loss = model(torch.ones(4, 2)).pow(2).mean()
    text = torch.utils.graph.mermaid(loss, dict(model.named_parameters()))
    assert text.startswith("flowchart TD\n") and '(["0.weight (3, 2)"])' in text and '[/"result ()"/]' in text
    assert text.count("TanhBackward0") == 1 and "-->" in text
    assert torch.utils.graph.dot(loss).count("leaf (") == 2
    x = torch.ones(2, requires_grad=True)
    twice = torch.utils.graph.dot([x * x, x])
    assert twice.count("leaf") == 1 and twice.count("n0 -> n1;") == 2 and twice.count("result") == 2
    deep = x
    for _ in range(3000):
        deep = deep + 1
    assert torch.utils.graph.mermaid(deep).count("AddBackward0") == 3000
    with pytest.raises(RuntimeError, match="was not recorded on the tape"):
        torch.utils.graph.dot(torch.ones(1))


# ---- bars, and TensorBoard


def test_progress(capsys):
    bar = torch.utils.progress([1, 2, 3], "epoch 1")
    assert len(bar) == 3
    for _ in bar:
        bar.show(loss=0.123456)
    written = capsys.readouterr().err
    assert "epoch 1" in written and "3/3" in written and "loss=0.1235" in written


def test_summary_writer(tmp_path, monkeypatch):
    from numbatorch.utils.tensorboard import SummaryWriter

    if importlib.util.find_spec("tensorboardX"):
        with SummaryWriter(tmp_path) as writer:
            writer.add_scalar("loss", torch.tensor(1.5), 3)
            writer.add_scalars("both", {"a": 1.0, "b": torch.tensor(2.0)}, 3)
            writer.add_histogram("weights", torch.randn(10), 3)
            writer.add_image("image", torch.rand(3, 4, 4), 3)
            writer.add_images("images", np.zeros((2, 3, 4, 4)), 3)
            writer.add_text("text", "hello")
            writer.add_graph(nn.Linear(2, 3), torch.ones(1, 2))
            writer.add_hparams({"lr": 0.1}, {"accuracy": torch.tensor(0.5)})
            writer.flush()
        (events, *_) = tmp_path.glob("events*")
        assert b"loss" in events.read_bytes() and writer.get_logdir() == str(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(
        ImportError, match=r"SummaryWriter needs tensorboardX: pip install numbatorch\[tensorboard\]"
    ):
        SummaryWriter(tmp_path)
