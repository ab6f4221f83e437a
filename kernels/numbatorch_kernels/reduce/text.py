"""The text of a reduction's kernels: from a row of the table, element types and a way to walk, to Python source, as `lift` does for pointwise ops.

    rows: sum of float32                                    columns

    def sweep0(a0, here, step, n):                          def sweep0(r0, a0, heres, step, n, width):
        r = f4(0.0)                                             for j in range(width):
        for i in range(n):                                          r0[j] = f4(0.0)
            x0 = a0[here + i]                                   for i in range(n):
            r = r + x0                                              here = heres[i]
        return r                                                    for j in range(width):
                                                                        r0[j] = r0[j] + a0[here + j]

`kernel` calls the sweeps block by block and merges the states of the blocks. Where few results are made of many elements, each is split into
shares, `kernel` leaves their states in memory, and `gather` merges those: what is merged with what depends on the shape alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from numbatorch_kernels import lift
from numbatorch_kernels.expr import Expr, is_boolean, symbol, symbols_in, topological
from numbatorch_kernels.lift import HALF, Operand, Program
from numbatorch_kernels.reduce.table import FAR, FLOOR, HIGHEST, LOWEST, Reduction, Sweep

BLOCK = 512  # elements of a block of a row
ROWS = 16  # rows of a block of columns
HEAD = ("kept", "reduced", "length", "step", "out", "tiles", "pieces", "share", "splits", "count", "tile")  # how a geometry begins
WIDE = {"f4": "f8", "c8": "c16"}
REAL = {"c8": "f4", "c16": "f8"}
_OPERATOR = {"add": "+", "mul": "*", "or": "|", "and": "&"}
# Order does not matter within the sweep over a block, so LLVM may keep many sums side by side; it must still respect NaN and infinity.
FLAGS = "@njit(error_model='numpy', fastmath={'reassoc', 'contract', 'nsz'})"


def resolve(code: str, compute: str) -> str:
    """The element type that a code of the table stands for in an operation that computes in `compute`."""
    if code == "real":
        compute = REAL.get(compute, compute)
    return {"compute": compute, "wide": WIDE.get(compute, compute), "real": WIDE.get(compute, compute)}.get(code, code)


def state_types(reduction: Reduction, compute: str) -> tuple[str, ...]:
    """The element types of the state."""
    return tuple([resolve(code, compute) for code in reduction.state])


class Writer(lift.Writer):
    """Writes scalar bodies with arguments that have names already."""

    def __init__(self, compute: str, imports: set[str], device: str = "cpu"):
        super().__init__(Program("", (), 0), device, compute)
        self.imports = imports

    def call(self, body: Callable | Program, arguments: Sequence[str], prefix: str) -> tuple[list[str], list[str], list[Expr]]:
        """Statements that compute `body`; the names of its results, and their expressions. New names begin with `prefix`."""
        program = body if isinstance(body, Program) else lift.program(body, len(arguments))
        outputs = lift.expand(program.outputs)
        lines: list[str] = []
        names: dict[Expr, str] = {symbol(k): name for k, name in enumerate(arguments)}
        for node in topological(outputs):
            if node.function == "constant":
                names[node] = self.constant(node.args[0])
            elif node not in names:
                names[node] = f"{prefix}{len(lines)}"
                lines.append(f"{names[node]} = {self.apply(node, [names[a] for a in node.args])}")
        return lines, [names[o] for o in outputs], outputs

    def start(self, value, element: str) -> str:
        """A number of `start` as a value of type `element`."""
        if isinstance(value, bool):
            return repr(value)
        if element[0] == "i":
            limits = np.iinfo(element)
            value = {LOWEST: int(limits.min), FLOOR: int(limits.min), HIGHEST: int(limits.max), FAR: int(limits.max)}.get(value, value)
        elif value == FLOOR:
            value = float(np.finfo(element).min)
        elif value in (LOWEST, HIGHEST):
            self.imports.add("from numpy import inf")
            value = "-inf" if value == LOWEST else "inf"
        return self.convert(str(value), element)


class _Text:
    """The functions of one module."""

    def __init__(self, reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, columns: bool, unit: bool):
        self.reduction, self.inputs, self.outputs, self.compute = reduction, inputs, outputs, compute
        self.columns, self.unit = columns, unit
        self.imports = {"import numpy as np", "from numba import njit"}
        self.state = state_types(reduction, compute)
        self.own = Writer(self.state[0], self.imports)  # merges and finishes
        self.arrays = [f"a{k}" for k in range(reduction.elements)]
        self.places = [f"w{k}" for k in range(len(self.state))]  # the state
        self.values = ["p"] * reduction.numbers
        self.numbers = [f"r{k}" for k in range(len(reduction.sweeps))]  # of the sweeps

    # --- over one block

    def loads(self, writer: Writer, used: Sequence[int]) -> list[str]:
        index = "j" if self.columns else "i"
        index = index if self.unit else f"{index} * step"
        return [f"x{k} = {writer.load(k, Operand(self.inputs[k], 'flat'), f'a{k}[here + {index}]')}" for k in used if k < len(self.inputs)]

    def combine(self, sweep: Sweep, r: str, element: str) -> str:
        if sweep.combine == "first":
            return f"min({r}, i4(i)) if v else {r}"
        if sweep.combine in ("maximum", "minimum"):
            if element[0] == "i":
                return f"{sweep.combine[:3]}({r}, v)"
            name = f"{sweep.combine}_{lift.SUFFIX[element]}"
            self.imports.add(f"from numbatorch_kernels.rounding import {name}")
            return f"{name}({r}, v)"
        return f"{r} {_OPERATOR[sweep.combine]} v"

    def element(self, sweep: Sweep) -> str:
        """The type of the number that a sweep makes."""
        compute = resolve("wide", self.compute) if sweep.wide else self.compute
        if sweep.combine == "first":
            return "i4"
        return REAL.get(compute, compute) if sweep.element == "real" else resolve(sweep.element, compute)

    def sweep(self, number: int) -> list[str]:
        """The function sweep0 or sweep1."""
        sweep = self.reduction.sweeps[number]
        compute = resolve("wide", self.compute) if sweep.wide else self.compute
        writer, element = Writer(compute, self.imports), self.element(sweep)
        before = [f"r{number - 1}"] if number else []
        extra = before + self.values * (not number)
        names = [f"x{k}" for k in range(len(self.inputs))] + (["y"] if number else []) + [writer.convert("p", compute)] * (len(extra) - len(before))
        lines, (value,), (node,) = writer.call(sweep.each, names[: sweep.each.arity], "t")
        body = self.loads(writer, symbols_in([node])) + lines + [f"v = {writer.store(value, node, 'b1' if sweep.combine == 'first' else element)}"]
        start = writer.start(sweep.start, element)
        if element == "i4":
            writer.convert("", "i4")
        if not self.columns:
            mean = "r / n" if sweep.mean else "r"
            return [
                FLAGS,
                f"def sweep{number}({', '.join([*self.arrays, 'here', 'step', 'n', *extra])}):",
                f"    r = {start}",
                *[f"    y = {r}" for r in before],
                "    for i in range(n):",
                *_indent(body, 2),
                f"        r = {self.combine(sweep, 'r', element)}",
                f"    return {mean}",
            ]
        r = f"r{number}"
        return [
            FLAGS,
            f"def sweep{number}({', '.join([r, *self.arrays, 'heres', 'step', 'n', 'width', *extra])}):",
            "    for j in range(width):",
            f"        {r}[j] = {start}",
            "    for i in range(n):",
            "        here = heres[i]",
            "        for j in range(width):",
            *[f"            y = {b}[j]" for b in before],
            *_indent(body, 3),
            f"            {r}[j] = {self.combine(sweep, f'{r}[j]', element)}",
            *(["    for j in range(width):", f"        {r}[j] /= n"] if sweep.mean else []),
        ]

    def emit(self) -> list[str]:
        """The function that writes a result for each element of a block."""
        writer = Writer(self.compute, self.imports)
        names = [f"s{k}" for k in range(len(self.state))] + [f"x{k}" for k in range(len(self.inputs))]
        lines, (value,), (node,) = writer.call(self.reduction.emit, names, "t")
        used = [k - len(self.state) for k in symbols_in([node]) if k >= len(self.state)]
        index = "j" if self.columns else "i"
        index = index if self.unit else f"{index} * step"
        body = self.loads(writer, used) + lines + [f"o0[here + {index}] = {writer.store(value, node, self.outputs[0])}"]
        head = "@njit(error_model='numpy', fastmath={'contract'})"
        if not self.columns:
            states = [f"    s{k} = {writer.convert(w, self.compute)}" for k, w in enumerate(self.places)]
            return [
                head, f"def emit({', '.join(['o0', *self.arrays, 'here', 'step', 'n', *self.places])}):", *states,
                "    for i in range(n):", *_indent(body, 2),
            ]  # fmt: skip
        states = [f"            s{k} = {writer.convert(f'{w}[j]', self.compute)}" for k, w in enumerate(self.places)]
        return [
            head, f"def emit({', '.join(['o0', *self.arrays, 'heres', 'step', 'n', 'width', *self.places])}):",
            "    for i in range(n):", "        here = heres[i]", "        for j in range(width):", *states, *_indent(body, 3),
        ]  # fmt: skip

    # --- states

    def begin(self, index: str = "") -> list[str]:
        return [f"{w}{index} = {self.own.start(v, t)}" for w, v, t in zip(self.places, self.reduction.start, self.state)]

    def merge(self, other: Sequence[str], index: str = "") -> list[str]:
        """Statements that merge another state into this one."""
        names = [w + index for w in self.places]
        lines, results, _ = self.own.call(self.reduction.merge, [*names, *other], "m")
        return [*lines, f"{', '.join(names)} = {', '.join(results)}"]

    def block(self, first: str, index: str = "") -> list[str]:
        """The same for the state of a block."""
        names = dict(r0=f"r0{index}", r1=f"r1{index}", n=self.own.convert("n", self.state[0]) if self.state[0] != "b1" else "", first=first)
        texts = [text.format(**names) for text in self.reduction.block]
        named = [f"g{k} = {text}" for k, text in enumerate(texts) if not text.startswith("r")]
        return named + self.merge([text if text.startswith("r") else f"g{k}" for k, text in enumerate(texts)], index)

    def finish(self, at: str, index: str = "") -> list[str]:
        """Statements that store the results."""
        arguments = [w + index for w in self.places] + ["total", *self.values]
        lines, results, nodes = self.own.call(self.reduction.finish, arguments, "z")
        return lines + [f"o{k}[{at}] = {self.own.store(r, n, e)}" for k, (r, n, e) in enumerate(zip(results, nodes, self.outputs))]

    def total(self) -> str:
        return f"total = {self.own.convert('count', self.state[0]) if self.state[0] != 'b1' else 'count'}"

    # --- kernels

    def kernel(self) -> list[str]:
        outs = [f"o{k}" for k in range(len(self.outputs))]
        parts = [f"q{k}" for k in range(len(self.state))] if self.reduction.finish else []
        arguments = [*outs, *parts, *self.arrays, "geometry", *self.values, "start", "stop"]
        head = [f"{name} = geometry[{k}]" for k, name in enumerate(HEAD)]
        scratch = []
        if self.columns:
            scratch = [f"heres = np.empty({ROWS}, np.int64)"]
            types = [self.element(s) for s in self.reduction.sweeps]
            scratch += [f"{r} = np.empty(tile, {self.dtype(t)})" for r, t in zip(self.numbers + self.places, [*types, *self.state])]
        unit = self.of_columns() if self.columns else self.of_rows()
        return [
            f"def kernel({', '.join(arguments)}):", *_indent([*head, self.total(), *scratch, "for unit in range(start, stop):"], 1), *_indent(unit, 2)
        ]  # fmt: skip

    def dtype(self, element: str) -> str:
        return f"np.{lift.NUMPY_NAME[element]}"

    def of_rows(self) -> list[str]:
        """One share of one row."""
        passed = [*self.arrays, "here", "step", "n"]
        sweeps = [
            f"r{k} = sweep{k}({', '.join([*passed, *([f'r{k - 1}'] if k else self.values)])})" for k in range(len(self.reduction.sweeps))
        ]
        pieces = [
            "for piece in range(share * (unit % splits), min(share * (unit % splits + 1), pieces)):",
            "    run = piece // tiles",
            f"    done = {BLOCK} * (piece - run * tiles)",
            f"    n = min({BLOCK}, length - done)",
            "    here = at + done * step",
            *_indent(_unfold("run", "reduced", f"{len(HEAD)} + 3 * kept", {"here": 1}), 1),
        ]
        lines = ["at = 0", "to = 0", *_unfold("unit // splits", "kept", str(len(HEAD)), {"at": 1, "to": 2}), *self.begin()]
        lines += pieces + _indent([*sweeps, *self.block("run * length + done")], 1)
        if self.reduction.finish is None:
            return lines + pieces + [f"    emit({', '.join(['o0', *passed, *self.places])})"]
        states = [f"q{k}[to * splits + unit % splits] = {w}" for k, w in enumerate(self.places)]
        return [*lines, "if splits == 1:", *_indent(self.finish("to"), 1), "else:", *_indent(states, 1)]

    def of_columns(self) -> list[str]:
        """One share of the rows of one tile of columns."""
        passed = [*self.arrays, "heres", "step", "n", "width"]
        sweeps = [
            f"sweep{k}({', '.join([f'r{k}', *passed, *([f'r{k - 1}'] if k else self.values)])})" for k in range(len(self.reduction.sweeps))
        ]
        blocks = [
            f"for row in range(share * (unit % splits), last, {ROWS}):",
            f"    n = min({ROWS}, last - row)",
            "    for i in range(n):",
            "        here = at",
            *_indent(_unfold("row + i", "reduced", f"{len(HEAD)} + 3 * kept", {"here": 1}), 2),
            "        heres[i] = here",
        ]
        lines = [
            "side = unit // splits % tiles * tile",
            "width = min(tile, length - side)",
            "at = side * step",
            "to = side * out",
            *_unfold("unit // splits // tiles", "kept", str(len(HEAD)), {"at": 1, "to": 2}),
            "last = min(share * (unit % splits + 1), pieces)",
            "for j in range(width):",
            *_indent(self.begin("[j]"), 1),
            *blocks,
            *_indent([*sweeps, "for j in range(width):", *_indent(self.block("row", "[j]"), 1)], 1),
        ]
        if self.reduction.finish is None:
            return lines + blocks + [f"    emit({', '.join(['o0', *passed, *self.places])})"]
        states = [f"q{k}[(to + j * out) * splits + unit % splits] = {w}[j]" for k, w in enumerate(self.places)]
        each = "    for j in range(width):"
        return [*lines, "if splits == 1:", each, *_indent(self.finish("to + j * out", "[j]"), 2), "else:", each, *_indent(states, 2)]

    def gather(self) -> list[str]:
        """The kernel that merges shares."""
        outs, parts = [f"o{k}" for k in range(len(self.outputs))], [f"q{k}" for k in range(len(self.state))]
        return [
            f"def gather({', '.join([*outs, *parts, 'splits', 'count', *self.values, 'start', 'stop'])}):",
            f"    {self.total()}",
            "    for to in range(start, stop):",
            *_indent(self.begin(), 2),
            "        for k in range(to * splits, to * splits + splits):",
            *_indent(self.merge([f"{q}[k]" for q in parts]), 3),
            *_indent(self.finish("to"), 2),
        ]


def source(reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, columns: bool, unit: bool) -> str:
    """The text of the module with the CPU kernels, for element types as `lift` names them; `unit` if the inner step is one."""
    text = _Text(reduction, inputs, outputs, compute, columns, unit)
    functions = [text.sweep(k) for k in range(len(reduction.sweeps))]
    functions += [text.kernel(), text.gather()] if reduction.finish else [text.emit(), text.kernel()]
    way = f"{'columns' if columns else 'rows'}{'' if unit else ', strided'}"
    title = f'"""{reduction.name}: {", ".join(outputs)} <- {", ".join(inputs)}, by {way}; computed in {compute}, on cpu."""'
    return "\n".join([title, "", *sorted(text.imports), *[line for f in functions for line in ("", "", *f)], ""])


def _unfold(number: str, dims: str, at: str, moved: dict[str, int]) -> list[str]:
    """Statements that add to each variable of `moved` how far it is to place `number` of a walk over `dims` dimensions, whose sizes are in the
    geometry from `at` on, and whose steps follow: for each variable, so many times `dims` further on."""
    lines = [f"rest = {number}", f"for d in range({dims} - 1, 0, -1):", f"    k = rest % geometry[{at} + d]", f"    rest //= geometry[{at} + d]"]
    lines += [f"    {name} += k * geometry[{at} + {times} * {dims} + d]" for name, times in moved.items()]
    return [*lines, f"if {dims}:"] + [f"    {name} += rest * geometry[{at} + {times} * {dims}]" for name, times in moved.items()]


def _indent(lines: Sequence[str], by: int) -> list[str]:
    return ["    " * by + line for line in lines]
