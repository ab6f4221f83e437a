"""`device` objects and the default device."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from numbatorch.device import device as Device
from numbatorch.device import get_default_device, set_default_device


@pytest.mark.parametrize(
    ("arguments", "text", "type", "index"),
    [
        (("cpu",), "cpu", "cpu", None),
        (("cuda",), "cuda", "cuda", None),
        (("cuda:1",), "cuda:1", "cuda", 1),
        (("cuda", 1), "cuda:1", "cuda", 1),
        (("cpu", None), "cpu", "cpu", None),
        ((2,), "cuda:2", "cuda", 2),
        (("mps",), "mps", "mps", None),
    ],
)
def test_parts(arguments, text, type, index):
    device = Device(*arguments)
    assert (device.type, device.index, str(device)) == (type, index, text)
    assert repr(device) == (
        f"device(type='{type}')" if index is None else f"device(type='{type}', index={index})"
    )


def test_equal_devices_are_one():
    assert Device("cuda:0") is Device("cuda", 0) is Device(0) is Device(Device("cuda:0"))
    assert Device("cuda") != Device("cuda:0") and Device("cpu") != "cpu"
    assert {Device("cuda", 1): "x"}[Device("cuda:1")] == "x"
    for device in (Device("cpu"), Device("cuda:3")):
        assert pickle.loads(pickle.dumps(device)) is device
        assert copy.copy(device) is device and copy.deepcopy(device) is device


def test_devices_do_not_change():
    with pytest.raises(
        AttributeError, match=r"^attribute 'index' of 'torch.device' objects is not writable$"
    ):
        Device("cuda").index = 1


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("",), RuntimeError, "Device string must not be empty"),
        (("cuda:",), RuntimeError, "Invalid device string: 'cuda:'"),
        (("cuda:01",), RuntimeError, "Invalid device string: 'cuda:01'"),
        (("cuda:-1",), RuntimeError, "Invalid device string: 'cuda:-1'"),
        (("cuda:0:1",), RuntimeError, "Invalid device string: 'cuda:0:1'"),
        (("cuda0",), RuntimeError, "Invalid device string: 'cuda0'"),
        (("gpu:1",), RuntimeError,
         "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, "
         "lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: gpu"),
        (("cuda:0", 0), RuntimeError,
         "type (string) must not include an index because index was passed explicitly: cuda:0"),
        (("cuda", -1), RuntimeError, "Device index must not be negative"),
        ((-1,), RuntimeError, "Device index must not be negative"),
        (("cuda", "0"), TypeError, "device(): argument 'index' (position 2) must be int, not str"),
        ((Device("cuda"), 1), TypeError,
         "device(): argument 'type' (position 1) must be str, not torch.device"),
        ((1.5,), TypeError,
         "device() received an invalid combination of arguments - got (float), but expected one of:"),
        ((None,), TypeError,
         "device() received an invalid combination of arguments - got (NoneType), but expected one of:"),
    ],
)  # fmt: skip
def test_errors(arguments, error, text):
    with pytest.raises(error) as raised:
        Device(*arguments)
    assert str(raised.value).splitlines()[0] == text


def test_default_device_of_with_blocks():
    assert get_default_device() is Device("cpu")
    with Device("cuda") as outer:
        assert get_default_device() is outer is Device("cuda")
        with Device("cpu"), outer, outer:
            assert get_default_device() is outer
        with pytest.raises(KeyError), Device("cuda:1"):
            raise KeyError
        assert get_default_device() is outer
    assert get_default_device() is Device("cpu")


def test_set_default_device():
    try:
        set_default_device("cuda")
        assert get_default_device() is Device("cuda")
        with Device("cpu"):
            assert get_default_device() is Device("cpu")
            set_default_device(Device("cuda:1"))
            assert get_default_device() is Device("cpu")
        assert get_default_device() is Device("cuda:1")
        with pytest.raises(RuntimeError, match="at start of device string: gpu"):
            set_default_device("gpu")
    finally:
        set_default_device(None)
    assert get_default_device() is Device("cpu")


def test_default_device_is_of_the_thread():
    seen = []
    with Device("cuda"):
        thread = threading.Thread(target=lambda: seen.append(get_default_device()))
        thread.start()
        thread.join()
    assert seen == [Device("cpu")]
