"""The largest error of every function of `vecmath` in units in the last place, its speed, its compile time.

    python benchmarks/vecmath_accuracy.py                   all functions, 200 000 points in each sweep
    python benchmarks/vecmath_accuracy.py exp tanh -n 1e7

The true values come from NumPy's long double. Where that is no longer than float64 (Windows, macOS on ARM),
errors of float64 include those of the reference.
"""

from __future__ import annotations

import argparse
import time
import timeit
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numba
import numpy as np
from numba import types

from numbatorch_kernels import vecmath
from numbatorch_kernels.call import KernelCompiler, callable_of
from numbatorch_kernels.pointer import Pointer

DTYPES = {"f32": np.float32, "f64": np.float64}
Long = np.longdouble
inf = np.inf


# ------------------------------------------------------------------------------------------------ true values
def _exp_of_minus_square(x: np.ndarray) -> np.ndarray:
    """exp(-x^2), x^2 being taken apart: one long double does not hold all its digits."""
    coarse = x.astype(np.float32).astype(Long)
    fine = x - coarse
    return np.exp(-coarse * coarse) * np.exp(-fine * (2 * coarse + fine))


def _erf_series(x: np.ndarray) -> np.ndarray:
    """erf for |x| <= 2: 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / (3 5) + ...)."""
    term, total = x, x
    for n in range(1, 60):
        term = term * (2 * x * x / (2 * n + 1))
        total = total + term
    return 2 / np.sqrt(np.arccos(Long(-1))) * np.exp(-x * x) * total


def _erfc_fraction(x: np.ndarray, scaled: bool = False) -> np.ndarray:
    """erfc for x >= 2: exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))); if `scaled`,
    without the exponential."""
    below = x
    for n in range(200, 0, -1):
        below = x + n / Long(2) / below
    return (1 if scaled else _exp_of_minus_square(x)) / np.sqrt(np.arccos(Long(-1))) / below


def erfcx(x: np.ndarray) -> np.ndarray:
    size, z = np.abs(x), 0.5 / np.clip(x * x, 1, None)
    fraction = _erfc_fraction(np.clip(size, 2, 1e4), scaled=True)
    far = np.where(size < 1e4, fraction, (1 - z + 3 * z * z) / np.sqrt(np.arccos(Long(-1))) / size)
    near = (1 - _erf_series(np.clip(x, -2, 2))) / _exp_of_minus_square(np.clip(x, -2, 2))
    return np.where(size < 2, near, np.where(x < 0, 2 / _exp_of_minus_square(np.clip(x, -200, 0)) - far, far))


def erfc(x: np.ndarray) -> np.ndarray:
    size = np.abs(x)
    far = _erfc_fraction(np.clip(size, 2, 100))
    return np.where(size < 2, 1 - _erf_series(np.clip(x, -2, 2)), np.where(x < 0, 2 - far, far))


def erf(x: np.ndarray) -> np.ndarray:
    far = np.copysign(1 - _erfc_fraction(np.clip(np.abs(x), 2, 100)), x)
    return np.where(np.abs(x) < 2, _erf_series(np.clip(x, -2, 2)), far)


# ----------------------------------------------------------------------------------------------------- sweeps
class Case(NamedTuple):
    """A function: its true values, where it is defined, and the intervals to look at closely.

    `intervals(top)` are in terms of top = log of the largest number of the type.
    """

    true: Callable
    domain: tuple[float, float] = (-inf, inf)
    intervals: Callable = lambda top: ((-4, 4), (-100, 100))


EXPONENTIAL = lambda top: ((-1.2 * top, 1.01 * top), (-1, 1), (-20, 20))  # noqa: E731
CASES = {
    "exp": Case(np.exp, intervals=EXPONENTIAL),
    "exp2": Case(np.exp2, intervals=lambda top: ((-1.8 * top, 1.5 * top), (-1, 1))),
    "expm1": Case(np.expm1, intervals=EXPONENTIAL),
    "sigmoid": Case(lambda x: 1 / (1 + np.exp(-x)), intervals=EXPONENTIAL),
    "softplus": Case(lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0), intervals=EXPONENTIAL),
    "log": Case(np.log, (0, inf), lambda top: ((0.5, 2), (0, 100))),
    "log2": Case(np.log2, (0, inf), lambda top: ((0.5, 2), (0, 100))),
    "log10": Case(np.log10, (0, inf), lambda top: ((0.5, 2), (0, 100))),
    "log1p": Case(np.log1p, (-1, inf), lambda top: ((-1, 1), (0, 100))),
    "sin": Case(np.sin),
    "cos": Case(np.cos),
    "tan": Case(np.tan),
    "asin": Case(np.arcsin, (-1, 1), lambda top: ((-1, 1), (0.45, 0.55))),
    "acos": Case(np.arccos, (-1, 1), lambda top: ((-1, 1), (0.99, 1))),
    "atan": Case(np.arctan, intervals=lambda top: ((-2, 2), (-20, 20))),
    "sinh": Case(np.sinh, intervals=EXPONENTIAL),
    "cosh": Case(np.cosh, intervals=EXPONENTIAL),
    "tanh": Case(np.tanh, intervals=lambda top: ((-1, 1), (-20, 20))),
    "asinh": Case(np.arcsinh, intervals=lambda top: ((-2, 2), (-100, 100))),
    "acosh": Case(np.arccosh, (1, inf), lambda top: ((1, 1.01), (1, 4), (1, 100))),
    "atanh": Case(np.arctanh, (-1, 1), lambda top: ((-1, 1), (0.99, 1))),
    "erf": Case(erf, intervals=lambda top: ((-1.5, 1.5), (-6, 6))),
    "erfc": Case(erfc, intervals=lambda top: ((-6, 28 if top > 100 else 11), (0, 2))),
    "normal_cdf": Case(lambda x: erfc(-x / np.sqrt(Long(2))) / 2, (-1, inf), lambda top: ((-1, 1), (-1, 9))),
    "erfcx": Case(erfcx, intervals=lambda top: ((-26 if top > 100 else -9, 28), (-2, 2), (20, 200))),
    "sqrt": Case(np.sqrt, (0, inf), lambda top: ((0, 4),)),
    "rsqrt": Case(lambda x: 1 / np.sqrt(x), (0, inf), lambda top: ((0, 4),)),
    "pow": Case(np.power, (0, inf), lambda top: ((0, 3), (0.9, 1.1))),
    "atan2": Case(np.arctan2, intervals=lambda top: ((-1, 1), (-100, 100))),
}
BINARY = ("pow", "atan2")


