"""`save` and `load`: what goes in comes out, files are safetensors files, and bad files say what is wrong
with them.
"""

import io
import json
import math
import os
import stat
import struct
from collections import OrderedDict

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn, optim
from numbatorch.serialization import load, save

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def round_trip(obj, **options):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return load(file, **options)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_every_dtype_and_shape(name, shape):
    dtype = getattr(torch, name)
    tensor = (torch.arange(math.prod(shape)).reshape(shape) + 1).to(dtype)
    if dtype.is_complex:
        tensor = tensor * (1 + 2j)
    back = round_trip(tensor)
    assert back.dtype is dtype and back.shape == shape and torch.equal(back, tensor)


def test_layouts():
    tensor = torch.arange(12.0).view(3, 4)
    for view in (tensor.t(), tensor[:, ::2], tensor[1:, 1:], tensor[0], tensor.expand(2, 3, 4)):
        back = round_trip({"x": view})["x"]
        assert torch.equal(back, view) and back.is_contiguous()


def test_nested_objects():
    obj = {
        "a": [1, 2.5, True, None, "text"],
        "b": (torch.ones(2), {"deep": torch.zeros(1)}),
        3: {(1, 2): "tuple key", 1.5: "float key", None: "none key", False: "bool key"},
        "numbers": [math.inf, -math.inf, 2**80, 1 - 2j, np.float32(0.5), np.int64(7)],
        "types": [torch.float16, torch.device("cpu"), torch.Size([2, 3])],
        "ordered": OrderedDict(z=1, a=2),
        "empty": [{}, [], ()],
    }
    back = round_trip(obj)
    assert (
        list(back) == list(obj)
        and back["a"] == obj["a"]
        and back[3] == obj[3]
        and back["numbers"] == obj["numbers"]
    )
    assert isinstance(back["b"], tuple) and back["b"][1]["deep"].tolist() == [0.0]
    assert back["types"] == obj["types"] and isinstance(back["types"][2], torch.Size)
    assert (
        isinstance(back["ordered"], OrderedDict)
        and list(back["ordered"]) == ["z", "a"]
        and back["empty"] == obj["empty"]
    )
    assert math.isnan(round_trip(math.nan)) and round_trip("just text") == "just text"


def test_names_that_meet():
    back = round_trip(
        {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}, "__metadata__": torch.full((1,), 2.0)}
    )
    assert [back["a.b"].item(), back["a"]["b"].item(), back["__metadata__"].item()] == [1, 0, 2]


def test_parameters_and_requires_grad():
    back = round_trip(
        [
            nn.Parameter(torch.ones(2)),
            torch.ones(1, requires_grad=True),
            nn.Parameter(torch.ones(1), requires_grad=False),
            torch.ones(1),
        ]
    )
    assert [isinstance(t, nn.Parameter) for t in back] == [True, False, True, False]
    assert [t.requires_grad for t in back] == [True, True, False, False]


def test_shared_memory_is_written_once_and_shared_again():
    model = nn.Sequential(nn.Linear(100, 100, bias=False), nn.Linear(100, 100, bias=False))
    model[1].weight = model[0].weight
    file = io.BytesIO()
    save(model.state_dict(), file)
    assert len(file.getvalue()) < 1.5 * 40_000
    file.seek(0)
    state = load(file)
    state["0.weight"].fill_(5)
    assert state["1.weight"][0, 0].item() == 5


