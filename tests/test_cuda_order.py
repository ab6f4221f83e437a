"""What CUDA puts in order, and adds up in order: sorts within a tile and over several, and sums that repeat to the bit."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels.cuda.sort import TILE

LONG = 5 * TILE // 2  # elements of a row of three tiles, the last one half empty
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int16", "uint8", "bool")


def numbers(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    """Many equal ones; of floating-point ones also both zeros, infinities and NaN."""
    rng = np.random.default_rng(0)
    values = rng.integers(0 if dtype in ("uint8", "bool") else -3, 4, shape).astype(np.float64)
    if "float" in dtype:
        values.flat[: 5 * 3 : 3] = [np.nan, -0.0, np.inf, -np.inf, np.nan]
    return torch.tensor(values).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, TILE - 1), (2, LONG)])
def test_sorting_keeps_the_order_of_equal_elements(dtype, shape):
    x = numbers(shape, dtype)
    for descending in (False, True):
        here, there = (x.to(d).sort(1, descending, stable=True) for d in ("cpu", "cuda"))
        assert there.indices.tolist() == here.indices.tolist()
        assert torch.equal(there.values.cpu().nan_to_num(7), here.values.nan_to_num(7))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int16"])
def test_selecting_from_long_rows(dtype):
    x = numbers((2, LONG), dtype)
    for select in (
        lambda t: t.topk(5, 1),
        lambda t: t.topk(9, 1, largest=False),
        lambda t: t.topk(LONG // 2, 1),
        lambda t: t.kthvalue(LONG // 3, 1, keepdim=True),
        lambda t: t.median(1, keepdim=True),
        lambda t: t.nanmedian(1, keepdim=True),
    ):
        here, there = select(x), select(x.cuda())
        assert torch.equal(there.values.cpu().nan_to_num(7), here.values.nan_to_num(7))
        assert torch.equal(x.gather(1, there.indices.cpu()).nan_to_num(7), here.values.nan_to_num(7))
        assert all(len(set(row)) == len(row) for row in there.indices.tolist())


def test_unique_of_several_tiles():
    x = numbers((2, LONG), "float32").nan_to_num()
    assert torch.equal(x.cuda().unique().cpu(), x.unique())


@pytest.mark.parametrize("shape, dim", [((3, 90), 1), ((2, 40, 9), 1), ((70,), 0), ((2, 3, 8), 0)])
def test_scans_of_chunks(shape, dim):
    """A block for a chunk, and a thread; the order of what is equal is kept."""
    x = numbers(shape, "float32")
    for scan in (lambda t: t.cummax(dim), lambda t: t.cummin(dim)):
        here, there = scan(x), scan(x.cuda())
        assert there.indices.tolist() == here.indices.tolist()
    for scan in (
        lambda t: t.cumsum(dim),
        lambda t: t.cumprod(dim),
        lambda t: t.logcumsumexp(dim),
        lambda t: t.long().cumsum_(dim),
        lambda t: torch.complex(t, t.flip(dim)).cumsum(dim).real,
    ):
        finite = x.nan_to_num(1, 1, 1)
        torch.testing.assert_close(scan(finite.cuda()).cpu(), scan(finite))


ROWS = np.random.default_rng(1).integers(0, 3, LONG)
ADDING = {
    "index_add": lambda x, rows: torch.zeros(3, 2, device="cuda").index_add(0, rows, x),
    "scatter_add": lambda x, rows: torch.zeros(3, 2, device="cuda").scatter_add(0, rows[:, None].expand(-1, 2), x),
    "index_put": lambda x, rows: torch.zeros(3, 2, device="cuda").index_put((rows,), x, accumulate=True),
    "gradient of an embedding": lambda x, rows: _gradient(lambda w: torch.nn.functional.embedding(rows, w) * x),
    "gradient of an index": lambda x, rows: _gradient(lambda w: w[rows] * x),
}  # fmt: skip


def _gradient(function) -> torch.Tensor:
    weight = torch.ones(3, 2, device="cuda", requires_grad=True)
    return torch.autograd.grad(function(weight).sum(), weight)[0]


@pytest.mark.parametrize("name", ADDING)
def test_what_comes_to_one_place_is_added_in_order(name):
    """Deterministic or not: the sums are those of the elements one after another, to the bit."""
    values = np.random.default_rng(0).standard_normal((LONG, 2)).astype(np.float32)
    expected = np.zeros((3, 2), np.float32)
    for row, value in zip(ROWS, values, strict=True):
        expected[row] += value
    for mode in (False, True):
        torch.use_deterministic_algorithms(mode)
        try:
            found = ADDING[name](torch.tensor(values, device="cuda"), torch.tensor(ROWS, device="cuda"))
        finally:
            torch.use_deterministic_algorithms(False)
        assert found.cpu().numpy().tobytes() == expected.tobytes()


def test_what_is_marked_in_several_blocks():
    x = torch.arange(700) % 7 - 3
    on_cuda, marks = x.to("cuda"), x % 3 == 0
    assert on_cuda.nonzero().tolist() == x.nonzero().tolist()
    assert on_cuda.view(7, 100).nonzero().tolist() == x.view(7, 100).nonzero().tolist()
    assert on_cuda[marks.to("cuda")].tolist() == x[marks].tolist()
    source = torch.arange(700)
    found = on_cuda.masked_scatter(marks.to("cuda"), source.to("cuda"))
    assert found.tolist() == x.masked_scatter(marks, source).tolist()
