"""`save` and `load`: what goes in comes out of every format, and bad files say what is wrong with them.

What no file may do is in test_hostile_checkpoints.py, and that PyTorch reads and writes the same is in
parity/test_serialization_parity.py.
"""

import argparse
import copy
import gc
import io
import json
import math
import os
import pickle
import stat
import struct
import weakref
import zipfile
from collections import OrderedDict
from pathlib import Path

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


FORMATS = ["pt", "safetensors"]


class File(io.BytesIO):
    """A file in memory with a name, which decides on the format."""

    def __init__(self, ending, content=b""):
        super().__init__(content)
        self.name = f"memory.{ending}"


@pytest.fixture(params=FORMATS)
def ending(request):
    return request.param


def round_trip(obj, ending="pt", **options):
    file = File(ending)
    save(obj, file)
    file.seek(0)
    return load(file, **options)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_every_dtype_and_shape(name, shape, ending):
    dtype = getattr(torch, name)
    tensor = (torch.arange(math.prod(shape)).reshape(shape) + 1).to(dtype)
    if dtype.is_complex:
        tensor = tensor * (1 + 2j)
    back = round_trip(tensor, ending)
    assert back.dtype is dtype and back.shape == shape and torch.equal(back, tensor)


def test_layouts(ending):
    tensor = torch.arange(12.0).view(3, 4)
    for view in (tensor.t(), tensor[:, ::2], tensor[1:, 1:], tensor[0], tensor.expand(2, 3, 4)):
        back = round_trip({"x": view}, ending)["x"]
        assert torch.equal(back, view)
        assert back.stride() == view.stride() if ending == "pt" else back.is_contiguous()


def test_views_share_their_memory_again():
    tensor = torch.arange(12.0).view(3, 4)
    whole, part, turned = round_trip([tensor, tensor[1:, 1:], tensor.t()])
    assert part.storage_offset() == 5
    whole[1, 1] = 50.0
    assert part[0, 0].item() == turned[1, 1].item() == 50 and part._version == 1
    with pytest.raises(
        RuntimeError, match="Cannot save multiple tensors or storages that view the same data as diff"
    ):
        save([z := torch.ones(2, dtype=torch.complex64), torch.view_as_real(z)], io.BytesIO())


def test_nested_objects(ending):
    obj = {
        "a": [1, 2.5, True, None, "text"],
        "b": (torch.ones(2), {"deep": torch.zeros(1)}),
        3: {(1, 2): "tuple key", 1.5: "float key", None: "none key", False: "bool key"},
        "numbers": [math.inf, -math.inf, 2**80, 1 - 2j, np.float32(0.5), np.int64(7)],
        "types": [torch.float16, torch.device("cpu"), torch.Size([2, 3])],
        "ordered": OrderedDict(z=1, a=2),
        "empty": [{}, [], ()],
    }
    back = round_trip(obj, ending)
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
    assert math.isnan(round_trip(math.nan, ending)) and round_trip("just text", ending) == "just text"


def test_names_that_meet(ending):
    back = round_trip(
        {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}, "__metadata__": torch.full((1,), 2.0)}, ending
    )
    assert [back["a.b"].item(), back["a"]["b"].item(), back["__metadata__"].item()] == [1, 0, 2]


def test_parameters_and_requires_grad(ending):
    back = round_trip(
        [
            nn.Parameter(torch.ones(2)),
            torch.ones(1, requires_grad=True),
            nn.Parameter(torch.ones(1), requires_grad=False),
            torch.ones(1),
        ],
        ending,
    )
    assert [isinstance(t, nn.Parameter) for t in back] == [True, False, True, False]
    assert [t.requires_grad for t in back] == [True, True, False, False]


def test_shared_memory_is_written_once_and_shared_again(ending):
    model = nn.Sequential(nn.Linear(100, 100, bias=False), nn.Linear(100, 100, bias=False))
    model[1].weight = model[0].weight
    file = File(ending)
    save(model.state_dict(), file)
    assert len(file.getvalue()) < 1.5 * 40_000
    file.seek(0)
    state = load(file)
    state["0.weight"].fill_(5)
    assert state["1.weight"][0, 0].item() == 5