def points(name: str, dtype: str, count: int) -> list[np.ndarray]:
    """The arguments of a sweep: `count` in each interval, and `count` of every size down to the subnormal."""
    real, case, random = DTYPES[dtype], CASES[name], np.random.default_rng(0)
    info = np.finfo(real)
    smallest, (low, high) = info.minexp - info.nmant, case.domain

    def sizes(largest: int) -> np.ndarray:
        return np.exp2(random.uniform(smallest, largest, count)) * random.choice((-1, 1), count)

    intervals = case.intervals(np.log(float(info.max)))
    x = np.concatenate(
        [sizes(0 if high == 1 else info.maxexp), *(random.uniform(*i, count) for i in intervals)]
    )
    x = np.clip(np.where(x < low, -x, x), low, high).astype(real)
    if name == "atan2":
        y = np.concatenate([sizes(info.maxexp), *(random.uniform(-1, 1, count) for _ in intervals)])
        return [x, y.astype(real)]
    if name == "pow":  # exponents that make results of every size
        with np.errstate(all="ignore"):
            y = random.uniform(smallest, info.maxexp, x.size) / np.log2(x.astype(Long))
        return [x, np.where(np.isfinite(y), y, 1).astype(real)]
    return [x]


def true_values(name: str, arguments: list[np.ndarray]) -> np.ndarray:
    """The function in long double."""
    with np.errstate(all="ignore"):
        return CASES[name].true(*(a.astype(Long) for a in arguments))


def ulps(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The errors of `got` in units in the last place; infinite where one alone is NaN or infinite."""
    with np.errstate(all="ignore"):
        rounded = true.astype(got.dtype)
        error = np.abs(got.astype(Long) - true) / np.abs(np.spacing(rounded)).astype(Long)
        same = (got == rounded) & ~np.isfinite(rounded) | np.isnan(got) & np.isnan(rounded)
        return np.where(same, 0, np.where(np.isfinite(got) & np.isfinite(rounded), error, inf))


# ---------------------------------------------------------------------------------------------------- kernels
def kernel(name: str, dtype: str, fastmath: bool = False):
    """A loop over the function, compiled: kernel(out, *arguments, start, stop)."""
    function = getattr(vecmath, f"{name}_{dtype}")
    pointer = Pointer(types.float32 if dtype == "f32" else types.float64)

    def unary(out, x, start, stop):
        for i in range(start, stop):
            out[i] = function(x[i])

    def binary(out, x, y, start, stop):
        for i in range(start, stop):
            out[i] = function(x[i], y[i])

    pointers = [pointer] * (3 if name in BINARY else 2)
    signature = types.void(*pointers, types.intp, types.intp)
    decorator = numba.njit(signature, error_model="numpy", fastmath=fastmath, pipeline_class=KernelCompiler)
    return decorator(binary if name in BINARY else unary)


def evaluate(kernel, *arguments: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The values of a kernel's function."""
    out = np.empty_like(arguments[0]) if out is None else out
    callable_of(next(iter(kernel.overloads.values())))(out, *arguments, 0, out.size)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("functions", nargs="*", default=list(CASES))
    parser.add_argument("-n", type=float, default=200_000, help="points in each sweep")
    options = parser.parse_args()
    numba.njit("void(intp)")(lambda n: None)  # Numba's own first compile is not to be counted
    print(f"{'function':10} {'largest error, ulp':>20} {'ms for 1M':>20} {'compile, ms':>20}")
    print(f"{'':10} " + " ".join(f"{'float32':>10}{'float64':>10}" for _ in range(3)))
    for name in options.functions:
        errors, times, compiles = [], [], []
        for dtype in DTYPES:
            began = time.perf_counter()
            loop = kernel(name, dtype)
            compiles.append((time.perf_counter() - began) * 1e3)
            arguments = points(name, dtype, int(options.n))
            errors.append(np.max(ulps(evaluate(loop, *arguments), true_values(name, arguments))))
            low, high = CASES[name].domain
            one = (
                np.random.default_rng(0).uniform(max(low, -2), min(high, 2), 1_000_000).astype(DTYPES[dtype])
            )
            operands = [one] * len(arguments)
            out = np.empty_like(one)
            runs = timeit.repeat(partial(evaluate, loop, *operands, out=out), number=1, repeat=15)
            times.append(min(runs) * 1e3)
        columns = [f"{a:10.2f}{b:10.2f}" for a, b in (errors, times)] + [
            f"{compiles[0]:10.0f}{compiles[1]:10.0f}"
        ]
        print(f"{name:10} {' '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
