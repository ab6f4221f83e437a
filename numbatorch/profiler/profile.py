"""`profile`: when to record, and what to do with what was recorded."""

from __future__ import annotations

import gzip
import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from numbatorch.profiler.averages import EventList, averages
from numbatorch.profiler.record import FunctionEvent, Recorder, record_function


class ProfilerActivity(Enum):
    """What to record. Whatever is chosen, what the CPU does is."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded here."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """The schedule of a profiler: after `skip_first` steps, cycles of `wait` steps without, `warmup` that do
    not count, `active` that are recorded; `repeat` cycles, or without end (0). With `skip_first_wait` the
    first cycle does not wait. Raises AssertionError for negative numbers."""
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step += (wait if skip_first_wait else 0) - skip_first
        length = wait + warmup + active
        if repeat > 0 and step / length >= repeat:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For `profile(on_trace_ready=)`: write each trace into a file of its own, as TensorBoard reads it."""

    def write(prof: profile) -> None:
        try:
            os.makedirs(dir_name, exist_ok=True)
        except Exception as error:
            raise RuntimeError("Can't create directory: " + dir_name) from error
        worker = worker_name or f"{platform.node()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return write


class profile:
    """Records the operations of a block, of all threads.

    activities      accepted; see ProfilerActivity
    schedule        what to do in which step (see `schedule`); steps end with `step()`
    on_trace_ready  called with the profiler when a recording is complete
    record_shapes   also the shapes of operands; for `key_averages(group_by_input_shape=True)`
    profile_memory  also the bytes of the tensors that operations make (not what is let go of)
    with_stack      also the callers; for `key_averages(group_by_stack_n=...)`

    The other options are accepted and have no say. Profilers do not nest.

    >>> with torch.profiler.profile() as prof:
    ...     y = torch.ones(2).exp().sum()
    >>> [(e.key, e.count) for e in prof.key_averages() if "exp" in e.key]
    [('aten::exp', 1)]
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
    ):
        if activities is not None and not set(activities):
            raise AssertionError("No valid profiler activities found")
        self.options = (record_shapes, profile_memory, with_stack)
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.record_steps = schedule is not None
        self.on_trace_ready, self.acc_events = on_trace_ready, acc_events
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.metadata: dict[str, str] = {}
        self._recorder: Recorder | None = None
        self._recorded: list[FunctionEvent] | None = None
        self._step: record_function | None = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with the first step."""
        self._change(ProfilerAction.NONE, self.current_action)
        self._begin_step()

    def step(self) -> None:
        """End a step, and begin the next."""
        self._end_step()
        self.step_num += 1
        before, self.current_action = self.current_action, self.schedule(self.step_num)
        self._change(before, self.current_action)
        self._begin_step()

    def stop(self) -> None:
        """End the last step."""
        self._end_step()
        self._change(self.current_action, None)

    def _begin_step(self) -> None:
        if self.record_steps:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None

    def _change(self, before: ProfilerAction, now: ProfilerAction | None) -> None:
        complete = before is ProfilerAction.RECORD_AND_SAVE or (before in _RECORDING and now is None)
        early = before in (ProfilerAction.WARMUP, ProfilerAction.RECORD) and (
            now is ProfilerAction.NONE or (before is ProfilerAction.RECORD and now is ProfilerAction.WARMUP)
        )
        if early and now is not None:
            warnings.warn(f"Incorrect schedule: {before.name} followed by {now.name}", stacklevel=4)
        if self._recorder is not None and (complete or now not in _RECORDING):
            self._recorder.stop()
            self._keep(self._recorder.events)
            self._recorder = None
            if complete and self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if now in _RECORDING and self._recorder is None:
            self._recorder = Recorder(*self.options)
            self._recorder.start()

    def _keep(self, events: list[FunctionEvent]) -> None:
        done = [e for e in events if e.end]
        self._recorded = [*(self._recorded or ()), *done] if self.acc_events else done

    # --- results

    def events(self) -> list[FunctionEvent]:
        """The calls of the last recording, in the order in which they began."""
        if self._recorded is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return self._recorded

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The calls of the last recording, summed by name."""
        if self._recorded is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return averages(self._recorded, group_by_input_shape, group_by_stack_n, self.options[1])

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Write the last recording as JSON (packed, if the name ends in .gz) that chrome://tracing, Perfetto
        and TensorBoard show."""
        if self._recorded is None:
            raise AssertionError("Profiler must be initialized before exporting chrome trace")
        process = os.getpid()
        trace = [
            {"ph": "M", "name": "process_name", "ts": 0, "pid": process, "tid": 0, "args": {"name": "python"}}
        ]
        for event in self._recorded:
            args = {"Input Dims": event.input_shapes} if event.input_shapes else {}
            trace.append(
                dict(ph="X", cat=event.category, name=event.name, pid=process, tid=event.thread,
                     ts=event.start / 1e3, dur=event.cpu_time_total, args=args)
            )  # fmt: skip
        text = json.dumps(
            {"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": trace, **self.metadata}
        )
        file = Path(path)
        file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())

    def export_stacks(self, path: str | os.PathLike, metric: str = "self_cpu_time_total") -> None:
        """Write a line for each stack of callers, with its microseconds: what tools for flame graphs read.
        Needs `with_stack`."""
        if metric != "self_cpu_time_total":
            raise ValueError("metric should be one of: ['self_cpu_time_total']")
        table = str.maketrans(" ;\t\n", "____")
        lines = []
        for e in averages(self.events(), False, 1 << 30, False):
            if e.stack and int(e.self_cpu_time_total) > 0:
                frames = ";".join([frame.translate(table) for frame in reversed(e.stack)])
                lines.append(f"{frames} {int(e.self_cpu_time_total)}\n")
        Path(path).write_text("".join(lines))

    def add_metadata(self, key: str, value: str) -> None:
        """Put a text into the trace."""
        self.metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Put a value, given as JSON, into the trace."""
        self.metadata[key] = json.loads(value)
