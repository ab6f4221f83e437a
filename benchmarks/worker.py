"""A process that measures the cases of one library when it is told to, and sleeps otherwise.

    python -m benchmarks.worker numbatorch|torch

It reads orders from its input, a JSON list a line, and answers each with a line: ["prepare", group, case]
builds a case and calls it until it is warm; ["run", seconds] gives the best time of a call; ["version"] is the library's;
["limits"] measures the machine. The two libraries so never share a process: neither sees the other's threads, memory or imports.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable

from benchmarks import machine
from benchmarks.cases import GROUPS

LEAST = 1e-3  # seconds between two looks at the clock: what is faster is called many times


class Timer:
    """Times one function."""

    def __init__(self, function: Callable[[], object]):
        self.function = function
        function()
        once = min(self.time(1) for _ in range(3))
        self.number = max(1, math.ceil(LEAST / max(once, 1e-9)))

    def time(self, number: int) -> float:
        """Seconds that `number` calls take."""
        function, calls = self.function, range(number)
        began = time.perf_counter()
        for _ in calls:
            function()
        return time.perf_counter() - began

    def best(self, budget: float) -> float:
        """The shortest time of a call in `budget` seconds, seen at least twice."""
        found, ends = math.inf, time.perf_counter() + budget
        self.time(1)
        while time.perf_counter() < ends or found == math.inf:
            found = min(found, self.time(self.number) / self.number)
        return found


def main() -> None:
    library = importlib.import_module(sys.argv[1])
    library.set_num_threads(machine.THREADS)
    warnings.simplefilter("ignore")
    orders, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a case prints is no answer
    timer: Timer
    for line in orders:
        order, *arguments = json.loads(line)
        answer: object = None
        if order == "prepare":
            group, name = arguments
            (case,) = [case for case in GROUPS[group].cases if case.name == name]
            timer = None  # type: ignore[assignment]  # the operands of the last case go before the next come
            gc.collect()
            library.manual_seed(0)
            timer = Timer(case.program(library))
        elif order == "run":
            gc.disable()
            answer = timer.best(*arguments)
            gc.enable()
        elif order == "version":
            answer = library.__version__
        elif order == "limits":
            answer = machine.limits()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
