"""Peak memory of operations on 4M elements, here and in PyTorch: what a call needs beyond its operands, its
result included. Linux only.

Some lines need more than 1.2 times as much as PyTorch. Eigenvalues and singular values of 300 x 300 matrices, and their
gradients, need up to one and a half megabytes more, up to 1.37 times. mode and topk along dimension 0 copy a megabyte of
rows at a time, whatever the size: smaller blocks are slower. The gradient of a GRU keeps both kinds of gates until all is
computed: 1.21. ctc_loss and adaptive_max_pool2d, of which neither needs a megabyte: 1.22.

python benchmarks/memory.py             # all
python benchmarks/memory.py sort cat    # those whose names begin so
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

Line = Callable[["Operands"], Any]

REDUCTIONS = (
    "sum mean prod std var amax argmax any all norm median mode count_nonzero nansum "
    "aminmax max min unique nonzero"
).split()
ALONG = (
    "sum mean prod std var amax argmax any count_nonzero max median nanmedian mode logsumexp norm cumsum cumprod cummax "
    "logcumsumexp softmax log_softmax sort argsort"
).split()
LINES: dict[str, Line] = {
    **{f"{name}": lambda o, name=name: getattr(o.t, name)(o.x) for name in REDUCTIONS},
    **{f"{name}, dim 0": lambda o, name=name: getattr(o.t, name)(o.x, dim=0) for name in ALONG},
    **{f"{name}, dim 1": lambda o, name=name: getattr(o.t, name)(o.x, dim=1) for name in ALONG},
    "sort, flat": lambda o: o.flat.sort(),
    "sort, flat, int64": lambda o: o.places.view(-1).sort(),
    "sort, middle dim": lambda o: o.cube.sort(1),
    "argsort, flat": lambda o: o.flat.argsort(),
    "topk, flat": lambda o: o.flat.topk(100),
    "topk, dim 0": lambda o: o.x.topk(10, 0),
    "kthvalue, flat": lambda o: o.flat.kthvalue(1000),
    "kthvalue, dim 0": lambda o: o.x.kthvalue(100, 0),
    "unique, int64": lambda o: o.places.unique(),
    "unique, inverse": lambda o: o.flat.unique(return_inverse=True),
    "unique, rows": lambda o: o.x.unique(dim=0),
    "unique_consecutive": lambda o: o.flat.unique_consecutive(),
    "bincount": lambda o: o.places.view(-1).bincount(),
    "histc": lambda o: o.flat.histc(),
    "searchsorted": lambda o: o.t.searchsorted(o.boundaries, o.flat),
    "bucketize": lambda o: o.t.bucketize(o.flat, o.boundaries),
    "isin": lambda o: o.t.isin(o.flat, o.boundaries),
    "take": lambda o: o.x.take(o.places),
    "take_along_dim": lambda o: o.t.take_along_dim(o.x, o.places, 1),
    "scatter_reduce": lambda o: o.x.scatter_reduce(0, o.places, o.y, "amax"),
    "index_select, rows": lambda o: o.x.index_select(0, o.rows),
    "index_select, columns": lambda o: o.x.index_select(1, o.rows),
    "index_copy": lambda o: o.x.index_copy(0, o.rows, o.y),
    "index_fill": lambda o: o.x.index_fill(0, o.rows, 1.0),
    "index_put": lambda o: o.x.index_put((o.rows,), o.y),
    "index_put, accumulate": lambda o: o.x.index_put((o.rows,), o.y, accumulate=True),
    "x[mask]": lambda o: o.x[o.mask],
    "where, number": lambda o: o.t.where(o.mask, o.x, 0.0),
    "cat, dim 1": lambda o: o.t.cat((o.x, o.y), 1),
    "roll, two dims": lambda o: o.x.roll((3, 5), (0, 1)),
    "transpose, copied": lambda o: o.x.t().contiguous(),
    "repeat_interleave": lambda o: o.x.repeat_interleave(2, 1),
    "diff": lambda o: o.x.diff(),
    "cdist, p 1": lambda o: o.t.cdist(o.x[:, :64], o.y[:, :64], p=1),
    "pdist": lambda o: o.t.pdist(o.x[:, :64]),
    "matmul, transposed": lambda o: o.x.t() @ o.y.t(),
    "addmm": lambda o: o.t.addmm(o.x, o.x, o.y),
    "tensordot": lambda o: o.t.tensordot(o.batch, o.batch[0], 1),
    "kron": lambda o: o.t.kron(o.x[:50, :40], o.x[:50, :40]),
    "outer": lambda o: o.t.outer(o.flat[:2000], o.flat[:2000]),
    "fft2": lambda o: o.t.fft.fft2(o.x),
    "randperm": lambda o: o.t.randperm(4_000_000),
    "randn": lambda o: o.t.randn(2000, 2000),
    "multinomial": lambda o: o.t.multinomial(o.flat.abs(), 100),
    "bernoulli": lambda o: o.t.full((2000, 2000), 0.5).bernoulli(),
    "dropout": lambda o: o.t.nn.functional.dropout(o.x),
    "quantile, dim 0": lambda o: o.t.quantile(o.x, 0.3, 0),
    "nanquantile, dim 1": lambda o: o.t.nanquantile(o.x, 0.3, 1),
    "unique, counts": lambda o: o.t.unique(o.x, return_counts=True),
    "unique_consecutive, rows": lambda o: o.x.unique_consecutive(dim=0),
    "histogram": lambda o: o.t.histogram(o.flat, 100),
    "cov": lambda o: o.square.cov(),
    "corrcoef": lambda o: o.square.corrcoef(),
    "cumsum, middle dim": lambda o: o.cube.cumsum(1),
    "softmax, middle dim": lambda o: o.cube.softmax(1),
    "sum, middle dim": lambda o: o.cube.sum(1),
    "std, middle dim": lambda o: o.cube.std(1),
    "argmax, middle dim": lambda o: o.cube.argmax(1),
    "sum, transposed": lambda o: o.x.t().sum(0),
    "x + y, transposed": lambda o: o.x.t() + o.y,
    "x + y, int64": lambda o: o.places + o.places,
    "x + places": lambda o: o.x + o.places,
    "x > y": lambda o: o.x > o.y,
    "isclose": lambda o: o.t.isclose(o.x, o.y),
    "allclose": lambda o: o.t.allclose(o.x, o.y),
    "nan_to_num": lambda o: o.x.nan_to_num(),
    "to float64": lambda o: o.x.double(),
    "to bfloat16": lambda o: o.x.bfloat16(),
    "one_hot": lambda o: o.F.one_hot(o.rows, 2000),
    "nonzero, as tuple": lambda o: o.mask.nonzero(as_tuple=True),
    "index_reduce": lambda o: o.x.index_reduce(0, o.rows, o.y, "amax"),
    "scatter_reduce, mean": lambda o: o.x.scatter_reduce(0, o.places, o.y, "mean"),
    "x[rows] = y": lambda o: o.x.clone().__setitem__(o.rows, o.y),
    "x[mask] = 0": lambda o: o.x.clone().__setitem__(o.mask, 0.0),
    "x[:, rows]": lambda o: o.x[:, o.rows],
    "put_": lambda o: o.x.clone().put_(o.places, o.y),
    "meshgrid": lambda o: [x.contiguous() for x in o.t.meshgrid(o.x[0], o.x[1], indexing="ij")],
    "rot90": lambda o: o.x.rot90(),
    "diag_embed": lambda o: o.x[0].diag_embed(),
    "tensor_split, joined": lambda o: o.t.cat(o.x.tensor_split(3)),
    "block_diag": lambda o: o.t.block_diag(o.square, o.square),
    "fold": lambda o: o.F.fold(o.x[:256].view(16, 64, 500), (40, 200), (4, 4), stride=4),
    "pixel_shuffle": lambda o: o.F.pixel_shuffle(o.pictures, 2),
    "grid_sample": lambda o: o.F.grid_sample(o.pictures, o.grid, align_corners=False),
    "embedding_bag": lambda o: o.F.embedding_bag(o.rows.view(-1, 10), o.x),
    "ctc_loss": lambda o: o.F.ctc_loss(o.x[:1000].view(100, 20, 1000), o.labels, *o.lengths),
    "pinv": lambda o: o.t.linalg.pinv(o.square[:300, :300]),
    "svd": lambda o: o.t.linalg.svd(o.square[:300, :300]),
    "eig": lambda o: o.t.linalg.eig(o.square[:300, :300]),
    "lstsq": lambda o: o.t.linalg.lstsq(o.square, o.square),
    "lu_factor": lambda o: o.t.linalg.lu_factor(o.square),
    "ldl_factor": lambda o: o.t.linalg.ldl_factor(o.square[:300, :300]),
    "matrix_power": lambda o: o.t.linalg.matrix_power(o.near, 5),
    "matrix_norm, nuc": lambda o: o.t.linalg.matrix_norm(o.square[:300, :300], "nuc"),
    "ifft": lambda o: o.t.fft.ifft(o.complex),
    "rfft, dim 0": lambda o: o.t.fft.rfft(o.x, dim=0),
    "fftshift": lambda o: o.t.fft.fftshift(o.x),
    "normal": lambda o: o.t.normal(o.x, 1.0),
    "randint": lambda o: o.t.randint(100, (2000, 2000)),
    "exponential_": lambda o: o.t.empty(2000, 2000).exponential_(),
    "poisson": lambda o: o.t.poisson(o.rates),
    "multinomial, rows": lambda o: o.x.abs().multinomial(50),
    "multinomial, again": lambda o: o.x.abs().multinomial(50, replacement=True),
    "stft": lambda o: o.t.stft(o.flat[:400_000], 400, return_complex=True, window=o.t.ones(400)),
    "logical_and": lambda o: o.t.logical_and(o.x, o.y),
    "x << places": lambda o: o.places << 1,
    "renorm": lambda o: o.x.renorm(2, 0, 1.0),
    "trapezoid": lambda o: o.t.trapezoid(o.x),
    "dist": lambda o: o.t.dist(o.x, o.y),
    "vander": lambda o: o.t.vander(o.flat[:40_000], 100),
    "cartesian_prod": lambda o: o.t.cartesian_prod(o.flat[:1500], o.flat[:1500]),
    "sum, where": lambda o: o.x[o.mask].sum(),
    **{
        f"{name}_": lambda o, name=name: getattr(o.x.clone(), f"{name}_")()
        for name in "exp relu sigmoid normal uniform cauchy log_normal zero".split()
    },
    "add_": lambda o: o.x.clone().add_(o.y, alpha=2),
    "clamp_": lambda o: o.x.clone().clamp_(-1, 1),
    "masked_fill_": lambda o: o.x.clone().masked_fill_(o.mask, 0),
    "index_add_": lambda o: o.x.clone().index_add_(0, o.rows, o.y),
    "scatter_": lambda o: o.x.clone().scatter_(0, o.places, o.y),
    **{
        f"optim.{name}": lambda o, name=name, options=options: o.stepped(name, **options)
        for name, options in {
            "SGD": {"momentum": 0.9, "lr": 0.1}, "Adam": {}, "AdamW": {}, "RMSprop": {}, "Adagrad": {}, "NAdam": {},
        }.items()
    },
}  # fmt: skip


def forward(names: str, call: Callable) -> Line:
    """A line: the call, of a library and its operands of these names."""
    return lambda o: call(o, *(getattr(o, name) for name in names.split()))


def differentiated(names: str, call: Callable) -> Line:
    """A line: the call, of a library and its operands of these names, forward and backward."""

    def line(o: Operands) -> Any:
        leaves = [getattr(o, name).detach().requires_grad_() for name in names.split()]
        result = call(o, *leaves)
        return o.t.autograd.grad(result, leaves, result.detach())

    return line


BACKWARD: dict[str, tuple[str, Callable]] = {
    "add": ("x y", lambda o, x, y: x + y),
    "mul": ("x y", lambda o, x, y: x * y),
    "div": ("x y", lambda o, x, y: x / y),
    "pow": ("x", lambda o, x: x**3),
    **{
        name: ("x", lambda o, x, name=name: getattr(o.t, name)(x))
        for name in "exp sin sqrt abs tanh sigmoid relu erf log1p clone t sum mean std var norm prod".split()
    },
    **{
        name: ("x", lambda o, x, name=name: getattr(o.F, name)(x))
        for name in "gelu silu leaky_relu softplus hardtanh elu dropout normalize".split()
    },
    "clamp": ("x", lambda o, x: x.clamp(-1, 1)),
    "lerp": ("x y", lambda o, x, y: x.lerp(y, 0.3)),
    "addcmul": ("x y", lambda o, x, y: o.t.addcmul(x, x, y)),
    "maximum": ("x y", lambda o, x, y: o.t.maximum(x, y)),
    "atan2": ("x y", lambda o, x, y: o.t.atan2(x, y)),
    "where": ("x y", lambda o, x, y: o.t.where(o.mask, x, y)),
    "cat": ("x y", lambda o, x, y: o.t.cat((x, y))),
    "stack": ("x y", lambda o, x, y: o.t.stack((x, y))),
    "masked_fill": ("x", lambda o, x: x.masked_fill(o.mask, 0)),
    "masked_select": ("x", lambda o, x: x.masked_select(o.mask)),
    "masked_scatter": ("x y", lambda o, x, y: x.masked_scatter(o.mask, y)),
    "index_select": ("x", lambda o, x: x.index_select(0, o.rows)),
    "index_add": ("x y", lambda o, x, y: x.index_add(0, o.rows, y)),
    "x[rows]": ("x", lambda o, x: x[o.rows]),
    "gather": ("x", lambda o, x: x.gather(0, o.places)),
    "scatter": ("x y", lambda o, x, y: x.scatter(0, o.places, y)),
    "scatter_add": ("x y", lambda o, x, y: x.scatter_add(0, o.places, y)),
    "embedding": ("x", lambda o, x: o.F.embedding(o.rows, x)),
    "pad": ("x", lambda o, x: o.F.pad(x, (1, 1))),
    "flip": ("x", lambda o, x: x.flip(0)),
    "roll": ("x", lambda o, x: x.roll(1, 0)),
    "repeat": ("x", lambda o, x: x.repeat(1, 2)),
    "tril": ("x", lambda o, x: x.tril()),
    "unfold": ("pictures", lambda o, x: o.F.unfold(x, 2, stride=2)),
    **{
        f"{name}, dim {dim}": ("x", lambda o, x, name=name, dim=dim: getattr(o.t, name)(x, dim=dim))
        for name in "sum std amax logsumexp norm cumsum cumprod logcumsumexp softmax log_softmax".split()
        for dim in (0, 1)
    },
    "max, dim 1": ("x", lambda o, x: x.max(1).values),
    "sort, dim 1": ("x", lambda o, x: x.sort(1).values),
    "topk, dim 1": ("x", lambda o, x: x.topk(10).values),
    "cummax, dim 1": ("x", lambda o, x: x.cummax(1).values),
    "median, dim 1": ("x", lambda o, x: x.median(1).values),
    "quantile, dim 1": ("x", lambda o, x: x.quantile(0.3, 1)),
    "cross_entropy": ("x", lambda o, x: o.F.cross_entropy(x, o.rows)),
    "nll_loss": ("x", lambda o, x: o.F.nll_loss(x, o.rows)),
    "mse_loss": ("x y", lambda o, x, y: o.F.mse_loss(x, y)),
    "l1_loss": ("x y", lambda o, x, y: o.F.l1_loss(x, y)),
    "smooth_l1_loss": ("x y", lambda o, x, y: o.F.smooth_l1_loss(x, y)),
    "kl_div": ("x y", lambda o, x, y: o.F.kl_div(x, y, reduction="batchmean")),
    "bce_with_logits": ("x y", lambda o, x, y: o.F.binary_cross_entropy_with_logits(x, y)),
    "cosine_similarity": ("x y", lambda o, x, y: o.F.cosine_similarity(x, y)),
    "layer_norm": ("x", lambda o, x: o.F.layer_norm(x, (2000,))),
    "rms_norm": ("x", lambda o, x: o.F.rms_norm(x, (2000,))),
    "batch_norm": ("pictures", lambda o, x: o.F.batch_norm(x, None, None, training=True)),
    "group_norm": ("pictures", lambda o, x: o.F.group_norm(x, 4)),
    "instance_norm": ("pictures", lambda o, x: o.F.instance_norm(x)),
    "max_pool2d": ("pictures", lambda o, x: o.F.max_pool2d(x, 2)),
    "avg_pool2d": ("pictures", lambda o, x: o.F.avg_pool2d(x, 2)),
    "adaptive_avg_pool2d": ("pictures", lambda o, x: o.F.adaptive_avg_pool2d(x, 1)),
    "interpolate": ("pictures", lambda o, x: o.F.interpolate(x, scale_factor=2)),
    "interpolate, bilinear": ("pictures", lambda o, x: o.F.interpolate(x, scale_factor=2, mode="bilinear")),
    "conv2d, 3 x 3": ("pictures weight", lambda o, x, w: o.F.conv2d(x, w, padding=1)),
    "conv2d, 1 x 1": ("pictures small", lambda o, x, w: o.F.conv2d(x, w)),
    "conv_transpose2d": ("pictures weight", lambda o, x, w: o.F.conv_transpose2d(x, w)),
    "matmul": ("x y", lambda o, x, y: x @ y),
    "linear": ("x y", lambda o, x, y: o.F.linear(x, y)),
    "bmm": ("batch", lambda o, x: x @ x),
    "einsum": ("batch", lambda o, x: o.t.einsum("bij,bkj->bik", x, x)),
    "cdist": ("x", lambda o, x: o.t.cdist(x[:, :64], x[:, 64:128])),
    "attention": ("heads", lambda o, x: o.F.scaled_dot_product_attention(x, x, x)),
    "attention, causal": ("heads", lambda o, x: o.F.scaled_dot_product_attention(x, x, x, is_causal=True)),
    "LSTM": ("sequences", lambda o, x: o.lstm(x)[0]),
    "GRU": ("sequences", lambda o, x: o.gru(x)[0]),
    "inv": ("square", lambda o, x: o.t.linalg.inv(x)),
    "det": ("near", lambda o, x: o.t.linalg.det(x)),
    "slogdet": ("square", lambda o, x: o.t.linalg.slogdet(x).logabsdet),
    "solve": ("square", lambda o, x: o.t.linalg.solve(x, o.square)),
    "solve_triangular": ("definite", lambda o, x: o.t.linalg.solve_triangular(x, o.square, upper=True)),
    "cholesky": ("definite", lambda o, x: o.t.linalg.cholesky(x)),
    "qr": ("square", lambda o, x: o.t.linalg.qr(x).Q),
    "eigh": ("definite", lambda o, x: o.t.linalg.eigh(x[:300, :300]).eigenvectors),
    "svdvals": ("square", lambda o, x: o.t.linalg.svdvals(x[:300, :300])),
    "matrix_exp": ("near", lambda o, x: o.t.matrix_exp(x[:500, :500])),
    "prod, dim 1": ("x", lambda o, x: x.prod(1)),
    "take_along_dim": ("x", lambda o, x: o.t.take_along_dim(x, o.places, 1)),
    "repeat_interleave": ("x", lambda o, x: x.repeat_interleave(2, 1)),
    "index_copy": ("x y", lambda o, x, y: x.index_copy(0, o.rows, y)),
    "x[:, rows]": ("x", lambda o, x: x[:, o.rows]),
    "x[:, ::2]": ("x", lambda o, x: x[:, ::2]),
    "diff": ("x", lambda o, x: x.diff()),
    "pad, reflect": ("pictures", lambda o, x: o.F.pad(x, (1, 1, 1, 1), "reflect")),
    "prelu": ("x slope", lambda o, x, w: o.F.prelu(x, w)),
    "addmm": ("x y", lambda o, x, y: o.t.addmm(x, x, y)),
    "baddbmm": ("batch", lambda o, x: o.t.baddbmm(x, x, x)),
    "kron": ("x", lambda o, x: o.t.kron(x[:50, :40], x[:50, :40])),
    "layer_norm, affine": ("x slopes", lambda o, x, w: o.F.layer_norm(x, (2000,), w, w)),
    "max_pool2d, 3 by 1": ("pictures", lambda o, x: o.F.max_pool2d(x, 3, 1)),
    "adaptive_max_pool2d": ("pictures", lambda o, x: o.F.adaptive_max_pool2d(x, 7)),
    "grid_sample": ("pictures grid", lambda o, x, g: o.F.grid_sample(x, g, align_corners=False)),
    "pixel_shuffle": ("pictures", lambda o, x: o.F.pixel_shuffle(x, 2)),
    "huber_loss": ("x y", lambda o, x, y: o.F.huber_loss(x, y)),
    "depthwise conv2d": ("pictures depthwise", lambda o, x, w: o.F.conv2d(x, w, padding=1, groups=16)),
    "conv1d": ("lines kernel", lambda o, x, w: o.F.conv1d(x, w)),
    "stft": ("flat", lambda o, x: o.t.stft(x[:400_000], 400, return_complex=True, window=o.t.ones(400))),
    "rfft": ("x", lambda o, x: o.t.fft.rfft(x)),
    "fft": ("x", lambda o, x: o.t.fft.fft(x)),
    "irfft": ("complex", lambda o, x: o.t.fft.irfft(x)),
}  # fmt: skip
LINES |= {name: forward(*given) for name, given in BACKWARD.items()}
LINES |= {f"{name}, backward": differentiated(*given) for name, given in BACKWARD.items()}


class Operands:
    """The tensors of a library that the lines work on."""

    def __init__(self, library: Any):
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

    def stepped(self, name: str, **options: Any) -> Any:
        """An optimiser after its first step."""
        leaf = self.x.clone().requires_grad_()
        leaf.grad = self.y
        optimizer = getattr(self.t.optim, name)([leaf], **options)
        optimizer.step()
        return optimizer


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
        LINES[name](operands)
        gc.collect(), forget(), trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident("VmRSS")
        LINES[name](operands)
        peaks[name] = _resident("VmHWM") - before
    return peaks


def main() -> None:
    wanted = sys.argv[1:]
    names = [n for n in LINES if not wanted or any(n.startswith(w) for w in wanted)]
    sides = []
    for library in ("numbatorch", "torch"):
        # Every large block is returned to the system when it is free, so that it is seen.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
        command = [sys.executable, "-W", "ignore", __file__, "--measure", library, json.dumps(names)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        sides.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{'peak of a call':28s}{'numbatorch':>14s}{'PyTorch':>14s}{'ratio':>8s}")
    megabyte = 1 << 20
    for name in names:
        ours, theirs = (side[name] / megabyte for side in sides)
        ratio = (ours + 1) / (theirs + 1)  # below a megabyte nothing is compared
        print(f"{name:28s}{ours:11.1f} MB{theirs:11.1f} MB{ratio:8.2f}{' <-' if ratio > 1.2 else ''}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], json.loads(sys.argv[3]))))
    else:
        main()
