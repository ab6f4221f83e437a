"""Compile every CUDA kernel of the library for real, without a GPU.

    python tests/cuda_compile                  all of them; prints a line for each family, and those with faults
    python tests/cuda_compile Sigmoid softmax  those whose names contain these; prints all

Exit code 1 if any kernel is refused by the compiler, computes in float64 by accident, or spills registers, or if a kernel
of the package is compiled for no dtype at all.
"""

import multiprocessing
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the table of samples lies there

import handwritten
from harness import Report
from share import reports

WORKERS = 2


def main() -> int:
    if os.environ.pop("NUMBA_ENABLE_CUDASIM", "0") == "1":
        sys.exit("NUMBA_ENABLE_CUDASIM is set: the simulator has no compiler")
    began = time.perf_counter()
    wanted, launched = sys.argv[1:], handwritten.launched()
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        shares = [pool.submit(reports, number, WORKERS, launched, wanted) for number in range(WORKERS)]
        found = sorted((report for share in shares for report in share.result()), key=str)
    print(*(found if wanted else table(found)), sep="\n")
    forgotten = handwritten.forgotten(launched)
    faulty = [report for report in found if report.faults]
    seconds = time.perf_counter() - began
    print(f"{len(found)} compilations, {len(faulty)} with faults, {seconds:.0f} s", *faulty, sep="\n")
    for name in forgotten:
        print(f"{name}: no program of handwritten.py launches this kernel")
    return 1 if faulty or forgotten or not found else 0


def table(found: list[Report]) -> list[str]:
    """A line for each kernel with a name of its own, and one for all that are generated: over its dtypes and both
    generations of GPUs, the most of what a thread and a block need."""
    families = defaultdict(list)
    for report in found:
        name = report.name.split()[0]
        families[name if "." in name else "generated"].append(report)
    lines = [f"{'kernel':<44}{'compiled':>9}{'registers':>10}{'shared B':>9}{'spilled':>8}"]
    for name, family in sorted(families.items()):
        most = (
            max(getattr(report, of) or 0 for report in family) for of in ("registers", "shared", "spilled")
        )
        lines.append("{:<44}{:>9}{:>10}{:>9}{:>8}".format(name, len(family), *most))
    return lines


if __name__ == "__main__":
    sys.exit(main())