def test_a_whole_checkpoint(tmp_path, ending):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    save(
        {"model": model.state_dict(), "optim": optimizer.state_dict(), "epoch": 3},
        tmp_path / f"checkpoint.{ending}",
    )

    checkpoint = load(str(tmp_path / f"checkpoint.{ending}"))
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


def test_devices(device, ending):
    tensor = torch.arange(4.0).to(device)

    def back(map_location, tensor=tensor):
        found = round_trip(tensor, ending, map_location=map_location)
        assert found.tolist() == tensor.tolist()
        return found.device

    assert back(None) == tensor.device
    assert back("cpu").type == back(torch.device("cpu")).type == "cpu"
    assert back({str(tensor.device): "cpu"}).type == "cpu"
    assert back(lambda storage, location: storage).type == "cpu"
    assert back(lambda storage, location: None) == tensor.device
    assert back(lambda storage, location: storage if device == "cpu" else storage.cuda(0)) == tensor.device
    assert back(device, torch.ones(1)).type == device


def test_devices_that_are_not_there():
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        round_trip(torch.ones(1), map_location="mps")
    with pytest.raises(RuntimeError, match=r"Attempting to deserialize object on (a )?CUDA device"):
        round_trip(torch.ones(1), map_location="cuda:7")
    with pytest.raises(TypeError, match="map_location"):
        round_trip(torch.ones(1), map_location=3)


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


def test_a_new_file_replaces_the_old_one_only_when_complete(tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    save({"x": torch.ones(2)}, path)

    with pytest.raises(TypeError, match=r"save\(\) cannot write an object of type generator at 'y'"):
        save({"x": torch.zeros(2), "y": (i for i in "abc")}, path)
    assert load(path)["x"].tolist() == [1, 1] and os.listdir(tmp_path) == [path.name]
    link = tmp_path / f"link.{ending}"
    link.symlink_to(path)
    save({"x": torch.zeros(1)}, link)
    assert link.is_symlink() and load(path)["x"].tolist() == [0]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch, ending):
    from numbatorch.serialization import checkpoint, tensorfile

    path = tmp_path / f"model.{ending}"
    save({"x": torch.ones(2)}, path)

    def broken(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint if ending == "pt" else tensorfile, "_write", broken)
    with pytest.raises(OSError, match="no space left"):
        save({"x": torch.zeros(2)}, path)
    assert load(path)["x"].tolist() == [1, 1] and os.listdir(tmp_path) == [path.name]


def test_large_files_replace_each_other(tmp_path):
    path = tmp_path / "large.pt"
    for value in range(3):
        save({"x": torch.full((1 << 21,), value), "y": torch.full((1 << 18,), float(value))}, path)
        back = load(path)
        assert (back["x"] == value).all() and (back["y"] == value).all()
    mapped = load(path, mmap=True)["x"]
    mapped[0] = 7  # of its own: the file stays
    assert mapped[1].item() == 2 and load(path)["x"][0].item() == 2


def test_paths_and_files_that_are_none():
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
        (b"PK\x03\x04rest of a zip file", "failed finding central directory"),
        (b"\x80\x02}q\x00.more pickle", "a bare pickle, and no checkpoint"),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
            "PyTorch's format from before version 1.6",
        ),
        (bytes(257) + b"ustar" + bytes(300), "PyTorch's format from before version 1.6"),
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


def test_every_truncation_is_noticed(ending):
    file = File(ending)
    save({"x": torch.arange(3.0), "y": torch.ones(2, dtype=torch.int16)}, file)
    content = file.getvalue()
    for length in range(0, len(content), 3 if ending == "safetensors" else 17):
        with pytest.raises(RuntimeError):
            load(io.BytesIO(content[:length]))


