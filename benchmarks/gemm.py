"""Matrix products here, in NumPy and in PyTorch, taking turns, best of many rounds: read the ratios.

python benchmarks/gemm.py            # every table
python benchmarks/gemm.py large      # GFLOP/s of square matrices
python benchmarks/gemm.py layouts    # the same for transposed operands, float32
python benchmarks/gemm.py small      # microseconds a call
python benchmarks/gemm.py vectors    # microseconds for a matrix and a vector
python benchmarks/gemm.py batches    # microseconds for a batch
python benchmarks/gemm.py compile    # seconds for the first call, with an empty cache
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch

from numbatorch_kernels.gemm import gemm

NAMES = "here", "NumPy", "PyTorch"


def seconds(functions: list[Callable], budget: float = 2.0) -> list[float]:
    """The best time of a call of each function; the functions take turns for `budget` seconds."""
    began = time.perf_counter()
    for f in functions:
        f(), f()
    once = (time.perf_counter() - began) / (2 * len(functions))
    number, best = max(1, int(1e-3 / once)), [float("inf")] * len(functions)
    while time.perf_counter() - began < budget or best[0] == float("inf"):
        for i, f in enumerate(functions):
            start = time.perf_counter()
            for _ in range(number):
                f()
            best[i] = min(best[i], (time.perf_counter() - start) / number)
    return best


def contenders(a: np.ndarray, b: np.ndarray) -> list[Callable]:
    """a @ b into an array that is there, in each library."""
    out = np.zeros((*a.shape[:-1], b.shape[-1]), a.dtype)
    x, y, z = map(torch.from_numpy, (a, b, out))
    return [lambda: gemm(out, a, b), lambda: np.matmul(a, b, out=out), lambda: torch.matmul(x, y, out=z)]


def random(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def row(title: str, functions: list[Callable], figure: Callable[[float], str]) -> None:
    times = seconds(functions)
    ratios = " ".join(f"{times[0] / other:8.2f}" for other in times[1:])
    print(f"{title:<28}" + "".join(f"{figure(t):>10}" for t in times) + "   " + ratios)


def header(title: str) -> None:
    print(f"\n{title:<28}" + "".join(f"{name:>10}" for name in NAMES) + "   time over NumPy's, PyTorch's")


def microseconds(t: float) -> str:
    return f"{1e6 * t:.2f}" if t < 1e-4 else f"{1e6 * t:.0f}"


def large() -> None:
    header("GFLOP/s, n x n")
    for dtype in ("float32", "float64"):
        for n in (128, 256, 512, 1000, 1024, 2048):
            functions = contenders(random(dtype, n, n), random(dtype, n, n))
            row(f"{dtype} {n}", functions, lambda t, n=n: f"{2e-9 * n**3 / t:.0f}")


def layouts() -> None:
    header("GFLOP/s, float32, n = 1024")
    a, b, n = random("float32", 1024, 1024), random("float32", 1024, 1024), 1024
    for title, x, y in (("a b", a, b), ("a.T b", a.T, b), ("a b.T", a, b.T), ("a.T b.T", a.T, b.T)):
        row(title, contenders(x, y), lambda t: f"{2e-9 * n**3 / t:.0f}")


def small() -> None:
    header("us, n x n")
    for dtype in ("float32", "float64"):
        for n in (4, 7, 8, 13, 16, 24, 31, 32, 33, 48, 64, 100):
            row(f"{dtype} {n}", contenders(random(dtype, n, n), random(dtype, n, n)), microseconds)


def vectors() -> None:
    header("us, float32")
    for m, k in ((64, 64), (256, 256), (1000, 1000), (4000, 4000)):
        a = random("float32", m, k)
        row(f"matrix {m} x {k}, vector", contenders(a, random("float32", k, 1)), microseconds)
        row(f"vector, matrix {m} x {k}", contenders(random("float32", 1, m), a), microseconds)


def batches() -> None:
    header("us, float32, batch of n x n")
    for batch, n in ((32, 8), (32, 32), (64, 64), (16, 256), (3, 300)):
        row(
            f"{batch} x {n}",
            contenders(random("float32", batch, n, n), random("float32", batch, n, n)),
            microseconds,
        )


FIRST_CALL = """
import time, numpy as np
from numbatorch_kernels import cpu
from numbatorch_kernels.gemm import gemm
def warm(out, start, stop):
    out[start] = stop
cpu.compiled(warm, "{0}", int, int)
a = np.ones(({1}), "{0}")
start = time.perf_counter()
gemm(np.empty((a.shape[0], {2}), "{0}"), a, np.ones((a.shape[1], {2}), "{0}"))
print(time.perf_counter() - start)
"""


def compile() -> None:
    print("\nseconds for the first call        compiled   from disk")
    for title, shape, columns in (("matrices", "9, 9", 9), ("a matrix and a vector", "9, 9", 1)):
        for dtype in ("float32", "float64", "float16", "int64"):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", FIRST_CALL.format(dtype, shape, columns)]
                environment = os.environ | {"NUMBATORCH_CACHE_DIR": folder}
                runs = [
                    subprocess.run(command, env=environment, capture_output=True, check=True)
                    for _ in range(2)
                ]
            compiled, cached = (float(run.stdout) for run in runs)
            print(f"{dtype + ', ' + title:<32}{compiled:>10.2f}{cached:>12.4f}")


if __name__ == "__main__":
    for table in sys.argv[1:] or ("large", "layouts", "small", "vectors", "batches", "compile"):
        globals()[table]()
