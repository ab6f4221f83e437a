"""What was recorded, summed by name: `key_averages()` and its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from numbatorch.profiler.record import FunctionEvent

_WIDTH = 12  # of a column of numbers
_GAP = "  "


class FunctionEventAvg:
    """The calls of one name: `count`, and sums over them of times (microseconds) and memory (bytes)."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.count = 0
        self.cpu_time_total = 0.0
        self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = 0
        self.self_cpu_memory_usage = 0
        self.device_time_total = 0.0  # times and memory of a device are not measured
        self.self_device_time_total = 0.0
        self.device_memory_usage = 0
        self.self_device_memory_usage = 0
        self.input_shapes: list[list[int]] | str = ""
        self.stack: list[str] = []
        self.outermost = False  # whether a call of it was made from no other

    @property
    def cpu_time(self) -> float:
        """Microseconds a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self) -> float:
        """Microseconds a call on a device, which are not measured."""
        return 0.0

    def add(self, event: FunctionEvent) -> None:
        """Count one more call."""
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.outermost = self.outermost or event.cpu_parent is None

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)}  self_cuda_time={_time(0)} cuda_time={_time(0)} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage=0>"
        )


class EventList(list):
    """Averages, with their `table`."""

    def __init__(self, averages: Iterable[FunctionEventAvg] = (), profile_memory: bool = False):
        super().__init__(averages)
        self.profile_memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds spent in all calls together."""
        return sum([e.self_cpu_time_total for e in self])

    def total_average(self) -> FunctionEventAvg:
        """The sum over all names."""
        total = FunctionEventAvg("Total")
        for e in self:
            total.count += e.count
            total.cpu_time_total += e.cpu_time_total
            total.self_cpu_time_total += e.self_cpu_time_total
            total.cpu_memory_usage += e.cpu_memory_usage
            total.self_cpu_memory_usage += e.self_cpu_memory_usage
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """A table of text, a row for each name, as PyTorch prints it. `sort_by` is an attribute of the
        averages: "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "count" ..."""
        if not self:
            return ""
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda e: getattr(e, sort_by.replace("cuda", "device")), reverse=True)
        columns = self._columns(
            time_unit, max_name_column_width, max_shapes_column_width, max_src_column_width
        )
        line = "".join(["-" * width + _GAP for _, width, _, _ in columns])
        text = []
        if header is not None:
            text += ["=" * (len(line) - len(_GAP)), header]
        if top_level_events_only:
            text += ["=" * (len(line) - len(_GAP)), "This report only display top-level ops statistics"]
        titles = "".join([f"{title: {side}{width}}{_GAP}" for title, width, side, _ in columns])
        text += [line, titles, line]
        shown = [e for e in rows if e.outermost or not top_level_events_only]
        for e in shown[: row_limit if row_limit >= 0 else None]:
            text.append("".join([f"{show(e): {side}{width}}{_GAP}" for _, width, side, show in columns]))
        total = _time(self.self_cpu_time_total, time_unit)
        return "\n".join([*text, line, f"Self CPU time total: {total}", ""])

    def _columns(
        self, unit: str | None, name_width: int | None, shapes_width: int | None, source_width: int | None
    ) -> list[tuple[str, int, str, Callable]]:
        """For each column its title, width, side, and what it shows of an average."""
        total = self.self_cpu_time_total
        width = _limit(max(len(e.key) for e in self) + 4, name_width)

        def name(e: FunctionEventAvg) -> str:
            short = name_width is not None and len(e.key) >= name_width - 3
            return e.key[: name_width - 3] + "..." if short and name_width is not None else e.key

        columns: list[tuple[str, int, str, Callable]] = [
            ("Name", width, ">", name),
            ("Self CPU %", _WIDTH, ">", lambda e: _share(e.self_cpu_time_total, total)),
            ("Self CPU", _WIDTH, ">", lambda e: _time(e.self_cpu_time_total, unit)),
            ("CPU total %", _WIDTH, ">", lambda e: _share(e.cpu_time_total, total)),
            ("CPU total", _WIDTH, ">", lambda e: _time(e.cpu_time_total, unit)),
            ("CPU time avg", _WIDTH, ">", lambda e: _time(e.cpu_time, unit)),
        ]
        if self.profile_memory:
            columns += [
                ("CPU Mem", _WIDTH, ">", lambda e: _memory(e.cpu_memory_usage)),
                ("Self CPU Mem", _WIDTH, ">", lambda e: _memory(e.self_cpu_memory_usage)),
            ]
        columns.append(("# of Calls", _WIDTH, ">", lambda e: str(e.count)))
        if any(e.input_shapes for e in self):
            shapes = _limit(max(len(str(e.input_shapes)) for e in self) + 4, shapes_width)
            columns.append(("Input Shapes", shapes, ">", lambda e: str(e.input_shapes)[:shapes]))
        if any(e.stack for e in self):
            source = _limit(max(len(s) for e in self for s in e.stack) + 4, source_width)
            columns.append(
                ("Source Location", source, "<", lambda e: e.stack[0][-source:] if e.stack else "")
            )
        return columns

    def __str__(self) -> str:
        return self.table()


def averages(
    events: Iterable[FunctionEvent], group_by_input_shape: bool, group_by_stack_n: int, profile_memory: bool
) -> EventList:
    """`events` summed by name, and by shapes and callers where asked for."""
    found: dict[tuple, FunctionEventAvg] = {}
    for event in events:
        shapes = str(event.input_shapes) if group_by_input_shape else ""
        stack = tuple(event.stack[:group_by_stack_n])
        average = found.get((event.key, event.category, shapes, stack))
        if average is None:
            average = found[event.key, event.category, shapes, stack] = FunctionEventAvg(event.key)
            average.input_shapes, average.stack = (
                event.input_shapes if group_by_input_shape else "",
                list(stack),
            )
        average.add(event)
    return EventList(found.values(), profile_memory)


def _limit(width: int, most: int | None) -> int:
    return width if most is None else min(width, most)


def _time(microseconds: float, unit: str | None = None) -> str:
    if unit is None:
        unit = "s" if microseconds >= 1e6 else "ms" if microseconds >= 1e3 else "us"
    return f"{microseconds / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[unit]:.3f}{unit}"


def _share(part: float, total: float) -> str:
    return f"{part * 100 / total:.2f}%" if total else "NaN"


def _memory(size: int) -> str:
    for power, unit in ((3, "GB"), (2, "MB"), (1, "KB")):
        if abs(size) >= 1024**power:
            return f"{size / 1024**power:.2f} {unit}"
    return f"{size} B"
