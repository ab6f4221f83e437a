"""Kernels compiled ahead: `python -m numbatorch warmup` fills the cache with what training uses.

    python -m numbatorch warmup                    # all programs below
    python -m numbatorch warmup images text        # some of them

Each program is a small training step, played in a process of its own with as many at a time as there are cores:
Numba compiles one kernel at a time in a process. What is in the cache already takes no time.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

import numbatorch as torch
from numbatorch import Tensor, nn
from numbatorch.nn import functional as F
from numbatorch.utils.data import DataLoader, TensorDataset
from numbatorch_kernels import cache


def tensors() -> None:
    """Numbers of the common dtypes: arithmetic, comparisons, reductions, places, order, text."""
    for dtype in (torch.float32, torch.float64, torch.int64):
        x = torch.arange(1, 513).reshape(2, 256).to(dtype)
        for y in (x.clone(), x[:1], x[:, :1], 2):
            x + y, x - y, x * y, x / y, x < y, x <= y, x > y, x >= y, x == y, x != y, torch.maximum(x, x)
        z = x.clone()
        z += x
        z -= x
        z *= 2
        z.fill_(1).zero_()
        x.sum(), x.sum(0), x.sum(1), x.max(), x.min(), x.max(1), x.argmax(1), x.cumsum(1), x.abs(), -x, x**2
        x.t().contiguous(), torch.cat((x, x)), torch.stack((x, x)), x[x > 2], x[torch.tensor([1, 0])], x[0]
        x.sort(), x.topk(3), x.unique(), x.gather(1, torch.zeros(2, 3, dtype=torch.int64)), repr(x)
        torch.where(x > 2, x, 0), x.masked_fill(x > 2, 0), x.clamp(0, 3), (x > 2).sum(), (x == x).all()
        x.float(), x.double(), x.long(), x.bool()
    x = torch.rand(4, 256).requires_grad_()
    parts = (
        x.exp() + x.log() + x.sqrt() + x.sin() + x.cos() + x.tanh() + x.sigmoid() + x.square() + 1 / x + x**2
    )
    (parts.mean() + parts.var() + parts.std(1).mean() + parts.norm() + parts.softmax(1).sum()).backward()


def perceptrons() -> None:
    """Linear layers, activations, losses, optimisers, measures."""
    for activation in (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU):
        model = nn.Sequential(nn.Linear(32, 64), activation(), nn.Dropout(0.2), nn.Linear(64, 10))
        inputs, labels = torch.randn(128, 32), torch.randint(10, (128,))
        _learn(model, lambda out, y: F.cross_entropy(out, y), inputs, labels, torch.optim.Adam)
        (model.eval()(inputs).argmax(1) == labels).float().mean().item()
    values = torch.rand(128, 10)
    losses: tuple[Callable, ...] = (
        F.mse_loss,
        F.l1_loss,
        F.smooth_l1_loss,
        F.binary_cross_entropy_with_logits,
    )
    optimizers = (torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad)
    for loss, optimizer in zip(losses, optimizers, strict=True):
        _learn(nn.Linear(32, 10), loss, inputs, values, optimizer)
    momentum = torch.optim.SGD(
        [x := torch.ones(300, requires_grad=True)], lr=0.1, momentum=0.9, weight_decay=1e-4
    )
    F.binary_cross_entropy(x.sigmoid(), torch.zeros(300)).backward()
    momentum.step()


def images() -> None:
    """Convolutions, batch norm, pooling, on the way in and out."""
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AvgPool2d(2),
        nn.ConvTranspose2d(32, 16, 2, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip
    inputs, labels = torch.randn(16, 3, 32, 32), torch.randint(10, (16,))
    _learn(model, lambda out, y: F.cross_entropy(out, y), inputs, labels, torch.optim.SGD)
    with torch.no_grad():
        model.eval()(inputs)


def text() -> None:
    """Embeddings, layer norm, attention, a step of a small Transformer, and numbers drawn from its answer."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", batch_first=True)
    model = nn.Sequential(nn.Embedding(50, 32), layer, nn.LayerNorm(32), nn.Linear(32, 50))
    inputs = torch.randint(50, (4, 32))
    _learn(
        model,
        lambda out, y: F.cross_entropy(out.flatten(0, 1), y),
        inputs,
        inputs.flatten(),
        torch.optim.AdamW,
    )
    queries = torch.randn(2, 4, 32, 8, requires_grad=True)
    F.scaled_dot_product_attention(queries, queries, queries, is_causal=True).sum().backward()
    scores = (queries @ queries.transpose(-2, -1)).masked_fill(torch.ones(32, 32).tril() == 0, float("-inf"))
    scores.softmax(-1).sum().backward()
    torch.multinomial(model(inputs)[:, -1].softmax(-1), 1)


