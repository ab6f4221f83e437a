"""Whole models: a checkpoint that one library has written, loaded by the other, gives the same logits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import numbatorch

PROGRAMS = Path(__file__).parent.parent / "programs"


def resnet18(L: Any, classes: int = 10) -> Any:
    """torchvision's ResNet18, with its parameter names."""
    nn = L.nn

    class BasicBlock(nn.Module):
        def __init__(self, inner: int, planes: int, stride: int):
            super().__init__()
            self.conv1 = nn.Conv2d(inner, planes, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.downsample = None
            if stride != 1 or inner != planes:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inner, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
                )

        def forward(self, x: Any) -> Any:
            out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            return self.relu(out + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            inner = 64
            for number, planes in enumerate((64, 128, 256, 512), 1):
                first = BasicBlock(inner, planes, 1 if number == 1 else 2)
                setattr(self, f"layer{number}", nn.Sequential(first, BasicBlock(planes, planes, 1)))
                inner = planes
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(512, classes)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(L.flatten(self.avgpool(x), 1))

    return ResNet()


def gpt(L: Any) -> Any:
    """The model of tests/programs/gpt.py."""
    text = (PROGRAMS / "gpt.py").read_text()
    text = re.sub(r"^(import torch|from torch).*\n", "", text, flags=re.MULTILINE)
    names: dict[str, Any] = {"torch": L, "nn": L.nn, "F": L.nn.functional, "__name__": __name__}
    exec(compile(text, "gpt.py", "exec"), names)
    return names["GPT"](names["GPTConfig"](block_size=32, vocab_size=200, n_layer=3, n_head=4, n_embd=64))


@pytest.fixture(autouse=True)
def one_thread():
    """PyTorch's threads and those of the other tests are in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def images(L: Any) -> Any:
    return L.sin(L.arange(2 * 3 * 32 * 32).reshape(2, 3, 32, 32) * 0.37)


def tokens(L: Any) -> Any:
    return (L.arange(2 * 32).reshape(2, 32) ** 2) % 200


@pytest.mark.parametrize(("build", "sample"), [(resnet18, images), (gpt, tokens)])
@pytest.mark.parametrize(("writer", "reader"), [(torch, numbatorch), (numbatorch, torch)])
def test_logits_of_a_checkpoint(build, sample, writer, reader, tmp_path):
    writer.manual_seed(1)
    trained = build(writer)
    optimizer = writer.optim.AdamW(trained.parameters(), lr=1e-3)
    for _ in range(2):  # running statistics and the optimizer's state move
        output = trained(sample(writer))
        loss = (output[0] if isinstance(output, tuple) else output).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path / "checkpoint.pt"
    writer.save(
        {"model": trained.state_dict(), "optimizer": optimizer.state_dict(), "loss": loss.item()}, path
    )

    checkpoint = reader.load(path)
    model = build(reader)
    assert str(model.load_state_dict(checkpoint["model"])) == "<All keys matched successfully>"
    other = reader.optim.AdamW(model.parameters(), lr=1.0)
    other.load_state_dict(checkpoint["optimizer"])
    assert other.param_groups[0]["lr"] == 1e-3 and checkpoint["loss"] == loss.item()
    trained.eval(), model.eval()
    results = []
    for library, net in ((writer, trained), (reader, model)):
        with library.no_grad():
            output = net(sample(library))
        results.append(torch.tensor((output[0] if isinstance(output, tuple) else output).tolist()))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)
    if build is gpt:
        tied = model.transformer.wte.weight
        assert tied is model.lm_head.weight


def test_the_package_has_the_same_resnet(tmp_path):
    models = pytest.importorskip("numbatorch.vision.models")
    theirs = resnet18(torch)
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    ours = models.resnet18(num_classes=10)
    ours.load_state_dict(numbatorch.load(tmp_path / "resnet18.pth", weights_only=True))
    theirs.eval(), ours.eval()
    with torch.no_grad(), numbatorch.no_grad():
        expected, found = theirs(images(torch)), ours(images(numbatorch))
    torch.testing.assert_close(torch.tensor(found.tolist()), expected, rtol=1e-4, atol=1e-4)
