"""The CUDA kernels written by hand: those that a run of the programs below, in the simulator, launches.

A kernel is compiled for the kinds of arguments that it was launched with, so a new kernel is checked as soon
as a program here makes use of it. `python handwritten.py FILE` is that run.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from task import Task


def programs() -> None:
    """A call of everything that is not pointwise, on `cuda`, in each dtype that it has."""
    import numbatorch as torch
    from numbatorch import nn

    def on_cuda(dtype, *shape):
        values = torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape) % 5 + 1
        return values.to("cuda", dtype)

    real = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
    whole = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    every = (*real, *whole, torch.bool)
    for dtype in every:
        x = on_cuda(dtype, 3, 4)
        for reduce in (torch.sum, torch.prod, torch.any, torch.all):
            reduce(x), reduce(x, 0), reduce(x, 1)
        index = torch.tensor([[0, 1, 1, 2]], device="cuda")
        x.t().contiguous(), x[:, ::2].clone(), x.to(torch.float32), x.to(torch.float64), x.to(torch.bool)
        torch.cat([x, x]), torch.stack([x, x]), torch.full((3,), 1, dtype=dtype, device="cuda")
        x[index[0]], x[x > 1], x.gather(0, index), x.index_select(0, index[0])
        x[0] = 1
        x[index[0]] = x[1]
        x.masked_fill_(x > 1, 0)
    for dtype in (*real, *whole):
        x = on_cuda(dtype, 3, 4)
        for reduce in (torch.amin, torch.amax, torch.argmin, torch.argmax):
            reduce(x, 0), reduce(x, 1)
        x.max(), x.min(), x.max(1), x.min(0), x.argmax(), x @ x.t()
        torch.arange(5, dtype=dtype, device="cuda"), torch.eye(3, dtype=dtype, device="cuda")
        x.random_(0, 10)
    for dtype in real:
        x = on_cuda(dtype, 3, 4).requires_grad_()
        index = torch.tensor([0, 1, 1], device="cuda")
        for reduce in (torch.mean, torch.var, torch.std, torch.norm):
            reduce(x), reduce(x, 0), reduce(x, 1)
        torch.logsumexp(x, 1)
        (x.softmax(1) + x.log_softmax(1)).sum().backward()
        (x.softmax(0) + x.log_softmax(0)).sum().backward()
        nn.functional.cross_entropy(x, index).backward()
        (x[index].sum() + x.gather(1, index[:, None]).sum() + x.index_select(0, index).sum()).backward()
        nn.functional.dropout(x, 0.5).sum().backward()
        torch.bmm(x[None].detach(), x[None].detach().transpose(1, 2)), x.detach() @ x[0].detach()
        torch.rand(5, device="cuda").to(dtype)
        torch.empty(5, dtype=dtype, device="cuda").uniform_().normal_().bernoulli_(0.5)
        torch.linspace(0, 1, 5, dtype=dtype, device="cuda")
    torch.randint(10, (5,), device="cuda"), torch.randperm(5, device="cuda")
    torch.bernoulli(torch.rand(5, device="cuda"))
    for dtype in (torch.float32, torch.float64):
        layer = nn.Linear(4, 2, device="cuda", dtype=dtype)
        parameters = list(layer.parameters())
        for optimizer in (
            torch.optim.SGD(parameters, lr=0.1),
            torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
            torch.optim.Adam(parameters),
            torch.optim.Adam(parameters, amsgrad=True, weight_decay=0.1),
            torch.optim.AdamW(parameters),
        ):
            layer(on_cuda(dtype, 3, 4)).sum().backward()
            optimizer.step()


def record(path: Path) -> None:
    """Run the programs in the simulator, and note in the file what was launched."""
    from numbatorch_kernels.cuda import launch

    launched = set()
    make = launch.Kernel.__init__

    def make_and_note(self, function, kinds):
        make(self, function, kinds)
        launched.add((function.__module__, function.__qualname__, kinds))

    launch.Kernel.__init__ = make_and_note
    programs()
    path.write_bytes(pickle.dumps(launched))


def launched() -> set[tuple]:
    """Module, name and kinds of arguments of every kernel that the programs launch, in another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "launched"
        environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
        subprocess.run([sys.executable, __file__, str(path)], env=environment, check=True)
        return pickle.loads(path.read_bytes())


def tasks(launched: set[tuple]) -> Iterator[Task]:
    """Those of them that are not generated: pointwise.py has the others."""
    for module, name, kinds in sorted(launched, key=str):
        package, _, file = module.partition(".")
        if package == "numbatorch_kernels":
            words = " ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
            function = getattr(importlib.import_module(module), name)
            yield Task(f"{file}.{name} {words}", function, kinds, allow_f64="f8" in kinds)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
