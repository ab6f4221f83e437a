"""Reductions against NumPy: every way through memory, exactness, the same result on any number of threads."""

import itertools
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbatorch as torch
from numbatorch_kernels import parallel
from numbatorch_kernels.reduce import table, text
from numbatorch_kernels.reduce.walk import walk

# --- the walk through memory


def test_rows_where_what_is_reduced_lies_together():
    way = walk((4, 60), (60, 1), (1,))
    assert not way.columns
    assert (way.length, way.step, way.kept, way.reduced) == (60, 1, ((4, 60, 1),), ())


def test_columns_where_what_is_kept_does():
    way = walk((4, 60), (60, 1), (0,))
    assert way.columns
    assert (way.length, way.step, way.kept, way.reduced) == (60, 1, (), ((4, 60),))


def test_dimensions_that_lie_end_to_end_are_one():
    way = walk((2, 3, 4, 5), (60, 20, 5, 1), (1, 2, 3))
    assert (way.length, way.reduced, way.kept) == (60, (), ((2, 60, 1),))
    assert walk((2, 3, 4, 5), (60, 20, 5, 1), (0, 1, 2, 3)).length == 120


def test_order_is_kept_only_where_it_counts():
    transposed = ((4, 3), (1, 4), (0, 1))
    assert walk(*transposed).reduced == ()
    assert walk(*transposed, ordered=True).reduced == ((4, 1),)


