"""Train a small network to read handwritten digits, on real data that comes with the package.

    python -m numbatorch.demo
    python -m numbatorch.demo --device cuda --epochs 30 --seed 1 --output elsewhere

Without an NVIDIA GPU, `--device cuda` runs the CUDA kernels in a simulator: as plain Python, some
thousand times slower, and therefore on a few images only.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import numbatorch as torch
from numbatorch import Tensor, nn
from numbatorch.nn import functional as F
from numbatorch.utils.data import DataLoader, Dataset, Subset
from numbatorch.vision.datasets import Digits


class Plan(NamedTuple):
    """How much to do."""

    hidden: int
    batch: int
    rate: float
    epochs: int
    train: int
    test: int


FULL = Plan(hidden=256, batch=64, rate=2e-3, epochs=15, train=1437, test=360)
SIMULATED = Plan(hidden=32, batch=16, rate=1e-2, epochs=4, train=96, test=40)  # ends within a minute


class History(NamedTuple):
    """One entry for each epoch."""

    loss: list[float]
    accuracy: list[float]


def network(hidden: int = FULL.hidden) -> nn.Sequential:
    """64 pixels to 10 digits: two hidden layers with dropout."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, hidden),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(hidden, 10),
    )


def predict(model: nn.Module, images: Tensor) -> np.ndarray:
    """The digit that the model reads in each image."""
    model.eval()
    with torch.no_grad():
        return model(images).argmax(1).cpu().numpy()


def train(model: nn.Module, data: Dataset, images: Tensor, digits: np.ndarray, plan: Plan) -> History:
    """Fit `model` to the data; after each epoch, read the test images."""
    loader: DataLoader = DataLoader(data, batch_size=plan.batch, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.rate)
    history = History([], [])
    with tqdm(total=plan.epochs * len(loader), desc="training", unit="step") as bar:
        for epoch in range(plan.epochs):
            model.train()
            losses = []
            for batch, targets in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(batch.to(images.device)), targets.to(images.device))
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.update()
            history.loss.append(sum(losses) / len(losses))
            history.accuracy.append(float((predict(model, images) == digits).mean()))
            bar.set_postfix(
                epoch=epoch + 1, loss=f"{history.loss[-1]:.4f}", accuracy=f"{history.accuracy[-1]:.1%}"
            )
    return history


def confusion_table(digits: np.ndarray, read: np.ndarray) -> str:
    """How often each digit (row) was read as each digit (column)."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (digits, read), 1)
    lines = ["       read as", "        " + "".join(f"{digit:4d}" for digit in range(10))]
    for digit, row in enumerate(counts):
        lines.append(f"  is {digit}  " + "".join(f"{count or '.':>4}" for count in row))
    return "\n".join(lines)


def picture(path: Path, history: History, images: np.ndarray, digits: np.ndarray, read: np.ndarray) -> bool:
    """Draw the learning curve and the misread digits; False where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1), squeeze=False)[0]
    epochs = range(1, len(history.loss) + 1)
    loss = left.subplots()
    loss.semilogy(epochs, history.loss, color="tab:orange")
    loss.set(xlabel="epoch", title=f"test accuracy {history.accuracy[-1]:.1%}")
    loss.set_ylabel("training loss", color="tab:orange")
    accuracy = loss.twinx()
    accuracy.plot(epochs, [100 * value for value in history.accuracy], color="tab:blue")
    accuracy.set_ylabel("test accuracy, %", color="tab:blue")
    wrong = np.flatnonzero(read != digits)
    right.suptitle(f"misread: {len(wrong)} of {len(digits)}")
    side = max(1, math.ceil(math.sqrt(min(len(wrong), 16))))
    axes = right.subplots(side, side, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, i in zip(axes, wrong):
        axis.imshow(images[i, 0], cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(f"a {digits[i]}, read as {read[i]}", fontsize=9)
    figure.savefig(path, dpi=110)
    return True


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m numbatorch.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--epochs", type=int, help=f"default {FULL.epochs}, on the simulator {SIMULATED.epochs}"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("demo-output"), help="folder for model and picture"
    )
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error("--epochs must be at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, report, save, reload and compare. Returns the exit code."""
    began = time.perf_counter()
    options = parse(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("No NVIDIA GPU here: starting again on Numba's CUDA simulator.", flush=True)
        command = [
            sys.executable,
            "-m",
            "numbatorch.demo",
            *(sys.argv[1:] if arguments is None else arguments),
        ]
        os.execve(sys.executable, command, os.environ | {"NUMBA_ENABLE_CUDASIM": "1"})
    plan = FULL
    if options.device == "cuda" and torch.cuda.is_simulated():
        plan = SIMULATED
        print(
            f"The simulator is slow: a small network, {plan.train} images to train with, {plan.test} to test."
        )
    if options.epochs is not None:
        plan = plan._replace(epochs=options.epochs)

    torch.manual_seed(options.seed)
    training, test = Digits(train=True), Digits(train=False)
    images, digits = test.data[: plan.test].to(options.device), test.targets[: plan.test].numpy()
    model = network(plan.hidden).to(options.device)
    history = train(model, Subset(training, range(plan.train)), images, digits, plan)

    read = predict(model, images)
    print(f"\n{confusion_table(digits, read)}\n")
    print(f"test accuracy {history.accuracy[-1]:.2%} ({(read == digits).sum()} of {len(digits)} digits)")

    options.output.mkdir(parents=True, exist_ok=True)
    model_file, picture_file = options.output / "digits.safetensors", options.output / "digits.png"
    torch.save(model.state_dict(), model_file)
    reloaded = network(plan.hidden).to(options.device)
    reloaded.load_state_dict(torch.load(model_file))
    if not np.array_equal(predict(reloaded, images), read):
        print(f"the model read back from {model_file} predicts otherwise", file=sys.stderr)
        return 1
    print(f"saved {model_file}; read back, it predicts the same")
    if picture(picture_file, history, images.cpu().numpy(), digits, read):
        print(f"saved {picture_file}")
    else:
        print("no picture: it needs matplotlib (pip install matplotlib)")
    print(f"{time.perf_counter() - began:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
