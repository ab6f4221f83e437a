"""Peak memory of operations on 4M elements, here and in PyTorch: what a call needs beyond its operands, its result
included. Linux only. The calls are in memory_lines.py.

python -m benchmarks.memory             # all, the worst first
python -m benchmarks.memory sort cat    # those whose names begin so
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.memory_lines import DIFFERENTIABLE, FORWARD

BACKWARD = ", backward"
NAMES = list(dict.fromkeys([*FORWARD, *DIFFERENTIABLE, *[f"{name}{BACKWARD}" for name in DIFFERENTIABLE]]))
ASKED = 1.2  # times what PyTorch needs


class Operands:
    """The tensors and modules of a library that the lines name."""

    def __init__(self, library: Any):
        nn = library.nn
        library.manual_seed(0)
        self.t, t = library, library
        self.F = t.nn.functional
        self.x, self.y = t.randn(2000, 2000), t.randn(2000, 2000)
        self.flat, self.cube = self.x.view(-1), self.x.view(20, 1000, 200)
        self.mask, self.batch = self.x > 0, self.x.view(100, 200, 200)
        self.places = t.randint(2000, (2000, 2000))
        self.rows, self.boundaries = t.randint(2000, (2000,)), t.linspace(-2, 2, 100)
        self.square = t.randn(1000, 1000)
        self.definite = self.square @ self.square.t() + t.eye(1000)
        self.near = t.eye(1000) + self.square / 1000
        self.complex = t.fft.rfft(self.x)
        self.pictures = self.flat[:3_686_400].view(16, 16, 120, 120)
        self.grid = self.y.view(-1)[:460_800].view(16, 120, 120, 2)
        self.heads = self.flat.view(8, 10, 500, 100)
        self.rates = self.x.abs()
        self.labels = t.randint(1, 1000, (20, 50))
        self.lengths = t.full((20,), 100), t.full((20,), 50)
        self.weight, self.small = t.randn(16, 16, 3, 3), t.randn(16, 16, 1, 1)
        self.slope, self.slopes = t.full((1,), 0.25), t.ones(2000)
        self.depthwise, self.kernel = t.randn(16, 1, 3, 3), t.randn(32, 20, 5)
        self.lines = self.flat.view(100, 20, 2000)
        self.sequences = self.flat[:2_560_000].view(50, 200, 256)
        self.lstm, self.gru = t.nn.LSTM(256, 64), t.nn.GRU(256, 64)
        self.pointwise, self.upward, self.biased = t.randn(32, 20, 1), t.randn(20, 10, 5), t.randn(16)
        self.big, self.weights_of_volumes = t.randn(16, 16, 7, 7), t.randn(8, 8, 3, 3, 3)
        self.volume = self.flat[:2_048_000].view(4, 8, 40, 40, 40)
        self.thetas, self.sixteen, self.zeros = t.randn(64, 2, 3), t.ones(16), t.zeros(16)
        self.probs, self.signs = self.x.softmax(1), self.x.sign()
        self.classes = t.randint(16, (16, 120, 120))
        self.speech, self.sentences = self.x.view(1000, 40, 100), t.randint(1, 100, (40, 300))
        self.long = t.full((40,), 1000), t.full((40,), 300)
        self.bilinear, self.biases = t.randn(50, 50, 50), t.randn(500, 500)
        self.threes, self.pairs = self.flat[:3_999_999].view(-1, 3), self.x.view(-1, 2)
        self.halves, self.half_heads = self.x.bfloat16(), self.heads.bfloat16()
        self.half_pictures, self.half_weight = self.pictures.bfloat16(), self.weight.bfloat16()
        self.complex_square, self.stack = t.fft.fft(self.square), self.flat[:3_200_000].view(-1, 8, 8)
        self.window = t.ones(400)
        self.spectrum = t.stft(self.flat[:400_000], 400, return_complex=True, window=self.window)
        self.rnn, self.mha = nn.RNN(256, 64), nn.MultiheadAttention(256, 4)
        self.mlp = nn.Sequential(nn.Linear(2000, 2000), nn.ReLU(), nn.Linear(2000, 2000), nn.LayerNorm(2000))
        self.encoder = nn.TransformerEncoderLayer(256, 4, 512, dropout=0.1)
        self.checkpoint = importlib.import_module(f"{t.__name__}.utils.checkpoint").checkpoint

    def stepped(self, name: str, **options: Any) -> Any:
        """An optimiser after its first step."""
        leaf = self.x.clone().requires_grad_()
        leaf.grad = self.y
        optimizer = getattr(self.t.optim, name)([leaf], **options)
        optimizer.step()
        return optimizer


def line(name: str, operands: Operands) -> Callable[[], Any]:
    """The call of a line."""
    *leaves, expression = DIFFERENTIABLE.get(name.removesuffix(BACKWARD)) or FORWARD[name]
    code, names = compile(expression, name, "eval"), vars(operands) | {"stepped": operands.stepped}
    if not name.endswith(BACKWARD):
        return lambda: eval(code, names)

    def differentiated() -> Any:
        inputs = {leaf: names[leaf].detach().requires_grad_() for leaf in leaves[0].split()}
        result = eval(code, names | inputs)
        return operands.t.autograd.grad(result, [*inputs.values()], result.detach())

    return differentiated


def _resident(field: str) -> int:
    """A line of /proc/self/status, in bytes."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s*(\d+)", text)[1])


def measure(library: str, names: list[str]) -> dict[str, float]:
    """The bytes that a second call of each line needs at its peak."""
    module = importlib.import_module(library)
    trim, forget = ctypes.CDLL(None).malloc_trim, lambda: None
    if library == "numbatorch":
        from numbatorch_kernels.memory import empty_cache as forget
    operands, peaks = Operands(module), {}
    for name in names:
        call = line(name, operands)
        call()
        gc.collect(), forget(), trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident("VmRSS")
        call()
        peaks[name] = _resident("VmHWM") - before
    return peaks


def main() -> None:
    wanted = sys.argv[1:]
    names = [n for n in NAMES if not wanted or any(n.startswith(w) for w in wanted)]
    sides = []
    for library in ("numbatorch", "torch"):
        # Every large block is returned to the system when it is free, so that it is seen.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
        given = ["--measure", library, json.dumps(names)]
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.memory", *given]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        sides.append(json.loads(done.stdout.splitlines()[-1]))
    megabyte = 1 << 20
    rows = []
    for name in names:
        ours, theirs = (side[name] / megabyte for side in sides)
        rows.append(((ours + 1) / (theirs + 1), name, ours, theirs))  # below a megabyte nothing is compared
    print(f"{'peak of a call':38s}{'numbatorch':>14s}{'PyTorch':>14s}{'ratio':>8s}")
    for ratio, name, ours, theirs in sorted(rows, reverse=True):
        mark = " <-" if ratio > ASKED else ""
        print(f"{name:38s}{ours:11.1f} MB{theirs:11.1f} MB{ratio:8.2f}{mark}")
    above = sum(ratio > ASKED for ratio, *_ in rows)
    print(f"{len(rows)} lines, {above} of them above {ASKED}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], json.loads(sys.argv[3]))))
    else:
        main()