@st.composite
def layouts(draw):
    """A view of an array: permuted, cut, expanded."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape) % 11 - 5
    array = array.transpose(draw(st.permutations(range(len(shape)))))
    cut = tuple(slice(None, None, draw(st.integers(1, 3))) for _ in shape)
    array = array[cut]
    if draw(st.booleans()):
        array = np.broadcast_to(array[:, None], (array.shape[0], 3, *array.shape[1:]))
    dims = draw(st.lists(st.integers(0, array.ndim - 1), unique=True))
    return array, tuple(sorted(dims))


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_any_view_and_any_dimensions(layout):
    array, dims = layout
    tensor = torch.from_numpy(np.asarray(array))
    axes = dims or None
    np.testing.assert_allclose(tensor.sum(dims).numpy(), array.sum(axes), rtol=1e-12)
    np.testing.assert_array_equal(tensor.amax(dims).numpy(), array.max(axes))
    np.testing.assert_allclose(
        tensor.var(dims, correction=0).numpy(), array.var(axes), rtol=1e-12, atol=1e-12
    )
    if len(dims) == 1:
        np.testing.assert_array_equal(tensor.argmin(dims[0]).numpy(), array.argmin(dims[0]))


# --- values


@pytest.mark.parametrize("shape", [(1,), (7,), (513,), (5, 600), (600, 5), (3, 40, 9)])
def test_values(shape, device):
    if device == "cuda" and np.prod(shape) > 600:
        shape = shape[:1] if shape[0] < 100 else (7, 3)
    rng = np.random.default_rng(0)
    array = rng.standard_normal(shape).astype("float32")
    x = torch.tensor(array).to(device)
    for dim in range(len(shape)):
        exact = array.astype("float64")
        np.testing.assert_allclose(x.sum(dim).cpu().numpy(), exact.sum(dim), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(x.prod(dim).cpu().numpy(), exact.prod(dim), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            x.std(dim, correction=0).cpu().numpy(), exact.std(dim), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_allclose(
            x.norm(3, dim).cpu().numpy(), (abs(exact) ** 3).sum(dim) ** (1 / 3), rtol=1e-5
        )
        np.testing.assert_array_equal(x.argmax(dim).cpu().numpy(), array.argmax(dim))
        values, places = x.min(dim)
        np.testing.assert_array_equal(values.cpu().numpy(), array.min(dim))
        np.testing.assert_array_equal(places.cpu().numpy(), array.argmin(dim))
        np.testing.assert_array_equal((x > 0).any(dim).cpu().numpy(), (array > 0).any(dim))
        np.testing.assert_array_equal((x > 0).count_nonzero(dim).cpu().numpy(), (array > 0).sum(dim))


def test_places_are_of_the_first_in_the_order_of_the_tensor():
    x = torch.tensor([[1, 3], [3, 0]])
    assert x.argmax().item() == 1
    assert x.t().argmax().item() == 1
    assert torch.tensor([[0, 3], [5, 5]]).t().argmax().item() == 1


def test_nan_wins():
    x = torch.tensor([[1.0, nan, 3.0], [inf, nan, -inf], [2.0, 1.0, 0.0]])
    assert x.max(1).indices.tolist() == [1, 1, 0]
    assert x.min(1).indices.tolist() == [1, 1, 2]
    assert x.amax(0).isnan().tolist() == [False, True, False]
    assert x.max(0).indices.tolist() == [1, 0, 0]
    assert x.nansum(1).tolist()[0] == 4.0
    assert x.nanmean(0).tolist()[1] == 1.0


def test_integers_are_summed_as_int64():
    for dtype in (torch.bool, torch.uint8, torch.int8, torch.int32):
        x = torch.ones(300).to(dtype)
        assert x.sum().dtype is torch.int64 and x.sum().item() == 300
        assert x.prod().dtype is torch.int64
    assert torch.full((3,), 100, dtype=torch.int8).sum(dtype=torch.int8).item() == 44
    assert torch.tensor([2**62, 2**62 - 1]).amax().item() == 2**62


def test_halves_are_summed_in_float32():
    for dtype in (torch.float16, torch.bfloat16):
        x = torch.ones(5000).to(dtype)
        assert x.sum().dtype is dtype and x.sum().item() == torch.tensor(5000.0).to(dtype).item()
        assert x.mean().item() == 1.0


def test_complex():
    x = torch.tensor([[1 + 1j, 2.0], [3j, 4.0]])
    assert x.sum().item() == 7 + 4j
    assert x.mean(0).tolist() == [0.5 + 2j, 3 + 0j]
    assert x.prod(1).tolist() == [2 + 2j, 12j]
    assert x.norm().item() == pytest.approx(31**0.5)
    assert x.norm(3).dtype is torch.float32
    np.testing.assert_allclose(x.var(1).numpy(), x.numpy().var(1, ddof=1), rtol=1e-6)


def test_no_elements():
    none = torch.zeros(0, 3)
    assert none.sum(0).tolist() == [0, 0, 0]
    assert none.prod().item() == 1
    assert none.mean(0).isnan().all()
    assert none.all().item() and not none.any().item()
    assert none.logsumexp(0).tolist() == [-inf] * 3
    assert none.amax(1).shape == (0,)
    with pytest.raises(IndexError, match=r"max\(\): Expected reduction dim 0 to have non-zero size"):
        none.max(0)
    with pytest.raises(
        RuntimeError, match=r"amin\(\): Expected reduction dim to be specified for input.numel\(\) == 0"
    ):
        none.amin()


def test_logsumexp_does_not_overflow():
    assert torch.tensor([1e4, 1e4]).logsumexp(0).item() == pytest.approx(1e4 + np.log(2))
    assert torch.tensor([-inf, -inf]).logsumexp(0).item() == -inf
    assert torch.tensor([inf, 1.0]).logsumexp(0).item() == inf
    many = torch.cat([torch.full((1000,), -inf), torch.zeros(1000), torch.full((1000,), 5.0)])
    assert many.logsumexp(0).item() == pytest.approx(np.log(1000 + 1000 * np.exp(5)), rel=1e-6)


# --- exactness


def test_sums_of_float32_are_exact_to_the_last_digits():
    rng = np.random.default_rng(0)
    for shape, dim in (((1_000_000,), 0), ((1000, 1000), 0), ((1000, 1000), 1), ((300_000, 3), 0)):
        array = (rng.standard_normal(shape) + 1).astype("float32")
        exact = array.astype("float64").sum(dim)
        found = torch.tensor(array).sum(dim).numpy()
        assert np.max(abs(found - exact) / abs(exact)) < 2.5e-7


def test_variance_far_from_zero():
    array = (np.random.default_rng(0).standard_normal(100_000) + 1e4).astype("float32")
    exact = array.astype("float64").var()
    assert torch.tensor(array).var(correction=0).item() == pytest.approx(exact, rel=1e-6)
    assert torch.tensor(array.reshape(-1, 4)).var(0, correction=0).mean().item() == pytest.approx(
        exact, rel=1e-2
    )


@pytest.mark.parametrize(
    "shape, dim", [((500_000,), 0), ((700, 700), 0), ((700, 700), 1), ((200_000, 2), 0), ((4, 300, 300), 1)]
)
def test_the_same_on_any_number_of_threads(shape, dim):
    x = torch.tensor(np.random.default_rng(0).standard_normal(shape).astype("float32"))
    threads, found = parallel.get_num_threads(), []
    try:
        for count in (1, 2, 3, 5):
            parallel.set_num_threads(count)
            found.append(
                [
                    r.numpy().tobytes()
                    for r in (x.sum(dim), x.sum(), x.std(dim), x.logsumexp(dim), x.softmax(dim))
                ]
            )
    finally:
        parallel.set_num_threads(threads)
    assert all(f == found[0] for f in found)


# --- the kernels


@pytest.mark.parametrize("variant", list(itertools.product([False, True], repeat=4)))
def test_kernels_are_programs_that_can_be_read(variant):
    for reduction in (table.sum, table.var, table.argmax, table.softmax):
        if reduction.emit and variant[3]:
            continue
        source = text.source(reduction, ("f2",) * reduction.elements, ("f4",), "f4", text.Variant(*variant))
        compile(source, "kernel", "exec")
        assert source.startswith(f'"""{reduction.name}: f4 <- f2, by ')


