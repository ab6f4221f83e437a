"""A CUDA device made of Python: kernels run as they are written, on the CPU, thread by thread.

`cuda` here stands for `numba.cuda` inside kernels, as far as those of this package use it. A simulated thread
runs until it ends or comes to a barrier; then it is the next one's turn. All of them share the calling Python
thread: a kernel with barriers is rewritten as a generator, `cuda.syncthreads()` as `yield`. So a run is the
same every time, and `breakpoint()` works in a kernel as anywhere. The simulator finds what no GPU tells:

* an index outside of the memory that the kernel was given (SimulatedPointer);
* a use of shared memory before anything was put there: it starts as NaN;
* threads of a block that wait at different barriers, for ever;
* a barrier too few: at each barrier the order in which the threads run is turned round.

Numba's own simulator does none of the last three, has no warps and runs a Python thread for each simulated
one: a block of 8 with 9 barriers took it 118 ms, and takes 0.2 ms here. numba-cuda's successor has no
simulator.
"""

from __future__ import annotations

import ast
import cmath
import inspect
import math
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

WARP = 4  # threads: few, so that small blocks have several warps


class Dim3(NamedTuple):
    x: int
    y: int
    z: int


def _dim3(size: int | tuple[int, ...]) -> Dim3:
    size = size if isinstance(size, tuple) else (size,)
    return Dim3(*size, *(1,) * (3 - len(size)))


class _Block:
    """What the threads of a block share."""

    def __init__(self, grid: Dim3, block: Dim3, index: Dim3):
        self.grid, self.block, self.index = grid, block, index
        self.shared: dict[tuple, np.ndarray] = {}  # by the instruction that asked for it

    def threads(self) -> Iterator[_Thread]:
        for number, (z, y, x) in enumerate(product(*map(range, reversed(self.block)))):
            yield _Thread(self, Dim3(x, y, z), number)


class _Thread:
    """A simulated thread."""

    def __init__(self, block: _Block, index: Dim3, number: int):
        self.block, self.index, self.number = block, index, number
        self.steps: Any = None  # of a kernel with barriers: a generator of what it waits for, until it ends
        self.barrier: tuple = ()  # what it waits for: (function, place, *arguments)
        self.answer: Any = None  # what that function returns

    def note(self, error: Exception, kernel: Callable) -> None:
        """Add to `error` where it happened."""
        place = f"thread {tuple(self.index)} of block {tuple(self.block.index)}"
        error.add_note(f"in {place} of the simulated kernel {kernel.__name__}")


_busy = threading.Lock()  # held while a kernel runs
_current = SimpleNamespace()  # .thread: the simulated thread that runs


def launch(kernel: Callable, grid: int | tuple[int, ...], block: int | tuple[int, ...], args: tuple) -> None:
    """Run every thread of every block, one block after the other. An error in a kernel names the thread."""
    grid, block = _dim3(grid), _dim3(block)
    run = _run_with_barriers if has_barriers(kernel) else _run
    with _busy, np.errstate(all="ignore"):
        for z, y, x in product(*map(range, reversed(grid))):
            run(prepared(kernel), args, list(_Block(grid, block, Dim3(x, y, z)).threads()))


def _run(kernel: Callable, args: tuple, threads: list[_Thread]) -> None:
    for thread in threads:
        _current.thread = thread
        try:
            kernel(*args)
        except Exception as error:
            thread.note(error, kernel)
            raise


def _run_with_barriers(kernel: Callable, args: tuple, threads: list[_Thread]) -> None:
    for thread in threads:
        thread.steps = kernel(*args)
    ready = threads
    while ready:
        for thread in ready:
            _current.thread = thread
            try:
                thread.barrier = thread.steps.send(thread.answer)
            except StopIteration:
                thread.steps = None
            except Exception as error:
                thread.note(error, kernel)
                raise
        threads = [t for t in reversed(threads) if t.steps is not None]
        ready = [t for t in threads if _all_wait(t, threads)]
        if threads and not ready:
            places = " and ".join(sorted({t.barrier[1] for t in threads}))
            raise RuntimeError(f"deadlock: threads of a block wait at different barriers, {places}")
        for thread in ready:
            thread.answer = _answer(thread, threads)


