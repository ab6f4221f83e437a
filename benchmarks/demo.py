"""The demo against the same training with PyTorch: wall time of the two whole commands, warm caches, run in
turn.

python benchmarks/demo.py [repetitions]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "numbatorch": [sys.executable, "-m", "numbatorch.demo", "--output", folder],
            "PyTorch": [sys.executable, str(Path(__file__).with_name("demo_torch.py"))],
        }
        for command in commands.values():
            seconds(command)  # fills the kernel cache and the disk's
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(repetitions):
            for name, command in commands.items():
                times[name].append(seconds(command))
    for name, measured in times.items():
        print(f"{name:<11} median {statistics.median(measured):.2f} s, fastest {min(measured):.2f} s")
    faster = statistics.median(times["numbatorch"]) < statistics.median(times["PyTorch"])
    print("numbatorch takes less wall time" if faster else "PyTorch takes less wall time")
    return 0 if faster else 1


if __name__ == "__main__":
    raise SystemExit(main())
