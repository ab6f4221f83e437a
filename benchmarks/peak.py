"""The memory that a process needs at most to run one case of one library.

python -m benchmarks.peak numbatorch|torch GROUP CASE      prints bytes, those of the interpreter and the imports included
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from benchmarks import machine
from benchmarks.cases import GROUPS

CALLS = 10


def main() -> None:
    name, group, wanted = sys.argv[1:]
    library = importlib.import_module(name)
    library.set_num_threads(machine.THREADS)
    (case,) = [case for case in GROUPS[group].cases if case.name == wanted]
    function = case.program(library)
    for _ in range(CALLS):
        function()
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    print(1024 * int(line.split()[1]))


if __name__ == "__main__":
    main()
