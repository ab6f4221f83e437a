"""Whole modules in files: they are written and read as PyTorch does it, and bring nothing to run."""

import io
import pickle
from dataclasses import dataclass
from pickle import UnpicklingError

import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.serialization.names import find
from numbatorch.serialization.trusted import lookup
from numbatorch.vision.models import ResNet


@dataclass
class Config:
    width: int = 8


class Net(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.config = Config(width)
        self.body = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.InstanceNorm1d(3))
        self.rnn = nn.LSTM(width, 5, bidirectional=True, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(10, 2, 16, batch_first=True)
        self.parallel = nn.DataParallel(nn.Identity())
        self.activation = nn.functional.gelu
        self.register_buffer("scale", torch.ones(10))
        self.tied = self.body[0].weight

    def forward(self, x):
        x, _ = self.rnn(self.body(x))
        return self.activation(self.layer(self.parallel(x)) * self.scale)


class Deleting(nn.Module):
    def __del__(self):
        """Might do harm"""


@dataclass
class Restoring:
    path: str

    def __setstate__(self, state):
        """Might do harm"""


def written(obj) -> io.BytesIO:
    torch.save(obj, file := io.BytesIO())
    file.seek(0)
    return file


def test_a_model_comes_back_whole():
    model, x = Net(6).eval(), torch.randn(2, 3, 4)
    twin = torch.load(written(model), weights_only=False)
    assert type(twin) is Net and twin.config == Config(6) and twin.activation is nn.functional.gelu
    assert torch.equal(twin(x), model(x)) and twin.tied is twin.body[0].weight and not twin.training
    handle = twin.register_forward_hook(lambda module, args, kwargs, out: out + 1, with_kwargs=True)
    assert torch.equal(twin(x), model(x) + 1)
    handle.remove()
    again = pickle.loads(pickle.dumps(twin))
    assert str(again) == str(model) and torch.equal(again(x), model(x))


def test_only_who_says_so_gets_modules():
    with pytest.raises(
        UnpicklingError, match=r"GLOBAL .*Net was not an allowed global by default.*weights_only=False"
    ):
        torch.load(written(Net(6)))
    linear = written(nn.Linear(2, 3))
    assert b"torch.nn.modules.linear\nLinear" in linear.getvalue()
    with pytest.raises(UnpicklingError, match=r"GLOBAL torch\.nn\.modules\.linear\.Linear"):
        torch.load(linear)
    linear.seek(0)
    with torch.serialization.safe_globals([nn.Linear]):
        assert torch.load(linear).weight.shape == (3, 2)


@pytest.mark.parametrize("path", [
    f"{__name__}.Deleting", f"{__name__}.Restoring", "argparse.Namespace", "torch.save", "io.BytesIO", "builtins.eval", "os.system", "absent.Net",
    "torch.nn.Parameter", "tempfile._TemporaryFileCloser", "torch.nn.functional.warnings", "torchvision.models.absent.Net", "threading.Thread",
])  # fmt: skip
def test_other_names_are_refused(path):
    module, _, name = path.rpartition(".")
    assert find(module, name) is None
    with pytest.raises(UnpicklingError, match=r"was not an allowed global|is blocked"):
        lookup(module, name, whole=True)


def test_classes_are_not_called():
    class Calls:
        def __reduce__(self):
            return nn.Linear, (10**6, 10**6)

    with pytest.raises(UnpicklingError, match="objects of Linear are not made by a call"):
        torch.load(written(Calls()), weights_only=False)


def test_models_of_vision_are_found():
    assert (
        find("torchvision.models.resnet", "ResNet") is ResNet
        and find("torch.nn.modules.conv", "Conv2d") is nn.Conv2d
    )
