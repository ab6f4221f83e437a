"""Recording: events, the recorder that collects them, and the clocks that it puts before the doors."""

from __future__ import annotations

import functools
import re
import threading
import traceback
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from numbatorch.apply import Row
from numbatorch.autograd.node import Node
from numbatorch.base import TensorBase


class FunctionEvent:
    """One call: its name, when it began and ended (nanoseconds), and the call that it was made from."""

    def __init__(self, name: str, category: str, parent: FunctionEvent | None):
        self.name = self.key = name
        self.category = category  # "cpu_op" or "user_annotation"
        self.cpu_parent = parent
        self.thread = threading.get_ident()
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.self_cpu_memory_usage = 0  # bytes
        self.children_memory = 0
        self.children_time = 0
        self.end = 0
        self.start = perf_counter_ns()

    @property
    def cpu_time_total(self) -> float:
        """Microseconds from beginning to end."""
        return (self.end - self.start) / 1e3

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """The same, without the calls made from this one."""
        return (self.end - self.start - self.children_time) / 1e3

    @property
    def cpu_memory_usage(self) -> int:
        """Bytes of the tensors made in this call, with those of the calls made from it."""
        return self.self_cpu_memory_usage + self.children_memory

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={self.cpu_time_total:.3f}us thread={self.thread}>"


class Recorder:
    """Collects the events of all threads between `start` and `stop`."""

    def __init__(self, record_shapes: bool = False, profile_memory: bool = False, with_stack: bool = False):
        self.record_shapes, self.profile_memory, self.with_stack = record_shapes, profile_memory, with_stack
        self.events: list[FunctionEvent] = []
        self._open = threading.local()

    def start(self) -> None:
        """Put the clocks in. Raises RuntimeError while another recorder runs."""
        global _active
        with _lock:
            if _active is not None:
                raise RuntimeError("Profiler is already enabled on this thread")
            _active = self
            _install()

    def stop(self) -> None:
        """Take the clocks out."""
        global _active
        with _lock:
            _active = None
            _uninstall()

    def begin(self, name: str, category: str, inputs: tuple = ()) -> FunctionEvent:
        """Open an event within the one that is open in this thread."""
        parent = getattr(self._open, "event", None)
        event = FunctionEvent(name, category, parent)
        if self.record_shapes:
            event.input_shapes = [list(x.array.shape) if isinstance(x, TensorBase) else [] for x in inputs]
        if self.with_stack:
            frames = traceback.extract_stack()[:-3]
            event.stack = [f"{f.filename}({f.lineno}): {f.name}" for f in reversed(frames)]
        self.events.append(event)
        self._open.event = event
        event.start = perf_counter_ns()
        return event

    def finish(self, event: FunctionEvent, result: Any = None, inputs: tuple = ()) -> None:
        """Close it."""
        event.end = perf_counter_ns()
        self._open.event = event.cpu_parent
        if self.profile_memory and result is not None:
            event.self_cpu_memory_usage = _new_bytes(result, inputs) - event.children_memory
        if event.cpu_parent is not None:
            event.cpu_parent.children_time += event.end - event.start
            event.cpu_parent.children_memory += event.cpu_memory_usage


_active: Recorder | None = None
_lock = threading.RLock()


class record_function:
    """A name for a part of the program: a block, or a decorated function. Costs nothing to speak of while no
    profiler records.

    >>> with torch.profiler.profile() as prof:
    ...     with torch.profiler.record_function("my part"):
    ...         y = torch.ones(2) + 1
    >>> [e.key for e in prof.key_averages()][0]
    'my part'
    """

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args
        self._event: FunctionEvent | None = None
        self._recorder: Recorder | None = None

    def __enter__(self) -> record_function:
        self._recorder = _active
        if self._recorder is not None:
            self._event = self._recorder.begin(self.name, "user_annotation")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._recorder is not None and self._event is not None:
            self._recorder.finish(self._event)

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return wrapper


# --- clocks

_replaced: list[tuple[type, str, Callable]] = []  # what the clocks stand for


def _install() -> None:
    for cls in _family(Row):
        for method in ("__call__", "general"):
            if method in cls.__dict__:
                _replace(cls, method, _timed_row)
    for cls in _family(Node):
        if cls is not Node and "backward" in cls.__dict__:
            _replace(cls, "backward", _timed_node)


def _uninstall() -> None:
    while _replaced:
        cls, method, original = _replaced.pop()
        setattr(cls, method, original)


def _replace(cls: type, method: str, timed: Callable) -> None:
    original = cls.__dict__[method]
    _replaced.append((cls, method, original))
    setattr(cls, method, timed(original))


def _family(cls: Any) -> Iterator[type]:
    yield cls
    for below in cls.__subclasses__():
        yield from _family(below)


def _timed_row(original: Callable) -> Callable:
    """The door with a clock. A door that leads through another of the same row is one event."""

    @functools.wraps(original)
    def door(self: Row, *args: Any, **kwargs: Any) -> Any:
        recorder = _active
        if recorder is None or getattr(recorder._open, "row", None) is self:
            return original(self, *args, **kwargs)
        inputs = args[0] if args and isinstance(args[0], tuple) else args
        event = recorder.begin(_aten(self.name), "cpu_op", inputs)
        outer, recorder._open.row = getattr(recorder._open, "row", None), self
        result = None
        try:
            result = original(self, *args, **kwargs)
            return result
        finally:
            recorder._open.row = outer
            recorder.finish(event, result, inputs)

    return door


def _timed_node(original: Callable) -> Callable:
    @functools.wraps(original)
    def backward(self: Node, grad: Any) -> Any:
        recorder = _active
        if recorder is None:
            return original(self, grad)
        inputs = tuple(grad) if isinstance(grad, list) else (grad,)
        event = recorder.begin(self.name(), "cpu_op", inputs)
        outer, recorder._open.row = getattr(recorder._open, "row", None), None
        try:
            return original(self, grad)
        finally:
            recorder._open.row = outer
            recorder.finish(event)

    return backward


@functools.cache
def _aten(name: str) -> str:
    """A row's name as PyTorch spells it: "LogSoftmax" is "aten::log_softmax"."""
    return "aten::" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _new_bytes(result: Any, inputs: tuple) -> int:
    """The memory of results that share none with an input."""
    results = result if isinstance(result, tuple | list) else (result,)
    shared = {id(x._storage) for x in inputs if isinstance(x, TensorBase) and x._storage is not None}
    own = {id(x) for x in inputs}
    return sum(
        x.array.nbytes
        for x in results
        if isinstance(x, TensorBase)
        and id(x) not in own
        and (x._storage is None or id(x._storage) not in shared)
    )
