"""What was measured, as lines of text, JSON, a picture and a page."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.case import Group, Line, geometric_mean
from benchmarks.cases import GROUPS


@dataclass
class Run:
    """All that one run of the benchmark has found."""

    versions: list[str]
    limits: dict[str, float]
    groups: dict[str, list[Line]] = field(default_factory=dict)


def processor() -> str:
    """The name of this machine's processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def heading(run: Run) -> str:
    """Who is compared, on what."""
    copy, single, double = run.limits.values()
    return (
        f"{', '.join(run.versions)}\n{processor()}, {machine.THREADS} threads each; at most {copy / 1e9:.1f} GB/s copied, "
        f"{single / 1e9:.0f} GFLOP/s float32, {double / 1e9:.0f} float64\n"
    )


def title(group: Group) -> str:
    return f"{group.title:40s}{'numbatorch':>12s}{'PyTorch':>12s}{'ratio':>8s}"


def amount(group: Group, value: float) -> str:
    """A time or an amount of memory, in the unit that suits it."""
    return f"{value / 1e6:.0f} MB" if group.of else _time(value)


def _time(seconds: float) -> str:
    for unit, size in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def achieved(group: Group, line: Line, limits: dict[str, float]) -> str:
    """The rate that our side reaches, and what part of the machine's limit that is."""
    if group.of:
        return ""
    if line.case.flops:
        limit = limits[
            "float64_flops_per_second" if "float64" in line.case.name else "float32_flops_per_second"
        ]
        rate = line.case.flops / line.ours
        return f"{rate / 1e9:.0f} GFLOP/s ({100 * rate / limit:.0f} %)"
    if line.case.bytes:
        rate = line.case.bytes / line.ours
        return f"{rate / 1e9:.1f} GB/s ({100 * rate / limits['copy_bytes_per_second']:.0f} %)"
    return ""


def text(group: Group, line: Line, limits: dict[str, float]) -> str:
    ours, theirs = amount(group, line.ours), amount(group, line.theirs)
    return (
        f"  {line.case.name:38s}{ours:>12s}{theirs:>12s}{line.ratio:8.2f}   {achieved(group, line, limits)}"
    ).rstrip()


def verdict(group: Group, lines: Sequence[Line]) -> str:
    """Whether a group is within its figures, and where it is not."""
    mean = geometric_mean(lines)
    over = [line.case.name for line in lines if line.ratio > min(group.worst, line.case.limit)]
    words = [] if mean <= group.mean else [f"geometric mean above {group.mean}"]
    if over:
        words.append("too slow: " + ", ".join(over))
    return "; ".join(words) or "all within the figures"


def summary(group: Group, lines: Sequence[Line]) -> str:
    mean, worst = geometric_mean(lines), max(line.ratio for line in lines)
    return (
        f"  {'geometric mean':62s}{mean:8.2f}   worst {worst:.2f}; asked {group.mean} and {group.worst}: "
        f"{verdict(group, lines)}\n"
    )


def as_json(run: Run) -> str:
    """Seconds, or bytes, by group and case, and the machine."""
    found = {
        name: {line.case.name: {"numbatorch": line.ours, "torch": line.theirs} for line in lines}
        for name, lines in run.groups.items()
    }
    about = {"processor": processor(), "threads": machine.THREADS, "limits": run.limits}
    return json.dumps({"machine": about, "measured": found}, indent=1)


def picture(run: Run, file: Path) -> None:
    """Ratios as bars, group by group; the line at 1 is PyTorch."""
    from matplotlib.figure import Figure

    rows = [line for lines in run.groups.values() for line in reversed(lines)]
    figure = Figure(figsize=(8, 0.16 * (len(rows) + 3 * len(run.groups)) + 1), layout="constrained")
    axes, y, ticks = figure.subplots(), 0.0, []
    for name, lines in reversed(run.groups.items()):
        for line in reversed(lines):
            axes.barh(y, line.ratio, color="tab:green" if line.ratio <= 1 else "tab:red", height=0.8)
            ticks.append((y, line.case.name))
            y += 1
        axes.text(0.01, y, GROUPS[name].title, fontsize=8, weight="bold", va="center")
        y += 2
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xlabel="time here / PyTorch's", ylim=(-1, y))
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=6)
    figure.savefig(file, dpi=150)


def page(run: Run) -> str:
    """A page in Markdown: a table of groups, then one of each group's cases."""
    parts = [
        "# Performance\n\nWritten by `python -m benchmarks --page docs/performance.md`. Times are the best of "
        "several rounds in which the two libraries take turns, each in a process of its own; a ratio below 1 "
        f"means that numbatorch is faster.\n\n{heading(run)}",
        "| group | geometric mean | worst | asked | |\n|---|---|---|---|---|",
    ]
    for name, lines in run.groups.items():
        group, worst = GROUPS[name], max(lines, key=lambda line: line.ratio)
        parts.append(
            f"| {group.title} | {geometric_mean(lines):.2f} | {worst.ratio:.2f} ({worst.case.name}) | "
            f"{group.mean}, none above {group.worst} | {verdict(group, lines)} |"
        )
    for name, lines in run.groups.items():
        group = GROUPS[name]
        parts.append(f"\n## {group.title}\n")
        parts.append("| | numbatorch | PyTorch | ratio | |\n|---|---|---|---|---|")
        parts.extend(
            f"| {line.case.name} | {amount(group, line.ours)} | {amount(group, line.theirs)} | {line.ratio:.2f} | "
            f"{achieved(group, line, run.limits)} |"
            for line in lines
        )
    return "\n".join(parts) + "\n"
