"""The functions of `vecmath`: within 2 units in the last place, right at the edges, and vectorised."""

import functools
import math
import re
from itertools import product

import numpy as np
import pytest

from benchmarks.vecmath_accuracy import BINARY, CASES, DTYPES, evaluate, kernel, points, true_values, ulps
from numbatorch_kernels import vecmath

inf, nan = math.inf, math.nan
LONG_IS_DOUBLE = np.finfo(np.longdouble).nmant <= 52
every_function = pytest.mark.parametrize("name", CASES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
compiled = functools.cache(kernel)


def values(name: str, dtype: str, *arguments) -> np.ndarray:
    """The function of plain numbers or arrays, computed by the vectorised loop: long enough for whole vectors."""
    arrays = [np.atleast_1d(np.asarray(a, DTYPES[dtype])) for a in np.broadcast_arrays(*arguments)]
    count = arrays[0].size
    padded = [np.ascontiguousarray(np.resize(a, -(-count // 64) * 64)) for a in arrays]
    return evaluate(compiled(name, dtype), *padded)[:count]


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    """Within 2 units in the last place, zeros with the same sign."""
    expected = np.asarray(expected, np.longdouble)
    wrong = ~(ulps(got, expected) <= 2) | (expected == 0) & (np.signbit(got) != np.signbit(expected))
    assert not wrong.any(), f"element {wrong.argmax()}: {got[wrong][0]} instead of {expected[wrong][0]}"


# ---------------------------------------------------------------------------------------------------------- accuracy
@every_dtype
@every_function
def test_accuracy(name, dtype):
    arguments = points(name, dtype, 7_000)
    errors = ulps(values(name, dtype, *arguments), true_values(name, arguments))
    limit = 3 if LONG_IS_DOUBLE and dtype == "f64" else 2
    worst = errors.argmax()
    assert errors[worst] <= limit, f"{errors[worst]:.2f} ulp at {[a[worst] for a in arguments]}"


def test_errors_are_seen():
    true = np.linspace(0.5, 4, 100).astype(np.longdouble)
    rounded = true.astype(np.float32)
    assert ulps(rounded, true).max() <= 0.5
    assert ulps(np.nextafter(np.nextafter(np.nextafter(rounded, inf), inf), inf), true).min() > 2
    assert ulps(np.float32([inf, nan, 1]), np.longdouble([1, 1, nan])).tolist() == [inf] * 3
    with pytest.raises(AssertionError):
        assert_same(np.float32([0.0]), np.array([-0.0]))


HUGE = {  # by mpmath with 1400 bits
    "sin": (1e22, -0.8522008497671888, 2.0**1023, 0.5631277798508840, 1e300, -0.8178819121159085),
    "cos": (1e22, 0.5232147853951389, 2.0**1023, -0.8263698346141479, 1e300, -0.5753861119575491),
    "tan": (1e22, -1.6287782256068985, 2.0**1023, -0.6814476055299, 1e300, 1.4214488238747245),
}


@pytest.mark.parametrize("name", HUGE)
def test_trigonometry_of_huge_numbers(name):
    x, y = np.reshape(HUGE[name], (-1, 2)).T
    assert_same(values(name, "f64", x), y)


@every_dtype
def test_trigonometry_near_zeros(dtype):
    """Where x is nearly a multiple of pi / 2, the result is what x lacks: all digits of pi are needed."""
    x = (np.arange(1, 2000) * np.longdouble(np.pi) / 2).astype(DTYPES[dtype])
    for name in ("sin", "cos", "tan"):
        assert_same(values(name, dtype, x), true_values(name, [x]))


# ------------------------------------------------------------------------------------------------------------- edges
PI = np.arccos(np.longdouble(-1))
EDGES = {
    "exp": [(inf, inf), (-inf, 0.0), (0.0, 1), (-1e4, 0.0), (1e4, inf)],
    "exp2": [
        (inf, inf),
        (-inf, 0.0),
        (0.0, 1),
        (3, 8),
        (-2, 0.25),
        (-1e5, 0.0),
        (1e5, inf),
        (-149, 2.0**-149),
    ],
    "expm1": [(inf, inf), (-inf, -1), (-1e4, -1), (1e4, inf)],
    "sigmoid": [
        (inf, 1),
        (-inf, 0.0),
        (0.0, 0.5),
        (1e4, 1),
        (-1e4, 0.0),
        (-100, np.exp(np.longdouble(-100))),
    ],
    "softplus": [(inf, inf), (-inf, 0.0), (0.0, np.log(np.longdouble(2))), (1e4, 1e4), (-1e4, 0.0)],
    "log": [(inf, inf), (0.0, -inf), (-0.0, -inf), (1, 0.0), (-1, nan), (-inf, nan)],
    "log2": [
        (inf, inf),
        (0.0, -inf),
        (-0.0, -inf),
        (1, 0.0),
        (-1, nan),
        (-inf, nan),
        (8, 3),
        (2.0**-149, -149),
    ],
    "log10": [(inf, inf), (0.0, -inf), (-0.0, -inf), (1, 0.0), (-1, nan), (-inf, nan), (1000, 3)],
    "log1p": [(inf, inf), (-1, -inf), (-2, nan), (-inf, nan)],
    "sin": [(inf, nan), (-inf, nan)],
    "cos": [(inf, nan), (-inf, nan), (0.0, 1)],
    "tan": [(inf, nan), (-inf, nan)],
    "asin": [(1, PI / 2), (-1, -PI / 2), (2, nan), (-inf, nan), (inf, nan)],
    "acos": [(1, 0.0), (-1, PI), (0.0, PI / 2), (-0.0, PI / 2), (2, nan), (-2, nan), (inf, nan)],
    "atan": [(inf, PI / 2), (-inf, -PI / 2), (1, PI / 4)],
    "sinh": [(inf, inf), (-inf, -inf), (1e4, inf), (-1e4, -inf)],
    "cosh": [(inf, inf), (-inf, inf), (0.0, 1), (1e4, inf), (-1e4, inf)],
    "tanh": [(inf, 1), (-inf, -1), (1e4, 1), (-1e4, -1)],
    "asinh": [(inf, inf), (-inf, -inf)],
    "acosh": [(inf, inf), (1, 0.0), (0.5, nan), (-inf, nan), (-3, nan)],
    "atanh": [(1, inf), (-1, -inf), (2, nan), (-inf, nan), (inf, nan)],
    "erf": [(inf, 1), (-inf, -1), (1e4, 1), (-1e4, -1)],
    "erfc": [(inf, 0.0), (-inf, 2), (0.0, 1), (1e4, 0.0), (-1e4, 2)],
    "sqrt": [(inf, inf), (0.0, 0.0), (-0.0, -0.0), (4, 2), (-1, nan), (-inf, nan)],
    "rsqrt": [(inf, 0.0), (0.0, inf), (-0.0, -inf), (4, 0.5), (-1, nan), (-inf, nan)],
}
ODD = ("expm1", "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf")


@every_dtype
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, dtype):
    x, y = zip(*EDGES[name], strict=True)
    assert_same(values(name, dtype, x), y)
    assert np.isnan(values(name, dtype, nan))


@every_dtype
@pytest.mark.parametrize("name", ODD)
def test_zero_and_the_smallest_numbers(name, dtype):
    tiny = np.finfo(DTYPES[dtype]).smallest_subnormal
    x = np.array([0.0, -0.0, tiny, -tiny, 12345 * tiny, -54321 * tiny], DTYPES[dtype])
    scale = 2 / np.sqrt(PI) if name == "erf" else 1
    assert_same(values(name, dtype, x), np.where(x == 0, x, x * scale))


@every_dtype
def test_overflow_and_underflow(dtype):
    """The last finite and the last nonzero results, and what lies beyond."""
    info = np.finfo(DTYPES[dtype])
    top, bottom = np.log(np.longdouble(info.max)), np.log(np.longdouble(info.smallest_subnormal))
    near = np.linspace(-1, 1, 64, dtype=np.longdouble) * 0.01
    for name, x in (
        ("exp", top + near), ("exp", bottom + near), ("exp2", (top + near) / np.log(np.longdouble(2))),
        ("expm1", top + near), ("sinh", top + near + 0.6931), ("cosh", top + near + 0.6931),
        ("sigmoid", bottom + near), ("softplus", bottom + near),
    ):  # fmt: skip
        x = x.astype(DTYPES[dtype])
        assert_same(values(name, dtype, x), true_values(name, [x]))


SPECIAL = (
    0.0,
    -0.0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    0.5,
    -0.5,
    -8,
    1 / 3,
    1e10,
    -1e10,
    2.0**60,
    inf,
    -inf,
    nan,
    1e-10,
    2.5,
    -2.5,
)


@every_dtype
@pytest.mark.parametrize("name", BINARY)
def test_special_pairs(name, dtype):
    """Every combination, as C99 has it (the C library's pow and atan2 are behind NumPy's long double)."""
    x, y = np.array(list(product(SPECIAL, SPECIAL)), DTYPES[dtype]).T
    assert_same(values(name, dtype, x, y), true_values(name, [x, y]))


@every_dtype
def test_pow_by_the_standard(dtype):
    x = [-8, -2, 0.0, -0.0, -0.0, -0.0, nan, 1, -1, -inf, 0.5, 2, 2, -inf]
    y = [1 / 3, 3, -1, -1, -2, 3, 0.0, nan, inf, -3, -inf, -inf, 1e9, 3]
    expected = [nan, -8, inf, -inf, inf, -0.0, 1, 1, 1, -0.0, inf, 0.0, inf, -inf]
    assert_same(values("pow", dtype, x, y), expected)


# ---------------------------------------------------------------------------------------------------------- machine code
# Arithmetic on numbers, packed and one by one, for x86-64 and for ARM.
PACKED = re.compile(
    r"\bv?(?:fn?m(?:add|sub)\d*|add|sub|mul|div|sqrt)p[sd]\b"
    r"|\b(?:fml[as]|fadd|fsub|fmul|fdiv|fsqrt)\s+v\d+\.(?:4s|2d)"
)
ONE_BY_ONE = re.compile(
    r"\bv?(?:fn?m(?:add|sub)\d*|add|sub|mul|div|sqrt)s[sd]\b"
    r"|\b(?:fn?m(?:add|sub)|fadd|fsub|fmul|fdiv|fsqrt)\s+[sd]\d+"
)
CALL = re.compile(r"^\s*(?:callq?|blr?)\s.*$", re.MULTILINE)


@every_dtype
@every_function
def test_vectorised(name, dtype):
    """The loop is packed arithmetic (its rest, which is not, has as many instructions at most) and calls nothing."""
    assembly = next(iter(compiled(name, dtype).inspect_asm().values()))
    assembly = assembly[: assembly.index("func_end0")]  # what follows unboxes arguments for Python
    assert not CALL.findall(assembly)
    packed, single = len(PACKED.findall(assembly)), len(ONE_BY_ONE.findall(assembly))
    assert packed >= 0.9 * single > 0


def test_calls_and_scalar_loops_are_seen():
    numba = pytest.importorskip("numba")

    @numba.njit("void(float64[::1], float64[::1])", error_model="numpy")
    def library(out, a):
        for i in range(a.size):
            out[i] = math.sin(a[i]) * a[i]

    assembly = next(iter(library.inspect_asm().values()))
    assembly = assembly[: assembly.index("func_end0")]
    assert CALL.findall(assembly)

    @numba.njit("void(float64[::1])", error_model="numpy")
    def recurrence(a):
        for i in range(1, a.size):
            a[i] = a[i - 1] * a[i] + 1

    assembly = next(iter(recurrence.inspect_asm().values()))
    assembly = assembly[: assembly.index("func_end0")]
    assert not PACKED.findall(assembly)


@every_dtype
@pytest.mark.parametrize("name", ("exp", "log", "sin", "pow"))
def test_fastmath_of_a_caller_changes_nothing(name, dtype):
    arguments = points(name, dtype, 1_000)
    fast = evaluate(kernel(name, dtype, fastmath=True), *arguments)
    np.testing.assert_array_equal(fast, values(name, dtype, *arguments))


def test_called_from_python():
    assert vecmath.exp_f32(1) == np.float32(math.e)
    assert vecmath.pow_f64(2, 10) == 1024
    assert vecmath.tanh_f64.__name__ == "tanh_f64"
    assert "e**x" in vecmath.exp_f32.__doc__
