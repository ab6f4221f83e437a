"""What was measured, as a page in Markdown: a table of groups and their figures, then one of each group's cases."""

from __future__ import annotations

from benchmarks.cases import GROUPS
from benchmarks.report import Run, achieved, amount, asked, found, heading, verdict

INTRODUCTION = """# Performance

Written by `python -m benchmarks --page docs/performance.md --picture docs/performance.png`. Times are the best of several
rounds in which the two libraries take turns, each in several processes of its own; a ratio below 1 means that numbatorch takes less.

{heading}
A rate is followed by what part of the machine's limit it is, here and in PyTorch. What fits into the largest cache is
compared with what can be read from there: most operands here have 16 MB, and results come from memory that was just
used. No program multiplies faster than the peak: where PyTorch is at 80 % of it, no ratio below 0.8 can be had.

![Ratios of all cases](performance.png)

## The figures that are asked for
"""

CURVES = """
## How cost grows

What one more unit of size costs (an example of the batch, an op in the graph ...), over the larger half of the sizes, decides.
Exponents fitted to the same sizes stand beside it: they compare shapes, not times. A step that costs c + k n has the smaller
exponent the larger its c is, so that of two libraries with one k the one whose calls cost more looks better.

![Time over size](growth.png)
"""


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def text(run: Run) -> str:
    rows = [
        [GROUPS[name].title, asked(GROUPS[name]), found(GROUPS[name], lines), verdict(run, name)]
        for name, lines in run.groups.items()
    ]
    parts = [INTRODUCTION.format(heading=heading(run)), table(["group", "asked", "measured", ""], rows)]
    if any(GROUPS[name].axis for name in run.groups):
        parts.append(CURVES)
    for name, lines in run.groups.items():
        group = GROUPS[name]
        cells = [
            [line.case.name, amount(group, line.ours), amount(group, line.theirs), f"{line.ratio:.2f}", achieved(line, run.limits)]
            for line in lines
        ]  # fmt: skip
        parts += [f"\n## {group.title}\n", table(["", "numbatorch", "PyTorch", "ratio", ""], cells)]
    return "\n".join(parts) + "\n"
