"""What a reduction is, and every one that there is.

A reduction knows of the elements that it has seen a few numbers, its state. `step` takes in one element more,
`merge` makes one state of the states of two parts, so that a long reduction can be cut into blocks, threads
and grids; `finish` makes the result of the last state, and `emit`, for such as softmax, a result for each
element of that.

On the CPU, where loops must vectorise, the state of a block of elements is made in one or two sweeps over it:

                 sweep 1        sweep 2           state             result
    sum          sum of x                         sum               sum
    var          mean of x      sum of (x-m)^2    n, mean, sum      sum / (n - correction)
    logsumexp    largest x      sum of e^(x-m)    largest, sum      largest + log(sum)
    argmax       largest x      first x = m       largest, place    place
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numbatorch_kernels.expr import Scalar
from numbatorch_kernels.lift import Program, program
from numbatorch_kernels.reduce import parts

LOWEST, HIGHEST = "lowest", "highest"  # in `start`: the ends of the type's range, infinities included
FLOOR = "floor"  # the lowest finite number of the type
FAR = (1 << 63) - 1  # a place behind every element


class Sweep(NamedTuple):
    """One pass over the elements of a block, which makes one number of them.

    each      what becomes of an element: a program of the elements, then the number that the sweep before has
              made, then `numbers`
    combine   how it joins the number so far: "add", "mul", "maximum", "minimum", or "first": the place of the
              first true one
    start     the number before the first element
    mean      divide by the length of the block at the end
    wide      compute in the wider type
    kept      leave the values of `each` where the results go, for `emit_kept`
    element   the type of the number: "compute", "real" (of a complex type), or an element type
    """

    each: Program
    combine: str
    start: float | str = 0
    mean: bool = False
    wide: bool = False
    kept: bool = False
    element: str = "compute"


class Reduction(NamedTuple):
    """A reduction, whole. Its functions are scalar bodies, like those of pointwise ops.

    start      the state before the first element: numbers, LOWEST, HIGHEST or FLOOR
    step       (*state, *elements, place, *numbers) -> state
    merge      (*state, *state of another part) -> state; the order of the parts does not matter, and `start`
               changes nothing
    finish     (*state, count, *numbers) -> the results
    emit       if there is a result for each element instead: (*what `finish` gives, *elements) -> that
    emit_kept  the same from a value that a sweep has kept (on the CPU, where the result's type allows):
               (*what `finish` gives, value) -> that
    state      the types of the state: "wide" (float64 for float32), "real" (the wide real type of a complex
               one), or an element type
    elements   how many arrays are read
    numbers    how many numbers (an order, a correction) the caller gives
    results    how many results `finish` has
    sweeps     over each block on the CPU, in this order
    block      the state of a block: a text of the sweeps' numbers {r0} and {r1}, its length {n} and the place
               of its first element, {first}
    ordered    whether places count, so that elements must be met in the order of the tensor
    """

    name: str
    start: tuple
    step: Callable
    merge: Callable
    finish: Callable
    emit: Callable | None = None
    emit_kept: Callable | None = None
    state: tuple[str, ...] = ("wide",)
    elements: int = 1
    numbers: int = 0
    results: int = 1
    sweeps: tuple[Sweep, ...] = ()
    block: tuple[str, ...] = ("{r0}",)
    ordered: bool = False


_COMBINED = {"add": parts.add, "mul": parts.multiply, "maximum": parts.maximum, "minimum": parts.minimum}


def _fold(
    name: str,
    each: Callable,
    combine: str,
    finish: Callable = parts.value,
    *,
    emit: Callable | None = None,
    state: str = "wide",
    start: float | str = 0,
    elements: int = 1,
    numbers: int = 0,
    element: str = "compute",
) -> Reduction:
    """A reduction whose state is one number, which a combining function makes of all the values of `each`."""
    join, sweep = _COMBINED[combine], Sweep(program(each), combine, start, element=element)

    def step(total, *rest):
        elements_and_numbers = [*rest[:elements], *rest[elements + 1 :]]
        return join(total, each(*elements_and_numbers[: sweep.each.arity]))

    counts: dict[str, Any] = {"elements": elements, "numbers": numbers}
    return Reduction(name, (start,), step, join, finish, emit, state=(state,), sweeps=(sweep,), **counts)


sum = _fold("sum", parts.itself, "add")
nansum = _fold("nansum", parts.number, "add")
mean = _fold("mean", parts.itself, "add", parts.mean_of)
prod = _fold("prod", parts.itself, "mul", start=1)
any = _fold("any", parts.nonzero, "maximum", state="u1", element="u1")
all = _fold("all", parts.nonzero, "minimum", state="u1", element="u1", start=1)
count_nonzero = _fold("count_nonzero", parts.nonzero, "add", state="i8", element="i8")
amax = _fold("amax", parts.itself, "maximum", start=LOWEST)
amin = _fold("amin", parts.itself, "minimum", start=HIGHEST)


def _norm(
    order: str, each: Callable, combine: str, finish: Callable = parts.of_order, **options
) -> Reduction:
    kinds: dict[str, Any] = {"state": "real", "element": "real", "numbers": 1}
    return _fold(f"norm_{order}", each, combine, finish, **kinds, **options)


norm_0 = _norm("0", parts.nonzero, "add")
norm_1 = _norm("1", parts.magnitude, "add")
norm_2 = _norm("2", parts.square, "add", parts.root)
norm_p = _norm("p", parts.power, "add", parts.root_of_order)
norm_max = _norm("max", parts.magnitude, "maximum")
norm_min = _norm("min", parts.magnitude, "minimum", start=HIGHEST)


def total_of(body: Callable | Scalar, mean: bool) -> Reduction:
    """The sum, or the mean, of a scalar body of two elements and any numbers: a loss in a single pass."""
    if isinstance(body, Scalar):
        assert body.body is not None  # a loss is no primitive
        body = body.body
    finish = (
        (lambda total, count, *numbers: total / count) if mean else (lambda total, count, *numbers: total)
    )
    name, numbers = f"{'mean' if mean else 'sum'}_{body.__name__}", body.__code__.co_argcount - 2
    return _fold(name, body, "add", finish, elements=2, numbers=numbers)


def _moments(name: str, finish: Callable, results: int = 1) -> Reduction:
    return Reduction(
        name, (0, 0, 0), lambda n, mean, squares, x, *rest: parts.merge_moments(n, mean, squares, 1, x, 0), parts.merge_moments, finish,
        state=("wide",) * 3, numbers=1, results=results, block=("{n}", "{r0}", "{r1}"),
        sweeps=(Sweep(program(parts.itself), "add", mean=True, wide=True), Sweep(program(parts.distance_squared), "add", wide=True)),
    )  # fmt: skip


var = _moments("var", parts.variance)
std = _moments("std", parts.deviation)
var_mean = _moments("var_mean", parts.variance_and_mean, 2)
std_mean = _moments("std_mean", parts.deviation_and_mean, 2)


def _exponentials(
    name: str, finish: Callable, emit: Callable | None = None, emit_kept: Callable | None = None
) -> Reduction:
    return Reduction(
        name, (FLOOR, 0), lambda top, total, x, place: parts.merge_exponentials(top, total, x, 1), parts.merge_exponentials, finish, emit, emit_kept,
        state=("wide", "wide"), block=("{r0}", "{r1}"),
        sweeps=(Sweep(program(parts.itself), "maximum", FLOOR), Sweep(program(parts.exp_below), "add", kept=True)),
    )  # fmt: skip


logsumexp = _exponentials("logsumexp", parts.log_of_total)
softmax = _exponentials("softmax", parts.sum_inverted, parts.softmax, parts.scaled)
log_softmax = _exponentials("log_softmax", parts.sum_in_log, parts.log_softmax)
softmax_backward = _fold("softmax_backward", parts.product, "add", emit=parts.softmax_backward, elements=2)
log_softmax_backward = _fold(
    "log_softmax_backward", parts.first_of, "add", emit=parts.log_softmax_backward, elements=2
)


def _place(
    name: str, combine: str, start: str, merge: Callable, finish: Callable, results: int = 1
) -> Reduction:
    return Reduction(
        name, (start, FAR), lambda value, place, x, i: merge(value, place, x, i), merge, finish, state=("wide", "i8"), results=results,
        block=("{r0}", "{first} + {r1}"), ordered=True,
        sweeps=(Sweep(program(parts.itself), combine, start), Sweep(program(parts.matches), "first", FAR, element="i4")),
    )  # fmt: skip


argmax = _place("argmax", "maximum", LOWEST, parts.merge_largest, parts.place_of)
argmin = _place("argmin", "minimum", HIGHEST, parts.merge_smallest, parts.place_of)
max = _place("max", "maximum", LOWEST, parts.merge_largest, parts.pair, 2)
min = _place("min", "minimum", HIGHEST, parts.merge_smallest, parts.pair, 2)

aminmax = Reduction(
    "aminmax", (HIGHEST, LOWEST), lambda low, high, x, place: parts.merge_range(low, high, x, x), parts.merge_range, parts.pair,
    state=("wide", "wide"), results=2, block=("{r0}", "{r1}"),
    sweeps=(Sweep(program(parts.itself), "minimum", HIGHEST), Sweep(program(parts.itself), "maximum", LOWEST)),
)  # fmt: skip
