"""How long until something happens: imports, and the first training step of the demo with a warm and with an
empty kernel cache. Every figure is a process of its own, the median of several.

    python benchmarks/startup.py [repetitions]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

FIRST_STEP = """
import numbatorch as torch
from numbatorch.demo import network
from numbatorch.nn import functional as F
from numbatorch.utils.data import DataLoader
from numbatorch.vision.datasets import Digits

model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
images, labels = next(iter(DataLoader(Digits(), batch_size=64, shuffle=True)))
F.cross_entropy(model(images), labels).backward()
optimizer.step()
"""


def seconds(code: str, cache: str | None = None) -> float:
    environment = os.environ | ({"NUMBATORCH_CACHE_DIR": cache} if cache else {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as on a user's machine: modules are parsed once
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - began


def with_empty_cache() -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds(FIRST_STEP, folder)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds(FIRST_STEP)  # fills the cache
    rows = {
        "python alone": lambda: seconds("pass"),
        "import numpy": lambda: seconds("import numpy"),
        "import numbatorch": lambda: seconds("import numbatorch"),
        "import numbatorch, first training step, warm cache": lambda: seconds(FIRST_STEP),
        "import numbatorch, first training step, empty cache": with_empty_cache,
        "import torch": lambda: seconds("import torch"),
    }
    for name, measure in rows.items():
        print(f"{statistics.median(measure() for _ in range(repetitions)):6.2f} s  {name}")


if __name__ == "__main__":
    main()
