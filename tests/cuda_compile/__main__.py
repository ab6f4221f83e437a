"""Compile every CUDA kernel of the library for real, without a GPU.

    python tests/cuda_compile                  all of them; prints those with faults
    python tests/cuda_compile Sigmoid softmax  those whose names contain these; prints all

Exit code 1 if any kernel is refused by the compiler, computes in float64 by accident, or spills registers.
"""

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the table of samples lies there

import handwritten
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
    if wanted:
        print(*found, sep="\n")
    faulty = [report for report in found if report.faults]
    seconds = time.perf_counter() - began
    print(f"{len(found)} compilations, {len(faulty)} with faults, {seconds:.0f} s", *faulty, sep="\n")
    return 1 if faulty or not found else 0


if __name__ == "__main__":
    sys.exit(main())
