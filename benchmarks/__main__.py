"""Time and memory here and in PyTorch, case by case.

    python -m benchmarks                      every group
    python -m benchmarks pointwise gemm       some groups
    python -m benchmarks -k softmax           cases whose names contain a word
    python -m benchmarks --json F --picture F --page F    also write the figures, pictures, a page

Each library has a process of its own. They take turns, round by round; who does not measure sleeps. A group is gone
through twice, so that no case has all of its rounds while the machine is slow; a figure is the best of all. A group passes
if the geometric mean of its ratios and its worst case are within the figures asked for; the exit code is 0 either way:
figures are read, not asserted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page, picture, report
from benchmarks.case import Case, Group, Line
from benchmarks.cases import GROUPS

ROUNDS, MOST = 4, 12  # at least, and at most, of a case: there are more while some still better a figure ...
STEADY = 0.98  # ... so that it is below this part of what it was two rounds before
BUDGET = 0.06  # seconds of measuring, a case, library and round


class Worker:
    """A process that measures one library: see `worker.py`."""

    def __init__(self, library: str):
        self.library = library
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *order):
        print(json.dumps(order), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.library} has failed at {order}")
        return json.loads(answer)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(group: Group, cases: Sequence[Case], workers: Sequence[Worker]) -> list[Line]:
    """The best time of a call of each case in each library, or what the group says is measured."""
    if group.alone:
        return [Line(case, *(group.alone(worker.library, case) for worker in workers)) for case in cases]
    first, second = ([rounds(group, case, workers) for case in cases] for _ in range(2))
    return [Line(case, *map(min, *both)) for case, *both in zip(cases, first, second)]


def rounds(group: Group, case: Case, workers: Sequence[Worker]) -> list[float]:
    """The best time of a call in each library, of several rounds."""
    for worker in workers:
        worker.ask("prepare", group.name, case.name)
    best: list[list[float]] = []  # of each library, after each round
    while len(best) < ROUNDS or (
        len(best) < MOST and any(now < STEADY * then for now, then in zip(best[-1], best[-3]))
    ):
        times = [worker.ask("run", BUDGET) for worker in workers]
        best.append([min(pair) for pair in zip(times, best[-1])] if best else times)
    return best[-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="numbatorch against PyTorch")
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="; ".join(GROUPS))
    parser.add_argument("-k", metavar="WORD", default="", help="only cases whose names contain this")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--picture",
        type=Path,
        help="write bars by group to this file, curves to growth.png beside it (matplotlib)",
    )
    parser.add_argument("--page", type=Path, help="write a page in Markdown to this file")
    options = parser.parse_args()
    workers = [Worker("numbatorch"), Worker("torch")]
    versions = [f"{worker.library} {worker.ask('version')}" for worker in workers]
    run = report.Run(versions, limits=workers[0].ask("limits"))
    print(report.heading(run))
    for name in options.groups or GROUPS:
        group = GROUPS[name]
        cases = [case for case in group.cases if options.k in case.name]
        if not cases:
            continue
        print(report.title(group))
        run.groups[name] = measure(group, cases, workers)
        for line in run.groups[name]:
            print(report.text(group, line, run.limits))
        print(report.summary(run, name), end="\n\n", flush=True)
    again = workers[0].ask("limits")  # a machine shared with others shows its best not always
    run.limits = {name: max(limit, again[name]) for name, limit in run.limits.items()}
    print(report.heading(run), *(report.summary(run, name) for name in run.groups), sep="\n")
    for worker in workers:
        worker.end()
    if options.json:
        options.json.write_text(report.as_json(run))
    if options.picture:
        picture.bars(run, options.picture)
        picture.curves(run, options.picture.with_name("growth.png"))
    if options.page:
        options.page.write_text(page.text(run))


if __name__ == "__main__":
    main()
