"""The text of a reduction's kernels: from a row of the table, element types and a way to walk, to Python
source, as `lift` does for pointwise ops.

    the sum of float32, by rows                     by columns

    w0 = f8(0)                                      for j in range(width): w0[j] = f8(0)
    for first in range(0, length, 512):             for first in range(0, length, 16):
        n = min(512, length - first)                    n = min(16, length - first)
        r0 = f4(0)                                      for j in range(width): r0[j] = f4(0)
        for i in range(n):                              for i in range(n):
            v = a0[here + i]                                for j in range(width):
            r0 = r0 + v                                         v = a0[here + j]
        w0 = w0 + r0                                            r0[j] = r0[j] + v
    o0[to] = f4(w0)                                     for j in range(width): w0[j] = w0[j] + r0[j]
                                                    for j in range(width): o0[to + j] = f4(w0[j])

Block by block: what a block gives (r) is merged into the state (w). A kernel that makes `shares` leaves
states in memory, several for each result, and a kernel `gather` merges those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from numbatorch_kernels import lift
from numbatorch_kernels.expr import Expr, symbol, symbols_in, topological
from numbatorch_kernels.lift import Operand, Program
from numbatorch_kernels.reduce.table import FAR, FLOOR, HIGHEST, LOWEST, Reduction, Sweep

BLOCK = {False: 512, True: 16}  # elements of a block of a row, rows of a block of columns
TILE = 1024  # columns side by side
# Of kernels by rows: the order of the elements of a block does not matter, so LLVM may make many sums of them
# side by side.
FLAGS = {"reassoc", "contract", "nsz"}
WIDE = {"f4": "f8", "c8": "c16"}
REAL = {"c8": "f4", "c16": "f8"}
_OPERATOR = {"add": "+", "mul": "*"}


def resolve(code: str, compute: str) -> str:
    """The element type that a code of the table stands for in an operation that computes in `compute`."""
    real, wide = REAL.get(compute, compute), WIDE.get(compute, compute)
    return {"compute": compute, "wide": wide, "real": WIDE.get(real, real)}.get(code, code)


def state_types(reduction: Reduction, compute: str) -> tuple[str, ...]:
    """The element types of the state."""
    return tuple([resolve(code, compute) for code in reduction.state])


class Variant(NamedTuple):
    """Which kernel of a reduction.

    columns   by columns, or by rows
    unit      the inner step is one
    plain     at most one dimension is kept, and one reduced, besides the inner one; otherwise a geometry
              array tells how they lie
    shares    several units make one result
    """

    columns: bool
    unit: bool
    plain: bool
    shares: bool


def integers(variant: Variant) -> list[str]:
    """The whole numbers that a kernel takes, after the arrays."""
    columns, unit, plain, shares = variant
    names = ["length"] + ["runs"] * (not columns and not plain)
    names += ["across", "tiles", "tile"] if columns else []
    names += ["out"] if columns and not plain else []
    names += ["leap"] if plain else []
    names += ["jump"] if plain and columns else []
    names += [] if unit else ["step"]
    names += ["share", "splits"] if shares else []
    return names + (["narrow", "fold"] if shares and columns and plain else [])


class Writer(lift.Writer):
    """Writes scalar bodies whose arguments have names already."""

    def __init__(self, compute: str, imports: set[str], device: str = "cpu"):
        super().__init__(Program("", (), 0), device, compute)
        self.imports = imports

    def call(
        self, body: Callable | Program, arguments: Sequence[str], prefix: str
    ) -> tuple[list[str], list[str], list[Expr]]:
        """Statements that compute `body`; the names of its results, and their expressions. New names begin
        with `prefix`."""
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
        if element[0] in "iu":
            limits = np.iinfo(element)
            value = {
                LOWEST: int(limits.min),
                FLOOR: int(limits.min),
                HIGHEST: int(limits.max),
                FAR: int(limits.max),
            }.get(value, value)
        elif value == FLOOR:
            value = float(np.finfo(element).min)
        elif value in (LOWEST, HIGHEST):
            self.imports.add("from numpy import inf")
            value = "-inf" if value == LOWEST else "inf"
        return self.convert(str(value), element)


class _Text:
    """The text of one module."""

    def __init__(
        self,
        reduction: Reduction,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        compute: str,
        variant: Variant,
    ):
        self.reduction, self.variant = reduction, variant
        self.inputs, self.outputs, self.compute = inputs, outputs, compute
        self.state = state_types(reduction, compute)
        self.imports: set[str] = set()
        self.own = Writer(self.state[0], self.imports)  # of merges and results
        self.loop, self.index = ("j", "[j]") if variant.columns else ("i", "")
        finished = reduction.emit.__code__.co_argcount - reduction.elements if reduction.emit else 0
        self.names = [f"w{k}{self.index}" for k in range(len(self.state))]
        self.finished = [f"s{k}{self.index}" for k in range(finished)]
        self.outs = [f"o{k}" for k in range(len(outputs))]
        self.parts = [f"q{k}" for k in range(len(self.state))]
        self.arrays = [f"a{k}" for k in range(len(inputs))]
        self.numbers = ["p"] * reduction.numbers
        self.kept = reduction.emit_kept is not None and outputs[0] == compute

    # --- over one block

    def each(self, body: Sequence[str]) -> list[str]:
        """`body` for every element of a block, which begins at `here`."""
        if not self.variant.columns:
            return ["for i in range(n):", *_indent(body)]
        if self.variant.plain:
            here = ["here = at + (first + i) * jump"]
        else:
            here = ["here = at", *unfold("first + i", "reduced", "2 + 3 * kept", {"here": 1})]
        return ["for i in range(n):", *_indent(here), *_indent(self.side(body))]

    def side(self, body: Sequence[str]) -> list[str]:
        """`body` for every column, or once for a row."""
        return ["for j in range(width):", *_indent(body)] if self.variant.columns else list(body)

    def place(self) -> str:
        """Where an element is."""
        return f"here + {self.loop}{'' if self.variant.unit else ' * step'}"

    def load(self, writer: Writer, used: Sequence[int]) -> list[str]:
        """Statements that read the elements of the arrays in `used`."""
        place, used = self.place(), [k for k in used if k < len(self.inputs)]
        values = [writer.load(k, Operand(self.inputs[k], "flat"), f"a{k}[{place}]") for k in used]
        return [f"x{k} = {value}" for k, value in zip(used, values)]

    def computed(self, sweep: Sweep) -> str:
        """The type that a sweep computes in."""
        return resolve("wide", self.compute) if sweep.wide else self.compute

    def element(self, sweep: Sweep) -> str:
        """The type of the number that a sweep makes."""
        compute = self.computed(sweep)
        return REAL.get(compute, compute) if sweep.element == "real" else resolve(sweep.element, compute)

    def combine(self, sweep: Sweep, r: str, v: str, element: str) -> str:
        """The number `r` of a sweep, joined with `v`."""
        if sweep.combine == "first":  # as `min(r, i) if v else r` LLVM would not vectorise it
            return f"min({r}, {element}(i) if v else {self.own.start(sweep.start, element)})"
        if sweep.combine in _OPERATOR:
            return f"{r} {_OPERATOR[sweep.combine]} {v}"
        if element[0] in "iu":
            return f"{sweep.combine[:3]}({r}, {v})"
        name = f"{sweep.combine}_{lift.SUFFIX[element]}"
        self.imports.add(f"from numbatorch_kernels.rounding import {name}")
        return f"{name}({r}, {v})"

    def sweep(self, number: int) -> list[str]:
        """Statements that make r0 or r1."""
        sweep, r = self.reduction.sweeps[number], f"r{number}{self.index}"
        writer, element = Writer(self.computed(sweep), self.imports), self.element(sweep)
        if number:
            extra = [f"r{number - 1}{self.index}"]
        else:
            extra = [writer.convert(p, writer.compute) for p in self.numbers]
        names = [f"x{k}" for k in range(len(self.inputs))] + extra
        lines, (value,), (node,) = writer.call(sweep.each, names[: sweep.each.arity], "t")
        stored = writer.store(value, node, "b1" if sweep.combine == "first" else element)
        body = [*self.load(writer, symbols_in([node])), *lines, f"v = {stored}"]
        body.append(f"{r} = {self.combine(sweep, r, 'v', element)}")
        if sweep.kept and self.kept:
            body.append(f"o0[{self.place()}] = v")
        start = self.side([f"{r} = {writer.start(sweep.start, element)}"])
        mean = self.side([f"{r} = {r} / n"]) if sweep.mean else []
        return [*start, *self.each(body), *mean]

    def block(self) -> list[str]:
        """Statements that merge a block into the state."""
        lines = [line for k in range(len(self.reduction.sweeps)) for line in self.sweep(k)]
        where = {"r0": f"r0{self.index}", "r1": f"r1{self.index}"}
        where |= {"n": f"{self.state[0]}(n)", "first": "done + first"}
        texts = [text.format(**where) for text in self.reduction.block]
        named = [f"g{k} = {text}" for k, text in enumerate(texts) if text[0] != "r"]
        names = [text if text[0] == "r" else f"g{k}" for k, text in enumerate(texts)]
        return lines + self.side(named + self.merge(names))

    def whole(self) -> list[str]:
        """Statements that make the state in whole sweeps, one after the other: to emit results, the elements
        are met again anyway."""
        lines = []
        for k, sweep in enumerate(self.reduction.sweeps):
            r, w = f"r{k}{self.index}", self.names[k]
            join = self.side([f"{w} = {self.combine(sweep, w, r, self.state[k])}"])
            lines += self.blocks([*self.sweep(k), *join])
            lines += self.side([f"{r} = {self.own.convert(w, self.element(sweep))}"])
        return lines

    def emit(self) -> tuple[list[str], list[str]]:
        """A function that writes a result for each element of a block of a row, and its call; for columns,
        statements that do."""
        writer, known = Writer(self.compute, self.imports), len(self.finished)
        names = ["v"] if self.kept else [f"x{k}" for k in range(len(self.inputs))]
        rule: Any = self.reduction.emit_kept if self.kept else self.reduction.emit
        lines, (value,), (node,) = writer.call(rule, [*self.finished, *names], "t")
        used = [k - known for k in symbols_in([node]) if k >= known]
        loads = [f"v = o0[{self.place()}]"] if self.kept else self.load(writer, used)
        body = [*loads, *lines, f"o0[{self.place()}] = {writer.store(value, node, self.outputs[0])}"]
        if self.variant.columns:
            return [], self.each(body)
        step = [] if self.variant.unit else ["step"]
        call = f"emit({', '.join(['o0', *self.arrays, 'here', 'n', *step, *self.finished])})"
        self.imports.add("from numbatorch_kernels.callee import callee")
        return ["@callee", f"def {call}:", *_indent(self.each(body)), "", ""], [call]

    # --- states

    def begin(self) -> list[str]:
        """Statements that set the state to what it is before the first element."""
        values = [self.own.start(v, t) for v, t in zip(self.reduction.start, self.state)]
        return [f"{w} = {value}" for w, value in zip(self.names, values)]

    def merge(self, other: Sequence[str]) -> list[str]:
        """Statements that merge another state into this one."""
        lines, results, _ = self.own.call(self.reduction.merge, [*self.names, *other], "m")
        return [*lines, f"{', '.join(self.names)} = {', '.join(results)}"]

    def finish(self, count: str, at: str) -> list[str]:
        """Statements that store the results, or what `emit` needs of them."""
        arguments = [*self.names, self.own.convert(count, self.own.compute), *self.numbers]
        lines, results, nodes = self.own.call(self.reduction.finish, arguments, "z")
        if self.reduction.emit:
            values = [self.own.convert(r, self.compute) for r in results]
            return lines + [f"{name} = {value}" for name, value in zip(self.finished, values)]
        values = [self.own.store(r, n, e) for r, n, e in zip(results, nodes, self.outputs)]
        return lines + [f"{o}[{at}] = {value}" for o, value in zip(self.outs, values)]

    def leave(self, to: str) -> list[str]:
        """Statements that leave the state of a share for `gather`: those of one result side by side."""
        lines, place = [], f"({to})"
        if self.variant.columns and self.variant.plain:
            place = "place"
            lines = [f"place = {to}", "place = place % narrow * fold + place // narrow"]
        stores = zip(self.parts, self.names)
        return lines + [f"{q}[{place} * splits + unit % splits] = {w}" for q, w in stores]

    # --- where a unit of work lies

    def unit(self) -> list[str]:
        """Statements that say where unit number `unit` begins: `at`, and `to` in the result."""
        columns, unit, plain, shares = self.variant
        lines, row = (["result = unit // splits"], "result") if shares else ([], "unit")
        at, to = ["0"], ["0"]
        if columns:
            lines += [f"side = {row} % tiles * tile", "width = min(tile, across - side)"]
            at, to = ["side" if unit else "side * step"], ["side" if plain else "side * out"]
            row = f"{row} // tiles"
        if plain:
            at, to = [*at[:columns], f"{row} * leap"], [*to[:columns], f"{row} * across" if columns else row]
        lines += [f"at = {' + '.join(at)}", f"to = {' + '.join(to)}"]
        return lines if plain else lines + unfold(row, "kept", "2", {"at": 1, "to": 2})

    def blocks(self, body: list[str]) -> list[str]:
        """`body` for the blocks of a unit: `first` is the place of its first element, or row, and `n` the
        number of them."""
        columns, unit, plain, shares = self.variant
        size, by_length = BLOCK[columns], columns or plain
        low, high = ("low", "high") if shares and by_length else ("0", "length")
        loop = [f"for first in range({low}, {high}, {size}):", f"    n = min({size}, {high} - first)"]
        if not columns:
            loop.append(f"    here = {'at' if plain else 'base'} + first{'' if unit else ' * step'}")
        loop += _indent(body)
        if by_length:
            return loop
        runs = f"for run in range({'low, high' if shares else 'runs'}):"
        place = ["base = at", "done = run * length", *unfold("run", "reduced", "2 + 3 * kept", {"base": 1})]
        return [runs, *_indent([*place, *loop])]

    def kernel(self) -> list[str]:
        """The kernel, and before it the function that it calls to emit."""
        columns, _unit, plain, shares = self.variant
        by_length = columns or plain
        function, emit = self.emit() if self.reduction.emit else ([], [])
        head = ["done = 0"] if self.reduction.ordered and by_length else []
        head += [] if plain else ["kept = geometry[0]", "reduced = geometry[1]"]
        lines = self.unit()
        if columns:
            head += self.locals()
        if shares:
            lines.append("low = unit % splits * share")
            lines.append(f"high = min(low + share, {'length' if by_length else 'runs'})")
        lines += [*self.side(self.begin()), *(self.whole() if emit else self.blocks(self.block()))]
        to = "to" if not columns else "to + j" if plain else "to + j * out"
        result = self.leave(to) if shares else self.finish("length" if by_length else "length * runs", to)
        lines += self.side(result)
        if emit:
            lines += self.blocks(emit)
        arrays = [*(self.parts if shares else self.outs), *self.arrays, *([] if plain else ["geometry"])]
        arguments = [*arrays, *integers(self.variant), *self.numbers, "start", "stop"]
        head.append("for unit in range(start, stop):")
        signature = f"def {self.reduction.name}_kernel({', '.join(arguments)}):"
        return [*function, signature, *_indent([*head, *_indent(lines)])]

    def locals(self) -> list[str]:
        """Statements that make room for the numbers of the sweeps, the state and the results of all columns."""
        self.imports.add("from numbatorch_kernels.local import local")
        rooms: list[str] = []
        sweeps = [self.element(sweep) for sweep in self.reduction.sweeps]
        for letter, types in (("r", sweeps), ("w", self.state), ("s", [self.compute] * len(self.finished))):
            for k, element in enumerate(types):
                self.own.convert("", element)  # for the import
                rooms.append(f"{letter}{k} = local({element}, {TILE})")
        return rooms


def unfold(number: str, dims: str, at: str, moved: dict[str, int]) -> list[str]:
    """Statements that move each variable of `moved` to place `number` of a walk over `dims` dimensions.

    Their sizes are in the geometry from `at` on; each variable's steps, so many times `dims` numbers further
    on.
    """
    lines = [f"rest = {number}", f"for d in range({dims} - 1, -1, -1):"]
    lines += [f"    k = rest % geometry[{at} + d]", f"    rest //= geometry[{at} + d]"]
    steps = [(name, f"geometry[{at} + {times} * {dims} + d]") for name, times in moved.items()]
    return lines + [f"    {name} += k * {step}" for name, step in steps]


def source(
    reduction: Reduction, inputs: tuple[str, ...], outputs: tuple[str, ...], compute: str, variant: Variant
) -> str:
    """The text of the module that holds a CPU kernel, for element types as `lift` names them."""
    text = _Text(reduction, inputs, outputs, compute, variant)
    lines = text.kernel()
    words = [f"{reduction.name}: {', '.join(outputs)} <- {', '.join(inputs)}"]
    words += ["by columns" if variant.columns else "by rows", *["strided"] * (not variant.unit)]
    words += ["any geometry"] * (not variant.plain) + ["shares"] * variant.shares
    return _module(f"{', '.join(words)}; computed in {compute}, on cpu.", text, lines)


def gather_source(reduction: Reduction, outputs: tuple[str, ...], compute: str) -> str:
    """The text of the module that holds the CPU kernel which merges the states of shares."""
    text = _Text(reduction, ("f4",) * reduction.elements, outputs, compute, Variant(False, True, True, True))
    loop = "for k in range(to * splits, to * splits + splits):"
    merge = text.merge([f"{q}[k]" for q in text.parts])
    body = [*text.begin(), loop, *_indent(merge), *text.finish("count", "to")]
    arguments = [*text.outs, *text.parts, "splits", "count", *text.numbers, "start", "stop"]
    signature = f"def {reduction.name}_gather({', '.join(arguments)}):"
    lines = [signature, *_indent(["for to in range(start, stop):", *_indent(body)])]
    words = f"{reduction.name}: {', '.join(outputs)} from the states of shares"
    return _module(f"{words}; computed in {compute}, on cpu.", text, lines)


def _module(title: str, text: _Text, lines: Sequence[str]) -> str:
    return "\n".join([f'"""{title}"""', "", *sorted(text.imports), "", "", *lines, ""])


def _indent(lines: Sequence[str]) -> list[str]:
    return ["    " + line if line else line for line in lines]
