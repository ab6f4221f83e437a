"""How long a statement takes, measured as PyTorch's `torch.utils.benchmark` does: warm, on one thread unless told otherwise.

>>> from numbatorch.utils import benchmark
>>> timer = benchmark.Timer("x @ x", globals={"x": torch.ones(8, 8)})
>>> timer.timeit(10).number_per_run
10
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from numbatorch_kernels.parallel import get_num_threads, set_num_threads

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def select_unit(seconds: float) -> tuple[str, float]:
    """The unit in which a time is best said, and how many seconds it is: ("us", 1e-06)."""
    size, name = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return name, size


@dataclass(frozen=True)
class TaskSpec:
    """What was measured."""

    stmt: str
    setup: str = "pass"
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement."""
        return (self.label or self.stmt) + (f": {self.sub_label}" if self.sub_label else "")


@dataclass
class Measurement:
    """Times of a statement: `raw_times` in seconds, each of `number_per_run` executions."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """Seconds of one execution."""
        return [seconds / self.number_per_run for seconds in self.raw_times]

    @property
    def median(self) -> float:
        """The time in the middle."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean time."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """How far the middle half of the times reaches."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self) -> str:
        name, unit = select_unit(self.median)
        task, count = self.task_spec, len(self.raw_times)
        setup = f"\nsetup: {task.setup}" if task.setup not in ("", "pass") else ""
        middle = f"  {'Median: ' if count > 1 else ''}{self.median / unit:.2f} {name}"
        spread = f"\n  IQR:    {self.iqr / unit:.2f} {name}" if count > 1 else ""
        runs = f"{count} measurement{'s' * (count > 1)}, {self.number_per_run} runs {'per measurement' * (count > 1)}"
        threads = f"{task.num_threads} thread{'s' * (task.num_threads > 1)}"
        return f"<{__name__}.Measurement object at {id(self):#x}>\n{task.title}{setup}\n{middle}{spread}\n  {runs}, {threads}"


class Timer:
    """Measures the statement `stmt`, with the names of `globals` and what `setup` makes, on `num_threads` threads.

    label, sub_label, description, env      what a table says of it: see `Compare`
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: str = "py",
    ):
        if language not in ("py", "python"):
            raise ValueError(f"numbatorch measures Python, not {language}")
        self._task = TaskSpec(stmt, setup, label, sub_label, description, env, num_threads)
        self._timer = timeit.Timer(stmt, setup, timer, dict(globals or {}))

    def _run(self, number: int) -> float:
        before = get_num_threads()
        set_num_threads(self._task.num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            set_num_threads(before)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One time, of `number` executions."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Times until `min_run_time` seconds are over, of so many executions each that looking at the clock costs nothing."""
        self._run(2)  # to be warm
        number = 1
        while (seconds := self._run(number)) < min_run_time / 100 and number < 10**9:
            number *= 10 if seconds < min_run_time / 1000 else 2
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """`blocked_autorange`, until the times lie within `threshold` of their median or `max_run_time` seconds are over."""
        found = self.blocked_autorange(callback, min_run_time)
        while (len(found.times) < 4 or found.iqr > threshold * found.median) and sum(
            found.raw_times
        ) < max_run_time:
            found.raw_times.append(self._run(found.number_per_run))
        return found


class Compare:
    """A table of measurements: a row for each `sub_label`, a column for each `description`."""

    def __init__(self, results: Iterable[Measurement]):
        self._results = list(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Take more into the table."""
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Times have four figures in any case."""

    def colorize(self, rowwise: bool = False) -> None:
        """Colours are left out."""

    def print(self) -> None:
        """Print the table."""
        print(self)

    def __str__(self) -> str:
        columns = list(dict.fromkeys(m.task_spec.description or "" for m in self._results))
        cells: dict[tuple[int, str], dict[str, float]] = {}
        for m in self._results:
            row = cells.setdefault((m.task_spec.num_threads, m.task_spec.sub_label or m.task_spec.stmt), {})
            row[m.task_spec.description or ""] = m.median
        name, unit = select_unit(min(m.median for m in self._results))
        width = max(len(label) for _, label in cells) + 6
        lines = [
            f"[{self._results[0].task_spec.label or self._results[0].task_spec.stmt:-^{width + 14 * len(columns)}}]"
        ]
        lines.append(" " * width + "".join(f"|{column:^13}" for column in columns))
        for threads in dict.fromkeys(threads for threads, _ in cells):
            lines.append(f"{threads} threads: ".ljust(width + 14 * len(columns), "-"))
            for (_, label), row in ((key, row) for key, row in cells.items() if key[0] == threads):
                texts = (f"{row[c] / unit:.4g}" if c in row else "" for c in columns)
                lines.append(f"      {label}".ljust(width) + "".join(f"|{text:^13}" for text in texts))
        return "\n".join([*lines, "", f"Times are in {name}."])