def test_several_objects_in_one_file():
    file = File("safetensors")
    save([1], file)
    save({"x": torch.ones(1)}, file)
    file.seek(0)
    assert load(file) == [1] and load(file)["x"].item() == 1


# ---- PyTorch's format


def test_a_file_that_pytorch_wrote():
    found = load(Path(__file__).parent / "checkpoints" / "pytorch.pt", map_location="cpu")
    dtypes = found["dtypes"]
    assert [str(t.dtype) for t in dtypes] == [f"torch.{name}" for name in DTYPES]
    assert all(t.to(torch.complex128).tolist() == [0, 1, 1] for t in dtypes)
    assert found["view"].tolist() == [[5.0, 6.0, 7.0], [9.0, 10.0, 11.0]] and found["turned"].stride() == (
        1,
        4,
    )
    found["turned"][1, 1] = -5.0
    assert found["view"][0, 0].item() == -5
    assert isinstance(found["parameter"], nn.Parameter) and found["leaf"].requires_grad
    assert nn.Linear(2, 3).load_state_dict(found["state"]) and found["state"]._metadata[""] == {"version": 1}
    assert found["python"] == [
        1,
        -2,
        2**70,
        0.5,
        1j,
        "text",
        b"bytes",
        None,
        True,
        (1, (2,)),
        {3},
        torch.Size([4, 5]),
    ]
    assert found["kinds"] == [torch.float16, torch.device("cuda:1")]
    assert (
        found["adam"]["param_groups"][0]["betas"] == (0.9, 0.999) and found["adam"]["state"][0]["step"] == 1
    )


def test_names_of_files_and_what_is_in_them(tmp_path):
    save({"x": torch.ones(2)}, tmp_path / "model.pth")
    content = (tmp_path / "model.pth").read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    assert [name.partition("/")[2] for name in archive.namelist()] == [
        "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "version", ".data/serialization_id"
    ]  # fmt: skip
    assert archive.namelist()[0] == "model/data.pkl" and archive.read("model/data/0") == struct.pack(
        "<2f", 1, 1
    )
    assert content.index(struct.pack("<2f", 1, 1)) % 64 == 0
    with open(tmp_path / "model.pth", "rb") as file:
        assert load(file)["x"].tolist() == [1, 1]


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])
def test_many_items(count):
    for obj in (
        list(range(count)),
        dict.fromkeys(range(count), "x"),
        OrderedDict.fromkeys(range(count)),
        set(range(count)),
    ):
        assert round_trip(obj) == obj


def test_numpy_numbers_and_arrays():
    back = round_trip(
        {"loss": np.float64(0.5), "count": np.int32(3), "curve": np.arange(6.0).reshape(2, 3).T}
    )
    assert back["loss"] == 0.5 and type(back["loss"]) is np.float64 and type(back["count"]) is np.int32
    assert np.array_equal(back["curve"], np.arange(6.0).reshape(2, 3).T)


class Settings:
    def __init__(self):
        self.width = 3


def test_classes_are_admitted_one_by_one():
    file = io.BytesIO()
    save({"settings": Settings(), "args": argparse.Namespace(lr=0.1)}, file)
    for weights_only in (None, True, False):
        file.seek(0)
        with pytest.raises(
            pickle.UnpicklingError, match="GLOBAL .*Settings was not an allowed global by default"
        ) as caught:
            load(file, weights_only=weights_only)
        assert "never runs code" in str(caught.value)
    file.seek(0)
    with torch.serialization.safe_globals([Settings, argparse.Namespace]):
        back = load(file)
    assert (
        back["settings"].width == 3
        and back["args"].lr == 0.1
        and torch.serialization.get_safe_globals() == []
    )
    torch.serialization.add_safe_globals([(Settings, "elsewhere.Settings")])
    assert len(torch.serialization.get_safe_globals()) == 1
    torch.serialization.clear_safe_globals()


def test_objects_that_share_and_contain_themselves():
    shared = [1]
    obj = [shared, shared, {"x": shared}]
    obj.append(obj)
    back = round_trip(obj)
    assert back[0] is back[1] is back[2]["x"] and back[3] is back
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError, match="nested so deeply"):
        save(deep, io.BytesIO())


