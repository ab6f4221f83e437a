"""Whole processes: how long one takes from its start to its end, and how much memory it needs at most."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from benchmarks import machine
from benchmarks.case import Case

RUNS = 3
STEPS = """
import sys, {library} as torch
from benchmarks.cases import TRAINING
torch.set_num_threads({threads})
(case,) = [case for case in TRAINING.cases if case.name == {case!r}]
step = case.program(torch)
for _ in range({steps}):
    step()
"""
PEAK = """
from pathlib import Path
(line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(1024 * int(line.split()[1]))
"""


def training(library: str, case: str, steps: int) -> str:
    """A program: some steps of a case of the group `training`."""
    return STEPS.format(library=library, threads=machine.THREADS, case=case, steps=steps)


def run(code: str, cache: str | None = None) -> str:
    """What a program prints; `cache` is the folder of its kernel cache, where it is not the usual one."""
    environment = os.environ | ({"NUMBATORCH_CACHE_DIR": cache} if cache else {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as on a user's machine: modules are parsed once
    return subprocess.check_output(
        [sys.executable, "-c", code], env=environment, text=True, stderr=subprocess.DEVNULL
    )


def seconds(code: str, empty_cache: bool = False) -> float:
    """How long the program takes, the interpreter's start included: the best of some runs after one that fills caches, or
    with an empty kernel cache."""
    if empty_cache:
        with tempfile.TemporaryDirectory() as folder:
            return _wall(code, folder)
    run(code)
    return min(_wall(code) for _ in range(RUNS))


def _wall(code: str, cache: str | None = None) -> float:
    began = time.perf_counter()
    run(code, cache)
    return time.perf_counter() - began


def peak_memory(library: str, case: Case) -> float:
    """Bytes that a process needs at most for ten steps of training, interpreter and imports included. Of two runs the
    smaller figure, because the first may compile kernels."""
    code = training(library, case.name, steps=10) + PEAK
    return min(float(run(code)) for _ in range(2))
