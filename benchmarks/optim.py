"""A step of each optimizer over five million parameters, beside PyTorch's on as many threads.

    python -m benchmarks.optim [--rounds 10] [Adam SGD ...]

Both libraries take turns, and the best of all rounds counts; PyTorch runs its default and, where it has one, its
fused kernel. The copy is what the machine's memory allows: a step of Adam reads four arrays and writes three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import numbatorch

SHAPES = [(1000, 1000)] * 4 + [(500, 1000)] * 2 + [(1000,)] * 6
OPTIMIZERS = {
    "SGD": {"lr": 0.1}, "SGD momentum": {"lr": 0.1, "momentum": 0.9}, "Adam": {}, "AdamW": {}, "Adamax": {}, "NAdam": {}, "RAdam": {},
    "RMSprop": {}, "Rprop": {}, "Adagrad": {}, "Adadelta": {}, "ASGD": {},
}  # fmt: skip
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")


def stepper(library, name: str, **options) -> Callable[[], None]:
    params = [library.randn(shape).requires_grad_() for shape in SHAPES]
    for param in params:
        param.grad = library.randn(param.shape)
    return getattr(library.optim, name.split()[0])(params, **options).step


def seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(OPTIMIZERS))
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(numbatorch.get_num_threads())
    source, target = np.ones(5_000_000, np.float32), np.empty(5_000_000, np.float32)
    copy = min(seconds(lambda: np.copyto(target, source)) for _ in range(10))
    print(f"copy of 5M float32 on one thread: {copy * 1e3:.2f} ms\n")
    print(f"{'ms':<14}{'numbatorch':>12}{'PyTorch':>10}{'fused':>10}{'ratio':>8}{'to fused':>10}")
    for name in arguments.names:
        options = OPTIMIZERS[name]
        steps = {"own": stepper(numbatorch, name, **options), "torch": stepper(torch, name, **options)}
        if name.split()[0] in FUSED:
            steps["fused"] = stepper(torch, name, **options, fused=True)
        best = dict.fromkeys(steps, float("inf"))
        for _ in range(arguments.rounds):
            for key, step in steps.items():
                step()
                best[key] = min(best[key], seconds(step))
        own, theirs, fused = best["own"], best["torch"], best.get("fused")
        line = f"{name:<14}{own * 1e3:>12.2f}{theirs * 1e3:>10.2f}"
        line += (
            f"{fused * 1e3:>10.2f}{own / theirs:>8.2f}{own / fused:>10.2f}"
            if fused
            else f"{'':>10}{own / theirs:>8.2f}"
        )
        print(line, flush=True)


if __name__ == "__main__":
    main()
