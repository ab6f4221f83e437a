"""What was measured, as pictures."""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import exponents
from benchmarks.cases import GROUPS
from benchmarks.report import Run


def bars(run: Run, file: Path) -> None:
    """Ratios as bars, group by group; the line at 1 is PyTorch."""
    from matplotlib.figure import Figure

    groups = {name: lines for name, lines in run.groups.items() if not GROUPS[name].axis}
    rows = sum(map(len, groups.values()))
    figure = Figure(figsize=(8, 0.16 * (rows + 3 * len(groups)) + 1), layout="constrained")
    axes, y, ticks = figure.subplots(), 0.0, []
    for name, lines in reversed(groups.items()):
        for line in reversed(lines):
            axes.barh(y, line.ratio, color="tab:green" if line.ratio <= 1 else "tab:red", height=0.8)
            ticks.append((y, line.case.name))
            y += 1
        axes.text(0.01, y, GROUPS[name].title, fontsize=8, weight="bold", va="center")
        y += 2
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xlabel="numbatorch's figure / PyTorch's", ylim=(-1, y))
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=6)
    figure.savefig(file, dpi=150)


def curves(run: Run, file: Path) -> None:
    """Times over sizes, both logarithmic, a panel a group."""
    from matplotlib.figure import Figure

    groups = {name: lines for name, lines in run.groups.items() if GROUPS[name].axis}
    if not groups:
        return
    figure = Figure(figsize=(8, 3 * -(-len(groups) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(groups) // 2), 2, squeeze=False).flat
    for panel, (name, lines) in zip(panels, groups.items()):
        sizes, (ours, theirs) = [line.case.size for line in lines], exponents(lines)
        axis = GROUPS[name].axis
        panel.loglog(
            sizes,
            [line.ours for line in lines],
            "o-",
            color="tab:green",
            label=f"numbatorch, {axis}^{ours:.2f}",
        )
        panel.loglog(
            sizes,
            [line.theirs for line in lines],
            "s--",
            color="tab:red",
            label=f"PyTorch, {axis}^{theirs:.2f}",
        )
        panel.set(title=GROUPS[name].title, xlabel=axis, ylabel="seconds")
        panel.legend(fontsize=8)
    figure.savefig(file, dpi=150)
