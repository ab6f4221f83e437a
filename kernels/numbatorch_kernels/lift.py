"""From scalar expressions to kernels: a program is written out as Python text, kept as a file, and compiled
for a device.

    sigmoid of float32, contiguous, CPU                     the same where memory has strides

    def kernel(o0, a0, start, stop):                        def kernel(o0, a0, geometry, start, stop):
        for i in range(start, stop):                            for row in range(start, stop):
            x0 = a0[i]                                              ... where row starts, in each operand
            t0 = sigmoid_f32(x0)                                    for j in range(length):
            o0[i] = t0                                                  x0 = a0[p0 + j * s0]  ...

On CUDA a thread takes every element that is a whole number of grids away from its first one; where there is little
to compute several at a time, so that much is on its way from memory. Complex numbers are read and written in parts,
a0[2 * i] and a0[2 * i + 1], and computed with in parts: see `pairs`. A file is named by the hash of its own text,
so it can be read, shown in tracebacks, stepped through, and found again by the next process.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numbatorch_kernels import cache, cpu, rounding
from numbatorch_kernels.expr import Expr, absolute, constant, is_boolean, on_reals, symbol, topological
from numbatorch_kernels.pairs import Pair, lower, truth
from numbatorch_kernels.trace import trace


class Program(NamedTuple):
    """What happens to one element: `outputs` as expressions of the symbols 0..arity-1.

    `conditions` are the inputs that are truth values, whatever is computed with the others.
    """

    name: str
    outputs: tuple[Expr, ...]
    arity: int
    conditions: tuple[int, ...] = ()


def program(body: Callable, arity: int | None = None, conditions: tuple[int, ...] = ()) -> Program:
    """The program of a scalar body."""
    if arity is None:
        arity = body.__code__.co_argcount
    name = body.__name__ if body.__name__.isidentifier() else "body"  # of a lambda
    return Program(name, trace(body, arity), arity, conditions)


class Operand(NamedTuple):
    """How a kernel reaches one operand.

    element   NumPy's short name of the type in memory ("f4"), or "bf" for bfloat16
    access    "flat" element i of contiguous memory, "past" that of an output which is written past the caches; "value" a
              number passed by value; "inplace" the output itself; in strided kernels: "unit" stride one along a row,
              "fixed" stride zero, "strided" any, "far" one so long that neighbours lie on different cache lines
    through   the narrower type that a number is made first on its way from or to memory, if any
    Inputs that are passed by value are float64, int64 or complex128, whichever `element` is of.
    """

    element: str
    access: str
    through: str = ""


NUMPY_NAME = {
    "b1": "bool_", "u1": "uint8", "u2": "uint16", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128",
}  # fmt: skip
PART = {"c8": "f4", "c16": "f8"}  # a complex number is two of these
HALF = {"f2": "float16", "bf": "bfloat16"}
SUFFIX = {"f4": "f32", "f8": "f64"}
FEW = 20  # statements that are little to compute ...
HEAVY = {"cpu": ("vecmath", "special"), "cuda": ("special",)}  # ... where they call nothing of these modules
# Five times the bytes that a call reads and three times those that it writes, from which on it writes past the caches. Then
# what is read stays there, and what is written leaves at the rate of memory: the more that is, the later it pays.
PAST = 4 * (46 << 20)
TILE = 32  # elements of a row, where some operand has its neighbours on other cache lines
MATH_MODULE = {"cpu": "numbatorch_kernels.vecmath", "cuda": "numbatorch_kernels.cuda.vecmath"}


class Writer:
    """Writes the statements that compute a program for one element, collecting the imports that they need."""

    def __init__(self, program: Program, device: str, compute: str):
        self.program, self.device, self.compute = program, device, compute
        self.imports: set[str] = set()

    def convert(self, text: str, element: str) -> str:
        """`text` as a value of type `element`."""
        self.imports.add(f"from numpy import {NUMPY_NAME[element]} as {element}")
        return f"{element}({text})"

    def half(self, function: str, text: str) -> str:
        self.imports.add(
            f"from numbatorch_kernels.{'half' if self.device == 'cpu' else 'cuda.half'} import {function}"
        )
        return f"{function}({text})"

    def load(self, position: int, operand: Operand, text: str) -> str:
        """Input `position`, read as `text`, in the type that is computed with."""
        element, compute = operand.element, self.compute
        kept = operand.access != "value" or operand.through != ""  # as `element`
        if operand.through:
            element = operand.through
            text = self.convert(text, "f4" if element in HALF else element)
            text = self.half(f"to_{HALF[element]}", text) if element in HALF else text
        half = element in HALF and kept
        if compute == "b1" or position in self.program.conditions:
            return f"{text}{' & 0x7FFF' * half} != 0"  # -0.0 is zero, too
        if half:
            text, element = self.half(f"from_{HALF[element]}", text), "f4"
        return text if element == compute and kept else self.convert(text, compute)

    def constant(self, value) -> str:
        if isinstance(value, bool):
            return repr(value)
        text = repr(value)
        if "inf" in text or "nan" in text:
            text = f'float("{text}")' if self.device == "cuda" else self._named(text)
        return text if self.compute in ("b1", "i8", "u1") else self.convert(text, self.compute)

    def _named(self, text: str) -> str:
        self.imports.add("from numpy import inf, nan")
        return text

    def apply(self, node: Expr, args: Sequence[str]) -> str:
        """A primitive applied to values that have names."""
        if node.function.text is not None:
            return node.function.text.format(*args)
        if node.function.module is not None:
            self.imports.add(f"from {node.function.module} import {node.function.name}")
            if self.compute == "f4":
                args = [self.convert(a, "f8") for a in args]
            return self.convert(f"{node.function.name}({', '.join(args)})", self.compute)
        name = f"{node.function.name}_{SUFFIX[self.compute]}"
        module = (
            "numbatorch_kernels.rounding"
            if self.device == "cpu" and hasattr(rounding, name)
            else MATH_MODULE[self.device]
        )
        self.imports.add(f"from {module} import {name}")
        return f"{name}({', '.join(args)})"

    def store(self, text: str, node: Expr, element: str) -> str:
        """The value `text` of `node` as it is kept in memory."""
        boolean = is_boolean(node) or self.compute == "b1"
        if element == "b1":
            return self.convert(text if boolean else f"{text} != 0", "u1")
        if self.compute[0] == "c" and element[0] != "c" and not boolean and node.function is not absolute:
            text = self.convert(f"({text}).real", "f8")
        double_to_half = (element, self.compute, self.device) == ("f2", "f8", "cpu") and not boolean
        if double_to_half and node.function != "symbol":
            return self.half("double_to_float16", text)
        if element in HALF:
            return self.half(
                f"to_{HALF[element]}", self.convert(text, "f4") if boolean or self.compute != "f4" else text
            )
        if element == self.compute and not boolean:
            return text
        if self.compute in SUFFIX and element[0] in "iu" and element not in ("i4", "i8"):
            # The way that PyTorch's conversions go, for numbers out of range: straight to a narrow type is undefined.
            text = self.convert(text, "i4" if element[0] == "i" else "i8")
        return self.convert(text, element)

    def statements(
        self,
        inputs: Sequence[Operand],
        reads: Sequence[Sequence[str]],
        outputs: Sequence[str],
        writes: Sequence[Sequence[str]],
        in_parts: bool = False,
    ) -> list[str]:
        """The loop body: `reads` and `writes` are the texts of the operands' elements, such as "a0[i]", or of
        their two parts. `in_parts` is for a program that computes with complex numbers."""
        lines: list[str] = []
        names: dict[Expr, str] = {}
        results = (self.in_parts if in_parts else self.whole)(inputs, outputs)
        for node in topological([node for parts in results for node in parts]):
            if node.function == "symbol":
                k, part = node.args[0] if in_parts else (node.args[0], 0)
                names[node] = f"x{k}" + "i" * part
                operand = inputs[k]._replace(element=PART.get(inputs[k].element, inputs[k].element))
                lines.append(f"{names[node]} = {self.load(k, operand, reads[k][part])}")
            elif node.function == "constant":
                names[node] = self.constant(node.args[0])
            else:
                names[node] = f"t{len(lines)}"
                lines.append(f"{names[node]} = {self.apply(node, [names[a] for a in node.args])}")
        for places, parts, element in zip(writes, results, outputs, strict=True):
            lines += [
                f"{place} = {self.store(names[node], node, PART.get(element, element))}"
                for place, node in zip(places, parts, strict=True)
            ]
        return lines

    def whole(self, inputs: Sequence[Operand], outputs: Sequence[str]) -> list[tuple[Expr, ...]]:
        """What is computed with real numbers, for each output."""
        return [(node,) for node in on_reals(expand(self.program.outputs))]

    def in_parts(self, inputs: Sequence[Operand], outputs: Sequence[str]) -> list[tuple[Expr, ...]]:
        """What is computed with complex numbers: for each output its real part, of a complex one also the
        imaginary part."""
        symbols: dict[int, Pair] = {}
        for k, operand in enumerate(inputs):
            re, im = symbol((k, 0)), symbol((k, 1)) if operand.element in PART else constant(0.0)
            if k in self.program.conditions:
                symbols[k] = Pair(re | im if operand.element in PART else re, None)
            else:
                symbols[k] = Pair(re, im)
        results: list[tuple[Expr, ...]] = []
        for pair, element in zip(lower(expand(self.program.outputs), symbols), outputs, strict=True):
            if element in PART:
                results.append(pair.parts)
            else:
                results.append((truth(pair) if element == "b1" else pair.re,))
        return results


def expand(outputs: Sequence[Expr]) -> list[Expr]:
    """`outputs` in primitives alone: functions that have a body and a derivative of their own are opened."""
    done: dict[Expr, Expr] = {}
    for node in topological(outputs):
        if isinstance(node.function, str):
            done[node] = node
        else:
            args = [done[a] for a in node.args]
            body = node.function.body
            done[node] = Expr(node.function, *args) if body is None else expand([body(*args)])[0]
    return [done[o] for o in outputs]


def source(
    program: Program, device: str, inputs: Sequence[Operand], outputs: Sequence[Operand], compute: str
) -> str:
    """The text of the module that holds the kernel; `compute` is the element type to compute in.

    A kernel with any strided operand takes `geometry`, an int64 array: the number of outer dimensions, the
    length of a row, the outer shape, then for every pointer (outputs first) its outer strides and its stride
    along the row, all in elements.
    """
    writer = Writer(program, device, PART.get(compute, compute))
    pointers = {f"o{k}": o.access for k, o in enumerate(outputs)}
    pointers |= {f"a{k}": o.access for k, o in enumerate(inputs) if o.access not in ("value", "inplace")}
    strided = is_strided(inputs, outputs)
    grid_stride = device == "cuda" and not strided
    elements = {f"o{k}": o.element for k, o in enumerate(outputs)}
    elements |= {f"a{k}": o.element for k, o in enumerate(inputs)}
    past = [name for name, access in pointers.items() if access == "past"]
    if not strided:
        head = [f"for i in range({'begin, end' if past else 'start, stop'}):"]
        index = dict.fromkeys(pointers, "i")
    elif device == "cpu":
        walk = _tiles if "far" in pointers.values() else _rows
        head, index = walk(pointers, elements)
    else:
        head, index = _grid(pointers)
    place = {
        name: _values(name, elements[name])
        if index[name] == ""
        else _places(name, index[name], elements[name])
        for name in pointers
    }
    place |= {name: _places(f"r_{name}", "i - begin", elements[name]) for name in past}
    numbers = {f"a{k}": _number(f"a{k}", o.element) for k, o in enumerate(inputs) if o.access == "value"}
    sources = ["o0" if o.access == "inplace" else f"a{k}" for k, o in enumerate(inputs)]

    def body(read: dict[str, list[str]], written: dict[str, list[str]]) -> list[str]:
        reads, writes = (
            [(numbers | read)[s] for s in sources],
            [written[f"o{k}"] for k in range(len(outputs))],
        )
        return writer.statements(inputs, reads, [o.element for o in outputs], writes, compute in PART)

    statements = body(place, place)
    light = len(statements) <= FEW and not any(m in line for line in writer.imports for m in HEAVY[device])
    if grid_stride:
        read = {s: elements[s] for s in sources if s not in numbers}
        loop = _grid_stride(body, statements, read if light else {}, elements)
    else:
        indent = head[-1][: -len(head[-1].lstrip())] if device == "cpu" else ""
        loop = head + [f"{indent}    {line}" for line in statements]
        loop += ["    i += cuda.gridsize(1)"] * (device == "cuda")
        loop = _through_rooms(loop, past, writer.imports) if past else loop
    if device == "cpu" and light and min([_width(elements[name]) for name in pointers]) >= 4:
        writer.imports.add("from numbatorch_kernels.short import short_vectors")
        loop = ["short_vectors()", *loop]
    if device == "cuda":
        writer.imports.add("from numbatorch_kernels.cuda.compat import cuda")
        if strided:
            writer.imports.add("from numbatorch_kernels.cuda.division import split")
    values = [f"a{k}" for k, o in enumerate(inputs) if o.access == "value"]
    arguments = sorted(pointers.keys() | set(values), key=lambda name: (name[0] == "a", int(name[1:])))
    arguments += ["geometry"] * strided + (["start", "stop"] if device == "cpu" else ["n"])
    results, operands = (", ".join(" ".join(filter(None, o)) for o in group) for group in (outputs, inputs))
    return "\n".join(
        [f'"""{program.name}: {results} <- {operands}; computed in {compute}, on {device}."""', ""]
        + sorted(writer.imports)
        + ["", "", f"def {program.name}_kernel({', '.join(arguments)}):"]
        + ["    " + line for line in loop]
        + [""]
    )


# The index of an element j of a row, by access; "" for what has been read already.
_ALONG_ROW = {"unit": "p_{0} + j", "fixed": "", "strided": "p_{0} + j * s_{0}", "far": "p_{0} + j * s_{0}"}


def is_strided(inputs: Sequence[Operand], outputs: Sequence[Operand]) -> bool:
    """Whether a kernel with these operands walks through strides."""
    return any(o.access in _ALONG_ROW for o in (*outputs, *inputs))


def _places(name: str, index: str, element: str) -> list[str]:
    """The element of a pointer at `index`; of complex numbers its two parts."""
    return (
        [f"{name}[2 * ({index})]", f"{name}[2 * ({index}) + 1]"] if element in PART else [f"{name}[{index}]"]
    )


def _values(name: str, element: str) -> list[str]:
    """The variables for an element that is the same all along a row."""
    return [f"v_{name}", f"w_{name}"][: 1 + (element in PART)]


def _number(name: str, element: str) -> list[str]:
    """A number that is passed by value."""
    return [f"{name}.real", f"{name}.imag"] if element in PART else [name]


def _moves(pointers: dict[str, str]) -> list[str]:
    """Statements that move every position p_<pointer> by k along dimension d."""
    return [f"p_{name} += k * geometry[{2 + k} + {k + 1} * outer + d]" for k, name in enumerate(pointers)]


def _rows(pointers: dict[str, str], elements: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """CPU: a loop over the rows that hold elements start..stop, and along each row a loop that LLVM
    vectorises where strides are one or zero. Also the index of each pointer's element, "" for one that the
    row has read already."""
    head = _strides(pointers)
    head += ["for row in range(start // length, (stop - 1) // length + 1):", "    rest = row"]
    head += [f"    p_{name} = 0" for name in pointers]
    head += [
        "    for d in range(outer - 1, -1, -1):",
        "        k = rest % geometry[2 + d]",
        "        rest //= geometry[2 + d]",
    ]
    head += ["        " + line for line in _moves(pointers)]
    head += ["    " + line for line in _fixed(pointers, elements)]
    head += ["    for j in range(max(start - row * length, 0), min(stop - row * length, length)):"]
    return head, {name: _ALONG_ROW[access].format(name) for name, access in pointers.items()}


def _tiles(pointers: dict[str, str], elements: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """CPU, where an operand is "far": the same, with the rows of the last outer dimension cut into pieces. What a
    piece of one row brings into the cache, a line for an element, serves the same piece of the next rows."""
    head = _strides(pointers)
    head += ["side = geometry[1 + outer]"]
    head += [f"t_{name} = geometry[{1 + k} + {k + 2} * outer]" for k, name in enumerate(pointers)]
    head += [
        "first, last = start // length, (stop - 1) // length + 1",
        "for slab in range(first // side, (last - 1) // side + 1):",
        "    rest = slab",
    ]
    head += [f"    b_{name} = 0" for name in pointers]
    head += [
        "    for d in range(outer - 2, -1, -1):",
        "        k = rest % geometry[2 + d]",
        "        rest //= geometry[2 + d]",
    ]
    head += [f"        {line.replace('p_', 'b_')}" for line in _moves(pointers)]
    head += [
        f"    for left in range(0, length, {TILE}):",
        "        for k in range(max(first - slab * side, 0), min(last - slab * side, side)):",
        "            before = (slab * side + k) * length",
    ]
    head += [f"            p_{name} = b_{name} + k * t_{name}" for name in pointers]
    head += ["            " + line for line in _fixed(pointers, elements)]
    head += [
        f"            for j in range(max(start - before, left), min(stop - before, length, left + {TILE})):"
    ]
    return head, {name: _ALONG_ROW[access].format(name) for name, access in pointers.items()}


def _strides(pointers: dict[str, str]) -> list[str]:
    """Statements that read the geometry's rows, and the strides along them."""
    return ["outer = geometry[0]", "length = geometry[1]"] + [
        f"s_{name} = geometry[{2 + k} + {k + 2} * outer]"
        for k, (name, access) in enumerate(pointers.items())
        if access in ("strided", "far")
    ]


