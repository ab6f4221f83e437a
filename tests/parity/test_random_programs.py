"""Random programs of 1 to 10 operations give the same values, dtypes, shapes, errors and gradients as PyTorch.

NUMBATORCH_PROGRAMS=2000 pytest tests/parity/test_random_programs.py     # more of them
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numbatorch

PROGRAMS = int(os.environ.get("NUMBATORCH_PROGRAMS", "150"))
DTYPES = (
    "float64",
    "float64",
    "float64",
    "float32",
    "int64",
    "bool",
    "float16",
    "bfloat16",
    "int32",
    "uint8",
)


class Step(NamedTuple):
    """One line of a program: `run(L, *operands, *numbers)`."""

    name: str
    tensors: int
    numbers: int
    run: Callable


def _dim(x, d: int) -> int:
    """One of the dimensions of x, counted from either end; sometimes one too many."""
    return d % (2 * x.dim() + 1) - x.dim() if x.dim() else d % 2 - 1


def _unary(name: str) -> Step:
    return Step(name, 1, 0, lambda L, x: getattr(L, name)(x))


def _binary(name: str) -> Step:
    return Step(name, 2, 0, lambda L, x, y: getattr(L, name)(x, y))


def _along(name: str) -> Step:
    """name(x, dim, keepdim)"""
    return Step(f"{name} along", 1, 2, lambda L, x, d, k: getattr(L, name)(x, _dim(x, d), keepdim=k % 2 == 1))


def _scan(name: str) -> Step:
    return Step(name, 1, 1, lambda L, x, d: getattr(L, name)(x, _dim(x, d)))


def _inside(name: str, *more: Any) -> Step:
    """An in-place method on a copy."""
    return Step(f"{name}", 1, 0, lambda L, x: getattr(x.clone(), name)(*more))


def _write_slice(L, x, y, d):
    made = x.clone()
    made.narrow(_dim(x, d), 0, 1).mul_(2).add_(y)
    return made


def _write_index(L, x, y, i):
    made = x.clone()
    made[i % 3] = y
    return made


def _write_mask(L, x, i):
    made = x.clone()
    made[made > i % 3 - 1] = 0.5
    return made


def _gather(L, x, d, i):
    index = (L.arange(x.numel()).view(x.shape) * (i % 7)) % max(x.size(_dim(x, d)), 1)
    return L.gather(x, _dim(x, d), index)


def _scatter_add(L, x, y, i):
    index = (L.arange(y.numel()).view(y.shape) * (i % 5)) % max(x.size(0), 1)
    return x.scatter_add(0, index, y)


def _select(L, x, d, i):
    return L.index_select(x, _dim(x, d), L.tensor([i % 3, 0, i % 2]))


def _sort(L, x, d, i):
    return L.sort(x, dim=_dim(x, d), descending=i % 2 == 1, stable=True)[i // 2 % 2]


STEPS = [
    *map(_unary, (
        "exp sin cos tanh sigmoid relu abs neg square sqrt log1p erf floor round sign isnan logical_not atan "
        "expm1 reciprocal rsqrt trunc frac exp2 asinh t ravel squeeze clone zeros_like ones_like nan_to_num sum mean "
        "prod max min argmax any all std count_nonzero tril triu"
    ).split()),
    *map(_binary, (
        "add sub mul div maximum minimum pow atan2 eq lt ge logical_and logical_xor fmod remainder "
        "matmul mm dot outer hypot logaddexp copysign fmax bitwise_and xlogy"
    ).split()),
    *map(_along, "sum mean amax amin prod logsumexp std var argmin any all norm".split()),
    *map(_scan, "cumsum cumprod softmax log_softmax unsqueeze".split()),
    *[_inside(name) for name in "relu_ neg_ exp_ sigmoid_ zero_ abs_".split()],
    _inside("add_", 1.5), _inside("mul_", 2), _inside("clamp_", -1, 1), _inside("fill_", 0.25), _inside("div_", 3),
    Step("floor_divide", 2, 0, lambda L, x, y: L.floor_divide(x, y)),
    Step("unique", 1, 0, lambda L, x: L.unique(x)),
    Step("number", 1, 1, lambda L, x, k: x * (k % 5 - 2) + 0.5),
    Step("number pow", 1, 1, lambda L, x, k: x ** (k % 4)),
    Step("2 ** x", 1, 0, lambda L, x: 2**x),
    Step("1 / x", 1, 0, lambda L, x: 1 / x),
    Step("clamp", 1, 1, lambda L, x, k: x.clamp(min=-(k % 3), max=k % 3)),
    Step("transpose", 1, 2, lambda L, x, a, b: x.transpose(_dim(x, a), _dim(x, b))),
    Step("reshape", 1, 1, lambda L, x, k: x.reshape(-1, (1, 2, 3)[k % 3])),
    Step("view", 1, 0, lambda L, x: x.view(-1)),
    Step("permute", 1, 0, lambda L, x: x.permute(*range(x.dim())[::-1])),
    Step("expand", 1, 1, lambda L, x, k: x.expand(k % 3 + 1, *x.shape)),
    Step("select", 1, 2, lambda L, x, d, i: x.select(_dim(x, d), i % 3)),
    Step("narrow", 1, 2, lambda L, x, d, i: x.narrow(_dim(x, d), i % 2, 1)),
    Step("step", 1, 1, lambda L, x, k: x[:: k % 3 + 1]),
    Step("last", 1, 0, lambda L, x: x[..., -1]),
    Step("None", 1, 0, lambda L, x: x[:, None]),
    Step("list index", 1, 1, lambda L, x, i: x[[i % 3, 0]]),
    Step("mask", 1, 0, lambda L, x: x[x > 0]),
    Step("roll", 1, 2, lambda L, x, d, i: x.roll(i % 4, _dim(x, d))),
    Step("flip", 1, 1, lambda L, x, d: x.flip(_dim(x, d))),
    Step("cat", 2, 1, lambda L, x, y, d: L.cat([x, y], _dim(x, d))),
    Step("stack", 2, 1, lambda L, x, y, d: L.stack([x, y, x], _dim(x, d))),
    Step("where", 2, 0, lambda L, x, y: L.where(x > y, x, y)),
    Step("where number", 1, 0, lambda L, x: L.where(x > 0, x, 0.0)),
    Step("masked_fill", 2, 0, lambda L, x, y: x.masked_fill(y > 0, -1)),
    Step("lerp", 2, 0, lambda L, x, y: L.lerp(x, y, 0.3)),
    Step("addcmul", 2, 0, lambda L, x, y: L.addcmul(x, x, y, value=0.5)),
    Step("linear", 2, 0, lambda L, x, y: L.nn.functional.linear(x, y)),
    Step("gelu", 1, 0, lambda L, x: L.nn.functional.gelu(x)),
    Step("softplus", 1, 0, lambda L, x: L.nn.functional.softplus(x)),
    Step("mse_loss", 2, 0, lambda L, x, y: L.nn.functional.mse_loss(x, y)),
    Step("max indices", 1, 1, lambda L, x, d: x.max(_dim(x, d)).indices),
    Step("max values", 1, 1, lambda L, x, d: x.max(_dim(x, d)).values),
    Step("topk", 1, 0, lambda L, x: x.topk(1).values),
    Step("sort", 1, 2, _sort),
    Step("gather", 1, 2, _gather),
    Step("scatter_add", 2, 1, _scatter_add),
    Step("index_select", 1, 2, _select),
    Step("repeat", 1, 1, lambda L, x, k: x.repeat(k % 2 + 1, *[1] * x.dim())),
    Step("repeat_interleave", 1, 1, lambda L, x, d: x.repeat_interleave(2, _dim(x, d))),
    Step("diagonal", 1, 0, lambda L, x: x.diagonal()),
    Step("chunk", 1, 1, lambda L, x, d: x.chunk(2, _dim(x, d))[0]),
    Step("to", 1, 1, lambda L, x, k: x.to(getattr(L, DTYPES[k % len(DTYPES)]))),
    Step("detach", 1, 0, lambda L, x: x.detach()),
    Step("write a slice", 2, 1, _write_slice),
    Step("write an index", 2, 1, _write_index),
    Step("write by a mask", 1, 1, _write_mask),
]  # fmt: skip

SHAPES = ((), (3,), (2, 3), (3, 3), (2, 1, 3), (0, 3), (1,))


class Program(NamedTuple):
    """Operands by shape and dtype, and lines: a step, the numbers of its operands, its numbers."""

    seed: int
    operands: list[tuple[tuple[int, ...], str]]
    lines: list[tuple[Step, list[int], list[int]]]

    def __repr__(self) -> str:
        lines = [
            f"{step.name}({', '.join(map(str, [f't{i}' for i in of] + n))})" for step, of, n in self.lines
        ]
        return f"seed {self.seed}, operands {self.operands}, then {'; '.join(lines)}"


@st.composite
def programs(draw) -> Program:
    number = st.integers(0, 30)
    operands = [
        (draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))) for _ in range(draw(st.integers(1, 3)))
    ]
    lines, count = [], len(operands)
    for _ in range(draw(st.integers(1, 10))):
        step = draw(st.sampled_from(STEPS))
        of = [draw(st.integers(0, count - 1)) for _ in range(step.tensors)]
        lines.append((step, of, [draw(number) for _ in range(step.numbers)]))
        count += 1
    return Program(draw(st.integers(0, 99)), operands, lines)


def run(program: Program, library: Any) -> list[Any]:
    """The result of every line, or the class of its error (its result is then its first operand); and the gradients."""
    random = np.random.default_rng(program.seed)
    pool, leaves, found = [], [], []
    for shape, dtype in program.operands:
        values = random.uniform(-2, 2, shape)
        x = library.tensor(np.abs(values) if dtype == "uint8" else values).to(getattr(library, dtype))
        if x.is_floating_point():
            leaves.append(x.requires_grad_())
        pool.append(x)
    for step, of, numbers in program.lines:
        operands = [pool[i] for i in of]
        try:
            result = step.run(library, *operands, *numbers)
            found.append(result)
        except Exception as error:
            result = operands[0]
            found.append(type(error).__name__)
        pool.append(result)
    outputs = [x for x in pool if x.requires_grad and x.is_floating_point()]
    if outputs:
        total = sum((x.double() * 0.5).sum() for x in outputs)
        try:
            grads = library.autograd.grad(total, leaves, allow_unused=True)
        except Exception as error:
            # PyTorch's derivatives of logaddexp, pow and atan2 subtract or negate an operand, which it refuses
            # where that is a bool tensor.
            unruly = "bool tensor is not supported" in str(error)
            grads = [] if unruly else [type(error).__name__]
        found += list(grads)
    return found


TOLERANCE = {"float64": 1e-8, "float32": 2e-4, "float16": 5e-2, "bfloat16": 2e-1}


def compare(ours: Any, theirs: Any, loosest: float) -> None:
    if not isinstance(theirs, torch.Tensor):
        # Of two mistakes at once PyTorch finds one first; NotImplementedError is a RuntimeError, too.
        one = {"NotImplementedError": "RuntimeError"}
        assert (
            one.get(ours, ours) == one.get(theirs, theirs)
            if isinstance(ours, str)
            else ours is theirs is None
        )
        return
    assert not isinstance(ours, str), f"{ours}, but PyTorch gives {theirs}"
    assert (str(ours.dtype), tuple(ours.shape)) == (str(theirs.dtype), tuple(theirs.shape))
    a, b = ours.detach().double().numpy(), theirs.detach().double().numpy()
    finite = np.abs(b[np.isfinite(b)])
    scale = max(1.0, finite.max()) if finite.size else 1.0
    np.testing.assert_allclose(a, b, rtol=loosest, atol=loosest * scale)


@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=PROGRAMS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(programs())
def test_random_programs(program):
    ours, theirs = run(program, numbatorch), run(program, torch)
    assert len(ours) == len(theirs) or len(theirs) == len(program.lines)
    loosest = 0.0
    for dtype in [d for _, d in program.operands] + [
        DTYPES[n[0] % len(DTYPES)] for s, _, n in program.lines if s.name == "to"
    ]:
        loosest = max(loosest, TOLERANCE.get(dtype, 0.0))
    for a, b in zip(ours, theirs, strict=False):
        compare(a, b, max(loosest, TOLERANCE["float32"]))
