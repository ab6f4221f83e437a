"""Reductions on CUDA against NumPy: dtypes, dimensions, layouts, edges. Tiny: a GPU may be simulated."""

import itertools

import numpy as np
import pytest

from numbatorch_kernels.cuda import DeviceArray
from numbatorch_kernels.cuda.launch import BLOCK
from numbatorch_kernels.memory import strided
from numbatorch_kernels.reduce import table
from numbatorch_kernels.reduce.cuda import CudaPlan
from numbatorch_kernels.reduce.walk import walk


def element(array: np.ndarray) -> str:
    return array.dtype.str[1:]


def plan_of(reduction, arrays, dims, outputs) -> CudaPlan:
    array = arrays[0]
    way = walk(array.shape, [s // array.itemsize for s in array.strides], dims, reduction.ordered)
    own = element(array)
    compute = "f4" if own == "f2" else "i8" if own[0] in "biu" else own
    return CudaPlan(reduction, tuple(map(element, arrays)), outputs, compute, way)


def reduce(reduction, array, dims, *numbers, out=None, view=lambda x: x):
    """The reduction of `view(array)` over `dims`."""
    seen = view(DeviceArray.from_host(array))
    shape = tuple(n for d, n in enumerate(seen.shape) if d not in dims)
    outputs = out if isinstance(out, tuple) else (out or element(array),) * reduction.results
    outs = [DeviceArray.empty(shape, o) for o in outputs]
    numbers = numbers or (2.0,) * reduction.numbers  # the order of a norm
    plan_of(reduction, [seen], dims, outputs)(outs, [seen], *numbers)
    results = [o.copy_to_host() for o in outs]
    return results[0] if len(results) == 1 else results


def sample(shape=(3, 4, 5), dtype=np.float32):
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 5, shape).astype(dtype)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


DIMS = [d for n in range(1, 4) for d in itertools.combinations(range(3), n)]
LAYOUTS = {
    "contiguous": ((3, 4, 5), lambda x: x[...]),
    "transposed": ((5, 4, 3), lambda x: x.transpose((2, 1, 0))),
    "permuted": ((4, 3, 5), lambda x: x.transpose((1, 0, 2))),
    "a part": ((3, 8, 10), lambda x: x[:, ::2, ::2]),
    "expanded": ((3, 5), lambda x: strided(x, (3, 4, 5), (20, 0, 4))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dims", DIMS, ids=str)
def test_sum_over_any_dimensions_of_any_layout(dims, layout):
    shape, view = LAYOUTS[layout]
    x = sample(shape)
    np.testing.assert_allclose(reduce(table.sum, x, dims, view=view), view(x).sum(dims), rtol=1e-5, atol=1e-6)


def norm(p):
    return lambda x, dims: np.power(np.power(np.abs(x), p).sum(dims), 1 / p)


REDUCTIONS = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "amax": np.max, "amin": np.min,
    "nansum": np.nansum,
    "count_nonzero": lambda x, dims: np.count_nonzero(x, dims),
    "norm_0": lambda x, dims: np.count_nonzero(x, dims), "norm_1": norm(1), "norm_2": norm(2),
    "norm_max": lambda x, dims: np.abs(x).max(dims), "norm_min": lambda x, dims: np.abs(x).min(dims),
    "logsumexp": lambda x, dims: np.log(np.exp(x).sum(dims)),
}  # fmt: skip


@pytest.mark.parametrize("dims", [(0,), (2,), (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values(name, dtype, dims):
    x = sample(dtype=dtype)
    expected = REDUCTIONS[name](x.astype(np.float64), dims)
    out = "i8" if name == "count_nonzero" else element(x)
    result = reduce(getattr(table, name), x, dims, out=out)
    np.testing.assert_allclose(result, expected, rtol={2: 2e-3, 4: 1e-5, 8: 1e-13}[x.itemsize], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64])
@pytest.mark.parametrize("name", ["sum", "prod", "amax", "amin"])
def test_integers(name, dtype):
    x = sample(dtype=dtype) + dtype(1)
    out = "i8" if name in ("sum", "prod") else element(x)
    for dims in ((0,), (2,)):
        np.testing.assert_array_equal(
            reduce(getattr(table, name), x, dims, out=out), REDUCTIONS[name](x, dims)
        )


@pytest.mark.parametrize("order", [0.5, 3.0])
def test_norms_of_any_order(order):
    x = sample()
    np.testing.assert_allclose(reduce(table.norm_p, x, (1,), order), norm(order)(x, (1,)), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers(dtype):
    x = sample(dtype=dtype)
    real = "f4" if dtype is np.complex64 else "f8"
    np.testing.assert_allclose(reduce(table.sum, x, (1,)), x.sum(1), rtol=1e-5)
    np.testing.assert_allclose(reduce(table.prod, x, (1,)), x.prod(1), rtol=1e-5)
    np.testing.assert_allclose(reduce(table.norm_2, x, (1,), out=real), norm(2)(x, (1,)), rtol=1e-5)
    np.testing.assert_allclose(reduce(table.norm_p, x, (0, 2), 3.0, out=real), norm(3)(x, (0, 2)), rtol=1e-5)


@pytest.mark.parametrize("dims", [(0,), (1, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("correction", [0.0, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments(dtype, correction, dims):
    x = sample(dtype=dtype) + dtype(100)
    exact = x.astype(np.float64)
    rtol = 1e-4 if dtype is np.float32 else 1e-11
    np.testing.assert_allclose(
        reduce(table.var, x, dims, correction), exact.var(dims, ddof=correction), rtol=rtol
    )
    std, mean = reduce(table.std_mean, x, dims, correction)
    np.testing.assert_allclose(std, exact.std(dims, ddof=correction), rtol=rtol)
    np.testing.assert_allclose(mean, exact.mean(dims), rtol=1e-6)


def test_moments_of_too_few_numbers():
    one = np.array([[3.0]], np.float32)
    assert np.isnan(reduce(table.var, one, (1,), 1.0))
    assert reduce(table.var, one, (1,), 0.0) == 0
    assert np.isnan(reduce(table.var, np.zeros((1, 0), np.float32), (1,), 0.0))


TRUTHS = [np.zeros((3, 4)), np.eye(3, 4), np.ones((3, 4)), np.full((3, 4), np.nan)]


@pytest.mark.parametrize("dtype", [np.bool_, np.float32, np.int64])
@pytest.mark.parametrize("number", range(len(TRUTHS)))
def test_any_and_all(number, dtype):
    if number == 3 and dtype is np.int64:
        pytest.skip("no integer is NaN")
    x = TRUTHS[number].astype(dtype)
    for dims in ((0,), (1,), (0, 1)):
        np.testing.assert_array_equal(reduce(table.any, x, dims, out="b1"), x.any(dims))
        np.testing.assert_array_equal(reduce(table.all, x, dims, out="b1"), x.all(dims))


PLACES = np.array([[3, 1, 3, 0], [0, 0, 0, 0], [-1, np.nan, 5, np.nan], [np.inf, -np.inf, np.inf, -np.inf]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dim", [0, 1])
def test_places_of_extremes_are_the_first_ones(dim, dtype):
    x = PLACES.astype(dtype)
    np.testing.assert_array_equal(reduce(table.argmax, x, (dim,), out="i8"), x.argmax(dim))
    np.testing.assert_array_equal(reduce(table.argmin, x, (dim,), out="i8"), x.argmin(dim))
    values, places = reduce(table.max, x, (dim,), out=(element(x), "i8"))
    np.testing.assert_array_equal(values, x.max(dim))
    np.testing.assert_array_equal(places, x.argmax(dim))


def test_places_in_the_whole_tensor():
    for shape, view in LAYOUTS.values():
        x = sample(shape, np.int32)
        assert reduce(table.argmax, x, (0, 1, 2), out="i8", view=view) == view(x).argmax()
        assert reduce(table.argmin, x, (0, 1, 2), out="i8", view=view) == view(x).argmin()


def test_both_extremes():
    low, high = reduce(table.aminmax, sample(), (1,))
    np.testing.assert_array_equal(low, sample().min(1))
    np.testing.assert_array_equal(high, sample().max(1))


def test_nan_wins():
    x = np.array([[1, np.nan, 2], [np.nan, np.nan, np.nan], [1, 2, 3]], np.float32)
    np.testing.assert_array_equal(reduce(table.amax, x, (1,)), [np.nan, np.nan, 3])
    np.testing.assert_array_equal(reduce(table.amin, x, (0,)), [np.nan] * 3)
    np.testing.assert_array_equal(reduce(table.nansum, x, (1,)), [3, 0, 6])


def test_logsumexp_of_infinities():
    x = np.array([[-np.inf, -np.inf], [np.inf, 1], [np.inf, np.inf], [1000, 1000], [np.nan, 1]], np.float32)
    expected = [-np.inf, np.inf, np.inf, 1000 + np.log(2), np.nan]
    np.testing.assert_allclose(reduce(table.logsumexp, x, (1,)), expected, rtol=1e-6)


def test_nothing_to_reduce():
    x = np.zeros((2, 0, 3), np.float32)
    np.testing.assert_array_equal(reduce(table.sum, x, (1,)), np.zeros((2, 3)))
    np.testing.assert_array_equal(reduce(table.prod, x, (1,)), np.ones((2, 3)))
    assert np.isnan(reduce(table.mean, x, (1,))).all()
    np.testing.assert_array_equal(reduce(table.all, x, (1,), out="b1"), np.ones((2, 3)))
    np.testing.assert_array_equal(reduce(table.logsumexp, x, (1,)), np.full((2, 3), -np.inf))
    assert reduce(table.sum, x, (2,)).shape == (2, 0)


def test_a_number_is_its_own_sum():
    x = np.array(3.0, np.float32)
    assert reduce(table.sum, x, ()) == 3
    assert reduce(table.argmax, x, (), out="i8") == 0


# Few long columns are cut into parts, whose states are merged by a second launch.


@pytest.mark.parametrize("name", ["sum", "amax", "logsumexp", "norm_2", "any"])
@pytest.mark.parametrize(
    "shape, dims", [((BLOCK * 50,), (0,)), ((2, BLOCK * 40), (1,)), ((BLOCK * 60, 2), (0,))], ids=str
)
def test_parts(shape, dims, name):
    x = sample(shape)
    reduction = getattr(table, name)
    out = "b1" if name == "any" else "f4"
    assert plan_of(reduction, [x], dims, (out,)).parts > 1
    expected = x.any(dims) if name == "any" else REDUCTIONS[name](x.astype(np.float64), dims)
    np.testing.assert_allclose(reduce(reduction, x, dims, out=out), expected, rtol=1e-5, atol=1e-4)


def test_moments_and_places_in_parts():
    x = sample((BLOCK * 50,))
    np.testing.assert_allclose(reduce(table.var, x, (0,), 1.0), x.astype(np.float64).var(ddof=1), rtol=1e-5)
    assert reduce(table.argmax, x, (0,), out="i8") == x.argmax()
    same = np.zeros(BLOCK * 50, np.float32)
    assert reduce(table.argmax, same, (0,), out="i8") == 0


def test_the_same_every_time():
    x = sample((BLOCK * 50,))
    assert len({reduce(table.sum, x, (0,)).tobytes() for _ in range(3)}) == 1


# ---- a result for each element ----


def each(reduction, arrays, dims):
    out = DeviceArray.empty(arrays[0].shape, arrays[0].dtype)
    ins = [DeviceArray.from_host(x) for x in arrays]
    plan_of(reduction, arrays, dims, (element(arrays[0]),))([out], ins)
    return out.copy_to_host()


def softmax(x, dim):
    e = np.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_softmax_and_its_gradient(dtype, dim):
    x, g = sample(dtype=dtype), sample(dtype=dtype)[::-1].copy()
    wide, wide_g = x.astype(np.float64), g.astype(np.float64)
    exact = {2: 1e-2, 4: 2e-6, 8: 1e-12}[x.itemsize]
    tolerance = {"rtol": 5 * exact, "atol": exact}
    y, log_y = softmax(wide, dim), np.log(softmax(wide, dim))
    np.testing.assert_allclose(each(table.softmax, [x], (dim,)), y, **tolerance)
    np.testing.assert_allclose(each(table.log_softmax, [x], (dim,)), log_y, **tolerance)
    expected = y * (wide_g - (wide_g * y).sum(dim, keepdims=True))
    np.testing.assert_allclose(
        each(table.softmax_backward, [g, y.astype(dtype)], (dim,)), expected, **tolerance
    )
    expected = wide_g - y * wide_g.sum(dim, keepdims=True)
    np.testing.assert_allclose(
        each(table.log_softmax_backward, [g, log_y.astype(dtype)], (dim,)), expected, **tolerance
    )


def test_softmax_of_large_numbers_and_infinities():
    x = np.array([[1000, 1000], [-np.inf, 0], [-np.inf, -np.inf]], np.float32)
    np.testing.assert_allclose(each(table.softmax, [x], (1,)), [[0.5, 0.5], [0, 1], [np.nan, np.nan]])
    np.testing.assert_allclose(
        each(table.log_softmax, [x], (1,))[:2], [[-np.log(2)] * 2, [-np.inf, 0]], rtol=1e-6
    )


def test_softmax_of_a_long_row():
    x = sample((1, BLOCK * 50))
    np.testing.assert_allclose(each(table.softmax, [x], (1,)), softmax(x, 1), rtol=1e-5)