def _fixed(pointers: dict[str, str], elements: dict[str, str]) -> list[str]:
    """Statements that read, once a row, what is the same all along it."""
    return [
        f"{value} = {place}"
        for name, access in pointers.items()
        if access == "fixed"
        for value, place in zip(
            _values(name, elements[name]), _places(name, f"p_{name}", elements[name]), strict=True
        )
    ]


def _through_rooms(loop: list[str], past: Sequence[str], imports: set[str]) -> list[str]:
    """CPU: a loop over begin..end, for all of start..stop, that fills rooms which are then sent off."""
    imports.add("from numbatorch_kernels.stream import ROOM, room_for, send")
    imports.add("from numbatorch_kernels.pointer import offset")
    return [
        *[f"r_{name} = room_for({name})" for name in past],
        "for begin in range(start, stop, ROOM):",
        "    end = min(begin + ROOM, stop)",
        *[f"    {line}" for line in loop],
        *[f"    send(offset({name}, begin), r_{name}, end - begin)" for name in past],
    ]


def _grid(pointers: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """CUDA: a thread finds the index of its element in each operand. (While-loops, because of `range` the compiler makes
    far more code.)"""
    head = [
        "outer = geometry[0]",
        "length = geometry[1]",
        "i = cuda.grid(1)",
        "while i < n:",
        "    rest, j = split(i, length)",
    ]
    head += [f"    p_{name} = j * geometry[{2 + k} + {k + 2} * outer]" for k, name in enumerate(pointers)]
    head += [
        "    d = outer",
        "    while d > 0:",
        "        d -= 1",
        "        rest, k = split(rest, geometry[2 + d])",
    ]
    head += ["        " + line for line in _moves(pointers)]
    return head, {name: f"p_{name}" for name in pointers}


def _grid_stride(
    body: Callable, statements: list[str], read: dict[str, str], elements: dict[str, str]
) -> list[str]:
    """CUDA: the loop around `statements`, which compute element i. Before it one that reads several elements, 16 bytes of
    the widest of what is `read`, before it computes: a thread that waits for one at a time leaves bandwidth unused."""
    several = min(8, 16 // max([_width(e) for e in read.values()], default=16))
    lines = ["i, stride = cuda.grid(1), cuda.gridsize(1)"]
    if several > 1:
        loads, computed = [], []
        for k in range(several):
            places = {name: _places(name, f"i + {k} * stride", e) for name, e in elements.items()}
            values = {name: [f"{name}_{k}{part}" for part in ("", "i")[: len(places[name])]] for name in read}
            loads += [f"{', '.join(values[name])} = {', '.join(places[name])}" for name in read]
            computed += body(values, places)
        lines += [f"while i + {several - 1} * stride < n:"]
        lines += [f"    {line}" for line in (*loads, *computed, f"i += {several} * stride")]
    return [*lines, "while i < n:", *[f"    {line}" for line in (*statements, "i += stride")]]


def module(text: str, name: str) -> types.ModuleType:
    """The module with this text, kept as a file in the cache folder; its name holds the hash of the text."""
    full_name = f"numbatorch_{name}_{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
    with _loading:  # another thread must not see the module before it has run
        return sys.modules.get(full_name) or _load(text, full_name)


_loading = threading.Lock()


def _load(text: str, full_name: str) -> types.ModuleType:
    result = types.ModuleType(full_name)
    folder = cache.folder()
    if folder is not None:
        path = folder / f"{full_name}.py"
        if not path.exists():
            cache.write(path, text)
        result.__file__ = str(path)
    else:
        result.__file__ = f"<{full_name}>"
        linecache.cache[result.__file__] = (len(text), None, text.splitlines(True), result.__file__)
    sys.modules[full_name] = result  # before it runs: Numba finds the kernel's globals again by this name
    exec(compile(text, result.__file__, "exec"), result.__dict__)
    return result


_ENTRIES: dict[tuple, Callable] = {}


def kernel(
    program: Program, device: str, inputs: tuple[Operand, ...], outputs: tuple[Operand, ...], compute: str
) -> Callable:
    """The compiled kernel. CPU: entry(*outputs, *inputs, [geometry], start, stop); CUDA: launch(*outputs,
    *inputs, [geometry], n)."""
    key = (program, device, inputs, outputs, compute)
    entry = _ENTRIES.get(key)
    if entry is None:
        function = getattr(module(source(*key), program.name), f"{program.name}_kernel")
        entry = _ENTRIES[key] = _FINISH[device](function, inputs, outputs)
    return entry


def argument_kinds(inputs: Sequence[Operand], outputs: Sequence[Operand]) -> list:
    """What `compiled` must know about each argument of a CPU kernel."""
    kinds: list[Any] = [_POINTER.get(o.element, o.element) for o in outputs]
    for operand in inputs:
        if operand.access == "value":
            kinds.append({"f": float, "c": complex}.get(operand.element[0], int))
        elif operand.access != "inplace":
            kinds.append(_POINTER.get(operand.element, operand.element))
    return kinds + ["i8"] * is_strided(inputs, outputs) + [int, int]


_POINTER = {"bf": "u2", **PART}


def _width(element: str) -> int:
    """Bytes of an element, of complex numbers of a part."""
    return int(_POINTER.get(element, element)[1:])


def _finish_cpu(function: Callable, inputs: Sequence[Operand], outputs: Sequence[Operand]) -> Callable:
    return cpu.compiled(function, *argument_kinds(inputs, outputs))


def _finish_cuda(function: Callable, inputs: Sequence[Operand], outputs: Sequence[Operand]) -> Callable:
    from numbatorch_kernels.cuda.launch import (
        launcher,  # imported late: a program that stays on the CPU never loads the CUDA compiler
    )

    return launcher(function, *argument_kinds(inputs, outputs)[:-1])  # n takes the place of start and stop


_FINISH = {"cpu": _finish_cpu, "cuda": _finish_cuda}
