"""Linear algebra here, in NumPy and in PyTorch, taking turns, best of many rounds: microseconds a call, then the
ratios of our time to theirs.

python benchmarks/linalg.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

import numbatorch

SHAPES = [(3, 3), (64, 64), (65, 65), (512, 512), (10_000, 3, 3), (1000, 8, 8), (1000, 32, 32), (100, 64, 64), (100, 128, 128)]  # fmt: skip
FUNCTIONS = [
    "inv",
    "det",
    "solve",
    "lu_factor",
    "solve_triangular",
    "cholesky",
    "qr",
    "svd",
    "eigh",
    "matrix_exp",
]


def seconds(functions: list[Callable], budget: float = 1.0) -> list[float]:
    """The best time of a call of each function; the functions take turns for `budget` seconds."""
    best = [float("inf")] * len(functions)
    for f in functions:
        f()
    began = time.perf_counter()
    while time.perf_counter() - began < budget:
        for k, f in enumerate(functions):
            start = time.perf_counter()
            f()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def call(library, name: str, a: np.ndarray) -> Callable:
    """One function of a library on this stack of matrices, which is also the right side of systems."""
    function = getattr(library.linalg, name)
    x = a if library is np else library.tensor(a)
    more = (x,) if "solve" in name else ()
    names = {"upper": True} if name == "solve_triangular" else {}
    return lambda: function(x, *more, **names)


def main() -> None:
    for name in FUNCTIONS:
        print(f"\n{name:<20}{'here':>10}{'NumPy':>10}{'PyTorch':>10}")
        for shape in SHAPES:
            if name in ("svd", "eigh", "qr") and len(shape) == 3:
                continue  # NumPy's, and therefore ours
            n = shape[-1]
            a = np.random.default_rng(0).standard_normal(shape).astype(np.float32) / n + 2 * np.eye(n)
            a = (a + a.swapaxes(-2, -1)).astype(np.float32)
            libraries = [library for library in (numbatorch, np, torch) if hasattr(library.linalg, name)]
            times = seconds([call(library, name, a) for library in libraries])
            columns = [f"{1e6 * t:10.0f}" for t in times]
            columns = columns if len(times) == 3 else [columns[0], f"{'':>10}", columns[1]]
            ratios = " ".join(f"{times[0] / other:8.2f}" for other in times[1:])
            print(f"{shape!s:<20}" + "".join(columns) + "   " + ratios)


if __name__ == "__main__":
    main()
