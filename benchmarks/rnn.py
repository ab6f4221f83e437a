"""Recurrent layers: a training step and inference, beside PyTorch's on as many threads.

    python -m benchmarks.rnn [--rounds 8]

A training step is the forward pass, a sum, and the backward pass for all parameters.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

import numbatorch

SIZES = [
    (28, 64, 28, 128, 1),
    (50, 32, 128, 256, 2),
    (100, 20, 64, 512, 1),
    (20, 8, 32, 64, 1),
]  # steps, batch, inputs, hidden, layers


def step(library, name: str, sizes: tuple[int, ...], train: bool) -> Callable[[], None]:
    steps, batch, inputs, hidden, layers = sizes
    layer, x = getattr(library.nn, name)(inputs, hidden, layers), library.randn(steps, batch, inputs)

    def training() -> None:
        layer.zero_grad()
        layer(x)[0].sum().backward()

    def inference() -> None:
        with library.no_grad():
            layer(x)

    return training if train else inference


def seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(numbatorch.get_num_threads())
    print(f"{'ms':<50}{'numbatorch':>12}{'PyTorch':>10}{'ratio':>8}")
    for name in ("LSTM", "GRU", "RNN"):
        for sizes in SIZES:
            for train in (True, False):
                calls = [step(library, name, sizes, train) for library in (numbatorch, torch)]
                best = [float("inf")] * 2
                for _ in range(rounds):
                    for k, call in enumerate(calls):
                        call()
                        best[k] = min(best[k], seconds(call))
                label = f"{name} {sizes} {'training' if train else 'inference'}"
                print(
                    f"{label:<50}{best[0] * 1e3:>12.2f}{best[1] * 1e3:>10.2f}{best[0] / best[1]:>8.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
