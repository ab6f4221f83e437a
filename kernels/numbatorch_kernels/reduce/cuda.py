"""Reductions on CUDA: the kernel of a `Reduction`, and its launch.

A block of threads is a table. Each column makes one result, or what softmax needs of a row; the lanes of the
column walk through its elements together. Every lane takes in its share, one element after another; then the
lanes merge their states, half of them into the other half at a time, through shared memory. (With shuffles within
a warp the compiler takes half as many registers again for an A100.) Neighbouring threads read neighbouring elements,
so they are lanes of a column, or columns:

    over the last dimension                     over the first one
    1 to 8 columns of 256 to 32 lanes,          32 columns of 8 lanes,
    lanes 1 thread apart                        lanes 32 threads apart

A few long columns are cut into parts, one for each block, and a second launch merges their states. In which
order elements are taken in depends on shapes alone, so a result is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from math import prod

import numpy as np

from numbatorch_kernels import lift
from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.launch import BLOCK, Kernel, compiled
from numbatorch_kernels.lift import Operand
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.text import REAL, Writer, _indent
from numbatorch_kernels.reduce.walk import Walk

SHARE = 16  # elements that a lane should have before a column is cut into parts
SHORT, LONG = 4, 32  # elements of a row that a lane has, where there are few rows, and many
BLOCKS = 8  # for which a multiprocessor has room
PARTS = 2 if compat.SIMULATED else 32  # at most, for each multiprocessor: the last few must not run alone
AHEAD, FEW = (
    32,
    11,
)  # bytes of an operand that a lane reads at a time where so many statements take an element in


def state_types(reduction: Reduction, compute: str) -> tuple[str, ...]:
    """The element types of the state: nothing wider than what is computed in, because a lane takes in few
    elements."""
    real = REAL.get(compute, compute)
    return tuple([{"wide": compute, "real": real}.get(code, code) for code in reduction.state])


class _Text:
    """The text of a kernel.

    * linear: whether the elements of a column are evenly spaced in memory
    * states: "out" if the kernel leaves states of parts instead of results, "in" if it merges those, or ""
    """

    def __init__(
        self,
        reduction: Reduction,
        inputs: Sequence[str],
        outputs: Sequence[str],
        compute: str,
        linear: bool,
        states: str,
    ):
        self.reduction, self.inputs, self.outputs, self.compute = reduction, inputs, outputs, compute
        self.linear, self.states = linear, states
        names = {"compat": "cuda", "division": "split", "launch": "BLOCK"}
        self.imports = {f"from numbatorch_kernels.cuda.{m} import {n}" for m, n in names.items()}
        self.types = state_types(reduction, compute)
        self.loader = Writer(compute, self.imports, "cuda")
        self.body = Writer(self.types[0] if reduction.state[0] == "real" else compute, self.imports, "cuda")
        self.own = Writer(self.types[0], self.imports, "cuda")  # of merges and results
        self.state = [f"s{k}" for k in range(len(self.types))]
        self.other = [f"w{k}" for k in range(len(self.types))]
        self.elements = [f"x{k}" for k in range(len(inputs))]
        self.numbers = [f"v{k}" for k in range(reduction.numbers)]
        self.outs = [f"o{k}" for k in range(len(outputs))]
        self.arrays = [f"a{k}" for k in range(len(inputs))]

    def update(self, writer: Writer, function: Callable, arguments: Sequence[str], prefix: str) -> list[str]:
        """Statements that replace the state by function(*state, *arguments)."""
        lines, results, nodes = writer.call(function, [*self.state, *arguments], prefix)
        words = [writer.store(r, n, t) for r, n, t in zip(results, nodes, self.types)]
        return [*lines, f"{', '.join(self.state)} = {', '.join(words)}"]

    def each(self, statements: Sequence[str]) -> list[str]:
        """A loop over the elements of a lane. Before it, where there is little to do for an element, one that reads
        several of them before it does it: a lane that waits for one at a time leaves bandwidth unused."""
        if self.linear:
            place = ["here = at + j * step"]
        else:
            place = ["here = at", *_unfold("j", "reduced", "2 + 3 * kept", {"here": 1})]
        single = [*place, *self.reads([f"{a}[here]" for a in self.arrays]), *statements, "j += lanes"]
        lines = ["j = first + lane"]
        if self.linear and len(statements) <= FEW:
            several = min(8, AHEAD // max(np.dtype({"bf": "u2"}.get(e, e)).itemsize for e in self.inputs))
            ahead = [[f"{a}_{k}" for a in self.arrays] for k in range(several)]
            loads = [
                f"{w} = {a}[here + {k} * lanes * step]"
                for k in range(several)
                for w, a in zip(ahead[k], self.arrays)
            ]
            turns = [
                [*self.reads(words), *statements, "j += lanes", "here += lanes * step"] for words in ahead
            ]
            lines += [f"while j + {several - 1} * lanes < last:", *_indent([*place, *loads, *chain(*turns)])]
        return [*lines, "while j < last:", *_indent(single)]

    def reads(self, words: Sequence[str]) -> list[str]:
        """Statements that take an element, or a state, from these words of memory."""
        if self.states == "in":
            return [f"{w} = {word}" for w, word in zip(self.other, words)]
        loads = [self.loader.load(0, Operand(e, "flat"), w) for w, e in zip(words, self.inputs)]
        return [f"{x} = {load}" for x, load in zip(self.elements, loads)]

    def step(self) -> list[str]:
        """Statements that take in one element, or one state."""
        if self.states == "in":
            return self.update(self.own, self.reduction.merge, self.other, "t")
        numbers = [self.body.convert(v, self.body.compute) for v in self.numbers]
        return self.update(self.body, self.reduction.step, [*self.elements, "j", *numbers], "t")

    def merge(self) -> list[str]:
        """Statements by which the lanes of each column merge their states."""
        keep = [f"shared{k}[t] = {s}" for k, s in enumerate(self.state)]
        fetch = [f"{w} = shared{k}[t + half * apart]" for k, w in enumerate(self.other)]
        join = [*fetch, *self.update(self.own, self.reduction.merge, self.other, "m"), *keep]
        return [
            *keep,
            "cuda.syncthreads()",
            "half = lanes // 2",
            "while half > 0:",
            *_indent(["if lane < half:", *_indent(join), "cuda.syncthreads()", "half //= 2"]),
        ]

    def results(self) -> list[str]:
        """Statements that store the results of a column."""
        if self.states == "out":
            lines = [f"{o}[to + part] = {s}" for o, s in zip(self.outs, self.state)]
            return ["if lane == 0 and column < columns:", *_indent(lines)]
        arguments = [*self.state, *[self.own.convert(v, self.own.compute) for v in ("count", *self.numbers)]]
        lines, results, nodes = self.own.call(self.reduction.finish, arguments, "y")
        if self.reduction.emit is None:
            stores = [self.own.store(r, n, e) for r, n, e in zip(results, nodes, self.outputs)]
            lines += [f"{o}[to] = {store}" for o, store in zip(self.outs, stores)]
            return ["if lane == 0 and column < columns:", *_indent(lines)]
        fetch = [f"{s} = shared{k}[t - lane * apart]" for k, s in enumerate(self.state)]
        each, (result,), (node,) = self.body.call(self.reduction.emit, [*results, *self.elements], "e")
        each.append(f"o0[here] = {self.body.store(result, node, self.outputs[0])}")
        return [*fetch, *lines, "if column < columns:", *_indent(self.each(each))]

    def text(self) -> str:
        """The module."""
        shared = [self.own.convert("", t).removesuffix("()") for t in self.types]
        start = [
            f"{s} = {self.own.start(v, t)}" for s, v, t in zip(self.state, self.reduction.start, self.types)
        ]
        lines = [
            *[f"shared{k} = cuda.shared.array(BLOCK, {t})" for k, t in enumerate(shared)],
            "kept, reduced = geometry[0], geometry[1]",
            *["step = geometry[2 + 3 * kept + reduced]"] * self.linear,
            "t, part = cuda.threadIdx.x, cuda.blockIdx.y",
            *[
                "if apart > 1:",
                "    lane, side = split(t, apart)",
                "else:",
                "    side, lane = split(t, lanes)",
            ],
            "first, last = part * share, min((part + 1) * share, length)",
            "left = cuda.blockIdx.x * width",
            "while left < columns:",
            *_indent(["column = left + side", "at = 0", "to = 0"]),
            *_indent([*_unfold("column", "kept", "2", {"at": 1, "to": 2}), *start]),
            *_indent(["if column < columns:", *_indent(self.each(self.step()))]),
            *_indent([*self.merge(), *self.results(), "cuda.syncthreads()"]),
            "    left += cuda.gridDim.x * width",
        ]
        of = {"out": "states of parts of ", "in": "from states of parts, "}.get(self.states, "")
        operands = f"{', '.join(self.outputs)} <- {', '.join(self.inputs)}"
        sizes = ["columns", "length", "width", "lanes", "apart", "share", "count"]
        arguments = [*self.outs, *self.arrays, "geometry", *sizes, *self.numbers]
        head = f"def {self.reduction.name}_kernel({', '.join(arguments)}):"
        title = f'"""{of}{self.reduction.name}: {operands}; computed in {self.compute}, on cuda."""'
        return "\n".join([title, "", *sorted(self.imports), "", "", head, *_indent(lines), ""])


def _unfold(number: str, dims: str, at: str, moved: dict[str, int]) -> list[str]:
    """Statements that move each variable of `moved` to place `number` of a walk over `dims` dimensions, one at least.

    Their sizes are in the geometry from `at` on; each variable's steps, so many times `dims` numbers further
    on. (What is left for the first dimension is its place: no division.)
    """
    steps = {name: f"geometry[{at} + {times} * {dims} + d]" for name, times in moved.items()}
    return [
        f"rest = {number}",
        f"d = {dims} - 1",
        "while d > 0:",
        f"    rest, k = split(rest, geometry[{at} + d])",
        *[f"    {name} += k * {step}" for name, step in steps.items()],
        "    d -= 1",
        *[f"{name} += rest * {step}" for name, step in steps.items()],
    ]


def source(
    reduction: Reduction,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    compute: str,
    linear: bool,
    states: str = "",
) -> str:
    """The text of the module with the CUDA kernel, for element types as `lift` names them."""
    return _Text(reduction, inputs, outputs, compute, linear, states).text()


# ---- launching ----


@cache
def _kernel(
    reduction: Reduction,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    compute: str,
    linear: bool,
    states: str = "",
) -> Kernel:
    module = lift.module(source(reduction, inputs, outputs, compute, linear, states), reduction.name)
    kinds = [{"bf": "u2"}.get(e, e) for e in (*outputs, *inputs)]
    function = getattr(module, f"{reduction.name}_kernel")
    return compiled(function, *kinds, "i8", *[int] * 7, *[float] * reduction.numbers)


def _power_of_two(n: int) -> int:
    """The smallest power of two that is at least n."""
    return 1 << max(n - 1, 0).bit_length()


class CudaPlan:
    """How a reduction of one kind of array runs on CUDA. `plan(outs, ins, *numbers)` does it."""

    def __init__(
        self,
        reduction: Reduction,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        compute: str,
        walk: Walk,
    ):
        kept, reduced = walk.kept, walk.reduced
        if walk.columns:
            kept = (*kept, (walk.length, walk.step, walk.out))
        elif walk.length != 1:
            reduced = (*reduced, (walk.length, walk.step))
        self.count, self.columns, self.length = walk.count, walk.results, prod([n for n, _ in reduced])
        self.geometry = _geometry(kept, reduced)
        if walk.columns:
            self.lanes = min(
                BLOCK // min(compat.WARP, _power_of_two(self.columns)), _power_of_two(self.length)
            )
        else:
            busy = (
                BLOCK * BLOCKS * compat.multiprocessors() // max(self.columns, 1)
            )  # lanes, for all to have work
            most, least = (_power_of_two(-(-self.length // each)) for each in (SHORT, LONG))
            self.lanes = min(BLOCK, max(least, min(most, _power_of_two(busy)), min(most, compat.WARP)))
        self.width = BLOCK // self.lanes
        self.apart = self.width if walk.columns else 1
        self.blocks = max(1, -(-self.columns // self.width))
        parts = min(self.length // (SHARE * self.lanes), PARTS * compat.multiprocessors() // self.blocks)
        self.parts = 1 if reduction.emit else max(1, parts)
        linear = len(reduced) <= 1
        if self.parts == 1:
            self.kernel = _kernel(reduction, inputs, outputs, compute, linear)
        else:
            self.states = state_types(reduction, compute)
            self.kernel = _kernel(reduction, inputs, self.states, compute, linear, "out")
            self.gather = _kernel(reduction, self.states, outputs, compute, True, "in")
            scratch = tuple([(n, out * self.parts, out) for n, _, out in kept])
            self.gather_geometry = _geometry(scratch, ((self.parts, 1),))
            self.geometry = _geometry(tuple([(n, step, out * self.parts) for n, step, out in kept]), reduced)

    def __call__(self, outs: Sequence[DeviceArray], ins: Sequence[DeviceArray], *numbers: float) -> None:
        if not self.columns:
            return
        share, grid = -(-self.length // self.parts), (self.blocks, self.parts)
        size = (self.columns, self.length, self.width, self.lanes, self.apart, share, self.count)
        if self.parts == 1:
            self.kernel(grid, BLOCK, *outs, *ins, self.geometry, *size, *numbers)
            return
        states = [DeviceArray.empty((self.columns * self.parts,), t, ins[0].device) for t in self.states]
        self.kernel(grid, BLOCK, *states, *ins, self.geometry, *size, *numbers)
        lanes = min(BLOCK, _power_of_two(self.parts))
        width = BLOCK // lanes
        size = (self.columns, self.parts, width, lanes, 1, self.parts, self.count)
        self.gather(
            (-(-self.columns // width), 1), BLOCK, *outs, *states, self.gather_geometry, *size, *numbers
        )


def _geometry(kept: Sequence[tuple[int, int, int]], reduced: Sequence[tuple[int, int]]) -> np.ndarray:
    """What the kernel reads: how many dimensions of both sorts, one at least; their sizes, steps and, of what is kept,
    steps of the results."""
    kept, reduced = kept or ((1, 0, 0),), reduced or ((1, 0),)
    columns = [d[k] for k in range(3) for d in kept]
    return np.array([len(kept), len(reduced), *columns, *[d[k] for k in range(2) for d in reduced]], np.int64)
