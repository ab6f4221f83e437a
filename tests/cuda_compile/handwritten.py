"""The CUDA kernels written by hand: those that a run of the programs below, in the simulator, launches.

A kernel is compiled for the kinds of arguments that it was launched with, so a new kernel is checked as soon
as a program here makes use of it. `python handwritten.py FILE` is that run.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from types import FunctionType

from pointwise import is_pointwise
from samples import SAMPLES, Sample, results, tensors
from task import Task

import numbatorch as torch
from numbatorch.nn import functional as F
from numbatorch_kernels import lift

PACKAGE = "numbatorch_kernels."
ASKS = {"grid", "blockIdx"}  # what of `cuda` tells a thread its place

# On purpose, whatever the type of the operands: a sum, and numbers drawn by rejection. NVIDIA's own sines and cosines
# multiply in float64 once, to reduce large arguments (`logs.c8`).
IN_FLOAT64 = (
    "nll_total_block", "ctc_block", "ctc_backward_block", "bag_grid", "poisson_kernel", "binomial_kernel", "gamma_kernel",
    "sign_and_log_grid", "logs.c8",
)  # fmt: skip
REAL = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
DTYPES = (*REAL, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)


def programs() -> None:
    """Calls of everything that is not pointwise, on `cuda`, in each dtype that it has."""
    for sample in SAMPLES:
        for dtype in sample.dtypes:
            for shapes in sample.shapes if dtype == "float32" else sample.shapes[:1]:
                with suppress(RuntimeError, TypeError):  # the op has no such dtype
                    call(sample, shapes, dtype)
    for dtype in DTYPES:
        memory(dtype)
    for dtype in REAL:
        chance(dtype)
        layers(dtype)
    for dtype in (*REAL[:2], torch.complex64, torch.complex128):
        systems(dtype)
    graphs()
    optimizers(torch.float32)


def call(sample: Sample, shapes: tuple, dtype: str) -> None:
    """A row of the table of samples, forward and backward."""
    arrays = sample.arrays(shapes, dtype)
    operands = [tensor.to("cuda") for tensor in tensors(torch, arrays, (dtype,) * len(shapes))]
    for operand in operands:
        operand.requires_grad_(bool(sample.order) and operand.is_floating_point())
    outputs = list(results(sample.call(torch, operands)))
    if losses := [(output * output).sum() for output in outputs if output.requires_grad]:
        sum(losses).backward()


def matrix(dtype: torch.dtype) -> torch.Tensor:
    return (torch.arange(12).reshape(3, 4) % 5 + 1).to("cuda", dtype)


def memory(dtype: torch.dtype) -> None:
    """Copies, conversions, indexing, creation."""
    x = matrix(dtype)
    rows, columns = torch.tensor([0, 1, 1], device="cuda"), torch.tensor([[0, 1, 1, 2]], device="cuda")
    x.t().contiguous(), x[:, ::2].clone(), torch.cat([x, x]), torch.stack([x, x])
    for other in DTYPES:
        x.to(other), x.t().to(other)
    x[rows], x[rows, rows], x[x == x], x.gather(0, columns), x.index_select(0, rows), (x == x).nonzero()
    x.nonzero(), x[0].nonzero(), x.repeat_interleave(2, 1), x[0].cumsum(0)
    x[0], x[:, 1], x[rows], x[x == x] = 1, x[:, 2].clone(), x[1].clone(), False
    x.masked_fill_(x == x, False).index_add_(0, rows, x.clone()).scatter_(0, columns, x.clone())
    x.scatter_add_(0, columns, x.clone())
    if dtype in (torch.int32, torch.int64):
        torch.triu_indices(3, 4, dtype=dtype, device="cuda")
    torch.full((3,), 1, dtype=dtype, device="cuda"), torch.eye(3, dtype=dtype, device="cuda")
    if dtype is not torch.bool:
        long = x.repeat(1, 30)
        long.topk(2), long.topk(90), long.kthvalue(2)
        long.cumsum(1), long.cumprod(1), long.cummax(1)
        torch.arange(5, dtype=dtype, device="cuda"), torch.linspace(0, 4, 5, dtype=dtype, device="cuda")


def chance(dtype: torch.dtype) -> None:
    """Random numbers."""
    x = torch.empty(9, dtype=dtype, device="cuda")
    x.uniform_().normal_().bernoulli_(0.5).random_(0, 10)
    torch.bernoulli(x.uniform_()), torch.rand_like(x), torch.randn_like(x)
    torch.randint(10, (5,), device="cuda"), torch.randperm(5, device="cuda")
    torch.poisson(x)
    if dtype in REAL[:2]:
        torch.binomial(x, x)
        torch._standard_gamma(x.requires_grad_()).sum().backward()
        torch._sample_dirichlet(x).sum().backward()


def systems(dtype: torch.dtype) -> None:
    """What has no row in the table: what is solved by factors that are not those of the operands, and eigenvalues, which have no
    order."""
    a = torch.ones(3, 3, dtype=dtype, device="cuda").tril()
    torch.linalg.ldl_solve(*torch.linalg.ldl_factor_ex(a)[:2], a)
    torch.linalg.eig(a)


def graphs() -> None:
    """What a replay brings along."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        torch.rand(3, device="cuda")
    graph.replay()


