"""Time and memory here and in PyTorch, case by case.

    python -m benchmarks                      every group
    python -m benchmarks pointwise gemm       some groups
    python -m benchmarks -k softmax           cases whose names contain a word
    python -m benchmarks --json F --picture F --page F    also write the figures, pictures, a page

Each library has a process of its own. They take turns, round by round; who does not measure sleeps. A group is gone
through five times, each time by new processes: so no case has all of its rounds while the machine is slow, nor in a process
whose memory happens to lie badly, which makes a call take up to twice as long. A figure is the best of all. A group passes
if the geometric mean of its ratios and its worst case are within the figures asked for; the exit code is 0 either way:
figures are read, not asserted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import page, picture, report
from benchmarks.case import Case, Group, Line
from benchmarks.cases import GROUPS

LIBRARIES = "numbatorch", "torch"
PASSES = 5
TURN = 0.02  # seconds that a library measures before the other does: what this machine gives changes as fast
ROUNDS = 6  # of a case, at least ...
LEAST, MOST = 0.6, 2.0  # ... and seconds of them; up to the second figure while some still better a time ...
STEADY = 0.98  # ... so that it is below this part of what it was at the first of the last ROUNDS


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


@contextmanager
def new_workers() -> Iterator[list[Worker]]:
    """A new process for each library, while the block runs."""
    workers = [Worker(library) for library in LIBRARIES]
    yield workers
    for worker in workers:
        worker.end()


def measure(group: Group, cases: Sequence[Case]) -> list[Line]:
    """The best time of a call of each case in each library, or what the group says is measured."""
    if group.alone:
        return [Line(case, *(group.alone(library, case) for library in LIBRARIES)) for case in cases]
    passes = []
    for _ in range(PASSES):
        with new_workers() as workers:
            passes.append([rounds(group, case, workers) for case in cases])
    return [Line(case, *map(min, *times)) for case, *times in zip(cases, *passes)]


def rounds(group: Group, case: Case, workers: Sequence[Worker]) -> list[float]:
    """The best time of a call in each library, of several rounds."""
    for worker in workers:
        worker.ask("prepare", group.name, case.name)
    best: list[list[float]] = []  # of each library, after each round
    began = time.perf_counter()
    while (
        len(best) < ROUNDS
        or (spent := time.perf_counter() - began) < LEAST
        or (spent < MOST and any(now < STEADY * then for now, then in zip(best[-1], best[-ROUNDS])))
    ):
        times = [worker.ask("run", TURN) for worker in workers]
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
    with new_workers() as workers:
        versions = [f"{worker.library} {worker.ask('version')}" for worker in workers]
        run = report.Run(versions, limits=workers[0].ask("limits"))
    print(report.heading(run))
    for name in options.groups or GROUPS:
        group = GROUPS[name]
        cases = [case for case in group.cases if options.k in case.name]
        if not cases:
            continue
        print(report.title(group))
        run.groups[name] = measure(group, cases)
        for line in run.groups[name]:
            print(report.text(group, line, run.limits))
        print(report.summary(run, name), end="\n\n", flush=True)
    with new_workers() as workers:
        again = workers[0].ask("limits")  # a machine shared with others shows its best not always
    run.limits = {name: max(limit, again[name]) for name, limit in run.limits.items()}
    print(report.heading(run), *(report.summary(run, name) for name in run.groups), sep="\n")
    if options.json:
        options.json.write_text(report.as_json(run))
    if options.picture:
        picture.bars(run, options.picture)
        picture.curves(run, options.picture.with_name("growth.png"))
    if options.page:
        options.page.write_text(page.text(run))


if __name__ == "__main__":
    main()