def test_npz(tmp_path):
    state = {
        "w": torch.arange(6.0).view(2, 3),
        "n": torch.tensor(3),
        "array": np.ones(2, np.int16),
        "number": 2.5,
    }
    save(state, tmp_path / "state.npz")
    with np.load(tmp_path / "state.npz") as arrays:
        assert {name: arrays[name].tolist() for name in arrays} == {
            "w": [[0, 1, 2], [3, 4, 5]], "n": 3, "array": [1, 1], "number": 2.5
        }  # fmt: skip
    back = load(tmp_path / "state.npz")
    assert (
        back["w"].dtype is torch.float32
        and back["n"].dtype is torch.int64
        and back["array"].tolist() == [1, 1]
    )
    for bad in ([1], {"x": "text"}, {"x": torch.ones(1, dtype=torch.bfloat16)}):
        with pytest.raises(TypeError, match="npz|NumPy"):
            save(bad, tmp_path / "bad.npz")


def test_pickle_and_deepcopy():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    optimizer = optim.Adam(model.parameters())
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    for again in (pickle.loads(pickle.dumps((model, optimizer))), copy.deepcopy((model, optimizer))):
        twin, other = again
        assert str(twin) == str(model) and twin[0].weight is other.param_groups[0]["params"][0]
        assert all(
            torch.equal(a, b) and a is not b
            for a, b in zip(model.state_dict().values(), twin.state_dict().values())
        )
        assert str(other.state_dict()) == str(optimizer.state_dict())
    x = torch.ones(2, requires_grad=True)
    back = pickle.loads(pickle.dumps([x, x.detach(), torch.float16, torch.Size([1]), torch.device("cpu")]))
    assert (
        back[0].requires_grad
        and not back[1].requires_grad
        and back[2:] == [torch.float16, torch.Size([1]), torch.device("cpu")]
    )


def test_files_that_cannot_be_sought():
    class Pipe:
        def read(self, count=-1):
            return b""

    with pytest.raises(AttributeError, match="You can only torch.load from a file that is seekable"):
        load(Pipe())
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        load(io.BytesIO(), mmap=True)


def test_large_and_small_records_by_way_of_a_file_and_of_a_buffer(tmp_path):
    state = {name: torch.arange(n) for name, n in (("large", 5_000_011), ("none", 0), ("small", 3))}
    buffer = io.BytesIO()
    torch.save(state, tmp_path / "state.pt")
    torch.save(state, buffer)
    buffer.seek(0)
    for source in (tmp_path / "state.pt", buffer):
        found = torch.load(source)
        assert all(torch.equal(found[name], value) for name, value in state.items())
    with open(tmp_path / "state.pt", "r+b") as file:
        file.seek(30_000_000)
        file.write(b"damage")
    with pytest.raises(RuntimeError, match="the record's checksum is"):
        torch.load(tmp_path / "state.pt")


@pytest.mark.parametrize("ending", [*FORMATS, "npz"])
def test_loaded_memory_is_freed_without_the_garbage_collector(ending, tmp_path):
    path = tmp_path / f"state.{ending}"
    save({"x": torch.zeros(1 << 19), "y": torch.zeros(3)}, path)
    load(path)
    gc.collect()
    gc.disable()
    try:
        loaded, memory = load(path), []
        for tensor in loaded.values():
            array = tensor.numpy()
            while isinstance(array, np.ndarray):
                memory.append(weakref.ref(array))
                array = array.base
        del loaded, tensor, array
        assert memory and all(array() is None for array in memory)
    finally:
        gc.enable()


def test_who_decides_on_a_place_sees_the_data(tmp_path):
    torch.save(torch.tensor([1, 2], dtype=torch.uint8), tmp_path / "x.pt")
    seen = []
    torch.load(tmp_path / "x.pt", map_location=lambda storage, location: seen.append(storage.tolist()))
    assert seen == [[1, 2]]
