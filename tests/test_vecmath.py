"""The functions of `vecmath`: within 2 units in the last place, right at the edges, and vectorised."""

import functools
import math
import os
import re
import subprocess
import sys
from itertools import product

import numba
import numpy as np
import pytest

from benchmarks.vecmath_accuracy import BINARY, CASES, DTYPES, evaluate, kernel, points, true_values, ulps
from numbatorch_kernels import vecmath

inf, nan = math.inf, math.nan
PI = np.arccos(np.longdouble(-1))
every_function = pytest.mark.parametrize("name", CASES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
compiled = functools.cache(kernel)


def values(name: str, dtype: str, *arguments) -> np.ndarray:
    """The function of numbers or arrays, by the vectorised loop: made long enough for whole vectors."""
    arrays = [np.atleast_1d(np.asarray(a, DTYPES[dtype])) for a in np.broadcast_arrays(*arguments)]
    count = arrays[0].size
    padded = [np.resize(a, -(-count // 64) * 64) for a in arrays]
    return evaluate(compiled(name, dtype), *padded)[:count]


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    """Within 2 units in the last place, zeros with the same sign."""
    expected = np.asarray(expected, np.longdouble)
    wrong = ~(ulps(got, expected) <= 2) | (expected == 0) & (np.signbit(got) != np.signbit(expected))
    assert not wrong.any(), f"element {wrong.argmax()}: {got[wrong][0]} instead of {expected[wrong][0]}"


# -------------------------------------------------------------------------------------------- accuracy
LONG_IS_DOUBLE = np.finfo(np.longdouble).nmant <= 52
# Ulp; others 2.
LIMIT = {"sqrt": 0.5, "normal_cdf": 4} | dict.fromkeys(("exp", "exp2", "log", "log2", "log10"), 1)


@every_dtype
@every_function
def test_accuracy(name, dtype):
    arguments = points(name, dtype, 7_000)
    errors = ulps(values(name, dtype, *arguments), true_values(name, arguments))
    worst = errors.argmax()
    limit = LIMIT.get(name, 2) + (LONG_IS_DOUBLE and dtype == "f64")  # then the reference is rounded too
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
    "sin": (1e22, -0.8522008497671888, 2.0**1023, 0.563127779850884, 1e300, -0.8178819121159085),
    "cos": (1e22, 0.523214785395139, 2.0**1023, -0.826369834614148, 1e300, -0.5753861119575491),
    "tan": (1e22, -1.6287782256068988, 2.0**1023, -0.6814476476066215, 1e300, 1.4214488238747245),
}


@pytest.mark.parametrize("name", HUGE)
def test_trigonometry_of_huge_numbers(name):
    x, y = np.reshape(HUGE[name], (-1, 2)).T
    assert_same(values(name, "f64", x), y)


@every_dtype
@pytest.mark.parametrize("name", HUGE)
def test_trigonometry_near_its_zeros(name, dtype):
    """Where x is nearly a multiple of pi / 2, the result is what x lacks: it takes many digits of pi."""
    x = (np.arange(1, 2000) * (PI / 2)).astype(DTYPES[dtype])
    assert_same(values(name, dtype, x), true_values(name, [x]))


# ----------------------------------------------------------------------------------------------- edges
LOG = [(inf, inf), (0.0, -inf), (-0.0, -inf), (1, 0.0), (-1, nan), (-inf, nan)]
EDGES = {
    "exp": [(inf, inf), (-inf, 0.0), (0.0, 1), (-1e4, 0.0), (1e4, inf)],
    "exp2": [(inf, inf), (-inf, 0.0), (0.0, 1), (-1e4, 0.0), (1e4, inf)],
    "expm1": [(inf, inf), (-inf, -1), (-1e4, -1), (1e4, inf)],
    "sigmoid": [(inf, 1), (-inf, 0.0), (0.0, 0.5), (1e4, 1), (-1e4, 0.0)],
    "softplus": [(inf, inf), (-inf, 0.0), (0.0, np.log(np.longdouble(2))), (1e4, 1e4), (-1e4, 0.0)],
    "log": LOG,
    "log2": LOG,
    "log10": LOG,
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
    "erfcx": [(inf, 0.0), (-inf, inf), (0.0, 1), (-1e4, inf)],
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
def test_zeros_and_the_smallest_numbers(name, dtype):
    tiny = np.finfo(DTYPES[dtype]).smallest_subnormal
    x = np.array([0.0, -0.0, tiny, -tiny, 12345 * tiny, -54321 * tiny], np.longdouble)
    slope = 2 / np.sqrt(PI) if name == "erf" else 1
    assert_same(values(name, dtype, x), x * slope)


@every_dtype
def test_overflow_and_underflow(dtype):
    """The last finite and the last nonzero results, and what lies beyond."""
    info = np.finfo(DTYPES[dtype])
    top, bottom = np.log(np.longdouble(info.max)), np.log(np.longdouble(info.smallest_subnormal))
    around = np.linspace(-0.01, 0.01, 64, dtype=np.longdouble)
    log_2 = np.log(np.longdouble(2))
    places = {
        "exp": (top, bottom),
        "exp2": (top / log_2, bottom / log_2),
        "expm1": (top,),
        "sinh": (top + log_2, -top - log_2),
        "cosh": (top + log_2,),
        "sigmoid": (bottom,),
        "softplus": (bottom,),
    }
    for name, middles in places.items():
        x = np.concatenate([middle + around for middle in middles]).astype(DTYPES[dtype])
        assert_same(values(name, dtype, x), true_values(name, [x]))


SPECIAL = (0.0, 1, 2, 3, 0.5, 2.5, 8, 1 / 3, 1e-10, 1e10, 2.0**60, inf, nan)
SPECIAL += tuple(-x for x in SPECIAL)


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


@every_dtype
def test_exact_results(dtype):
    """What can be exact is, where programs rely on it."""
    info = np.finfo(DTYPES[dtype])
    n = np.arange(info.minexp - info.nmant, info.maxexp)
    assert (values("exp2", dtype, n) == np.ldexp(1.0, n)).all()
    assert (values("log2", dtype, np.ldexp(1.0, n)) == n).all()
    tens = np.arange(11)
    assert (values("log10", dtype, 10.0**tens) == tens).all()
    base, power = np.array([(b, p) for b in range(-50, 51) for p in range(5) if abs(b) ** p < 2**24]).T
    assert (values("pow", dtype, base, power) == base**power).all()
    assert (values("pow", dtype, tens * tens, 0.5) == tens).all()


# ---------------------------------------------------------------------------------------- machine code
# Arithmetic on numbers, packed and one by one, for x86-64 and for ARM.
PACKED = re.compile(
    r"\bv?(?:fn?m(?:add|sub)\d*|add|sub|mul|div|sqrt)p[sd]\b"
    r"|\b(?:fml[as]|fadd|fsub|fmul|fdiv|fsqrt)(?:\.[24][sd])?\s+v\d+"
)
ONE_BY_ONE = re.compile(
    r"\bv?(?:fn?m(?:add|sub)\d*|add|sub|mul|div|sqrt)s[sd]\b"
    r"|\b(?:fn?m(?:add|sub)|fadd|fsub|fmul|fdiv|fsqrt)\s+[sd]\d+"
)
CALL = re.compile(r"^\s*(?:callq?|blr?)\s.*$", re.MULTILINE)


def assembly(dispatcher) -> str:
    """The machine code of a compiled function, without that which unboxes arguments for Python."""
    text = next(iter(dispatcher.inspect_asm().values()))
    return text[: text.index("func_end0")]


@every_dtype
@every_function
def test_vectorised(name, dtype):
    """The loop is packed arithmetic (only its last few elements are not: as many instructions), no call."""
    text = assembly(compiled(name, dtype))
    assert not CALL.findall(text)
    packed, one_by_one = len(PACKED.findall(text)), len(ONE_BY_ONE.findall(text))
    assert packed >= 0.8 * one_by_one > 0


def test_calls_and_scalar_loops_are_seen():
    @numba.njit("void(float64[::1])", error_model="numpy")
    def calls(a):
        for i in range(a.size):
            a[i] = math.sin(a[i])

    @numba.njit("void(float64[::1])", error_model="numpy")
    def one_by_one(a):
        for i in range(1, a.size):
            a[i] = a[i - 1] * a[i] + 1

    assert CALL.findall(assembly(calls))
    assert ONE_BY_ONE.findall(assembly(one_by_one)) and not PACKED.findall(assembly(one_by_one))


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


FIRST_CALLER = """
import numpy as np
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.vecmath import log_f64

def careless(out, a, start, stop):
    for i in range(start, stop):
        out[i] = log_f64(a[i])

def careful(out, a, start, stop):
    for i in range(start, stop):
        out[i] = log_f64(a[i])

compiled(careless, "f8", "f8", int, int, fastmath={"reassoc", "contract", "nsz"})
x, out = np.array([1.4248764877191102]), np.empty(1)
compiled(careful, "f8", "f8", int, int)(out, x, 0, 1)
print(abs(out[0] - np.log(x[0])) <= np.spacing(out[0]) / 2)
"""


def test_flags_of_the_first_caller_do_not_stay(tmp_path):
    environment = os.environ | {"NUMBATORCH_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", FIRST_CALLER], env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.stdout.strip() == "True", result.stderr
