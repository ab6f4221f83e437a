"""Files go both ways between PyTorch and numbatorch, and are the same to the byte."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, OrderedDict
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import pytest
import torch

import numbatorch
from numbatorch.serialization.names import pytorch_name

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
FILE = Path(__file__).parent.parent / "checkpoints" / "pytorch.pt"


def checkpoint(L):
    """The contents of tests/checkpoints/pytorch.pt."""
    x = L.arange(12.0).view(3, 4)
    L.manual_seed(0)
    model = L.nn.Linear(2, 3)
    adam = L.optim.Adam(model.parameters(), lr=0.5)
    model(L.ones(1, 2)).sum().backward()
    adam.step()
    return {
        "dtypes": [L.tensor([0, 1, 1]).to(getattr(L, name)) for name in DTYPES],
        "view": x[1:, 1:],
        "turned": x.t(),
        "parameter": L.nn.Parameter(L.ones(2)),
        "leaf": L.ones(1, requires_grad=True),
        "state": model.state_dict(),
        "adam": adam.state_dict(),
        "python": [1, -2, 2**70, 0.5, 1j, "text", b"bytes", None, True, (1, (2,)), {3}, L.Size([4, 5])],
        "kinds": [L.float16, L.device("cuda:1")],
    }


def variety(L):
    """All else that can be in a file."""
    x = L.arange(12.0).view(3, 4)
    return {
        "ints": [0, 255, 256, 65535, 65536, -(2**31), 2**31, 2**40, -(2**40), -129, 2**1000],
        "floats": [0.1, float("inf"), -0.0],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "texts": ["", "é", "\ud800", b"", bytearray(b"x"), bytearray()],
        "empty": [L.empty(0, 3), L.empty(2, 0, 3), L.tensor(3), {}, [], set(), OrderedDict()],
        "expanded": L.ones(1, 1).expand(2, 3),
        "same": [x, x, x[0], x[:, 0]],
        "long": [
            list(range(2001)),
            {i: i for i in range(2001)},
            OrderedDict((str(i), i) for i in range(1001)),
        ],
        "frozen": frozenset([1]),
        "counter": Counter("aab"),
        "numpy": [np.float64(3), np.arange(3)],
        "layout": L.strided,
        "class": [range(3), Path, len],
        "frozen parameter": L.nn.Parameter(L.ones(2), requires_grad=False),
        "result": L.ones(2, requires_grad=True) * 2,
    }


def records(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("make", [checkpoint, variety])
def test_files_are_the_same_to_the_byte(tmp_path, make):
    ours, theirs = tmp_path / "ours" / "x.pt", tmp_path / "theirs" / "x.pt"
    for path, L, save in ((ours, numbatorch, numbatorch.save), (theirs, torch, torch.save)):
        path.parent.mkdir()
        save(make(L), path)
    expected, found = records(theirs), records(ours)
    identity = "x/.data/serialization_id"
    assert found.pop(identity) and expected.pop(identity)
    assert list(found) == list(expected)
    for name, data in expected.items():
        assert found[name] == data, name
    a, b = ours.read_bytes(), theirs.read_bytes()
    at = a.index(identity.encode())  # from there on, a number that is anybody's own, and its checksum
    assert a[:at] == b[:at] and len(a) == len(b) and sum(x != y for x, y in zip(a, b)) < 60


def same(a, b) -> None:
    """The same objects in either library."""
    if isinstance(b, torch.Tensor):
        assert (
            str(a.dtype) == str(b.dtype)
            and a.stride() == b.stride()
            and a.storage_offset() == b.storage_offset()
        )
        assert a.requires_grad == b.requires_grad
        assert isinstance(a, numbatorch.nn.Parameter) == isinstance(b, torch.nn.Parameter)
        assert a.shape == b.shape and a.tolist() == b.tolist()
    elif isinstance(b, dict):
        assert type(a) is type(b) and list(a) == list(b)
        for key in b:
            same(a[key], b[key])
        assert getattr(a, "_metadata", None) == getattr(b, "_metadata", None)
    elif isinstance(b, list | tuple) and type(b) is not torch.Size:
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    else:
        assert str(a) == str(b) and (type(a) is type(b) or type(b).__module__.startswith("torch"))


def test_pytorch_reads_what_we_write(tmp_path):
    numbatorch.save(checkpoint(numbatorch), tmp_path / "x.pt")
    ours = checkpoint(numbatorch)
    for options in ({}, {"mmap": True}, {"weights_only": False}):
        found = torch.load(tmp_path / "x.pt", map_location="cpu", **options)
        same(ours, found)
        assert found["view"].untyped_storage().data_ptr() == found["turned"].untyped_storage().data_ptr()
    meta = torch.load(tmp_path / "x.pt", map_location="meta")  # which works out where the records must be
    assert meta["view"].shape == (2, 3)


@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}])
def test_we_read_what_pytorch_writes(tmp_path, options):
    torch.save(checkpoint(torch), tmp_path / "x.pt")
    same(numbatorch.load(tmp_path / "x.pt", map_location="cpu", **options), checkpoint(torch))
    varied = {key: value for key, value in variety(torch).items() if key not in ("class", "numpy")}
    torch.save(varied, tmp_path / "y.pt")
    same(numbatorch.load(tmp_path / "y.pt", **options), torch.load(tmp_path / "y.pt", weights_only=False))


def test_tensors_that_wait_to_be_conjugated(tmp_path):
    z = torch.tensor([1 + 2j, 3 - 1j])
    torch.save([z.conj(), torch.tensor([1 + 2j, 3 - 1j]).conj().imag], tmp_path / "x.pt")
    conjugate, imaginary = numbatorch.load(tmp_path / "x.pt")
    assert conjugate.tolist() == [1 - 2j, 3 + 1j] and imaginary.tolist() == [-2, 1]


def test_dtypes_that_only_pytorch_has(tmp_path):
    for dtype in (torch.uint16, torch.float8_e4m3fn):
        torch.save(torch.zeros(2).to(dtype), tmp_path / "x.pt")
        with pytest.raises(Exception, match=f"numbatorch has no {dtype}") as caught:
            numbatorch.load(tmp_path / "x.pt")
        assert type(caught.value).__name__ == "UnpicklingError"


def test_other_files_of_pytorch(tmp_path):
    torch.save(torch.ones(2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="PyTorch's format from before version 1.6"):
        numbatorch.load(tmp_path / "old.pt")
    torch.save({"a": {1: [torch.ones(2), "x"]}}, tmp_path / "four.pt", pickle_protocol=4)
    assert numbatorch.load(tmp_path / "four.pt")["a"][1][0].tolist() == [1, 1]
    module = torch.nn.Linear(2, 2)
    module.weight.note = "kept"
    torch.save([module.weight, torch.nn.Buffer(torch.ones(1))], tmp_path / "noted.pt")
    weight = numbatorch.load(tmp_path / "noted.pt")[0]
    assert weight.note == "kept" and isinstance(weight, numbatorch.nn.Parameter)


@dataclass
class Config:
    width: int = 8


def model(L):
    """A model whose class is found, in either library, as `Whole` of this file."""
    nn = L.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.config = Config(6)
            self.body = nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
            )
            self.rnn = nn.LSTM(36, 5, 2, bidirectional=True)
            self.layer = nn.DataParallel(nn.TransformerEncoderLayer(10, 2, 16, batch_first=True))
            self.rest = nn.ModuleList(
                [nn.Identity(), nn.InstanceNorm1d(3), nn.CrossEntropyLoss(), nn.Embedding(3, 2)]
            )
            self.act, self.dtype, self.scale = nn.functional.gelu, L.float32, nn.Parameter(L.ones(10))

        def forward(self, x):
            x, _ = self.rnn(self.body(x)[None])
            return self.act(self.layer(x)) * self.scale

    Net.__module__, Net.__qualname__ = __name__, "Whole"
    return Net


@pytest.mark.parametrize(
    "writer, reader", [(torch, numbatorch), (numbatorch, torch)], ids=["PyTorch's", "ours"]
)
def test_whole_modules_go_both_ways(writer, reader, monkeypatch):
    x = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    monkeypatch.setitem(globals(), "Whole", model(writer))
    whole = Whole().eval()  # noqa: F821
    file = _saved(writer, whole)
    monkeypatch.setitem(globals(), "Whole", model(reader))
    twin = reader.load(file, weights_only=False)
    assert type(twin) is Whole and twin.config == Config(6)  # noqa: F821
    wanted, found = (m(L.tensor(x)).detach().numpy() for m, L in ((whole, writer), (twin, reader)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    twin.train().register_forward_hook(lambda *args, **kwargs: None, with_kwargs=True)
    twin(reader.tensor(x)).sum().backward()
    file.seek(0)
    with pytest.raises(UnpicklingError, match=r"GLOBAL .*Whole was not an allowed global by default"):
        reader.load(file)


def test_classes_have_pytorchs_names():
    modules = [getattr(numbatorch.nn, name) for name in dir(torch.nn) if isinstance(getattr(torch.nn, name), type)
               and issubclass(getattr(torch.nn, name), torch.nn.Module) and hasattr(numbatorch.nn, name)]  # fmt: skip
    assert len(modules) > 130
    for cls in modules:
        theirs = getattr(torch.nn, cls.__name__)
        assert pytorch_name(cls) == (theirs.__module__, theirs.__name__)


def test_errors_are_pytorchs(tmp_path):
    expressions = [
        lambda L: L.save({}, 3),
        lambda L: L.save({}, tmp_path / "missing" / "x.pt"),
        lambda L: L.load(tmp_path / "nothing.pt"),
        lambda L: L.load(_saved(L, L.ones(1)), mmap=True),
        lambda L: L.save([x := L.ones(2, dtype=L.complex64), L.view_as_real(x)], io.BytesIO()),
    ]
    for run in expressions:
        said = []
        for L in (torch, numbatorch):
            with pytest.raises(Exception) as caught:
                run(L)
            said.append((type(caught.value), str(caught.value).splitlines()[0]))
        assert said[0][0] is said[1][0] and said[1][1].startswith(said[0][1][:40]), said


def _saved(L, obj):
    file = io.BytesIO()
    L.save(obj, file)
    file.seek(0)
    return file


def test_the_file_that_the_other_tests_read():
    same(numbatorch.load(FILE, map_location="cpu"), checkpoint(torch))
