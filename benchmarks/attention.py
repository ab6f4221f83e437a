"""Attention here and in PyTorch, taking turns, best of many rounds: milliseconds a call, the rate, and the ratio of our
time to theirs.

python benchmarks/attention.py [length ...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import numbatorch

HEAD = 64
ELEMENTS = 1 << 20  # of queries: as many batches and heads as come to that


def seconds(functions: list[Callable], budget: float = 0.7) -> list[float]:
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


def call(library, arrays: list[np.ndarray], causal: bool, backward: bool) -> Callable:
    """Attention with a library, or attention and its gradients."""
    q, k, v, grad = (library.from_numpy(array) for array in arrays)
    attention = library.nn.functional.scaled_dot_product_attention
    if not backward:
        return lambda: attention(q, k, v, is_causal=causal)
    for x in (q, k, v):
        x.requires_grad_()
    return lambda: library.autograd.grad(attention(q, k, v, is_causal=causal), (q, k, v), grad)


def main() -> None:
    torch.set_num_threads(numbatorch.get_num_threads())
    lengths = [int(n) for n in sys.argv[1:]] or [128, 256, 512, 1024, 2048]
    ratios = []
    print(f"{'batch, heads, length, head':<28}{'':<24}{'here':>8}{'PyTorch':>9}{'GFLOP/s':>9}{'ratio':>7}")
    for length in lengths:
        heads = min(8, ELEMENTS // (length * HEAD))
        shape = (ELEMENTS // (length * HEAD * heads), heads, length, HEAD)
        arrays = [np.random.default_rng(n).standard_normal(shape, np.float32) for n in range(4)]
        for causal in (False, True):
            for backward in (False, True):
                ours, theirs = seconds([call(t, arrays, causal, backward) for t in (numbatorch, torch)])
                operations = np.prod(shape) * length * 2 * (2 + 5 * backward) / (1 + causal)
                name = f"{'causal ' if causal else ''}{'forward+backward' if backward else 'forward'}"
                ratios.append(ours / theirs)
                print(
                    f"{shape!s:<28}{name:<24}{1e3 * ours:8.2f}{1e3 * theirs:9.2f}{operations / ours / 1e9:9.0f}"
                    f"{ratios[-1]:7.2f}",
                    flush=True,
                )
    print(f"geometric mean {np.exp(np.mean(np.log(ratios))):.2f}, largest {max(ratios):.2f}")


if __name__ == "__main__":
    main()
