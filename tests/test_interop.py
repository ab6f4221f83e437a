"""Tensors and the rest of Python: NumPy, DLPack, pickle, copies, numbers, old type names, notebooks."""

import copy
import pickle

import numpy as np
import pytest

import numbatorch as torch


def test_numpy_shares_memory_both_ways():
    array = np.arange(6.0).reshape(2, 3)
    tensor = torch.from_numpy(array)
    tensor[0, 0] = 10
    array[1, 2] = 20
    assert array[0, 0] == 10 and tensor[1, 2].item() == 20
    tensor.add_(1)
    assert array[0, 0] == 11
    back = tensor.numpy()
    back[0, 1] = -1
    assert tensor[0, 1].item() == -1
    assert torch.from_numpy(array.T).stride() == (1, 3)


def test_numpy_functions_take_tensors():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(x).tolist() == [[1, 2], [3, 4]]
    assert np.sum(x.numpy()) == 10
    assert np.array(x, dtype=np.float64).dtype == np.float64
    assert torch.allclose(np.exp(x), x.exp()) and np.isnan(x).dtype is torch.uint8


def test_operators_with_numpys_arrays():
    array = np.arange(4)
    x, two = torch.arange(4), torch.tensor(2)
    for same in (array == two, two == array):
        assert isinstance(same, torch.Tensor) and same.tolist() == [False, False, True, False]
    assert (array < two).tolist() == [True, True, False, False] and (array != x).any().item() is False
    assert np.where(array == two)[0].tolist() == [2]
    for result in (x + array, x * 2.0 / array.clip(1), x - array, array / (x + 1)):
        assert isinstance(result, torch.Tensor)
    assert (x + np.ones((2, 4))).dtype is torch.float64 and (x + np.ones((2, 4))).shape == (2, 4)
    y = x
    y += array
    assert y.tolist() == [0, 2, 4, 6] and x.tolist() == [0, 1, 2, 3], "a new tensor, as in PyTorch"
    with pytest.raises(TypeError):
        array * x
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        torch.ones(4, requires_grad=True) * array


@pytest.mark.parametrize("array, error, text", [
    (np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_"),
    (np.arange(3)[::-1], ValueError, "negative"),
    (np.arange(3, dtype=">i8"), ValueError, "byte order"),
])  # fmt: skip
def test_arrays_that_cannot_be_tensors(array, error, text):
    with pytest.raises(error, match=text):
        torch.from_numpy(array)


def test_dlpack_with_numpy():
    x = torch.arange(4.0)
    array = np.from_dlpack(x)
    back = torch.from_dlpack(array)
    x[0] = 7
    assert array[0] == 7 and back[0].item() == 7
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError):
        np.from_dlpack(x.requires_grad_())


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int64", "bool", "complex64"])
def test_pickle_and_deepcopy(dtype):
    x = torch.tensor([[0, 1], [2, 3]]).to(getattr(torch, dtype)).t()
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x)):
        assert y.dtype is x.dtype and y.tolist() == x.tolist()
    x = torch.ones(2, requires_grad=True)
    assert copy.deepcopy(x).requires_grad and pickle.loads(pickle.dumps(x)).requires_grad
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)


def test_numbers():
    x = torch.tensor(3)
    assert (int(x), float(x), bool(x), [10, 11, 12, 13][x], f"{torch.tensor(1.5):.2f}") == (
        3,
        3.0,
        True,
        13,
        "1.50",
    )
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        torch.ones(2).item()
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        bool(torch.ones(2))
    with pytest.raises(TypeError, match="len\\(\\) of a 0-d tensor"):
        len(x)
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        list(x)
    assert [r.tolist() for r in torch.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert 2 in torch.tensor([1, 2]) and 5 not in torch.tensor([1, 2])


def test_operators_leave_strangers_alone():
    class Stranger:
        def __radd__(self, other):
            return "mine"

    assert torch.ones(2) + Stranger() == "mine"
    with pytest.raises(TypeError, match="unsupported operand type"):
        torch.ones(2) + "text"


def test_old_type_names(device):
    assert torch.FloatTensor([1, 2]).dtype is torch.float32
    assert torch.LongTensor(2, 3).shape == (2, 3)
    assert torch.Tensor(5, 3).shape == (5, 3) and torch.Tensor([1, 2]).tolist() == [1, 2]
    assert torch.ones(2).type() == "torch.FloatTensor"
    assert torch.ones(2).type(torch.DoubleTensor).dtype is torch.float64
    assert torch.ones(2).type("torch.cuda.LongTensor").device.type == "cuda"
    assert isinstance(torch.ones(2), torch.FloatTensor) and not isinstance(torch.ones(2), torch.LongTensor)
    x = torch.ones(2, device=device)
    assert x.type() == ("torch.FloatTensor" if device == "cpu" else "torch.cuda.FloatTensor")
    with pytest.raises(ValueError, match="invalid type"):
        x.type("torch.StrangeTensor")


@pytest.mark.parametrize("data, text", [
    ([[1, 2], [3]], "expected sequence of length 2 at dim 1 \\(got 1\\)"),
    ([[1, 2], 3], "not a sequence|expected sequence"),
    (["a"], "invalid data type 'str'"),
    (object(), "Could not infer dtype of object"),
])  # fmt: skip
def test_data_that_is_no_tensor(data, text):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=text):
        torch.tensor(data)


def test_data():
    assert torch.tensor([]).shape == (0,) and torch.tensor([[]]).shape == (1, 0)
    assert torch.tensor([1, 2.5]).dtype is torch.float32 and torch.tensor([True, False]).dtype is torch.bool
    assert torch.tensor([1, 2j]).dtype is torch.complex64 and torch.tensor([1, True]).dtype is torch.int64
    assert torch.tensor([torch.tensor(1), 2]).tolist() == [1, 2]
    assert torch.tensor(np.float64(2.5)).dtype is torch.float64
    assert torch.tensor(range(3)).tolist() == [0, 1, 2]
    x = torch.tensor([1.0, 2.0], dtype=torch.bfloat16)
    assert x.dtype is torch.bfloat16 and x.tolist() == [1, 2]


def test_to(device):
    x = torch.ones(2)
    assert x.to(torch.float32) is x and x.to("cpu") is x
    y = x.to(device, torch.float64)
    assert y.dtype is torch.float64 and y.device.type == device
    assert x.to(y).device == y.device and x.to(torch.float32, copy=True) is not x
    assert y.cpu().tolist() == [1, 1]
    x.requires_grad_()
    x.to(device).double().sum().backward()
    assert x.grad.tolist() == [1, 1] and x.grad.dtype is torch.float32 and x.grad.device.type == "cpu"
    with pytest.raises(TypeError, match="received an invalid combination of arguments"):
        x.to(1.5)


def test_mixing_devices_is_an_error():
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        torch.ones(2) + torch.ones(2, device="cuda")
    assert (torch.ones(2, device="cuda") * torch.tensor(2.0)).tolist() == [2, 2]


def test_html_for_notebooks():
    html = torch.ones(3, 4, requires_grad=True)._repr_html_()
    assert "3" in html and "float32" in html and len(html) < 50_000
    assert len(torch.zeros(500, 500)._repr_html_()) < 50_000


def test_cuda_array_interface():
    x = torch.ones(2, 3, device="cuda")
    interface = x.__cuda_array_interface__
    assert (
        interface["shape"] == (2, 3)
        and interface["typestr"] == "<f4"
        and interface["data"][0] == x.data_ptr()
    )
    with pytest.raises(AttributeError):
        torch.ones(2).__cuda_array_interface__
