"""The CUDA kernels of pointwise ops: of every row that the library has, and of its derivative; then those that a run of the
programs of handwritten.py launches, if anything in them is new.
"""

from __future__ import annotations

import gc
import inspect
import re
import sys
from collections.abc import Iterator

from task import Task

import numbatorch  # noqa: F401  (all its rows)
from numbatorch.base import Kind
from numbatorch.dtype import bfloat16, bool, complex64, float16, float32, float64, int64
from numbatorch.elementwise import Pointwise
from numbatorch.plan import compute_type
from numbatorch_kernels import lift
from numbatorch_kernels.expr import BodyError
from numbatorch_kernels.lift import Operand

DTYPES = (float32, float64, int64)
# Rows that between them use every function of complex numbers.
OF_COMPLEX = (
    "Add",
    "Mul",
    "Div",
    "Pow",
    "Expm1",
    "Log1P",
    "Sqrt",
    "Tanh",
    "Asin",
    "Acosh",
    "Atanh",
    "Abs",
    "Angle",
    "Sgn",
)
# Converting to and from these is the same in all kernels, so a few rows stand for the others.
NARROW, EXAMPLES = (float16, bfloat16, bool), ("Add", "Mul", "Exp", "Eq", "Where")
# NVIDIA's own float32 versions multiply in float64 once, to reduce large arguments.
TRIGONOMETRY = ("sin_f32", "cos_f32", "tan_f32")
# Functions of float64 and int64 alone: for narrower numbers there is nothing new to compile.
SPECIAL = "numbatorch_kernels.special"


# A function or an operator in a kernel's text.
WORD = r"[a-z_]\w*(?=\()|[-+*/%<>=!&|^~]+|\b(?:if|and|or|not)\b"


def tasks(launched: set[tuple]) -> Iterator[Task]:
    compiled = set()
    for task in of_rows():
        compiled |= parts(inspect.getsource(sys.modules[task.function.__module__]))
        yield task
    for _, name, kinds, text in sorted(launched, key=str):
        if is_pointwise(name, text) and not parts(text) <= compiled:
            compiled |= parts(text)
            function = getattr(lift.module(text, name.removesuffix("_kernel")), name)
            yield Task(text.split('"""')[1], function, kinds, allows_f64(text))


def is_pointwise(name: str, text: str) -> bool:
    """Whether a kernel of this text, if it is a generated one, is neither a reduction nor an optimizer's step."""
    return text != "" and "cuda.syncthreads()" not in text and not name.endswith("_step")


def parts(text: str) -> set[tuple[str, ...]]:
    """What a kernel is made of, each with the type that is computed in: how it reads and writes its operands, its functions and
    operators. Where all of that has been compiled, other orders of it are nothing new."""
    title, loop = text.split('"""')[1], text.rpartition("while i < n:")[2]
    outputs, inputs, computed = re.search(r": (.*) <- (.*); computed in (\w+)", title).groups()
    words = {(computed, word) for word in re.findall(WORD, loop)}
    return (
        words
        | {(computed, "to", x) for x in outputs.split(", ")}
        | {(computed, "of", x) for x in inputs.split(", ")}
    )


def allows_f64(text: str) -> bool:
    """Whether a kernel may compute in float64."""
    exact = (*TRIGONOMETRY, SPECIAL)
    return not re.search(r"computed in (f4|c8)", text) or any(name in text for name in exact)


def of_rows() -> Iterator[Task]:
    """The kernels of each row, and of its derivative."""
    rows = [found for found in gc.get_objects() if isinstance(found, Pointwise)]
    for row in sorted(rows, key=lambda row: row.name):
        integers_alone = row.name.startswith("Bitwise")
        complex_too = (complex64,) * (row.name in OF_COMPLEX)
        yield from forms(
            row, (int64, bool) if integers_alone else DTYPES + NARROW * (row.name in EXAMPLES) + complex_too
        )
        outputs = len(row.program.outputs)
        derivative = row.gradient((True,) * row.program.arity, (True,) * outputs).row
        if derivative is not None and not integers_alone:
            yield from forms(derivative, (float32, float64, *complex_too))


def forms(row: Pointwise, dtypes: tuple) -> Iterator[Task]:
    """A row's kernel for contiguous operands of each dtype that it takes, and for strided ones of float32."""
    for dtype in dtypes:
        try:
            if row.accepts is not None:
                row.accepts(dtype)
            result = row.result(dtype)
        except (RuntimeError, NotImplementedError):  # the op has no such dtype
            continue
        operands = dtype if result is bool or (dtype.is_complex and not result.is_complex) else result
        computed = compute_type(Kind.of(operands).element)
        for access in ("flat", "strided") if dtype is float32 else ("flat",):
            element = Kind.of(dtype).element
            conditions = row.program.conditions
            inputs = [Operand("b1" if k in conditions else element, access) for k in range(row.program.arity)]
            outputs = [Operand(Kind.of(result).element, access)] * len(row.program.outputs)
            try:
                text = lift.source(row.program, "cuda", inputs, outputs, computed)
            except (KeyError, BodyError):  # a function that this type does not have
                continue
            if SPECIAL in text and computed == "f4":
                continue
            yield Task(
                f"{row.name} {element} {access}",
                getattr(lift.module(text, row.program.name), f"{row.program.name}_kernel"),
                tuple(lift.argument_kinds(inputs, outputs)[:-1]),
                allows_f64(text),
            )