def layers(dtype: torch.dtype) -> None:
    """Losses and layers that have kernels of their own."""
    x, labels = matrix(dtype).requires_grad_(), torch.tensor([0, 1, 1], device="cuda")
    F.cross_entropy(x, labels).backward()
    F.nll_loss(x, labels, reduction="none").sum().backward()
    if dtype in REAL[:2]:
        F.ctc_loss(x[:, None], labels[None, 1:2], torch.tensor([3]), torch.tensor([1])).backward()
    F.dropout(x, 0.5).sum().backward()
    F.layer_norm(x.repeat(1, 3), (12,))
    (x[labels].sum() + x.gather(1, labels[:, None]).sum() + x.index_select(0, labels).sum()).backward()


def optimizers(dtype: torch.dtype) -> None:
    """A step of each, in each of its variants."""
    layer = torch.nn.Linear(4, 2, device="cuda", dtype=dtype)
    parameters = list(layer.parameters())
    for optimizer in (
        torch.optim.SGD(parameters, lr=0.1),
        torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        torch.optim.Adam(parameters),
        torch.optim.Adam(parameters, amsgrad=True, weight_decay=0.1),
        torch.optim.Adamax(parameters),
        torch.optim.NAdam(parameters),
        torch.optim.RAdam(parameters),
        torch.optim.RMSprop(parameters, centered=True, momentum=0.9),
        torch.optim.Rprop(parameters),
        torch.optim.Adagrad(parameters),
        torch.optim.Adadelta(parameters),
        torch.optim.ASGD(parameters),
    ):
        layer(matrix(dtype)).sum().backward()
        optimizer.step()


def record(path: Path) -> None:
    """Run the programs in the simulator, and note in the file what was launched."""
    from numbatorch_kernels.cuda import launch

    launched = set()
    make = launch.Kernel.__init__

    def make_and_note(self, function, kinds):
        make(self, function, kinds)
        launched.add((function.__module__, function.__qualname__, kinds, _generated(function)))

    launch.Kernel.__init__ = make_and_note
    programs()
    path.write_bytes(pickle.dumps(launched))


def _generated(function: Callable) -> str:
    """The text of the module that holds the kernel, if it is a generated one."""
    return (
        "" if function.__module__.startswith(PACKAGE) else inspect.getsource(sys.modules[function.__module__])
    )


def launched() -> set[tuple]:
    """Module, name, kinds of arguments and generated text of every kernel that the programs launch, in a
    process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "launched"
        path_of_modules = os.pathsep.join(filter(None, sys.path))
        environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": path_of_modules}
        subprocess.run([sys.executable, __file__, str(path)], env=environment, check=True)
        return pickle.loads(path.read_bytes())


def forgotten(launched: set[tuple]) -> list[str]:
    """The kernels of the package that no program launches. A kernel asks for its place in the grid, and none of its
    module calls it; of those that share a text, one is enough."""
    seen = {_named(module, name).__code__ for module, name, _, text in launched if not text}
    missing = []
    for module in [m for name, m in sorted(sys.modules.items()) if name.startswith(PACKAGE)]:
        functions = [f for f in vars(module).values() if isinstance(f, FunctionType)]
        called = {name for f in functions for name in f.__code__.co_names}
        for f in functions:
            own = f.__module__ == module.__name__ and f.__name__ not in called
            kernel = "cuda" in f.__code__.co_names and not ASKS.isdisjoint(f.__code__.co_names)
            if own and kernel and f.__code__ not in seen:
                missing.append(f"{module.__name__}.{f.__name__}")
    return missing


def _named(module: str, name: str) -> FunctionType:
    return attrgetter(name)(importlib.import_module(module))


def tasks(launched: set[tuple]) -> Iterator[Task]:
    """All of them but pointwise ones: pointwise.py has those, of every dtype."""
    for module, name, kinds, text in sorted(launched, key=str):
        if not text:
            function = _named(module, name)
            words = " ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
            label = f"{module.removeprefix(PACKAGE)}.{name} {words}"
            if name.endswith(".small"):  # the simulator launches none of the large tiles
                family = _named(module, name.removesuffix(".small"))
                if family.large is not function:
                    yield Task(label.replace(".small", ".large"), family.large, kinds, False)
        elif not is_pointwise(name, text):
            function = getattr(lift.module(text, name.removesuffix("_kernel")), name)
            label = text.split('"""')[1]
        else:
            continue
        allow_f64 = "f8" in kinds or "c16" in kinds or name.startswith(IN_FLOAT64)
        yield Task(label, function, kinds, allow_f64)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
