"""What was measured, as lines of text and as JSON."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.case import Group, Line, exponents, geometric_mean, slopes
from benchmarks.cases import GROUPS

STEEPER = 1.05  # how many times PyTorch's slope a slope may be: so far apart are two runs


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
    copy, cache, single, double = (limit / 1e9 for limit in run.limits.values())
    return (
        f"{', '.join(run.versions)}\n{processor()}, {machine.THREADS} threads each. The machine's limits, on all cores: "
        f"{copy:.1f} GB/s copied in memory, {cache:.0f} GB/s read from caches; {single:.0f} GFLOP/s float32, "
        f"{double:.0f} float64\n"
    )


def title(group: Group) -> str:
    return f"{group.title:40s}{'numbatorch':>12s}{'PyTorch':>12s}{'ratio':>8s}"


def amount(group: Group, value: float) -> str:
    """A time or an amount of memory, in the unit that suits it."""
    return f"{value / 1e6:.0f} MB" if group.unit == "B" else _time(value)


def _time(seconds: float) -> str:
    for unit, size in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def peak(line: Line, limits: dict[str, float]) -> float:
    """The multiply-adds that the machine can do in a second, of the type that the case computes in."""
    return limits[f"{'float64' if 'float64' in line.case.name else 'float32'}_flops_per_second"]


def achieved(line: Line, limits: dict[str, float]) -> str:
    """The rate that our side reaches, and what part of the machine's limit that is, here and in PyTorch. What fits into
    the largest cache is measured against the caches."""
    case = line.case
    if case.flops:
        work, limit, unit = case.flops, peak(line, limits), "GFLOP/s"
    elif case.bytes:
        cached = case.bytes <= machine.cache_size()
        name = "cache_bytes_per_second" if cached else "copy_bytes_per_second"
        work, limit, unit = case.bytes, max(limits[name], limits["copy_bytes_per_second"]), "GB/s"
    else:
        return ""
    ours, theirs = work / line.ours, work / line.theirs
    return f"{ours / 1e9:.0f} {unit} ({100 * ours / limit:.0f} %; PyTorch {100 * theirs / limit:.0f} %)"


def text(group: Group, line: Line, limits: dict[str, float]) -> str:
    ours, theirs = amount(group, line.ours), amount(group, line.theirs)
    return (
        f"  {line.case.name:38s}{ours:>12s}{theirs:>12s}{line.ratio:8.2f}   {achieved(line, limits)}".rstrip()
    )


def asked(group: Group) -> str:
    """The figures that a group shall reach."""
    if group.axis:
        return "no steeper"
    if math.isinf(group.mean):
        return ""
    return f"{group.mean}, none above {group.worst}"


def found(group: Group, lines: list[Line]) -> str:
    """The figures that it has reached."""
    if group.axis:
        ours, theirs = exponents(lines)
        more, their_more = (amount(group, cost) for cost in slopes(lines))
        return f"one more costs {more}, PyTorch {their_more}; {group.axis}^{ours:.2f}, PyTorch {group.axis}^{theirs:.2f}"
    worst = max(lines, key=lambda line: line.ratio)
    return f"{geometric_mean(lines):.2f}, worst {worst.ratio:.2f} ({worst.case.name})"


def verdict(run: Run, name: str) -> str:
    """Whether a group is within its figures, and where it is not."""
    group, lines = GROUPS[name], run.groups[name]
    if not asked(group):
        return ""
    if group.axis:
        ours, theirs = slopes(lines)
        return "held" if ours <= STEEPER * theirs else "not held"
    words = [] if geometric_mean(lines) <= group.mean else ["geometric mean"]
    words += [line.case.name for line in lines if line.ratio > min(group.worst, line.case.limit)]
    for line in lines:
        part = line.case.flops / line.ours / peak(line, run.limits)
        if part < line.case.of_peak:
            words.append(
                f"{line.case.name}: {100 * part:.0f} % of the peak, not {100 * line.case.of_peak:.0f}"
            )
    return "not held: " + ", ".join(words) if words else "held"


def summary(run: Run, name: str) -> str:
    group, lines = GROUPS[name], run.groups[name]
    wanted = f"; asked {asked(group)}: {verdict(run, name)}" if asked(group) else ""
    return f"{group.title}: {found(group, lines)}{wanted}"


def as_json(run: Run) -> str:
    """Seconds, or bytes, by group and case, and the machine."""
    measured = {
        name: {line.case.name: {"numbatorch": line.ours, "torch": line.theirs} for line in lines}
        for name, lines in run.groups.items()
    }
    about = {"processor": processor(), "threads": machine.THREADS, "limits": run.limits}
    return json.dumps({"machine": about, "measured": measured}, indent=1)