# --- arguments


def test_dimensions_in_every_form():
    x = torch.arange(24).reshape(2, 3, 4)
    whole = x.sum().item()
    assert x.sum(()).item() == x.sum([]).item() == x.sum((0, 1, 2)).item() == whole
    assert x.sum(-1).tolist() == x.sum([2]).tolist() == x.sum(axis=-1).tolist()
    assert x.sum((0, 2), keepdim=True).shape == (1, 3, 1) == x.sum(axis=(0, 2), keepdims=True).shape
    assert x.all(()).shape == x.shape
    with pytest.raises(TypeError, match="unexpected keyword argument 'dims'"):
        x.sum(dims=0)
    with pytest.raises(
        IndexError, match=r"Dimension out of range \(expected to be in range of \[-3, 2\], but got 3\)"
    ):
        x.sum(3)
    with pytest.raises(TypeError, match=r"sum\(\): argument 'input' \(position 1\) must be Tensor, not list"):
        torch.sum([1, 2])


def test_out():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    out = torch.empty(0)
    assert torch.sum(x, 0, out=out) is out and out.tolist() == [4.0, 6.0]
    places = torch.empty(2, dtype=torch.int64)
    torch.max(x, 1, out=(out, places))
    assert out.tolist() == [2.0, 4.0] and places.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        torch.mean(x, 0, out=places)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.sum(x.requires_grad_(), 0, out=out)


def test_named_results():
    result = torch.tensor([[1.0, 5.0], [7.0, 2.0]]).max(1)
    assert repr(result) == "torch.return_types.max(\nvalues=tensor([5., 7.]),\nindices=tensor([1, 0]))"
    values, indices = result
    assert values is result.values is result[0] and indices is result.indices
    assert (
        repr(torch.tensor([3, 1]).aminmax()) == "torch.return_types.aminmax(\nmin=tensor(1),\nmax=tensor(3))"
    )


# --- gradients


def test_sums_reach_every_element(device):
    x = torch.ones(2, 3, 4, device=device, requires_grad=True)
    (x.sum((0, 2)) * torch.tensor([1.0, 2.0, 3.0], device=device)).sum().backward()
    assert x.grad[1, :, 3].tolist() == [1.0, 2.0, 3.0]
    (grad,) = torch.autograd.grad(x.mean(), x)
    assert grad.sum().item() == pytest.approx(1.0)


def test_extremes_share_or_choose():
    x = torch.tensor([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], requires_grad=True)
    for call, expected in (
        (lambda: x.amax(1).sum(), [[0, 0.5, 0.5], [1, 0, 0]]),
        (lambda: x.max(), [[0, 0.5, 0.5], [0, 0, 0]]),
        (lambda: x.max(1).values.sum(), [[0, 1, 0], [1, 0, 0]]),
        (lambda: sum(x.aminmax()), [[0, 0.5, 0.5], [0, 1, 0]]),
    ):
        (grad,) = torch.autograd.grad(call(), x)
        assert grad.tolist() == expected


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_products_with_zeros(zeros):
    x = torch.tensor([[2.0, 3.0, 4.0], [1.0, 5.0, 2.0]], dtype=torch.float64)
    x[0, :zeros] = 0
    x.requires_grad_()
    for call in (lambda x: x.prod(), lambda x: x.prod(1), lambda x: x.prod(0)):
        assert torch.autograd.gradcheck(call, x)
        assert torch.autograd.gradgradcheck(call, x)


def test_undoing_a_broadcast():
    x = torch.ones(3, 1, requires_grad=True)
    (x * torch.ones(2, 3, 4)).sum().backward()
    assert x.grad.tolist() == [[8.0]] * 3
    assert torch.ones(2, 3).sum_to_size(1, 3).tolist() == [[2.0, 2.0, 2.0]]
    with pytest.raises(RuntimeError, match=r"size \{\[2, 2\]\} is not expandable to size \{\[2, 3\]\}"):
        torch.ones(2, 3).sum_to_size(2, 2)
