"""Index tensors and masks, gather and scatter, joining, arranging, sorting: against NumPy, on both devices,
with gradients to second order."""

import itertools
import re

import numpy as np
import pytest

import numbatorch as torch

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


def array(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 90, shape).astype(np.float64)


def ints(*shape: int, below: int) -> np.ndarray:
    return np.random.default_rng(3).integers(-below, below, shape)


def mask(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).random(shape) < 0.5


def on(device: str, value):
    """NumPy arrays in an index, or anything else, as tensors on a device."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()).to(device)
    return tuple(on(device, v) for v in value) if isinstance(value, tuple) else value


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


# --- x[index]

# Indices of a (4, 3, 5) array for which PyTorch and NumPy agree.
INDICES = {
    "vector": ints(6, below=4),
    "matrix": ints(2, 3, below=4),
    "second": (slice(None), ints(4, below=3)),
    "last": (..., ints(2, 2, below=5)),
    "pair": (ints(6, below=4), ints(6, below=3)),
    "pair that broadcasts": (ints(2, 1, below=4), ints(3, below=3)),
    "apart": (ints(3, below=4), slice(None), ints(3, below=5)),
    "apart that broadcast": (ints(3, 1, below=4), slice(None), ints(2, below=5)),
    "all": (ints(3, below=4), ints(3, below=3), ints(3, below=5)),
    "slice before": (slice(1, 3), ints(4, below=3)),
    "slices around": (slice(None, None, 2), ints(4, below=3), slice(1, 4)),
    "None": (None, ints(3, below=4)),
    "None between": (slice(None), ints(2, below=3), None, ints(2, below=5)),
    "int32": ints(6, below=4).astype(np.int32),
    "list": [0, 2, 2],
    "lists": ([0, 1], [2, -1]),
    "range": range(3),
    "empty": np.zeros(0, np.int64),
    "empty list": [],
    "mask": mask(4),
    "mask of rows": (slice(None), mask(3)),
    "mask of two": mask(4, 3),
    "mask of the last two": (slice(None), mask(3, 5)),
    "mask of all": mask(4, 3, 5),
    "mask and index": (mask(4), slice(None), ints(int(mask(4).sum()), below=5)),
    "list of bools": [True, False, True, True],
    "all False": np.zeros((4, 3), bool),
}
LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.permute(2, 0, 1).clone().permute(1, 2, 0) if isinstance(x, torch.Tensor) else x,
    "every other": lambda x: (
        x[..., None].expand(4, 3, 5, 2).clone()[..., 0] if isinstance(x, torch.Tensor) else x
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_reading(index, layout, device):
    x = array(4, 3, 5)
    found = layout(on(device, x))[on(device, index)]
    np.testing.assert_array_equal(numbers(found), x[index])
    assert found.is_contiguous() and found.device.type == device


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_writing(index, layout, device):
    x = array(4, 3, 5)
    shape = x[index].shape
    value = np.arange(np.prod(shape)).reshape(shape) + 100.0
    for v in (value, value[:1], 7.0):
        t = layout(on(device, x))
        t[on(device, index)] = on(device, v)
        expected = x.copy()
        expected[index] = v
        named = np.zeros_like(x)
        np.add.at(named, index, 1)
        # There, which of several values stays is anyone's guess.
        once = named < 2 if device == "cuda" else slice(None)
        np.testing.assert_array_equal(numbers(t)[once], expected[once])


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_adding_as_often_as_an_element_is_named(index, device):
    x = array(4, 3, 5)
    value = np.arange(np.prod(x[index].shape)).reshape(x[index].shape) + 1.0
    (_seen,) = (
        torch.autograd.grad(
            on(device, x).requires_grad_()[on(device, index)], _leaves := [], on(device, value)
        )
        if False
        else (None,)
    )
    t = on(device, x).requires_grad_()
    (t[on(device, index)] * on(device, value)).sum().backward()
    expected = np.zeros_like(x)
    np.add.at(expected, index, value)
    np.testing.assert_array_equal(numbers(t.grad), expected)


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name, device):
    dtype = getattr(torch, name)
    x = torch.arange(12).view(4, 3).to(dtype).to(device)
    index = torch.tensor([3, 0, 3], device=device)
    plain = x.cpu()
    assert torch.equal(x[index].cpu(), torch.stack([plain[3], plain[0], plain[3]]))
    assert torch.equal(x[:, index[:2] - 1].cpu(), torch.stack([plain[:, 2], plain[:, -1]], 1))
    assert torch.equal(x.gather(1, index[:, None] * 0 + 2).cpu(), plain[:3, 2:])
    y = x.clone()
    y[index] = x[:1]
    assert torch.equal(y.cpu(), plain[[0, 1, 2, 0]])
    total = torch.zeros(2, 3, dtype=dtype, device=device).index_add_(
        0, torch.tensor([1, 0, 1, 1], device=device), x
    )
    expected = plain[[0, 2, 3]].to(torch.complex128 if dtype.is_complex else torch.float64).sum(0).to(dtype)
    assert torch.equal(total.cpu(), torch.stack([plain[1], expected]))
    assert torch.equal(torch.cat((x, x[:1])).cpu()[4], plain[0]) and torch.equal(x.flip(0).cpu()[0], plain[3])
    assert torch.equal(torch.stack((x, x), 1)[:, 1].cpu(), plain) and torch.equal(
        x.tril().cpu()[0, 1:], torch.zeros(2, dtype=dtype)
    )
    if not dtype.is_complex:
        assert torch.equal(x.to(device).flip(0).sort(0)[0].cpu(), plain.sort(0)[0])


def test_large_tensors_are_shared_between_threads():
    rng = np.random.default_rng(0)
    x, rows = rng.standard_normal((3000, 300)), rng.integers(-3000, 3000, 5000)
    columns, grid = rng.integers(0, 300, 200), rng.integers(0, 3000, (3000, 300))
    t = torch.from_numpy(x)
    np.testing.assert_array_equal(t[torch.from_numpy(rows)].numpy(), x[rows])
    np.testing.assert_array_equal(t[:, torch.from_numpy(columns)].numpy(), x[:, columns])
    np.testing.assert_array_equal(t.gather(0, torch.from_numpy(grid)).numpy(), np.take_along_axis(x, grid, 0))
    np.testing.assert_array_equal(t[t > 0].numpy(), x[x > 0])
    np.testing.assert_array_equal((t > 1).nonzero().numpy(), np.argwhere(x > 1))
    np.testing.assert_array_equal(t.flip(0, 1).numpy(), x[::-1, ::-1])
    np.testing.assert_array_equal(torch.cat((t, t), 1).numpy(), np.concatenate((x, x), 1))
    np.testing.assert_array_equal(t.sort(1)[0].numpy(), np.sort(x, 1))
    np.testing.assert_array_equal(t.view(-1).argsort().numpy(), np.argsort(x, axis=None, kind="stable"))
    np.testing.assert_allclose(t.cumsum(0).numpy(), np.cumsum(x, 0), rtol=1e-9, atol=1e-9)
    total, value = np.zeros_like(x), rng.standard_normal((5000, 300))
    np.add.at(total, rows, value)
    index = (torch.from_numpy(rows),)
    np.testing.assert_array_equal(
        torch.zeros(3000, 300, dtype=torch.float64).index_put_(index, torch.from_numpy(value), True).numpy(),
        total,
    )
    along = np.zeros_like(x)
    np.add.at(along, (grid, np.arange(300)[None]), x)
    np.testing.assert_array_equal(
        torch.zeros_like(t).scatter_add_(0, torch.from_numpy(grid), t).numpy(), along
    )


def test_sums_at_repeated_indices_are_the_same_every_time():
    rng = np.random.default_rng(0)
    index, value = (
        torch.from_numpy(rng.integers(0, 50, 200_000)),
        torch.from_numpy(rng.standard_normal((200_000, 2)).astype("f4")),
    )
    runs = [torch.zeros(50, 2).index_add_(0, index, value) for _ in range(3)]
    assert torch.equal(runs[0], runs[1]) and torch.equal(runs[1], runs[2])
    expected = np.zeros((50, 2), "f4")
    np.add.at(expected, index.numpy(), value.numpy())
    np.testing.assert_array_equal(runs[0].numpy(), expected)


def test_the_last_of_several_values_for_one_element_stays():
    x = torch.zeros(3)
    x[torch.tensor([1, 1, 1])] = torch.tensor([1.0, 2.0, 3.0])
    assert x.tolist() == [0, 3, 0]


def test_a_value_that_lies_in_the_same_memory():
    x = torch.arange(5.0)
    with pytest.raises(RuntimeError, match="refer to a single memory location. Please clone"):
        x[torch.tensor([1, 2, 3, 4])] = x[:4]
    assert x.tolist() == [0, 1, 2, 3, 4]


def test_an_index_on_the_cpu_serves_a_tensor_on_the_gpu():
    x = torch.arange(4.0, device="cuda")
    assert x[torch.tensor([3, 0])].tolist() == [3, 0]
    with pytest.raises(
        RuntimeError,
        match=r"indices should be either on cpu or on the same device as the indexed tensor \(cpu\)",
    ):
        torch.arange(4.0)[torch.tensor([0], device="cuda")]


# --- errors: by class and text, and nothing is changed

WRONG = {
    "x[[0, 4]] = 0": (IndexError, "index 4 is out of bounds for dimension 0 with size 4"),
    "x[[0, -5]] = 0": (IndexError, "index -5 is out of bounds for dimension 0 with size 4"),
    "x[[0, 1], [0, 3]] = 0": (IndexError, "index 3 is out of bounds for dimension 1 with size 3"),
    "x[[0, 1]] = i([1, 2])": (RuntimeError, "Index put requires the source and destination dtypes match"),
    "x[[0, 1]] = i([1.0, 2.0])": (
        RuntimeError,
        r"shape mismatch: value tensor of shape \[2\] cannot be broadcast",
    ),
    "x[i([True, False])] = 0": (
        IndexError,
        r"The shape of the mask \[2\] at index 0 does not match the shape of the indexed tensor \[4, 3\]",
    ),
    "x[i([0.0])] = 0": (IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    "x[[0, 1], [0, 1, 2]] = 0": (
        IndexError,
        r"shape mismatch: indexing tensors could not be broadcast together with shapes \[2\], \[3\]",
    ),
    "x.scatter_(0, i([[0, 4]]), 1)": (RuntimeError, "index 4 is out of bounds for dimension 0 with size 4"),
    "x.scatter_add_(1, i([[0, -1]]), x.clone())": (
        RuntimeError,
        "index -1 is out of bounds for dimension 1 with size 3",
    ),
    "x.index_add_(0, i([0, 4]), x[:2].clone())": (
        RuntimeError,
        "index 4 is out of bounds for dimension 0 with size 4",
    ),
    "x.index_copy_(1, i([0, 3]), x[:, :2])": (
        IndexError,
        "index 3 is out of bounds for dimension 1 with size 3",
    ),
    "x.index_fill_(1, i([0, 3]), 7)": (IndexError, "index 3 is out of bounds for dimension 1 with size 3"),
    "x.index_put_((i([0, 9]),), i(1.0), True)": (
        IndexError,
        "index 9 is out of bounds for dimension 0 with size 4",
    ),
    "x.masked_scatter_(x > 0, i([1.0]))": (
        RuntimeError,
        "Number of elements of source < number of ones in mask",
    ),
    "x.gather(0, i([[7]]))": (RuntimeError, "index 7 is out of bounds for dimension 0 with size 4"),
    "x.index_select(0, i([4]))": (IndexError, "index out of range in self"),
    "torch.embedding(x, i([[4]]))": (IndexError, "index out of range in self"),
    "x.take(i([12]))": (IndexError, "out of range: tried to access index 12 on a tensor of 12 elements."),
    "torch.cat((x, x[:, :2]))": (
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for tensor number 1",
    ),
}


@pytest.mark.parametrize("statement", WRONG)
def test_a_mistake_is_told_and_nothing_changed(statement, device):
    kind, text = WRONG[statement]
    later = device == "cuda" and re.search("index -?[0-9]+ is|index out of|out of range", text)
    if later:  # nobody waits for the device: it tells when somebody does
        name = re.search("gather|scatter|index_select|embedding|take|$", statement)[0] or "index"
        kind, text = torch.AcceleratorError, rf"{name}\w*: an index or a value was out of range"
    x = torch.arange(12.0, device=device).view(4, 3)
    with pytest.raises(kind, match=text):
        exec(statement, {"x": x, "i": lambda data: torch.tensor(data, device=device), "torch": torch})
        torch.cuda.synchronize()
    if not later:
        assert x.flatten().tolist() == list(range(12)) and x._version == 0


def test_tensors_on_two_devices_do_not_mix():
    here, there = torch.arange(3.0), torch.arange(3.0, device="cuda")
    index = torch.tensor([0, 1, 2])
    for call in (
        lambda: torch.cat((here, there)),
        lambda: torch.stack((here, there)),
        lambda: there.gather(0, index),
        lambda: there.scatter(0, index, there),
        lambda: here.scatter_add(0, index, there),
        lambda: there.index_select(0, index),
        lambda: here.index_add(0, index, there),
        lambda: torch.embedding(there[:, None], index),
        lambda: here.index_put((index,), there),
        lambda: here.masked_select(there > 1),
    ):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            call()


# --- gradients

ROWS = torch.tensor([2, 0, 2])
ONCE = torch.tensor([2, 0, 1])
PLACES = torch.tensor([[0, 2, 1], [2, 2, 0]])
TRUE = torch.tensor([[True, False, True], [False, False, True], [True, True, True], [False, True, False]])
DIFFERENTIABLE = {
    "x[rows]": lambda x, y: x[ROWS],
    "x[:, rows]": lambda x, y: x[:, ROWS],
    "x[rows, rows]": lambda x, y: x[ROWS, ROWS],
    "x[1, rows]": lambda x, y: x[1, ROWS],
    "x[mask]": lambda x, y: x[TRUE],
    "x[rows] = y": lambda x, y: _assigned(x, ONCE, y[:3]),
    "x[rows, rows] = y": lambda x, y: _assigned(x, (ONCE, ROWS), y[0]),
    "x[rows] = broadcast": lambda x, y: _assigned(x, ONCE, y[0, 0]),
    "x[mask] = y": lambda x, y: _assigned(x, TRUE, y.flatten()[:7]),
    "x[mask] = 0": lambda x, y: _assigned(x, TRUE, 0.0),
    "row of a result": lambda x, y: _assigned(x[1:], torch.tensor([1]), y[:1]),
    "index_put": lambda x, y: x.index_put((ONCE,), y[:3]),
    "index_put accumulate": lambda x, y: x.index_put((ROWS, ROWS), y[0], accumulate=True),
    "index_select": lambda x, y: x.index_select(1, ROWS),
    "take": lambda x, y: x.take(torch.tensor([[0, -1], [5, 5]])),
    "take_along_dim": lambda x, y: x.take_along_dim(PLACES[:1], 1),
    "gather 0": lambda x, y: x.gather(0, PLACES),
    "gather 1": lambda x, y: x.gather(1, PLACES),
    "scatter": lambda x, y: x.scatter(0, torch.tensor([[0, 2, 1]]), y),
    "scatter number": lambda x, y: x.scatter(1, PLACES, 3.0),
    "scatter_add": lambda x, y: x.scatter_add(0, PLACES, y),
    "scatter_reduce sum": lambda x, y: x.scatter_reduce(0, PLACES, y, "sum", include_self=False),
    "scatter_reduce mean": lambda x, y: x.scatter_reduce(0, PLACES, y, "mean"),
    "scatter_reduce prod": lambda x, y: x.scatter_reduce(0, PLACES, y, "prod"),
    "scatter_reduce amax": lambda x, y: x.scatter_reduce(0, PLACES, y, "amax"),
    "scatter_reduce amin": lambda x, y: x.scatter_reduce(0, PLACES, y, "amin", include_self=False),
    "index_add": lambda x, y: x.index_add(0, ROWS, y[:3], alpha=2),
    "index_copy": lambda x, y: x.index_copy(0, ROWS[:2], y[:2]),
    "index_fill": lambda x, y: x.index_fill(1, ROWS, 2.0),
    "index_fill tensor": lambda x, y: x.index_fill(1, ONCE[:2], y[0, 0]),
    "masked_select": lambda x, y: x.masked_select(TRUE[0]),
    "masked_scatter": lambda x, y: x.masked_scatter(TRUE, y),
    "embedding": lambda x, y: torch.embedding(x, PLACES),
    "cat": lambda x, y: torch.cat((x, y, x), 0),
    "cat 1": lambda x, y: torch.cat((x, y[:, :1]), 1),
    "stack": lambda x, y: torch.stack((x, y), 1),
    "stack last": lambda x, y: torch.stack((x, y), -1),
    "hstack": lambda x, y: torch.hstack((x, y)),
    "vstack": lambda x, y: torch.vstack((x[0], y)),
    "dstack": lambda x, y: torch.dstack((x, y)),
    "column_stack": lambda x, y: torch.column_stack((x, y[:, 0])),
    "block_diag": lambda x, y: torch.block_diag(x, y[:1]),
    "broadcast_tensors": lambda x, y: torch.broadcast_tensors(x[:1], y)[0] * y,
    "meshgrid": lambda x, y: torch.meshgrid(x[0], y[0], indexing="ij")[1] * x[0, 0],
    "cartesian_prod": lambda x, y: torch.cartesian_prod(x[0], y[0]),
    "flip": lambda x, y: x.flip(0, 1),
    "roll": lambda x, y: x.roll((1, 2), (0, 1)),
    "rot90": lambda x, y: x.rot90(1),
    "repeat": lambda x, y: x.repeat(2, 1, 3),
    "tile": lambda x, y: x.tile(2),
    "repeat_interleave": lambda x, y: x.repeat_interleave(torch.tensor([1, 0, 2, 1]), 0),
    "tril": lambda x, y: x.tril(),
    "triu": lambda x, y: x.triu(1),
    "diag": lambda x, y: x.diag(1),
    "diag vector": lambda x, y: x[0].diag(-1),
    "diag_embed": lambda x, y: x.diag_embed(1, 0, 2),
    "unfold": lambda x, y: x.unfold(0, 3, 1),
    "sort": lambda x, y: x.sort(0, descending=True)[0],
    "topk": lambda x, y: x.topk(2, 0)[0],
    "kthvalue": lambda x, y: x.kthvalue(2, 0)[0],
    "cumsum": lambda x, y: x.cumsum(0),
    "cumprod": lambda x, y: x.cumprod(1),
    "cummax": lambda x, y: torch.cummax(x, 0)[0],
}


def _assigned(x, index, value):
    y = x * 1
    y[index] = value
    return y


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_gradients_to_second_order(function):
    rng = np.random.default_rng(1)
    x, y = (
        torch.from_numpy(rng.permutation(12).reshape(4, 3) / 5 + 0.3 * k + 0.1).requires_grad_()
        for k in range(2)
    )

    def call(*operands):
        return function(*operands) + 0 * operands[1].sum()

    assert torch.autograd.gradcheck(call, (x, y))
    assert torch.autograd.gradgradcheck(call, (x, y))


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in DIFFERENTIABLE
        if "=" in n or n in ("x[rows]", "gather 0", "scatter_reduce prod", "embedding")
    ],
)
def test_gradients_on_the_gpu_are_those_on_the_cpu(name):
    function, found = DIFFERENTIABLE[name], []
    for device in ("cpu", "cuda"):
        x, y = (torch.arange(1.0, 13.0).view(4, 3).to(device).mul(k).requires_grad_() for k in (1, 2))
        global ROWS, ONCE, PLACES, TRUE
        ROWS, ONCE, PLACES, TRUE = (t.to(device) for t in (ROWS, ONCE, PLACES, TRUE))
        result = function(x, y)
        found.append(
            [
                numbers(g)
                for g in torch.autograd.grad((result * result).sum(), (x, y), allow_unused=True)
                if g is not None
            ]
        )
    ROWS, ONCE, PLACES, TRUE = (t.cpu() for t in (ROWS, ONCE, PLACES, TRUE))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_row_of_the_padding_gets_no_gradient():
    weight = torch.ones(4, 2, requires_grad=True)
    torch.embedding(weight, torch.tensor([1, 3, 3]), padding_idx=3).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    weight.grad = None
    torch.embedding(weight, torch.tensor([1, 3, 3]), scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [1, 1]]


def test_an_index_that_was_changed_is_noticed():
    x = torch.arange(4.0, requires_grad=True)
    index = torch.tensor([1, 2])
    y = x[index].sum()
    index.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_writing_counts_as_a_change():
    x = torch.zeros(3)
    x[torch.tensor([0])] = 1
    x[x > 0] = 2
    x.index_add_(0, torch.tensor([1]), torch.ones(1))
    assert x._version == 3


def test_the_gradient_goes_through_a_view_that_is_written():
    x = torch.arange(6.0).view(2, 3).requires_grad_()
    y = x * 1
    row = y[1]
    row[torch.tensor([0, 2])] = 0
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [[1, 1, 1], [0, 1, 0]]
    assert row.tolist() == [0, 4, 0]


def test_names_on_the_tape():
    x = torch.ones(2, 3, requires_grad=True)
    index = torch.tensor([[0, 1, 0]])
    for result, name in (
        (x[index[0]], "Index"), (x.gather(0, index), "Gather"), (x.index_select(0, index[0]), "IndexSelect"), (x.take(index), "Take"),
        (x.scatter(0, index, x), "Scatter"), (x.scatter_add(0, index, x), "ScatterAdd"), (torch.cat((x, x)), "Cat"),
        (torch.stack((x, x)), "Stack"), (x.flip(0), "Flip"), (x.roll(1, 0), "Roll"), (x.repeat(2, 1), "Repeat"), (x.tril(), "Tril"),
        (x[x > 0], "Index"), (x.masked_select(x > 0), "MaskedSelect"), (x.sort()[0], "Sort"), (x.topk(1)[0], "Topk"),
        (x.cumsum(0), "Cumsum"), (torch.embedding(x, index), "Embedding"), (x.unfold(0, 2, 1), "Unfold"), (x.diag_embed(), "DiagEmbed"),
    ):  # fmt: skip
        assert result.grad_fn.name() == f"{name}Backward0"


# --- order


@pytest.mark.parametrize("descending", (False, True))
@pytest.mark.parametrize("length", (5, 40, 300, 9000))
@pytest.mark.parametrize("dtype", ("u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8"))
def test_sorting_is_stable(dtype, length, descending):
    x = np.random.default_rng(length).integers(-60, 60, (2, length)).astype(dtype)
    if dtype[0] == "f":
        x[0, :3] = np.nan, -np.inf, -0.0
    values, indices = torch.sort(torch.from_numpy(x), descending=descending)
    keys = x.astype(np.float64)
    keys = np.where(np.isnan(keys), np.inf if not descending else -np.inf, -keys if descending else keys)
    if dtype[0] == "f" and not descending:
        keys[np.isnan(x)] = 1e300
        keys[np.isposinf(x.astype(np.float64))] = 1e299
    order = np.argsort(keys, axis=1, kind="stable")
    np.testing.assert_array_equal(indices.numpy(), order)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, order, 1))


def _wide_keys():
    """Rows long enough for threads to share, of 64-bit keys: leading bits that tell all, most, or few apart."""
    rng, n = np.random.default_rng(0), (1 << 15) + 3
    few = rng.integers(-1 << 62, 1 << 62, 100)
    return {
        "any": rng.integers(-1 << 62, 1 << 62, n),
        "float64": rng.standard_normal(n),
        "repeated": few[rng.integers(0, 100, n)],
        "short runs": (rng.integers(0, n // 8, n) << 44) + rng.integers(0, 1 << 12, n),
        "long runs": (rng.integers(0, 50, n) << 55) + rng.integers(0, 3, n),
    }


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("keys", _wide_keys().items(), ids=lambda item: item[0])
def test_sorting_of_a_long_row_with_wide_keys(keys, descending):
    numbers = keys[1]
    values, indices = torch.sort(torch.from_numpy(numbers), stable=True, descending=descending)
    turned = -numbers if descending else numbers
    expected = np.argsort(turned, kind="stable")
    assert (indices.numpy() == expected).all()
    assert (values.numpy() == numbers[expected]).all()


@pytest.mark.parametrize("k", [1, 16, 17, 100, 128, 129])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1"])
def test_the_first_of_long_rows_and_columns(dtype, k):
    """In order, of equal elements the first; also of rows that get better all the time."""
    numbers = np.random.default_rng(k).integers(0, 200, (3, 2100)).astype(dtype)
    numbers[1].sort()
    for largest in (True, False):
        expected = np.argsort(-numbers.astype("f8") if largest else numbers, 1, kind="stable")[:, :k]
        for x, dim in ((numbers, 1), (np.ascontiguousarray(numbers.T), 0)):
            values, places = torch.topk(torch.tensor(x), k, dim, largest)
            np.testing.assert_array_equal(places.movedim(dim, 1), expected)
            np.testing.assert_array_equal(values.movedim(dim, 1), np.take_along_axis(numbers, expected, 1))


def test_sorting_on_both_devices(device):
    x = torch.tensor([[3, 1, 2, 1], [0, 5, 4, 5]], device=device)
    assert x.sort(1).indices.tolist() == [[1, 3, 2, 0], [0, 2, 1, 3]]
    assert x.topk(2).values.tolist() == [[3, 2], [5, 5]]
    assert x.sort(0, descending=True).values.tolist() == [[3, 5, 4, 5], [0, 1, 2, 1]]
    assert x.cumsum(1).tolist() == [[3, 4, 6, 7], [0, 5, 9, 14]] and x.cumprod(1).tolist() == [
        [3, 3, 6, 6],
        [0, 0, 0, 0],
    ]
    assert torch.cummax(x, 1).indices.tolist() == [[0, 0, 0, 0], [0, 1, 1, 3]]
    assert x.unique().tolist() == [0, 1, 2, 3, 4, 5] and x.flatten().unique_consecutive().numel() == 8
    assert torch.searchsorted(torch.tensor([1, 3, 5], device=device), x).tolist() == [
        [1, 0, 1, 0],
        [0, 2, 2, 2],
    ]


def test_runs_and_masks_of_several_blocks():
    """unique and masked_scatter look at a block of elements after another."""
    values = np.random.default_rng(1).integers(0, 50, 300_000).astype(np.float32)
    values[:10], values[4095:4097], values[-1] = np.nan, [0.0, -0.0], np.nan
    x = torch.from_numpy(values)
    found, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    wanted = np.unique(values, return_inverse=True, return_counts=True, equal_nan=False)
    order = np.argsort(values, kind="stable")
    np.testing.assert_array_equal(found.numpy(), wanted[0])
    np.testing.assert_array_equal(inverse.numpy()[order], np.sort(wanted[1]))
    np.testing.assert_array_equal(counts.numpy(), wanted[2])
    runs, number, lengths = x.unique_consecutive(return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(runs[number].numpy(), values)
    assert lengths.sum() == len(values) and not (runs[1:] == runs[:-1]).any() and lengths[:10].sum() == 10
    chosen = x > 20
    placed = torch.zeros(300_000).masked_scatter(chosen, torch.arange(300_000.0))
    np.testing.assert_array_equal(placed[chosen].numpy(), np.arange(int(chosen.sum())))
    assert not placed[~chosen].any()


def test_the_gradient_of_a_product_with_zeros():
    x = torch.tensor([2.0, 0.0, 3.0, 0.0, 5.0], requires_grad=True)
    x.cumprod(0).sum().backward()
    assert x.grad.tolist() == [1, 8, 0, 0, 0]


def test_places_of_triangles(device):
    for rows, columns, offset in itertools.product((0, 1, 4), (0, 2, 3), range(-5, 5)):
        for name in ("tril_indices", "triu_indices"):
            expected = np.array(getattr(np, name)(rows, offset, columns))
            found = getattr(torch, name)(rows, columns, offset, device=device)
            np.testing.assert_array_equal(found.cpu().numpy(), expected)
