"""The CUDA kernels of pointwise ops: of every row that the library has, and of its derivative."""

from __future__ import annotations

import gc
from collections.abc import Iterator

from task import Task

import numbatorch  # noqa: F401  (all its rows)
from numbatorch.apply import Pointwise
from numbatorch.base import Kind
from numbatorch.dtype import bfloat16, bool, complex64, float16, float32, float64, int64
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


def tasks() -> Iterator[Task]:
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
                allow_f64=computed not in ("f4", "c8") or any(name in text for name in TRIGONOMETRY),
            )