def test_a_whole_checkpoint(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    save(
        {"model": model.state_dict(), "optim": optimizer.state_dict(), "epoch": 3},
        tmp_path / "checkpoint.safetensors",
    )

    checkpoint = load(str(tmp_path / "checkpoint.safetensors"))
    twin = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    other = optim.Adam(twin.parameters())
    assert str(twin.load_state_dict(checkpoint["model"])) == "<All keys matched successfully>"
    assert checkpoint["model"]._metadata == model.state_dict()._metadata
    other.load_state_dict(checkpoint["optim"])
    assert (
        checkpoint["epoch"] == 3
        and other.param_groups[0]["lr"] == 0.01
        and other.param_groups[0]["betas"] == (0.9, 0.999)
    )
    for a, b in zip(model.parameters(), twin.parameters()):
        assert torch.equal(a, b) and torch.equal(
            optimizer.state[a]["exp_avg_sq"], other.state[b]["exp_avg_sq"]
        )
    assert float(other.state[next(twin.parameters())]["step"]) == 1


def test_devices(device):
    tensor = torch.arange(4.0).to(device)
    assert round_trip(tensor).device == tensor.device
    assert round_trip(tensor, map_location="cpu").device.type == "cpu"
    assert round_trip(tensor, map_location={str(tensor.device): "cpu"}).device.type == "cpu"
    assert round_trip(tensor, map_location=lambda storage, location: storage).device.type == "cpu"
    assert round_trip(tensor, map_location=lambda storage, location: None).device == tensor.device
    assert round_trip(torch.ones(1), map_location=device).device.type == device


# ---- files ----


def test_other_programs_read_and_write_these_files(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    state = {
        "w": torch.arange(6.0).view(2, 3).t(),
        "flag": torch.tensor([True, False]),
        "n": torch.tensor(3, dtype=torch.int8),
    }
    save(state, ours)
    seen = safetensors.load_file(ours)
    assert set(seen) == set(state) and all(np.array_equal(seen[k], state[k].numpy()) for k in state)
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array(2.5),
        "c": np.zeros((0, 3), np.int16),
    }
    safetensors.save_file(arrays, theirs, {"who": "someone"})
    back = load(theirs)
    assert set(back) == set(arrays) and all(np.array_equal(back[k].numpy(), arrays[k]) for k in arrays)
    back["a"].fill_(1)


def test_a_new_file_replaces_the_old_one_only_when_complete(tmp_path):
    path = tmp_path / "model.safetensors"
    save({"x": torch.ones(2)}, path)

    class Bad:
        pass

    with pytest.raises(TypeError, match=r"save\(\) cannot write an object of type Bad at 'y'"):
        save({"x": torch.zeros(2), "y": Bad()}, path)
    assert load(path)["x"].tolist() == [1, 1] and os.listdir(tmp_path) == ["model.safetensors"]
    link = tmp_path / "link"
    link.symlink_to(path)
    save({"x": torch.zeros(1)}, link)
    assert link.is_symlink() and load(path)["x"].tolist() == [0]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    from numbatorch import serialization

    path = tmp_path / "model.safetensors"
    save({"x": torch.ones(2)}, path)

    def broken(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(serialization, "_write", broken)
    with pytest.raises(OSError, match="no space left"):
        save({"x": torch.zeros(2)}, path)
    assert load(path)["x"].tolist() == [1, 1] and os.listdir(tmp_path) == ["model.safetensors"]


def test_modules_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"cannot write an object of type Linear.*save its state_dict\(\)"):
        save(nn.Linear(1, 1), io.BytesIO())
    with pytest.raises(RuntimeError, match="Parent directory /nonexistent does not exist"):
        save({}, "/nonexistent/x.pt")
    with pytest.raises(
        AttributeError,
        match="expected 'f' to be string, path, or a file-like object with a 'write' attribute",
    ):
        save({}, 3)
    with pytest.raises(FileNotFoundError):
        load("/nonexistent/x.pt")


def _file(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file is empty"),
        (b"abc", "the file is damaged: it ends in the first 8 bytes"),
        (
            b"PK\x03\x04rest of a zip file",
            r"PyTorch's own format \(.pt, .pth\), which numbatorch cannot read yet",
        ),
        (b"\x80\x02}q\x00.more pickle", r"PyTorch's own format"),
        (b"\xff" * 64, "its first 8 bytes are not the length of a header"),
        (_file(b"{}")[:9], "it ends in the header, after 1 of 2 bytes"),
        (_file(b"hello"), "not a safetensors file, or a damaged one"),
        (_file([]), "not a safetensors file, or a damaged one"),
        (_file({"x": ENTRY}, b"1234"), "it ends in tensor 'x', after 4 of 8 bytes"),
        (
            _file({"x": {**ENTRY, "shape": [3]}}, bytes(8)),
            r"tensor 'x', F32\(3,\), cannot be at bytes 0 to 8",
        ),
        (_file({"x": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)), "cannot be at bytes 4 to 12"),
        (_file({"x": ENTRY, "y": ENTRY}, bytes(8)), "cannot be at bytes 0 to 8"),
        (_file({"x": {**ENTRY, "shape": [-2, -1]}}, bytes(8)), "cannot be at bytes 0 to 8"),
        (_file({"x": {**ENTRY, "dtype": "F8_E4M3"}}, bytes(8)), "tensors of type F8_E4M3 are not supported"),
        (_file({"x": {"dtype": "F32"}}, bytes(8)), "a damaged one .KeyError"),
        (
            _file({"__metadata__": {"numbatorch": '{"structure": {"tensor": "gone"}}'}}),
            "a damaged one .KeyError",
        ),
        (
            _file({"__metadata__": {"numbatorch": '{"structure": {"new": 1}}'}}),
            "of a later version of numbatorch: it holds a 'new'",
        ),
        (_file({"__metadata__": {"numbatorch": "not json"}}), "a damaged one .JSONDecodeError"),
    ],
)
def test_damaged_files(tmp_path, content, text):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=text) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_noticed():
    file = io.BytesIO()
    save({"x": torch.arange(3.0), "y": torch.ones(2, dtype=torch.int16)}, file)
    content = file.getvalue()
    for length in range(0, len(content), 3):
        with pytest.raises(RuntimeError):
            load(io.BytesIO(content[:length]))


def test_several_objects_in_one_file():
    file = io.BytesIO()
    save([1], file)
    save({"x": torch.ones(1)}, file)
    file.seek(0)
    assert load(file) == [1] and load(file)["x"].item() == 1
