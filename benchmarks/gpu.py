"""On a GPU: every op of the tests' table against the CPU, then what the GPU's memory, products, launches and training steps
take here and, where PyTorch is installed with CUDA, there.

    python -m benchmarks.gpu                     all of it, in less than ten minutes
    python -m benchmarks.gpu --tiny              on tiny sizes, also in the simulator: whether this program works
    python -m benchmarks.gpu --no-check          the figures alone; --no-figures the check alone
    python -m benchmarks.gpu --results FOLDER    where to write: of a machine that is lent, the folder that comes back

What is known is written after every line, to benchmarks/results/gpu.json and gpu.md. Where something is missing, that is
said first. `bash benchmarks/gpu.sh` installs what is missing into an environment of its own, and then does it all.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.cases.training import TRAINING, perceptron, sgd

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BUDGET = 510.0  # seconds, for everything: with what gpu.sh installs first, less than ten minutes
PATIENCE = 90.0  # seconds, for a row or a case: a kernel that does not end takes no more of them than that
WORKERS = min(16, os.cpu_count() or 1)  # processes that share the check: most of it is compiling
FIGURES = {  # what shall hold, by group: the least part of the copy rate, or of PyTorch's rate
    "memory": 0.85,
    "product": 0.5,
    "cublas": 0.97,
    "launch": 0.5,
}
UNITS = {"memory": "GB/s", "product": "GFLOP/s", "cublas": "GFLOP/s", "decomposition": "GFLOP/s"}

# ---- the check: in processes of its own, since a kernel that goes wrong ends its process ----


def rows_to_check(tiny: bool) -> dict[str, tuple[Any, str]]:
    """By name, a row of the table and who multiplies matrices: our own kernels, and for products cuBLAS as well. What is
    large comes first: the simulator has tried the rest."""
    sys.path.append(str(ROOT / "tests"))
    from samples import SAMPLES
    from samples.large import LARGE
    from samples.products import PRODUCTS

    products = {row.name for row in PRODUCTS}
    rows = [(row, "numbatorch") for row in (SAMPLES[:2] if tiny else [*LARGE, *SAMPLES])]
    rows += [(row, "cublas") for row in ([] if tiny else [*LARGE, *PRODUCTS]) if row.name in products]
    words = {"numbatorch": "", "cublas": ", by cuBLAS"}
    return {f"{row.id} of {_shapes(row)}{words[library]}": (row, library) for row, library in rows}


def check_share(number: int, count: int, after: str, tiny: bool) -> None:
    """Run every `count`-th row of the table from `number` on, but only what comes after the row `after`; print a line for
    each."""
    rows = list(rows_to_check(tiny).items())[number::count]
    from samples.sample import results, tensors

    import numbatorch as torch

    begin = [name for name, _ in rows].index(after) + 1 if after else 0
    for name, (row, library) in rows[begin:]:
        print(json.dumps(["begin", name]), flush=True)
        torch.backends.cuda.preferred_blas_library(library)
        try:
            fault = _difference(torch, row, results, tensors)
        except Exception as error:  # the table goes on: what happened is the result
            fault = _in_words(error)
        print(json.dumps(["end", name, fault]), flush=True)


def _in_words(error: Exception) -> str:
    """What is written down of an error. One after which the device answers no more ends this process, and another goes on."""
    if "CUDA error" in str(error):
        raise error
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _shapes(row: Any) -> tuple:
    """The smallest shapes of a row that have elements."""
    return min(
        (s for s in row.shapes if all(0 not in shape for shape in s)), key=lambda s: sum(map(math.prod, s))
    )


def _difference(torch: Any, row: Any, results: Callable, tensors: Callable) -> str | None:
    """How the values or gradients of a row on cuda differ from the CPU's."""
    shapes = _shapes(row)
    dtype = "float32" if row.order and not row.complex else row.dtypes[0]
    found = []
    for device in ("cpu", "cuda"):
        operands = [t.to(device) for t in tensors(torch, row.arrays(shapes, dtype), (dtype,) * len(shapes))]
        for operand in operands if row.order else ():
            operand.requires_grad_()
        outputs = list(results(row.call(torch, operands)))
        if wanted := [o for o in outputs if o.requires_grad]:
            sum((o * o).sum().real for o in wanted).backward()
        found.append([x.detach().cpu() for x in (*outputs, *(t.grad for t in operands)) if x is not None])
    for here, there in zip(*found, strict=True):
        if here.shape != there.shape or here.dtype is not there.dtype:
            return f"{there.dtype}{list(there.shape)} instead of {here.dtype}{list(here.shape)}"
        a, b = (x.to(torch.complex128 if x.is_complex() else torch.float64) for x in (here, there))
        if not torch.allclose(a, b, rtol=1e-4 * row.tol, atol=1e-5 * row.tol, equal_nan=True):
            return f"differs by {float((a - b).abs().max()):.3g}"
    return None


