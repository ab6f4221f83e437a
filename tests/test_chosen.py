"""Scattering, reducing by index, shapes in place, memory: what needs no PyTorch to be checked."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.autograd import gradcheck, gradgradcheck

PLACES = torch.tensor([[0, 2, 1], [2, 2, 0]])
ROWS = torch.tensor([2, 0, 2, 1])
FLAT = torch.tensor([0, -1, 4])
MASK = torch.tensor([[True, False, True], [False, True, True], [False, False, True]])


def draw(*shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(sum(shape)).uniform(0.5, 2, shape), requires_grad=True)


WRITES = {
    "scatter": lambda x, s: x.scatter(0, PLACES[:1], s[:1]),
    "scatter_add": lambda x, s: x.scatter_add(0, PLACES, s[:2, :3]),
    "scatter_reduce sum": lambda x, s: x.scatter_reduce(0, PLACES, s[:2, :3], "sum"),
    "scatter_reduce prod": lambda x, s: x.scatter_reduce(0, PLACES, s[:2, :3], "prod"),
    "scatter_reduce mean": lambda x, s: x.scatter_reduce(0, PLACES, s[:2, :3], "mean", include_self=False),
    "scatter_reduce amax": lambda x, s: x.scatter_reduce(0, PLACES, s[:2, :3], "amax"),
    "scatter_reduce amin": lambda x, s: x.scatter_reduce(0, PLACES, s[:2, :3], "amin", include_self=False),
    "index_add": lambda x, s: x.index_add(0, ROWS, s, alpha=2),
    "index_copy": lambda x, s: x.index_copy(0, ROWS[1:], s[1:]),
    "index_reduce prod": lambda x, s: x.index_reduce(0, ROWS, s, "prod"),
    "index_reduce mean": lambda x, s: x.index_reduce(0, ROWS, s, "mean", include_self=False),
    "index_reduce amax": lambda x, s: x.index_reduce(0, ROWS, s, "amax"),
    "index_put": lambda x, s: x.index_put((ROWS[:2],), s[:2]),
    "index_put accumulate": lambda x, s: x.index_put((ROWS,), s, accumulate=True),
    "put": lambda x, s: x.put(FLAT, s[0]),
    "put accumulate": lambda x, s: x.put(FLAT // 4, s[0], accumulate=True),
    "masked_scatter": lambda x, s: x.masked_scatter(MASK, s),
    "as_strided_scatter": lambda x, s: x.as_strided_scatter(s[:2, :2], (2, 2), (3, 1), 1),
    "t_": lambda x, s: (x * 1).t_() @ s[:3],
    "a view reshaped in place": lambda x, s: (x * 1)[:2].unsqueeze_(0).transpose_(0, 1) * s[:3],
    "as_strided of a transpose": lambda x, s: x.T.as_strided((2, 3), (1, 2), 1) * s[:2],
}


@pytest.mark.parametrize("name", WRITES)
def test_gradients_to_the_second_order(name):
    operands = (draw(3, 3), draw(4, 3))
    assert gradcheck(WRITES[name], operands)
    assert gradgradcheck(WRITES[name], operands)


@pytest.mark.parametrize("name", [n for n in WRITES if " of " not in n and "_" != n[-1]])
def test_cuda_writes_what_the_cpu_writes(name):
    x, s = draw(3, 3).detach(), draw(4, 3).detach()
    where = {"PLACES": PLACES, "ROWS": ROWS, "FLAT": FLAT, "MASK": MASK}
    expected = WRITES[name](x, s)
    try:
        globals().update({k: v.to("cuda") for k, v in where.items()})
        found = WRITES[name](x.to("cuda"), s.to("cuda"))
    finally:
        globals().update(where)
    np.testing.assert_allclose(found.cpu().numpy(), expected.numpy(), rtol=1e-12)


def test_a_million_sums_to_few_places_are_the_same_every_time():
    index = torch.randint(0, 7, (1 << 18,))
    source = torch.randn(1 << 18)
    first = torch.zeros(7).index_add_(0, index, source)
    for _ in range(3):
        assert torch.equal(first, torch.zeros(7).index_add_(0, index, source))
        assert torch.equal(first, torch.zeros(7).scatter_add_(0, index, source))


# --- shapes in place


def test_in_place_shapes_keep_the_tensor_and_its_memory():
    x = torch.arange(6)
    same, memory = x, x.data_ptr()
    x.unsqueeze_(0).transpose_(0, 1).squeeze_(1).resize_(2, 3).t_()
    assert same is x and x.data_ptr() == memory
    assert x.shape == (3, 2) and x.stride() == (1, 3)
    assert x._version == 5


def test_a_leaf_keeps_its_shape():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
        torch.ones(2, 3, requires_grad=True).t_()
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        torch.ones(2, 3, requires_grad=True).resize_(2)


def test_memory_grows_and_keeps_its_elements():
    x = torch.arange(3)
    view = x[1:]
    x.resize_(5)
    assert x[:3].tolist() == [0, 1, 2] and view.tolist() == [1, 2]
    x[:] = 7
    x.resize_(2)
    assert x.tolist() == [7, 7]


def test_views_of_memory_that_grew_for_another_keep_their_place():
    x = torch.arange(6).view(3, 2)
    first, second = x[1], x[2]
    first.resize_(9).fill_(7)
    assert second.storage_offset() == 4 and second.resize_(7)[:2].tolist() == [4, 5]
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_several_results_go_into_as_many_tensors():
    x = torch.eye(3)
    for call in (torch.linalg.lu, torch.linalg.slogdet, torch.sort, lambda x, out: torch.topk(x, 2, out=out)):
        with pytest.raises(TypeError, match="argument 'out' must be tuple of Tensors, not Tensor"):
            call(x, out=x)


def test_set_shares_memory():
    x, y = torch.arange(4.0), torch.empty(0)
    y.set_(x.untyped_storage(), 1, (2,), (2,))
    y += 10
    assert x.tolist() == [0, 11, 2, 13]
    assert y.storage_offset() == 1 and y.untyped_storage() == x.untyped_storage()
    assert torch.zeros(2).set_(x).is_set_to(x[:])


def test_offsets_count_from_the_start_of_the_memory():
    x = torch.arange(6)
    assert x[2:].as_strided((2,), (1,), 0).tolist() == [0, 1]
    assert x[2:].as_strided((2,), (1,)).tolist() == [2, 3]
    assert x[2:].detach().storage_offset() == 2
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 48"):
        x[2:].as_strided((5,), (1,), 2)


def test_out_is_resized(device):
    x, empty = torch.arange(6.0, device=device).view(2, 3), torch.empty(0, device=device)
    index = torch.tensor([[2, 0]], device=device)
    assert torch.gather(x, 1, index, out=empty) is empty
    assert empty.tolist() == [[2, 0]]
    assert torch.add(x, 1, out=torch.empty(0, device=device)).tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.warns(UserWarning, match="An output with one or more elements was resized"):
        assert torch.mul(x, 2, out=torch.ones(1, device=device)).shape == (2, 3)
    with pytest.raises(
        RuntimeError, match="Expected out tensor to have dtype float, but got long int instead"
    ):
        torch.gather(x, 1, index, out=torch.zeros(1, 2, dtype=torch.int64, device=device))


def test_storage_is_deprecated():
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        storage = torch.arange(3.0)[1:].storage()
    assert storage.tolist() == [0, 1, 2] and storage.nbytes() == 12 and storage.type() == "torch.FloatStorage"


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_memory_formats(shape, device):
    format = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    x = torch.rand(shape, device=device, requires_grad=True)
    y = x.contiguous(memory_format=format)
    assert y.is_contiguous(memory_format=format) and not y.is_contiguous() and y.stride()[1] == 1
    assert y.contiguous(memory_format=format) is y
    assert torch.equal(x, y) and torch.equal(y.to(memory_format=torch.contiguous_format), x)
    assert torch.zeros_like(y).stride() == y.clone().stride() == y.stride()
    (y * y).sum().backward()
    assert torch.equal(x.grad, 2 * x)


def test_the_default_type():
    try:
        with pytest.warns(UserWarning, match="set_default_tensor_type"):
            torch.set_default_tensor_type("torch.DoubleTensor")
        assert torch.ones(1).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with pytest.raises(TypeError, match="only floating-point types"):
        torch.set_default_tensor_type(torch.LongTensor)
