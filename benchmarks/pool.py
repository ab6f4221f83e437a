"""Pooling and resampling here and in PyTorch, two threads each or as many as asked for, taking turns, best of many
rounds: microseconds a call forward, and forward and backward, with the ratios of our time to theirs; at the end the
ratios' geometric means.

python benchmarks/pool.py [part of a name] [threads]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import exp, log

import numpy as np
import torch
from linalg import seconds

import numbatorch

CASES: list[tuple[str, tuple, tuple, dict]] = [
    ("max_pool2d", (32, 64, 32, 32), (2,), {}),
    ("max_pool2d", (8, 64, 112, 112), (3, 2, 1), {}),
    ("max_pool2d", (32, 64, 32, 32), (3, 1, 1), {}),
    ("max_pool2d", (128, 16, 28, 28), (2,), {}),
    ("max_pool1d", (32, 64, 1024), (2,), {}),
    ("max_pool3d", (2, 16, 16, 32, 32), (2,), {}),
    ("avg_pool2d", (32, 64, 32, 32), (2,), {}),
    ("avg_pool2d", (16, 64, 56, 56), (3, 2, 1), {}),
    ("avg_pool1d", (32, 64, 1024), (3,), {}),
    ("avg_pool3d", (2, 16, 16, 32, 32), (2,), {}),
    ("adaptive_avg_pool2d", (32, 256, 14, 14), (1,), {}),
    ("adaptive_avg_pool2d", (32, 256, 14, 14), (7,), {}),
    ("adaptive_max_pool2d", (32, 64, 30, 30), (7,), {}),
    ("interpolate", (16, 64, 28, 28), (), {"scale_factor": 2}),
    ("interpolate", (16, 64, 28, 28), (), {"scale_factor": 2, "mode": "bilinear"}),
    ("interpolate", (4, 3, 256, 256), ((224, 224),), {"mode": "bilinear", "antialias": True}),
    ("interpolate", (4, 3, 224, 224), (), {"scale_factor": 2, "mode": "bicubic"}),
]


def calls(library, name: str, args: tuple, options: dict, array: np.ndarray) -> list[Callable]:
    """The function of a library forward, and forward and backward."""
    function, x = getattr(library.nn.functional, name), library.tensor(array)
    leaf = x.clone().requires_grad_()
    grad = library.ones_like(function(x, *args, **options))

    def both() -> None:
        leaf.grad = None
        function(leaf, *args, **options).backward(grad)

    return [lambda: function(x, *args, **options), both]


def main(wanted: str = "", threads: str = "2") -> None:
    torch.set_num_threads(int(threads))
    numbatorch.set_num_threads(int(threads))
    ratios: list[list[float]] = [[], []]
    print(f"{'':<60}{'forward':>16}{'':>10}{'and backward':>16}")
    for name, shape, args, options in CASES:
        if wanted not in name:
            continue
        array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        ours, theirs = (calls(library, name, args, options, array) for library in (numbatorch, torch))
        columns = []
        for k in range(2):
            here, there = seconds([ours[k], theirs[k]])
            ratios[k].append(here / there)
            columns.append(f"{1e6 * here:9.0f}{1e6 * there:9.0f}{here / there:8.2f}")
        more = ", ".join([*map(str, args), *(f"{k}={v}" for k, v in options.items())])
        print(f"{name + ' ' + str(shape) + ' ' + more:<60.60}" + "".join(columns), flush=True)
    print("geometric means: " + ", ".join(f"{exp(sum(map(log, r)) / len(r)):.2f}" for r in ratios))


if __name__ == "__main__":
    main(*sys.argv[1:])