def check(ends: float, tiny: bool, report: Callable[[int, int, dict[str, str]], None]) -> None:
    """Run the table; report(rows done, rows, faults) after each row."""
    lines: queue.Queue = queue.Queue()
    rows = len(rows_to_check(tiny))
    count = 1 if tiny else WORKERS
    shares = [
        threading.Thread(target=_watch, args=(k, count, ends, tiny, lines), daemon=True) for k in range(count)
    ]
    for share in shares:
        share.start()
    done, faults = 0, {}
    while any(share.is_alive() for share in shares) or not lines.empty():
        try:
            name, fault = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        done += 1
        if fault:
            faults[name] = fault
        report(done, rows, faults)


def _watch(number: int, count: int, ends: float, tiny: bool, lines: queue.Queue) -> None:
    """Run a share to its end."""
    for line in _to_the_end(["--share", str(number), str(count)], ends, tiny):
        lines.put(line)


def _to_the_end(options: list[str], ends: float, tiny: bool) -> Iterator[list]:
    """What processes of this program say of each row or case: a new one goes on where one has died."""
    last: str | None = ""
    while last is not None and time.monotonic() < ends:
        running: list = []
        for kind, *line in _answers([*options, "--after", last, *["--tiny"] * tiny], ends):
            running = line if kind == "begin" else []
            if kind == "end":
                yield line
        last = None
        if running:
            late = time.monotonic() >= ends
            died = f"the process died, or was ended after {PATIENCE:.0f} s: see its kernel"
            yield [*running, "no time was left" if late else died]
            last = running[0]


