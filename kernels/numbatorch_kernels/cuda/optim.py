"""The kernels of ../optim.py on CUDA: all elements of all parameters are one range. A thread takes one every so many, and
goes on to the next parameter where they have come to its first element."""

from __future__ import annotations

from functools import cache

from numbatorch_kernels import lift
from numbatorch_kernels.cuda.launch import geometry, launcher
from numbatorch_kernels.cuda.table import table_of
from numbatorch_kernels.lift import NUMPY_NAME, Operand, Program
from numbatorch_kernels.optim import layout_of, loop


def source(program: Program, arrays: int, element: str) -> str:
    """The text of the module with the kernel. The numbers are the same for all parameters."""
    writer, names, numbers, lines = loop(program, "cuda", arrays, element, Operand("f8", "value"))
    memory = {"f2": "u2", "bf": "u2"}.get(element, element)
    writer.imports |= {
        "from numbatorch_kernels.cuda.compat import cuda",
        "from numbatorch_kernels.cuda.table import array_in",
        f"from numpy import {NUMPY_NAME[memory]} as {memory}",
    }
    head = f"def {program.name}({', '.join(['offsets', *[f'{n}s' for n in names], *numbers, 'n'])}):"
    body = [
        "k = 0",
        "for at in range(cuda.grid(1), n, cuda.gridsize(1)):",
        "    while offsets[k + 1] <= at:",
        "        k += 1",
        *[f"    {name} = array_in({name}s, k, {memory})" for name in names],
        "    i = at - offsets[k]",
        *["    " + line for line in lines],
    ]
    title = f'"""{program.name}: {arrays} arrays of {element}, on cuda."""'
    return "\n".join(
        [title, "", *sorted(writer.imports), "", "", head, *["    " + line for line in body], ""]
    )


@cache
def _entry(program: Program, arrays: int, element: str):
    function = getattr(lift.module(source(program, arrays, element), program.name), program.name)
    return launcher(function, "i8", *["i8"] * arrays, *[float] * (program.arity - arrays), int)


def update(program: Program, lists: list[list], element: str, numbers: list[tuple[float, ...]]) -> None:
    """As on the CPU. Parameters with the same numbers are one launch."""
    rows: dict[tuple[float, ...], list] = {}
    for k, row in enumerate(zip(*lists, strict=True)):
        rows.setdefault(numbers[k if len(numbers) > 1 else 0], []).append(row)
    for values, together in rows.items():
        offsets, total = layout_of(tuple([row[0].size for row in together]))
        tables = [table_of(column) for column in zip(*together)]
        launch = _entry(program, len(tables), element)
        launch(geometry(offsets, together[0][0].device), *tables, *map(float, values), total)