def _company(thread: _Thread, threads: list[_Thread]) -> list[_Thread]:
    """The threads that must come to the barrier at which this one waits. (Those that have ended need not.)"""
    if thread.barrier[0] == "syncthreads":
        return threads
    return [t for t in threads if t.number // WARP == thread.number // WARP]


def _all_wait(thread: _Thread, threads: list[_Thread]) -> bool:
    return all(t.barrier[:2] == thread.barrier[:2] for t in _company(thread, threads))


def _answer(thread: _Thread, threads: list[_Thread]) -> Any:
    """What a shuffle gives to this thread: the value that another thread of its warp brought along. A match: which lanes
    brought the same one."""
    name, _, *args = thread.barrier
    if name == "match_any_sync":
        return sum(1 << t.number % WARP for t in _company(thread, threads) if t.barrier[3] == args[1])
    if name not in _SOURCES:
        return None
    _, value, argument = args
    lane = _SOURCES[name](thread.number % WARP, int(argument))
    source = thread.number - thread.number % WARP + lane
    return next((t.barrier[3] for t in threads if t.number == source and 0 <= lane < WARP), value)


_SOURCES: dict[str, Callable[[int, int], int]] = {  # lane, last argument -> the lane whose value it gets
    "shfl_sync": lambda lane, argument: argument,
    "shfl_down_sync": lambda lane, argument: lane + argument,
    "shfl_up_sync": lambda lane, argument: lane - argument,
    "shfl_xor_sync": lambda lane, argument: lane ^ argument,
}
_BARRIERS = {"syncthreads", "syncwarp", "match_any_sync", *_SOURCES}


# ---- kernels with barriers ----


@cache
def has_barriers(function: Any) -> bool:
    """Whether `function`, or one of its globals that it calls, waits for other threads."""
    if not isinstance(function, FunctionType):
        return False
    names = function.__code__.co_names
    if not _BARRIERS.isdisjoint(names):
        return True
    return any(has_barriers(f) for f in map(function.__globals__.get, names) if f is not function)


@cache
def prepared(function: FunctionType) -> Callable:
    """`function` as it is run. Its `math` and `cmath` are NumPy's, which give infinity and NaN where Python's
    raise, and keep float32. With barriers it is a generator, which yields what it waits for and is sent the
    answer."""
    code, names = function.__code__, function.__globals__
    mine = {name: names[name] for name in code.co_names if name in names and names[name] is not function}
    replaced: dict[str, Any] = {
        n: _in_numpy(value) for n, value in mine.items() if value is math or value is cmath
    }
    replaced |= {name: prepared(value) for name, value in mine.items() if isinstance(value, FunctionType)}
    names = names | replaced
    if has_barriers(function):
        return _generator(function, names, {name for name, value in mine.items() if has_barriers(value)})
    return FunctionType(code, names, function.__name__, function.__defaults__, function.__closure__)


@cache
def _in_numpy(module: ModuleType) -> SimpleNamespace:
    """`math` or `cmath`, with NumPy's functions in place of those that NumPy has."""
    functions = {name: getattr(np, name, None) for name in dir(module)}
    return SimpleNamespace(**vars(module) | {n: f for n, f in functions.items() if isinstance(f, np.ufunc)})


def _generator(function: FunctionType, names: dict[str, Any], waiting: set[str]) -> Callable:
    """`function`, with these globals, rewritten; those in `waiting` are generators."""
    code = function.__code__
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    ast.increment_lineno(definition, code.co_firstlineno - 1)
    definition = _Rewriter(code.co_filename, waiting).visit(definition)
    definition.decorator_list = []
    factory: Any = ast.parse(f"def factory({', '.join(code.co_freevars)}):\n    return {function.__name__}")
    factory.body[0].body.insert(0, definition)
    exec(compile(factory, code.co_filename, "exec", annotations.compiler_flag), names)
    return names["factory"](*[cell.cell_contents for cell in function.__closure__ or ()])


class _Rewriter(ast.NodeTransformer):
    """cuda.syncthreads() -> (yield ("syncthreads", place)); a call of a function that waits -> (yield from
    the call)."""

    def __init__(self, file: str, waiting: set[str]):
        self.file, self.waiting = file, waiting

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node.func:
            case ast.Attribute(value=ast.Name(id="cuda"), attr=name) if name in _BARRIERS:
                place = f"{self.file}:{node.lineno}"
                request = ast.Tuple([ast.Constant(name), ast.Constant(place), *node.args], ast.Load())
                return ast.fix_missing_locations(ast.copy_location(ast.Yield(request), node))
            case ast.Name(id=name) if name in self.waiting:
                return ast.copy_location(ast.YieldFrom(node), node)
        return node


# ---- what a kernel sees ----


def _array(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Memory in which every float is NaN."""
    array = np.empty(shape, np.dtype(dtype if isinstance(dtype, type) else str(dtype)))
    array.view(np.uint8).fill(0xFF)
    return array


def _shared(shape: int | tuple[int, ...], dtype: Any, alignment: int | None = None) -> np.ndarray:
    frame, shared = sys._getframe(1), _current.thread.block.shared
    place = (frame.f_code, frame.f_lasti)
    if place not in shared:
        shared[place] = _array(shape, dtype)
    return shared[place]


def _add(array: np.ndarray, index: int, value: Any) -> Any:
    """Add to an element; what it was before. (One thread runs at a time.)"""
    before = array[index]
    array[index] += value
    return before


class SimulatedPointer:
    """The memory of an array's buffer, from the array's first element on; IndexError outside of it."""

    __slots__ = ("elements",)

    def __init__(self, elements: np.ndarray):
        self.elements = elements

    def viewed_as(self, dtype: np.dtype) -> SimulatedPointer:
        """The same memory as elements of another type."""
        return SimulatedPointer(self.elements.view(dtype))

    def __getitem__(self, i):
        if i < 0:
            raise IndexError(f"a kernel reads element {i}, before the start of its memory")
        return self.elements[i]

    def __setitem__(self, i, value):
        if i < 0:
            raise IndexError(f"a kernel writes element {i}, before the start of its memory")
        self.elements[i] = value


class _Cuda:
    """`numba.cuda`, as a kernel uses it."""

    shared = SimpleNamespace(array=_shared)
    local = SimpleNamespace(array=_array)
    atomic = SimpleNamespace(add=_add)

    @property
    def threadIdx(self) -> Dim3:
        return _current.thread.index

    @property
    def blockIdx(self) -> Dim3:
        return _current.thread.block.index

    @property
    def blockDim(self) -> Dim3:
        return _current.thread.block.block

    @property
    def gridDim(self) -> Dim3:
        return _current.thread.block.grid

    def grid(self, ndim: int):
        """This thread's index in the grid."""
        index = tuple(b * n + t for b, n, t in zip(self.blockIdx, self.blockDim, self.threadIdx))
        return index[0] if ndim == 1 else index[:ndim]

    def gridsize(self, ndim: int):
        """How many threads the grid has along each dimension."""
        size = tuple(n * b for n, b in zip(self.gridDim, self.blockDim))
        return size[0] if ndim == 1 else size[:ndim]

    def popc(self, word):
        """How many bits are set."""
        return int(word).bit_count()

    def fma(self, a, b, c):
        """a b + c, of float32 rounded once."""
        return type(a)(np.float64(a) * np.float64(b) + np.float64(c))

    def __getattr__(self, name: str):
        if name in _BARRIERS:
            raise RuntimeError(
                f"cuda.{name}() in a function that is no global of the kernel: the simulator overlooked it"
            )
        raise AttributeError(f"the simulator has no cuda.{name}")


cuda = _Cuda()