def _answers(options: list[str], ends: float) -> Iterator[list]:
    """What a process of this program prints, line by line, until it ends, says nothing for too long, or must end."""
    command = [sys.executable, "-m", "benchmarks.gpu", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    timer = _end_later(process, ends)
    try:
        for line in process.stdout or ():
            timer.cancel()
            timer = _end_later(process, ends)
            if line.startswith("["):
                yield json.loads(line)
    finally:
        timer.cancel()
        process.wait()


def _end_later(process: subprocess.Popen, ends: float) -> threading.Timer:
    timer = threading.Timer(max(0.0, min(PATIENCE, ends - time.monotonic())), process.kill)
    timer.start()
    return timer


# ---- the figures ----


def cases(tiny: bool) -> Iterator[tuple[str, str, float, Callable]]:
    """Group, name, work of a call in bytes or operations, and the program: given a library, a function to be timed."""
    n = 64 if tiny else 1 << 28  # elements of 1 GB
    rows = (8, n // 8) if tiny else (n // 4096, 4096)

    def memory(name: str, passes: int, make: Callable) -> tuple[str, str, float, Callable]:
        return "memory", name, 4.0 * n * passes, make

    def of(function: Callable, shape: tuple[int, ...] = (n,)) -> Callable:
        return lambda torch: (lambda x: lambda: function(torch, x))(torch.ones(*shape, device="cuda"))

    yield memory("copy", 2, of(lambda torch, x: x.clone()))
    yield memory("x * 2", 2, of(lambda torch, x: x * 2))
    yield memory("x + x", 2, of(lambda torch, x: x + x))
    yield memory("exp", 2, of(lambda torch, x: x.exp()))
    yield memory("gelu", 2, of(lambda torch, x: torch.nn.functional.gelu(x)))
    yield memory("sum", 1, of(lambda torch, x: x.sum()))
    yield memory("sum of rows", 1, of(lambda torch, x: x.sum(1), rows))
    yield memory("sum of columns", 1, of(lambda torch, x: x.sum(0), rows))
    yield memory("largest of rows", 1, of(lambda torch, x: x.amax(1), rows))
    yield memory("softmax", 2, of(lambda torch, x: x.softmax(1), rows))
    yield memory("layer norm", 2, of(lambda torch, x: torch.nn.functional.layer_norm(x, x.shape[1:]), rows))
    side = 4 if tiny else 4096
    for dtype, tf32, library in (
        ("float32", False, "numbatorch"), ("float32", False, "cublas"), ("float32", True, "cublas"), ("bfloat16", False, "cublas")
    ):  # fmt: skip

        def product(torch: Any, dtype: str = dtype, tf32: bool = tf32, library: str = library) -> Callable:
            torch.backends.cuda.matmul.allow_tf32 = tf32
            if torch.__name__ == "numbatorch":
                torch.backends.cuda.preferred_blas_library(library)
            a, b = (torch.ones(side, side, device="cuda", dtype=getattr(torch, dtype)) for _ in range(2))
            return lambda: a @ b

        group = "cublas" if library == "cublas" else "product"
        yield group, f"{dtype}{', TF32 allowed' * tf32}, by {library}", 2.0 * side**3, product
    yield "launch", "x + y of 4 elements", 1.0, of(lambda torch, x: x + x, (4,))
    yield "launch", "exp of 4 elements", 1.0, of(lambda torch, x: x.exp(), (4,))

    def step(program: Callable) -> Callable:
        def on_cuda(torch: Any) -> Callable:
            torch.set_default_device("cuda")
            return program(torch)

        return on_cuda

    if tiny:
        yield "training", "MLP 3-2", 1.0, step(perceptron(3, 2, batch=2, optimizer=sgd))
    else:
        for case in TRAINING.cases:
            yield "training", case.name, 1.0, step(case.program)
    yield from decompositions(tiny)


def decompositions(tiny: bool) -> Iterator[tuple[str, str, float, Callable]]:
    """Fourier transforms and factors, of one large matrix and of many small ones, as `cases`. Work is that of the usual
    algorithms: 5 n log2 n for a transform; of singular values and eigenvalues, which go by sweeps, there is no such number."""
    length, side, small, many = (16, 8, 4, 2) if tiny else (1 << 20, 2048, 512, 4096)

    def of(function: Callable, n: int, count: int = 1) -> Callable:
        def program(torch: Any) -> Callable:
            x = torch.randn(count, n, n, device="cuda")
            matrix = x @ x.mT / n + torch.eye(n, device="cuda")
            return lambda: function(torch, matrix)

        return program

    def transform(torch: Any) -> Callable:
        x = torch.randn(length, dtype=torch.complex64, device="cuda")
        return lambda: torch.fft.fft(x)

    yield "decomposition", f"FFT of {length}", 5.0 * length * math.log2(length), transform
    cube = float(side) ** 3
    yield "decomposition", f"LU of {side}", cube * 2 / 3, of(lambda torch, x: torch.linalg.lu_factor(x), side)
    yield (
        "decomposition",
        f"Cholesky of {side}",
        cube / 3,
        of(lambda torch, x: torch.linalg.cholesky(x), side),
    )
    yield "decomposition", f"QR of {side}", cube * 8 / 3, of(lambda torch, x: torch.linalg.qr(x), side)
    for n, count in ((small, 1), (small // 16 or 1, many)):
        yield "rotations", f"eigh of {count} x {n}", 1.0, of(lambda torch, x: torch.linalg.eigh(x), n, count)
        yield "rotations", f"svd of {count} x {n}", 1.0, of(lambda torch, x: torch.linalg.svd(x), n, count)


def measure_all(library: str, after: str, tiny: bool) -> None:
    """Measure every case in one library, but only those after the case `after`; print a line for each."""
    torch = importlib.import_module(library)
    waiting = bool(after)
    for group, name, work, program in cases(tiny):
        if waiting:
            waiting = name != after
            continue
        print(json.dumps(["begin", name, group, work]), flush=True)
        answer: Any
        try:
            torch.manual_seed(0)
            answer = _seconds(torch, program(torch), tiny)
        except Exception as error:  # the next case may work: what happened is the result
            answer = _in_words(error)
        print(json.dumps(["end", name, group, work, answer]), flush=True)
        torch.cuda.empty_cache()


def _seconds(torch: Any, function: Callable[[], object], tiny: bool) -> float:
    """The best time of a call, many of them given to the device before it is waited for; one that takes long, once."""

    def run(number: int) -> float:
        began = time.perf_counter()
        for _ in range(number):
            function()
        torch.cuda.synchronize()
        return (time.perf_counter() - began) / number

    run(1)  # compiles
    once = run(1)
    if tiny or once > 0.5:
        return once
    number = min(2000, math.ceil(0.1 / max(once, 1e-7)))
    return min(run(number) for _ in range(5))


# ---- what comes out ----


class Results:
    """All that is known, written to files whenever something is added."""

    def __init__(self, folder: Path, about: dict[str, Any]):
        self.folder = folder
        check = {"rows": 0, "of": 0, "faults": {}}
        self.known: dict[str, Any] = {"machine": about, "check": check, "figures": {}}
        folder.mkdir(parents=True, exist_ok=True)

    def checked(self, rows: int, of: int, faults: dict[str, str]) -> None:
        self.known["check"] = {"rows": rows, "of": of, "faults": dict(faults)}
        self.write()

    def measured(self, library: str, name: str, group: str, work: float, answer: float | str) -> None:
        line = self.known["figures"].setdefault(name, {"group": group, "work": work})
        line[library] = answer
        self.write()

    def write(self) -> None:
        (self.folder / "gpu.json").write_text(json.dumps(self.known, indent=1) + "\n")
        (self.folder / "gpu.md").write_text(page(self.known))


def page(known: dict[str, Any]) -> str:
    """The results in Markdown."""
    about, checked = known["machine"], known["check"]
    lines = [
        "# On a GPU",
        "",
        f"Written by `python -m benchmarks.gpu`. {', '.join(f'{k}: {v}' for k, v in about.items())}.",
        "",
        f"Rows of the table of samples that were run on cuda: {checked['rows']} of {checked['of']}; other values or gradients "
        f"than the CPU's in {len(checked['faults'])}.",
        "",
        *[f"* `{name}`: {fault}" for name, fault in checked["faults"].items()],
        "",
        "| | numbatorch | rate | of the copy rate | PyTorch | of PyTorch's rate | |",
        "|---|---|---|---|---|---|---|",
    ]
    figures = known["figures"]
    copy = figures.get("copy", {})
    times = [copy[library] for library in ("numbatorch", "torch") if isinstance(copy.get(library), float)]
    fastest = copy["work"] / min(times) if times else None
    return "\n".join([*lines, *[_row(name, line, fastest) for name, line in figures.items()]]) + "\n"


def _row(name: str, line: dict[str, Any], fastest: float | None) -> str:
    """A line of the table."""
    ours, theirs, group = line.get("numbatorch"), line.get("torch"), line["group"]
    cells = [name, _time(ours), "", "", _time(theirs), "", ""]
    if isinstance(ours, float):
        part = share = None
        if group in UNITS:
            cells[2] = f"{line['work'] / ours / 1e9:.0f} {UNITS[group]}"
        if group == "memory" and fastest:
            part = line["work"] / ours / fastest
            cells[3] = f"{part:.0%}"
        if isinstance(theirs, float):
            share = theirs / ours
            cells[5] = f"{share:.0%}"
        reached = part if group == "memory" else share
        if group in FIGURES and reached is not None:
            cells[6] = "" if reached >= FIGURES[group] else f"below {FIGURES[group]:.0%}"
    return f"| {' | '.join(cells)} |"


def _time(seconds: float | str | None) -> str:
    if not isinstance(seconds, float):
        return seconds or ""
    return f"{seconds * 1e3:.3f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"


def machine() -> dict[str, Any]:
    """The GPU and the versions. Exits, saying what is missing, where there is none."""
    import numbatorch as torch
    from numbatorch import doctor

    if not torch.cuda.is_available():
        print(*doctor.gpu(), sep="\n")
        sys.exit("there is no GPU to use: see above, or try --tiny with NUMBA_ENABLE_CUDASIM=1")
    of = torch.cuda.get_device_properties()
    about = {"GPU": of.name, "multiprocessors": of.multi_processor_count, "numbatorch": torch.__version__}
    about |= {
        name: doctor.version(name) or "missing"
        for name in ("numba-cuda", "cuda-core", "nvmath-python", "torch")
    }
    return about


def torch_has_cuda() -> bool:
    """Whether PyTorch is installed, and finds the GPU."""
    code = "import torch; print(torch.cuda.is_available())"
    return (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description="correctness and speed on a GPU"
    )
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: whether this program works")
    parser.add_argument("--no-check", action="store_true", help="leave out the table of samples")
    parser.add_argument("--no-figures", action="store_true", help="leave out the times")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds for everything")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    for_children = {"help": argparse.SUPPRESS}
    parser.add_argument("--share", nargs=2, type=int, **for_children)
    parser.add_argument("--after", default="", **for_children)
    parser.add_argument("--measure", **for_children)
    options = parser.parse_args()
    if options.share:
        check_share(*options.share, options.after, options.tiny)
    elif options.measure:
        measure_all(options.measure, options.after, options.tiny)
    else:
        everything(options)


def everything(options: argparse.Namespace) -> None:
    """The check and the figures, each in processes of their own."""
    ends = time.monotonic() + options.budget
    about = machine()
    print(*[f"{name}: {value}" for name, value in about.items()], sep="\n")
    results = Results(options.results, about)
    if not options.no_check:
        # At most half of the time; the figures have what is left.
        half = ends if options.no_figures else (time.monotonic() + ends) / 2
        check(half, options.tiny, results.checked)
        found = results.known["check"]
        print(f"{found['rows']} of {found['of']} rows checked, {len(found['faults'])} differ")
        print(*[f"  {name}: {fault}" for name, fault in found["faults"].items()], sep="\n", flush=True)
    if not options.no_figures:
        libraries = ["numbatorch", *["torch"] * torch_has_cuda()]
        if len(libraries) == 1:
            print("PyTorch with CUDA is not installed here: its column stays empty")
        for k, library in enumerate(libraries):
            now = time.monotonic()
            until = now + (ends - now) / (len(libraries) - k)
            for name, *rest in _to_the_end(["--measure", library], until, options.tiny):
                results.measured(library, name, *rest)
                print(f"{library:12}{name:40}{_time(rest[-1])}", flush=True)
    print(f"written to {options.results}")


if __name__ == "__main__":
    main()
