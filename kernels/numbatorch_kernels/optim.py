"""The kernels of optimizer steps: one call updates all parameters of a group.

The formula of an `Update` is written out as `lift` writes pointwise programs, around a loop over all parameters:

    def sgd_step(offsets, numbers, width, a0s, a1s, start, stop):
        k = 0
        while offsets[k + 1] <= start: k += 1               # the parameter that holds element `start`
        while start < stop:
            a0, a1 = array_in(a0s, k), array_in(a1s, k)     # the parameter, its gradient
            n0 = numbers[k * width]                         # the learning rate
            for i in range(start - offsets[k], min(stop, offsets[k + 1]) - offsets[k]):
                a0[i] = fma_f32(a1[i], -n0, a0[i])
            ...

On the CPU the kernel gets the lists of arrays themselves and reads the arrays' addresses out of them, so a step is
one call however many parameters there are; the elements of all of them count as one range, which `parallel.run`
may split anywhere. On CUDA a kernel gets tables of the addresses, and a step is one launch as well: cuda/optim.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import lift, parallel
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.lift import Operand, Program
from numbatorch_kernels.pointer import ArrayList, array_in

GRAIN = 1 << 15  # elements that are worth a thread

COMPUTED_IN = {"f2": "f4", "bf": "f4"}


def on_cpu(program: Program, lists: list[list], element: str, numbers: list[tuple[float, ...]]) -> None:
    """Apply the program to lists of arrays: parameters, gradients, states. See `Update`."""
    offsets, total = layout_of(tuple([p.size for p in lists[0]]))
    if total:
        table = np.array(numbers, COMPUTED_IN.get(element, element))
        width = len(numbers[0]) if len(numbers) > 1 else 0
        parallel.run(_entry(program, len(lists), element), total, GRAIN, offsets, table, width, *lists)


def on_cuda(program: Program, lists: list[list], element: str, numbers: list[tuple[float, ...]]) -> None:
    """The same for arrays on a device."""
    # Imported late: a program on the CPU never loads a CUDA compiler.
    from numbatorch_kernels.cuda import optim

    optim.update(program, lists, element, numbers)


def loop(
    program: Program, device: str, arrays: int, element: str, number: Operand
) -> tuple[lift.Writer, list[str], list[str], list[str]]:
    """What a kernel does with element i: the writer of its statements, the names of the arrays and of the numbers in them,
    and the statements. `number` is how the kernel reaches a number."""
    writer = lift.Writer(program, device, COMPUTED_IN.get(element, element))
    names = [f"a{k}" for k in range(arrays)]
    numbers = [f"n{k}" for k in range(program.arity - arrays)]
    inputs = [Operand(element, "flat") for _ in names] + [number for _ in numbers]
    places = [[f"{name}[i]"] for name in names]
    writes = [place for k, place in enumerate(places) if k != 1]  # the gradient stays
    lines = writer.statements(inputs, places + [[n] for n in numbers], [element] * len(writes), writes)
    return writer, names, numbers, lines


def source(program: Program, arrays: int, element: str) -> str:
    """The text of the module with the CPU's kernel."""
    number = Operand(COMPUTED_IN.get(element, element), "flat")
    writer, names, numbers, lines = loop(program, "cpu", arrays, element, number)
    pad = "    "
    return "\n".join(
        [f'"""{program.name}: {arrays} arrays of {element}, on cpu."""', ""]
        + sorted(writer.imports | {"from numbatorch_kernels.pointer import array_in"})
        + [
            "",
            "",
            f"def {program.name}(offsets, numbers, width, {', '.join(f'{n}s' for n in names)}, start, stop):",
        ]
        + [pad + "k = 0"]
        + [pad + "while offsets[k + 1] <= start:", pad * 2 + "k += 1"]
        + [pad + "while start < stop:"]
        + [pad * 2 + f"{name} = array_in({name}s, k)" for name in names]
        + [pad * 2 + f"{name} = numbers[k * width + {k}]" for k, name in enumerate(numbers)]
        + [pad * 2 + "for i in range(start - offsets[k], min(stop, offsets[k + 1]) - offsets[k]):"]
        + [pad * 3 + line for line in lines]
        + [pad * 2 + "k += 1", pad * 2 + "start = offsets[k]", ""]
    )


@cache
def _entry(program: Program, arrays: int, element: str) -> Callable:
    function = getattr(lift.module(source(program, arrays, element), program.name), program.name)
    memory = types.uint16 if element in COMPUTED_IN else from_dtype(np.dtype(element))
    lists = [ArrayList(memory)] * arrays
    return compiled(function, "i8", COMPUTED_IN.get(element, element), int, *lists, int, int)


@lru_cache
def layout_of(sizes: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Where each array begins in the range of all elements, and how many there are."""
    offsets = np.array([0, *accumulate(sizes)], np.int64)
    return offsets, int(offsets[-1])


# ---- counting steps ----


def _advance(counts, steps, start, stop):
    for k in range(start, stop):
        step = array_in(steps, k)
        step[0] += 1
        counts[k] = step[0]


@cache
def _advance_entry() -> Callable:
    return compiled(_advance, "f8", ArrayList(types.float32), int, int)


def advance(steps: Sequence[np.ndarray]) -> np.ndarray:
    """Count one more step, in a list of float32 arrays in host memory. Returns the counts."""
    counts = np.empty(len(steps))
    _advance_entry()(counts, steps, 0, len(steps))
    return counts