def sequences() -> None:
    """Recurrent layers, told by their last step."""
    for layer in (nn.LSTM, nn.GRU, nn.RNN):
        model, inputs, labels = (
            layer(16, 32, batch_first=True),
            torch.randn(8, 12, 16),
            torch.randint(32, (8,)),
        )
        _learn(model, lambda out, y: F.cross_entropy(out[0][:, -1], y), inputs, labels, torch.optim.Adam)


def data() -> None:
    """A loader's shuffled batches; a file written and read."""
    rows = TensorDataset(torch.rand(64, 1, 8, 8), torch.randint(10, (64,)))
    for _ in DataLoader(rows, batch_size=16, shuffle=True):
        pass
    torch.save(nn.Linear(8, 8).state_dict(), file := io.BytesIO())
    file.seek(0)
    torch.load(file)


PROGRAMS = (tensors, text, images, perceptrons, sequences, data)  # the longest first


def _learn(model: nn.Module, loss: Callable, inputs: Tensor, targets: Tensor, optimizer: Callable) -> None:
    """One step of training, its gradients clipped."""
    steps = optimizer(model.parameters(), lr=1e-3)
    steps.zero_grad()
    loss(model(inputs), targets).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    steps.step()


def _play(program: Callable[[], None]) -> None:
    logging.getLogger("numbatorch.kernels").setLevel(logging.ERROR)  # the bar says what is slow
    program()


def _kernels(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.nbc"))


def warmup(programs: Sequence[Callable[[], None]] = PROGRAMS) -> int:
    """Compile what `programs` use, behind a bar; the number of kernels in the cache afterwards.

    Raises OSError where the cache's folder cannot be written.
    """
    folder = cache.folder()
    if folder is None or not os.access(folder, os.W_OK):
        raise OSError(
            f"kernels cannot be kept in {cache.root()}: set NUMBATORCH_CACHE_DIR to a folder that can be"
        )
    workers = min(len(programs), os.cpu_count() or 1)
    with (
        ProcessPoolExecutor(workers, get_context("spawn")) as pool,
        tqdm(total=len(programs), desc="compiling", unit="program") as bar,
    ):
        pending = {pool.submit(_play, program) for program in programs}
        while pending:
            done, pending = wait(pending, 1.0, FIRST_COMPLETED)
            for program in done:
                program.result()  # an error of its own is raised here
            bar.set_postfix(kernels=_kernels(folder))
            bar.update(len(done))
    return _kernels(folder)


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    named = {program.__name__: program for program in PROGRAMS}
    parser = argparse.ArgumentParser(
        "python -m numbatorch warmup", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(named))
    chosen = parser.parse_args(arguments).programs or list(named)
    if unknown := [name for name in chosen if name not in named]:
        parser.error(f"no program {', '.join(unknown)}: there are {', '.join(named)}")
    try:
        count = warmup([named[name] for name in chosen])
    except OSError as error:
        raise SystemExit(str(error)) from None
    print(f"{count} kernels are in {cache.root()}")
